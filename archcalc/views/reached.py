"""What work reached on its device, as columns beside latencies and rows, and what the device said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from archcalc.views.tables import Column

if TYPE_CHECKING:
    from archcalc.bench.records.observed import HostCost
    from archcalc.bench.records.record import Point, Session
    from archcalc.bench.results import Latency, Rates, RowFigures

_RATES = (
    Column("gflops_per_second", "GFLOP/s", "printed", extra=True),
    Column("arithmetic_share", "of P", "percent", extra=True),
    Column("gbytes_per_second", "GB/s", "printed", extra=True),
)
_HOST = (
    Column("enqueue_us", "enqueue us", "printed", extra=True),
    Column("launch_us", "launch us", "printed", extra=True),
    Column("sync_us", "sync us", "printed", extra=True),
)
_ROW_KERNELS = (
    Column("kernels_counted", "kernels: counted", "integer", extra=True),
    Column("kernels_launched", "launched", "integer", extra=True),
    Column("tensor_cores", "tensor cores", extra=True),
)
_ENERGY = (Column("mj_per_image", "mJ/image", "printed", extra=True),)


def row_columns(rows: Iterable[RowFigures]) -> tuple[Column, ...]:
    """The columns of `row_values`: rates always, kernels and host costs where any row has them."""
    figures = list(rows)
    kernels = any(f.row.kernels or f.row.isolated_kernels for f in figures)
    host = any(f.row.host for f in figures)
    return (*_RATES, *(_ROW_KERNELS if kernels else ()), *(_HOST if host else ()))


def row_values(figures: RowFigures | None, columns: Sequence[Column]) -> tuple[Any, ...]:
    """The values of a row under `row_columns`; None for each where the row was not measured."""
    if figures is None:
        return (None,) * len(columns)
    values = _rates(figures.rates) | _host(figures.row.host)
    tensor = figures.tensor_cores
    values |= {
        "kernels_counted": len(figures.row.work),
        "kernels_launched": figures.launches,
        "tensor_cores": None if tensor is None else "yes" if tensor else "no",
    }
    return tuple(values[column.key] for column in columns)


def latency_columns(latencies: Iterable[Latency]) -> tuple[Column, ...]:
    """The columns of `latency_values`: rates always, energy and host costs where any network has them."""
    networks = [x.network for x in latencies]
    energy = any(n.energy_mj is not None for n in networks)
    host = any(n.host for n in networks)
    return (*_RATES, *(_ENERGY if energy else ()), *(_HOST if host else ()))


def latency_values(latency: Latency, columns: Sequence[Column]) -> tuple[Any, ...]:
    """The values of a network's latency under `latency_columns`."""
    values = _rates(latency.rates) | _host(latency.network.host)
    energy = latency.millijoules
    values["mj_per_image"] = None if energy is None else _three(energy)
    return tuple(values[column.key] for column in columns)


def _rates(rates: Rates | None) -> dict[str, Any]:
    if rates is None:
        return dict.fromkeys((c.key for c in _RATES), None)
    return {
        "gflops_per_second": _three(rates.flops_per_second * 1e-9),
        "arithmetic_share": rates.share,
        "gbytes_per_second": _three(rates.bytes_per_second * 1e-9),
    }


def _host(host: HostCost | None) -> dict[str, Any]:
    costs = (host.enqueue_ns, host.launch_ns, host.sync_ns) if host else (None, None, None)
    return {
        column.key: None if ns is None else _three(ns * 1e-3) for column, ns in zip(_HOST, costs, strict=True)
    }


def _three(value: float) -> str:
    """Three significant digits without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".") if value else "0"


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
