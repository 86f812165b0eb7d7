"""`Outline` -> `Spec`: one network with all that it extends, its rows read and its side heads placed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from archcalc.document.model import Document, Footnote, MarkdownTable
from archcalc.document.text import Scalar, key
from archcalc.errors import Span, SpecError, suggest
from archcalc.spec import checks, rows
from archcalc.spec.inheritance import resolve
from archcalc.spec.inputs import own_input
from archcalc.spec.outline import Outline
from archcalc.spec.rows import CellClaim, TableReading, TableRow
from archcalc.spec.sizes import SizeWord
from archcalc.spec.statements import Rule, Statements

if TYPE_CHECKING:
    from collections.abc import Callable


_NO_HEADS: Final = TableReading((), (), frozenset())


@dataclass(frozen=True, slots=True)
class Spec:
    """One network as its document describes it, with every name bound and every claim in hand.

    `channels_first` tells in which order the three parts of `input` stand.
    """

    name: str
    aliases: tuple[str, ...]
    title: str
    source: str
    input: SizeWord
    channels_first: bool
    input_span: Span
    variables: Mapping[str, Scalar]
    rows: tuple[TableRow, ...]
    heads: tuple[TableRow, ...]
    totals: tuple[CellClaim, ...]
    statements: Statements
    document: Document
    settings: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def footnotes(self) -> Mapping[str, Footnote]:
        """The document's footnotes by name."""
        return self.document.footnotes


def build(
    outline: Outline,
    find: Callable[[str, Outline], Outline],
    settings: Mapping[str, Scalar] | None = None,
) -> Spec:
    """The `Spec` of one network; `find` gives what an outline means by a name.

    `settings` replace variables of the same name. Raises `SpecError` at the first fault.
    """
    settings = dict(settings or {})
    resolved = resolve(outline, find)
    variables = {**resolved.variables, **settings}
    if unknown := [name for name in settings if name not in resolved.variables]:
        known = ", ".join(resolved.variables) or "none"
        raise SpecError(
            f"`{resolved.name}` has no variable `{unknown[0]}`",
            hint=suggest(unknown[0], list(resolved.variables)) or f"its variables: {known}",
        )
    table, size, size_span = _parts(outline, resolved)
    checks.check(resolved.statements)
    trunk = rows.read(resolved, variables, table)
    heads = rows.read(resolved, variables, resolved.heads) if resolved.heads else _NO_HEADS
    _check_rules(outline.statements.rules, resolved, trunk.used | heads.used)
    layers = tuple(row for row in trunk.rows if row.steps)
    if not layers:
        raise SpecError(
            "no row of this table builds a layer",
            table.span,
            "`-> total …` only states what a row claims",
        )
    word, first = own_input(str(size), size_span)
    _check_sources(heads.rows, [row.label for row in layers])
    return Spec(
        name=resolved.name,
        aliases=resolved.aliases,
        title=resolved.title,
        source=str(resolved.document.front.get("source", "")),
        input=word,
        channels_first=first,
        input_span=size_span,
        variables=variables,
        rows=layers,
        heads=heads.rows,
        totals=trunk.totals,
        statements=resolved.statements,
        document=resolved.document,
        settings=settings,
    )


def _parts(outline: Outline, resolved: Outline) -> tuple[MarkdownTable, Scalar, Span]:
    """The table and the input that a network needs. Raises `SpecError` where one, or any rule, is missing."""
    if resolved.table is None:
        raise SpecError(
            f"`{resolved.name}` has no table",
            resolved.span,
            "write the paper's table under its heading, or `extends`",
        )
    if not resolved.statements.rules:
        raise SpecError(
            "no rule says what a row of this table is",
            resolved.table.span,
            "add a fenced `arch` block with lines such as `max pool -> maxpool 3x3/2`",
        )
    if resolved.input is None or resolved.input_span is None:
        raise SpecError(
            "the document has no `input`",
            outline.document.start,
            "add `input: 224x224x3` to the front matter: height, width, channels",
        )
    return resolved.table, resolved.input, resolved.input_span


def place_in(label: str, source: str) -> str | None:
    """Where in the row `label` a side head reads: "" its output, `fig6_5` that layer or block of it.

    None where `source`, such as `5xInception` or `5xInception.fig6_5`, names another row.
    """
    row, wanted = key(label), key(source)
    if wanted == row:
        return ""
    return wanted[len(row) + 1 :] if wanted.startswith(row + ".") else None


def _check_sources(heads: tuple[TableRow, ...], names: list[str]) -> None:
    """Every side head must read one row, or a place inside one."""
    for head in heads:
        assert head.source is not None
        wanted, span = head.source.text, head.source.span
        if not wanted:
            raise SpecError("this side head reads no row", span, "name the row, as it stands in the table")
        count = sum(place_in(n, wanted) is not None for n in names)
        if count == 0:
            hint = suggest(wanted, names) or "the rows are: " + ", ".join(dict.fromkeys(names))
            raise SpecError(f"no row is called `{wanted}`", span, hint)
        if count > 1:
            hint = "give the rows a column of names: `label : header`"
            raise SpecError(f"{count} rows are called `{wanted}`", span, hint)


def _check_rules(rules: tuple[Rule, ...], outline: Outline, used: frozenset[int]) -> None:
    """Every rule of a network's own must read a row of it, or of another network in its document."""
    if outline.alternatives:  # a variant reads its own column; the others' rules read theirs
        return
    tables = [t for section in outline.document.sections for t in section.tables]
    others = {c.text for t in tables if t is not outline.table for row in t.rows for c in row}
    others |= {item for text in others for item in re.split(r"[\s,;]+", text)}
    for rule in rules:
        if id(rule) in used or any(rule.pattern.match(text) is not None for text in others):
            continue
        cells = [c.text for row in outline.table.rows for c in row] if outline.table else []
        fits = [text for text in cells if rule.pattern.match(text) is not None]
        if not fits:
            hint = suggest(rule.pattern.text, list(dict.fromkeys(cells)))
            raise SpecError(
                f"no row reads `{rule.pattern.text}`",
                rule.span,
                hint or "correct the pattern or drop the rule",
            )
        hint = "put the narrower rule first, or drop one: the first rule that fits a row reads it"
        if rule.conditions:
            hint = "its conditions hold in no row, or an earlier rule reads them all"
        raise SpecError(f"no row is left for `{rule.pattern.text}`", rule.span, hint)
