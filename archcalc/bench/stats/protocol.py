"""The measuring protocol: its numbers, what it needs of a runner, and the raw runs it yields.

Nothing here knows what is timed. A `Subject` runs a network and reads a clock: the CPU and CUDA
runners and the simulated device are all subjects. The loops that follow these numbers are in
`rounds.py`. The numbers are those of the project's measuring protocol; the one departure is argued
at `Protocol`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol as Interface

from archcalc.bench.stats.fields import OPTIONAL
from archcalc.bench.stats.flags import Flag, bimodal, present, wide_interval
from archcalc.bench.stats.statistics import (
    SMALLEST_SAMPLE,
    MeasuredInterval,
    log_ratio,
    median_interval,
    over_processes,
    round_times,
)

Slots = tuple[int, int, int, int]  # ns, in the order in which they ran


class Subject(Interface):
    """Something that can be run and timed."""

    def slot(self, repeats: int) -> int:
        """Run `repeats` times back to back, wait for the end, and return the ns it took."""


class Order(StrEnum):
    """In which order the two networks ran in a round; A is the old one."""

    ABBA = "ABBA"
    BAAB = "BAAB"


class StopReason(StrEnum):
    """Why a run ended."""

    PRECISE = "precise"
    MAX_ROUNDS = "max-rounds"
    OUT_OF_TIME = "out-of-time"


@dataclass(frozen=True, slots=True)
class Protocol:
    """All the numbers of the measuring protocol; times in seconds, fractions relative.

    `half_width_*` and `null_tolerance_*` depend on the device: what is not CUDA counts as CPU.
    `null_tolerance_gpu` is for CUDA graphs; calls from the host (eager, compile) scatter by 1% between two
    equal networks and have `null_tolerance_gpu_calls`.
    `extra_work` is what the null test adds to A and must notice. `max_seconds` ends a run that is
    too long for the machine (None: never). `null_rounds` are the most that the null test may take to
    reach its tolerance, whatever the points are given; `null_seconds` ends each of its runs by the clock
    (None: never). `processes` are fresh ones for each pair. A window of
    the warm-up has at least so many slots and lasts so long: over ten slots of 5 ms even a ramp that
    has 10% to go changes by less than 0.5%.

    `stop_confidence`: the run stops once the interval at *this* confidence is within the target,
    while the interval that is reported stays at 95%. To stop as soon as the reported interval
    happens to be narrow selects lucky ones: simulated with looks at 20, 40, 80 that covers only
    94.4% where the typical half-width is near the target, so that 5.6% of A/A pairs differ. Judged
    at 99% it covers 95.5% or more at every level of normal, Laplace or Student noise, for up to 1.7
    times the rounds near the target and for none more where the device is quiet.
    """

    name: str = "default"
    warm_up_min_s: float = 1.0
    warm_up_max_s: float = 10.0
    window_agreement: float = 0.005
    window_slots: int = 10
    window_s: float = 0.25
    slot_s: float = 0.005
    min_rounds: int = 20
    max_rounds: int = 80
    stop_confidence: float = 0.99
    half_width_gpu: float = 0.005
    half_width_cpu: float = 0.01
    null_tolerance_gpu: float = 0.003
    null_tolerance_cpu: float = 0.01
    extra_work: float = 0.05
    null_attempts: int = 2
    null_rounds: int = 80
    processes: int = 3
    max_seconds: float | None = None
    null_tolerance_gpu_calls: float = field(default=0.01, metadata=OPTIONAL)
    null_seconds: float | None = field(default=None, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        sound = (
            SMALLEST_SAMPLE <= self.min_rounds <= min(self.max_rounds, self.null_rounds)
            and 0 <= self.warm_up_min_s <= self.warm_up_max_s
            and 0.95 <= self.stop_confidence < 1
            and self.window_slots >= 3
            and min(self.processes, self.null_attempts) >= 1
            and all(s is None or s > 0 for s in (self.max_seconds, self.null_seconds))
        )
        fractions = (
            self.window_agreement,
            self.window_s,
            self.slot_s,
            self.half_width_gpu,
            self.half_width_cpu,
            self.null_tolerance_gpu,
            self.null_tolerance_gpu_calls,
            self.null_tolerance_cpu,
            self.extra_work,
        )
        if not sound or not all(f > 0 and math.isfinite(f) for f in fractions):
            raise ValueError(f"these numbers cannot be followed: {self}")

    def half_width(self, device: str) -> float:
        """The relative half-width at which a run on this kind of device may stop."""
        return self.half_width_gpu if _is_gpu(device) else self.half_width_cpu

    def null_tolerance(self, device: str, mode: str = "graph") -> float:
        """How far from 1.0 the interval of A against A may reach, on a kind of device in a mode."""
        if not _is_gpu(device):
            return self.null_tolerance_cpu
        return self.null_tolerance_gpu if mode == "graph" else self.null_tolerance_gpu_calls


QUICK = Protocol("quick", max_rounds=20, processes=1)
DEFAULT = Protocol()
THOROUGH = Protocol("thorough", min_rounds=40, processes=5)
PRESETS = {preset.name: preset for preset in (QUICK, DEFAULT, THOROUGH)}


def _is_gpu(device: str) -> bool:
    return device.split(":")[0] == "cuda"


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What the warm-up saw: its length (s), windows, and the last change between two windows."""

    seconds: float
    windows: int
    change: float
    steady: bool


