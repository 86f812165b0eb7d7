"""`Document` -> `Outline`s: which networks a document holds, and what each takes from those it extends.

A document with one table is one network; with several, each heading names one. A heading whose `arch`
block says `extends : other` is the same network as the other except for what stands there. A line of the
variants table sets variables under a new name. No row is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archcalc import statements
from archcalc.document import Cell, Document, Section, Table
from archcalc.errors import Span, SpecError, suggest
from archcalc.statements import Header, Statements
from archcalc.text import Scalar, key, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    def extends(self) -> Header | None:
        """The network that this one changes, where it says so."""
        return self.statements.extends


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
            parent = Header(str(front_parent), document.front_spans["extends"])
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


def _with_variants(bases: list[Outline], tables: list[Table], document: Document) -> tuple[Outline, ...]:
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
                raise ragged(row, len(names), span)
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
    return tuple(replace(o, alternatives=_alternatives(o, list(varied.values()))) for o in everything)


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


def resolve(outline: Outline, find: Callable[[str], Outline], seen: tuple[str, ...]) -> Outline:
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
    above = resolve(above, find, (*seen, outline.name))
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


def ragged(row: tuple[Cell, ...], expected: int, span: Span) -> SpecError:
    """The error for a row whose cells are not as many as its header's."""
    spot = row[expected].span if len(row) > expected else span
    if len(row) < expected and row:
        last = row[-1].span
        spot = replace(last, start=last.end, end=last.end + 1)
    return SpecError(
        f"this row has {len(row)} cell{'s' * (len(row) != 1)}, the header {expected}",
        spot,
        "a blank cell still needs its bars: `| |`",
    )
