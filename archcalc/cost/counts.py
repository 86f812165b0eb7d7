"""`Graph` -> `Counts`: exact integers for each node, each row and the whole network. No torch.

Scope: inference on `batch` images. Weights and params do not depend on the batch; MACs, activations,
connections, traffic and memory are for the whole batch. Bytes are at a stated precision, each op reading
its inputs and parameters and writing its output once, without fusion unless asked for.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from archcalc.graph.graph import JOINS, Graph, GraphRow, Node
from archcalc.ops.table import OPS, Shape, elements
from archcalc.spec.arithmetic import Number, maximum

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Bytes of one value at a precision. `tf32` stores 4 bytes; only its products are shorter.
BYTES: Final = {"fp64": 8, "fp32": 4, "fp32-ieee": 4, "tf32": 4, "bf16": 2, "fp16": 2, "int8": 1}


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs. `traffic` and `peak` are bytes; `field` is the receptive field in pixels.

    `macs` counts multiply-adds of convolutions, linear layers and matrix products; `activations` the
    elements that convolutions and linear layers produce (fvcore's definition); `connections` as LeCun
    et al. 1998 count; `depth` layers with weights on the longest path, `layers` on all of them.
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
    field: tuple[Number, Number] = (1, 1)

    @property
    def flops(self) -> Number:
        """Each multiply and each add by itself: 2 x MACs."""
        return 2 * self.macs

    @property
    def intensity(self) -> Fraction:
        """Arithmetic intensity: FLOPs per byte of memory traffic."""
        return Fraction(self.flops, self.traffic) if self.traffic else Fraction(0)


#: What adds up over layers.
_ADDED: Final = ("weights", "params", "macs", "activations", "connections", "traffic", "layers")
_added = operator.attrgetter(*_ADDED)


@dataclass(frozen=True, slots=True)
class NodeCount:
    """One layer and what it costs by itself."""

    node: Node
    input: Shape
    cost: Cost


@dataclass(frozen=True, slots=True)
class RowCount:
    """One row of the table: its shapes and the cost of its layers together.

    `depth` is the longest path within the row; `cost.field` is the receptive field at its end.
    """

    row: GraphRow
    input: Shape
    output: Shape
    cost: Cost
    nodes: tuple[NodeCount, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a network costs, by row and in total, with the scope in which that holds."""

    graph: Graph
    batch: Number
    precision: str
    fused: bool
    heads: bool
    rows: tuple[RowCount, ...]
    total: Cost


def count(graph: Graph, batch: Number = 1, precision: str = "fp32", fused: bool = False) -> Counts:
    """The exact costs of `graph` for `batch` images.

    `fused` leaves out the traffic of normalisation and activations that directly follow the only layer
    they read, as a compiler would. Raises KeyError for an unknown precision.
    """
    size = BYTES[precision]
    readers = graph.consumers()
    hidden = _hidden(graph, readers) if fused else frozenset()
    nodes = [_node(graph, node, batch, size, node.index in hidden) for node in graph.nodes]
    depths = _depths(graph.nodes)
    fields = _fields(graph.nodes)
    live = _live(graph, batch * size)
    rows = []
    for row in graph.rows:
        inside = [nodes[i] for i in row.nodes]
        cost = _sum(
            inside,
            depth=_depth_within(graph, row),
            field=(fields[row.output][0][0], fields[row.output][1][0]),
            peak=_peak(live, row.nodes),
        )
        rows.append(
            RowCount(
                row,
                graph.nodes[row.source].shape,
                graph.nodes[row.output].shape,
                cost,
                tuple(inside),
            )
        )
    last = graph.output
    total = _sum(
        nodes,
        depth=depths[last],
        field=(fields[last][0][0], fields[last][1][0]),
        peak=_peak(live, range(1, len(nodes))),
    )
    heads = any(row.head for row in graph.rows)
    return Counts(graph, batch, precision, fused, heads, tuple(rows), total)


def _sum(nodes: Iterable[NodeCount], depth: int, field: tuple[Number, Number], peak: Number) -> Cost:
    totals: tuple[Any, ...] = (0,) * len(_ADDED)
    for node in nodes:
        totals = tuple(map(operator.add, totals, _added(node.cost)))
    return Cost(peak=peak, depth=depth, field=field, **dict(zip(_ADDED, totals, strict=True)))


def _node(graph: Graph, node: Node, batch: Number, size: int, hidden: bool) -> NodeCount:
    source = graph.nodes[node.inputs[0]].shape if node.inputs else node.shape
    if node.op == "input":
        return NodeCount(node, source, Cost())
    incoming = sum(elements(graph.nodes[i].shape) for i in node.inputs)
    outgoing = elements(node.shape)
    if node.op in JOINS:
        traffic = batch * (incoming + outgoing) * size
        return NodeCount(node, source, Cost(traffic=traffic, field=(1, 1)))
    op, a = OPS[node.op], node.attrs
    weights, biases = op.weights(a, source, node.shape), op.biases(a, source, node.shape)
    buffers = op.buffers(a, source, node.shape)
    weighted = op.role == "weighted"
    traffic = 0
    if op.moves and not hidden:
        traffic = (batch * (incoming + outgoing) + weights + biases + buffers) * size
    return NodeCount(
        node,
        source,
        Cost(
            weights=weights,
            params=weights + biases,
            macs=batch * op.macs(a, source, node.shape),
            activations=batch * outgoing if weighted else 0,
            connections=batch * op.connections(a, source, node.shape),
            traffic=traffic,
            depth=int(weighted),
            layers=int(weighted),
            field=a.kernel,
        ),
    )


