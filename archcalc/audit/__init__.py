"""`Document` x counts -> `Audit`: every published cell and sentence beside what archcalc computes.

A figure that differs must have a footnote that explains it; a footnote on a cell that agrees, a difference
without one, and a claim that cannot be evaluated each fail the audit. A table that cannot be read is
inspected instead: which of its rows cannot be right, and why. No torch is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.audit import cells, entries, sentences, suspects
from archcalc.audit.conventions import AuditVerdict
from archcalc.audit.figures import Known, Ledger
from archcalc.audit.findings import Audit, AuditedColumn, Finding, Paper, Suggestion, Summary
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
    "Finding",
    "Inspection",
    "Known",
    "Paper",
    "Suggestion",
    "Summary",
    "Suspect",
    "audit",
    "audit_network",
    "inspect",
]


def audit(document: Document, outlines: Sequence[Outline], known: Known | None = None) -> Paper:
    """The audit of a whole document: the cells of every network whose table it is, and all its sentences.

    `known` keeps networks that several documents refer to from being counted again. Raises `SpecError` where
    a network of the document cannot be built, or its claims table cannot be read.
    """
    ledger = Ledger(document, tuple(outlines), known=known or Known())
    for outline in outlines:  # one of which nothing is claimed must be buildable too
        ledger.count(outline)
    columns, found = cells.audit(ledger, entries.owners(document, outlines))
    found += [sentences.audit(ledger, claim) for claim in claims.read(document)]
    return _paper(document, outlines, columns, found)


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
    columns, found = cells.audit(ledger, groups, about, strict)
    names = {chosen.name, *chosen.aliases}
    for claim in claims.read(document):
        finding = sentences.audit(ledger, claim, strict=not altered)
        if names & set(finding.networks):
            found.append(finding)
    if not found:
        owner = ", ".join(group[0].name for group in groups) or "no network"
        raise ArchcalcError(
            f"`{document.file}` claims nothing of `{chosen.name}`", f"its tables describe {owner}"
        )
    return _paper(document, outlines, columns, found, chosen, ledger)


def inspect(document: Document, fault: SpecError, outlines: Sequence[Outline] = ()) -> Inspection | None:
    """What is wrong with the table in which reading `document` failed with `fault`, row by row.

    The table is read by its own `arch` block or, where it has none, as the shipped spec with the same columns
    reads its own. None where the fault lies elsewhere.
    """
    if outlines:
        found = _blamed(outlines, fault)
    elif any(section.arch for section in document.sections):
        found = None
    else:
        found = suspects.alike(document)
    return suspects.inspect(*found) if found else None


def _blamed(outlines: Sequence[Outline], fault: SpecError) -> tuple[MarkdownTable, Outline] | None:
    """The table in which a fault came to light, and its network with all that it extends."""
    spans = [fault.span, fault.also[1] if fault.also else None]
    lines = [span.line for span in spans if span is not None and span.file == outlines[0].document.file]
    ledger = Ledger(outlines[0].document, tuple(outlines))
    for found in outlines:
        if found.table is not None and any(s.line in lines for s in found.table.row_spans):
            return found.table, ledger.resolved(found)
    return None


def _paper(
    document: Document,
    outlines: Sequence[Outline],
    columns: list[AuditedColumn],
    found: list[Finding],
    chosen: Outline | None = None,
    ledger: Ledger | None = None,
) -> Paper:
    name = str(document.front.get("name", outlines[0].name))
    shown = [f"{n} = {v}" for n, v in ledger.settings.items()] if ledger else []
    if ledger and ledger.input is not None:
        size = ledger.input
        shown.append("input " + ("x".join(map(str, size)) if isinstance(size, tuple) else str(size)))
    return Paper(
        name=name,
        title=chosen.title if chosen else str(document.front.get("title", name)),
        source=str(document.front.get("source", "")),
        file=document.file,
        columns=tuple(c for c in columns if any(f.kind != "claim" for f in found)),
        findings=tuple(found),
        audited=chosen.name if chosen else "",
        scope=", ".join(shown),
    )
