"""A comparison -> the table and JSON of networks side by side, with exact ratios to the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.metrics import COMPARED
from archcalc.numbers import Array
from archcalc.views import tables
from archcalc.views.costs import column, cost_json
from archcalc.views.scope import MACS, scope
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.cost.compare import Comparison
    from archcalc.numbers import Number


def comparison(compared: Comparison) -> Table:
    """Networks as rows with their costs, and under them each one's ratios to the first."""
    columns = (
        Column("network", "network"),
        *(column(name, short=True) for name in COMPARED),
    )
    rows = tuple((n.graph.name, *(getattr(n.total, name) for name in COMPARED)) for n in compared.networks)
    first = compared.networks[0].graph.name
    ratios = tuple(
        (
            f"{n.graph.name} / {first}",
            *(tables.Ratio(r) if (r := ratios[k]) is not None else None for k in COMPARED),
        )
        for n, ratios in zip(compared.networks[1:], compared.ratios[1:], strict=True)
    )
    scopes = dict.fromkeys(scope(n) for n in compared.networks)
    notes = (
        [next(iter(scopes))] if len(scopes) == 1 else [f"{scope(n, n.graph.name)}" for n in compared.networks]
    )
    return Table("", columns, rows, ratios, (*notes, MACS, "Traffic and peak activation memory in bytes."))


def _float(ratio: Number) -> Any:
    return [float(v) for v in ratio.flat()] if isinstance(ratio, Array) else float(ratio)


def comparison_json(compared: Comparison) -> dict[str, Any]:
    """Costs and ratios for scripts."""
    return {
        "schema": 1,
        "networks": [
            {
                "name": n.graph.name,
                "input": tables.plain(n.graph.input),
                "batch": n.batch,
                "precision": n.precision,
                "heads": n.heads,
                "total": cost_json(n.total),
                "ratios": {k: None if v is None else _float(v) for k, v in ratios.items()},
                "exact": {k: None if v is None else str(v) for k, v in ratios.items()},
            }
            for n, ratios in zip(compared.networks, compared.ratios, strict=True)
        ],
    }
