"""A graph's rows as boxes to draw: normalisation, activations and views belong to the layer before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc import units
from archcalc.graph.graph import JOINS
from archcalc.ops.table import OPS
from archcalc.plots import diagram, lanes
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.cost.counts import Counts, RowCount
    from archcalc.graph.graph import Graph


def rows(counted: Counts) -> list[diagram.DiagramRow]:
    """Every row of the network with its boxes and its costs in words."""
    return [
        diagram.DiagramRow(
            label=row.row.label + (" (side head)" if row.row.head else ""),
            output=tables.shape(row.output),
            macs=units.human(row.cost.macs) if row.cost.macs else "",
            params=units.human(row.cost.params) if row.cost.params else "",
            stages=lanes.stages(boxes(counted.graph, row)),
        )
        for row in counted.rows
    ]


def boxes(graph: Graph, row: RowCount) -> list[lanes.Box]:
    """The row's layers; a row of nothing but views or activations is one box that names them."""
    at = {row.row.source: -1}
    made: list[lanes.Box] = []
    for counted in row.nodes:
        node = counted.node
        inputs = tuple(dict.fromkeys(at[i] for i in node.inputs))
        join = node.op in JOINS
        if not join and OPS[node.op].role not in ("weighted", "pool"):
            at[node.index] = inputs[0]
            continue
        at[node.index] = len(made)
        words = tables.describe(node).removeprefix("conv ")
        made.append(
            lanes.Box(
                what=words,
                widths=() if join else (int(node.shape[0]),),
                cost=int(counted.cost.macs),
                inputs=inputs,
                join=join,
            )
        )
    if not made:
        names = " > ".join(dict.fromkeys(n.node.op for n in row.nodes)) or "nothing"
        made.append(lanes.Box(names, (), 0, (-1,)))
    return made
