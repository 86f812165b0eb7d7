"""`Document` -> `Spec`: which networks a document holds, and for one of them its rows, rules and claims.

`networks(document)` lists them without reading any row; `build(document, name)` reads one. Nothing is
guessed: an unmatched row, an unused column, a ragged line or an unknown name is an error with its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archcalc import arithmetic, grammar, statements
from archcalc.document import Cell, Document, Footnote, Scalar, Section, Table, key
from archcalc.errors import SpecError, Span, suggest
from archcalc.grammar import Call, Chain, Flag, Join, Layer, Repeat, SizeWord
from archcalc.patterns import WHOLE, Pattern
from archcalc.statements import Rule, Statements, Total
from archcalc.vocabulary import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archcalc.arithmetic import Value

_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]*")
_FRONT = ("name", "aliases", "title", "source", "input", "extends")
_VARIANT = ("variant", "of", "aliases", "title", "input")


@dataclass(frozen=True, slots=True)
class Outline:
    """A network that a document holds, before its rows are read.

    `variables` and their places include what its line of the variants table sets.
    """

    name: str
    aliases: tuple[str, ...]
    title: str
    document: Document
    statements: Statements
    table: Table | None
    heads: Table | None
    variables: Mapping[str, Scalar]
    input: Scalar | None
    input_span: Span | None
    span: Span
    alternatives: tuple[str, ...] = ()

    @property
    def extends(self) -> statements.Header | None:
        """The network that this one changes, where it says so."""
        return self.statements.extends


@dataclass(frozen=True, slots=True)
class Bound:
    """A name's text in a row: where it stands, and the claim of which it is a part, if any."""

    text: str
    span: Span


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


# -- which networks a document holds ---------------------------------------------------------------


def networks(document: Document) -> tuple[Outline, ...]:
    """The networks of `document`, in its order. Raises `SpecError` where it holds none."""
    name = _front_name(document)
    kinds = [_sort(section) for section in document.sections]
    own = [
        (section, kind)
        for section, kind in zip(document.sections, kinds, strict=True)
        if kind.network or (kind.arch.extends and section.heading)
    ]
    tables = sum(len(kind.network) for kind in kinds)
    shared = [k for s, k in zip(document.sections, kinds, strict=True) if all(s is not o for o, _ in own)]
    common = _merge([kind.arch for kind in shared])
    variants = [t for kind in kinds for t in kind.variants]
    heads = [t for kind in kinds for t in kind.heads]
    variables = {k: v for k, v in document.front.items() if k not in _FRONT}
    for unknown, value in variables.items():
        if isinstance(value, tuple):
            raise SpecError(f"`{unknown}` is a list", document.front_spans[unknown], "give one value")
    if tables == 0 and not own and "extends" not in document.front and not common.extends:
        raise SpecError(
            "this document holds no table of a network",
            Span(document.file, 1, 0, 1, ""),
            "a table starts with `| type | … |` and a line of dashes under it",
        )
    bases: list[Outline] = []
    if tables == 0 and ("extends" in document.front or common.extends):
        own = [(document.sections[0], _Kinds((), (), (), common)), *own]
        common = Statements()
    for section, kind in own:
        if len(kind.network) > 1:
            raise SpecError(
                "a second table under one heading",
                kind.network[1].span,
                "give each network a heading of its own; a table of variants, side heads or claims "
                "starts with `variant`, has a column `from`, or starts with `claim`",
            )
        sole = section is document.sections[0] or (tables == 1 and bool(kind.network))
        heading = section.heading
        own_name = name if sole or heading is None else _slug(heading)
        arch = kind.arch.over(common) if not kind.arch.extends else kind.arch
        front_parent = document.front.get("extends")
        if own_name == name and front_parent is not None and arch.extends is None:
            parent = statements.Header(str(front_parent), document.front_spans["extends"])
            arch = replace(arch, extends=parent)
        bases.append(
            Outline(
                name=own_name,
                aliases=_aliases(document) if own_name == name else (),
                title=str(document.front.get("title", name)) if own_name == name else own_name,
                document=document,
                statements=arch,
                table=kind.network[0] if kind.network else None,
                heads=_heads(kind.heads or (heads if own_name == name or tables > 1 else [])),
                variables={k: v for k, v in variables.items() if not isinstance(v, tuple)},
                input=_scalar(document, "input"),
                input_span=document.front_spans.get("input"),
                span=heading.span if heading else Span(document.file, 1, 0, 1, ""),
            )
        )
    return _with_variants(bases, variants, document)


@dataclass(frozen=True, slots=True)
class _Kinds:
    network: tuple[Table, ...]
    variants: tuple[Table, ...]
    heads: tuple[Table, ...]
    arch: Statements


