"""The page `audit`: every published figure beside the computed one, differences first."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archcalc.audit import Audit, AuditVerdict, Finding, Known, Paper, audit
from archcalc.document import document, textfile
from archcalc.plots import agreement, bars
from archcalc.report import words
from archcalc.report.page import Figure, Page, Sheet
from archcalc.spec import library, outline
from archcalc.views import audit as audit_views
from archcalc.views.tables import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as Drawn

#: What a reader needs at a glance; the CSV has the rest.
_SHOWN: Final = ("row", "column", "published", "computed", "verdict")
_KINDS: Final = ("agree", "agree under a convention", "differ, explained", "unexplained")
_NAMED: Final = 8  # differences that a summary names
_METHOD: Final = (
    "A printed figure is an interval: its digits rounded, cut or raised, with K = 1000 or 1024. For each "
    "column the reading that explains most of its cells is inferred and named; a cell agrees where the "
    "computed value lies in its interval, `agrees if` names the one convention that it takes, and a "
    "difference must be explained by a footnote in the spec.",
    "A claim is a sentence of the paper with an arithmetic expression over counts; its reading is stated.",
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
    found = [f for paper in audits.papers for f in paper.findings]
    spots = spotted(found)
    figures = [
        Figure(
            "agreement",
            f"Scatter plot of {words.count(len(spots), 'published figure')}: relative difference of the "
            "computed value over the published one, with bands of 1% and 10%.",
            f"{words.count(len(spots), 'published figure')}, each with the relative difference of what is "
            "computed, on a scale that is logarithmic on either side of 0.1%. Bounds and shapes are left "
            "out.",
            lambda: agreement.agreement(spots),
        ),
        Figure(
            "papers",
            f"Stacked bars: the published figures of {words.count(len(audits.papers), 'paper')} by what "
            "came of them.",
            "Published figures of each document by what came of them; how many were checked stands behind "
            "the bar.",
            lambda: _papers(audits.papers),
        ),
    ]
    different = replace_papers(audits, (AuditVerdict.differs, AuditVerdict.unknown))
    conditional = replace_papers(audits, (AuditVerdict.conditional,))
    sheets = [Sheet("summary", "By paper", audit_views.summary(audits))]
    if any(p.findings for p in different.papers):
        sheets.append(
            Sheet("differences", "What differs, and why", findings(different), lines=_prose(different))
        )
    if any(p.findings for p in conditional.papers):
        sheets.append(Sheet("conventions", "What agrees under a convention only", findings(conditional)))
    sheets += [Sheet(f"{p.name}", _heading(p), findings(Audit((p,)))) for p in audits.papers]
    return Page(
        "audit",
        "Audit",
        f"{words.count(len(found), 'published figure')} of {words.count(len(audits.papers), 'document')}, "
        "recomputed from the papers' own tables.",
        tuple(_findings(audits)),
        tuple(figures),
        tuple(sheets),
        (*_METHOD, words.SCOPE, words.MACS, words.PARAMS),
    )


def replace_papers(audits: Audit, verdicts: Sequence[AuditVerdict]) -> Audit:
    """Only the findings with these verdicts."""
    return Audit(
        tuple(
            replace(p, findings=tuple(f for f in p.findings if f.verdict in verdicts)) for p in audits.papers
        )
    )


def findings(audits: Audit) -> Table:
    """Findings as a table that fits a page; its CSV has every column."""
    table = audit_views.findings(audits)
    columns = tuple(replace(c, extra=c.key not in _SHOWN) for c in table.columns)
    return replace(table, columns=columns)


def sentence(found: Finding, brief: bool = False) -> str:
    """What is printed, what is computed, and the footnote (not where it is to be `brief`)."""
    where = f"{found.row}, {found.column}" if found.kind != "claim" else f"“{found.row}”"
    computed = audit_views.figure(found.computed) or "nothing"
    told = f"{found.published} is printed, {computed} computed for {where}"
    why = f" Footnote: {found.explanation}" if found.explanation and not brief else ""
    fit = "; would fit: " + audit_views.suggestion_text(found.suggestions[0]) if found.suggestions else ""
    fault = f" **{found.fault}**." if found.fault else ""
    return f"{told} ({audit_views.place(found)}): {found.words}{fit}.{why}{fault}"


def spotted(found: Sequence[Finding]) -> list[agreement.AgreementPoint]:
    """The findings that can stand on logarithmic axes: figures that are neither bounds nor shapes."""
    spots = []
    for f in found:
        interval = f.intervals[0] if len(f.intervals) == 1 else None
        if interval is None or interval.lo is None or interval.hi is None or f.difference is None:
            continue
        if interval.nominal > 0:
            spots.append(
                agreement.AgreementPoint(float(interval.nominal), float(f.difference), str(f.verdict))
            )
    return spots


def summary_sentence(audits: Audit) -> str:
    """How many figures were checked, and what came of them."""
    s = audits.summary
    return (
        f"{words.count(s.checked, 'published figure')} checked: {s.agreeing} agree, {s.conditional} agree "
        f"under a convention that is named, {s.explained} differ and are explained, {s.failing} are "
        "unexplained."
    )


def _findings(audits: Audit) -> list[str]:
    lines = [summary_sentence(audits)]
    found = [f for p in audits.papers for f in p.findings]
    columns = [(p, c) for p in audits.papers for c in p.columns if c.inference.departs]
    for paper, column in columns:
        i = column.inference
        lines.append(
            f"{i.explained} of {i.cells} cells of the column `{column.header}` of {paper.name} agree when "
            f"read as {i.reading}; as it stands, {i.plain_explained}."
        )
    faults = [f for f in found if f.fault]
    lines += [sentence(f) for f in faults]
    different = sorted(
        (f for f in found if f.verdict is AuditVerdict.differs and not f.fault),
        key=lambda f: -abs(f.difference or Fraction(0)),
    )
    if different:
        lines.append(f"{words.count(len(different), 'figure')} that differ, the largest differences first:")
        lines += [f"  {sentence(f, brief=True)}" for f in different[:_NAMED]]
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
    values = [
        dict(
            zip(
                _KINDS,
                (p.summary.agreeing, p.summary.conditional, p.summary.explained, p.summary.failing),
                strict=True,
            )
        )
        for p in papers
    ]
    panel = bars.Panel("published figures", values, [str(p.summary.checked) for p in papers])
    return bars.stacked([p.name for p in papers], _KINDS, [panel])
