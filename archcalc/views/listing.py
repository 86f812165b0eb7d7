"""The shipped networks -> the table of their names and totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.views.costs import column
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.cost.counts import Counts


def listing(networks: list[tuple[Any, Counts]]) -> Table:
    """Every shipped network with its names and totals."""
    columns = (
        Column("name", "name"),
        Column("aliases", "aliases"),
        Column("input", "input", "shape"),
        *(column(name) for name in ("params", "macs", "depth")),
        Column("title", "title", extra=True),
        Column("source", "source", extra=True),
    )
    rows = tuple(
        (
            outline.name,
            ", ".join(outline.aliases),
            counts.graph.input,
            counts.total.params,
            counts.total.macs,
            counts.total.depth,
            outline.title,
            counts.graph.origin.source if counts.graph.origin else "",
        )
        for outline, counts in networks
    )
    notes = ("Inference, batch 1, without side heads. MACs are multiply-adds (FLOPs = 2 x MACs).",)
    return Table("", columns, rows, (), notes)
