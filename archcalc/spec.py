"""`Outline` -> `Spec`: a network's rows, each with its rule, the names bound in it, and its claims.

Nothing is guessed: an unmatched row, an unused column, a ragged line or an unknown name is an error with
its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archcalc import arithmetic, grammar
from archcalc.document import Cell, Document, Footnote, Table
from archcalc.errors import Span, SpecError, suggest
from archcalc.grammar import Call, Chain, Flag, Join, Layer, Repeat, SizeWord
from archcalc.outline import Outline, ragged, resolve
from archcalc.patterns import WHOLE, Pattern
from archcalc.statements import Rule, Statements, Total
from archcalc.text import Scalar, key
from archcalc.vocabulary import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archcalc.arithmetic import Value


#: `{next c}` is the `c` of the row that follows: some papers print what a layer reads, not what it gives.
NEXT = "next"


@dataclass(frozen=True, slots=True)
class Bound:
    """A name's text in a row, where it stands, and whether it is part of a claim."""

    text: str
    span: Span
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
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
class Row:
    """A row of the table, or a side head. `source` is the label of the row that a side head reads."""

    label: str
    steps: tuple[Step, ...]
    names: Mapping[str, Bound]
    claims: tuple[Claim, ...]
    cell: Cell
    span: Span
    source: Bound | None = None

    @property
    def type(self) -> str:
        """The label without a trailing parenthesis: `inception (3a)` is an `inception`."""
        return re.sub(r"\s*\([^()]*\)\s*$", "", self.label) or self.label


@dataclass(frozen=True, slots=True)
class Spec:
    """One network as its document describes it, with every name bound and every claim in hand."""

    name: str
    aliases: tuple[str, ...]
    title: str
    source: str
    input: SizeWord
    input_span: Span
    variables: Mapping[str, Scalar]
    rows: tuple[Row, ...]
    heads: tuple[Row, ...]
    totals: tuple[Claim, ...]
    statements: Statements
    document: Document
    settings: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def footnotes(self) -> Mapping[str, Footnote]:
        """The document's footnotes by name."""
        return self.document.footnotes


def build(
    outline: Outline,
    find: Callable[[str], Outline],
    settings: Mapping[str, Scalar] | None = None,
) -> Spec:
    """The `Spec` of one network; `find` gives the outline of a network that it extends.

    `settings` replace variables of the same name. Raises `SpecError` at the first fault.
    """
    settings = dict(settings or {})
    own_rules = outline.statements.rules
    whole = resolve(outline, find, ())
    for name in settings:
        if name not in whole.variables:
            known = ", ".join(whole.variables) or "none"
            raise SpecError(
                f"`{whole.name}` has no variable `{name}`",
                hint=suggest(name, list(whole.variables)) or f"its variables: {known}",
            )
    variables = {**whole.variables, **settings}
    if whole.table is None:
        raise SpecError(f"`{whole.name}` has no table", whole.span)
    if whole.input is None or whole.input_span is None:
        raise SpecError(
            "the document has no `input`", whole.span, "add `input: 224x224x3` to the front matter"
        )
    reader = _RowReader(whole, variables)
    rows = reader.rows(whole.table)
    head_reader = _RowReader(whole, variables)
    heads = head_reader.rows(whole.heads) if whole.heads else ()
    used = reader.used | head_reader.used
    if not whole.alternatives:
        for rule in own_rules:
            if id(rule) not in used:
                raise SpecError(
                    f"no row reads `{rule.pattern.text}`",
                    rule.span,
                    _nearest(rule, whole) or "correct the pattern or drop the rule",
                )
    names = [row.label for row in rows if row.steps]
    for head in heads:
        if head.source and sum(place_in(n, head.source.text) is not None for n in names) != 1:
            hint = suggest(head.source.text, names) or "name a row that the table has once"
            raise SpecError(f"no single row is called `{head.source.text}`", head.source.span, hint)
    return Spec(
        name=whole.name,
        aliases=whole.aliases,
        title=whole.title,
        source=str(whole.document.front.get("source", "")),
        input=_input(whole.input, whole.input_span),
        input_span=whole.input_span,
        variables=variables,
        rows=tuple(row for row in rows if row.steps),
        heads=heads,
        totals=tuple(reader.totals),
        statements=whole.statements,
        document=whole.document,
        settings=settings,
    )


def place_in(label: str, source: str) -> str | None:
    """Where in the row `label` a side head reads: "" its output, `fig6_5` that layer or block of it.

    None where `source`, such as `5xInception` or `5xInception.fig6_5`, names another row.
    """
    row, wanted = key(label), key(source)
    if wanted == row:
        return ""
    return wanted[len(row) + 1 :] if wanted.startswith(row + ".") else None


def _nearest(rule: Rule, outline: Outline) -> str:
    cells = [row[0].text for row in outline.table.rows if row] if outline.table else []
    return suggest(rule.pattern.text, cells)


def _input(value: Scalar, span: Span) -> SizeWord:
    text = str(value)
    shape = re.compile(r"(\d{1,9}|\{[^{}]*\})(x(\d{1,9}|\{[^{}]*\})){0,2}")
    if not shape.fullmatch(text):
        raise SpecError(f"`{text}` is not an input size", span, "write `224x224x3` or `3x224x224`")
    return grammar.size_word(text, replace(span, end=span.start + len(text)))


