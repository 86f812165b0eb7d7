"""Readings of a published figure -> `ReadingResult`s: each is computed, and gives the figure or does not.

A difference is explained where a reading gives the printed figure and would not give one a unit off. It
stands in a footnote as `= EXPRESSION`, or as a further line of a sentence in the claims table. A difference
with a footnote but no such reading has no known cause; one with neither fails the audit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from archcalc.audit import conventions
from archcalc.audit.conventions import AuditVerdict
from archcalc.audit.findings import Finding, ReadingResult
from archcalc.errors import SpecError
from archcalc.spec import claims
from archcalc.spec.arithmetic import Size
from archcalc.units import Published, Reading, formatting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.audit.figures import Ledger
    from archcalc.document.model import Cell, Footnote
    from archcalc.spec.claims import ClaimReading
    from archcalc.units import Convention

Printed = Published | tuple[int, ...]


def compute(ledger: Ledger, reading: ClaimReading, printed: Printed, own: Convention) -> ReadingResult:
    """What a reading gives, compared with what is printed.

    `own` is the convention of the figure's column, from which the reading may depart in words. Raises
    `SpecError` where it cannot be evaluated.
    """
    value = ledger.evaluate(reading)
    return result(reading, value, printed, own)


def result(reading: ClaimReading, value: Any, printed: Printed, own: Convention) -> ReadingResult:
    """The value of a reading compared with what is printed."""
    convention = reading.convention or own
    base = ReadingResult(
        text=reading.text,
        words=reading.words,
        given=reading.given,
        computed=value,
        verdict=AuditVerdict.differs,
        gives=conventions.gives(printed, value, convention),
    )
    if not isinstance(printed, Published) or isinstance(value, Size):
        return replace(base, verdict=AuditVerdict.agrees) if base.gives else base
    judgement = conventions.judge(printed, {"": value}, Reading("", convention))
    difference = conventions.interval(printed, convention).relative_difference(value)
    return replace(base, verdict=judgement.verdict, condition=judgement.condition, difference=difference)


def settled(
    finding: Finding,
    cell: Cell,
    footnotes: Footnotes,
    printed: Printed,
    own: Convention,
    lines: Sequence[ReadingResult] = (),
    strict: bool = True,
) -> Finding:
    """The finding with its cause, where one is known, and what is wrong with its footnotes.

    `lines` are the further readings of a sentence. `strict` asks that no footnote stands on a figure that
    agrees.
    """
    base = replace(
        finding, notes=cell.footnotes, explanation=footnotes.text(cell), readings=(*finding.readings, *lines)
    )
    try:
        noted = footnotes.results(cell, printed, own)
    except SpecError as fault:
        return replace(base, fault=failure(fault))
    base = replace(base, readings=(*base.readings, *noted))
    if finding.verdict is AuditVerdict.differs:
        cause = next((r for r in (*lines, *noted) if r.gives), None)
        return replace(base, cause=cause, fault=_fault(finding.published, cell, noted, lines))
    if finding.verdict in (AuditVerdict.agrees, AuditVerdict.unprinted) and cell.footnotes and strict:
        return replace(base, fault="a footnote explains a difference, and there is none")
    return base


def _fault(published: str, cell: Cell, noted: Sequence[ReadingResult], lines: Sequence[ReadingResult]) -> str:
    """What is wrong with how a difference is explained; "" where it is explained, or its cause is unknown."""
    line = next((r for r in lines if r.gives), None)
    if not cell.footnotes:
        return "" if line else "no footnote explains this difference"
    if noted and not any(r.gives for r in noted):
        return f"no reading in the footnote gives {published}: " + ", ".join(
            f"`{r.text}` is {value_text(r.computed, published)}" for r in noted
        )
    if line and not noted:
        return f"`{line.text}` gives the figure: put it into the footnote, or drop the footnote"
    return ""


def failure(fault: SpecError) -> str:
    """Why something could not be evaluated, with its place and what to do about it."""
    place = f" ({fault.span})" if fault.span else ""
    hint = f"; {fault.hint}" if fault.hint else ""
    return f"{fault.message}{place}{hint}"


def value_text(value: Any, published: str = "") -> str:
    """A computed figure in a message: a shape with `x`, a percentage where one is printed."""
    return str(value) if isinstance(value, Size) else formatting.exact(value, published)


@dataclass
class Footnotes:
    """The footnotes of a document with their readings, each parsed once, and which of these gave a figure."""

    ledger: Ledger
    _parsed: dict[str, tuple[ClaimReading, ...]] = field(default_factory=dict)
    _gave: dict[tuple[str, int], bool] = field(default_factory=dict)

    def text(self, cell: Cell) -> str:
        """The text of a cell's footnotes."""
        return " ".join(note.text for note in self._notes(cell))

    def results(self, cell: Cell, printed: Printed, own: Convention) -> list[ReadingResult]:
        """What the readings in a cell's footnotes give. Raises `SpecError` where one cannot be evaluated."""
        results = []
        for note in self._notes(cell):
            for at, reading in enumerate(self._readings(note)):
                gave = replace(compute(self.ledger, reading, printed, own), note=note.name)
                self._gave[note.name, at] = self._gave.get((note.name, at), False) or gave.gives
                results.append(gave)
        return results

    def idle(self) -> dict[str, list[str]]:
        """The readings that gave none of the figures which refer to them, by the name of their footnote."""
        idle: dict[str, list[str]] = {}
        for (name, at), gave in self._gave.items():
            if not gave:
                idle.setdefault(name, []).append(self._parsed[name][at].text)
        return idle

    def _notes(self, cell: Cell) -> list[Footnote]:
        known = self.ledger.document.footnotes
        return [known[name] for name in cell.footnotes if name in known]

    def _readings(self, note: Footnote) -> tuple[ClaimReading, ...]:
        if note.name not in self._parsed:
            self._parsed[note.name] = claims.executed(note)
        return self._parsed[note.name]
