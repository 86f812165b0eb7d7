"""How a printed figure is read: the interval it stands for, its column's convention, and what it would take.

A cell agrees under the reading that its column was inferred to have. Where it does not, one departure from
that reading may be named (`agrees if K = 1000`): two at once would excuse too much. `RULE` says the same to
readers of an audit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.spec.arithmetic import Size
from archcalc.units import Convention, Inference, Published, PublishedInterval, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from archcalc.units import Number

#: What papers print under each other's names: the metric that a column declares comes first.
METRICS: Final[Mapping[str, tuple[str, ...]]] = {
    "weights": ("weights", "params"),
    "params": ("params", "weights"),
    "macs": ("macs", "flops"),
    "flops": ("flops", "macs"),
}

#: What `about` and a factor (`16x`) grant on either side, where rounding does not grant more.
ABOUT: Final = Fraction(1, 10)

#: So many zeros may hold the place of digits: 650,000, but not the 120 layers of a network.
_PLACES: Final = 3

#: The one rule for all figures, as it is printed beside them.
RULE: Final = (
    "A printed figure stands for the values that round to its digits. With `about`, and as a factor (`16x`), "
    f"it stands for those within {float(ABOUT):.0%} too. Where two or more digits are printed they may have "
    "been cut off instead (`agrees if truncated`), and three zeros or more at the end of a whole number may "
    "hold the place of digits that were rounded or cut off (`agrees if cut to 2 digits`); a single digit is "
    "always rounded, for one that was cut off would cover a factor of two. A bound is taken at its word."
)


class AuditVerdict(StrEnum):
    """What comes of comparing a published figure with the computed one."""

    agrees = "agrees"
    conditional = "agrees if"
    differs = "differs"
    failed = "cannot be evaluated"
    unprinted = "not printed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, with the reading under which it holds; `condition` names what an `agrees if` departs in.

    `alternative` is the interval under that condition, `note` what a reader needs beside it to check it.
    """

    verdict: AuditVerdict
    reading: Reading
    condition: str = ""
    alternative: PublishedInterval | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Departure:
    """Another way to read a figure, named by the one respect in which it departs."""

    name: str
    published: Published
    reading: Reading


def metrics(declared: str) -> tuple[str, ...]:
    """The metrics that a column which declares `declared` may turn out to print."""
    return METRICS.get(declared, (declared,))


def approximate(published: Published) -> bool:
    """Whether a figure is only about right by its own words: `about 30%`, or a factor such as `16x`."""
    return published.bound == "about" or (published.bound == "=" and published.unit == "x")


def interval(published: Published, convention: Convention) -> PublishedInterval:
    """The values that the figure stands for; an approximate one grants 10% where rounding grants less."""
    exact = published.interval(convention)
    if not approximate(published) or exact.lo is None or exact.hi is None:
        return exact
    slack = abs(exact.nominal) * ABOUT
    return replace(exact, lo=min(exact.lo, exact.nominal - slack), hi=max(exact.hi, exact.nominal + slack))


def explains(published: Published, reading: Reading, values: Mapping[str, Number]) -> bool:
    """Whether the figure agrees with `values` under `reading`."""
    value = values.get(reading.metric)
    return value is not None and interval(published, reading.convention).contains(value)


def gives(printed: Published | tuple[int, ...], value: Any, convention: Convention) -> bool:
    """Whether a reading's value is printed as this figure, and as none that is one unit off.

    No tolerance is granted: `about` and factors count by their digits, a tie between two figures gives
    neither, and a bound, which has no unit, is never given.
    """
    if not isinstance(printed, Published):
        return isinstance(value, Size) and printed == value.parts[: len(printed)]
    if isinstance(value, Size):
        return False
    if printed.bound not in ("=", "about"):
        return False
    exact = printed.interval(convention)
    if exact.lo is None or exact.hi is None or exact.lo == exact.hi:
        return exact.contains(value)
    on_a_tie = convention.rounding == "nearest" and Fraction(value) in (exact.lo, exact.hi)
    return exact.contains(value) and not on_a_tie


def infer(cells: Sequence[units.Cell], declared: str) -> Inference:
    """The reading of a column that explains most of its cells; see `units.infer`."""
    return units.infer(cells, metrics(declared))


def departures(published: Published, reading: Reading) -> list[Departure]:
    """The readings that depart from `reading` in one respect that this figure can show, each named.

    A bound is what it says: a budget of 25M is not one of 25 x 1024^2. K matters only where the figure has
    one. Digits may have been cut off one figure and not another, but only where two or more are printed. The
    metric belongs to the column, and nobody rounds up here and there: neither is ever a cell's own.
    """
    own = reading.convention
    result: list[Departure] = []

    def add(name: str, convention: Convention, figure: Published = published) -> None:
        result.append(Departure(name, figure, Reading(reading.metric, convention)))

    if published.bound != "=":
        return result
    if published.kilos:
        other = replace(own, kilo=1024 if own.kilo == 1000 else 1000)
        add(f"K = {other.kilo}", other)
    if _digits(published) > 1:
        if own.rounding != "nearest":
            add("rounded to nearest", replace(own, rounding="nearest"))
        if own.rounding != "truncated":
            add("truncated", replace(own, rounding="truncated"))
    shorter = _without_zeros(published)
    if shorter is not None:
        add(f"rounded to {_digits(shorter)} digits", replace(own, rounding="nearest"), shorter)
        add(f"cut to {_digits(shorter)} digits", replace(own, rounding="truncated"), shorter)
    return result


def _digits(published: Published) -> int:
    if published.decimals is None:
        return 0
    return len(str(int(published.digits * 10**published.decimals)))


def _without_zeros(published: Published) -> Published | None:
    """The figure with the zeros at its end as a power of ten: 65 x 10^4 for `650,000`.

    None where there are fewer than three, where the figure is shortened already (300 million, 60K), or where
    fewer than two digits would remain.
    """
    if published.decimals != 0 or published.exponent or published.kilos or published.unit:
        return None
    digits = str(int(published.digits))
    zeros = len(digits) - len(digits.rstrip("0"))
    if zeros < _PLACES or len(digits) - zeros < 2:
        return None
    return replace(published, digits=published.digits / 10**zeros, exponent=zeros)


def judge(published: Published, values: Mapping[str, Number], reading: Reading) -> Judgement:
    """The verdict on a figure whose column is read as `reading`."""
    if explains(published, reading, values):
        return Judgement(AuditVerdict.agrees, reading)
    for other in departures(published, reading):
        if explains(other.published, other.reading, values):
            alternative = interval(other.published, other.reading.convention)
            return Judgement(AuditVerdict.conditional, other.reading, other.name, alternative)
    return Judgement(AuditVerdict.differs, reading)


def description(published: Published, reading: Reading) -> str:
    """The convention under which a figure was compared, in words; only what bears on this figure."""
    if approximate(published):
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
