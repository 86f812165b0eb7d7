"""Peak memory: bytes of values alive at once while the nodes run one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.numbers import maximum
from archcalc.shapes import BYTES, FLOAT, OWN_BYTES, elements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archcalc.graph.graph import Graph, Value
    from archcalc.numbers import Number


def value_bytes(value: Value, precision: str) -> Number:
    """Bytes of a value for one item of the batch."""
    size = BYTES[precision] if value.dtype == FLOAT else OWN_BYTES[value.dtype]
    return elements(value.shape) * size


def alive(graph: Graph, sizes: Sequence[Number]) -> list[Number]:
    """Bytes of values alive while each node runs: what it reads, what it gives, and what waits.

    `sizes` are the bytes of each value. A value is freed after its last reader; the network's outputs stay
    to the end; views take no room of their own.
    """
    owner: list[int] = []
    last: dict[int, int] = {}
    for node in graph.nodes:
        view = bool(node.inputs) and not node.entry.moves
        for value in node.outputs:
            owner.append(owner[node.inputs[0]] if view else value.id)
        for i in node.inputs:
            last[owner[i]] = node.index
    for i in graph.outputs:
        last[owner[i]] = len(graph.nodes)
    ending: dict[int, list[int]] = {}
    for i in set(owner):
        made = graph.values[i].node
        ending.setdefault(max(last.get(i, made), made), []).append(i)
    live: list[Number] = []
    now: Number = 0
    for node in graph.nodes:
        for value in node.outputs:
            if owner[value.id] == value.id:
                now = now + sizes[value.id]
        live.append(now)
        for i in ending.get(node.index, ()):
            now = now - sizes[i]
    return live


def peak(live: Sequence[Number], nodes: Iterable[int]) -> Number:
    """The most bytes alive while one of `nodes` runs."""
    most: Number = 0
    for i in nodes:
        most = maximum(most, live[i])
    return most
