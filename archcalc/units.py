"""`"2.7K"` and what it can stand for: published figures, their rounding intervals, conventions.

A printed figure is an interval: the values that would have been printed so. Which values those are
depends on a `Convention` that papers rarely state (is K 1000 or 1024, were digits rounded or cut
off?), so `infer` asks which reading of a column explains most of its cells. All arithmetic is
exact (`Fraction`); nothing here passes through a float unless the caller brings one.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Literal

Number = int | float | Fraction
Bound = Literal["=", "<", "<=", ">", ">=", "about"]
Unit = Literal["", "x", "%"]
Rounding = Literal["nearest", "truncated", "up"]


@dataclass(frozen=True, slots=True)
class Convention:
    """How a figure was shortened: what one K is, and what became of the digits left out.

    `kilo` also decides M = kilo^2, G = kilo^3 and T = kilo^4; B (billion), words and exponents are
    always decimal. `truncated` and `up` act on the magnitude: toward zero and away from it.
    """

    kilo: Literal[1000, 1024] = 1000
    rounding: Rounding = "nearest"

    def __str__(self) -> str:
        how = {"nearest": "rounded to nearest", "truncated": "truncated", "up": "rounded up"}
        return f"K = {self.kilo}, {how[self.rounding]}"


PLAIN = Convention()
CONVENTIONS: tuple[Convention, ...] = (
    PLAIN,
    Convention(1000, "truncated"),
    Convention(1000, "up"),
    Convention(1024, "nearest"),
    Convention(1024, "truncated"),
    Convention(1024, "up"),
)


@dataclass(frozen=True, slots=True)
class PublishedInterval:
    """The values that a published figure can stand for; an end that is None is infinite.

    Values that are asked about must be finite: NaN and infinity raise what `Fraction` raises.
    """

    nominal: Fraction
    lo: Fraction | None
    hi: Fraction | None
    lo_closed: bool = True
    hi_closed: bool = True

    def contains(self, value: Number) -> bool:
        """Whether `value` would have been printed so (or satisfies the bound)."""
        exact = Fraction(value)
        above = self.lo is None or exact > self.lo or (self.lo_closed and exact == self.lo)
        below = self.hi is None or exact < self.hi or (self.hi_closed and exact == self.hi)
        return above and below

    def distance(self, value: Number) -> Fraction | None:
        """How far `value` lies outside, relative to the printed figure; 0 inside.

        A value exactly on an end that is not part of the interval has distance 0 and is still not
        contained. None where the figure is 0: nothing is any percentage of it.
        """
        exact, gap = Fraction(value), Fraction(0)
        if self.lo is not None and exact < self.lo:
            gap = self.lo - exact
        elif self.hi is not None and exact > self.hi:
            gap = exact - self.hi
        if gap == 0:
            return gap
        return gap / abs(self.nominal) if self.nominal else None

    def relative_difference(self, value: Number) -> Fraction | None:
        """(value - printed) / |printed|, signed; None where the figure is 0 and `value` is not."""
        gap = Fraction(value) - self.nominal
        if gap == 0:
            return gap
        return gap / abs(self.nominal) if self.nominal else None


@dataclass(frozen=True, slots=True)
class Published:
    """A figure as printed: `[-] digits x 10^exponent x kilo^kilos`, perhaps as a bound.

    `digits` is the magnitude before any scale ("112K": 112) and `decimals` says how many of its
    digits stand after the point; it is None for a ratio of integers ("1/4"), which is exact. All
    digits that are printed count as significant: "60,000" is known to the nearest 1, because the
    text cannot say which of its zeros are rounded; a paper that means otherwise writes 60K or 6e4.
    """

    text: str
    digits: Fraction
    decimals: int | None
    negative: bool = False
    exponent: int = 0
    kilos: int = 0
    unit: Unit = ""
    bound: Bound = "="

    def scale(self, convention: Convention = PLAIN) -> Fraction:
        """What one unit of `digits` is worth: 1024 for "112K" where K = 1024, 1/100 for "28%"."""
        return Fraction(10) ** self.exponent * Fraction(convention.kilo) ** self.kilos

    def nominal(self, convention: Convention = PLAIN) -> Fraction:
        """The printed value itself, in plain units (parameters, not thousands of them)."""
        return (-self.digits if self.negative else self.digits) * self.scale(convention)

    def ulp(self, convention: Convention = PLAIN) -> Fraction:
        """The worth of one unit of the last printed digit; 0 for a ratio of integers."""
        if self.decimals is None:
            return Fraction(0)
        return self.scale(convention) / Fraction(10) ** self.decimals

    def interval(self, convention: Convention = PLAIN) -> PublishedInterval:
        """The values that print as this figure under `convention`.

        `nearest` is closed at both ends, for no paper says how ties were rounded. A bound gives a
        half-infinite interval that ends at the printed value. `about` gives the same interval as
        the bare digits: how much tolerance it grants is for the caller to say.
        """
        nominal, ulp = self.nominal(convention), self.ulp(convention)
        if self.bound in ("<", "<="):
            return PublishedInterval(nominal, None, nominal, False, self.bound == "<=")
        if self.bound in (">", ">="):
            return PublishedInterval(nominal, nominal, None, self.bound == ">=", False)
        if ulp == 0:
            return PublishedInterval(nominal, nominal, nominal)
        if convention.rounding == "nearest":
            return PublishedInterval(nominal, nominal - ulp / 2, nominal + ulp / 2)
        # Digits are cut from the magnitude, so the side that they were cut from follows the sign.
        if (convention.rounding == "truncated") != self.negative:
            return PublishedInterval(nominal, nominal, nominal + ulp, True, False)
        return PublishedInterval(nominal, nominal - ulp, nominal, False, True)


_MAX_LENGTH = 64  # no figure is longer, and it bounds the size of every integer below
_BOUNDS: dict[str, Bound] = {
    "<": "<",
    ">": ">",
    "<=": "<=",
    "≤": "<=",
    ">=": ">=",
    "≥": ">=",
    "≈": "about",
    "~": "about",
    "∼": "about",
    "about": "about",
}
# What follows the digits -> (exponent, kilos, unit). Case is ignored: nobody counts in millis.
_SUFFIXES: dict[str, tuple[int, int, Unit]] = {
    "": (0, 0, ""),
    "k": (0, 1, ""),
    "m": (0, 2, ""),
    "g": (0, 3, ""),
    "t": (0, 4, ""),
    "b": (9, 0, ""),
    "bn": (9, 0, ""),
    "thousand": (3, 0, ""),
    "million": (6, 0, ""),
    "billion": (9, 0, ""),
    "trillion": (12, 0, ""),
    "x": (0, 0, "x"),
    "×": (0, 0, "x"),
    "%": (-2, 0, "%"),
}
_FIGURE = re.compile(
    r"""
    (?P<bound> <=? | >=? | [≤≥≈~∼] | about(?=\s) )? \s*
    (?P<sign> [-+−] )?
    (?: (?P<numerator> [0-9]+ ) / (?P<denominator> [0-9]+ )
      | (?P<whole> [0-9]{1,3} (?: ,[0-9]{3} )+ | [0-9]* ) (?: \. (?P<decimals> [0-9]+ ) )?
        (?: e (?P<e> [-+−]? [0-9]{1,3} )
          | \s? [x×*·] \s? 10 \^ (?P<power> [-+−]? [0-9]{1,3} )
          | \s? [x×*·] \s? 10 (?P<raised> [⁻⁺]? [⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3} )
          | \s? (?P<suffix> [^\W\d_]+ | [%×] )
        )?
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ASCII = str.maketrans("−⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "--+0123456789")
_FORMS = "2.7K, 34M, 1.5 billion, 1.8e9, 1.8x10^9, 253,440, 12x, 28%, 1/4, <25M or about 5M"


def parse(text: str) -> Published:
    """Reads a figure as papers print it.

    Known forms: an optional bound (`<`, `<=`, `>`, `>=`, their signs, `about`, `~`, `≈`), a sign,
    digits with or without commas and a point, then K, M, G, T, B, Bn, a word from thousand to
    trillion, an exponent (`e9`, `x10^9`), `x` or `%`; or a ratio of integers.

    Raises ValueError, with a message fit for users, on anything else.
    """
    stripped = text.strip()
    shown = stripped if len(stripped) <= _MAX_LENGTH else stripped[:_MAX_LENGTH] + "…"
    if not stripped:
        raise ValueError(f"an empty text is no figure; expected one such as {_FORMS}")
    found = _FIGURE.fullmatch(stripped) if len(stripped) <= _MAX_LENGTH else None
    if found is None or not (found["whole"] or found["decimals"] or found["numerator"]):
        if re.search(r"[0-9],[0-9]", shown):
            raise ValueError(
                f"`{shown}` is no figure: commas set off groups of three digits, a point decimals"
            )
        raise ValueError(f"`{shown}` is no figure; expected one such as {_FORMS}")
    bound: Bound = _BOUNDS[found["bound"].lower()] if found["bound"] else "="
    negative = found["sign"] in ("-", "−")
    if found["numerator"]:
        if int(found["denominator"]) == 0:
            raise ValueError(f"`{shown}` divides by zero")
        ratio = Fraction(int(found["numerator"]), int(found["denominator"]))
        return Published(stripped, ratio, None, negative, bound=bound)
    suffix = (found["suffix"] or "").lower()
    if suffix not in _SUFFIXES:
        raise ValueError(
            f"`{shown}`: unknown scale `{found['suffix']}`; "
            "expected K, M, G, T, B, Bn, thousand, million, billion, trillion, x or %"
        )
    exponent, kilos, unit = _SUFFIXES[suffix]
    if power := found["e"] or found["power"] or found["raised"]:
        exponent = int(power.translate(_ASCII))
    decimals = found["decimals"] or ""
    digits = Fraction(int((found["whole"] or "").replace(",", "") + decimals), 10 ** len(decimals))
    return Published(stripped, digits, len(decimals), negative, exponent, kilos, unit, bound)


_PREFIXES = ("", "K", "M", "G", "T")


def human(value: Number, digits: int = 4) -> str:
    """A count in decimal K, M, G or T with `digits` significant digits: 163328 -> "163.3K".

    Whole numbers under 1000 are printed exactly; halves round away from zero. Numbers beyond T, or
    nearer to zero than 1e-4, are printed with an exponent. `parse` reads every result back.

    Raises ValueError where `digits` is under 3 (the integer part would be lost) or `value` is not
    finite.
    """
    mantissa, prefix = _shorten(value, digits)
    return mantissa + prefix


def human_bytes(value: Number, digits: int = 4) -> str:
    """Bytes in decimal units, 1 MB = 10^6 bytes: 163328 -> "163.3 kB". Raises as `human` does."""
    mantissa, prefix = _shorten(value, digits)
    return f"{mantissa} {'k' if prefix == 'K' else prefix}B"


def _shorten(value: Number, digits: int) -> tuple[str, str]:
    """The printed digits and the prefix letter (or none)."""
    if digits < 3:
        raise ValueError(f"digits must be 3 or more, not {digits}")
    try:
        exact = Fraction(value)
    except (OverflowError, ValueError):
        raise ValueError(f"{value} is not a finite number") from None
    if exact.denominator == 1 and abs(exact) < 1000:
        return str(exact.numerator), ""
    # Rounding comes first and the prefix second, so that 999,960 becomes 1.000M, not 1000.0K.
    context = decimal.Context(prec=digits, rounding=decimal.ROUND_HALF_UP)
    rounded = context.divide(decimal.Decimal(int(exact.numerator)), decimal.Decimal(int(exact.denominator)))
    magnitude = rounded.adjusted()
    if magnitude < -4 or magnitude >= 3 * len(_PREFIXES):
        return f"{context.scaleb(rounded, -magnitude):.{digits - 1}f}e{magnitude}", ""
    group = max(0, magnitude // 3)
    places = max(0, digits - 1 - (magnitude - 3 * group))
    return f"{context.scaleb(rounded, -3 * group):.{places}f}", _PREFIXES[group]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a column: the metric that it prints, and the convention it prints it by."""

    metric: str
    convention: Convention

    def explains(self, published: Published, values: Mapping[str, Number]) -> bool:
        """Whether the cell agrees so read; a metric that the row does not have explains nothing."""
        value = values.get(self.metric)
        return value is not None and published.interval(self.convention).contains(value)

    def __str__(self) -> str:
        return f"{self.metric}, {self.convention}"


@dataclass(frozen=True, slots=True)
class Inference:
    """The reading chosen for a column, and how many of its cells it and the plain one explain."""

    reading: Reading
    explained: int
    cells: int
    plain: Reading
    plain_explained: int

    @property
    def departs(self) -> bool:
        """Whether the column is read otherwise than it says on its face."""
        return self.reading != self.plain


Cell = tuple[Published, Mapping[str, Number]]


def departures(reading: Reading, plain: Reading) -> int:
    """How many of metric, K and rounding `reading` takes otherwise than `plain`: 0 to 3."""
    return (
        (reading.metric != plain.metric)
        + (reading.convention.kilo != plain.convention.kilo)
        + (reading.convention.rounding != plain.convention.rounding)
    )


def readings(metrics: Sequence[str], conventions: Sequence[Convention] = CONVENTIONS) -> list[Reading]:
    """Every reading of a column, plainest first.

    The plain one is the first metric by the first convention; the others follow by the number of
    their `departures` from it, then in the order given.

    Raises ValueError where either list is empty.
    """
    if not metrics or not conventions:
        raise ValueError("a column needs at least one metric and one convention to be read by")
    candidates = [Reading(m, c) for m, c in product(metrics, conventions)]
    return sorted(candidates, key=lambda reading: departures(reading, candidates[0]))


def infer(
    cells: Sequence[Cell],
    metrics: Sequence[str],
    conventions: Sequence[Convention] = CONVENTIONS,
) -> Inference:
    """The reading of a column that explains most of its cells, with a bias for the plain one.

    `metrics` begins with the one that the column declares, `conventions` with the plainest.
    A reading scores one for each cell that it explains, less one for each of its `departures` from
    the plain reading; the best score wins, and of equals the first of `readings`. So one departure
    must explain at least two cells more than the plain reading, two departures three, three four:
    one stray cell never changes how a column is read. Only independent evidence scores: a cell
    that repeats another counts once, and bounds and `about` (not statements about rounding) not at
    all. The counts in the result are over all cells.

    Raises ValueError where `metrics` or `conventions` is empty.
    """
    candidates = readings(metrics, conventions)
    plain = candidates[0]
    distinct = {
        (figure.text, *(values.get(m) for m in metrics)): (figure, values)
        for figure, values in cells
        if figure.bound == "="
    }

    def explained(reading: Reading, among: Sequence[Cell]) -> int:
        return sum(reading.explains(figure, values) for figure, values in among)

    evidence = list(distinct.values())
    best = max(candidates, key=lambda r: explained(r, evidence) - departures(r, plain))
    return Inference(best, explained(best, cells), len(cells), plain, explained(plain, cells))
