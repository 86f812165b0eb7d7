"""Audits -> tables and JSON, and the words for figures and intervals that every format shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.metrics import METRICS
from archcalc.spec.arithmetic import Size
from archcalc.spec.library import folder
from archcalc.units.formatting import end_of_interval, exact, percent, published_interval
from archcalc.views import tables
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.audit.findings import Audit, Finding, Paper, Suggestion, Summary


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


# -- tables ---------------------------------------------------------------------------------------


def summary(audits: Audit) -> Table:
    """A line for each paper and one over all."""
    columns = (
        Column("paper", "paper"),
        Column("checked", "checked", "integer"),
        Column("agreeing", "agree", "integer"),
        Column("conditional", "by convention", "integer"),
        Column("explained", "explained", "integer"),
        Column("failing", "unexplained", "integer"),
    )

    def line(name: str, summary: Summary) -> tuple[Any, ...]:
        return (
            name,
            summary.checked,
            summary.agreeing,
            summary.conditional,
            summary.explained,
            summary.failing,
        )

    rows = tuple(line(paper.audited or paper.name, paper.summary) for paper in audits.papers)
    total = (line("all", audits.summary),) if len(rows) > 1 else ()
    marks = {i: "bad" for i, paper in enumerate(audits.papers) if paper.summary.failing}
    return Table("", columns, rows, total, (), marks)


def findings(audits: Audit, raw: bool = False) -> Table:
    """Every figure in a row, in the order of the documents; `raw` keeps numbers as programs read them."""
    columns = (
        Column("file", "file"),
        Column("line", "line", "integer"),
        Column("row", "row or claim"),
        Column("column", "column or expression"),
        Column("published", "published"),
        Column("low", "from", "printed"),
        Column("high", "to", "printed"),
        Column("computed", "computed", "printed"),
        Column("convention", "convention"),
        Column("verdict", "verdict"),
        Column("difference", "difference", "printed"),
        Column("explanation", "explanation"),
        Column("suggestion", "would fit"),
        Column("fault", "fault"),
    )
    rows = tuple(_row(f, raw) for paper in audits.papers for f in paper.findings)
    return Table("", columns, rows)


def _row(finding: Finding, raw: bool) -> tuple[Any, ...]:
    interval = finding.intervals[0] if len(finding.intervals) == 1 else None
    low, high = (interval.lo, interval.hi) if interval else (None, None)
    difference = finding.difference
    computed: Any = str(finding.computed) if isinstance(finding.computed, Size) else finding.computed
    if not raw:
        low, high = (None if end is None else end_of_interval(end, finding.published) for end in (low, high))  # type: ignore[assignment]
        computed = figure(finding.computed, finding.published)
    return (
        display_path(finding.span.file),
        finding.span.line,
        finding.row,
        finding.column,
        finding.published,
        low,
        high,
        computed,
        finding.convention,
        finding.words,
        difference if raw or difference is None else percent(difference, signed=True, decimals=2),
        "; ".join(text for text in (finding.explanation, finding.note) if text),
        "; ".join(map(suggestion_text, finding.suggestions)),
        finding.fault,
    )


# -- JSON -----------------------------------------------------------------------------------------


def as_json(audits: Audit) -> dict[str, Any]:
    """The audits for scripts: schema 1."""
    return {
        "schema": 1,
        "passed": audits.passed,
        "summary": _summary_json(audits.summary),
        "papers": [_paper_json(paper) for paper in audits.papers],
    }


def _summary_json(summary: Summary) -> dict[str, int]:
    return {
        "checked": summary.checked,
        "agreeing": summary.agreeing,
        "conditional": summary.conditional,
        "explained": summary.explained,
        "failing": summary.failing,
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
        "published": finding.published,
        "interval": None if not ends else ends[0] if not finding.compared else ends,
        "compared": list(finding.compared) or None,
        "computed": _plain(finding.computed),
        "convention": finding.convention,
        "verdict": finding.words,
        "outcome": str(finding.verdict),
        "condition": finding.condition or None,
        "interval_if": None
        if finding.alternative is None
        else [_plain(finding.alternative.lo), _plain(finding.alternative.hi)],
        "relative_difference": None if finding.difference is None else float(finding.difference),
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


def _plain(value: Any) -> Any:
    return tables.plain(list(value.parts) if isinstance(value, Size) else value)
