"""Tables that several pages show. Floats keep six significant digits: what lies behind differs by machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archcalc.metrics import COMPARED, METRICS
from archcalc.report import words
from archcalc.views import pairs
from archcalc.views.costs import column
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    folded = any(t.key.fused for t in trials)
    columns = (
        *(pairs.COLUMNS[k] for k in ("old", "new")),
        Column("device", "device", extra=not device),
        *(pairs.COLUMNS[k] for k in ("batch", "precision", "mode", "layout")),
        replace(pairs.COLUMNS["fused"], extra=not folded),
        *(Column(n, n) for n in names),
        *(pairs.COLUMNS[k] for k in _MEASURED),
    )
    notes = (
        "rho = time(new) / time(old), R = (1 - rho) / (1 - mu), each with its 95% interval; `roofline` is "
        "the predicted rho. Times are for the full batch.",
    )
    return Table("", columns, tuple(_saving(t, names) for t in trials), (), notes)


_MEASURED = (
    *("old_ms", "new_ms", "mu", "rho", "rho_low", "rho_high", "predicted"),
    *("r", "r_low", "r_high", "verdict", "regime", "interval", "flags"),
)


def _saving(t: Trial, names: Sequence[str]) -> tuple[Any, ...]:
    values = pairs.values(t.figures) | {"regime": t.regime}
    variables = dict(t.key.variables)
    return (
        *(values[k] for k in ("old", "new")),
        words.device(t.session),
        *(values[k] for k in ("batch", "precision", "mode", "layout", "fused")),
        *(variables.get(n, "") for n in names),
        *(rounded(v) if isinstance(v := values[k], float) else v for k in _MEASURED),
    )