class _RowReader:
    """Reads a table's rows with an outline's statements; gathers totals and which rules were used."""

    def __init__(self, outline: Outline, variables: Mapping[str, Scalar]) -> None:
        self.outline = outline
        self.variables = variables
        self.statements = outline.statements
        self.used: set[int] = set()
        self.totals: list[Claim] = []

    def rows(self, table: Table) -> tuple[Row, ...]:
        names = [key(c.text) for c in table.header]
        for i, cell in enumerate(table.header):
            if names[i] and names[i] in names[:i]:
                raise SpecError(f"two columns are called `{cell.text}`", cell.span, "rename one")
        source = table.column("from") if table is self.outline.heads else None
        match = self.match_column(table, source)
        spare = {key(a) for a in self.outline.alternatives}
        self.check_columns(table, match, source, spare)
        label = self.label_column(table, match, source, spare)
        rows = []
        for cells, span in zip(table.rows, table.row_spans, strict=True):
            if len(cells) < len(names) and cells and set(names[len(cells) - 1 :]) <= spare:
                # A cell that the paper prints across all the variants' columns.
                cells = (*cells, *[cells[-1]] * (len(names) - len(cells)))
            if len(cells) != len(names):
                raise ragged(cells, len(names), span)
            if all(c.blank for c in cells):
                raise SpecError("this row is blank", span, "remove it")
            rows.append(self.row(table, cells, span, match, label, source))
        if rows and table is self.outline.table:
            rows.extend(self.appended(table, match, label))
        if not rows:
            raise SpecError("this table has no rows", table.span)
        return tuple(rows)

    def appended(self, table: Table, match: int, label: int) -> Iterator[Row]:
        """The rows of `append : linear, softmax`, which the table leaves out: all other cells are blank."""
        header = self.statements.append
        for text in header.text.split(",") if header else ():
            named, blank = Cell(text.strip(), text, header.span), Cell("", "", header.span)
            cells = tuple(named if i in (match, label) else blank for i in range(len(table.header)))
            yield self.row(table, cells, header.span, match, label, None)

    def match_column(self, table: Table, source: int | None) -> int:
        match = self.statements.match
        if match is None or (table is self.outline.heads and table.column(match.text) is None):
            return 0 if source != 0 else 1
        text = match.text
        if found := re.fullmatch(r"\{([^{}]*)\}", text):
            name = found[1].strip()
            if name not in self.variables:
                known = ", ".join(self.variables)
                hint = suggest(name, list(self.variables)) or f"the variables are: {known or 'none'}"
                raise SpecError(f"no variable is called `{name}`", match.span, hint)
            text = str(self.variables[name])
        index = table.column(text)
        if index is None:
            headers = [c.text for c in table.header]
            hint = suggest(text, headers) or "the columns are: " + ", ".join(headers)
            raise SpecError(f"no column is called `{text}`", match.span, hint)
        return index

    def label_column(self, table: Table, match: int, source: int | None, spare: set[str]) -> int:
        if self.statements.label is not None:
            index = table.column(self.statements.label.text)
            if index is not None:
                return index
            if table is not self.outline.heads:
                headers = [c.text for c in table.header]
                hint = suggest(self.statements.label.text, headers)
                raise SpecError("no column has this name", self.statements.label.span, hint)
        first = 0 if source != 0 else 1
        name = key(table.header[first].text)
        claimed = any(key(c.header) == name and c.metric for c in self.statements.columns)
        return match if claimed or name in spare else first

    def check_columns(self, table: Table, match: int, source: int | None, spare: set[str]) -> None:
        """Every column must be read, claimed, or one of the variants' own; every named header be there."""
        read = {key(c.header) for c in self.statements.columns}
        read |= {key(h) for rule in self.statements.rules for h, _, _ in rule.conditions}
        if self.statements.label:
            read.add(key(self.statements.label.text))
        for rule in self.statements.rules:
            if isinstance(rule.body, Chain):
                read |= set(_names(rule.body))
        for block in self.statements.blocks.values():
            read |= set(_names(block.body))
        read |= {name.removeprefix(NEXT) for name in read}
        for i, cell in enumerate(table.header):
            name = key(cell.text)
            if i in (match, source) or name in spare or name in read:
                continue
            if i == 0 and self.label_column(table, match, source, spare) == 0:
                continue
            raise SpecError(
                f"no rule reads the column `{cell.text}`",
                cell.span,
                f"use `{{{cell.text}}}` in a rule, say what it claims (`{cell.text} : {{}} = params`), "
                f"or set it aside (`{cell.text} : …`)",
            )
        if table is self.outline.heads:
            return
        known = {key(c.text) for c in table.header}
        if self.outline.heads is not None:
            known |= {key(c.text) for c in self.outline.heads.header}
        headers = [c.text for c in table.header]
        for column in self.statements.columns:
            if key(column.header) not in known:
                hint = suggest(column.header, headers) or "the columns are: " + ", ".join(headers)
                raise SpecError(f"no column is called `{column.header}`", column.span, hint)
        for rule in self.statements.rules:
            for header, _, span in rule.conditions:
                if key(header) not in known:
                    hint = suggest(header, headers) or "the columns are: " + ", ".join(headers)
                    raise SpecError(f"no column is called `{header}`", span, hint)

    def row(
        self,
        table: Table,
        cells: tuple[Cell, ...],
        span: Span,
        match: int,
        label: int,
        source: int | None,
    ) -> Row:
        by_header = {key(h.text): c for h, c in zip(table.header, cells, strict=True)}
        claimed = {key(c.header) for c in self.statements.columns if c.metric}
        names = {
            k: Bound("" if c.blank else c.text, c.span, k in claimed) for k, c in by_header.items() if k != ""
        }
        claims: list[Claim] = []
        for header, cell in by_header.items():
            claims.extend(self.captures(header, cell, names, set(by_header) - {header}))
        cell = cells[match]
        name = cells[label].text if not cells[label].blank else cell.text
        steps = self.steps(cell, by_header)
        totals = [s for s in steps if isinstance(s.rule.body, Total)]
        for step in totals:
            self.total(step, cell, name)
        if totals:
            steps = ()
        head = cells[source] if source is not None else None
        return Row(
            label=name,
            steps=steps,
            names=names,
            claims=tuple(claims),
            cell=cell,
            span=span,
            source=Bound(head.text, head.span) if head else None,
        )

    def captures(
        self, header: str, cell: Cell, names: dict[str, Bound], others: set[str]
    ) -> Iterator[Claim]:
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
                        f"write `{column.header} : {{}} = {column.metric}`",
                    )
                text = next(iter(parts.values()), "")
                yield Claim(column.metric, column.header, cell, text, parts)
            return
        patterns = " or ".join(f"`{c.pattern.text}`" for c in columns)
        raise SpecError(
            f"`{cell.text}` does not read as {patterns}, the pattern of column `{columns[0].header}`",
            cell.span,
            "a value in the wrong column, or a pattern that does not foresee it",
        )

    def steps(self, cell: Cell, by_header: Mapping[str, Cell]) -> tuple[Step, ...]:
        """The rule of the whole cell or, where none fits, the rules of its items, in their order."""
        if cell.blank:
            raise SpecError("the cell that the rules read is blank", cell.span, "name the layer")
        found = self.rule(cell.text, cell, by_header)
        if found is not None:
            return (found,)
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
        known = [rule.pattern.text for rule in self.statements.rules]
        hint = suggest(cell.text, known) or "add a rule: `" + cell.text[:40] + " -> …`"
        raise SpecError(f"no rule reads `{cell.text}`", cell.span, hint)

    def rule(self, text: str, cell: Cell, by_header: Mapping[str, Cell]) -> Step | None:
        for rule in self.statements.rules:
            parts = rule.pattern.match(text)
            if parts is None:
                continue
            names = {key(n): Bound(t, cell.span) for n, t in parts.items() if n != WHOLE}
            if not self.conditions(rule, by_header, names):
                continue
            self.used.add(id(rule))
            body = rule.body if isinstance(rule.body, Chain) else Chain((), rule.span)
            if isinstance(rule.body, Total) and key(rule.body.capture) in names | {WHOLE: 0}:
                names[WHOLE] = Bound(parts[rule.body.capture], cell.span)
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

    def total(self, step: Step, cell: Cell, label: str) -> None:
        total = step.rule.body
        assert isinstance(total, Total)
        if WHOLE not in step.names:
            raise SpecError(
                f"the pattern captures no `{total.capture}`",
                step.rule.span,
                f"write `{{{total.capture}}}` in it",
            )
        text = step.names[WHOLE].text + total.unit
        self.totals.append(Claim(total.metric, label, cell, text, {WHOLE: text}))


