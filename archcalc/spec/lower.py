"""`Spec` -> `Graph`: each row's expression expanded into nodes, with every name and size worked out."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.document.text import key
from archcalc.errors import ArchcalcError, Span, SpecError, suggest
from archcalc.graph.builder import Builder
from archcalc.graph.names import slug
from archcalc.graph.origin import NetworkOrigin, PublishedCell, RowOrigin
from archcalc.numbers import ceil_div, every, exact, is_whole, same
from archcalc.ops.op import ACTIVATION, POOL, WEIGHTED, Attrs, LayerRequest, Op, Pair, UnfitError
from archcalc.ops.table import OPS, WRITTEN
from archcalc.shapes import as_image, grid, papers_text
from archcalc.spec.arithmetic import BLANK, Size
from archcalc.spec.columns import NEXT
from archcalc.spec.inputs import GivenInput, InputSize
from archcalc.spec.scope import Scope, integer, parts
from archcalc.spec.sizes import MAX_SIZE, SizeWord
from archcalc.spec.sizing import Sizing
from archcalc.spec.spec import place_in
from archcalc.spec.syntax import BlockCall, Chain, Expression, Join, Layer, LayerFlag, Repeat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.graph.graph import Graph
    from archcalc.shapes import Shape
    from archcalc.spec.rows import TableRow
    from archcalc.spec.spec import Spec

MAX_NODES = 10_000
MAX_WORK = 50_000  # layers, blocks, joins and repetitions tried, also those that blank cells leave out
MAX_DEPTH = 60


def build(spec: Spec, input: GivenInput | None = None, heads: bool = False) -> Graph:
    """The graph of `spec` on its own input, on `input` (channels, height, width), or on a square grid.

    Raises `SpecError` at the layer or cell that cannot be built, `ArchcalcError` for an impossible input.
    """
    return build_on(spec, _input_shape(spec, input), heads)


def build_on(spec: Spec, shape: Shape, heads: bool = False) -> Graph:
    """As `build`, on an input of this very shape, which may be of any rank: a row alone may read a vector."""
    lowering = _Lowering(spec)
    at = lowering.builder.input(shape)
    following: tuple[TableRow | None, ...] = (*spec.rows[1:], None)
    for row, after in zip(spec.rows, following, strict=True):
        at = lowering.row(row, at, head=False, after=after)
    # also where no side head is asked for: one that reads nothing is a fault of the document
    sources = [_head_source(row, spec.rows, lowering.builder) for row in spec.heads]
    if heads:
        for row, source in zip(spec.heads, sources, strict=True):
            lowering.row(row, source, head=True)
    return lowering.builder.build()


def _input_shape(spec: Spec, given: GivenInput | None) -> Shape:
    scope = Scope({}, {key(k): v for k, v in spec.variables.items()})
    sizes, _ = parts(spec.input, scope, None)
    if sizes is BLANK or len(sizes) != 3:
        raise SpecError("the input is a height, a width and channels", spec.input_span, "write `224x224x3`")
    a, b, c = (integer(s, spec.input_span, "the input") for s in sizes)
    if not all(every(s > 0) for s in (a, b, c)):
        raise SpecError("an input without pixels or channels", spec.input_span, "write `224x224x3`")
    own = (a, b, c) if spec.channels_first else (c, a, b)
    if given is None:
        return own
    shape = given.shape(own[0]) if isinstance(given, InputSize) else _exact_shape(given, own)
    if not all(every(s > 0) and every(s <= MAX_SIZE) for s in shape):
        raise ArchcalcError(f"an input of {given!r} is out of range", f"sizes lie between 1 and {MAX_SIZE:,}")
    return shape


def _exact_shape(given: Any, own: Shape) -> Shape:
    """An input as a caller gives it: a shape, or one side of a square; each size may be an array."""
    given_sizes = given if isinstance(given, tuple) else (own[0], given, given)
    sizes = [exact(size) for size in given_sizes]
    if len(sizes) != len(own) or any(size is None or not is_whole(size) for size in sizes):
        raise ArchcalcError(f"`{given!r}` is no input", "give one side, or (channels, height, width)")
    return tuple(size for size in sizes if size is not None)


def _head_source(head: TableRow, trunk: Sequence[TableRow], builder: Builder) -> int:
    """The value that a side head reads: a row's output, or that of a layer or block inside the row."""
    assert head.source is not None
    for index, row in enumerate(trunk):
        place = place_in(row.label, head.source.text)
        if place is None:
            continue
        if not place:
            return builder.row_output(index)
        names = builder.names()
        inside = {i: names[i].partition(".")[2] for i in builder.row_nodes(index)}
        matches = [i for i, name in inside.items() if f"{name}.".startswith(f"{place}.")]
        if matches:
            return builder.node_output(matches[-1])
        known = list(dict.fromkeys(name.rpartition(".")[0] or name for name in inside.values()))
        hint = suggest(place, known) or "it holds: " + ", ".join(known[:12])
        raise SpecError(f"the row `{row.label}` holds no `{place}`", head.source.span, hint)
    raise AssertionError("a side head's row is checked when the spec is read")


