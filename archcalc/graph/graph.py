"""`Spec` -> `Graph`: every layer as a node with its op, attributes, inputs and shape.

Rows are built in the table's order, each reading what the row before it gives; side heads read the row
that they name. Shapes are (channels, height, width) of one image; a linear layer gives (features, 1, 1).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archcalc.ops.table import JOINS as JOINS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.errors import Span
    from archcalc.ops.table import Attrs, Shape
    from archcalc.spec.arithmetic import Number
    from archcalc.spec.rows import TableRow
    from archcalc.spec.spec import Spec


@dataclass(frozen=True, slots=True)
class Node:
    """A layer. `name` is its place in the network (`inception_3a.branch_2.conv_1`), as torch spells it.

    `inputs` are indices of nodes; `row` is the index of its row. `op` is a key of `ops.OPS`, or `input`,
    or one of `JOINS`.
    """

    index: int
    name: str
    op: str
    attrs: Attrs
    inputs: tuple[int, ...]
    shape: Shape
    row: int
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class GraphRow:
    """A row of the paper's table: its nodes, the node that it reads and the node that it gives."""

    index: int
    name: str
    label: str
    type: str
    nodes: tuple[int, ...]
    source: int
    output: int
    head: bool
    row: TableRow
    used: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Graph:
    """A network as nodes in an order in which each stands behind its inputs; node 0 is the input."""

    name: str
    title: str
    input: Shape
    nodes: tuple[Node, ...]
    rows: tuple[GraphRow, ...]
    spec: Spec = field(repr=False)

    @property
    def trunk(self) -> tuple[GraphRow, ...]:
        """The rows of the table, without side heads."""
        return tuple(row for row in self.rows if not row.head)

    @property
    def output(self) -> int:
        """The node that the last row of the trunk gives."""
        return self.trunk[-1].output

    def consumers(self) -> Counter[int]:
        """How many nodes read each node."""
        return Counter(i for node in self.nodes for i in node.inputs)


def parse_input(text: str) -> Shape | int:
    """`299` or `3x299x299` (channels first; `299x299x3` is understood too). Raises ValueError."""
    found = re.fullmatch(r"(\d{1,6})(?:[x×,](\d{1,6})[x×,](\d{1,6}))?", text.strip())
    if found is None or 0 in (sizes := tuple(int(g) for g in found.groups() if g)):
        raise ValueError(f"`{text}` is not an input size; write `299` or `3x299x299`")
    return sizes[0] if len(sizes) == 1 else channels_first(sizes)


def channels_first(sizes: Sequence[Number]) -> Shape:
    """Papers print 224x224x3, torch 3x224x224: the end with at most 4 channels is the channels."""
    a, b, c = sizes
    first = isinstance(a, int) and a <= 4 and not (isinstance(c, int) and c <= 4)
    return (a, b, c) if first else (c, a, b)


def shown(shape: Shape) -> str:
    """A shape as papers print it: height x width x channels."""
    return f"{shape[1]}x{shape[2]}x{shape[0]}"
