"""Graphs node by node: for those who make one, and for a small network by hand.

>>> from archcalc.graph.builder import Builder
>>> b = Builder("tiny")
>>> x = b.input((3, 8, 8))
>>> y = b.layer("conv", x, kernel=3, channels=4, same=True)
>>> graph = b.build(b.layer("linear", y, channels=10))
>>> graph.shape(graph.output)
(10,)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.errors import ArchcalcError, suggest
from archcalc.graph.graph import Graph, GraphRow, Node, SharedParameter, Value
from archcalc.graph.names import ROOT, Places, slug
from archcalc.graph.requests import flag_numbers, request, size
from archcalc.numbers import Number
from archcalc.ops.op import Attrs, Op, UnfitError
from archcalc.ops.table import OPS, flags_of
from archcalc.shapes import FLOAT, OWN_BYTES

if TYPE_CHECKING:
    from archcalc.errors import Span
    from archcalc.graph.origin import NetworkOrigin, RowOrigin
    from archcalc.shapes import Shape


class _Draft(NamedTuple):
    """A node that waits for its name; `place` is where it stands."""

    op: Op
    attrs: Attrs
    inputs: tuple[int, ...]
    outputs: tuple[Value, ...]
    parameters: tuple[int, ...]
    row: int
    span: Span | None
    place: int


@dataclass(slots=True)
class _Row:
    """A row while it is built; `output` is the value that it gives."""

    label: str
    place: int
    head: bool
    origin: RowOrigin | None = None
    nodes: list[int] = field(default_factory=list)
    output: int = -1


class Builder:
    """Adds nodes in order; values are indices. `build` gives the graph."""

    def __init__(self, name: str, title: str = "", origin: NetworkOrigin | None = None) -> None:
        self.name = name
        self.title = title or name
        self.origin = origin
        self.places = Places()
        self.values: list[Value] = []
        self.inputs: list[int] = []
        self._nodes: list[_Draft] = []
        self._parameters: list[SharedParameter] = []
        self._rows: list[_Row] = []
        self._open: _Row | None = None

    def __len__(self) -> int:
        return len(self._nodes)

    def shape(self, value: int) -> Shape:
        """The shape of a value."""
        return self.values[value].shape

    def input(self, shape: Shape, name: str = "input", dtype: str = FLOAT) -> int:
        """A value that the network is given; `shape` without the batch.

        Raises `ArchcalcError` for sizes that are no whole numbers above 0, and for an unknown dtype.
        """
        if dtype != FLOAT and dtype not in OWN_BYTES:
            raise ArchcalcError(f"no dtype is called `{dtype}`", ", ".join((FLOAT, *OWN_BYTES)))
        shape = tuple([size(side, "an input") for side in shape])
        attrs = Attrs(channels=shape[0])
        place = self._place(name, ROOT)
        value = self._add(OPS["input"], attrs, (), (shape,), (), None, place, row=None, dtype=dtype)[0]
        self.inputs.append(value)
        return value

    @contextmanager
    def row(self, label: str, head: bool = False, origin: RowOrigin | None = None) -> Iterator[int]:
        """Nodes that are added inside belong to one row; gives the place where they stand.

        The row gives what its last node gives, unless `ends` says otherwise.
        """
        if self._open is not None:
            raise ArchcalcError("a row inside a row", "end the first before the next begins")
        self._open = _Row(label, self.places.step(ROOT, slug(label)), head, origin)
        try:
            yield self._open.place
            if self._open.nodes:
                self._rows.append(self._open)
        finally:
            self._open = None

    def ends(self, value: int) -> None:
        """The open row gives `value`."""
        assert self._open is not None
        self._open.output = value

    def annotate(self, origin: RowOrigin) -> None:
        """Say where the open row comes from."""
        assert self._open is not None
        self._open.origin = origin

    def attributes(self, first: int) -> list[Attrs]:
        """The attributes of the nodes from number `first` on."""
        return [node.attrs for node in self._nodes[first:]]

    def strides(self, start: int, end: int) -> tuple[Number, Number]:
        """The strides of the layers between two values together, along the first input of each."""
        down: Number = 1
        across: Number = 1
        while end != start and (node := self._nodes[self.values[end].node]).inputs:
            down, across = down * node.attrs.stride[0], across * node.attrs.stride[1]
            end = node.inputs[0]
        return down, across

    def node_count(self) -> int:
        """The nodes of the open row so far."""
        return len(self._open.nodes) if self._open is not None else 0

    def add(
        self,
        op: Op,
        attrs: Attrs,
        inputs: Sequence[int],
        *,
        inside: int | None = None,
        span: Span | None = None,
        shared: Mapping[str, int] | None = None,
    ) -> tuple[int, ...]:
        """A node; the values that it gives.

        `inside` is the place where it stands; `shared` gives indices of parameters (`parameter` finds them)
        that it reads in place of its own. Raises `UnfitError` where the op cannot stand on its inputs or a
        shared parameter has another shape.
        """
        shapes = tuple([self.values[i].shape for i in inputs])
        outputs = op.outputs(attrs, shapes)
        dtype = self._dtype(op, inputs)
        taken = tuple([op.taken(shape) for shape in shapes]) if op.reads != "any" else shapes
        parameters = tuple(
            [
                self._shared(parameter, shared[parameter.name])
                if shared and parameter.name in shared
                else self._own(parameter)
                for parameter in op.parameters(attrs, taken, outputs)
            ]
        )
        if shared and (unknown := set(shared) - {self._parameters[i].parameter.name for i in parameters}):
            raise ArchcalcError(f"`{op.name}` has no parameter `{unknown.pop()}`", "share one that it has")
        if self._open is None:  # a node outside all rows is a row of its own
            with self.row(op.name) as place:
                at = self._place(op.name, place)
                return self._add(op, attrs, tuple(inputs), outputs, parameters, span, at, dtype=dtype)
        place = self._place(op.name, self._open.place if inside is None else inside)
        return self._add(op, attrs, tuple(inputs), outputs, parameters, span, place, dtype=dtype)

    def _dtype(self, op: Op, inputs: Sequence[int]) -> str:
        """The dtype of what an op gives; raises `UnfitError` where it computes with values of another."""
        dtypes = {self.values[i].dtype for i in inputs}
        if dtypes <= {FLOAT}:
            return FLOAT
        if op.copies and len(dtypes) == 1:
            return dtypes.pop()
        names = " and ".join(sorted(dtypes))
        raise UnfitError(f"`{op.name}` computes with floats, and {names} comes in", "give it a float input")

    def layer(
        self,
        op: str,
        *inputs: int,
        kernel: int | tuple[int, int] | None = None,
        stride: int | tuple[int, int] | None = None,
        channels: int | None = None,
        shared: Mapping[str, int] | None = None,
        **flags: Any,
    ) -> int:
        """A layer as a document would write it: `layer("conv", x, kernel=3, channels=8, same=True)`.

        Gives its value, or that of the first of several outputs: `outputs` gives all. Raises
        `ArchcalcError` for an op or flag that is not there, `UnfitError` where it cannot stand on its inputs.
        """
        return self.outputs(
            op, *inputs, kernel=kernel, stride=stride, channels=channels, shared=shared, **flags
        )[0]

    def outputs(
        self,
        op: str,
        *inputs: int,
        kernel: int | tuple[int, int] | None = None,
        stride: int | tuple[int, int] | None = None,
        channels: int | None = None,
        shared: Mapping[str, int] | None = None,
        **flags: Any,
    ) -> tuple[int, ...]:
        """As `layer`, but all the values that it gives."""
        entry = OPS.get(op)
        if entry is None:
            raise ArchcalcError(
                f"no op is called `{op}`", suggest(op, list(OPS)) or "the ops are: " + ", ".join(OPS)
            )
        if not inputs:
            raise ArchcalcError(f"`{op}` reads nothing here", "give it the value that it reads")
        known = entry.flags
        for flag in flags:
            if flag in flags_of(entry) and flag not in known:
                raise ArchcalcError(
                    f"`{flag}` is a layer of its own here", f'add it behind: `layer("{flag}", …)`'
                )
            if flag not in known:
                hint = suggest(flag, sorted(known)) or f"its flags: {', '.join(sorted(known)) or 'none'}"
                raise ArchcalcError(f"`{op}` has no flag `{flag}`", hint)
        written = {name: flag_numbers(value) for name, value in flags.items() if value is not False}
        asked = request(entry, kernel, stride, channels, written)
        return self.add(entry, entry.attributes(asked, self.shape(inputs[0])), inputs, shared=shared)

    def parameter(self, value: int, name: str) -> int:
        """The index of the parameter called `name` of the node that gives `value`."""
        for index in self._nodes[self.values[value].node].parameters:
            if self._parameters[index].parameter.name == name:
                return index
        raise ArchcalcError(f"this node has no parameter `{name}`", "a shared parameter belongs to a node")

    def names(self) -> list[str]:
        """The name of each node, as far as all are known."""
        names = self.places.names()
        return [names[node.place] for node in self._nodes]

    def row_output(self, index: int) -> int:
        """The value that a finished row gives."""
        return self._rows[index].output

    def row_nodes(self, index: int) -> list[int]:
        """The nodes of a finished row."""
        return self._rows[index].nodes

    def node_output(self, node: int) -> int:
        """The first value that a node gives."""
        return self._nodes[node].outputs[0].id

    def build(self, *outputs: int) -> Graph:
        """The graph that gives `outputs`; without any, what the last row and each side head give.

        Raises `ArchcalcError` for a graph without layers.
        """
        if not self._rows:
            raise ArchcalcError(f"`{self.name}` has no layers", "add one")
        if not outputs:
            trunk = [row.output for row in self._rows if not row.head]
            outputs = (trunk[-1], *(row.output for row in self._rows if row.head))
        names = self.names()
        nodes = tuple(
            [
                Node(i, names[i], n.op.name, n.attrs, n.inputs, n.outputs, n.parameters, n.row, n.span)
                for i, n in enumerate(self._nodes)
            ]
        )
        rows = _rows(self._rows, nodes, self.values, outputs)
        return Graph(
            self.name,
            self.title,
            nodes,
            tuple(self.values),
            tuple(self._parameters),
            rows,
            tuple(self.inputs),
            outputs,
            self.origin,
        )

    # -- bookkeeping ---------------------------------------------------------------------------------

    def _place(self, base: str, inside: int) -> int:
        place = self.places.step(inside, base)
        self.places.use(place)
        return place

    def _add(
        self,
        op: Op,
        attrs: Attrs,
        inputs: tuple[int, ...],
        shapes: tuple[Shape, ...],
        parameters: tuple[int, ...],
        span: Span | None,
        place: int,
        row: int | None = 0,
        dtype: str = FLOAT,
    ) -> tuple[int, ...]:
        index, first = len(self._nodes), len(self.values)
        given = tuple([Value(first + i, index, i, shape, dtype) for i, shape in enumerate(shapes)])
        self.values.extend(given)
        if row is not None:
            assert self._open is not None
            self._open.nodes.append(index)
            self._open.output = first
            row = len(self._rows)
        draft = _Draft(op, attrs, inputs, given, parameters, -1 if row is None else row, span, place)
        self._nodes.append(draft)
        return tuple([value.id for value in given])

    def _own(self, parameter: Any) -> int:
        self._parameters.append(SharedParameter(parameter, len(self._nodes)))
        return len(self._parameters) - 1

    def _shared(self, wanted: Any, index: int) -> int:
        held = self._parameters[index].parameter
        if held.shape != wanted.shape:
            sizes = " and ".join("x".join(map(str, shape)) for shape in (held.shape, wanted.shape))
            raise UnfitError(
                f"a parameter cannot be shared by shapes {sizes}", "make the layers equal in size"
            )
        return index


def _rows(
    drafts: Sequence[_Row], nodes: Sequence[Node], values: Sequence[Value], outputs: Sequence[int]
) -> tuple[GraphRow, ...]:
    """Rows with what they read from elsewhere and what others read of them."""
    readers: dict[int, set[int]] = {}
    for node in nodes:
        for i in node.inputs:
            readers.setdefault(i, set()).add(node.row)
    rows = []
    for index, draft in enumerate(drafts):
        inside = frozenset(draft.nodes)
        sources: dict[int, None] = {}
        given = {draft.output: None}
        for i in draft.nodes:
            sources.update({j: None for j in nodes[i].inputs if values[j].node not in inside})
            for value in nodes[i].outputs:
                if value.id in outputs or readers.get(value.id, set()) - {index}:
                    given[value.id] = None
        name = nodes[draft.nodes[0]].name.partition(".")[0]
        rows.append(
            GraphRow(
                index,
                name,
                draft.label,
                _type(draft.label),
                tuple(draft.nodes),
                tuple(sources),
                tuple(given),
                draft.head,
                draft.origin,
            )
        )
    return tuple(rows)


_PARENTHESIS = re.compile(r"\s*\([^()]*\)\s*$")


def _type(label: str) -> str:
    """A label without a trailing parenthesis: `inception (3a)` is an `inception`."""
    return _PARENTHESIS.sub("", label) or label
