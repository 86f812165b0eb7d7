"""`Spec` -> `Graph`: each row's expression expanded into nodes, with every name and size worked out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.document.text import key
from archcalc.errors import ArchcalcError, Span, SpecError, suggest
from archcalc.graph.graph import Graph, GraphRow, Node, channels_first, shown
from archcalc.graph.names import ROOT, Places, slug
from archcalc.ops.table import OPS, Attrs, LayerRequest, Op, Shape, UnfitError
from archcalc.spec import arithmetic
from archcalc.spec.arithmetic import BLANK, Size, ceil_div, holds
from archcalc.spec.columns import NEXT
from archcalc.spec.grammar import (
    MAX_SIZE,
    BlockCall,
    Chain,
    Expression,
    Join,
    Layer,
    LayerFlag,
    Repeat,
    SizeWord,
)
from archcalc.spec.scope import Scope, integer, parts
from archcalc.spec.sizing import Sizing
from archcalc.spec.spec import place_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archcalc.spec.arithmetic import Number
    from archcalc.spec.rows import TableRow
    from archcalc.spec.spec import Spec

MAX_NODES = 10_000
MAX_WORK = 50_000  # layers, blocks, joins and repetitions tried, also those that blank cells leave out
MAX_DEPTH = 60


def build(spec: Spec, input: Shape | int | None = None, heads: bool = False) -> Graph:
    """The graph of `spec` on its own input, on `input` (channels, height, width), or on a square grid.

    Raises `SpecError` at the layer or cell that cannot be built, `ArchcalcError` for an impossible input.
    """
    builder = _Builder(spec)
    source = _input_shape(spec, input)
    builder.add("input", "input", Attrs(channels=source[0]), (), source, None)
    at = 0
    following: tuple[TableRow | None, ...] = (*spec.rows[1:], None)
    for row, after in zip(spec.rows, following, strict=True):
        at = builder.row(row, at, head=False, after=after).output
    if heads and spec.heads:
        trunk, names = tuple(builder.rows), builder.names()
        for row in spec.heads:
            builder.row(row, _origin(row, trunk, names), head=True)
    names = builder.names()
    nodes = tuple(
        Node(i, names[i], n.op, n.attrs, n.inputs, n.shape, n.row, n.span)
        for i, n in enumerate(builder.nodes)
    )
    rows = tuple(replace(row, name=names[row.nodes[0]].partition(".")[0]) for row in builder.rows)
    return Graph(spec.name, spec.title, source, nodes, rows, spec)


def _input_shape(spec: Spec, given: Shape | int | None) -> Shape:
    scope = Scope({}, {key(k): v for k, v in spec.variables.items()})
    sizes, _ = parts(spec.input, scope, None)
    if sizes is BLANK or len(sizes) != 3:
        raise SpecError("the input is a height, a width and channels", spec.input_span, "write `224x224x3`")
    a, b, c = (integer(s, spec.input_span, "the input") for s in sizes)
    if not all(holds(s > 0) for s in (a, b, c)):
        raise SpecError("an input without pixels or channels", spec.input_span, "write `224x224x3`")
    # Which end the channels stand at is guessed from numbers as written, never from a variable's value.
    written = all(isinstance(part, arithmetic.Literal) for part in spec.input.parts)
    own = channels_first((a, b, c)) if written else (c, a, b)
    if given is None:
        return own
    shape = given if isinstance(given, tuple) else (own[0], given, given)
    if len(shape) != 3 or not all(isinstance(s, int) or hasattr(s, "dtype") for s in shape):
        raise ArchcalcError(f"`{given!r}` is no input", "give one side, or (channels, height, width)")
    if not all(holds(s > 0) and holds(s <= MAX_SIZE) for s in shape):
        raise ArchcalcError(f"an input of {given!r} is out of range", f"sizes lie between 1 and {MAX_SIZE:,}")
    return shape


def _origin(head: TableRow, trunk: Sequence[GraphRow], places: Sequence[str]) -> int:
    """The node that a side head reads: a row's output, or that of a layer or block inside the row."""
    assert head.source is not None
    for row in trunk:
        place = place_in(row.label, head.source.text)
        if place is None:
            continue
        if not place:
            return row.output
        inside = {i: places[i].partition(".")[2] for i in row.nodes}
        found = [i for i, name in inside.items() if f"{name}.".startswith(f"{place}.")]
        if found:
            return found[-1]
        known = list(dict.fromkeys(name.rpartition(".")[0] or name for name in inside.values()))
        hint = suggest(place, known) or "it holds: " + ", ".join(known[:12])
        raise SpecError(f"the row `{row.label}` holds no `{place}`", head.source.span, hint)
    raise AssertionError("a side head's row is checked when the spec is read")


