"""Which column of a table is which, and whether each of them is read.

Nothing is passed over in silence: a column that no rule reads, a header that no table has and a capture
that nothing uses are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from archcalc.document.model import MarkdownTable
from archcalc.document.text import Scalar, key
from archcalc.errors import Span, SpecError, suggest
from archcalc.metrics import SHAPES
from archcalc.spec import syntax
from archcalc.spec.outline import Outline
from archcalc.spec.patterns import WHOLE
from archcalc.spec.statements import stated
from archcalc.spec.syntax import Chain

if TYPE_CHECKING:
    from archcalc.spec.statements import ColumnStatement, Rule, Statements

#: `{next c}` is the `c` of the row that follows: some papers print what a layer reads, not what it gives.
NEXT: Final = "next"


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that have a part of their own, by index.

    The rules read `match`, rows are named by `label`, and in a table of side heads `source` names the row
    that each reads. `spare` are the headers of the other variants' columns.
    """

    match: int
    label: int
    source: int | None
    spare: frozenset[str]


def lay_out(outline: Outline, variables: Mapping[str, Scalar], table: MarkdownTable) -> Layout:
    """The `Layout` of an outline's own table or of its table of side heads.

    Raises `SpecError` where a header is missing, stands twice, or is read by nothing.
    """
    _headers_once(table)
    heads = table is outline.heads
    source = table.column("from") if heads else None
    if heads and len(table.header) < 2:
        raise SpecError("this table has no column beside `from`", table.span, "add one that names the layer")
    spare = frozenset(key(a) for a in outline.alternatives)
    if not heads:
        _named_headers(outline, table)
    match = _match_column(outline, variables, table, source)
    label = _label_column(outline, table, match, source, spare)
    layout = Layout(match, label, source, spare)
    _all_read(outline, table, layout)
    _none_hidden(outline.statements, variables, {key(h) for h in _headers(table)})
    return layout


def _headers_once(table: MarkdownTable) -> None:
    names = [key(c.text) for c in table.header]
    for i, cell in enumerate(table.header):
        if names[i] and names[i] in names[:i]:
            raise SpecError(f"two columns are called `{cell.text}`", cell.span, "rename one")


def _headers(table: MarkdownTable) -> list[str]:
    return [c.text for c in table.header]


def _no_column(name: str, span: Span, table: MarkdownTable, also: tuple[str, ...] = ()) -> SpecError:
    headers = _headers(table)
    hint = suggest(name, [*headers, *also]) or "the columns are: " + ", ".join(h for h in headers if h)
    return SpecError(f"no column is called `{name}`", span, hint)


def _named_headers(outline: Outline, table: MarkdownTable) -> None:
    """Complain where a statement names a header that neither the table nor that of side heads has."""
    known = {key(h) for h in _headers(table)}
    if outline.heads is not None:
        known |= {key(h) for h in _headers(outline.heads)}
    for column in outline.statements.columns:
        if key(column.header) not in known:
            raise _no_column(column.header, column.span, table, ("match", "label", "extends", "append"))
    for rule in outline.statements.rules:
        for header, _, span in rule.conditions:
            if key(header) not in known:
                raise _no_column(header, span, table)


def _match_column(
    outline: Outline, variables: Mapping[str, Scalar], table: MarkdownTable, source: int | None
) -> int:
    match = outline.statements.match
    if match is None or (source is not None and table.column(match.text) is None):
        return 0 if source != 0 else 1
    text = match.text
    if braces := re.fullmatch(r"\{([^{}]*)\}", text):
        name = braces[1].strip()
        if name not in variables:
            known = ", ".join(variables) or "none; front matter or a table of variants sets them"
            hint = suggest(name, list(variables)) or f"the variables are: {known}"
            raise SpecError(f"no variable is called `{name}`", match.span, hint)
        text = str(variables[name])
    index = table.column(text)
    if index is None:
        raise _no_column(text, match.span, table)
    return index


def _label_column(
    outline: Outline, table: MarkdownTable, match: int, source: int | None, spare: frozenset[str]
) -> int:
    label = outline.statements.label
    if label is not None:
        index = table.column(label.text)
        if index is not None:
            return index
        if source is None:
            raise _no_column(label.text, label.span, table)
    first = 0 if source != 0 else 1
    name = key(table.header[first].text)
    claimed = any(key(c.header) == name and c.metric for c in outline.statements.columns)
    return match if claimed or name in spare else first


def _expressions(statements: Statements) -> Iterator[Chain]:
    """Every expression: the rules' and the named blocks'."""
    for rule in statements.rules:
        if isinstance(rule.body, Chain):
            yield rule.body
    for block in statements.blocks.values():
        yield block.body


def _all_read(outline: Outline, table: MarkdownTable, layout: Layout) -> None:
    """Complain where a column, or what a pattern captures, is read by no rule and claims nothing."""
    statements = outline.statements
    named = {name for body in _expressions(statements) for name in syntax.names(body)}
    named |= {name.removeprefix(NEXT) for name in named}
    read = named | {key(c.header) for c in statements.columns}
    read |= {key(header) for rule in statements.rules for header, _, _ in rule.conditions}
    if statements.label:
        read.add(key(statements.label.text))
    for i, cell in enumerate(table.header):
        name = key(cell.text)
        if i in (layout.match, layout.source) or name in layout.spare or name in read:
            continue
        if i == 0 and layout.label == 0:
            continue
        raise _unread(cell.text, cell.span, outline, table)
    _captured_once(statements, named, {key(c.text) for c in table.header})
    for column in statements.columns:
        _captures_read(column, named)
    for rule in statements.rules:
        _rule_captures_read(rule, named)