@dataclass(frozen=True, slots=True)
class PairRun:
    """Raw times of two networks, interleaved, in one process; A is the old, B the new one.

    `slots_ns` are in the order in which they ran, four to a round; `repeats` are runs in a slot.
    `algorithms` are the names of the kernels that A and that B ran in this process, sorted, once each;
    empty where they are not known. Autotuning may choose others in another process.
    """

    process: int
    seed: int
    repeats: tuple[int, int]
    orders: tuple[Order, ...]
    slots_ns: tuple[Slots, ...]
    warm_up: WarmUp
    stop: StopReason
    flags: tuple[Flag, ...] = ()
    algorithms: tuple[tuple[str, ...], ...] = field(default=(), metadata=OPTIONAL)

    def __post_init__(self) -> None:
        if len(self.orders) != len(self.slots_ns) or len(self.orders) < SMALLEST_SAMPLE:
            raise ValueError(f"needs {SMALLEST_SAMPLE} rounds or more, each with its order")
        if min(self.repeats) < 1 or any(min(slots) < 1 for slots in self.slots_ns):
            raise ValueError("repeats and slot times start at 1")

    @property
    def log_ratios(self) -> tuple[float, ...]:
        """x = log((B1 + B2) / (A1 + A2)) of each round, per run."""
        return tuple(
            log_ratio(order, slots, self.repeats)
            for order, slots in zip(self.orders, self.slots_ns, strict=True)
        )

    @property
    def log_rho(self) -> MeasuredInterval:
        """The logarithm of time(new) / time(old) with its interval."""
        return median_interval(self.log_ratios)

    def log_latency(self, which: int) -> MeasuredInterval:
        """The logarithm of ns for a run of A (`which` = 0) or of B (1), over rounds."""
        return median_interval(self.log_times(which))

    def log_times(self, which: int) -> tuple[float, ...]:
        """The logarithm of ns for a run of A (0) or B (1) in each round."""
        runs = 2 * self.repeats[which]
        return tuple(
            math.log(round_times(order, slots)[which] / runs)
            for order, slots in zip(self.orders, self.slots_ns, strict=True)
        )


@dataclass(frozen=True, slots=True)
class SoloRun:
    """Raw slot times (ns) of one network alone in one process; `algorithms` as in `PairRun`."""

    process: int
    repeats: int
    slots_ns: tuple[int, ...]
    warm_up: WarmUp
    stop: StopReason
    flags: tuple[Flag, ...] = ()
    algorithms: tuple[str, ...] = field(default=(), metadata=OPTIONAL)

    def __post_init__(self) -> None:
        if len(self.slots_ns) < SMALLEST_SAMPLE:
            raise ValueError(f"needs {SMALLEST_SAMPLE} slots or more")
        if self.repeats < 1 or min(self.slots_ns) < 1:
            raise ValueError("repeats and slot times start at 1")

    @property
    def log_times(self) -> tuple[float, ...]:
        """The logarithm of ns for a run, slot by slot."""
        return tuple(math.log(slot / self.repeats) for slot in self.slots_ns)

    @property
    def log_latency(self) -> MeasuredInterval:
        """The logarithm of ns for a run. Slots of one network alone are taken as independent."""
        return median_interval(self.log_times)


# ---------------------------------------------------------------- over all runs


def rho_of(runs: Sequence[PairRun]) -> MeasuredInterval:
    """time(new) / time(old) with its interval, over the processes of `runs`."""
    return over_processes([run.log_rho for run in runs]).exp()


def pair_latency_ns(runs: Sequence[PairRun], which: int) -> MeasuredInterval:
    """ns for a run of the old (0) or new (1) network of a pair; its time here, not its ratio.

    Unlike rho this feels drift and throttling in full: the interval holds for these minutes only.
    """
    return over_processes([median_interval(run.log_times(which)) for run in runs]).exp()


def solo_latency_ns(runs: Sequence[SoloRun]) -> MeasuredInterval:
    """ns for a run of a network timed alone, with its interval over the processes of `runs`."""
    return over_processes([run.log_latency for run in runs]).exp()


def pair_flags(runs: Sequence[PairRun], target: float) -> tuple[Flag, ...]:
    """What only all processes together can show: an interval too wide, or two groups."""
    logs = [run.log_rho for run in runs]
    return present(wide_interval(over_processes(logs).exp(), target), bimodal(logs))