def _sort(section: Section) -> _Kinds:
    network, variants, heads = [], [], []
    for table in section.tables:
        first = key(table.header[0].text)
        if first == "variant":
            variants.append(table)
        elif first == "claim":
            continue  # sentences to audit; no network is described there
        elif table.column("from") is not None:
            heads.append(table)
        else:
            network.append(table)
    return _Kinds(tuple(network), tuple(variants), tuple(heads), statements.parse(section.arch))


def _heads(tables: tuple[Table, ...] | list[Table]) -> Table | None:
    if len(tables) > 1:
        raise SpecError("a second table of side heads", tables[1].span, "write them in one table")
    return tables[0] if tables else None


def _merge(parts: list[Statements]) -> Statements:
    merged = Statements()
    for part in parts:
        merged = replace(merged.over(part), rules=merged.rules + part.rules, extends=part.extends)
    return merged


def _front_name(document: Document) -> str:
    if "name" not in document.front:
        raise SpecError(
            "the document has no `name`",
            Span(document.file, 1, 0, 1, ""),
            "begin it with three lines: `---`, `name: my-network`, `---`",
        )
    name = str(document.front["name"])
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"`{name}` is not a name",
            document.front_spans["name"],
            "small letters, digits and - _ . + only, as one types it: `resnet-50`",
        )
    return name


def _aliases(document: Document) -> tuple[str, ...]:
    value = document.front.get("aliases", ())
    return tuple(str(v) for v in value) if isinstance(value, tuple) else (str(value),)


def _scalar(document: Document, name: str) -> Scalar | None:
    value = document.front.get(name)
    if isinstance(value, tuple):
        raise SpecError(f"`{name}` is a list", document.front_spans[name], "give one value")
    return value


def _slug(heading: Cell) -> str:
    name = re.sub(r"[^a-z0-9_.+-]+", "-", heading.text.casefold()).strip("-")
    if not name:
        raise SpecError("a network's heading must name it", heading.span)
    return name


def _with_variants(
    bases: list[Outline], tables: list[Table], document: Document
) -> tuple[Outline, ...]:
    """The base networks and the variants; a base whose variables only its variants set is left out."""
    by_name: dict[str, Outline] = {}
    for base in bases:
        if base.name in by_name:
            raise SpecError(f"two networks are called `{base.name}`", base.span, "rename a heading")
        by_name[base.name] = base
    varied: dict[str, Outline] = {}
    incomplete: set[str] = set()
    for table in tables:
        names = [c.text for c in table.header]
        settings = [n for n in names if key(n) not in _VARIANT]
        for row, span in zip(table.rows, table.row_spans, strict=True):
            if len(row) != len(names):
                raise _ragged(row, len(names), span)
            cells = {key(n): c for n, c in zip(names, row, strict=True)}
            name = cells["variant"].text
            if not _NAME.fullmatch(name):
                raise SpecError(f"`{name}` is not a name", cells["variant"].span, "as one types it")
            base = _base(name, cells.get("of"), bases, by_name)
            values = {n: _cell_scalar(cells[key(n)]) for n in settings if not cells[key(n)].blank}
            if any(n not in base.variables for n in settings):
                incomplete.add(base.name)
            given = cells.get("input")
            outline = replace(
                base,
                name=name,
                aliases=_listed(cells.get("aliases")),
                title=cells["title"].text if "title" in cells else name,
                variables={**base.variables, **values},
                input=given.text if given and not given.blank else base.input,
                input_span=given.span if given and not given.blank else base.input_span,
                span=cells["variant"].span,
            )
            if name in varied:
                raise SpecError(f"two variants are called `{name}`", outline.span, "rename one")
            if name in by_name:
                outline = replace(
                    outline,
                    aliases=outline.aliases or base.aliases,
                    title=outline.title if "title" in cells else base.title,
                )
            varied[name] = outline
    found = [b for b in bases if b.name not in incomplete and b.name not in varied]
    everything = [*found, *varied.values()]
    return tuple(
        replace(o, alternatives=_alternatives(o, list(varied.values()))) for o in everything
    )


def _base(name: str, of: Cell | None, bases: list[Outline], by_name: dict[str, Outline]) -> Outline:
    if of is not None and not of.blank:
        if of.text not in by_name:
            raise SpecError(
                f"no network here is called `{of.text}`", of.span, suggest(of.text, list(by_name))
            )
        return by_name[of.text]
    return by_name.get(name, bases[0])


def _listed(cell: Cell | None) -> tuple[str, ...]:
    return tuple(re.split(r"[,\s]+", cell.text)) if cell and not cell.blank else ()


