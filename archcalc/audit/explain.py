"""Which single change to a row would give the costs that the paper prints, and do these fit each other?

Each change is made to the row's own expression, which is then expanded and counted again: other input
channels, a separable convolution in place of a dense one, another kernel, groups, stride or inner width, a
layer left out. A change must explain a cell that differs, must not spoil one that agrees, and must leave the
row's output as the paper prints it. Where no single change does, nothing is offered.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING, Any, Final

from archcalc import units
from archcalc.audit import changes, conventions
from archcalc.audit.conventions import AuditVerdict
from archcalc.audit.figures import alone
from archcalc.audit.findings import Suggestion
from archcalc.cost import counts
from archcalc.errors import SpecError
from archcalc.ops.table import OPS
from archcalc.shapes import as_image, channels
from archcalc.spec import lower
from archcalc.spec.syntax import Chain, Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archcalc.audit.figures import CountedSpec
    from archcalc.cost.counts import RowCount
    from archcalc.errors import Span
    from archcalc.graph.graph import Node
    from archcalc.shapes import Shape
    from archcalc.spec.spec import Spec
    from archcalc.spec.syntax import Expression
    from archcalc.units import Published, Reading

COSTS: Final = ("weights", "params", "macs", "flops")
_KERNELS: Final = (1, 2, 3, 4, 5, 6, 7, 9, 11)
_MULTIPLIERS: Final = (1, 2, 4, 8, 16, 32)
_KINDS: Final = ("input", "separable", "kernel", "groups", "width", "without", "stride")
_MOST: Final = 3
_FARTHEST: Final = 4  # times as many channels as there are
_SLACK: Final = Fraction(1, 20)


@dataclass(frozen=True, slots=True)
class Target:
    """A published cost of the row, how its column is read, and the verdict on it."""

    header: str
    metric: str
    published: Published
    reading: Reading
    verdict: AuditVerdict


@dataclass(frozen=True, slots=True)
class Explained:
    """The changes that explain a row, best first, and how its published costs contradict each other."""

    suggestions: tuple[Suggestion, ...] = ()
    contradiction: str = ""


def row(
    network: CountedSpec, counted: RowCount, targets: Sequence[Target], printed: Shape | None
) -> Explained:
    """What would explain the published costs `targets` of a row.

    `printed` is the shape that the paper prints for the row where it is not the one that the row gives.
    """
    contradiction = _contradiction(counted, targets)
    if contradiction and printed is None and any(t.verdict is not AuditVerdict.differs for t in targets):
        # One of the two agrees, and no change that keeps the grid can part weights from multiply-adds.
        return Explained((), contradiction)
    search = _Search(network, counted, tuple(targets), printed)
    return Explained(tuple(search.best()), contradiction)


def _contradiction(counted: RowCount, targets: Sequence[Target]) -> str:
    """How the row's weights and multiply-adds contradict each other through the output area, if they do.

    Each weight is used once at each place of the output, whatever the row's channels and kernels: so the
    two figures check each other without any network, and under every K and rounding.
    """
    weights = next((t for t in targets if t.reading.metric == "weights"), None)
    products = next((t for t in targets if t.reading.metric in ("macs", "flops")), None)
    areas = {Fraction(int(n.cost.macs), int(n.cost.weights)) for n in counted.nodes if n.cost.weights}
    if weights is None or products is None or len(areas) != 1:
        return ""
    places = areas.pop() * (2 if products.reading.metric == "flops" else 1)
    ranges = [(lo / places, hi / places) for lo, hi in _ranges(products)]
    if not ranges or any(lo <= top and low <= hi for lo, hi in ranges for low, top in _ranges(weights)):
        return ""
    output = as_image(counted.output)
    printed = conventions.interval(products.published, products.reading.convention)
    low, high = (units.human((end or 0) / places) for end in (printed.lo, printed.hi))
    return (
        f"{weights.published.text} and {products.published.text} contradict each other: "
        f"over {output[1]}x{output[2]} outputs {products.published.text} "
        f"takes {low} to {high} weights"
    )


def _ranges(target: Target) -> list[tuple[Fraction, Fraction]]:
    """The values of its metric that a published cost can stand for, by every K and rounding."""
    intervals = [conventions.interval(target.published, convention) for convention in units.CONVENTIONS]
    return [(i.lo, i.hi) for i in intervals if i.lo is not None and i.hi is not None]


class _Search:
    """The row by itself, and all single changes to it."""

    def __init__(
        self, network: CountedSpec, counted: RowCount, targets: tuple[Target, ...], printed: Shape | None
    ) -> None:
        self.network = network
        self.graph = network.counts.graph
        self.counted = counted
        self.targets = targets
        self.printed = printed
        self.row = network.table_row(counted)
        self.spec: Spec = alone(network.spec, self.row)

    def best(self) -> list[Suggestion]:
        """The changes that explain most cells with the fewest departures from their conventions."""
        ranked: dict[tuple[int, int], list[Suggestion]] = defaultdict(list)
        for kind, change, spec, source in self.all_changes():
            counted = self.count(spec, source)
            fit = None if counted is None else self.fit(counted)
            if fit is None or counted is None:
                continue
            fits, conditions = fit
            values = {t.metric: getattr(counted.cost, t.reading.metric) for t in self.targets}
            rank = (-len(fits), len(conditions))
            ranked[rank].append(Suggestion(change, kind, fits, "; ".join(conditions), values))
        best = ranked[min(ranked)] if ranked else []
        return sorted(best, key=lambda s: _KINDS.index(s.kind))[:_MOST]

    def count(self, spec: Spec, source: Shape) -> RowCount | None:
        """The row's costs; None where the change cannot be built."""
        try:
            return counts.count(lower.build_on(spec, source)).rows[0]
        except SpecError:
            return None

    def fit(self, counted: RowCount) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The cells that a change explains, and the conventions it takes; None where it spoils one."""
        if counted.output not in (self.counted.output, self.printed):
            return None
        fits, conditions = [], []
        for target in self.targets:
            values = {target.reading.metric: getattr(counted.cost, target.reading.metric)}
            judgement = conventions.judge(target.published, values, target.reading)
            if _RANK[judgement.verdict] > _RANK[target.verdict]:
                return None
            if target.verdict is AuditVerdict.differs and judgement.verdict is not AuditVerdict.differs:
                fits.append(target.header)
                if judgement.condition:
                    conditions.append(f"{target.header} if {judgement.condition}")
        return (tuple(fits), tuple(conditions)) if fits else None

    # -- changes --------------------------------------------------------------------------------

    def all_changes(self) -> Iterator[tuple[str, str, Spec, Shape]]:
        """Every change: its kind, its description, the changed row, and what that reads."""
        own = self.counted.input
        if self.counted.row.source != 0:
            step = self.input_step()
            for c in self.solve(int(own[0]), step, lambda c: (self.spec, (c, *own[1:]))):
                yield "input", f"{c} input channels instead of {own[0]}", self.spec, (c, *own[1:])
        layers: dict[Span, list[Node]] = defaultdict(list)
        written = self.written()
        for i in self.counted.row.nodes:
            node = self.graph.nodes[i]
            if node.span in written and node.entry.weighted:
                layers[node.span].append(node)
        for span, nodes in layers.items():
            place = nodes[0].name.partition(".")[2] or nodes[0].name
            at = f" in {place}" if len(layers) > 1 else ""
            for kind, text, make in self.layer(span, nodes, place, at):
                yield kind, text, self.changed(span, make), own

    def written(self) -> set[Span]:
        """Where layers are written as ops; `project`, a convolution too, has no sizes."""
        blocks = (block.body for block in self.spec.statements.blocks.values())
        bodies = [*(step.body for step in self.row.steps), *blocks]
        return {layer.span for body in bodies for layer in changes.layers(body) if layer.name in OPS}

    def layer(
        self, span: Span, nodes: Sequence[Node], place: str, at: str
    ) -> Iterator[tuple[str, str, Callable[[Layer], Expression]]]:
        """Changes to one layer of the row's expression, which may stand for several of its nodes."""
        op, attrs = nodes[0].entry, nodes[0].attrs
        kernel = f"{attrs.kernel[0]}x{attrs.kernel[1]}"
        inner = self.solve(
            int(attrs.channels),
            self.width_step(span),
            lambda c: (self.changed(span, changes.width(c)), self.counted.input),
        )
        for c in inner if "channels" in op.sizes else ():
            yield "width", f"{c} channels instead of {attrs.channels}{at}", changes.width(c)
        yield "without", f"leaving out {place}", lambda layer: Chain((), layer.span)
        if not op.window:
            return
        area = int(attrs.kernel[0] * attrs.kernel[1])
        width = int(attrs.channels)
        squares = [(k, k) for k in _KERNELS]
        for k in (*squares, *((k, 1) for k in (3, 5, 7)), *((1, k) for k in (3, 5, 7))):
            if k != attrs.kernel and self.near(span, Fraction(k[0] * k[1], area)):
                yield "kernel", f"a {k[0]}x{k[1]} kernel instead of {kernel}{at}", changes.kernel(k)
        if self.printed is not None:  # a stride changes the grid, so only where the printed grid differs
            for s in (1, 2, 4):
                if (s, s) != attrs.stride:
                    yield "stride", f"stride {s} instead of {attrs.stride[0]}{at}", changes.stride(s)
        if "groups" not in op.flags or attrs.groups != 1:
            return
        for g in (2, 4, 8, 16, 32):
            if self.near(span, Fraction(1, g)):
                yield "groups", f"{g} groups{at}", changes.grouped(g)
        for m in _MULTIPLIERS if area > 1 else ():
            if self.near(span, Fraction(m * (area + width), area * width)):
                text = (
                    f"a depthwise-separable {kernel} with multiplier {m} in place of the {kernel} convolution"
                )
                yield "separable", text + at, changes.separable(m)

    def near(self, span: Span, factor: Fraction) -> bool:
        """Whether scaling a layer's cost by `factor` comes near a cell that differs; saves expansions."""
        if self.printed is not None:
            return True
        for target in self.targets:
            if target.verdict is AuditVerdict.differs:
                metric = target.reading.metric
                own = sum(getattr(n.cost, metric) for n in self.counted.nodes if n.node.span == span)
                value = getattr(self.counted.cost, metric) + own * (factor - 1)
                low, high = self.bounds(target)
                if low * (1 - _SLACK) <= value <= high * (1 + _SLACK):
                    return True
        return False

    def bounds(self, target: Target) -> tuple[Fraction, Fraction]:
        ranges = _ranges(target)
        if not ranges:
            return Fraction(0), Fraction(0)
        return min(r[0] for r in ranges), max(r[1] for r in ranges)

    def changed(self, span: Span, make: Callable[[Layer], Expression]) -> Spec:
        """The row with the layer written at `span` replaced, in its rule or in the block that holds it."""
        (alone,) = self.spec.rows
        steps = tuple(replace(s, body=changes.rewritten(s.body, span, make)) for s in alone.steps)
        statements = self.spec.statements
        blocks = {
            name: replace(block, body=changes.rewritten(block.body, span, make))
            for name, block in statements.blocks.items()
        }
        return replace(
            self.spec,
            rows=(replace(alone, steps=steps),),
            statements=replace(statements, blocks=blocks),
        )

    # -- sizes that come in steps ---------------------------------------------------------------

    def input_step(self) -> int:
        """Channels are drawn in the steps in which rows of this kind (or all rows) read theirs."""
        rules = [step.rule for step in self.row.steps]
        described = self.network.spec.rows
        rows = [row for row in self.graph.trunk if row.source != 0]
        alike = [row for row in rows if [step.rule for step in described[row.index].steps] == rules]
        read = [int(channels(self.graph.shape(r.source))) for r in (alike if len(alike) > 2 else rows)]
        return gcd(*read)

    def width_step(self, span: Span) -> int:
        """Widths are drawn in the steps in which this layer of the expression (or any layer) has them."""
        weighted = [n for n in self.graph.nodes if n.entry.weighted]
        alike = [int(n.attrs.channels) for n in weighted if n.span == span]
        return gcd(*(alike if len(alike) > 2 else [int(n.attrs.channels) for n in weighted]))

    def solve(self, now: int, step: int, change: Callable[[int], tuple[Spec, Shape]]) -> Iterator[int]:
        """Multiples of `step` that may give the first cell that differs, by the rule of false position.

        Costs are polynomials of low degree in a number of channels, so a few steps reach the place; the
        multiples next to it are tried too. Nothing comes of a number that the row's output depends on.
        """
        target = next(t for t in self.targets if t.verdict is AuditVerdict.differs)
        metric = target.reading.metric
        low, high = self.bounds(target)
        if step <= 0:
            return
        last, place = now // step, now // step + 1
        known: dict[int, Any] = {last: getattr(self.counted.cost, metric)}

        def value(n: int) -> Any:
            if n not in known:
                counted = self.count(*change(n * step)) if 0 < n <= _FARTHEST * now // step + 1 else None
                fits = counted is not None and counted.output in (self.counted.output, self.printed)
                known[n] = getattr(counted.cost, metric) if counted is not None and fits else None
            return known[n]

        for _ in range(6):
            if value(place) in (None, value(last)):
                break
            slope = Fraction(value(place) - value(last), place - last)
            last, place = place, max(1, round(place + ((low + high) / 2 - value(place)) / slope))
            if place == last:
                break
        for n in (place - 1, place, place + 1):
            cost = value(n) if n * step != now else None
            if cost is not None and low <= cost <= high:
                yield n * step


_RANK: Final = {AuditVerdict.agrees: 0, AuditVerdict.conditional: 1, AuditVerdict.differs: 2}
