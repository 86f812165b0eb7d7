"""`Document` -> `Outline`s: which networks a document holds, and what each takes from those it extends.

A document with one table is one network; with several, each heading names one. A heading whose `arch`
block says `extends : other` is the same network as the other except for what stands there. A line of the
variants table sets variables under a new name. No row is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archcalc.document.model import Cell, Document, MarkdownTable, Section
from archcalc.document.text import Scalar, key, number
from archcalc.errors import Span, SpecError, suggest
from archcalc.spec import statements
from archcalc.spec.statements import Header, Statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]*")
_FRONT = ("name", "aliases", "title", "source", "figures", "input", "extends")
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
    table: MarkdownTable | None
    heads: MarkdownTable | None
    variables: Mapping[str, Scalar]
    input: Scalar | None
    input_span: Span | None
    span: Span
    alternatives: tuple[str, ...] = ()

    @property
    def extends(self) -> Header | None:
        """The network that this one changes, where it says so."""
        return self.statements.extends


def networks(document: Document) -> tuple[Outline, ...]:
    """The networks of `document`, in its order. Raises `SpecError` where it holds none."""
    name = _front_name(document)
    for single in ("title", "source", "figures", "input", "extends"):
        if isinstance(document.front.get(single), tuple):
            raise SpecError(f"`{single}` is a list", document.front_spans[single], "give one value")
    parts = [(section, _sort(section)) for section in document.sections]
    own = [part for part in parts if part[1].network or (part[1].arch.extends and part[0].heading)]
    common = _merge([part[1].arch for part in parts if all(part is not o for o in own)])
    variants = [table for _, kind in parts for table in kind.variants]
    variables = _variables(document)
    extends = "extends" in document.front
    if not extends and not any(kind.arch.extends for _, kind in parts):
        _all_used(document, variables, variants)
    tables = sum(len(kind.network) for _, kind in parts)
    if tables == 0 and (extends or common.extends):
        own, common = [(document.sections[0], _Kinds((), (), (), common)), *own], Statements()
    if not own:
        raise SpecError(
            "this document holds no table of a network",
            document.start,
            "a table is a header such as `| type | output size |`, a line of dashes `|---|---|`, and rows",
        )
    heads = [table for _, kind in parts for table in kind.heads]
    shared = _Shared(document, name, variables, common, heads, tables)
    return _with_variants([_outline(section, kind, shared) for section, kind in own], variants)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the networks of a document have in common; `tables` is how many tables of networks it holds."""

    document: Document
    name: str
    variables: Mapping[str, Scalar]
    arch: Statements
    heads: list[MarkdownTable]
    tables: int


def _outline(section: Section, kind: _Kinds, shared: _Shared) -> Outline:
    """The network that a section describes."""
    if len(kind.network) > 1:
        raise SpecError(
            "a second table under one heading",
            kind.network[1].span,
            "give each network a heading of its own; a table of variants, side heads or claims "
            "starts with `variant`, has a column `from`, or starts with `claim`",
        )
    document, heading = shared.document, section.heading
    sole = section is document.sections[0] or (shared.tables == 1 and bool(kind.network))
    name = shared.name if sole or heading is None else _slug(heading)
    main = name == shared.name  # the network that is called as the document is
    arch = kind.arch if kind.arch.extends else kind.arch.over(shared.arch)
    if main and arch.extends is None and "extends" in document.front:
        arch = replace(arch, extends=Header(str(document.front["extends"]), document.front_spans["extends"]))
    given = document.front.get("input")
    return Outline(
        name=name,
        aliases=_aliases(document) if main else (),
        title=str(document.front.get("title", name)) if main else name,
        document=document,
        statements=arch,
        table=kind.network[0] if kind.network else None,
        heads=_heads(kind.heads or (shared.heads if main or shared.tables > 1 else [])),
        variables=shared.variables,
        input=None if isinstance(given, tuple) else given,
        input_span=document.front_spans.get("input"),
        span=heading.span if heading else document.start,
    )


def _variables(document: Document) -> dict[str, Scalar]:
    """The variables that the front matter sets."""
    variables: dict[str, Scalar] = {}
    for name, value in document.front.items():
        if name in _FRONT:
            continue
        if isinstance(value, tuple):
            raise SpecError(f"`{name}` is a list", document.front_spans[name], "give one value")
        variables[name] = value
    return variables


@dataclass(frozen=True, slots=True)
class _Kinds:
    network: tuple[MarkdownTable, ...]
    variants: tuple[MarkdownTable, ...]
    heads: tuple[MarkdownTable, ...]
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


