"""How well a device was used: rates, shares of the ceilings, which kernels ran; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.bench import results
from archcalc.bench.stats.roofline import WorkKind

if TYPE_CHECKING:
    from archcalc.bench.records.observed import HostCost, KernelTime
    from archcalc.bench.records.record import Point, Record
    from archcalc.bench.results import Latency, RowFigures
    from archcalc.bench.stats.roofline import Ceilings, Work


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What `ns` for some counted work means on a device; None where something was not measured.

    `flops`: FLOP/s (2 x MACs); `arithmetic`: the share of the ceilings' arithmetic that this is, each kind of
    kernel against its own; `bandwidth`: bytes/s of the counted traffic; `memory`: its share of the copy's,
    which passes 1 where caches spare traffic. `kernels` ran in one forward pass by the profiler, `counted`
    were counted: more ran where the library splits or converts, fewer where it merges. `tensor_cores`: did
    they do all products, by the kernels' names.
    """

    ns: float
    flops: float
    arithmetic: float | None
    bandwidth: float
    memory: float | None
    kernels: int | None
    counted: int
    tensor_cores: bool | None
    host: HostCost | None


def efficiency(
    work: Sequence[Work],
    ns: float,
    ceilings: Ceilings | None,
    kernels: Sequence[KernelTime] = (),
    host: HostCost | None = None,
) -> Efficiency:
    """The efficiency of `work` done in `ns` (> 0), with what was noted beside it."""
    flops = sum(w.flops for w in work)
    moved = sum(w.bytes for w in work)
    arithmetic = memory = None
    if ceilings is not None:
        arithmetic = sum(w.flops / ceilings.flops(w.kind) for w in work) * 1e9 / ns
        memory = moved / ceilings.bandwidth * 1e9 / ns
    return Efficiency(
        ns=ns,
        flops=flops / ns * 1e9,
        arithmetic=arithmetic,
        bandwidth=moved / ns * 1e9,
        memory=memory,
        kernels=sum(k.count for k in kernels) if kernels else None,
        counted=len(work),
        tensor_cores=tensor_cores(k.name for k in kernels) if _has_products(work) else None,
        host=host,
    )


def of_latency(record: Record, latency: Latency) -> Efficiency:
    """The efficiency of a network at a point."""
    limits = results.ceilings(record.session(latency.point), latency.point.key)
    network = latency.network
    return efficiency(network.work, latency.ns.point, limits, network.kernels, network.host)


def of_row(record: Record, point: Point, figures: RowFigures) -> Efficiency:
    """The efficiency of a row by itself."""
    limits = results.ceilings(record.rows_session(point), point.key)
    row = figures.row
    return efficiency(row.work, figures.isolated.point, limits, row.kernels, row.host)


def _has_products(work: Iterable[Work]) -> bool:
    return any(w.kind is not WorkKind.OTHER for w in work)


# Kernels of products by parts of their names: cuDNN, cuBLAS, CUTLASS, and nvjet (cuBLAS 13).
_PRODUCTS = ("conv", "gemm", "fprop", "cutlass", "nvjet", "xmma", "winograd", "gemv")
# Among those, what only changes a layout, adds a bias or sums parts up.
_HELPERS = (
    "nchwtonhwc",
    "nhwctonchw",
    "splitk",
    "reduce_kernel",
    "bias",
    "transpose",
    "elementwise",
    "im2col",
)
# What says that tensor cores did it: matrix instructions by name, and their shapes.
_TENSOR_CORES = (
    "xmma",
    "gmma",
    "mma_",
    "_mma",
    "tensorop",
    "s1688",
    "s16816",
    "h1688",
    "h16816",
    "nvjet",
    "tf32f32",
)


def tensor_cores(names: Iterable[str]) -> bool | None:
    """Did tensor cores do every product? By the kernels' names; None where none of them is a product."""
    lower = (name.lower() for name in names)
    products = [n for n in lower if any(p in n for p in _PRODUCTS) and not any(h in n for h in _HELPERS)]
    if not products:
        return None
    return all(any(part in name for part in _TENSOR_CORES) for name in products)
