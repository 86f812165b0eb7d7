"""`Graph` -> `Counts`: exact integers for each node, each row and the whole network. No torch.

Scope: inference on `batch` items. Weights and params do not depend on the batch; MACs, activations,
connections, traffic and memory are for the whole batch. Bytes are at a stated precision, each op reading
its inputs and parameters and writing its output once, without fusion unless asked for.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from archcalc.cost import memory, paths, receptive_field
from archcalc.display import Displayed
from archcalc.errors import ArchcalcError
from archcalc.numbers import ceil_div, divide, every, exact, is_whole
from archcalc.ops.op import BUFFER, RESHAPE, WEIGHT
from archcalc.shapes import BYTES, elements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archcalc.graph.graph import Graph, GraphRow, Node
    from archcalc.numbers import Number
    from archcalc.shapes import Shape, Shapes


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs. `traffic` and `peak` are bytes; `field` is the receptive field in pixels.

    `macs` counts multiply-adds of convolutions, linear layers and matrix products; `activations` the
    elements that these produce (fvcore's definition); `connections` as LeCun et al. 1998 count; `depth`
    layers with weights on the longest path, `layers` on all of them. A parameter that several nodes read
    is counted once, at the first of them.
    """

    weights: Number = 0
    params: Number = 0
    macs: Number = 0
    activations: Number = 0
    connections: Number = 0
    traffic: Number = 0
    peak: Number = 0
    depth: int = 0
    layers: int = 0
    field: Shape = (1, 1)

    @property
    def flops(self) -> Number:
        """Each multiply and each add by itself: 2 x MACs."""
        return 2 * self.macs

    @property
    def intensity(self) -> Number:
        """Arithmetic intensity: FLOPs per byte of memory traffic."""
        scalar = isinstance(self.traffic, int)
        return divide(self.flops, self.traffic) if not scalar or self.traffic else 0


#: What adds up over layers.
_ADDED: Final = ("weights", "params", "macs", "activations", "connections", "traffic", "layers")
_added = operator.attrgetter(*_ADDED)


@dataclass(frozen=True, slots=True)
class NodeCount:
    """One layer and what it costs by itself; `inputs` are the shapes that it reads."""

    node: Node
    inputs: Shapes
    cost: Cost

    @property
    def input(self) -> Shape:
        """The shape that it reads, the first of several; the network's input reads itself."""
        return self.inputs[0] if self.inputs else self.node.shape


@dataclass(frozen=True, slots=True)
class RowCount:
    """One row: its shapes and the cost of its layers together.

    `depth` is the longest path within the row; `cost.field` is the receptive field at its end.
    """

    row: GraphRow
    input: Shape
    output: Shape
    cost: Cost
    nodes: tuple[NodeCount, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Counts(Displayed):
    """What a network costs, by row and in total, with the scope in which that holds."""

    graph: Graph
    batch: Number
    precision: str
    fused: bool
    heads: bool
    rows: tuple[RowCount, ...]
    total: Cost

    def __repr__(self) -> str:
        total = self.total
        return (
            f"Counts({self.graph.name!r}, batch {self.batch}, {self.precision}, "
            f"{len(self.rows)} rows, params {total.params}, MACs {total.macs})"
        )


def count(graph: Graph, batch: Number = 1, precision: str = "fp32", fused: bool = False) -> Counts:
    """The exact costs of `graph` for a batch.

    `fused` leaves out the traffic of normalisation and activations that directly follow the only layer
    they read, as a compiler would. Raises KeyError for an unknown precision, and `ArchcalcError` for a batch
    that is no whole number above 0.
    """
    given = exact(batch)
    if given is None or not is_whole(given) or not every(given > 0):
        raise ArchcalcError(f"a batch of {batch!r}", "give a whole number, 1 at least")
    batch = given
    hidden = _hidden(graph) if fused else frozenset[int]()
    sizes = [memory.value_bytes(value, precision) * batch for value in graph.values]
    nodes = [_node(graph, node, batch, BYTES[precision], sizes, node.index in hidden) for node in graph.nodes]
    depths = paths.depths(graph)
    fields = receptive_field.fields(graph)
    live = memory.alive(graph, sizes)
    rows = []
    for row in graph.rows:
        inside = [nodes[i] for i in row.nodes]
        cost = _sum(
            inside,
            depth=paths.depth_within(graph, row),
            field=_sizes(fields[row.output]),
            peak=memory.peak(live, row.nodes),
        )
        source = graph.shape(row.source) if row.sources else graph.shape(row.output)
        rows.append(RowCount(row, source, graph.shape(row.output), cost, tuple(inside)))
    last = graph.output
    total = _sum(
        nodes,
        depth=depths[last],
        field=_sizes(fields[last]),
        peak=memory.peak(live, range(len(nodes))),
    )
    return Counts(graph, batch, precision, fused, bool(graph.heads), tuple(rows), total)


def _sizes(reach: receptive_field.Reach | None) -> Shape:
    """A field's sizes; a fraction of a pixel, as behind a transposed convolution, is one pixel more."""
    return () if reach is None else tuple([ceil_div(size, 1) for size, _ in reach])


def _sum(nodes: Iterable[NodeCount], depth: int, field: Shape, peak: Number) -> Cost:
    totals: tuple[Any, ...] = (0,) * len(_ADDED)
    for node in nodes:
        totals = tuple(map(operator.add, totals, _added(node.cost)))
    return Cost(peak=peak, depth=depth, field=field, **dict(zip(_ADDED, totals, strict=True)))


def _node(graph: Graph, node: Node, batch: Number, size: int, sizes: list[Number], hidden: bool) -> NodeCount:
    op, attrs = node.entry, node.attrs
    inputs = graph.input_shapes(node)
    outputs = tuple([value.shape for value in node.outputs])
    weights: Number = 0
    params: Number = 0
    read: Number = 0
    for i in node.parameters:
        parameter, owner = graph.parameters[i]
        held = elements(parameter.shape)
        read = read + held
        if owner == node.index and parameter.kind != BUFFER:
            params = params + held
            if parameter.kind == WEIGHT:
                weights = weights + held
    traffic: Number = 0
    if op.moves and not hidden:
        traffic = read * size
        for i in node.inputs:
            traffic = traffic + sizes[i]
        for value in node.outputs:
            traffic = traffic + sizes[value.id]
    weighted = op.weighted
    if op.reads != "any":
        inputs_taken: Shapes = tuple([op.taken(shape) for shape in inputs])
    else:
        inputs_taken = inputs
    activations: Number = 0
    for shape in outputs if weighted else ():
        activations = activations + elements(shape)
    return NodeCount(
        node,
        inputs,
        Cost(
            weights=weights,
            params=params,
            macs=batch * op.macs(attrs, inputs_taken, outputs),
            activations=batch * activations,
            connections=batch * op.connections(attrs, inputs_taken, outputs),
            traffic=traffic,
            depth=int(weighted),
            layers=int(weighted),
            field=attrs.kernel,
        ),
    )


def _hidden(graph: Graph) -> frozenset[int]:
    """Nodes that a compiler computes in the same pass as the op that they follow."""
    readers = graph.consumers()
    hidden: set[int] = set()
    for node in graph.nodes:
        if not node.entry.fuses:
            continue
        source = graph.producer(node.inputs[0])
        follows = source.entry.moves and source.entry.role != RESHAPE
        alone = readers[node.inputs[0]] == 1 and node.inputs[0] not in graph.outputs
        if alone and (follows or source.index in hidden):
            hidden.add(node.index)
    return frozenset(hidden)
