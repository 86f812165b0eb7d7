"""An audit as a reader wants it on a terminal: what fails, what differs and why, and then the rest."""

from __future__ import annotations

import itertools
import textwrap
from typing import TYPE_CHECKING, Final

from archcalc.audit.conventions import METRICS, AuditVerdict
from archcalc.export.lines import Line, wrapped
from archcalc.export.plain import plain_text
from archcalc.units.formatting import published_interval
from archcalc.views.audit import figure, place, printed_as, suggestion_text, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archcalc.audit.findings import Audit, Finding, Paper, Summary

_STYLE: Final = {
    AuditVerdict.agrees: "good",
    AuditVerdict.conditional: "warn",
    AuditVerdict.differs: "warn",
    AuditVerdict.unknown: "bad",
}
_GROUPS: Final = (
    ("Unexplained", None),
    ("Differ, with the document's explanation", AuditVerdict.differs),
    ("Agree under a convention", AuditVerdict.conditional),
)


def report(audits: Audit, width: int = 80) -> list[Line]:
    """The report of one paper in full; of several, what fails in each and a summary of all."""
    width = max(60, min(width, 100))
    if len(audits.papers) == 1:
        lines = list(_paper(audits.papers[0], width))
    else:
        lines = [line for paper in audits.papers if paper.summary.failing for line in _failing(paper, width)]
        lines += [*_summary(audits), ("", ""), ("`archcalc audit NAME` shows each figure of a paper", "dim")]
    verdict = "passed: every difference is explained", "good"
    if not audits.passed:
        total = audits.summary
        verdict = f"failed: {total.failing} of {total.checked} figures are unexplained", "bad"
    return [*lines, ("", ""), verdict]


def sentence(of: Summary) -> str:
    """A summary in words."""
    return (
        f"{of.checked} checked: {of.agreeing} agree, {of.conditional} agree under a convention, "
        f"{of.explained} differ and are explained, {of.failing} unexplained"
    )


def _summary(audits: Audit) -> Iterator[Line]:
    for line in plain_text(summary(audits)).rstrip("\n").split("\n"):
        yield line, ""


def _paper(paper: Paper, width: int) -> Iterator[Line]:
    yield _title(paper), "title"
    yield from wrapped(paper.source, width, "", "dim")
    yield from wrapped(sentence(paper.summary), width, "", "bad" if paper.summary.failing else "")
    for column in paper.columns:
        found = column.inference
        if column.declared in METRICS:  # more than one reading was possible
            agreeing = f"{found.explained} of {found.cells} cells agree"
            text = f"`{column.header}` is read as {found.reading}: {agreeing}"
            text += f" (as {found.plain}: {found.plain_explained})" if found.departs else ""
            yield from wrapped(text, width, "  ")
    for heading, verdict in _GROUPS:
        yield from _section(heading, _chosen(paper, verdict), width)
    plain = _chosen(paper, AuditVerdict.agrees)
    if plain:
        yield "", ""
        yield "Agree", "title"
        yield from _agreeing(plain, width)


def _failing(paper: Paper, width: int) -> Iterator[Line]:
    yield _title(paper), "title"
    yield from _section("Unexplained", _chosen(paper, None), width)
    yield "", ""


def _title(paper: Paper) -> str:
    name = f" ({paper.audited})" if paper.audited not in ("", paper.title) else ""
    return paper.title + name + (f", {paper.scope}" if paper.scope else "")


def _chosen(paper: Paper, verdict: AuditVerdict | None) -> list[Finding]:
    """The findings of a verdict that need nothing more or, for None, those that fail."""
    if verdict is None:
        return [f for f in paper.findings if f.fault]
    return [f for f in paper.findings if f.verdict is verdict and not f.fault]


def _section(heading: str, found: Sequence[Finding], width: int) -> Iterator[Line]:
    if not found:
        return
    yield "", ""
    yield heading, "title"
    alike = itertools.groupby(found, lambda f: (f.kind, f.span.line, f.explanation, f.suggestions, f.note))
    for _, group in alike:
        yield from _together(list(group), width)


def _together(found: Sequence[Finding], width: int) -> Iterator[Line]:
    """Findings of one row that share their explanation."""
    first = found[0]
    yield from wrapped(f"{_where(found)} ({place(first)})", width, "  ")
    for finding in found:
        yield from _verdict(finding, width)
    if first.note:
        yield from wrapped(first.note, width, "    ")
    for suggestion in first.suggestions:
        yield from wrapped("would fit: " + suggestion_text(suggestion), width, "    ")
    if first.explanation:
        yield from wrapped("footnote: " + first.explanation, width, "    ")
    for fault in dict.fromkeys(f.fault for f in found if f.fault):
        yield from wrapped(fault, width, "    ", "bad")


def _where(found: Sequence[Finding]) -> str:
    first = found[0]
    if first.kind == "claim":
        return first.row
    columns = " and ".join(dict.fromkeys(f.column for f in found))
    return f"{columns}, {first.row}" if first.kind == "total" else f"{first.row}, {columns}"


def _verdict(finding: Finding, width: int) -> Iterator[Line]:
    if finding.computed is None:
        yield from wrapped(f"{finding.published} is printed: {finding.words}", width, "    ", "bad")
    else:
        computed = figure(finding.computed, finding.published)
        verdict = f"{finding.published} is printed, {computed} computed: {finding.words}"
        yield from wrapped(verdict, width, "    ", _STYLE[finding.verdict])
    if finding.kind == "claim":
        yield from wrapped(finding.column, width, "    = ", "dim")
    ends = printed_as(finding)
    if finding.convention != "exact":
        read = f"read as {finding.convention}" + (f": {ends}" if ends else "")
        yield from wrapped(read, width, "    ", "dim")
    if finding.alternative is not None:
        ends = published_interval(finding.alternative, finding.published)
        yield from wrapped(f"{finding.condition}: {ends}", width, "    ", "dim")


def _agreeing(found: Sequence[Finding], width: int) -> Iterator[Line]:
    """The figures that agree, a line each: row and column, printed, computed."""
    lines = [
        (
            f.row if f.kind == "claim" else _where([f]) + " (grid only)" * (f.compared == ("h", "w")),
            f.published,
            figure(f.computed, f.published),
        )
        for f in found
    ]
    printed = max(len(line[1]) for line in lines)
    computed = max(len(line[2]) for line in lines)
    room = max(20, width - printed - computed - 6)
    for what, left, right in lines:
        *first, last = textwrap.wrap(what, room, break_on_hyphens=False)
        for line in first:
            yield f"  {line}", ""
        yield f"  {last:<{room}}  {left:>{printed}}  {right:>{computed}}", ""