def _heads(tables: tuple[MarkdownTable, ...] | list[MarkdownTable]) -> MarkdownTable | None:
    if len(tables) > 1:
        raise SpecError("a second table of side heads", tables[1].span, "write all side heads in one table")
    return tables[0] if tables else None


def _merge(parts: list[Statements]) -> Statements:
    merged = Statements()
    for part in parts:
        merged = replace(merged.over(part), rules=merged.rules + part.rules, extends=part.extends)
    return merged


_HINT = "small letters, digits and - _ . + only, as one types it: `resnet-50`"


def _named(name: str, span: Span) -> str:
    """`name` where it can be typed as one word; raises `SpecError` where not."""
    if not name:
        raise SpecError("a name is missing here", span, _HINT)
    if not _NAME.fullmatch(name):
        raise SpecError(f"`{name}` is not a name", span, _HINT)
    return name


def _front_name(document: Document) -> str:
    name = document.front.get("name")
    if isinstance(name, tuple):
        raise SpecError(
            "`name` is a list", document.front_spans["name"], "give one name; others are `aliases`"
        )
    if name is not None:
        return _named(str(name), document.front_spans["name"])
    front = "front matter (`---`, `name: my-network`, `input: 224x224x3`, `---`)"
    arch = "a fenced `arch` block with a rule for each kind of row"
    bare = not any(section.arch for section in document.sections)
    if document.front:
        raise SpecError("the front matter has no `name`", document.start, "add a line `name: my-network`")
    if bare and any(section.tables for section in document.sections):
        table = next(t for section in document.sections for t in section.tables)
        raise SpecError(
            "this table is no spec yet: front matter and an `arch` block are missing",
            table.span,
            f"put {front} above it, and below it {arch}; "
            f"`archcalc audit {document.file}` says which of its rows can be right",
        )
    raise SpecError("this document has no front matter", document.start, f"begin it with {front}")


def _all_used(document: Document, variables: Mapping[str, object], variants: list[MarkdownTable]) -> None:
    """Every variable must be named somewhere: in a rule, a cell, the input or another variable."""
    tables = [t for section in document.sections for t in section.tables]
    texts = [line for section in document.sections for block in section.arch for line in block.lines]
    texts += [c.text for table in tables for row in table.rows for c in row]
    texts += [value for value in document.front.values() if isinstance(value, str)]
    words = {word.casefold() for text in texts for word in re.findall(r"[^\W\d]\w*", text)}
    settings = {c.text: c.span for t in variants for c in t.header if key(c.text) not in _VARIANT}
    places = {**{name: document.front_keys[name] for name in variables}, **settings}
    for name, span in places.items():
        if not re.match(r"[^\W\d]", name):
            raise SpecError(f"`{name}` is not a variable's name", span, "it begins with a letter")
        named = key(name) in words if name.isidentifier() else any(key(name) in key(t) for t in texts)
        if not named:
            own = _VARIANT if name in settings else _FRONT
            hint = suggest(name, [*own, *(n for n in places if n != name)])
            raise SpecError(
                f"nothing reads the variable `{name}`",
                span,
                hint or f"a rule reads it as `{{{name}}}`; names with a meaning are: " + ", ".join(own),
            )


def _aliases(document: Document) -> tuple[str, ...]:
    value = document.front.get("aliases", ())
    names = value if isinstance(value, tuple) else (value,)
    return tuple(_named(str(v), document.front_spans["aliases"]) for v in names)


def _slug(heading: Cell) -> str:
    name = re.sub(r"[^a-z0-9_.+-]+", "-", heading.text.casefold()).strip("-")
    if not name:
        raise SpecError("this heading gives the network no name", heading.span, _HINT)
    return name


def _with_variants(bases: list[Outline], tables: list[MarkdownTable]) -> tuple[Outline, ...]:
    """The base networks and the variants; a base whose variables only its variants set is left out."""
    by_name: dict[str, Outline] = {}
    for base in bases:
        if base.name in by_name:
            raise SpecError(f"two networks are called `{base.name}`", base.span, "rename a heading")
        by_name[base.name] = base
    varied: dict[str, Outline] = {}
    incomplete: set[str] = set()
    for cells, settings in (row for table in tables for row in _variant_rows(table)):
        name = _named(cells["variant"].text, cells["variant"].span)
        base = _base(name, cells.get("of"), bases, by_name)
        if any(variable not in base.variables for variable in settings):
            incomplete.add(base.name)
        if name in varied:
            raise SpecError(f"two variants are called `{name}`", cells["variant"].span, "rename one")
        varied[name] = _variant(name, base, cells, settings, own=name in by_name)
    kept = [b for b in bases if b.name not in incomplete and b.name not in varied]
    outlines = [*kept, *varied.values()]
    _unambiguous(outlines)
    return tuple(replace(o, alternatives=_alternatives(o, list(varied.values()))) for o in outlines)


