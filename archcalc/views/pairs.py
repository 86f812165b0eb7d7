"""Two networks timed against each other: the figures of a pair, under the names that all tables give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from archcalc.views.tables import Column

if TYPE_CHECKING:
    from archcalc.bench.results import PairFigures
    from archcalc.bench.stats.statistics import MeasuredInterval

_ALL: Final = (
    Column("old", "old"),
    Column("new", "new"),
    Column("batch", "batch", "integer"),
    Column("precision", "precision"),
    Column("mode", "mode"),
    Column("layout", "layout"),
    Column("fused", "folded"),
    Column("old_ms", "old, ms", "milliseconds"),
    Column("new_ms", "new, ms", "milliseconds"),
    Column("mu", "mu", "ratio"),
    Column("rho", "rho", "ratio"),
    Column("rho_low", "from", "ratio"),
    Column("rho_high", "to", "ratio"),
    Column("predicted", "roofline", "ratio"),
    Column("difference", "measured over it", "percent"),
    Column("r", "R", "ratio"),
    Column("r_low", "from", "ratio"),
    Column("r_high", "to", "ratio"),
    Column("verdict", "verdict"),
    Column("regime", "regime"),
    Column("interval", "interval", extra=True),
    Column("flags", "flags"),
)

#: Every figure of a pair by its key, with raw values.
COLUMNS: Final = {column.key: column for column in _ALL}


def values(figures: PairFigures) -> dict[str, Any]:
    """The figures of a pair by the keys of `COLUMNS`: times in ms, ratios as floats, None where undefined."""
    key, saving = figures.point.key, figures.saving
    return {
        "old": figures.old.network.name,
        "new": figures.new.network.name,
        "batch": key.batch,
        "precision": key.precision,
        "mode": key.mode,
        "layout": key.layout,
        "fused": "yes" if key.fused else "",
        "old_ms": figures.old.milliseconds.point,
        "new_ms": figures.new.milliseconds.point,
        "mu": saving.mu,
        **_ends("rho", saving.rho),
        "predicted": figures.predicted,
        "difference": figures.difference,
        **_ends("r", saving.interval),
        "verdict": figures.verdict,
        "regime": figures.regime,
        "interval": saving.rho.label,
        "flags": " ".join(sorted({str(flag.kind) for flag in figures.flags})),
    }


def _ends(name: str, interval: MeasuredInterval | None) -> dict[str, float | None]:
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: interval.point, f"{name}_low": interval.low, f"{name}_high": interval.high}
