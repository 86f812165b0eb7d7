"""A table's lines -> `TableRow`s: each with its rule, the names bound in it, and its claims.

Nothing is guessed: an unmatched row, a ragged line or a cell that its column's pattern does not foresee is
an error with its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.document.model import Cell, MarkdownTable
from archcalc.document.text import Scalar, key
from archcalc.errors import Span, SpecError, suggest
from archcalc.metrics import SHAPES
from archcalc.spec.columns import NEXT, Layout, lay_out
from archcalc.spec.outline import Outline, ragged
from archcalc.spec.patterns import WHOLE, Pattern
from archcalc.spec.statements import Rule, Total, stated
from archcalc.spec.syntax import Chain

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TRIES = 100_000  # rules tried on cells and their items, for one table


@dataclass(frozen=True, slots=True)
class Bound:
    """A name's text in a row, where it stands, and whether it is part of a claim."""

    text: str
    span: Span
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class CellClaim:
    """A published cell that claims a metric; `parts` are what the column's pattern captured of it.

    `text` is the part that holds the figure; a shape's parts are named `h`, `w` and `c`.
    """

    metric: str
    header: str
    cell: Cell
    text: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a row: the rule's expression, and the names that its pattern bound."""

    rule: Rule
    body: Chain
    names: Mapping[str, Bound]


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table, or a side head. `source` is the label of the row that a side head reads."""

    label: str
    steps: tuple[Step, ...]
    names: Mapping[str, Bound]
    claims: tuple[CellClaim, ...]
    cell: Cell
    span: Span
    source: Bound | None = None

    @property
    def type(self) -> str:
        """The label without a trailing parenthesis: `inception (3a)` is an `inception`."""
        return re.sub(r"\s*\([^()]*\)\s*$", "", self.label) or self.label


@dataclass(frozen=True, slots=True)
class TableReading:
    """A table's rows, the claims that rows make of the network, and the rules used (by identity)."""

    rows: tuple[TableRow, ...]
    totals: tuple[CellClaim, ...]
    used: frozenset[int]


def read(outline: Outline, variables: Mapping[str, Scalar], table: MarkdownTable) -> TableReading:
    """The rows of an outline's table, or of its table of side heads. Raises `SpecError` at a fault."""
    reader = _Reader(outline, variables)
    rows = reader.rows(table)
    return TableReading(rows, tuple(reader.totals), frozenset(reader.used))


