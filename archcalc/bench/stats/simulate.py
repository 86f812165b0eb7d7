"""A device that needs no hardware: a fake clock, known base times and bad weather.

Each slot advances the clock by base time x runs x the state of the device x noise, plus spikes.
The state depends on the clock alone and strikes every network alike, as heat and neighbours do, so
the ratio of base times is the truth that an interval must cover.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

THROTTLED = 0x20  # NVML's bit for a thermal slowdown set by software


@dataclass(frozen=True, slots=True)
class Weather:
    """What disturbs a device; all zeros is a perfect one. Times in seconds of the fake clock.

    `noise`: sigma of each slot's log-normal factor. `drift`: relative slowdown per second.
    `ramp`, `ramp_s`: extra time at the start, relative, and the time constant with which it fades.
    `spikes`: probability that a slot meets a spike; `spike`: its mean length relative to the slot
    (exponential). `throttle`: relative slowdown while throttled; `throttle_on_s` and
    `throttle_off_s`: mean lengths of the two states (a Markov chain, so the slowness of one round
    tells of the next). `wander`: sigma of a slow state that is correlated over `wander_s`.
    """

    noise: float = 0.0
    drift: float = 0.0
    ramp: float = 0.0
    ramp_s: float = 1.0
    spikes: float = 0.0
    spike: float = 0.5
    throttle: float = 0.0
    throttle_on_s: float = 0.5
    throttle_off_s: float = 1.5
    wander: float = 0.0
    wander_s: float = 0.5


class SimulatedDevice:
    """The fake clock and the weather; the subjects made from it share both."""

    def __init__(self, weather: Weather | None = None, seed: int = 0) -> None:
        self.weather = weather or Weather()
        self.now_ns = 0
        self.throttle_reasons = 0  # as NVML would report them, all that were met so far
        # Not the bare seed: a protocol that drew its coin from the same seed would know the noise.
        self._random = random.Random(f"simulated device {seed}")
        self._throttled = False
        self._wander = 0.0

    def subject(self, base_ns: float) -> SimulatedSubject:
        """A network that takes `base_ns` for a run on the undisturbed device."""
        return SimulatedSubject(self, base_ns)

    def spend(self, base_ns: float) -> int:
        """Run work of `base_ns` now; the time that the clock says it took (ns, at least 1)."""
        weather, rng = self.weather, self._random
        seconds = self.now_ns * 1e-9
        factor = 1.0 + weather.drift * seconds
        if weather.ramp:
            factor += weather.ramp * math.exp(-seconds / weather.ramp_s)
        if self._throttled:
            factor += weather.throttle
            self.throttle_reasons |= THROTTLED
        factor *= math.exp(self._wander)
        if weather.noise:
            factor *= math.exp(rng.gauss(0.0, weather.noise))
        if weather.spikes and rng.random() < weather.spikes:
            factor += rng.expovariate(1.0) * weather.spike
        took = max(1, round(base_ns * factor))
        self._advance(took)
        return took

    def _advance(self, took_ns: int) -> None:
        """Move the clock on and let the slow states change as much as that time allows."""
        weather, rng = self.weather, self._random
        self.now_ns += took_ns
        seconds = took_ns * 1e-9
        if weather.throttle:
            mean = weather.throttle_on_s if self._throttled else weather.throttle_off_s
            if rng.random() < 1.0 - math.exp(-seconds / mean):
                self._throttled = not self._throttled
        if weather.wander:
            keep = math.exp(-seconds / weather.wander_s)
            fresh = weather.wander * math.sqrt(1.0 - keep * keep)
            self._wander = keep * self._wander + rng.gauss(0.0, fresh)


class SimulatedSubject:
    """A network on a `SimulatedDevice`; it satisfies `protocol.Subject`."""

    def __init__(self, device: SimulatedDevice, base_ns: float) -> None:
        self.device = device
        self.base_ns = base_ns

    def slot(self, repeats: int) -> int:
        """Run `repeats` times, back to back; the fake clock's ns for all of them."""
        return self.device.spend(self.base_ns * repeats)