class _Lowering:
    """Expands the rows of a spec into nodes of a builder; values are the builder's indices."""

    def __init__(self, spec: Spec) -> None:
        origin = NetworkOrigin(spec.source, spec.variables, spec.settings, len(spec.heads))
        self.builder = Builder(spec.name, spec.title, origin)
        self.places = self.builder.places
        self.blocks = spec.statements.blocks
        self.sizing = Sizing(spec.statements.defaults)
        self.variables = {key(k): v for k, v in spec.variables.items()}
        self.bare = Scope({}, self.variables)
        self.work = 0
        self.depth = 0
        self.read_ahead: set[str] = set()
        self.left_out = 0  # `skip`s of the open row whose branch gives another shape

    # -- rows ------------------------------------------------------------------------------------

    def row(self, row: TableRow, at: int, head: bool, after: TableRow | None = None) -> int:
        """Build a row behind value `at`; the value that it gives."""
        upcoming = {NEXT + name: bound for name, bound in after.names.items()} if after else {}
        used, self.read_ahead = self.read_ahead, set()
        self.left_out = 0
        with self.builder.row(row.label, head) as path:
            try:
                for step in row.steps:
                    names = {**upcoming, **row.names, **step.names}
                    scope = Scope(names, self.variables, used=used)
                    at, _ = self.chain(step.body, at, scope, path)
                if not self.builder.node_count():
                    raise _no_layer(row)
            except SpecError as fault:
                raise _in_row(fault, row) from None
            # What `{next c}` read is used by the row that prints it: it can no longer be checked there.
            ahead = {name for name in used if name in upcoming and name not in row.names}
            self.read_ahead = {name.removeprefix(NEXT) for name in ahead}
            cells = tuple(PublishedCell(c.metric, c.header, c.cell.text) for c in row.claims)
            self.builder.annotate(RowOrigin(cells, frozenset(used - ahead), self.left_out))
            self.builder.ends(at)
        return at

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
            times = self.times(item.count, scope, self.builder.shape(at))
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
            value = float(times) if isinstance(times, Fraction) else times
            raise SpecError(f"{value} is not a number of times", count.span, hint)
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
                raise SpecError(f"`{block.name}` has no parameter `{flag.name}`", flag.name_span, hint)
            if flag.name in given:
                raise SpecError(f"`{flag.name}` is given twice", flag.span, "keep one")
            given[flag.name] = flag
        source = self.builder.shape(at)
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
        before = len(self.builder)
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
        source = as_image(self.builder.shape(at))
        targets = [as_image(self.builder.shape(r)) for r in results.values()]
        strides = any(not every(s == 1) for n in self.builder.attributes(before) for s in n.stride)
        for i, word in waiting:
            taken: int | None = at
            if join.kind == "add" and targets and not same(source, targets[0]):
                stride = self.builder.strides(at, next(iter(results.values()))) if strides else None
                taken = self.shortcut(word, at, targets[0], stride, scope, path)
            if taken is not None:
                results[i] = taken
        ends = tuple(results[i] for i in sorted(results))
        if len(ends) == 1:
            return ends[0], True
        op = OPS[join.kind]
        try:
            (shape,) = op.outputs(_NO_ATTRS, tuple(self.builder.shape(e) for e in ends))
        except UnfitError as fault:
            raise SpecError(str(fault), join.span, fault.hint) from None
        return self.add(op, Attrs(channels=shape[0]), ends, join.span, path), True

    def shortcut(
        self, word: Layer, at: int, target: Shape, stride: Pair | None, scope: Scope, path: int
    ) -> int | None:
        """`skip` or `project` where the other branches of an `add` give another shape than comes in.

        `stride` is that of the first branch, None where no layer of them strides.
        """
        source = as_image(self.builder.shape(at))
        if stride is None and not same(grid(source), grid(target)):
            sizes = f"{papers_text(target)} of {papers_text(source)}"
            raise SpecError(
                f"the branch beside this `{word.name}` makes {sizes} without a stride",
                word.span,
                "keep the grid with `same` or `pad=…` on the layers of the branch",
            )
        if word.name == "skip":
            self.left_out += 1
            return None
        if len(source) != 3 or len(target) != 3:
            raise SpecError(
                "`project` brings an image to the shape of another image",
                word.span,
                "the branches give other shapes",
            )
        stride = stride or (1, 1)
        reached = (ceil_div(source[1], stride[0]), ceil_div(source[2], stride[1]))
        if not same(reached, target[1:]):
            steps, sizes = ("x".join(map(str, pair)) for pair in (stride, reached))
            raise SpecError(
                f"`project` with the branch's stride of {steps} gives {sizes}, not {papers_text(target)}",
                word.span,
                "keep the rest of the grid with `same` or `pad=…` on the layers of the branch",
            )
        flags = self.sizing.flags(OPS["conv"], word.flags, scope, source)
        flags = {k: v for k, v in flags.items() if k not in OPS or OPS[k].role != ACTIVATION}
        request = LayerRequest((1, 1), stride, target[0], flags)
        return self.place(OPS["conv"], request, at, word.span, self.places.step(path, "project"))

    # -- layers ---------------------------------------------------------------------------------

    def layer(self, layer: Layer, at: int, scope: Scope, path: int) -> tuple[int, bool]:
        op = None if layer.name in self.blocks else WRITTEN.get(layer.name)
        if op is None:
            return self.call(BlockCall(layer.name, (), layer.name_span), at, scope, path)
        request = self.sizing.request(op, layer, scope, self.builder.shape(at))
        if request is None:
            return at, False
        return self.place(op, request, at, layer.span, path), True

    def place(self, op: Op, request: LayerRequest, at: int, span: Span, path: int) -> int:
        """Add the layer's node, and those of its normalisation and activation."""
        at = self.node(op, request, at, span, path)
        if op.role in (WEIGHTED, POOL):
            for extra, asked in self.sizing.behind(request.flags, self.bare, self.builder.shape(at)):
                at = self.node(extra, asked, at, span, path)
        return at

    def node(self, op: Op, request: LayerRequest, at: int, span: Span, path: int) -> int:
        source = self.builder.shape(at)
        try:
            attrs = op.attributes(request, source)
            return self.add(op, attrs, (at,), span, path)
        except UnfitError as fault:
            raise SpecError(str(fault), span, f"it reads {papers_text(source)}; {fault.hint}") from None

    def add(self, op: Op, attrs: Attrs, inputs: tuple[int, ...], span: Span, path: int) -> int:
        """Add a node inside `path`; the value that it gives."""
        if len(self.builder) >= MAX_NODES:
            hint = "are its repetitions meant?"
            raise SpecError(f"this network has more than {MAX_NODES:,} layers", span, hint)
        values = self.builder.add(op, attrs, inputs, inside=path, span=span)
        shape = self.builder.shape(values[0])
        if not all(size > 0 if type(size) is int else every(size > 0) for size in shape):
            hint = "the layers before it have made the grid too small, or a size is 0"
            source = papers_text(self.builder.shape(inputs[0]))
            raise SpecError(f"nothing is left of {source} here: {papers_text(shape)}", span, hint)
        return values[0]


_NO_ATTRS = Attrs()


def _no_layer(row: TableRow) -> SpecError:
    hint = "what its rule reads is blank or 0; the rule of a row that builds nothing is `-> pass`"
    read = ("read here", row.steps[0].rule.span)
    return SpecError(f"the row `{row.label}` builds no layer", row.cell.span, hint, read)


def _in_row(fault: SpecError, row: TableRow) -> SpecError:
    """`fault` with the row in which it came to light, unless it points at that row already."""
    if fault.span is None or fault.also is not None:
        return fault
    if (fault.span.file, fault.span.line) == (row.span.file, row.span.line):
        return fault
    return SpecError(fault.message, fault.span, fault.hint, (f"in the row `{row.label}`", row.cell.span))