def _hidden(graph: Graph, readers: dict[int, int]) -> frozenset[int]:
    """Normalisations and activations that a compiler folds into the layer that they follow."""
    hidden: set[int] = set()
    for node in graph.nodes:
        if node.op not in OPS or OPS[node.op].role not in ("norm", "activation"):
            continue
        source = graph.nodes[node.inputs[0]]
        foldable = source.op in JOINS or (source.op in OPS and OPS[source.op].role != "shape")
        if readers[source.index] == 1 and (foldable or source.index in hidden):
            hidden.add(node.index)
    return frozenset(hidden)


# -- paths ----------------------------------------------------------------------------------------


def _weighted(node: Node) -> int:
    op = OPS.get(node.op)
    return int(op is not None and op.role == "weighted")


def _depths(nodes: Sequence[Node]) -> list[int]:
    """Layers with weights on the longest path to each node."""
    depths: list[int] = []
    for node in nodes:
        before = depths[node.inputs[0]] if node.inputs else 0
        for i in node.inputs[1:]:
            before = max(before, depths[i])
        depths.append(before + _weighted(node))
    return depths


def _depth_within(graph: Graph, row: GraphRow) -> int:
    depths: dict[int, int] = {row.source: 0}
    for i in row.nodes:
        node = graph.nodes[i]
        depths[i] = max(depths.get(j, 0) for j in node.inputs) + _weighted(node)
    return depths[row.output]


Reach = tuple[tuple[Number, Number], tuple[Number, Number]]


def _fields(nodes: Sequence[Node]) -> list[Reach]:
    """For each node and axis, the receptive field and the step between neighbours, in input pixels.

    r' = r + (k - 1) j and j' = j s along a path; where paths join, the larger. A linear layer and a
    global pool see their whole input.
    """
    fields: list[Reach] = []
    for node in nodes:
        if not node.inputs:
            fields.append(((1, 1), (1, 1)))
            continue
        if len(node.inputs) == 1 and not _looks_around(node):
            fields.append(fields[node.inputs[0]])
            continue
        before = [fields[i] for i in node.inputs]
        source = nodes[node.inputs[0]].shape
        merged = []
        for axis in (0, 1):
            reach, step = before[0][axis]
            for other in before[1:]:
                reach, step = maximum(reach, other[axis][0]), maximum(step, other[axis][1])
            kernel, stride = _window(node, source, axis)
            merged.append((reach + (kernel - 1) * step, step * stride))
        fields.append((merged[0], merged[1]))
    return fields


def _looks_around(node: Node) -> bool:
    op = OPS.get(node.op)
    return op is not None and (op.window or bool(op.flat and op.role != "activation"))


def _window(node: Node, source: Shape, axis: int) -> tuple[Number, Number]:
    op = OPS.get(node.op)
    if op is None:
        return 1, 1
    if op.flat and op.role != "activation":
        return source[axis + 1], 1
    if not op.window:
        return 1, 1
    return node.attrs.dilation[axis] * (node.attrs.kernel[axis] - 1) + 1, node.attrs.stride[axis]


# -- memory ---------------------------------------------------------------------------------------


def _live(graph: Graph, size: Number) -> list[Number]:
    """Bytes of feature maps alive while each node runs: its inputs, its output, and what waits.

    A map is freed after its last reader; views and identities take no room of their own.
    """
    owner: dict[int, int] = {}
    last: dict[int, int] = {}
    for node in graph.nodes:
        op = OPS.get(node.op)
        view = op is not None and not op.moves and bool(node.inputs)
        owner[node.index] = owner[node.inputs[0]] if view else node.index
        for i in node.inputs:
            last[owner[i]] = node.index
    for row in graph.rows:
        if row.head or row.output == graph.output:
            last[owner[row.output]] = len(graph.nodes)
    ending: dict[int, list[int]] = {}
    for mine in set(owner.values()):
        ending.setdefault(max(last.get(mine, mine), mine), []).append(mine)
    live: list[Number] = []
    alive: Number = 0
    for node in graph.nodes:
        if owner[node.index] == node.index:
            alive = alive + elements(node.shape) * size
        live.append(alive)
        for mine in ending.get(node.index, ()):
            alive = alive - elements(graph.nodes[mine].shape) * size
    return live


def _peak(live: Sequence[Number], nodes: Iterable[int]) -> Number:
    peak: Number = 0
    for i in nodes:
        peak = maximum(peak, live[i])
    return peak
