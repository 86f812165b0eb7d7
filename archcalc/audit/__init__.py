"""`Document` x counts -> `Audit`: every published cell and sentence beside what archcalc computes.

A figure that differs is explained where a reading of it is computed and gives what is printed; with a
footnote that holds no such reading its cause is unknown. A difference with neither, a reading that gives
another figure, a footnote on a figure that agrees, and a claim that cannot be evaluated each fail the audit.
A table that cannot be read is inspected instead: which of its rows cannot be right, and why. No torch is
needed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archcalc.audit import cells, entries, sentences, suspects
from archcalc.audit.conventions import AuditVerdict
from archcalc.audit.figures import Known, Ledger
from archcalc.audit.findings import (
    Audit,
    AuditedColumn,
    Choice,
    Finding,
    Outcome,
    Paper,
    ReadingResult,
    Suggestion,
    Summary,
)
from archcalc.audit.readings import Footnotes
from archcalc.audit.suspects import Inspection, Suspect
from archcalc.errors import ArchcalcError, SpecError
from archcalc.spec import claims

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archcalc.document.model import Document, MarkdownTable
    from archcalc.document.text import Scalar
    from archcalc.spec.inputs import GivenInput
    from archcalc.spec.outline import Outline

__all__ = [
    "Audit",
    "AuditVerdict",
    "Choice",
    "Finding",
    "Inspection",
    "Known",
    "Outcome",
    "Paper",
    "ReadingResult",
    "Suggestion",
    "Summary",
    "Suspect",
    "audit",
    "audit_network",
    "inspect",
]


def audit(document: Document, outlines: Sequence[Outline], known: Known | None = None) -> Paper:
    """The audit of a document: the cells of every network whose table it is, and all its sentences.

    `known` keeps networks that several documents refer to from being counted again. Raises `SpecError` where
    a network of the document cannot be built, or its claims table cannot be read.
    """
    ledger = Ledger(document, tuple(outlines), known=known or Known())
    for outline in outlines:  # one of which nothing is claimed must be buildable too
        ledger.count(outline)
    footnotes = Footnotes(ledger)
    columns, findings = cells.audit(ledger, entries.owners(document, outlines), footnotes)
    sentence_findings, choices = sentences.audit(ledger, claims.read(document), footnotes)
    findings = _idle(findings + sentence_findings, footnotes)
    return _paper(document, outlines, columns, findings, choices)


def _idle(findings: list[Finding], footnotes: Footnotes) -> list[Finding]:
    """The findings with a fault where a reading in a footnote gives none of the figures that refer to it."""
    idle = footnotes.idle()
    checked = []
    for finding in findings:
        texts = [text for note in finding.notes for text in idle.get(note, ())]
        if texts and not finding.fault:
            listed = ", ".join(f"`{text}`" for text in texts)
            finding = replace(finding, fault=f"{listed} gives no figure that refers to the footnote")
        checked.append(finding)
    return checked


def audit_network(
    chosen: Outline,
    outlines: Sequence[Outline],
    settings: Mapping[str, Scalar] | None = None,
    input: GivenInput | None = None,
) -> Paper:
    """The audit of one network of a document: its cells, and the sentences that refer to it.

    `settings` and `input` stand in for its own wherever it is built; footnotes then may stand on cells that
    agree. Raises `ArchcalcError` where nothing is claimed of the network.
    """
    document = chosen.document
    altered = bool(settings) or input is not None
    ledger = Ledger(document, tuple(outlines), chosen.name, dict(settings or {}), input)
    groups = entries.owners(document, outlines)
    mine = next((group for group in groups if any(o.name == chosen.name for o in group)), ())
    first = bool(mine) and mine[0].name == chosen.name
    about = mine if first and not altered else tuple(o for o in mine if o.name == chosen.name)
    # A footnote on a shared cell may be there for another network.
    strict = first and not altered and len(groups) == 1
    footnotes = Footnotes(ledger)
    columns, findings = cells.audit(ledger, groups, footnotes, about, strict)
    names = {chosen.name, *chosen.aliases}
    # The choices are those of the document: all its sentences have a part in them.
    sentence_findings, choices = sentences.audit(ledger, claims.read(document), footnotes, not altered)
    about_it = [f for f in sentence_findings if names & set(f.networks)]
    depended_on = {name for f in about_it for reading in f.readings for name, _ in reading.given}
    choices = tuple(choice for choice in choices if choice.name in depended_on)
    findings += about_it
    if not findings:
        owner = ", ".join(group[0].name for group in groups) or "no network"
        raise ArchcalcError(
            f"`{document.file}` claims nothing of `{chosen.name}`", f"its tables describe {owner}"
        )
    return _paper(document, outlines, columns, findings, choices, chosen, ledger)


def inspect(document: Document, fault: SpecError, outlines: Sequence[Outline] = ()) -> Inspection | None:
    """What is wrong with the table in which reading `document` failed with `fault`, row by row.

    The table is read by its own `arch` block or, where it has none, as the shipped spec with the same columns
    reads its own. None where the fault lies elsewhere.
    """
    if outlines:
        match = _blamed(outlines, fault)
    elif any(section.arch for section in document.sections):
        match = None
    else:
        match = suspects.alike(document)
    return suspects.inspect(*match) if match else None


def _blamed(outlines: Sequence[Outline], fault: SpecError) -> tuple[MarkdownTable, Outline] | None:
    """The table in which a fault came to light, and its network with all that it extends."""
    spans = [fault.span, fault.also[1] if fault.also else None]
    lines = [span.line for span in spans if span is not None and span.file == outlines[0].document.file]
    ledger = Ledger(outlines[0].document, tuple(outlines))
    for outline in outlines:
        if outline.table is not None and any(s.line in lines for s in outline.table.row_spans):
            return outline.table, ledger.resolved(outline)
    return None


def _paper(
    document: Document,
    outlines: Sequence[Outline],
    columns: list[AuditedColumn],
    findings: list[Finding],
    choices: tuple[Choice, ...],
    chosen: Outline | None = None,
    ledger: Ledger | None = None,
) -> Paper:
    name = str(document.front.get("name", outlines[0].name))
    scope = [f"{n} = {v}" for n, v in ledger.settings.items()] if ledger else []
    if ledger and ledger.input is not None:
        size = ledger.input
        scope.append("input " + ("x".join(map(str, size)) if isinstance(size, tuple) else str(size)))
    return Paper(
        name=name,
        title=chosen.title if chosen else str(document.front.get("title", name)),
        source=str(document.front.get("source", "")),
        file=document.file,
        columns=tuple(c for c in columns if any(f.kind != "claim" for f in findings)),
        findings=tuple(findings),
        choices=choices,
        audited=chosen.name if chosen else "",
        scope=", ".join(scope),
    )
