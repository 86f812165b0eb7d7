"""Published cells x counts -> findings: sizes, depth, and costs under the convention of their column.

A table may be shared: variants that read columns of their own each claim its common cells, and a cell is
right only if it is right for all of them. Variants that read the same column are readings of the same
cells: where the first of them disagrees, another may be named (`agrees if read as resnet-50-v1`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from archcalc import units
from archcalc.audit import conventions, entries, explain
from archcalc.audit.conventions import AuditVerdict, Judgement
from archcalc.audit.findings import AuditedColumn, Finding, Suggestion, explained
from archcalc.spec.arithmetic import Size
from archcalc.units import PublishedInterval, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from archcalc.audit.entries import Entry
    from archcalc.audit.explain import Explained
    from archcalc.audit.figures import Ledger
    from archcalc.shapes import Shape
    from archcalc.spec.outline import Outline

    Readings = Mapping[tuple[str, str], Reading]

_ORDER: Final = (AuditVerdict.agrees, AuditVerdict.conditional, AuditVerdict.differs, AuditVerdict.unknown)
_EXACT: Final = Reading("", units.PLAIN)


def audit(
    ledger: Ledger,
    groups: Sequence[Sequence[Outline]],
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
    judged = {
        cell: [(_best(same, readings), same[0]) for same in by_group] for cell, by_group in cells.items()
    }
    rows = _explanations([result for results in judged.values() for result in results], readings)
    findings = [_finding(ledger, results, readings, rows, strict) for results in judged.values()]
    return list(columns.values()), sorted(findings, key=lambda f: (f.span.line, f.span.start))


def _columns(found: Sequence[Entry]) -> dict[tuple[str, str], AuditedColumn]:
    """The convention of every column of figures."""
    series: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in found:
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
        return Judgement(AuditVerdict.unknown, _EXACT)
    if entry.published is not None:
        return conventions.judge(entry.published, entry.values, readings[entry.series])
    same = entry.sizes == entry.values
    return Judgement(AuditVerdict.agrees if same else AuditVerdict.differs, _EXACT)


def _best(same: Sequence[Entry], readings: Readings) -> Judgement:
    """The verdict on a cell by the network that it is about, or by another reading of the same cells."""
    judgement = _judge(same[0], readings)
    if judgement.verdict is AuditVerdict.differs:
        for other in same[1:]:
            if _judge(other, readings).verdict is AuditVerdict.agrees:
                value = other.values.get(judgement.reading.metric, other.computed)
                told = f"{other.network} gives {value if isinstance(value, Size) else format(value, ',')}"
                return replace(
                    judgement,
                    verdict=AuditVerdict.conditional,
                    condition=f"read as {other.network}",
                    note=told,
                )
    return judgement


# -- what would explain a difference --------------------------------------------------------------


def _explanations(
    results: Sequence[tuple[Judgement, Entry]], readings: Readings
) -> dict[tuple[str, int], Explained]:
    """For every row with a cost that differs, by network and row, what would explain it."""
    rows: dict[tuple[str, int], list[tuple[Judgement, Entry]]] = defaultdict(list)
    for judgement, entry in results:
        if entry.row is not None:
            rows[entry.network, entry.row.row.index].append((judgement, entry))
    found = {}
    for where, cells in rows.items():
        targets = [
            explain.Target(e.claim.header, e.claim.metric, e.published, readings[e.series], j.verdict)
            for j, e in cells
            if e.published is not None and e.claim.metric in explain.COSTS
        ]
        if any(t.verdict is AuditVerdict.differs for t in targets):
            sizes = [(e, j.verdict) for j, e in cells if e.claim.metric == "output" and e.sizes]
            entry = cells[0][1]
            assert entry.row is not None
            wrong = next((e for e, verdict in sizes if verdict is AuditVerdict.differs), None)
            found[where] = explain.row(
                entry.counted, entry.row, targets, None if wrong is None else _printed(wrong)
            )
    return found


def _printed(entry: Entry) -> Shape:
    """The shape that a cell prints, with what the row gives in the place of parts that it does not print."""
    height, width, channels = (
        (entry.sizes or {}).get(part, whole)
        for part, whole in zip(entries.PARTS, entry.computed.parts, strict=True)
    )
    return channels, height, width


# -- findings -------------------------------------------------------------------------------------


def _finding(
    ledger: Ledger,
    results: Sequence[tuple[Judgement, Entry]],
    readings: Readings,
    rows: Mapping[tuple[str, int], Explained],
    strict: bool,
) -> Finding:
    worst = max((judgement.verdict for judgement, _ in results), key=_ORDER.index)
    judgement, entry = next(result for result in results if result[0].verdict is worst)
    claim, row = entry.claim, entry.row
    text, fault = explained(worst, claim.cell, ledger.document.footnotes, strict)
    others = [e.network for j, e in results if j.verdict is not worst]
    notes = [judgement.note] if judgement.note else []
    notes += ["not so for " + ", ".join(others)] if others else []
    suggestions: tuple[Suggestion, ...] = ()
    if row is not None and worst is AuditVerdict.differs and claim.metric in explain.COSTS:
        found = rows[entry.network, row.row.index]
        suggestions = tuple(s for s in found.suggestions if claim.header in s.fits)
        notes += [found.contradiction] if found.contradiction else []
    reading = readings.get(entry.series, _EXACT)
    intervals, difference = _compared(entry, reading)
    return Finding(
        kind="cell" if row is not None else "total",
        networks=tuple(e.network for j, e in results if j.verdict is worst),
        span=claim.cell.span,
        row=row.row.label if row is not None else claim.header,
        column=entry.column,
        metric=reading.metric or claim.metric,
        published=claim.cell.text,
        computed=None if entry.fault else entry.values.get(reading.metric, entry.computed),
        intervals=intervals,
        convention=conventions.told(entry.published, reading) if entry.published else "exact",
        verdict=worst,
        condition=judgement.condition,
        alternative=conventions.alternative(entry.published, judgement)
        if entry.published and not judgement.note
        else None,
        difference=difference,
        compared=tuple(entry.sizes or ()),
        explanation=text,
        note="; ".join(notes),
        suggestions=suggestions,
        fault=entry.fault or fault,
    )


def _compared(entry: Entry, reading: Reading) -> tuple[tuple[PublishedInterval, ...], Fraction | None]:
    """The intervals of what is printed, and the relative difference (of a shape, the largest)."""
    if entry.fault:
        return (), None
    if entry.published is not None:
        interval = conventions.interval(entry.published, reading.convention)
        return (interval,), interval.relative_difference(entry.values[reading.metric])
    sizes = entry.sizes or {}
    found = {part: PublishedInterval(size, size, size) for part, size in sizes.items()}
    gaps: list[Any] = [i.relative_difference(entry.values[part]) for part, i in found.items()]
    return tuple(found.values()), None if None in gaps else max(gaps, key=abs)
