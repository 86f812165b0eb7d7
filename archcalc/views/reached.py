"""What work reached on its device, as columns beside latencies and rows, and what the device said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from archcalc.bench import efficiency
from archcalc.units import significant
from archcalc.views.tables import Column

if TYPE_CHECKING:
    from archcalc.bench.efficiency import Efficiency
    from archcalc.bench.records.record import Point, Record, Session
    from archcalc.bench.results import Latency, RowFigures

_RATES = (
    Column("gflops_per_second", "GFLOP/s", "printed", extra=True),
    Column("arithmetic_share", "of P", "percent", extra=True),
    Column("gbytes_per_second", "GB/s", "printed", extra=True),
    Column("bandwidth_share", "of B", "percent", extra=True),
)
_HOST = (
    Column("enqueue_us", "enqueue us", "printed", extra=True),
    Column("launch_us", "launch us", "printed", extra=True),
    Column("sync_us", "sync us", "printed", extra=True),
)
_KERNELS = (
    Column("kernels_counted", "kernels: counted", "integer", extra=True),
    Column("kernels_launched", "launched", "integer", extra=True),
    Column("tensor_cores", "tensor cores", extra=True),
)
_ENERGY = (Column("mj_per_image", "mJ/image", "printed", extra=True),)


def row_columns(rows: Iterable[RowFigures]) -> tuple[Column, ...]:
    """The columns of `row_values`: rates always, kernels and host costs where any row has them."""
    measured = [figures.row for figures in rows]
    return _columns(any(row.kernels for row in measured), any(row.host for row in measured), False)


def row_values(
    record: Record, point: Point, figures: RowFigures | None, columns: Sequence[Column]
) -> tuple[Any, ...]:
    """The values of a row under `row_columns`; None for each where the row was not measured."""
    if figures is None:
        return (None,) * len(columns)
    values = _values(efficiency.of_row(record, point, figures))
    return tuple(values[column.key] for column in columns)


def latency_columns(latencies: Iterable[Latency]) -> tuple[Column, ...]:
    """The columns of `latency_values`: rates always, the others where any network has them."""
    networks = [latency.network for latency in latencies]
    energy = any(network.energy_mj is not None for network in networks)
    return _columns(any(n.kernels for n in networks), any(n.host for n in networks), energy)


def latency_values(record: Record, latency: Latency, columns: Sequence[Column]) -> tuple[Any, ...]:
    """The values of a network's latency under `latency_columns`."""
    values = _values(efficiency.of_latency(record, latency))
    energy = latency.millijoules
    values["mj_per_image"] = None if energy is None else significant(energy)
    return tuple(values[column.key] for column in columns)


def _columns(kernels: bool, host: bool, energy: bool) -> tuple[Column, ...]:
    optional = ((kernels, _KERNELS), (energy, _ENERGY), (host, _HOST))
    return (*_RATES, *(column for wanted, columns in optional if wanted for column in columns))


def _values(reached: Efficiency) -> dict[str, Any]:
    tensor, host = reached.tensor_cores, reached.host
    costs = (host.enqueue_ns, host.launch_ns, host.sync_ns) if host else (None, None, None)
    microseconds = (None if ns is None else significant(ns * 1e-3) for ns in costs)
    return {
        "gflops_per_second": significant(reached.flops * 1e-9),
        "arithmetic_share": reached.arithmetic,
        "gbytes_per_second": significant(reached.bandwidth * 1e-9),
        "bandwidth_share": reached.memory,
        "kernels_counted": reached.counted,
        "kernels_launched": reached.kernels,
        "tensor_cores": None if tensor is None else "yes" if tensor else "no",
        **dict(zip((column.key for column in _HOST), microseconds, strict=True)),
    }


# -- notes ------------------------------------------------------------------------------------------


def clocks(session: Session) -> str:
    """Whether the device held its clocks at a fixed rate; empty where it was not asked."""
    if session.clocks_locked is None:
        return ""
    return "clocks locked" if session.clocks_locked else "clocks not locked"


def samples(points: Iterable[Point]) -> str:
    """What the device said while some points were measured: clock, power, temperature; empty if nothing."""
    taken = [sample for point in points for sample in point.samples]
    series = (
        ("clock", "MHz", 1.0, [v for s in taken for v in s.clocks_mhz]),
        ("power", "W", 1e-3, [v for s in taken for v in s.power_mw]),
        ("temperature", "°C", 1.0, [v for s in taken for v in s.temperature_c]),
    )
    parts = [
        f"{name} {min(v) * unit:.0f} to {max(v) * unit:.0f} {of} (median {median(v) * unit:.0f})"
        for name, of, unit, v in series
        if v
    ]
    return f"While measuring: {', '.join(parts)}." if parts else ""
