"""References -> figures: the networks that claims name, each built and counted once, and their metrics.

A figure is an exact number, or a `Size` of height, width and channels for a shape.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc import units
from archcalc.cost import counts, paths
from archcalc.document.text import Scalar, key, number
from archcalc.errors import ArchcalcError, SpecError, suggest
from archcalc.graph.graph import Graph, GraphRow
from archcalc.metrics import METRICS, SHAPES, SUMMED
from archcalc.numbers import Number
from archcalc.shapes import as_image, in_papers
from archcalc.spec import arithmetic, inheritance, library, lower, queries, spec
from archcalc.spec.arithmetic import Name, Reference, Size
from archcalc.spec.columns import NEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.cost.counts import Cost, Counts, NodeCount, RowCount
    from archcalc.document.model import Cell, Document
    from archcalc.errors import Span
    from archcalc.shapes import Shape
    from archcalc.spec.claims import ClaimReading
    from archcalc.spec.inputs import GivenInput
    from archcalc.spec.outline import Outline
    from archcalc.spec.queries import Query
    from archcalc.spec.rows import TableRow
    from archcalc.spec.spec import Spec


def of_row(metric: str, row: RowCount, graph: Graph) -> Any:
    """A metric of a row of the table."""
    return _figure(metric, row.cost, row.input, row.output, graph, row.row)


def of_network(metric: str, counted: Counts) -> Any:
    """A metric of a network."""
    graph = counted.graph
    return _figure(metric, counted.total, graph.input, graph.shape(graph.output), graph, None)


def _figure(metric: str, cost: Cost, source: Shape, output: Shape, graph: Graph, row: GraphRow | None) -> Any:
    if metric in SHAPES:
        return papers(source if metric == "input" else output)
    entry = METRICS[metric]
    if entry.source == "graph":
        return _depth_with_pools(graph, row)
    value = entry.get(output if entry.source == "output" else cost)
    return value[0] if entry.kind == "extent" else value


def papers(shape: Shape) -> Size:
    """A shape in the order in which papers print it: see `shapes.in_papers`."""
    return Size(in_papers(shape))


def _depth_with_pools(graph: Graph, row: GraphRow | None) -> int:
    if row is None:
        return paths.depths(graph, paths.WITH_POOLS)[graph.output]
    return paths.depth_within(graph, row, paths.WITH_POOLS)


def _of_layers(metric: str, layers: list[NodeCount], name: str, span: Span) -> Any:
    """A metric of one layer, or of all layers of a block together."""
    if metric in SUMMED:
        return sum(METRICS[metric].get(layer.cost) for layer in layers)
    output = layers[-1].node.shape
    if metric == "intensity":
        traffic = int(sum(layer.cost.traffic for layer in layers))
        return (
            Fraction(2 * int(sum(layer.cost.macs for layer in layers)), traffic) if traffic else Fraction(0)
        )
    if metric in SHAPES:
        return papers(layers[0].input if metric == "input" else output)
    if METRICS[metric].source == "output":
        return METRICS[metric].get(output)
    raise SpecError(
        f"`{metric}` is a figure of rows and networks, and `{name}` is a layer", span, "name its row"
    )


@dataclass(frozen=True, slots=True)
class CountedSpec:
    """A network's counts beside the spec whose graph was counted."""

    spec: Spec
    counts: Counts

    def table_row(self, row: RowCount) -> TableRow:
        """The row of the document from which a counted row was built: those of the table, then side heads."""
        return (*self.spec.rows, *self.spec.heads)[row.row.index]


@dataclass
class Known:
    """What has been built and counted already; several documents may share it."""

    specs: dict[Any, Spec] = field(default_factory=dict)
    counts: dict[Any, CountedSpec] = field(default_factory=dict)


