"""Audits -> tables and JSON, and the words for figures and intervals that every format shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from archcalc.audit.conventions import RULE
from archcalc.metrics import METRICS
from archcalc.spec.arithmetic import Size
from archcalc.spec.library import folder
from archcalc.units.formatting import end_of_interval, exact, percent, published_interval
from archcalc.views import tables
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from fractions import Fraction

    from archcalc.audit.findings import Audit, Choice, Finding, Paper, ReadingResult, Suggestion, Summary

#: What the columns of a summary count.
SUMMARY: Final = (
    "agree if: under a convention that is named; explained: they differ, and a reading that was computed "
    "gives what is printed; unknown: they differ, cause unknown; fail: unexplained; others: of the figures "
    "that are not the paper's own (of notes, released models, other papers, sums of cells), how many agree."
)


def figure(value: Any, published: str = "") -> str:
    """A figure as people read it: every digit of an integer, six of a ratio, a shape with `x`.

    Where a percentage is printed, so is what is compared with it.
    """
    if value is None:
        return ""
    return str(value) if isinstance(value, Size) else exact(value, published)


def printed_as(finding: Finding) -> str:
    """What a printed figure stands for: `2,713.6 to 2,816`, `at most 25,000,000`; "" for an exact one."""
    if len(finding.intervals) != 1 or finding.compared:
        return ""
    return published_interval(finding.intervals[0], finding.published)


def place(finding: Finding) -> str:
    """Where the published figure stands: `specs/googlenet.md:14`."""
    return f"{display_path(finding.span.file)}:{finding.span.line}"


def display_path(file: str) -> str:
    """A file as it is named to people: shipped specs as they lie in a checkout, others as they were given."""
    own = str(folder())
    return f"specs{file[len(own) :]}" if file.startswith(own) else file


def suggestion_text(suggestion: Suggestion) -> str:
    """A suggestion as one sentence."""
    values = ", ".join(f"{figure(v)} {METRICS[m].header}" for m, v in suggestion.values.items())
    condition = f" ({suggestion.condition})" if suggestion.condition else ""
    return f"{suggestion.change}: {values}{condition}"


def reading_text(reading: ReadingResult, published: str) -> str:
    """A reading, what it comes to and what follows: `60e6 / 5e6 = 12, the rounded figures: gives it`."""
    words = f", {reading.words}" if reading.words else ""
    value = figure(reading.computed, published)
    return f"{reading.text} = {value}{words}: {reading.verdict_text}"


def choice_text(choice: Choice) -> str:
    """A choice, the value taken, and the sentences that agree by each value."""
    values = ", ".join(
        f"{value} {plain}" + (f" and {more} under a convention" if more else "")
        for value, plain, more in choice.values
    )
    counted = f"agreeing of the {choice.sentences} sentences that depend on it"
    return f"{choice.name}: {choice.taken} ({counted}: {values})"


def side_by_side(paper: Paper, choice: Choice) -> dict[str, dict[str, str]]:
    """What each sentence that depends on a choice comes to by each value of it, with the verdict."""
    taken = {c.name: c.taken for c in paper.choices}
    sentences = {}
    for finding in paper.findings:
        by_value = finding.by(choice.name, taken)
        if by_value:
            sentences[f"{finding.row} ({finding.published})"] = {
                value: f"{figure(line.computed, finding.published)}, {line.compared}"
                for value, line in by_value.items()
            }
    return sentences


# -- tables ---------------------------------------------------------------------------------------


def summary(audits: Audit) -> Table:
    """A line for each paper and one over all.

    `others` says how many of the figures agree that are not the paper's own; `SUMMARY` explains the columns.
    """
    columns = (
        Column("paper", "paper"),
        Column("checked", "checked", "integer"),
        Column("agreeing", "agree", "integer"),
        Column("conditional", "agree if", "integer"),
        Column("explained", "explained", "integer"),
        Column("unknown", "unknown", "integer"),
        Column("failing", "fail", "integer"),
        Column("others", "others"),
    )

    def line(name: str, own: Summary, other: Summary) -> tuple[Any, ...]:
        return (
            name,
            own.checked,
            own.agreeing,
            own.conditional,
            own.explained,
            own.unknown,
            own.failing + other.failing,
            f"{other.agreeing + other.conditional}/{other.checked}" if other.checked else "",
        )

    rows = tuple(line(p.audited or p.name, p.summary, p.elsewhere) for p in audits.papers)
    total = (line("all", audits.summary, audits.elsewhere),) if len(rows) > 1 else ()
    failing = (i for i, p in enumerate(audits.papers) if (p.summary + p.elsewhere).failing)
    return Table("", columns, rows, total, (SUMMARY, RULE), dict.fromkeys(failing, "bad"))


_FINDINGS: Final = (
    Column("file", "file"),
    Column("line", "line", "integer"),
    Column("row", "row or claim"),
    Column("column", "column or expression"),
    Column("source", "source"),
    Column("published", "published"),
    Column("low", "from", "printed"),
    Column("high", "to", "printed"),
    Column("computed", "computed", "printed"),
    Column("convention", "convention"),
    Column("verdict", "verdict"),
    Column("outcome", "outcome"),
    Column("difference", "difference", "printed"),
    Column("cause", "reading that gives it"),
    Column("explanation", "explanation"),
    Column("suggestion", "would fit"),
    Column("fault", "fault"),
)


def findings(audits: Audit, raw: bool = False) -> Table:
    """Every figure in a row, in the order of the documents; `raw` keeps numbers as programs read them.

    The other readings of a sentence follow it, each in a row that prints no figure of its own.
    """
    rows: list[tuple[Any, ...]] = []
    for finding in (f for paper in audits.papers for f in paper.findings):
        rows.append(_row(finding, raw))
        rows += [_reading_row(finding, reading, raw) for reading in finding.readings if not reading.note]
    return Table("", _FINDINGS, tuple(rows))


def _row(finding: Finding, raw: bool) -> tuple[Any, ...]:
    interval = finding.intervals[0] if len(finding.intervals) == 1 else None
    low, high = (interval.lo, interval.hi) if interval else (None, None)
    if not raw:
        low, high = (None if end is None else end_of_interval(end, finding.published) for end in (low, high))  # type: ignore[assignment]
    cause = finding.cause
    return (
        display_path(finding.span.file),
        finding.span.line,
        finding.row,
        finding.column,
        finding.source,
        finding.published,
        low,
        high,
        _computed(finding.computed, finding.published, raw),
        finding.convention,
        finding.verdict_text,
        str(finding.outcome),
        _difference(finding.difference, raw),
        f"{cause.text} = {figure(cause.computed, finding.published)}" if cause else "",
        "; ".join(text for text in (finding.explanation, finding.note) if text),
        "; ".join(map(suggestion_text, finding.suggestions)),
        finding.fault,
    )


def _reading_row(finding: Finding, reading: ReadingResult, raw: bool) -> tuple[Any, ...]:
    given = "; ".join(f"{name}: {value}" for name, value in reading.given)
    words = "; ".join(text for text in (reading.words, given) if text)
    cells = {
        "file": display_path(finding.span.file),
        "line": finding.span.line,
        "column": reading.text,
        "computed": _computed(reading.computed, finding.published, raw),
        "convention": words,
        "verdict": reading.verdict_text,
        "outcome": "reading",
        "difference": _difference(reading.difference, raw),
    }
    return tuple(cells.get(column.key, "") for column in _FINDINGS)


def _computed(value: Any, published: str, raw: bool) -> Any:
    if not raw:
        return figure(value, published)
    return str(value) if isinstance(value, Size) else value


def _difference(value: Fraction | None, raw: bool) -> Any:
    return value if raw or value is None else percent(value, signed=True, decimals=2)


# -- JSON -----------------------------------------------------------------------------------------


def as_json(audits: Audit, strict: bool = False) -> dict[str, Any]:
    """The audits for scripts: schema 2. `strict` says whether an unknown cause fails it."""
    return {
        "schema": 2,
        "passed": audits.passed and not (strict and audits.unknown),
        "strict": strict,
        "rule": RULE,
        "summary": _summary_json(audits.summary),
        "elsewhere": _summary_json(audits.elsewhere),
        "papers": [_paper_json(paper) for paper in audits.papers],
    }


def _summary_json(counts: Summary) -> dict[str, int]:
    return {
        "checked": counts.checked,
        "agreeing": counts.agreeing,
        "conditional": counts.conditional,
        "explained": counts.explained,
        "unknown": counts.unknown,
        "failing": counts.failing,
    }


def _paper_json(paper: Paper) -> dict[str, Any]:
    return {
        "name": paper.name,
        "audited": paper.audited or None,
        "title": paper.title,
        "source": paper.source,
        "file": display_path(paper.file),
        "scope": paper.scope or None,
        "summary": _summary_json(paper.summary),
        "elsewhere": _summary_json(paper.elsewhere),
        "choices": [
            {
                "choice": choice.name,
                "taken": choice.taken,
                "sentences": choice.sentences,
                "agreeing": {value: plain for value, plain, _ in choice.values},
                "conditional": {value: more for value, _, more in choice.values},
                "side_by_side": side_by_side(paper, choice),
            }
            for choice in paper.choices
        ],
        "columns": [
            {
                "column": column.header,
                "declared": column.declared,
                "metric": column.inference.reading.metric,
                "kilo": column.inference.reading.convention.kilo,
                "rounding": column.inference.reading.convention.rounding,
                "explains": column.inference.explained,
                "cells": column.inference.cells,
                "plainly": column.inference.plain_explained,
            }
            for column in paper.columns
        ],
        "findings": [_finding_json(finding) for finding in paper.findings],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    ends = [[_plain(i.lo), _plain(i.hi)] for i in finding.intervals]
    return {
        "kind": finding.kind,
        "networks": list(finding.networks),
        "file": display_path(finding.span.file),
        "line": finding.span.line,
        "position": finding.span.start + 1,
        "row": finding.row,
        "column": finding.column,
        "metric": finding.metric or None,
        "source": finding.source or None,
        "published": finding.published or None,
        "interval": None if not ends else ends[0] if not finding.compared else ends,
        "compared": list(finding.compared) or None,
        "computed": _plain(finding.computed),
        "convention": finding.convention,
        "verdict": finding.verdict_text,
        "outcome": str(finding.outcome),
        "condition": finding.condition or None,
        "interval_if": None
        if finding.alternative is None
        else [_plain(finding.alternative.lo), _plain(finding.alternative.hi)],
        "relative_difference": None if finding.difference is None else float(finding.difference),
        "cause": finding.cause.text if finding.cause else None,
        "readings": [_reading_json(reading) for reading in finding.readings],
        "explanation": finding.explanation or None,
        "note": finding.note or None,
        "suggestions": [
            {
                "change": s.change,
                "kind": s.kind,
                "fits": list(s.fits),
                "condition": s.condition or None,
                "values": {k: _plain(v) for k, v in s.values.items()},
            }
            for s in finding.suggestions
        ],
        "fault": finding.fault or None,
    }


def _reading_json(reading: ReadingResult) -> dict[str, Any]:
    return {
        "expression": reading.text,
        "words": reading.words or None,
        "given": dict(reading.given),
        "footnote": reading.note or None,
        "computed": _plain(reading.computed),
        "gives": reading.gives,
        "verdict": reading.verdict_text,
    }


def _plain(value: Any) -> Any:
    return tables.plain(list(value.parts) if isinstance(value, Size) else value)