def _none_hidden(statements: Statements, variables: Mapping[str, Scalar], headers: set[str]) -> None:
    """Complain where a capture has the name of a variable, which no rule could then read.

    A name that is also a header stands for that column, and neither for the capture nor for the variable.
    """
    known = {key(name): name for name in variables if key(name) not in headers}
    patterns = [(c.pattern, c.span, c.metric) for c in statements.columns]
    for rule in statements.rules:
        patterns.append((rule.pattern, rule.span, ""))
        patterns += [(pattern, span, "") for _, pattern, span in rule.conditions]
    for pattern, span, metric in patterns:
        for name in pattern.names:
            if key(name) in known:
                variable = known[key(name)]
                hint = f"rename one of them: `{{{name}}}` cannot stand for both"
                if metric in SHAPES:
                    hint = "rename the variable: the parts of a shape are named `h`, `w` and `c`"
                raise SpecError(
                    f"this capture hides the variable `{variable}`", _capture_span(name, span), hint
                )


def _capture_span(name: str, span: Span) -> Span:
    """Where a pattern on the line of `span`, at or behind its start, captures `name`."""
    match = re.compile(rf"\{{\s*{re.escape(name)}\s*\}}").search(span.source, span.start)
    return replace(span, start=match.start(), end=match.end()) if match else span


def _unread(header: str, span: Span, outline: Outline, table: MarkdownTable) -> SpecError:
    """The error for a column that nothing reads, or rather for the misspelt name that meant it."""
    known = {key(h) for h in _headers(table)} | {key(v) for v in outline.variables} | {"in", "in_h", "in_w"}
    for column in outline.statements.columns:
        known |= {key(n) for n in column.pattern.names}
    for rule in outline.statements.rules:
        if not isinstance(rule.body, Chain):
            continue
        bound = {key(n) for p in (rule.pattern, *(p for _, p, _ in rule.conditions)) for n in p.names}
        for name in syntax.read_names(rule.body):
            wanted = key(name.name)
            if wanted not in known | bound and suggest(wanted, [key(header)]):
                return SpecError(
                    f"no column, capture or variable is called `{name.name}`",
                    name.span,
                    f"did you mean `{syntax.braced(header)}`?",
                )
    reference, start = syntax.braced(header), stated(header)
    return SpecError(
        f"no rule reads the column `{header}`" if header else "no rule reads this column without a header",
        span,
        f"use `{reference}` in a rule, say what it claims (`{start} : {{}} = params`), "
        f"or set it aside (`{start} : …`)"
        if header
        else "give the column a header, or remove it",
    )


def _captured_once(statements: Statements, named: set[str], headers: set[str]) -> None:
    """Complain where a name that is read is captured from two columns, or from a column and by a rule.

    A rule may take the place of a part that a column only claims.
    """
    holders: dict[str, ColumnStatement] = {}
    for column in statements.columns:
        for name in column.pattern.names:
            wanted = key(name)
            if name == WHOLE or wanted in headers or wanted not in named:
                continue
            other = holders.setdefault(wanted, column)
            if key(other.header) != key(column.header):
                raise SpecError(
                    f"`{{{name}}}` is captured from two columns, `{other.header}` and `{column.header}`",
                    column.span,
                    "name one of them otherwise; the parts of a claimed shape are `h`, `w` and `c`",
                )
    for rule in statements.rules:
        read = {key(name) for name in syntax.names(rule.body)} if isinstance(rule.body, Chain) else set()
        for header, pattern in (("", rule.pattern), *((h, p) for h, p, _ in rule.conditions)):
            for name in pattern.names:
                held = holders.get(key(name))
                if name == WHOLE or key(name) not in read or held is None or held.metric:
                    continue
                if key(held.header) != key(header):
                    raise SpecError(
                        f"`{{{name}}}` is captured by this rule and from the column `{held.header}`",
                        _capture_span(name, rule.span),
                        "name one of them otherwise",
                    )


def _captures_read(column: ColumnStatement, named: set[str]) -> None:
    captured = [n for n in column.pattern.names if n != WHOLE]
    if column.metric or not captured or any(key(n) in named for n in captured):
        return
    names = " ".join(f"`{{{n}}}`" for n in captured)
    raise SpecError(
        f"no rule reads {names} of the column `{column.header}`",
        column.span,
        f"use it in a rule, say what the column claims, or set it aside (`{stated(column.header)} : …`)",
    )


def _rule_captures_read(rule: Rule, named: set[str]) -> None:
    if not isinstance(rule.body, Chain):
        return
    for pattern in (rule.pattern, *(p for _, p, _ in rule.conditions)):
        for name in pattern.names:
            if name != WHOLE and key(name) not in named:
                raise SpecError(
                    f"nothing reads `{{{name}}}` of this rule",
                    rule.span,
                    f"use it, or write `…` for `{{{name}}}`",
                )
