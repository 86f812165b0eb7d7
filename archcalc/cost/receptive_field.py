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
    from archcalc.graph.graph import Graph, Node
    from archcalc.numbers import Number
    from archcalc.shapes import Shape

#: For each axis of the input's grid: the size of the field, and the step between neighbours, in positions
#: of the input.
Reach = tuple[tuple["Number", "Number"], ...]


def fields(graph: Graph) -> list[Reach]:
    """The field of each value, by axis of the first input's grid.

    An op that leaves no grid, as a linear layer over an image, sees its whole input.
    """
    start: Reach = ((1, 1),) * len(grid(graph.input))
    reaches: list[Reach] = []
    values = graph.values
    for node in graph.nodes:
        if not node.inputs:
            reaches.append(start)
            continue
        first = node.inputs[0]
        reach = reaches[first]
        if len(node.inputs) > 1:
            for i in node.inputs[1:]:
                if reaches[i] != reach:
                    reach = tuple(
                        (maximum(a[0], b[0]), maximum(a[1], b[1]))
                        for a, b in zip(reach, reaches[i], strict=True)
                    )
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


Span = tuple[int, int]


def seen(
    graph: Graph, value: int | None = None, position: tuple[int, ...] | None = None
) -> tuple[Span, ...] | None:
    """The first and last position of the first input, along each axis, that decide one position of `value`.

    Without `value` the network's output is meant, without `position` the middle of its grid; a value
    without a grid has one position, (). None where the input does not decide it at all, as behind padding
    only. Holes between the positions, which strides leave, are not told apart. Needs integer shapes.
    """
    value = graph.output if value is None else value
    sides = grid(graph.shape(value))
    if position is None:
        position = tuple(int(side - 1) // 2 for side in sides)
    wanted: dict[int, tuple[Span, ...]] = {value: tuple((p, p) for p in position)}
    start = graph.inputs[0]
    for node in reversed(graph.nodes[: graph.values[value].node + 1]):
        spans = [wanted.pop(v.id) for v in node.outputs if v.id in wanted]
        if not spans or _gives(graph, node, start):
            if spans:
                wanted[start] = spans[0]
            continue
        span = spans[0]
        for other in spans[1:]:
            span = _hull(span, other)
        for i in node.inputs:
            read = _read(node, graph.shape(i), span)
            if read is not None:
                wanted[i] = _hull(wanted[i], read) if i in wanted else read
    return wanted.get(start)


def _gives(graph: Graph, node: Node, start: int) -> bool:
    """Whether `node` gives the input from which fields are measured."""
    return graph.values[start].node == node.index


def _hull(a: tuple[Span, ...], b: tuple[Span, ...]) -> tuple[Span, ...]:
    return tuple((min(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))


def _read(node: Node, source: Shape, span: tuple[Span, ...]) -> tuple[Span, ...] | None:
    """The positions of an input that a span of outputs reads; None where all of them lie outside."""
    sides = [int(side) for side in grid(source)]
    if len(sides) != len(span):  # laid flat: everything; lifted to an image of one pixel: its one position
        return tuple((0, side - 1) for side in sides)
    read = []
    for axis, (side, (first, last)) in enumerate(zip(sides, span, strict=True)):
        if side == 1 and node.entry.window is None:  # one pixel that meets a whole grid
            read.append((0, 0))
            continue
        low, high = node.entry.span(node.attrs, node.entry.taken(source), axis, first, last)
        low, high = max(low, 0), min(high, side - 1)
        if low > high:
            return None
        read.append((low, high))
    return tuple(read)
