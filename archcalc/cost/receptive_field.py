"""Receptive fields: how much of the network's first input decides one output.

`fields` follows the usual recurrence r' = r + (k - 1) j, j' = j s along a path, and where paths join the
larger of them: a size that does not depend on the position, and may exceed the input. `seen` walks back
from one position and gives exactly the pixels that it depends on, clipped to the input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.numbers import maximum
from archcalc.shapes import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.graph.graph import Graph, Node
    from archcalc.numbers import Number
    from archcalc.shapes import Shape

#: For each axis of the input's grid: the size of the field, and the step between neighbours, in positions
#: of the input.
Reach = tuple[tuple["Number", "Number"], ...]


def fields(graph: Graph) -> list[Reach | None]:
    """The field of each value, by axis of the first input's grid; None where that input does not reach it.

    An op that leaves no grid, as a linear layer over an image, sees its whole input.
    """
    start: Reach = ((1, 1),) * len(grid(graph.input))
    reaches: list[Reach | None] = []
    values = graph.values
    for node in graph.nodes:
        if not node.inputs:
            reaches.append(start if node.output == graph.inputs[0] else None)
            continue
        first = node.inputs[0]
        reach = reaches[first]
        for i in node.inputs[1:]:
            other = reaches[i]
            if reach is None:
                first, reach = i, other
            elif other is not None and other is not reach:
                reach = tuple(
                    (maximum(a[0], b[0]), maximum(a[1], b[1])) for a, b in zip(reach, other, strict=True)
                )
        if reach is None:
            reaches.extend([None] * len(node.outputs))
            continue
        source, output = values[first].shape, node.outputs[0].shape
        if node.entry.window is not None and len(source) == 3:
            windows = node.entry.window(node.attrs, source)
            reach = tuple(
                (size + (w.reach - 1) * step, step * w.stride)
                for (size, step), w in zip(reach, windows, strict=True)
            )
        elif len(source) > len(output) and len(source) - 1 == len(reach):
            sides = grid(source)
            reach = tuple(
                (size + (side - 1) * step, step) for (size, step), side in zip(reach, sides, strict=True)
            )
        reaches.extend([reach] * len(node.outputs))
    return reaches


#: The first and the last position along an axis.
Span = tuple[int, int]

_Positions = tuple[frozenset[int], ...]


def seen(
    graph: Graph, value: int | None = None, position: tuple[int, ...] | None = None
) -> tuple[Span, ...] | None:
    """The first and last position of the first input, along each axis, that decide one position of `value`.

    Without `value` the network's output is meant, without `position` the middle of its grid; a value
    without a grid has one position, (). None where the input does not decide it at all, as behind padding
    only. Needs integer shapes.
    """
    value = graph.output if value is None else value
    sides = grid(graph.shape(value))
    if position is None:
        position = tuple(int(side - 1) // 2 for side in sides)
    wanted: dict[int, _Positions] = {value: tuple(frozenset({p}) for p in position)}
    start = graph.inputs[0]
    for node in reversed(graph.nodes[: graph.values[value].node + 1]):
        asked = [wanted.pop(v.id) for v in node.outputs if v.id in wanted and v.id != start]
        if not asked:
            continue
        positions = _union(asked)
        for i in node.inputs:
            read = _read(node, graph.shape(i), positions)
            if all(read):
                wanted[i] = _union([wanted[i], read]) if i in wanted else read
    if start not in wanted:
        return None
    return tuple((min(axis), max(axis)) for axis in wanted[start])


def _union(several: Sequence[_Positions]) -> _Positions:
    return tuple(frozenset().union(*axis) for axis in zip(*several, strict=True))


def _read(node: Node, source: Shape, positions: _Positions) -> _Positions:
    """The positions of an input that outputs at `positions` read, those outside its grid left out."""
    sides = [int(side) for side in grid(source)]
    if len(sides) != len(positions):  # laid flat: everything; lifted to an image of one pixel: that
        return tuple(frozenset(range(side)) for side in sides)
    op, taken = node.entry, node.entry.taken(source)
    read = []
    for axis, (side, outputs) in enumerate(zip(sides, positions, strict=True)):
        if side == 1 and op.window is None:  # one pixel that meets a whole grid
            read.append(frozenset({0}))
            continue
        inside = range(side)
        taps = (tap for p in outputs for tap in op.positions(node.attrs, taken, axis, p))
        read.append(frozenset(tap for tap in taps if tap in inside))
    return tuple(read)
