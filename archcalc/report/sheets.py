"""Tables that several pages show. Floats keep six significant digits: what lies behind differs by machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.metrics import COMPARED, METRICS
from archcalc.report import words
from archcalc.views.costs import column
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.bench.stats.statistics import MeasuredInterval
    from archcalc.cost.counts import Counts
    from archcalc.report.evidence import Trial


def rounded(value: float | None) -> float | None:
    """Six significant digits: the last bits of a logarithm depend on the machine's library."""
    return None if value is None else float(f"{value:.6g}")


def networks(counted: Sequence[tuple[str, Counts]]) -> Table:
    """Costs of networks, one in a row; the first column is the document that describes it."""
    columns = (
        Column("network", "network"),
        Column("document", "spec", extra=True),
        Column("input", "input", "shape"),
        *map(column, COMPARED),
        column("field", extra=True),
        Column("source", "source", extra=True),
    )
    rows = tuple(
        (
            c.graph.name,
            document,
            c.graph.input,
            *(_compared(name, c) for name in COMPARED),
            c.total.field,
            c.graph.origin.source if c.graph.origin else "",
        )
        for document, c in counted
    )
    notes = (
        "Scope: inference, batch 1, fp32, no fusion, without side heads.",
        f"{words.MACS} {words.PARAMS} Traffic and peak memory of feature maps in bytes; depth is layers with "
        "weights on the longest path.",
    )
    return Table("", columns, rows, (), notes)


def _compared(name: str, counted: Counts) -> Any:
    value = METRICS[name].get(counted.total)
    return rounded(float(value)) if METRICS[name].kind == "ratio" else value


def savings(trials: Sequence[Trial], device: bool = False) -> Table:
    """Did the time follow the arithmetic: each trial with mu, rho, R, verdict, regime and prediction."""
    names = tuple(sorted({n for t in trials for n, _ in t.key.variables}))
    columns = (
        Column("old", "old"),
        Column("new", "new"),
        Column("device", "device", extra=not device),
        Column("batch", "batch", "integer"),
        Column("precision", "precision"),
        Column("mode", "mode"),
        Column("layout", "layout"),
        Column("fused", "folded", extra=not any(t.key.fused for t in trials)),
        *(Column(n, n) for n in names),
        Column("old_ms", "old, ms", "milliseconds"),
        Column("new_ms", "new, ms", "milliseconds"),
        Column("mu", "mu", "ratio"),
        Column("rho", "rho", "ratio"),
        Column("rho_low", "from", "ratio"),
        Column("rho_high", "to", "ratio"),
        Column("predicted", "roofline", "ratio"),
        Column("r", "R", "ratio"),
        Column("r_low", "from", "ratio"),
        Column("r_high", "to", "ratio"),
        Column("verdict", "verdict"),
        Column("regime", "regime"),
        Column("interval", "interval", extra=True),
        Column("flags", "flags"),
    )
    notes = (
        "rho = time(new) / time(old), R = (1 - rho) / (1 - mu), each with its 95% interval; `roofline` is "
        "the predicted rho. Times are for the full batch.",
    )
    return Table("", columns, tuple(_saving(t, names) for t in trials), (), notes)


def _saving(t: Trial, names: Sequence[str]) -> tuple[Any, ...]:
    key, f = t.key, t.figures
    variables = dict(key.variables)
    return (
        t.old,
        t.new,
        words.device(t.session),
        key.batch,
        key.precision,
        key.mode,
        key.layout,
        "yes" if key.fused else "",
        *(variables.get(n, "") for n in names),
        rounded(f.old.milliseconds.point),
        rounded(f.new.milliseconds.point),
        rounded(f.saving.mu),
        *_ends(f.saving.rho),
        rounded(f.predicted),
        *(_ends(f.saving.interval) if f.saving.interval is not None else (None, None, None)),
        f.verdict,
        t.regime,
        f.saving.rho.label,
        " ".join(sorted({str(flag.kind) for flag in f.flags})),
    )


def _ends(interval: MeasuredInterval) -> tuple[float | None, ...]:
    return tuple(map(rounded, (interval.point, interval.low, interval.high)))