def _variant_rows(table: MarkdownTable) -> Iterator[tuple[dict[str, Cell], dict[str, Cell]]]:
    """The rows of a table of variants: all cells by the key of their header, and those of variables."""
    names = [c.text for c in table.header]
    keys = [key(name) for name in names]
    for i, cell in enumerate(table.header):
        if keys[i] in keys[:i]:
            raise SpecError(f"two columns are called `{cell.text}`", cell.span, "rename one")
    if not table.rows:
        raise SpecError("this table has no rows", table.span, "write a row for each variant, or remove it")
    for row, span in zip(table.rows, table.row_spans, strict=True):
        if len(row) != len(names):
            raise ragged(row, len(names), span)
        cells = dict(zip(keys, row, strict=True))
        yield cells, {name: cells[key(name)] for name in names if key(name) not in _VARIANT}


def _variant(
    name: str, base: Outline, cells: Mapping[str, Cell], settings: Mapping[str, Cell], own: bool
) -> Outline:
    """The network that a row of a table of variants makes of `base`; `own` tells whether it is called so."""
    values = {variable: _cell_scalar(cell) for variable, cell in settings.items() if not cell.blank}
    aliases = _listed(cells.get("aliases"))
    title = cells["title"].text if "title" in cells else base.title if own else name
    given = cells.get("input")
    replaced = given is not None and not given.blank
    return replace(
        base,
        name=name,
        aliases=aliases or base.aliases if own else aliases,
        title=title,
        variables={**base.variables, **values},
        input=given.text if given and replaced else base.input,
        input_span=given.span if given and replaced else base.input_span,
        span=cells["variant"].span,
    )


def _unambiguous(outlines: list[Outline]) -> None:
    """No name or alias may stand for two networks."""
    owner = {o.name: o.name for o in outlines}
    for outline in outlines:
        for alias in outline.aliases:
            if owner.setdefault(alias, outline.name) != outline.name:
                raise SpecError(
                    f"`{alias}` is the name of two networks, `{owner[alias]}` and `{outline.name}`",
                    outline.span,
                    "drop the alias of one",
                )


def _base(name: str, of: Cell | None, bases: list[Outline], by_name: dict[str, Outline]) -> Outline:
    if of is not None and not of.blank:
        if of.text not in by_name:
            hint = suggest(of.text, list(by_name)) or "this document holds: " + ", ".join(by_name)
            raise SpecError(f"no network here is called `{of.text}`", of.span, hint)
        return by_name[of.text]
    return by_name.get(name, bases[0])


def _listed(cell: Cell | None) -> tuple[str, ...]:
    if cell is None or cell.blank:
        return ()
    return tuple(_named(name, cell.span) for name in re.split(r"[,\s]+", cell.text) if name)


def _cell_scalar(cell: Cell) -> Scalar:
    value = number(cell.text)
    return cell.text if value is None else value


def _alternatives(outline: Outline, variants: list[Outline]) -> tuple[str, ...]:
    """The columns that stand beside this network's own in one table: those of the other variants."""
    match = outline.statements.match
    if match is None or "{" not in match.text:
        return ()
    name = match.text.strip("{} ")
    columns = (str(v.variables[name]) for v in variants if name in v.variables)
    return tuple(dict.fromkeys(columns))


def ragged(row: tuple[Cell, ...], expected: int, span: Span) -> SpecError:
    """The error for a row whose cells are not as many as its header's."""
    message = f"this row has {len(row)} cell{'s' * (len(row) != 1)}, the header {expected}"
    if len(row) > expected:
        hint = "remove what is too much, or give the header a column; a bar inside a cell is written `\\|`"
        return SpecError(message, row[expected].span, hint)
    if "|" not in span.source:
        hint = "leave a blank line behind a table: text right under it belongs to it"
        return SpecError(message, span, hint)
    end = min(row[-1].span.end, len(span.source)) if row else span.start
    return SpecError(
        message, replace(span, start=end, end=end + 1), "a blank cell still needs its bars: `| |`"
    )