@dataclass
class Ledger:
    """Looks up what the claims of a document refer to, and counts each network once for each scope.

    `settings` and `input` hold for references to the network called `audited` that say nothing else.
    """

    document: Document
    outlines: tuple[Outline, ...]
    audited: str = ""
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    input: GivenInput | None = None
    known: Known = field(default_factory=Known)
    _networks: dict[str, Outline] = field(default_factory=dict)

    def evaluate(self, reading: ClaimReading) -> Any:
        """The figure that a reading gives: a number, or a `Size` where it gives a shape.

        Raises `SpecError` at what is unknown: a metric, network, row, layer or variable, and where a part of
        a shape is no number.
        """
        cells = dict(reading.cells)
        values = [arithmetic.evaluate(part, lambda n: self._look_up(n, cells)) for part in reading.parts]
        if any(value is arithmetic.BLANK for value in values):
            raise SpecError(
                "this comes to nothing", reading.span, "a cell or variable that it reads is blank"
            )
        if len(values) == 1:
            return values[0]
        if any(isinstance(value, Size) for value in values):
            raise SpecError(
                "a part of a shape is itself a shape", reading.span, "take `height`, `width`, `channels`"
            )
        return Size(tuple(values))

    def _look_up(self, name: Name | Reference, cells: Mapping[str, Cell]) -> Any:
        if isinstance(name, Name):
            if key(name.name) in cells:
                return _of_cell(cells[key(name.name)])
            for variable, value in self.document.front.items():
                if key(variable) == key(name.name) and isinstance(value, int | Fraction):
                    return value
            hint = f"a figure of a network is written `{name.name}(googlenet)`"
            if name.name not in METRICS:
                hint = suggest(name.name, list(METRICS)) or "a metric of a network, as in `params(googlenet)`"
            raise SpecError(f"`{name.name}` is no figure", name.span, hint)
        return self.figure(queries.parse(name), name.span)

    def figure(self, query: Query, span: Span) -> Any:
        """What `query`, which stands at `span`, asks for."""
        counted = self.counts(query, span)
        if query.channels is not None:
            return self._behind(query, query.channels, counted, span)
        if not query.row:
            return of_network(query.metric, counted.counts)
        match = _within(counted.counts, query.row)
        if not match and not query.heads and counted.spec.heads:
            counted = self.counts(query, span, heads=True)
            match = _within(counted.counts, query.row)
        if not match:
            known = [row.row.label for row in counted.counts.rows]
            hint = suggest(query.row, known) or "its rows: " + ", ".join(known)
            raise SpecError(f"`{query.network}` has no row or layer `{query.row}`", span, hint)
        if isinstance(match, list):
            return _of_layers(query.metric, match, query.row, span)
        if isinstance(match, tuple):
            names = ", ".join(f"`row={row.row.name}`" for row in match)
            raise SpecError(
                f"`{query.network}` has {len(match)} rows `{query.row}`", span, f"choose: {names}"
            )
        return of_row(query.metric, match, counted.counts.graph)

    def _behind(self, query: Query, channels: int, counted: CountedSpec, span: Span) -> Any:
        """A figure of a row of the table by itself, behind another number of channels."""
        match = _within(counted.counts, query.row)
        if not match or isinstance(match, list | tuple):
            raise SpecError(
                f"`{query.network}` has no one row `{query.row}`", span, "`in` is for one row of its table"
            )
        described = alone(counted.spec, counted.table_row(match))
        graph = lower.build(described, (channels, *as_image(match.input)[1:]))
        (row,) = counts.count(graph, query.batch, query.precision, query.fused).rows
        return of_row(query.metric, row, graph)

    def counts(self, query: Query, span: Span, heads: bool = False) -> CountedSpec:
        """The counts of the network that `query` names, in its scope."""
        chosen = self._find(query.network, span)
        try:
            return self.count(
                chosen,
                query.settings,
                query.input,
                heads=heads or query.heads,
                batch=query.batch,
                precision=query.precision,
                fused=query.fused,
            )
        except SpecError as fault:
            if fault.span is not None:
                raise
            raise SpecError(fault.message, span, fault.hint) from None

    def count(
        self,
        chosen: Outline,
        settings: tuple[tuple[str, Scalar], ...] = (),
        source: GivenInput | None = None,
        heads: bool = False,
        batch: int = 1,
        precision: str = "fp32",
        fused: bool = False,
    ) -> CountedSpec:
        """The counts of an outline, which may extend others of its own document."""
        if chosen.name == self.audited and chosen.document is self.document:
            settings = tuple({**self.settings, **dict(settings)}.items())
            source = self.input if source is None else source
        identity = (chosen.document.file, chosen.name, settings)
        scope = (*identity, source, heads, batch, precision, fused)
        if scope not in self.known.counts:
            described = self.spec(chosen, settings)
            graph = lower.build(described, source, heads)
            self.known.counts[scope] = CountedSpec(described, counts.count(graph, batch, precision, fused))
        return self.known.counts[scope]

    def spec(self, chosen: Outline, settings: tuple[tuple[str, Scalar], ...] = ()) -> Spec:
        """The spec of an outline. Raises `SpecError` where it, or what it extends, cannot be read."""
        identity = (chosen.document.file, chosen.name, settings)
        if identity not in self.known.specs:
            self.known.specs[identity] = spec.build(chosen, library.beside, dict(settings))
        return self.known.specs[identity]

    def resolved(self, chosen: Outline) -> Outline:
        """An outline with all that the networks which it extends give it."""
        return inheritance.resolve(chosen, library.beside)

    def _find(self, name: str, span: Span) -> Outline:
        """A network of this document, a shipped one, or that of a file beside the document."""
        if name not in self._networks:
            try:
                self._networks[name] = library.find_from(self.document, name)
            except SpecError:
                raise
            except ArchcalcError as fault:
                hint = fault.hint
                near = suggest(name, [o.name for o in self.outlines])
                raise SpecError(fault.message, span, near or hint) from None
        return self._networks[name]


