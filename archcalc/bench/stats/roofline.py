"""Why a row takes its time: t = sum over kernels of max(FLOPs / P, bytes / B) + t0.

The ceilings are measured in the same session on the same device; nothing here comes from a data
sheet. The model is that of Williams, Waterman and Patterson, Roofline (CACM 52:4, 2009), with the
cost of a kernel that does nothing added.

The limits without any compute-bound work. A map of C channels is S bytes; weights are small beside
it. A 5x5 convolution C -> C reads S and writes S: 2S. At equal width its factorization 3x3, 3x3
also writes and reads the map in between: 4S. Memory-bound, rho = 4S / 2S = 2; launch-bound, two
kernels in place of one, rho = 2 as well. The arithmetic falls to mu = (9 + 9) / 25 = 0.72, so

    R = (1 - rho) / (1 - mu) = (1 - 2) / (1 - 18/25) = -25/7 = -3.57, about -3.6;

for 3x3 -> 3x1, 1x3 mu = (3 + 3) / 9 = 2/3 and R = (1 - 2) / (1 - 2/3) = -3.0. Only where the 5x5
is compute-bound can the saving show: FLOPs / P must exceed 2S / B + t0 by enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from archcalc.bench.stats.fields import OPTIONAL


class WorkKind(StrEnum):
    """Which arithmetic ceiling a kernel runs under."""

    CONVOLUTION = "convolution"
    MATMUL = "matmul"
    OTHER = "other"


class Regime(StrEnum):
    """What most of a row's time is spent on."""

    COMPUTE = "compute-bound"
    MEMORY = "memory-bound"
    LAUNCH = "launch-bound"


@dataclass(frozen=True, slots=True)
class Work:
    """One kernel: FLOPs (2 x MACs), bytes read and written at the given precision, and its kind."""

    flops: int
    bytes: int
    kind: WorkKind = WorkKind.CONVOLUTION

    def __post_init__(self) -> None:
        if self.flops < 0 or self.bytes < 0:
            raise ValueError("work cannot be negative")


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What a device reached in this session at one precision.

    `matmul` and `convolution`: FLOP/s of the best large matrix product and convolution;
    `bandwidth`: bytes/s of a large copy, read plus written; `launch_ns`: ns of a trivial kernel, which
    depends on the mode (within a CUDA graph it is a fraction of a call's). `enqueue_ns`: ns for which the
    host is busy handing over a trivial kernel; `sync_ns`: ns of a wait for a device that has nothing to do.
    None where they were not measured.
    """

    precision: str
    matmul: float
    convolution: float
    bandwidth: float
    launch_ns: float
    mode: str = "eager"
    enqueue_ns: float | None = field(default=None, metadata=OPTIONAL)
    sync_ns: float | None = field(default=None, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        rates = (self.matmul, self.convolution, self.bandwidth)
        if not all(math.isfinite(r) and r > 0 for r in rates):
            raise ValueError("ceilings must be positive and finite")
        if not (math.isfinite(self.launch_ns) and self.launch_ns >= 0):
            raise ValueError("the launch time must be finite and not negative")

    def flops(self, kind: WorkKind) -> float:
        """P in FLOP/s for this kind; pooling and its like share the higher one, which is moot."""
        if kind is WorkKind.CONVOLUTION:
            return self.convolution
        if kind is WorkKind.MATMUL:
            return self.matmul
        return max(self.convolution, self.matmul)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The roofline's time (ns) of some kernels, and on what it is spent."""

    compute_ns: float
    memory_ns: float
    launch_ns: float

    @property
    def total_ns(self) -> float:
        """The predicted time in ns."""
        return self.compute_ns + self.memory_ns + self.launch_ns

    @property
    def regime(self) -> Regime:
        """The largest share; on a tie the one that comes first here: launch, memory, compute."""
        shares = (
            (self.launch_ns, Regime.LAUNCH),
            (self.memory_ns, Regime.MEMORY),
            (self.compute_ns, Regime.COMPUTE),
        )
        return max(shares, key=lambda share: share[0])[1]


def predict(work: Sequence[Work], ceilings: Ceilings) -> Prediction:
    """The time of kernels that run one after the other: each counts as its slower side, plus t0.

    Outside of CUDA graphs each run is waited for, so that the wait is part of it, as of what is measured.
    """
    wait = 0.0 if ceilings.mode == "graph" else ceilings.sync_ns or 0.0
    compute = memory = 0.0
    for kernel in work:
        by_flops = kernel.flops / ceilings.flops(kernel.kind) * 1e9
        by_bytes = kernel.bytes / ceilings.bandwidth * 1e9
        if by_flops > by_bytes:
            compute += by_flops
        else:
            memory += by_bytes
    return Prediction(compute, memory, len(work) * ceilings.launch_ns + (wait if work else 0.0))


def predicted_rho(old: Sequence[Work], new: Sequence[Work], ceilings: Ceilings) -> float:
    """time(new) / time(old) by the roofline; there must be some old work."""
    before = predict(old, ceilings).total_ns
    if before <= 0:
        raise ValueError("no time to compare with: the old list of kernels is empty")
    return predict(new, ceilings).total_ns / before


def achieved(work: Sequence[Work], ceilings: Ceilings, measured_ns: float) -> float:
    """The fraction of the roofline that was reached: predicted time / measured time."""
    if measured_ns <= 0:
        raise ValueError("a measured time is positive")
    return predict(work, ceilings).total_ns / measured_ns


def chain(
    kernels: Sequence[tuple[int, int]], channels: Sequence[int], size: int, batch: int, width: int
) -> tuple[Work, ...]:
    """Convolutions (kh, kw) with "same" padding, stride 1, in a row, on size x size maps.

    `channels` has one entry more than `kernels`; `width` is bytes per value. Traffic: the map read,
    the weights read, the map written, nothing fused. For the sweep's predictions and the limits.
    """
    if len(channels) != len(kernels) + 1:
        raise ValueError("as many channel counts as maps: one more than kernels")
    pixels = batch * size * size
    works = []
    for (height, across), (before, after) in zip(kernels, pairwise(channels), strict=True):
        weights = height * across * before * after
        moved = width * (pixels * (before + after) + weights)
        works.append(Work(2 * pixels * weights, moved))
    return tuple(works)
