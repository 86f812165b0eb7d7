"""Published cells x counts -> findings: sizes, depth, and costs under the convention of their column.

A table may be shared: variants that read columns of their own each claim its common cells, and a cell is
right only if it is right for all of them. Variants that read the same column are readings of the same
cells: where the first of them disagrees, another may be named (`agrees if read as resnet-50-v1`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from archcalc import units
from archcalc.audit import conventions, entries, explain, figures
from archcalc.audit import readings as executed
from archcalc.audit.conventions import AuditVerdict, Judgement
from archcalc.audit.findings import AuditedColumn, Finding, Suggestion
from archcalc.units import PublishedInterval, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from archcalc.audit.entries import Entry
    from archcalc.audit.explain import Explained
    from archcalc.audit.figures import Ledger
    from archcalc.audit.readings import Footnotes, Printed
    from archcalc.shapes import Shape
    from archcalc.spec.outline import Outline

    Readings = Mapping[tuple[str, str], Reading]

_ORDER: Final = (AuditVerdict.agrees, AuditVerdict.conditional, AuditVerdict.differs, AuditVerdict.failed)
_EXACT: Final = Reading("", units.PLAIN)


@dataclass(frozen=True, slots=True)
class JudgedCell:
    """The verdict on a cell by one network; `varies` where others that read the same cell differ from it."""

    judgement: Judgement
    entry: Entry
    varies: bool = False


def audit(
    ledger: Ledger,
    groups: Sequence[Sequence[Outline]],
    footnotes: Footnotes,
    about: Sequence[Outline] | None = None,
    strict: bool = True,
) -> tuple[list[AuditedColumn], list[Finding]]:
    """The columns' conventions, and a finding for every cell that `groups` of networks claim.

    `about` are the networks whose cells are wanted, where it is not all of them: they read the same cells.
    `strict` asks that no footnote stands on a cell that agrees.
    """
    named = None if about is None else [outline.name for outline in about]
    cells: dict[tuple[int, int, str], list[list[Entry]]] = defaultdict(list)
    first: list[Entry] = []
    for group in groups:
        own: dict[tuple[int, int, str], list[Entry]] = defaultdict(list)
        for turn, chosen in enumerate(group):
            for entry in entries.read(ledger, chosen):
                if named is None or entry.network in named:
                    own[entry.cell].append(entry)
                if turn == 0:
                    first.append(entry)
        for cell, same in own.items():
            cells[cell].append(same)
    columns = _columns(first)
    readings = {series: column.inference.reading for series, column in columns.items()}
    judged = {cell: [_judged(same, readings) for same in by_group] for cell, by_group in cells.items()}
    rows = _explanations([cell for by_group in judged.values() for cell in by_group], readings)
    findings = [_finding(footnotes, by_group, readings, rows, strict) for by_group in judged.values()]
    return list(columns.values()), sorted(findings, key=lambda f: (f.span.line, f.span.start))


def _columns(claimed: Sequence[Entry]) -> dict[tuple[str, str], AuditedColumn]:
    """The convention of every column of figures."""
    series: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in claimed:
        if entry.published is not None:
            series[entry.series].append(entry)
    return {
        name: AuditedColumn(
            same[0].claim.header,
            same[0].claim.metric,
            conventions.infer(
                [(e.published, e.values) for e in same if e.published is not None], same[0].claim.metric
            ),
        )
        for name, same in series.items()
    }


def _judge(entry: Entry, readings: Readings) -> Judgement:
    if entry.fault:
        return Judgement(AuditVerdict.failed, _EXACT)
    if entry.published is not None:
        return conventions.judge(entry.published, entry.values, readings[entry.series])
    same = entry.sizes == entry.values
    return Judgement(AuditVerdict.agrees if same else AuditVerdict.differs, _EXACT)


def _judged(same: Sequence[Entry], readings: Readings) -> JudgedCell:
    """The verdict on a cell by the network that it is about, or by another reading of the same cells."""
    judgement = _judge(same[0], readings)
    verdicts = [_judge(other, readings).verdict for other in same[1:]]
    if judgement.verdict is AuditVerdict.differs and AuditVerdict.agrees in verdicts:
        other = same[1 + verdicts.index(AuditVerdict.agrees)]
        value = other.values.get(judgement.reading.metric, other.computed)
        judgement = replace(
            judgement,
            verdict=AuditVerdict.conditional,
            condition=f"read as {other.network}",
            note=f"{other.network} gives {executed.value_text(value)}",
        )
    return JudgedCell(judgement, same[0], any(verdict is not judgement.verdict for verdict in verdicts))


# -- what would explain a difference --------------------------------------------------------------


def _explanations(cells: Sequence[JudgedCell], readings: Readings) -> dict[tuple[str, int], Explained]:
    """For every row with a cost that differs, by network and row, what would explain it."""
    rows: dict[tuple[str, int], list[JudgedCell]] = defaultdict(list)
    for cell in cells:
        if cell.entry.row is not None:
            rows[cell.entry.network, cell.entry.row.row.index].append(cell)
    explanations = {}
    for where, own in rows.items():
        targets = [
            explain.Target(
                c.entry.claim.header,
                c.entry.claim.metric,
                c.entry.published,
                readings[c.entry.series],
                c.judgement.verdict,
            )
            for c in own
            if c.entry.published is not None and c.entry.claim.metric in explain.COSTS
        ]
        if any(t.verdict is AuditVerdict.differs for t in targets):
            entry = own[0].entry
            assert entry.row is not None
            explanations[where] = explain.row(entry.counted, entry.row, targets, _other_size(own))
    return explanations


def _other_size(row: Sequence[JudgedCell]) -> Shape | None:
    """The shape that a row prints where it is not the one that the row gives."""
    for cell in row:
        sized = cell.entry.claim.metric == "output" and cell.entry.sizes
        if sized and cell.judgement.verdict is AuditVerdict.differs:
            return _printed(cell.entry)
    return None


def _printed(entry: Entry) -> Shape:
    """The shape that a cell prints, with what the row gives in the place of parts that it does not print."""
    height, width, channels = (
        (entry.sizes or {}).get(part, own)
        for part, own in zip(entries.PARTS, entry.computed.parts, strict=True)
    )
    return channels, height, width


# -- findings -------------------------------------------------------------------------------------


def _finding(
    footnotes: Footnotes,
    by_group: Sequence[JudgedCell],
    readings: Readings,
    rows: Mapping[tuple[str, int], Explained],
    strict: bool,
) -> Finding:
    worst = max((cell.judgement.verdict for cell in by_group), key=_ORDER.index)
    judged = next(cell for cell in by_group if cell.judgement.verdict is worst)
    judgement, entry = judged.judgement, judged.entry
    claim, row = entry.claim, entry.row
    reading = readings.get(entry.series, _EXACT)
    others = [cell.entry.network for cell in by_group if cell.judgement.verdict is not worst]
    notes = [judgement.note] if judgement.note else []
    notes += ["not so for " + ", ".join(others)] if others else []
    suggestions: tuple[Suggestion, ...] = ()
    if row is not None and worst is AuditVerdict.differs and claim.metric in explain.COSTS:
        explained = rows[entry.network, row.row.index]
        suggestions = tuple(s for s in explained.suggestions if claim.header in s.fits)
        notes += [explained.contradiction] if explained.contradiction else []
    intervals, difference = _compared(entry, reading)
    finding = Finding(
        kind="cell" if row is not None else "total",
        networks=tuple(c.entry.network for c in by_group if c.judgement.verdict is worst),
        span=claim.cell.span,
        row=row.row.label if row is not None else claim.header,
        column=entry.column,
        metric=reading.metric or claim.metric,
        published=claim.cell.text,
        computed=None if entry.fault else entry.values.get(reading.metric, entry.computed),
        intervals=intervals,
        convention=conventions.description(entry.published, reading) if entry.published else "exact",
        verdict=worst,
        condition=judgement.condition,
        alternative=judgement.alternative,
        difference=difference,
        compared=tuple(entry.sizes or ()),
        source=str(footnotes.ledger.document.front.get("figures", "")),
        note="; ".join(notes),
        suggestions=suggestions,
    )
    if entry.fault:
        return replace(finding, explanation=footnotes.text(claim.cell), fault=entry.fault)
    agreed = strict and not judged.varies
    return executed.settled(finding, claim.cell, footnotes, _figure(entry), reading.convention, strict=agreed)


def _figure(entry: Entry) -> Printed:
    """What a reading must give: the figure, or the parts of the shape up to the last that is printed."""
    if entry.published is not None:
        return entry.published
    last = max(entries.PARTS.index(part) for part in entry.sizes or {})
    parts = figures.papers(_printed(entry)).parts
    return tuple(int(part) for part in parts[: last + 1])


def _compared(entry: Entry, reading: Reading) -> tuple[tuple[PublishedInterval, ...], Fraction | None]:
    """The intervals of what is printed, and the relative difference (of a shape, the largest)."""
    if entry.fault:
        return (), None
    if entry.published is not None:
        interval = conventions.interval(entry.published, reading.convention)
        return (interval,), interval.relative_difference(entry.values[reading.metric])
    sizes = entry.sizes or {}
    intervals = {part: PublishedInterval(size, size, size) for part, size in sizes.items()}
    gaps: list[Any] = [i.relative_difference(entry.values[part]) for part, i in intervals.items()]
    return tuple(intervals.values()), None if None in gaps else max(gaps, key=abs)
