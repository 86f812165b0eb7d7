"""Claims in sentences x networks -> findings: each reading evaluated, and compared with what is printed.

The first reading that goes with the choices taken stands for the sentence; the others are further readings
of it, of which one may give the figure where the first does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.audit import choices, conventions, readings
from archcalc.audit.conventions import AuditVerdict
from archcalc.audit.findings import Finding, ReadingResult
from archcalc.errors import SpecError
from archcalc.numbers import scalar
from archcalc.spec import arithmetic, claims
from archcalc.spec.arithmetic import Size
from archcalc.units import Published, PublishedInterval, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archcalc.audit.figures import Ledger
    from archcalc.audit.findings import Choice
    from archcalc.audit.readings import Footnotes, Printed
    from archcalc.spec.claims import Claim, ClaimReading

_PARTS: Final = ("h", "w", "c")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A claim, what it prints, and what its readings give; `fault` says why it cannot be evaluated."""

    claim: Claim
    printed: Printed | None = None
    results: tuple[ReadingResult, ...] = ()
    fault: str = ""


def audit(
    ledger: Ledger, all_claims: Iterable[Claim], footnotes: Footnotes, strict: bool = True
) -> tuple[list[Finding], tuple[Choice, ...]]:
    """A finding for each sentence, and the choices under which all of them are read.

    What cannot be evaluated has the reason as its fault.
    """
    evaluated = [_evaluated(ledger, claim) for claim in all_claims]
    settled = choices.settle([e.results for e in evaluated if e.results])
    taken = {choice.name: choice.taken for choice in settled}
    return [_finding(e, taken, footnotes, strict) for e in evaluated], settled


def _evaluated(ledger: Ledger, claim: Claim) -> Evaluated:
    try:
        printed = claims.figure(claim.published) if claim.printed else None
        values = [(reading, ledger.evaluate(reading)) for reading in claim.readings]
        for reading, value in values:
            _comparable(claim, reading, printed, value)
    except SpecError as fault:
        return Evaluated(claim, fault=readings.failure(fault))
    if printed is None:
        results = [_unprinted(reading, value) for reading, value in values]
    else:
        results = [readings.result(reading, value, printed, units.PLAIN) for reading, value in values]
    return Evaluated(claim, printed, tuple(results))


def _unprinted(reading: ClaimReading, value: object) -> ReadingResult:
    return ReadingResult(reading.text, reading.words, (), value, AuditVerdict.unprinted, False)


def _comparable(claim: Claim, reading: ClaimReading, printed: Printed | None, value: object) -> None:
    """Raises `SpecError` where a shape would be compared with a number."""
    if printed is not None and isinstance(value, Size) == isinstance(printed, Published):
        what = "a shape" if isinstance(value, Size) else "a number"
        raise SpecError(
            f"`{claim.published.text}` is compared with {what}",
            reading.span,
            "`output` and `input` give shapes; `height`, `width` and `channels` give their parts",
        )


def _finding(evaluated: Evaluated, taken: Mapping[str, str], footnotes: Footnotes, strict: bool) -> Finding:
    claim, results = evaluated.claim, evaluated.results
    at = choices.primary(results, taken) if results else 0
    reading = claim.readings[at]
    base = Finding(
        kind="claim",
        networks=_networks(claim.readings),
        span=claim.published.span,
        row=claim.sentence,
        column=reading.text,
        metric="",
        published=claim.published.text if claim.printed else "",
        computed=None,
        intervals=(),
        convention=reading.words,
        verdict=AuditVerdict.failed,
        source=claim.source,
    )
    if evaluated.fault:
        return replace(base, explanation=footnotes.text(claim.published), fault=evaluated.fault)
    base = replace(base, lines=results)
    own = results[at]
    if not own.holds(taken):
        needed = ", ".join(f"{name}: {taken[name]}" for name, _ in own.given)
        return replace(
            base, fault=f"the paper is read with {needed}, and no reading here goes with that: add one"
        )
    others = tuple(result for i, result in enumerate(results) if i != at)
    if evaluated.printed is None:
        return replace(base, computed=own.computed, verdict=AuditVerdict.unprinted, readings=others)
    compared = _compared(base, evaluated.printed, own, reading)
    finding = readings.settled(
        compared, claim.published, footnotes, evaluated.printed, units.PLAIN, others, strict
    )
    return replace(finding, note=_held_apart(finding, taken))


def _networks(all_readings: Sequence[ClaimReading]) -> tuple[str, ...]:
    parts = (part for reading in all_readings for part in reading.parts)
    names = (r.target.split(",")[0].strip() for part in parts for r in arithmetic.references(part))
    return tuple(dict.fromkeys(names))


def _held_apart(finding: Finding, taken: Mapping[str, str]) -> str:
    """Which choice a reading that gives the figure takes otherwise than the rest of the paper."""
    cause = finding.cause
    if cause is None or cause.holds(taken):
        return ""
    apart = [(name, value) for name, value in cause.given if taken.get(name, value) != value]
    own = ", ".join(f"{name}: {value}" for name, value in apart)
    paper = ", ".join(f"{name}: {taken[name]}" for name, _ in apart)
    return f"it is given only with {own}, and the paper is read with {paper}"


def _compared(base: Finding, printed: Printed, own: ReadingResult, reading: ClaimReading) -> Finding:
    """The finding with the comparison of its own reading."""
    if isinstance(printed, Published):
        how = Reading("", reading.convention or units.PLAIN)
        judgement = conventions.judge(printed, {"": own.computed}, how)
        interval = conventions.interval(printed, how.convention)
        return replace(
            base,
            computed=own.computed,
            intervals=(interval,),
            convention=_convention(conventions.description(printed, how), reading),
            verdict=judgement.verdict,
            condition=judgement.condition,
            alternative=judgement.alternative,
            difference=interval.relative_difference(own.computed),
        )
    intervals = tuple(PublishedInterval(Fraction(p), Fraction(p), Fraction(p)) for p in printed)
    parts = own.computed.parts
    gaps = [i.relative_difference(scalar(v)) for i, v in zip(intervals, parts, strict=False)]
    known = [gap for gap in gaps if gap is not None]
    return replace(
        base,
        computed=own.computed,
        intervals=intervals,
        convention=_convention("exact", reading),
        verdict=own.verdict,
        difference=max(known, key=abs) if len(known) == len(gaps) and known else None,
        compared=_PARTS[: len(printed)],
    )


def _convention(how: str, reading: ClaimReading) -> str:
    """How the figure was read, and the choice that the document states."""
    return f"{how}; {reading.words}" if reading.words else how
