"""Layers sorted by what they are, for bars and for sentences such as `61% of the MACs are in 1x1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archcalc.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archcalc.cost.counts import NodeCount
    from archcalc.graph.graph import Node

POINT, THREE, SQUARE, STRIP, GROUPED, FULL, REST = KINDS = (
    "conv 1x1",
    "conv 3x3",
    "other square conv",
    "conv 1xn, nx1",
    "grouped or depthwise conv",
    "fully connected",
    "all else",
)
_BY_SIDE: Final = {1: POINT, 3: THREE}


def kind(node: Node) -> str:
    """One of `KINDS`."""
    if not node.entry.weighted:
        return REST
    if node.entry.window is None:
        return FULL
    if node.attrs.groups != 1:
        return GROUPED
    height, width = node.attrs.kernel
    return STRIP if height != width else _BY_SIDE.get(int(height), SQUARE)


def sums(nodes: Iterable[NodeCount], metric: str) -> dict[str, int]:
    """A metric of some layers by kind, without the kinds that have none of it."""
    totals: dict[str, int] = {}
    for node in nodes:
        value = int(METRICS[metric].get(node.cost))
        if value:
            name = kind(node.node)
            totals[name] = totals.get(name, 0) + value
    return totals
