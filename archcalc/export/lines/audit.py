"""An audit as a reader wants it on a terminal: what fails, what differs and why, and then the rest."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from archcalc.audit.conventions import METRICS, RULE, AuditVerdict
from archcalc.audit.findings import Outcome
from archcalc.export.lines import Line, wrapped
from archcalc.export.plain import plain_text
from archcalc.units.formatting import published_interval
from archcalc.views.audit import (
    SUMMARY,
    choice_text,
    figure,
    place,
    printed_as,
    reading_text,
    side_by_side,
    suggestion_text,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archcalc.audit.findings import Audit, Finding, Paper, Summary

_STYLE: Final = {
    AuditVerdict.agrees: "good",
    AuditVerdict.conditional: "warn",
    AuditVerdict.differs: "warn",
    AuditVerdict.failed: "bad",
    AuditVerdict.unprinted: "",
}
_GROUPS: Final = (
    ("Unexplained", Outcome.failing),
    ("Differ, and a reading that was computed gives what is printed", Outcome.explained),
    ("Differ, cause unknown", Outcome.unknown),
    ("Agree under a convention", Outcome.conditional),
)


def report(audits: Audit, width: int = 80, strict: bool = False) -> list[Line]:
    """The report of one paper in full; of several, what fails in each and a summary of all.

    `strict` says that figures whose cause is unknown fail the audit.
    """
    width = max(60, min(width, 100))
    lines: list[Line] = []
    if len(audits.papers) == 1:
        lines += _paper(audits.papers[0], width)
    else:
        for paper in audits.papers:
            if (paper.summary + paper.elsewhere).failing:
                lines += _failing(paper, width)
        lines += [
            *_summary(audits, width),
            ("", ""),
            ("`archcalc audit NAME` lists each figure of a paper", "dim"),
        ]
    lines += [("", ""), *wrapped(RULE, width, "", "dim")]
    return [*lines, ("", ""), *verdict(audits, width, strict)]


def verdict(audits: Audit, width: int, strict: bool) -> Iterator[Line]:
    """Whether the audit passed, and what is left open."""
    total = audits.summary + audits.elsewhere
    if not audits.passed:
        text = f"failed: {total.failing} of {total.checked} figures are unexplained"
        yield from wrapped(text, width, "", "bad")
    elif strict and audits.unknown:
        text = f"failed (strict): {total.unknown} of {total.checked} figures differ for no known cause"
        yield from wrapped(text, width, "", "bad")
    elif audits.unknown:
        text = f"passed: no difference is unexplained, but {total.unknown} of {total.checked} figures differ "
        yield from wrapped(text + "for no known cause (`--strict` fails them)", width, "", "warn")
    else:
        yield "passed: every difference is explained", "good"


def sentence(counts: Summary, elsewhere: Summary) -> str:
    """A summary in words."""
    text = (
        f"{counts.checked} checked: {counts.agreeing} agree, {counts.conditional} agree under a convention, "
        f"{counts.explained} differ and are explained, {counts.unknown} differ for no known cause, "
        f"{counts.failing} unexplained"
    )
    if elsewhere.checked:
        good = elsewhere.agreeing + elsewhere.conditional
        text += f". From elsewhere: {elsewhere.checked} checked, {good} agree"
    return text


def _summary(audits: Audit, width: int) -> Iterator[Line]:
    for line in plain_text(replace(summary(audits), notes=())).rstrip("\n").split("\n"):
        yield line, ""
    yield "", ""
    yield from wrapped(SUMMARY, width, "", "dim")


def _paper(paper: Paper, width: int) -> Iterator[Line]:
    yield _title(paper), "title"
    yield from wrapped(paper.source, width, "", "dim")
    failing = (paper.summary + paper.elsewhere).failing
    yield from wrapped(sentence(paper.summary, paper.elsewhere), width, "", "bad" if failing else "")
    for column in paper.columns:
        inferred = column.inference
        if column.declared in METRICS:  # more than one reading was possible
            agreeing = f"{inferred.explained} of {inferred.cells} cells agree"
            text = f"`{column.header}` is read as {inferred.reading}: {agreeing}"
            text += f" (as {inferred.plain}: {inferred.plain_explained})" if inferred.departs else ""
            yield from wrapped(text, width, "  ")
    for choice in paper.choices:
        yield from wrapped("read with " + choice_text(choice), width, "  ")
        for text, values in side_by_side(paper, choice).items():
            listed = "; ".join(f"{value}: {result}" for value, result in values.items())
            yield from wrapped(f"{text}: {listed}", width, "    ", "dim")
    for heading, outcome in _GROUPS:
        yield from _section(heading, [f for f in paper.findings if f.outcome is outcome], width)
    yield from _list("Agree", [f for f in paper.findings if f.outcome is Outcome.agrees], width)
    unprinted = [f for f in paper.findings if f.outcome is Outcome.unprinted]
    yield from _list("Computed, where no figure is printed", unprinted, width)


def _failing(paper: Paper, width: int) -> Iterator[Line]:
    yield _title(paper), "title"
    yield from _section("Unexplained", [f for f in paper.findings if f.outcome is Outcome.failing], width)
    yield "", ""


def _title(paper: Paper) -> str:
    name = f" ({paper.audited})" if paper.audited not in ("", paper.title) else ""
    return paper.title + name + (f", {paper.scope}" if paper.scope else "")


def _section(heading: str, findings: Sequence[Finding], width: int) -> Iterator[Line]:
    if not findings:
        return
    yield "", ""
    yield heading, "title"
    alike = itertools.groupby(
        findings, lambda f: (f.kind, f.span.line, f.explanation, f.suggestions, f.note, f.source)
    )
    for _, group in alike:
        yield from _together(list(group), width)


def _together(findings: Sequence[Finding], width: int) -> Iterator[Line]:
    """Findings of one row that share their explanation."""
    first = findings[0]
    yield from wrapped(f"{_where(findings)} ({place(first)})", width, "  ")
    if first.source:
        yield from wrapped(f"figure of {first.source}", width, "    ", "dim")
    for finding in findings:
        yield from _comparison(finding, width)
    if first.note:
        yield from wrapped(first.note, width, "    ")
    for suggestion in first.suggestions:
        yield from wrapped("would fit: " + suggestion_text(suggestion), width, "    ")
    if first.explanation:
        yield from wrapped("footnote: " + first.explanation, width, "    ")
    for fault in dict.fromkeys(f.fault for f in findings if f.fault):
        yield from wrapped(fault, width, "    ", "bad")


def _where(findings: Sequence[Finding]) -> str:
    first = findings[0]
    if first.kind == "claim":
        return first.row
    columns = " and ".join(dict.fromkeys(f.column for f in findings))
    return f"{columns}, {first.row}" if first.kind == "total" else f"{first.row}, {columns}"


def _comparison(finding: Finding, width: int) -> Iterator[Line]:
    """One figure: printed, computed, how it was read, and its other readings."""
    if finding.computed is None:
        text = f"{finding.published} is printed: {finding.verdict_text}"
        yield from wrapped(text, width, "    ", "bad")
    else:
        computed = figure(finding.computed, finding.published)
        text = f"{finding.published} is printed, {computed} computed: {finding.verdict_text}"
        yield from wrapped(text, width, "    ", _STYLE[finding.verdict])
    if finding.kind == "claim":
        yield from wrapped(finding.column, width, "    = ", "dim")
    ends = printed_as(finding)
    if finding.convention != "exact":
        read = f"read as {finding.convention}" + (f": {ends}" if ends else "")
        yield from wrapped(read, width, "    ", "dim")
    if finding.alternative is not None:
        ends = published_interval(finding.alternative, finding.published)
        yield from wrapped(f"{finding.condition}: {ends}", width, "    ", "dim")
    lines = [line.text for line in finding.lines]
    for reading in finding.readings:
        repeated = reading.note and reading.text in lines
        if (reading.gives or not reading.note) and not repeated:
            style = "good" if reading.gives else "dim"
            yield from wrapped("reading: " + reading_text(reading, finding.published), width, "    ", style)


def _list(heading: str, findings: Sequence[Finding], width: int) -> Iterator[Line]:
    """Figures, a line each: row and column, printed, computed."""
    if not findings:
        return
    yield "", ""
    yield heading, "title"
    lines = [(_line(f), f.published, figure(f.computed, f.published)) for f in findings]
    printed = max(len(line[1]) for line in lines)
    computed = max(len(line[2]) for line in lines)
    room = max(20, width - printed - computed - 6)
    for what, left, right in lines:
        *first, last = textwrap.wrap(what, room, break_on_hyphens=False)
        for line in first:
            yield f"  {line}", ""
        yield f"  {last:<{room}}  {left:>{printed}}  {right:>{computed}}", ""


def _line(finding: Finding) -> str:
    where = finding.row if finding.kind == "claim" else _where([finding])
    grid = " (grid only)" * (finding.kind != "claim" and finding.compared == ("h", "w"))
    return where + grid + (f" [{finding.source}]" if finding.source else "")
