"""A graph's rows as boxes to draw: normalisation, activations and views belong to the layer before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc import units
from archcalc.ops.op import JOIN, POOL, WEIGHTED
from archcalc.plots import diagram, lanes
from archcalc.shapes import channels
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
            macs=units.human(int(row.cost.macs)) if row.cost.macs else "",
            params=units.human(int(row.cost.params)) if row.cost.params else "",
            stages=lanes.stages(boxes(counted.graph, row)),
        )
        for row in counted.rows
    ]


def boxes(graph: Graph, row: RowCount) -> list[lanes.Box]:
    """The row's layers; a row of nothing but views or activations is one box that names them."""
    at = dict.fromkeys(row.row.sources, -1)
    made: list[lanes.Box] = []
    for counted in row.nodes:
        node = counted.node
        inputs = tuple(dict.fromkeys(at[i] for i in node.inputs))
        join = node.entry.role == JOIN
        if not join and node.entry.role not in (WEIGHTED, POOL):
            at.update({value.id: inputs[0] for value in node.outputs})
            continue
        at.update({value.id: len(made) for value in node.outputs})
        words = tables.describe(node).removeprefix("conv ")
        made.append(
            lanes.Box(
                what=words,
                widths=() if join else (int(channels(node.shape)),),
                cost=int(counted.cost.macs),
                inputs=inputs,
                join=join,
            )
        )
    if not made:
        names = " > ".join(dict.fromkeys(n.node.op for n in row.nodes)) or "nothing"
        made.append(lanes.Box(names, (), 0, (-1,)))
    return made