class _Reader:
    """Reads a table's rows with an outline's statements; gathers totals and which rules were used."""

    def __init__(self, outline: Outline, variables: Mapping[str, Scalar]) -> None:
        self.outline = outline
        self.variables = variables
        self.statements = outline.statements
        self.used: set[int] = set()
        self.tries = 0
        self.totals: list[CellClaim] = []

    def rows(self, table: MarkdownTable) -> tuple[TableRow, ...]:
        layout = lay_out(self.outline, self.variables, table)
        width = len(table.header)
        names = [key(c.text) for c in table.header]
        lines: list[tuple[tuple[Cell, ...], Span]] = []
        for cells, span in zip(table.rows, table.row_spans, strict=True):
            if len(cells) < width and cells and set(names[len(cells) - 1 :]) <= layout.spare:
                # A cell that the paper prints across all the variants' columns.
                cells = (*cells, *[cells[-1]] * (width - len(cells)))
            if len(cells) != width:
                raise ragged(cells, width, span)
            if all(c.blank for c in cells):
                raise SpecError("this row is blank", span, "remove it")
            lines.append((cells, span))
        if not lines:
            raise SpecError("this table has no rows", table.span, "write a row for each layer of the network")
        printed = len(lines)
        if table is self.outline.table:
            lines.extend(self.appended(width, layout))
        # All cells are taken apart before any rule is tried: a value in the wrong column is reported first.
        bound = [self.bind(table, cells) for cells, _ in lines]
        rows = tuple(
            self.row(cells, span, layout, *parts) for (cells, span), parts in zip(lines, bound, strict=True)
        )
        for i, row in enumerate(rows):
            if i >= printed:
                self.reads_no_cell(row, row, "")
            if i + 1 >= printed and i + 1 < len(rows):
                self.reads_no_cell(row, rows[i + 1], NEXT)
        return rows

    def reads_no_cell(self, row: TableRow, appended: TableRow, prefix: str) -> None:
        """Complain where `row` reads a cell of an `appended` row, which has none: its layer would vanish."""
        missing = {prefix + name for name, bound in appended.names.items() if not bound.text}
        for step in row.steps:
            for wanted, name in self.statements.outer_names(step.body).items():
                if wanted in missing and wanted not in step.names:
                    raise SpecError(
                        f"`{{{name.name}}}` reads a cell, and the appended row `{appended.label}` has none",
                        name.span,
                        f"write the value itself in a rule for `{row.label}`",
                        ("appended here", appended.span),
                    )

    def appended(self, width: int, layout: Layout) -> Iterator[tuple[tuple[Cell, ...], Span]]:
        """The rows of `append : linear, softmax`, which the table leaves out: all other cells are blank."""
        header = self.statements.append
        if header is None:
            return
        for text in header.text.split(","):
            named, blank = Cell(text.strip(), text, header.span), Cell("", "", header.span)
            cells = tuple(named if i in (layout.match, layout.label) else blank for i in range(width))
            yield cells, header.span

    def bind(
        self, table: MarkdownTable, cells: tuple[Cell, ...]
    ) -> tuple[Mapping[str, Cell], dict[str, Bound], tuple[CellClaim, ...]]:
        """A row's cells by header, the names that they and their patterns bind, and what they claim."""
        by_header = {key(h.text): c for h, c in zip(table.header, cells, strict=True)}
        claimed = {key(c.header) for c in self.statements.columns if c.metric}
        names = {
            k: Bound("" if c.blank else c.text, c.span, k in claimed) for k, c in by_header.items() if k != ""
        }
        claims: list[CellClaim] = []
        for header, cell in by_header.items():
            claims.extend(self.captures(header, cell, names, set(by_header) - {header}))
        return by_header, names, tuple(claims)

    def row(
        self,
        cells: tuple[Cell, ...],
        span: Span,
        layout: Layout,
        by_header: Mapping[str, Cell],
        names: dict[str, Bound],
        claims: tuple[CellClaim, ...],
    ) -> TableRow:
        cell = cells[layout.match]
        name = cells[layout.label].text if not cells[layout.label].blank else cell.text
        steps = self.steps(cell, by_header)
        totals = [s for s in steps if isinstance(s.rule.body, Total)]
        for step in totals:
            self.total(step, by_header, name)
        if totals:
            if len(totals) < len(steps):
                raise SpecError(
                    f"`{cell.text}` is both layers and a total", cell.span, "write a rule for all of the cell"
                )
            steps = ()
        head = cells[layout.source] if layout.source is not None else None
        return TableRow(
            label=name,
            steps=steps,
            names=names,
            claims=claims,
            cell=cell,
            span=span,
            source=Bound("" if head.blank else head.text, head.span) if head else None,
        )

    def captures(
        self, header: str, cell: Cell, names: dict[str, Bound], others: set[str]
    ) -> Iterator[CellClaim]:
        """Take a cell apart by its column's patterns, of which the first that fits is taken.

        A name that is another column's header stays that column's: `{c}` of a size is then only claimed.
        """
        columns = [c for c in self.statements.columns if key(c.header) == header]
        if not columns:
            return
        for name in (n for c in columns for n in c.pattern.names if n != WHOLE):
            names.setdefault(key(name), Bound("", cell.span))
        if cell.blank:
            return
        for column in columns:
            parts = column.pattern.match(cell.text)
            if parts is None:
                continue
            for name, text in parts.items():
                if name != WHOLE and key(name) not in others:
                    names[key(name)] = Bound(text, cell.span, bool(column.metric))
            if column.metric:
                if column.metric not in SHAPES and len(parts) != 1:
                    raise SpecError(
                        f"a claim of {column.metric} has one figure, this pattern {len(parts)}",
                        column.span,
                        f"write `{stated(column.header)} : {{}} = {column.metric}`",
                    )
                text = next(iter(parts.values()), "")
                yield CellClaim(column.metric, column.header, cell, text, parts)
            return
        patterns = " or ".join(f"`{c.pattern.text}`" for c in columns)
        fits = [
            c
            for c in self.statements.columns
            if len(c.pattern.names) > 1 and key(c.header) != header and c.pattern.match(cell.text) is not None
        ]
        raise SpecError(
            f"`{cell.text}` does not read as {patterns}, the pattern of column `{columns[0].header}`",
            cell.span,
            f"it reads as a value of `{fits[0].header}`: has a blank cell before it gone missing (`| |`)?"
            if fits
            else "a value in the wrong column, or one more pattern is needed: a column may have several",
        )

    def steps(self, cell: Cell, by_header: Mapping[str, Cell]) -> tuple[Step, ...]:
        """The rule that reads all of a cell or, where none fits, the rules of its items, in their order."""
        if cell.blank:
            raise SpecError("the cell that the rules read is blank", cell.span, "name the layer")
        step = self.rule(cell.text, cell, by_header)
        if step is not None:
            return (step,)
        text = cell.text.strip("[]")
        items = list(re.finditer(r"[^\s,;]+", text))
        best: dict[int, tuple[Step, ...]] = {len(items): ()}
        if len(items) <= 64:
            for i in range(len(items) - 1, -1, -1):
                for j in range(len(items), i, -1):  # the longest item that fits
                    if j not in best:
                        continue
                    item = text[items[i].start() : items[j - 1].end()]
                    step = self.rule(item, cell, by_header)
                    if step is not None:
                        best[i] = (step, *best[j])
                        break
        if 0 in best and items:
            return best[0]
        raise self.unread(cell)

    def unread(self, cell: Cell) -> SpecError:
        """The error for a cell that no rule reads, with the rule that comes nearest."""
        for rule in self.statements.rules:
            if rule.conditions and rule.pattern.match(cell.text) is not None:
                wanted = " and ".join(f"`{header}` is `{p.text}`" for header, p, _ in rule.conditions)
                hint = f"the rule in line {rule.span.line} reads it only where {wanted}"
                return SpecError(f"no rule reads `{cell.text}` in this row", cell.span, hint)
        known = [rule.pattern.text for rule in self.statements.rules]
        hint = suggest(cell.text, known) or f"add a rule: `{cell.text[:40]} -> …`"
        return SpecError(f"no rule reads `{cell.text}`", cell.span, hint)

    def rule(self, text: str, cell: Cell, by_header: Mapping[str, Cell]) -> Step | None:
        self.tries += len(self.statements.rules)
        if self.tries > MAX_TRIES:
            raise SpecError(
                "too many rows, items and rules to try them all", cell.span, "split the table or the document"
            )
        for rule in self.statements.rules:
            parts = rule.pattern.match(text)
            if parts is None:
                continue
            names = {key(n): Bound(t, cell.span) for n, t in parts.items() if n != WHOLE}
            if not self.conditions(rule, by_header, names):
                continue
            self.used.add(id(rule))
            body = rule.body if isinstance(rule.body, Chain) else Chain((), rule.span)
            if isinstance(rule.body, Total):
                capture = rule.body.capture
                if capture in parts:
                    names[WHOLE] = Bound(parts[capture], cell.span)
                elif key(capture) in names:  # of a condition: the figure stands in another cell
                    names[WHOLE] = names[key(capture)]
            return Step(rule, body, names)
        return None

    def conditions(self, rule: Rule, by_header: Mapping[str, Cell], names: dict[str, Bound]) -> bool:
        for header, pattern, _ in rule.conditions:
            cell = by_header.get(key(header))
            parts = _match(pattern, cell)
            if cell is None or parts is None:
                return False
            names |= {key(n): Bound(t, cell.span) for n, t in parts.items() if n != WHOLE}
        return True

    def total(self, step: Step, by_header: Mapping[str, Cell], label: str) -> None:
        total = step.rule.body
        assert isinstance(total, Total)
        if WHOLE not in step.names:
            raise SpecError(
                f"the pattern captures no `{{{total.capture}}}`",
                step.rule.span,
                f"write `{{{total.capture}}}` in it",
            )
        figure = step.names[WHOLE]
        text = figure.text + total.unit
        cell = next(c for c in by_header.values() if c.span == figure.span)
        self.totals.append(CellClaim(total.metric, label, cell, text, {WHOLE: text}))


def _match(pattern: Pattern, cell: Cell | None) -> dict[str, str] | None:
    return None if cell is None else pattern.match("" if cell.blank else cell.text)
