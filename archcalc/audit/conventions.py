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
from archcalc.units import CONVENTIONS, Convention, Inference, Interval, Published, Reading

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
ABOUT: Final = Fraction(5, 100)


class Verdict(StrEnum):
    """What comes of comparing a published figure with the computed one."""

    agrees = "agrees"
    conditional = "agrees if"
    differs = "differs"
    unknown = "cannot be evaluated"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, with the reading under which it holds; `condition` names what an `agrees if` departs in."""

    verdict: Verdict
    reading: Reading
    condition: str = ""


def metrics(declared: str) -> tuple[str, ...]:
    """The metrics that a column which declares `declared` may turn out to print."""
    return METRICS.get(declared, (declared,))


def interval(published: Published, convention: Convention) -> Interval:
    """The values that the figure stands for; `about` grants 5% where rounding does not grant more."""
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


def departures(published: Published, reading: Reading, among: Sequence[str]) -> list[tuple[Reading, str]]:
    """The readings that depart from `reading` in one respect that this figure can show, each named.

    K matters only where the figure has one. Rounding matters only where two digits or more are printed:
    a single digit, cut or raised, covers a factor of two.
    """
    own = reading.convention
    found = [
        (Reading(metric, own), f"the figure is {metric}") for metric in among if metric != reading.metric
    ]
    if published.kilos:
        for kilo in {c.kilo for c in CONVENTIONS} - {own.kilo}:
            found.append((Reading(reading.metric, replace(own, kilo=kilo)), f"K = {kilo}"))
    if published.bound == "=" and _digits(published) > 1:
        for rounding, name in (("nearest", "rounded to nearest"), ("truncated", "truncated"), ("up", "rounded up")):
            if rounding != own.rounding:
                found.append((Reading(reading.metric, replace(own, rounding=rounding)), name))  # type: ignore[arg-type]
    return found


def _digits(published: Published) -> int:
    if published.decimals is None:
        return 0
    return len(str(int(published.digits * 10**published.decimals)))


def judge(
    published: Published, values: Mapping[str, Number], reading: Reading, among: Sequence[str] = ()
) -> Judgement:
    """The verdict on a figure whose column is read as `reading`; `among` are the metrics it may be."""
    if explains(published, reading, values):
        return Judgement(Verdict.agrees, reading)
    for other, name in departures(published, reading, among):
        if explains(published, other, values):
            return Judgement(Verdict.conditional, other, name)
    return Judgement(Verdict.differs, reading)


def told(published: Published, reading: Reading) -> str:
    """The convention under which a figure was compared, in words; only what bears on this figure."""
    if published.bound == "about":
        return f"{reading.metric}, within 5%".removeprefix(", ")
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
