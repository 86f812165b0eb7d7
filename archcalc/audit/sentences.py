"""Claims in sentences x networks -> findings: each expression evaluated and compared with what is printed.

A figure is read plainly, unless the claim's reading says `K = 1024`.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from archcalc import units
from archcalc.audit import conventions
from archcalc.audit.conventions import AuditVerdict
from archcalc.audit.findings import Finding, explained
from archcalc.errors import SpecError
from archcalc.numbers import scalar
from archcalc.spec import arithmetic, claims
from archcalc.spec.arithmetic import Size
from archcalc.units import Convention, Published, PublishedInterval, Reading

if TYPE_CHECKING:
    from archcalc.audit.figures import Ledger
    from archcalc.spec.claims import Claim

_PARTS: Final = ("h", "w", "c")


def audit(ledger: Ledger, claim: Claim, strict: bool = True) -> Finding:
    """The finding of one sentence; what cannot be evaluated has the reason as its fault."""
    base = Finding(
        kind="claim",
        networks=tuple(
            dict.fromkeys(r.target.split(",")[0].strip() for r in arithmetic.references(claim.expression))
        ),
        span=claim.published.span,
        row=claim.sentence,
        column=claim.text,
        metric="",
        published=claim.published.text,
        computed=None,
        intervals=(),
        convention=claim.reading,
        verdict=AuditVerdict.unknown,
    )
    try:
        printed = claims.figure(claim.published)
        value = ledger.evaluate(claim)
        found = _shape(base, printed, value, claim) or _figure(base, printed, value, claim)
    except SpecError as fault:
        text, _ = explained(AuditVerdict.unknown, claim.published, ledger.document.footnotes)
        place = f" ({fault.span})" if fault.span else ""
        hint = f"; {fault.hint}" if fault.hint else ""
        return replace(base, explanation=text, fault=f"{fault.message}{place}{hint}")
    text, wrong = explained(found.verdict, claim.published, ledger.document.footnotes, strict)
    return replace(found, explanation=text, fault=wrong)


def _shape(base: Finding, printed: Published | tuple[int, ...], value: Any, claim: Claim) -> Finding | None:
    """Height and width, and channels where they are printed, each exactly; None where neither is a shape."""
    if not isinstance(value, Size) and isinstance(printed, Published):
        return None
    if not isinstance(value, Size) or isinstance(printed, Published):
        what = "a shape" if isinstance(value, Size) else "a number"
        raise SpecError(
            f"`{claim.published.text}` is compared with {what}",
            claim.published.span,
            "`output` and `input` give shapes; `height`, `width` and `channels` give their parts",
        )
    intervals = tuple(PublishedInterval(Fraction(p), Fraction(p), Fraction(p)) for p in printed)
    gaps: list[Any] = [i.relative_difference(scalar(v)) for i, v in zip(intervals, value.parts, strict=False)]
    same = printed == value.parts[: len(printed)]
    return replace(
        base,
        computed=value,
        intervals=intervals,
        convention=_convention("exact", claim),
        verdict=AuditVerdict.agrees if same else AuditVerdict.differs,
        difference=None if None in gaps else max(gaps, key=abs),
        compared=_PARTS[: len(printed)],
    )


def _figure(base: Finding, printed: Any, value: Any, claim: Claim) -> Finding:
    if value is arithmetic.BLANK:
        raise SpecError("this comes to nothing", claim.span)
    reading = Reading("", Convention(1024) if "K = 1024" in claim.reading else units.PLAIN)
    judgement = conventions.judge(printed, {"": value}, reading)
    interval = conventions.interval(printed, reading.convention)
    return replace(
        base,
        computed=value,
        intervals=(interval,),
        convention=_convention(conventions.told(printed, reading), claim),
        verdict=judgement.verdict,
        condition=judgement.condition,
        alternative=conventions.alternative(printed, judgement),
        difference=interval.relative_difference(value),
    )


def _convention(how: str, claim: Claim) -> str:
    """How the figure was read, and the choice that the document states."""
    return f"{how}; {claim.reading}" if claim.reading else how
