"""`"2.7K"` and what it can stand for: published figures, their rounding intervals, conventions.

A printed figure is an interval: the values that would have been printed so. Which values those are
depends on a `Convention` that papers rarely state (is K 1000 or 1024, were digits rounded or cut
off?), so `archcalc.units.inference` asks which reading of a column explains most of its cells.
All arithmetic is exact (`Fraction`); nothing here passes through a float unless the caller brings one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
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
      | (?P<integer> [0-9]{1,3} (?: ,[0-9]{3} )+ | [0-9]* ) (?: \. (?P<decimals> [0-9]+ ) )?
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
    excerpt = stripped if len(stripped) <= _MAX_LENGTH else stripped[:_MAX_LENGTH] + "…"
    if not stripped:
        raise ValueError(f"an empty text is no figure; expected one such as {_FORMS}")
    match = _FIGURE.fullmatch(stripped) if len(stripped) <= _MAX_LENGTH else None
    if match is None or not (match["integer"] or match["decimals"] or match["numerator"]):
        if re.search(r"[0-9],[0-9]", excerpt):
            raise ValueError(
                f"`{excerpt}` is no figure: commas set off groups of three digits, a point decimals"
            )
        raise ValueError(f"`{excerpt}` is no figure; expected one such as {_FORMS}")
    bound: Bound = _BOUNDS[match["bound"].lower()] if match["bound"] else "="
    negative = match["sign"] in ("-", "−")
    if match["numerator"]:
        if int(match["denominator"]) == 0:
            raise ValueError(f"`{excerpt}` divides by zero")
        ratio = Fraction(int(match["numerator"]), int(match["denominator"]))
        return Published(stripped, ratio, None, negative, bound=bound)
    suffix = (match["suffix"] or "").lower()
    if suffix not in _SUFFIXES:
        raise ValueError(
            f"`{excerpt}`: unknown scale `{match['suffix']}`; "
            "expected K, M, G, T, B, Bn, thousand, million, billion, trillion, x or %"
        )
    exponent, kilos, unit = _SUFFIXES[suffix]
    if power := match["e"] or match["power"] or match["raised"]:
        exponent = int(power.translate(_ASCII))
    decimals = match["decimals"] or ""
    digits = Fraction(int((match["integer"] or "").replace(",", "") + decimals), 10 ** len(decimals))
    return Published(stripped, digits, len(decimals), negative, exponent, kilos, unit, bound)
