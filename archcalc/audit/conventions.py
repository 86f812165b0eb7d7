"""How a printed figure is read: the interval it stands for, its column's convention, and what it would take.

A cell agrees under the reading that its column was inferred to have. Where it does not, one departure from
that reading may be named (`agrees if K = 1000`): two at once would excuse too much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.units import Convention, Inference, Published, PublishedInterval, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archcalc.units import Number

#: What papers print under each other's names: the metric that a column declares comes first.
METRICS: Final[Mapping[str, tuple[str, ...]]] = {
    "weights": ("weights", "params"),
    "params": ("params", "weights"),
    "macs": ("macs", "flops"),
    "flops": ("flops", "macs"),
}

#: What `about` grants on either side, where rounding does not grant more.
ABOUT: Final = Fraction(1, 10)


class AuditVerdict(StrEnum):
    """What comes of comparing a published figure with the computed one."""

    agrees = "agrees"
    conditional = "agrees if"
    differs = "differs"
    unknown = "cannot be evaluated"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, with the reading under which it holds; `condition` names what an `agrees if` departs in.

    `note` is what a reader needs beside it to check it.
    """

    verdict: AuditVerdict
    reading: Reading
    condition: str = ""
    note: str = ""


def metrics(declared: str) -> tuple[str, ...]:
    """The metrics that a column which declares `declared` may turn out to print."""
    return METRICS.get(declared, (declared,))


def interval(published: Published, convention: Convention) -> PublishedInterval:
    """The values that the figure stands for; `about` grants 10% where rounding does not grant more."""
    found = published.interval(convention)
    if published.bound != "about" or found.lo is None or found.hi is None:
        return found
    slack = abs(found.nominal) * ABOUT
    return replace(found, lo=min(found.lo, found.nominal - slack), hi=max(found.hi, found.nominal + slack))


def explains(published: Published, reading: Reading, values: Mapping[str, Number]) -> bool:
    """Whether the figure agrees with `values` under `reading`."""
    value = values.get(reading.metric)
    return value is not None and interval(published, reading.convention).contains(value)


def infer(cells: Sequence[units.Cell], declared: str) -> Inference:
    """The reading of a column that explains most of its cells; see `units.infer`."""
    return units.infer(cells, metrics(declared))


def departures(published: Published, reading: Reading) -> list[tuple[Reading, str]]:
    """The readings that depart from `reading` in one respect that this figure can show, each named.

    A bound is what it says: a budget of 25M is not one of 25 x 1024^2. K matters only where the figure has
    one. Digits may have been cut off one figure and not another, but only where two or more are printed: a
    single digit that was cut covers a factor of two. The metric belongs to the column, and nobody rounds up
    here and there: neither is ever a cell's own.
    """
    own = reading.convention
    found: list[tuple[Reading, str]] = []
    if published.bound != "=":
        return found
    if published.kilos:
        other = replace(own, kilo=1024 if own.kilo == 1000 else 1000)
        found.append((Reading(reading.metric, other), f"K = {other.kilo}"))
    if _digits(published) > 1:
        if own.rounding != "nearest":
            found.append((Reading(reading.metric, replace(own, rounding="nearest")), "rounded to nearest"))
        if own.rounding != "truncated":
            found.append((Reading(reading.metric, replace(own, rounding="truncated")), "truncated"))
    return found


def _digits(published: Published) -> int:
    if published.decimals is None:
        return 0
    return len(str(int(published.digits * 10**published.decimals)))


def judge(published: Published, values: Mapping[str, Number], reading: Reading) -> Judgement:
    """The verdict on a figure whose column is read as `reading`."""
    if explains(published, reading, values):
        return Judgement(AuditVerdict.agrees, reading)
    for other, name in departures(published, reading):
        if explains(published, other, values):
            return Judgement(AuditVerdict.conditional, other, name)
    return Judgement(AuditVerdict.differs, reading)


def alternative(published: Published, judgement: Judgement) -> PublishedInterval | None:
    """The values that the figure stands for under the departure that an `agrees if` names."""
    if judgement.verdict is not AuditVerdict.conditional:
        return None
    return interval(published, judgement.reading.convention)


def told(published: Published, reading: Reading) -> str:
    """The convention under which a figure was compared, in words; only what bears on this figure."""
    if published.bound == "about":
        return f"{reading.metric}, within {float(ABOUT):.0%}".removeprefix(", ")
    parts = [reading.metric] if reading.metric else []
    if published.kilos:
        parts.append(f"K = {reading.convention.kilo}")
    if published.bound != "=":
        parts.append("a bound")
    elif published.decimals is None:
        parts.append("exact")
    else:
        parts.append(str(Convention(1000, reading.convention.rounding)).partition(", ")[2])
    return ", ".join(parts)