def _cell_scalar(cell: Cell) -> Scalar:
    from archcalc.document import number

    value = number(cell.text)
    return cell.text if value is None else value


def _alternatives(outline: Outline, variants: list[Outline]) -> tuple[str, ...]:
    """The columns that stand beside this network's own in one table: those of the other variants."""
    match = outline.statements.match
    if match is None or "{" not in match.text:
        return ()
    name = match.text.strip("{} ")
    found = (str(v.variables[name]) for v in variants if name in v.variables)
    return tuple(dict.fromkeys(found))


# -- one network ----------------------------------------------------------------------------------

Finder = "Callable[[str], Outline]"


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
    whole = _resolve(outline, find, ())
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
        if head.source and sum(key(n) == key(head.source.text) for n in names) != 1:
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


def _nearest(rule: Rule, outline: Outline) -> str:
    cells = [row[0].text for row in outline.table.rows if row] if outline.table else []
    return suggest(rule.pattern.text, cells)


def _resolve(outline: Outline, find: Callable[[str], Outline], seen: tuple[str, ...]) -> Outline:
    """`outline` with all that the networks it extends give it."""
    parent = outline.extends
    if parent is None:
        return outline
    if outline.name in seen or len(seen) > 20:
        chain = " -> ".join((*seen, outline.name))
        raise SpecError(f"`extends` goes round in a circle: {chain}", parent.span, "break the circle")
    try:
        above = find(parent.text)
    except SpecError as fault:
        if fault.span is not None:
            raise
        raise SpecError(fault.message, parent.span, fault.hint) from None
    above = _resolve(above, find, (*seen, outline.name))
    return replace(
        outline,
        statements=replace(outline.statements.over(above.statements), extends=None),
        table=outline.table or above.table,
        heads=outline.heads or above.heads,
        variables={**above.variables, **outline.variables},
        input=above.input if outline.input is None else outline.input,
        input_span=outline.input_span or above.input_span,
        alternatives=outline.alternatives or above.alternatives,
        document=_with_notes(outline.document, above.document),
    )


def _with_notes(own: Document, above: Document) -> Document:
    if own is above:
        return own
    front = {**own.front}
    front.setdefault("source", above.front.get("source", ""))
    return replace(own, front=front, footnotes={**above.footnotes, **own.footnotes})


def _input(value: Scalar, span: Span) -> SizeWord:
    text = str(value)
    shape = re.compile(r"(\d{1,9}|\{[^{}]*\})(x(\d{1,9}|\{[^{}]*\})){0,2}")
    if not shape.fullmatch(text):
        raise SpecError(f"`{text}` is not an input size", span, "write `224x224x3` or `3x224x224`")
    return grammar.size_word(text, replace(span, end=span.start + len(text)))


def _ragged(row: tuple[Cell, ...], expected: int, span: Span) -> SpecError:
    spot = row[expected].span if len(row) > expected else span
    if len(row) < expected and row:
        last = row[-1].span
        spot = replace(last, start=last.end, end=last.end + 1)
    return SpecError(
        f"this row has {len(row)} cell{'s' * (len(row) != 1)}, the header {expected}",
        spot,
        "a blank cell still needs its bars: `| |`",
    )


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
                raise _ragged(cells, len(names), span)
            if all(c.blank for c in cells):
                raise SpecError("this row is blank", span, "remove it")
            rows.append(self.row(table, cells, span, match, label, source))
        if not rows:
            raise SpecError("this table has no rows", table.span)
        return tuple(rows)

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
        names = {
            k: Bound("" if c.blank else c.text, c.span) for k, c in by_header.items() if k != ""
        }
        claims: list[Claim] = []
        for header, cell in by_header.items():
            claims.extend(self.captures(header, cell, names))
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

    def captures(self, header: str, cell: Cell, names: dict[str, Bound]) -> Iterator[Claim]:
        """Take a cell apart by its column's patterns, of which the first that fits is taken."""
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
                if name != WHOLE:
                    names[key(name)] = Bound(text, cell.span)
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

    def conditions(
        self, rule: Rule, by_header: Mapping[str, Cell], names: dict[str, Bound]
    ) -> bool:
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
        text = step.names[WHOLE].text
        self.totals.append(Claim(total.metric, label, cell, text, {WHOLE: text}))


def _match(pattern: Pattern, cell: Cell | None) -> dict[str, str] | None:
    return None if cell is None else pattern.match(cell.text)


def _names(node: object) -> Iterator[str]:
    """Every name that an expression's braces hold, as `document.key` spells it."""
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