def _match(pattern: Pattern, cell: Cell | None) -> dict[str, str] | None:
    return None if cell is None else pattern.match(cell.text)


def _names(node: object) -> Iterator[str]:
    """Every name that an expression's braces hold, as `text.key` spells it."""
    if isinstance(node, Chain):
        for item in node.items:
            yield from _names(item)
    elif isinstance(node, Join):
        for branch in node.branches:
            yield from _names(branch)
    elif isinstance(node, Repeat):
        yield from _names(node.count)
        yield from _names(node.body)
    elif isinstance(node, Call):
        for flag in node.arguments:
            yield from _names(flag)
    elif isinstance(node, Layer):
        for part in (*node.sizes, *node.flags):
            yield from _names(part)
    elif isinstance(node, Flag):
        for word in node.values:
            yield from _names(word)
    elif isinstance(node, SizeWord):
        for value in (*node.parts, *node.stride):
            yield from _value_names(value)


def _value_names(value: Value) -> Iterator[str]:
    if isinstance(value, arithmetic.Name):
        yield key(value.name)
    elif isinstance(value, arithmetic.Call):
        for argument in value.arguments:
            yield from _value_names(argument)
    elif isinstance(value, arithmetic.Binary):
        yield from _value_names(value.left)
        yield from _value_names(value.right)
