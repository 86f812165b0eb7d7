"""`Graph`: a network as nodes, the values that pass between them, and the parameters that they read.

It is the waist of archcalc: whatever makes a network makes one of these, and whatever counts, builds, draws
or measures a network reads one. It knows nobody who makes one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from archcalc.display import Displayed
from archcalc.ops.table import OPS
from archcalc.shapes import FLOAT

if TYPE_CHECKING:
    from archcalc.errors import Span
    from archcalc.graph.origin import NetworkOrigin, RowOrigin
    from archcalc.ops.op import Attrs, Op, Parameter
    from archcalc.shapes import Shape


class Value(NamedTuple):
    """What passes along an edge: output `position` of node `node`. `shape` is of one item of the batch.

    `id` is its index among the graph's values.
    """

    id: int
    node: int
    position: int
    shape: Shape
    dtype: str = FLOAT


@dataclass(frozen=True, slots=True)
class Node:
    """A layer. `name` is its place in the network (`inception_3a.branch_2.conv_1`), as torch spells it.

    `op` is a key of `ops.OPS`. `inputs` are indices of values, `outputs` the values that it gives,
    `parameters` indices of the graph's parameters, `row` the index of its row. `span` is the place in a
    document from which it came.
    """

    index: int
    name: str
    op: str
    attrs: Attrs
    inputs: tuple[int, ...]
    outputs: tuple[Value, ...]
    parameters: tuple[int, ...]
    row: int
    span: Span | None = None

    @property
    def entry(self) -> Op:
        """Its op, as the table of ops describes it."""
        return OPS[self.op]

    @property
    def shape(self) -> Shape:
        """The shape of its output, or of the first of several."""
        return self.outputs[0].shape

    @property
    def output(self) -> int:
        """The index of its output, or of the first of several."""
        return self.outputs[0].id


class SharedParameter(NamedTuple):
    """A parameter of the graph, and the node that holds it; other nodes may read it too."""

    parameter: Parameter
    node: int


@dataclass(frozen=True, slots=True)
class GraphRow:
    """Some nodes that belong together, such as a row of a table.

    `sources` are the values that they read from elsewhere, `outputs` those that others read, the row's own
    result first. `head` marks a side head. `type` is what rows of one kind share (`inception`).
    """

    index: int
    name: str
    label: str
    type: str
    nodes: tuple[int, ...]
    sources: tuple[int, ...]
    outputs: tuple[int, ...]
    head: bool = False
    origin: RowOrigin | None = None

    @property
    def source(self) -> int:
        """The value that it reads, the first of several."""
        return self.sources[0]

    @property
    def output(self) -> int:
        """The value that it gives."""
        return self.outputs[0]


@dataclass(frozen=True, slots=True, repr=False)
class Graph(Displayed):
    """A network as nodes in an order in which each stands behind those that it reads.

    `inputs` are the values that the network is given, `outputs` those that it gives: the trunk's first,
    then each side head's. `origin` is where it came from, if that is known.
    """

    name: str
    title: str
    nodes: tuple[Node, ...]
    values: tuple[Value, ...]
    parameters: tuple[SharedParameter, ...]
    rows: tuple[GraphRow, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    origin: NetworkOrigin | None = None

    def __repr__(self) -> str:
        sizes = ", ".join("x".join(map(str, self.values[i].shape)) for i in self.inputs)
        return f"Graph({self.name!r}, input {sizes}, {len(self.rows)} rows, {len(self.nodes)} nodes)"

    @property
    def input(self) -> Shape:
        """The shape of the network's input, or of the first of several."""
        return self.values[self.inputs[0]].shape

    @property
    def output(self) -> int:
        """The value that the trunk gives."""
        return self.outputs[0]

    @property
    def trunk(self) -> tuple[GraphRow, ...]:
        """The rows without side heads."""
        return tuple(row for row in self.rows if not row.head)

    @property
    def heads(self) -> tuple[GraphRow, ...]:
        """The side heads."""
        return tuple(row for row in self.rows if row.head)

    def shape(self, value: int) -> Shape:
        """The shape of a value."""
        return self.values[value].shape

    def producer(self, value: int) -> Node:
        """The node that gives a value."""
        return self.nodes[self.values[value].node]

    def input_shapes(self, node: Node) -> tuple[Shape, ...]:
        """The shapes that a node reads."""
        return tuple([self.values[i].shape for i in node.inputs])

    def node_parameters(self, node: Node) -> tuple[Parameter, ...]:
        """The parameters that a node reads, shared or its own."""
        return tuple([self.parameters[i].parameter for i in node.parameters])

    def consumers(self) -> Counter[int]:
        """How many nodes read each value."""
        return Counter(i for node in self.nodes for i in node.inputs)

    def final_probabilities(self) -> frozenset[int]:
        """Nodes at the ends that turn logits into probabilities, and that nothing else reads.

        Networks are built without them, since torch's losses expect logits.
        """
        readers = self.consumers()
        ends = (self.producer(i) for i in self.outputs)
        return frozenset(n.index for n in ends if n.entry.probabilities and not readers[n.output])

    def foldable(self) -> frozenset[int]:
        """Nodes that fold into the weighted layer before them.

        Nothing else may read that layer's output, nor share its parameters.
        """
        readers = self.consumers()
        holders = Counter(i for node in self.nodes for i in node.parameters)
        folding = set()
        for node in self.nodes:
            if not node.entry.folds or readers[node.inputs[0]] != 1 or node.inputs[0] in self.outputs:
                continue
            layer = self.producer(node.inputs[0])
            if layer.entry.weighted and all(holders[i] == 1 for i in layer.parameters):
                folding.add(node.index)
        return frozenset(folding)
