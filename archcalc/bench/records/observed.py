"""What is noted beside the slot times: kernels, host costs, the device's own samples, calibrations.

All of it is optional in a record. Empty, or None, always means that it was not measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archcalc.bench.stats.fields import OPTIONAL
from archcalc.bench.stats.protocol import SoloRun
from archcalc.bench.stats.roofline import Work


@dataclass(frozen=True, slots=True)
class KernelTime:
    """A kernel by the name that the profiler gives: launches in one forward pass, and ns of all of them."""

    name: str
    count: int
    ns: int

    def __post_init__(self) -> None:
        if self.count < 1 or self.ns < 0:
            raise ValueError(f"kernel {self.name!r:.80}: {self.count} launches in {self.ns} ns")


@dataclass(frozen=True, slots=True)
class HostCost:
    """What the host spends on one forward pass, in ns.

    `enqueue_ns`: until the work is handed over (one graph launch in graph mode); `launch_ns`: from an idle
    device's hand-over to its first kernel; `sync_ns`: the wait itself, once the device is done.
    """

    enqueue_ns: int | None = field(default=None, metadata=OPTIONAL)
    launch_ns: int | None = field(default=None, metadata=OPTIONAL)
    sync_ns: int | None = field(default=None, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        if any(ns is not None and ns < 0 for ns in (self.enqueue_ns, self.launch_ns, self.sync_ns)):
            raise ValueError("a host cost cannot be negative")


@dataclass(frozen=True, slots=True)
class DeviceSamples:
    """What the device said of itself while one process measured a point: a value for each sample, in order.

    `at_ms` counts from the first sample. `clocks_mhz` of the multiprocessors, `power_mw` of the board,
    `temperature_c` of the chip, `reasons` NVML's bit masks of what limits the clocks. A series that the
    device does not answer is empty.
    """

    process: int
    at_ms: tuple[int, ...]
    clocks_mhz: tuple[int, ...] = field(default=(), metadata=OPTIONAL)
    power_mw: tuple[int, ...] = field(default=(), metadata=OPTIONAL)
    temperature_c: tuple[int, ...] = field(default=(), metadata=OPTIONAL)
    reasons: tuple[int, ...] = field(default=(), metadata=OPTIONAL)

    def __post_init__(self) -> None:
        series = (self.clocks_mhz, self.power_mw, self.temperature_c, self.reasons)
        if any(len(values) not in (0, len(self.at_ms)) for values in series):
            raise ValueError("a series of samples has a value for each time, or none")


@dataclass(frozen=True, slots=True)
class CalibrationSample:
    """One small piece of work, timed alone in a calibration.

    `kind` is what it does (convolution, linear, pooling ...), `shape` its sizes as sorted (name, value) pairs
    such as batch, channels, grid, groups; `work` its FLOPs and bytes, `run` its raw slot times.
    """

    kind: str
    shape: tuple[tuple[str, int], ...]
    work: Work
    run: SoloRun

    def __post_init__(self) -> None:
        if list(self.shape) != sorted(dict(self.shape).items()):
            raise ValueError("the sizes of a calibration's sample must be sorted, and each given once")


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a device takes for layers by kind and shape, at one precision, mode and layout."""

    session: str
    precision: str
    mode: str
    layout: str
    samples: tuple[CalibrationSample, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """What orders the calibrations of a record; one that occurs twice is the same calibration."""
        return (self.session, self.precision, self.mode, self.layout)
