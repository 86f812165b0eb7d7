"""The page `audit`: every published figure beside the computed one, differences first."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archcalc.audit import Audit, Finding, Known, Outcome, Paper, audit
from archcalc.audit.conventions import RULE
from archcalc.document import document, textfile
from archcalc.plots import agreement, bars
from archcalc.report import words
from archcalc.report.page import Figure, Page, Sheet
from archcalc.spec import library, outline
from archcalc.views import audit as audit_views
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure as Drawn

#: What a reader needs at a glance; the CSV has the rest.
_COLUMNS: Final = ("row", "column", "published", "computed", "verdict", "outcome")
_OUTCOMES: Final = (
    "agree",
    "agree under a convention",
    "differ, explained",
    "differ, cause unknown",
    "unexplained",
)
_NAMED: Final = 8  # differences that a summary names
_METHOD: Final = (
    RULE,
    "For each column of figures the reading (metric, K = 1000 or 1024, rounded or cut off) that explains "
    "most of its cells is inferred and named.",
    "A claim is a sentence of the paper with arithmetic expressions over counts, the plainest first. It "
    "agrees by the first one that goes with the choices by which the paper is read. Where that one differs, "
    "the difference is explained by another reading, or one in a footnote, that gives what is printed and no "
    "figure one unit off; without such a reading its cause is unknown.",
    "Figures that are not the paper's own (of notes, released models, other papers, sums of cells) name "
    "their source and are counted apart.",
)


def shipped() -> Audit:
    """The audit of every shipped document."""
    known = Known()
    papers = []
    for path in library.paths():
        parsed = document.parse(textfile.read(path), str(path))
        papers.append(audit(parsed, outline.networks(parsed), known))
    return Audit(tuple(p for p in papers if p.findings))


def page() -> Page:
    """The page, of all shipped documents."""
    audits = shipped()
    all_findings = [f for paper in audits.papers for f in paper.findings]
    total = (audits.summary + audits.elsewhere).checked
    return Page(
        "audit",
        "Audit",
        f"{words.count(total, 'published figure')} of {words.count(len(audits.papers), 'document')}, "
        "recomputed from the papers' own tables.",
        tuple(_sentences(audits)),
        _page_figures(audits, points(all_findings)),
        tuple(_sheets(audits)),
        (*_METHOD, words.SCOPE, words.MACS, words.PARAMS),
    )


def _page_figures(audits: Audit, plotted: Sequence[agreement.AgreementPoint]) -> tuple[Figure, ...]:
    counted = words.count(len(plotted), "published figure")
    return (
        Figure(
            "agreement",
            f"Scatter plot of {counted}: relative difference of the "
            "computed value over the published one, with bands of 1% and 10%.",
            f"{counted}, each with the relative difference of what is "
            "computed, on a scale that is logarithmic on either side of 0.1%. Bounds and shapes are left "
            "out.",
            lambda: agreement.agreement(plotted),
        ),
        Figure(
            "papers",
            f"Stacked bars: the published figures of {words.count(len(audits.papers), 'paper')} by what "
            "came of them.",
            "Published figures of each document by what came of them, those from elsewhere included; how "
            "many were checked stands behind the bar.",
            lambda: _papers(audits.papers),
        ),
    )


def _sheets(audits: Audit) -> Iterator[Sheet]:
    yield Sheet("summary", "By paper", audit_views.summary(audits))
    choices = choice_table(audits)
    if choices.rows:
        yield Sheet("choices", "Readings side by side", choices)
    for key, heading, outcomes in (
        ("unknown", "What differs for no known cause", (Outcome.unknown, Outcome.failing)),
        ("explained", "What differs, and the reading that gives it", (Outcome.explained,)),
    ):
        chosen = with_outcomes(audits, outcomes)
        if any(p.findings for p in chosen.papers):
            yield Sheet(key, heading, findings(chosen), lines=_prose(chosen))
    conditional = with_outcomes(audits, (Outcome.conditional,))
    if any(p.findings for p in conditional.papers):
        yield Sheet("conventions", "What agrees under a convention only", findings(conditional))
    for paper in audits.papers:
        yield Sheet(paper.name, _heading(paper), findings(Audit((paper,))))


def choice_table(audits: Audit) -> Table:
    """The sentences of which papers leave a choice open, with what they come to by each value of it."""
    columns = (
        Column("paper", "paper"),
        Column("choice", "choice"),
        Column("value", "value"),
        Column("taken", "taken"),
        Column("sentence", "sentence and what it prints"),
        Column("result", "computed"),
    )
    rows = tuple(
        (paper.name, choice.name, value, "yes" if value == choice.taken else "", sentence, result)
        for paper in audits.papers
        for choice in paper.choices
        for sentence, results in audit_views.side_by_side(paper, choice).items()
        for value, result in results.items()
    )
    return Table("", columns, rows)


def with_outcomes(audits: Audit, outcomes: Sequence[Outcome]) -> Audit:
    """Only the findings with these outcomes."""
    return Audit(
        tuple(
            replace(p, findings=tuple(f for f in p.findings if f.outcome in outcomes)) for p in audits.papers
        )
    )


def findings(audits: Audit) -> Table:
    """Findings as a table that fits a page; its CSV has every column."""
    table = audit_views.findings(audits)
    columns = tuple(replace(c, extra=c.key not in _COLUMNS) for c in table.columns)
    return replace(table, columns=columns)


def sentence(finding: Finding, brief: bool = False) -> str:
    """What is printed, what is computed, and why they differ (the footnote not where it is to be `brief`)."""
    where = f"{finding.row}, {finding.column}" if finding.kind != "claim" else f"“{finding.row}”"
    value = audit_views.figure(finding.computed, finding.published) or "nothing"
    text = f"{finding.published} is printed, {value} computed for {where} ({audit_views.place(finding)}): "
    text += finding.verdict_text
    if finding.source:
        text += f"; a figure of {finding.source}"
    if finding.cause:
        text += f"; `{finding.cause.text}` gives it"
    elif finding.outcome is Outcome.unknown:
        text += "; cause unknown"
    if finding.suggestions and not finding.cause:
        text += "; would fit: " + audit_views.suggestion_text(finding.suggestions[0])
    note = f" {finding.note}." if finding.note and not brief else ""
    why = f" Footnote: {finding.explanation}" if finding.explanation and not brief else ""
    fault = f" **{finding.fault}**." if finding.fault else ""
    return f"{text}.{note}{why}{fault}"


def points(all_findings: Sequence[Finding]) -> list[agreement.AgreementPoint]:
    """The findings that can stand on logarithmic axes: figures that are neither bounds nor shapes."""
    plotted = []
    for finding in all_findings:
        interval = finding.intervals[0] if len(finding.intervals) == 1 else None
        if interval is None or interval.lo is None or interval.hi is None or finding.difference is None:
            continue
        if interval.nominal > 0:
            plotted.append(
                agreement.AgreementPoint(
                    float(interval.nominal), float(finding.difference), str(finding.outcome)
                )
            )
    return plotted


def summary_sentence(audits: Audit) -> str:
    """How many figures were checked, and what came of them."""
    s, other = audits.summary, audits.elsewhere
    text = (
        f"{words.count(s.checked, 'published figure')} checked: {s.agreeing} agree, {s.conditional} agree "
        f"under a convention that is named, {s.explained} differ and a reading that was computed gives what "
        f"is printed, {s.unknown} differ for no known cause, {s.failing} are unexplained."
    )
    if other.checked:
        text += (
            f" Of {words.count(other.checked, 'figure')} from elsewhere "
            f"{other.agreeing + other.conditional} agree."
        )
    return text


def _sentences(audits: Audit) -> list[str]:
    lines = [summary_sentence(audits)]
    columns = [(p, c) for p in audits.papers for c in p.columns if c.inference.departs]
    for paper, column in columns:
        i = column.inference
        lines.append(
            f"{i.explained} of {i.cells} cells of the column `{column.header}` of {paper.name} agree when "
            f"read as {i.reading}; as it stands, {i.plain_explained}."
        )
    lines += [
        f"{paper.name} is read with {audit_views.choice_text(choice)}."
        for paper in audits.papers
        for choice in paper.choices
    ]
    own = [f for p in audits.papers for f in p.findings]
    lines += [sentence(f) for f in own if f.fault]
    unknown = sorted(
        (f for f in own if f.outcome is Outcome.unknown), key=lambda f: -abs(f.difference or Fraction(0))
    )
    if unknown:
        counted = words.count(len(unknown), "figure")
        lines.append(f"{counted} that differ for no known cause, the largest differences first:")
        lines += [f"  {sentence(f, brief=True)}" for f in unknown[:_NAMED]]
    return lines


def _prose(audits: Audit) -> tuple[str, ...]:
    """Findings as sentences under the name of their document."""
    return tuple(
        line
        for p in audits.papers
        if p.findings
        for line in (f"{p.title}:", *(f"  {sentence(f)}" for f in p.findings))
    )


def _heading(paper: Paper) -> str:
    return f"{paper.title} ({Path(paper.file).name})"


def _papers(papers: Sequence[Paper]) -> Drawn:
    totals = [p.summary + p.elsewhere for p in papers]
    values = [
        dict(zip(_OUTCOMES, (s.agreeing, s.conditional, s.explained, s.unknown, s.failing), strict=True))
        for s in totals
    ]
    panel = bars.Panel("published figures", values, [str(s.checked) for s in totals])
    return bars.stacked([p.name for p in papers], _OUTCOMES, [panel])
