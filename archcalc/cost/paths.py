"""Depth: layers with weights on the longest path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from archcalc.graph.graph import Graph, GraphRow

WEIGHTED = ("weighted",)
WITH_POOLS = ("weighted", "pool")


def depths(graph: Graph, roles: Collection[str] = WEIGHTED) -> list[int]:
    """For each value, how many ops of these roles stand on the longest path to it."""
    depth: list[int] = []
    for node in graph.nodes:
        before = 0
        for i in node.inputs:
            if depth[i] > before:
                before = depth[i]
        own = before + (node.entry.role in roles)
        depth.extend([own] * len(node.outputs))
    return depth


def depth_within(graph: Graph, row: GraphRow, roles: Collection[str] = WEIGHTED) -> int:
    """The longest path inside a row, to its output."""
    depth: dict[int, int] = {}
    for index in row.nodes:
        node = graph.nodes[index]
        before = 0
        for i in node.inputs:
            if depth.get(i, 0) > before:
                before = depth[i]
        own = before + (node.entry.role in roles)
        for value in node.outputs:
            depth[value.id] = own
    return depth.get(row.output, 0)