class _Draft(NamedTuple):
    """A node that waits for its name."""

    op: str
    attrs: Attrs
    inputs: tuple[int, ...]
    shape: Shape
    row: int
    span: Span | None
    place: int


class _Builder:
    """Expands rows into nodes; where each stands is kept in `places` until all numbers are known."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.nodes: list[_Draft] = []
        self.places = Places()
        self.rows: list[GraphRow] = []
        self.blocks = spec.statements.blocks
        self.sizing = Sizing(spec.statements.defaults)
        self.variables = {key(k): v for k, v in spec.variables.items()}
        self.bare = Scope({}, self.variables)
        self.work = 0
        self.depth = 0
        self.read_ahead: set[str] = set()

    # -- bookkeeping ----------------------------------------------------------------------------

    def add(
        self,
        base: str,
        op: str,
        attrs: Attrs,
        inputs: tuple[int, ...],
        shape: Shape,
        span: Span | None,
        inside: int = ROOT,
    ) -> int:
        if len(self.nodes) >= MAX_NODES:
            hint = "are its repetitions meant?"
            raise SpecError(f"this network has more than {MAX_NODES:,} layers", span, hint)
        place = self.places.step(inside, base)
        self.places.use(place)
        self.nodes.append(_Draft(op, attrs, inputs, shape, len(self.rows), span, place))
        return len(self.nodes) - 1

    def names(self) -> list[str]:
        """The name of each node, as far as all are known."""
        names = self.places.names()
        return [names[node.place] for node in self.nodes]

    def row(self, row: TableRow, at: int, head: bool, after: TableRow | None = None) -> GraphRow:
        path = self.places.step(ROOT, slug(row.label))
        first = len(self.nodes)
        source = at
        upcoming = {NEXT + name: bound for name, bound in after.names.items()} if after else {}
        used, self.read_ahead = self.read_ahead, set()
        try:
            for step in row.steps:
                names = {**upcoming, **row.names, **step.names}
                scope = Scope(names, self.variables, used=used)
                at, _ = self.chain(step.body, at, scope, path)
            if len(self.nodes) == first:
                raise SpecError(
                    f"the row `{row.label}` builds no layer",
                    row.cell.span,
                    "what its rule reads is blank or 0; the rule of a row that builds nothing is `-> pass`",
                    ("read here", row.steps[0].rule.span),
                )
        except SpecError as fault:
            raise _in_row(fault, row) from None
        # What `{next c}` read is used by the row that prints it: it can no longer be checked there.
        ahead = {name for name in used if name in upcoming and name not in row.names}
        self.read_ahead = {name.removeprefix(NEXT) for name in ahead}
        used -= ahead
        nodes = tuple(range(first, len(self.nodes)))
        built = GraphRow(
            len(self.rows), "", row.label, row.type, nodes, source, at, head, row, frozenset(used)
        )
        self.rows.append(built)
        return built

    # -- expressions ----------------------------------------------------------------------------

    def chain(self, chain: Chain, at: int, scope: Scope, path: int) -> tuple[int, bool]:
        """Build a chain behind node `at`: the node that it gives, and whether anything was there."""
        there = False
        for item in chain.items:
            at, built = self.item(item, at, scope, path)
            there = there or built
        return at, there

    def item(self, item: Expression, at: int, scope: Scope, path: int) -> tuple[int, bool]:
        self.work += 1
        if self.work > MAX_WORK:
            hint = f"at most {MAX_NODES:,} layers, and {MAX_WORK:,} parts that may come to layers"
            raise SpecError("this network is too large, or its repetitions are too many", item.span, hint)
        if self.depth >= MAX_DEPTH:
            hint = "fewer blocks inside blocks and joins inside joins"
            raise SpecError(f"nested deeper than {MAX_DEPTH}", item.span, hint)
        self.depth += 1
        try:
            if isinstance(item, Layer):
                return self.layer(item, at, scope, path)
            if isinstance(item, BlockCall):
                return self.call(item, at, scope, path)
            if isinstance(item, Join):
                return self.join(item, at, scope, path)
            if isinstance(item, Repeat):
                return self.repeat(item, at, scope, path)
            return self.chain(item, at, scope, path)
        finally:
            self.depth -= 1

    def repeat(self, item: Repeat, at: int, scope: Scope, path: int) -> tuple[int, bool]:
        try:
            times = self.times(item.count, scope, self.nodes[at].shape)
        except SpecError as fault:
            raise scope.blamed(fault, (item.count,)) from None
        there = False
        for turn in range(times):
            at, built = self.item(item.body, at, scope.at_turn(turn), path)
            there = there or built
        return at, there

    def times(self, count: SizeWord, scope: Scope, source: Shape) -> int:
        sizes, stride = parts(count, scope, source)
        if sizes is BLANK:
            return 0
        hint = "a repetition is a whole number: `3 x block`, `{n} x block`"
        if len(sizes) != 1 or stride:
            raise SpecError(f"`{count.text}` is not a number of times", count.span, hint)
        times = sizes[0]
        if not isinstance(times, int):
            shown = float(times) if isinstance(times, Fraction) else times
            raise SpecError(f"{shown} is not a number of times", count.span, hint)
        if times > MAX_NODES:
            raise SpecError(f"{times:,} repetitions are too many", count.span, f"at most {MAX_NODES:,}")
        return times

    def call(self, call: BlockCall, at: int, scope: Scope, path: int) -> tuple[int, bool]:
        block = self.blocks[call.name]
        if call.name in scope.calls:
            round_trip = " -> ".join((*scope.calls, call.name))
            hint = "break the circle: a block is made of what comes before it"
            raise SpecError(f"a block that holds itself: {round_trip}", call.span, hint)
        wanted = {p.name: p.default for p in block.parameters}
        given: dict[str, LayerFlag] = {}
        for flag in call.arguments:
            if flag.name not in wanted:
                hint = suggest(flag.name, list(wanted)) or f"its parameters: {', '.join(wanted) or 'none'}"
                raise SpecError(f"`{block.name}` has no parameter `{flag.name}`", flag.span, hint)
            if flag.name in given:
                raise SpecError(f"`{flag.name}` is given twice", flag.span, "keep one")
            given[flag.name] = flag
        source = self.nodes[at].shape
        values: dict[str, Any] = {}
        cells: dict[str, Span | None] = {}
        for name, default in wanted.items():
            if default is None and name not in given:
                hint = f"write `{block.name}({name}=…)`"
                raise SpecError(f"`{block.name}` needs `{name}`", call.span, hint)
            flag = given.get(name) or LayerFlag(name, default or (), call.span)
            values[key(name)], cells[key(name)] = self.argument(flag, scope, source)
        inner = scope.inside(block.name, values, cells)
        return self.chain(block.body, at, inner, self.places.step(path, slug(block.name)))

    def argument(self, flag: LayerFlag, scope: Scope, source: Shape) -> tuple[Any, Span | None]:
        """An argument's value in this turn, and the cell from which it comes, if one."""
        if len(flag.values) > 1 and scope.turn is None:
            raise SpecError(
                "several values spread over repetitions, and nothing repeats here",
                flag.span,
                f"write `n x block({flag.name}=…)`, or one value",
            )
        turn = min(scope.turn or 0, len(flag.values) - 1)
        word = flag.values[turn]
        try:
            sizes, stride = parts(word, scope, source)
        except SpecError as fault:
            raise scope.blamed(fault, (word,)) from None
        if stride:
            raise SpecError("an argument holds no stride", word.span, "give it a parameter of its own")
        value = BLANK if sizes is BLANK else sizes[0] if len(sizes) == 1 else Size(sizes)
        return value, scope.cell(word)

    def join(self, join: Join, at: int, scope: Scope, path: int) -> tuple[int, bool]:
        results: dict[int, int] = {}
        waiting: list[tuple[int, Layer]] = []
        for i, branch in enumerate(join.branches):
            word = branch.items[0] if len(branch.items) == 1 else None
            if isinstance(word, Layer) and word.name in ("skip", "project"):
                waiting.append((i, word))
                continue
            place = self.places.step(path, "branch")
            end, there = self.chain(branch, at, scope, place)
            if there:
                results[i] = end
        if not results and not any(word.name == "skip" for _, word in waiting):
            raise SpecError(
                f"blank cells leave this `{join.kind}` empty",
                join.span,
                "fill in the cells of at least one branch, or give such rows a rule of their own",
            )
        shapes = [self.nodes[r].shape for r in results.values()]
        for i, word in waiting:
            taken = self.shortcut(join, word, at, shapes, scope, path)
            if taken is not None:
                results[i] = taken
        ends = tuple(results[i] for i in sorted(results))
        if len(ends) == 1:
            return ends[0], True
        shape = self.joined(join, [self.nodes[e].shape for e in ends])
        return self.add(join.kind, join.kind, Attrs(channels=shape[0]), ends, shape, join.span, path), True

    def shortcut(
        self, join: Join, word: Layer, at: int, shapes: list[Shape], scope: Scope, path: int
    ) -> int | None:
        """`skip` and `project`: the input beside the other branches."""
        source = self.nodes[at].shape
        if join.kind != "add" or not shapes:
            return at
        if _equal(source, shapes[0]):
            return at
        if word.name == "skip":
            return None
        target = shapes[0]
        stride = (ceil_div(source[1], target[1]), ceil_div(source[2], target[2]))
        flags = self.sizing.flags(OPS["conv"], word.flags, scope, source)
        flags = {k: v for k, v in flags.items() if OPS.get(k, _NO_OP).role != "activation"}
        request = LayerRequest((1, 1), stride, target[0], flags)
        return self.place(OPS["conv"], request, at, word.span, self.places.step(path, "project"))

    def joined(self, join: Join, shapes: list[Shape]) -> Shape:
        first = shapes[0]
        if join.kind == "concat":
            for shape in shapes[1:]:
                if not _equal(shape[1:], first[1:]):
                    sizes = " and ".join(dict.fromkeys(f"{s[1]}x{s[2]}" for s in shapes))
                    raise SpecError(
                        f"branches of {sizes} cannot be concatenated",
                        join.span,
                        "give every branch the same stride and padding",
                    )
            return (sum(s[0] for s in shapes), first[1], first[2])
        best = first
        for shape in shapes[1:]:
            if _equal(shape, best):
                continue
            if join.kind == "multiply" and _equal(shape[:1], best[:1]):
                if _equal(shape[1:], (1, 1)):
                    continue
                if _equal(best[1:], (1, 1)):
                    best = shape
                    continue
            raise SpecError(
                f"{shown(best)} and {shown(shape)} cannot be joined by `{join.kind}`",
                join.span,
                "`add` needs equal shapes; `project` brings the input to the others' shape",
            )
        return best

    # -- layers ---------------------------------------------------------------------------------

    def layer(self, layer: Layer, at: int, scope: Scope, path: int) -> tuple[int, bool]:
        op = OPS.get(layer.name)
        if op is None:
            return self.call(BlockCall(layer.name, (), layer.name_span), at, scope, path)
        request = self.sizing.request(op, layer, scope, self.nodes[at].shape)
        if request is None:
            return at, False
        return self.place(op, request, at, layer.span, path), True

    def place(self, op: Op, request: LayerRequest, at: int, span: Span, path: int) -> int:
        """Add the layer's node, and those of its normalisation and activation."""
        at = self.node(op, request, at, span, path)
        if op.role in ("weighted", "pool"):
            for extra, asked in self.sizing.behind(request.flags, self.bare, self.nodes[at].shape):
                at = self.node(extra, asked, at, span, path)
        return at

    def node(self, op: Op, request: LayerRequest, at: int, span: Span, path: int) -> int:
        source = self.nodes[at].shape
        try:
            attrs = op.prepare(request, source)
            shape = op.shape(attrs, source)
        except UnfitError as fault:
            raise SpecError(str(fault), span, f"it reads {shown(source)}; {fault.hint}") from None
        if not (holds(shape[0] > 0) and holds(shape[1] > 0) and holds(shape[2] > 0)):
            hint = "the layers before it have made the grid too small, or a size is 0"
            raise SpecError(f"nothing is left of {shown(source)} here: {shown(shape)}", span, hint)
        return self.add(op.name, op.name, attrs, (at,), shape, span, path)


_NO_OP = Op("", "", "")


def _equal(a: Iterable[Number], b: Iterable[Number]) -> bool:
    return all(holds(x == y) for x, y in zip(a, b, strict=True))


def _in_row(fault: SpecError, row: TableRow) -> SpecError:
    """`fault` with the row in which it came to light, unless it points at that row already."""
    if fault.span is None or fault.also is not None:
        return fault
    if (fault.span.file, fault.span.line) == (row.span.file, row.span.line):
        return fault
    return SpecError(fault.message, fault.span, fault.hint, (f"in the row `{row.label}`", row.cell.span))
