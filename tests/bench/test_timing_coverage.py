"""Does the 95% interval of a whole session cover the truth, in good weather and in bad?

Each session is a run of the real loop (calibration, warm-up, rounds, stop rule) on a simulated
device. Half of the sessions are A against A, half have a planted difference of 2%. The seeds are
0, 1, 2 … and were not chosen. The noise of "awkward" is the one that hurts most: its half-width at
20 and 40 rounds is near the target, so that the stop rule selects. "shared" is a CPU with neighbours,
measured as one is: with up to 1280 rounds and seven looks.
"""

from __future__ import annotations

import math

import pytest

from archcalc.bench.runner import plan
from archcalc.bench.stats.protocol import DEFAULT, PairRun
from archcalc.bench.stats.rounds import measure_pair
from archcalc.bench.stats.simulate import SimulatedDevice, Weather

SESSIONS = 1000  # for each weather
WEATHERS = {
    "calm": Weather(noise=0.004),
    "awkward": Weather(noise=0.02),
    "drift": Weather(noise=0.01, drift=0.02),
    "spikes": Weather(noise=0.01, spikes=0.1, spike=0.5),
    "ramp": Weather(noise=0.005, ramp=0.3, ramp_s=3.0),
    "throttling": Weather(noise=0.005, throttle=0.15),
    "all at once": Weather(
        noise=0.012,
        drift=0.01,
        ramp=0.1,
        ramp_s=1.0,
        spikes=0.05,
        spike=0.4,
        throttle=0.1,
        wander=0.02,
    ),
    "shared": Weather(noise=0.03, spikes=0.05, spike=1.0, wander=0.05, wander_s=0.05),
}
PROTOCOLS = {"shared": plan.protocol("default", "cpu")}


def session(weather: str, seed: int, rho: float) -> PairRun:
    device = SimulatedDevice(WEATHERS[weather], seed)
    protocol = PROTOCOLS.get(weather, DEFAULT)
    return measure_pair(device.subject(6e6), device.subject(6e6 * rho), protocol, "cpu", seed)


@pytest.fixture(scope="module")
def sessions() -> dict[str, tuple[list[PairRun], list[PairRun]]]:
    """For each weather: A against A, and A against A slowed by 2%."""
    half = SESSIONS // 2
    return {
        name: (
            [session(name, seed, 1.0) for seed in range(half)],
            [session(name, seed, 1.02) for seed in range(half, SESSIONS)],
        )
        for name in WEATHERS
    }


@pytest.mark.slow
@pytest.mark.parametrize("weather", WEATHERS)
def test_intervals_cover(weather: str, sessions: dict[str, tuple[list[PairRun], list[PairRun]]]) -> None:
    same, slower = sessions[weather]
    held = sum(run.log_rho.contains(0.0) for run in same)
    held += sum(run.log_rho.contains(math.log(1.02)) for run in slower)
    assert 0.94 <= held / SESSIONS <= 0.98


@pytest.mark.slow
def test_equal_networks_seldom_differ(
    sessions: dict[str, tuple[list[PairRun], list[PairRun]]],
) -> None:
    runs = [run for same, _ in sessions.values() for run in same]
    assert len(runs) >= 1000
    assert sum(not run.log_rho.contains(0.0) for run in runs) / len(runs) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("weather", WEATHERS)
def test_two_percent_is_found(weather: str, sessions: dict[str, tuple[list[PairRun], list[PairRun]]]) -> None:
    _, slower = sessions[weather]
    assert sum(run.log_rho.low > 0 for run in slower) / len(slower) >= 0.95


@pytest.mark.slow
def test_timing_one_after_the_other_would_not_do(
    sessions: dict[str, tuple[list[PairRun], list[PairRun]]],
) -> None:
    """What the interleaving is for: the same slots, but all of A's before all of B's."""
    covered = 0
    for seed in range(200):
        device = SimulatedDevice(WEATHERS["all at once"], seed)
        a, b = device.subject(6e6), device.subject(6e6)
        times = [sorted(subject.slot(1) for _ in range(40)) for subject in (a, b)]
        low, high = (times[1][13] / times[0][26], times[1][26] / times[0][13])
        covered += low <= 1.0 <= high
    assert covered / 200 < 0.8