def alone(described: Spec, row: TableRow) -> Spec:
    """The network that consists of one row, which keeps what it reads of the row below it."""
    below = next((after for own, after in itertools.pairwise(described.rows) if own is row), None)
    ahead = {NEXT + name: bound for name, bound in below.names.items()} if below else {}
    only = replace(row, names={**ahead, **row.names}, source=None)
    return replace(described, rows=(only,), heads=(), totals=())


def _of_cell(cell: Cell) -> Number:
    """The number that a cell of a table of figures prints."""
    try:
        return units.parse(cell.text).nominal()
    except ValueError as fault:
        raise SpecError(str(fault), cell.span, "an expression reads the figures of its line") from None


def _within(counted: Counts, wanted: str) -> RowCount | tuple[RowCount, ...] | list[NodeCount]:
    """The row of that label or name; several rows of one label; or the layers of a layer or block.

    A layer is called as `archcalc table --expand` and the torch module call it, with or without its row.
    """
    named = [row for row in counted.rows if wanted == row.row.name]
    rows = named or [row for row in counted.rows if key(row.row.label) == key(wanted)]
    if rows:
        return rows[0] if len(rows) == 1 else tuple(rows)
    return [
        layer
        for row in counted.rows
        for layer in row.nodes
        if _inside(layer.node.name, row.row.label, wanted)
    ]


def _inside(name: str, label: str, wanted: str) -> bool:
    """Whether the layer `name` of the row `label` is called `wanted`, or stands in a block called so."""
    by_label = f"{key(label)}.{name.partition('.')[2]}"
    return f"{name}.".startswith(f"{wanted}.") or f"{by_label}.".startswith(f"{key(wanted)}.")


def plain(text: str, variables: Mapping[str, Scalar]) -> Number | None:
    """The number that part of a cell spells, itself or as the name of a variable."""
    exact = number(text)
    if exact is not None:
        return exact
    return next(
        (v for n, v in variables.items() if key(n) == key(text) and not isinstance(v, str)),
        None,
    )
