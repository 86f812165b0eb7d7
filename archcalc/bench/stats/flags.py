"""What can make a figure less trustworthy, each with its remedy, and how it is detected.

One table: a new flag is one entry in `REMEDIES` and one detector. The detectors see plain numbers,
so that a simulated device, NVML and a saved record are all judged by the same lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median

from archcalc.bench.stats.statistics import MeasuredInterval, drift, split


class FlagKind(StrEnum):
    """The kinds of flags; the values are what records and tables show."""

    WIDE_INTERVAL = "wide-interval"
    MAX_ROUNDS = "max-rounds"
    DRIFT = "drift"
    SLOW_WARM_UP = "slow-warm-up"
    THROTTLING = "throttling"
    HOST_BOUND = "host-bound"
    BIMODAL = "bimodal-processes"
    OTHER_PROCESSES = "other-processes"
    COLLAPSED = "collapsed-outputs"
    NULL_TEST = "null-test-failed"


REMEDIES: dict[FlagKind, str] = {
    FlagKind.WIDE_INTERVAL: "close other programs, or ask for more rounds and processes (--thorough)",
    FlagKind.MAX_ROUNDS: "the rounds or the time ran out before the interval was narrow enough:"
    " quieten the machine, or use --thorough",
    FlagKind.DRIFT: "let the device reach a steady temperature, lock its clocks where that is"
    " allowed, and measure again",
    FlagKind.SLOW_WARM_UP: "something still settles (clocks, autotuning, other programs): warm up"
    " for longer, or measure when the machine is idle",
    FlagKind.THROTTLING: "improve the cooling, raise the power limit, or lock the clocks at a rate"
    " that the device can hold",
    FlagKind.HOST_BOUND: "the device waits for the host: use --mode graph or a larger batch to"
    " measure the device",
    FlagKind.BIMODAL: "autotuning chose other algorithms in some processes: report the groups"
    " apart, or measure more processes (--thorough)",
    FlagKind.OTHER_PROCESSES: "end the other processes on this GPU, or choose another one",
    FlagKind.COLLAPSED: "check the weights and the precision: a constant or non-finite output can"
    " be computed faster than a real one",
    FlagKind.NULL_TEST: "a network timed against itself differs, or extra work goes unseen:"
    " quieten the machine; until then no verdict is given",
}

DRIFT_LIMIT = 0.01
DRIFT_Z = 2.576  # two-sided 1%: a flag that noise alone raises is soon ignored
CLOCK_LOSS = 0.05  # a boost clock breathes by one or two steps of 15 MHz, well under 5%


@dataclass(frozen=True, slots=True)
class Flag:
    """One warning: its kind, and what was seen as a phrase without a full stop."""

    kind: FlagKind
    detail: str

    @property
    def remedy(self) -> str:
        """What the user can do about it."""
        return REMEDIES[self.kind]


def wide_interval(rho: MeasuredInterval, target: float) -> Flag | None:
    """The final interval's relative half-width exceeds the protocol's target."""
    half = rho.log().half_width
    if half <= target:
        return None
    return Flag(FlagKind.WIDE_INTERVAL, f"half-width {half:.2%}, wanted {target:.2%} or less")


def max_rounds(rounds: int, half_width: float, target: float) -> Flag | None:
    """A run ended, after `rounds`, with its interval still too wide."""
    if half_width <= target:
        return None
    seen = f"half-width {half_width:.2%} after {rounds} rounds, wanted {target:.2%}"
    return Flag(FlagKind.MAX_ROUNDS, seen)


def drifting(logs: Sequence[float], what: str = "times") -> Flag | None:
    """Logarithms of times (or of ratios) moved by over 1% from the first third to the last."""
    moved = drift(logs)
    if abs(moved.change) <= DRIFT_LIMIT or abs(moved.z) <= DRIFT_Z:
        return None
    seen = f"{what} {moved.change:+.1%} from the first third of the rounds to the last"
    return Flag(FlagKind.DRIFT, seen)


def slow_warm_up(steady: bool, seconds: float, change: float) -> Flag | None:
    """Two windows in a row never agreed before the warm-up had to end."""
    if steady:
        return None
    return Flag(FlagKind.SLOW_WARM_UP, f"still changing by {change:.1%} after {seconds:.1f} s")


# NVML's clocks event reasons (nvml.h, nvmlClocksEventReason*). Idle (0x1), a clock that the user
# locked (0x2) and the display's clock (0x100) are settings or rest, and so no throttling.
THROTTLE_REASONS: dict[int, str] = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "thermal slowdown (software)",
    0x40: "thermal slowdown (hardware)",
    0x80: "power brake",
}


def throttling(reasons: Iterable[int], clocks_mhz: Sequence[float] = ()) -> Flag | None:
    """Any of NVML's throttling bits, or an SM clock that fell by over 5% while under load.

    `reasons` are the bit masks and `clocks_mhz` the clocks, sampled between rounds in order; the
    last third of the clocks is compared with the highest that was seen.
    """
    mask = 0
    for sample in reasons:
        mask |= sample
    seen = [name for bit, name in THROTTLE_REASONS.items() if mask & bit]
    if clocks_mhz:
        top, late = max(clocks_mhz), median(clocks_mhz[-math.ceil(len(clocks_mhz) / 3) :])
        if late < top * (1 - CLOCK_LOSS):
            seen.append(f"clock fell from {top:.0f} to {late:.0f} MHz")
    return Flag(FlagKind.THROTTLING, ", ".join(seen)) if seen else None


def host_bound(enqueue_ns: float, device_ns: float) -> Flag | None:
    """The host took longer to enqueue the work than the device took to do it."""
    if enqueue_ns <= device_ns:
        return None
    seen = f"enqueuing takes {enqueue_ns / 1e6:.2f} ms, the device {device_ns / 1e6:.2f} ms"
    return Flag(FlagKind.HOST_BOUND, seen)


def bimodal(processes: Sequence[MeasuredInterval]) -> Flag | None:
    """The intervals of the processes (of logarithms) fall into two groups, over 1% apart."""
    groups = split(processes)
    if groups is None:
        return None
    low = math.exp(fmean(processes[i].point for i in groups.lower))
    high = math.exp(fmean(processes[i].point for i in groups.upper))
    seen = f"{len(groups.lower)} processes near {low:.3f}, {len(groups.upper)} near {high:.3f}"
    return Flag(FlagKind.BIMODAL, seen)


def other_processes(pids: Iterable[int], own: Iterable[int]) -> Flag | None:
    """Processes on the GPU besides our own. NVML may list ids of another namespace: see callers."""
    others = sorted(set(pids) - set(own))
    if not others:
        return None
    return Flag(FlagKind.OTHER_PROCESSES, "process " + ", ".join(map(str, others)))


def collapsed(finite: bool, deviation: float, magnitude: float) -> Flag | None:
    """Outputs that are not finite, or constant: a deviation under 1e-6 of their magnitude.

    `deviation` is the standard deviation of the outputs, `magnitude` their largest absolute value.
    """
    if not finite:
        return Flag(FlagKind.COLLAPSED, "outputs are not finite")
    if not deviation > 1e-6 * magnitude:
        return Flag(FlagKind.COLLAPSED, "outputs are constant")
    return None


def null_test_failed(refused: bool, why: str) -> Flag | None:
    """The session's null test failed as often as it may; `why` is the last attempt's problem."""
    return Flag(FlagKind.NULL_TEST, why) if refused else None


def present(*flags: Flag | None) -> tuple[Flag, ...]:
    """The flags that were raised, in the order of the detectors."""
    return tuple(flag for flag in flags if flag is not None)
