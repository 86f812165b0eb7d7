"""Which published cells a document's networks claim, and what each network computes for them.

A claim is never an input to its own check: the parts of a cell that build a row are left out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from archcalc import units
from archcalc.audit import conventions, figures
from archcalc.document.text import key
from archcalc.metrics import SHAPES
from archcalc.numbers import scalar
from archcalc.units import Published

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archcalc.audit.figures import CountedSpec, Ledger
    from archcalc.cost.counts import RowCount
    from archcalc.document.model import Document
    from archcalc.spec.outline import Outline
    from archcalc.spec.rows import Bound, CellClaim
    from archcalc.spec.spec import Spec

PARTS: Final = ("h", "w", "c")  # as `figures.papers` orders a shape


@dataclass(frozen=True, slots=True)
class Entry:
    """A published cell as one network sees it; `row` is None where it is about the network itself.

    A figure has `published` and, in `values`, what the network computes for each metric that it may be. A
    shape has its claimed `sizes` by part, and `values` by part. `fault` is set where the cell is neither.
    """

    network: str
    claim: CellClaim
    column: str
    counted: CountedSpec
    row: RowCount | None
    computed: Any
    values: Mapping[str, Any]
    published: Published | None = None
    sizes: Mapping[str, Fraction] | None = None
    fault: str = ""

    @property
    def cell(self) -> tuple[int, int, str]:
        """What is published, which is the same for every network that claims it."""
        return (self.claim.cell.span.line, self.claim.cell.span.start, self.claim.metric)

    @property
    def series(self) -> tuple[str, str]:
        """The column of figures to which the cell belongs, by header and metric."""
        return (key(self.claim.header), self.claim.metric)


def owners(document: Document, outlines: Sequence[Outline]) -> list[tuple[Outline, ...]]:
    """The networks that the document's own tables describe, those that read the same cells together.

    Of these the first is the one that the table is about. A network that extends another is not described
    by the other's table.
    """
    headings = {1, *(s.heading.span.line for s in document.sections if s.heading)}
    main = str(document.front.get("name", ""))
    grouped: dict[tuple[int, str], list[Outline]] = defaultdict(list)
    for outline in outlines:
        if outline.table is not None:
            grouped[id(outline.table), _column(outline, outline.variables)].append(outline)
    return [
        tuple(sorted(group, key=lambda o: not (o.name == main or o.span.line in headings)))
        for group in grouped.values()
    ]


def _column(of: Outline | Spec, variables: Mapping[str, Any]) -> str:
    """The column that `match : {name}` gives a variant for its own; "" where all read the same."""
    match = of.statements.match
    return str(variables.get(match.text.strip("{} "), "")) if match and match.text.startswith("{") else ""


def read(ledger: Ledger, chosen: Outline) -> list[Entry]:
    """Every cell that `chosen` claims in the ledger's document."""
    trunk = ledger.count(chosen)
    spec = trunk.spec
    counted = ledger.count(chosen, heads=True) if any(head.claims for head in spec.heads) else trunk
    entries = [
        of_row(counted, claim, row) for row in counted.counts.rows for claim in counted.table_row(row).claims
    ]
    column = _column(spec, spec.variables)
    entries += [_entry(trunk, claim, column or claim.header, None) for claim in spec.totals]
    return [e for e in entries if e is not None and e.claim.cell.span.file == ledger.document.file]


def of_row(counted: CountedSpec, claim: CellClaim, row: RowCount) -> Entry | None:
    """A row's claim as an entry; None where its cell builds the row and so claims nothing."""
    return _entry(counted, claim, claim.header, row)


def _entry(counted: CountedSpec, claim: CellClaim, column: str, row: RowCount | None) -> Entry | None:
    """The claim as an entry; None where its cell builds the row and so claims nothing."""
    used = row.row.origin.built_from if row and row.row.origin else frozenset()
    if key(claim.header) in used:
        return None
    computed = _value(claim.metric, counted, row)
    base = Entry(counted.spec.name, claim, column, counted, row, computed, {})
    try:
        if claim.metric in SHAPES:
            names = counted.table_row(row).names if row else {}
            sizes = {
                part: _size(text, counted.spec, claim) for part, text in _parts(claim, used, names).items()
            }
            values = {part: computed.parts[PARTS.index(part)] for part in sizes}
            return replace(base, values=values, sizes=sizes) if sizes else None
        if any(name and key(name) in used for name in claim.parts):
            return None
        values = {metric: _value(metric, counted, row) for metric in conventions.metrics(claim.metric)}
        return replace(base, values=values, published=units.parse(claim.text))
    except ValueError as reason:
        return replace(base, fault=str(reason))


def _value(metric: str, counted: CountedSpec, row: RowCount | None) -> Any:
    if row is None:
        return figures.of_network(metric, counted.counts)
    return figures.of_row(metric, row, counted.counts.graph)


def _parts(claim: CellClaim, used: frozenset[str], bound: Mapping[str, Bound]) -> dict[str, str]:
    """The parts of a shape that are claims, as `h`, `w` and `c`: by name, or in the order of a shape.

    A single side stands for a square.
    """
    names = list(claim.parts)
    if set(names) <= set(PARTS):
        places = dict(zip(names, names, strict=True))
    else:
        places = dict(zip(PARTS, names, strict=False))
    kept = {
        part: claim.parts[name]
        for part, name in places.items()
        if not (key(name) in used and bound[key(name)].span == claim.cell.span)
    }
    if "h" in kept and "w" not in places:
        kept["w"] = kept["h"]
    return {part: kept[part] for part in PARTS if part in kept}


def _size(text: str, spec: Spec, claim: CellClaim) -> Fraction:
    exact = figures.plain(text, spec.variables)
    if exact is None:
        raise ValueError(f"`{text}` in `{claim.cell.text}` is no size")
    return Fraction(scalar(exact))
