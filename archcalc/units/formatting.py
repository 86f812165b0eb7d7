"""The one place where a number becomes text: tables, reports, figures and messages print through it.

Counts are decimal (K = 1000) with four digits; a figure that is compared with a paper's keeps every digit.
"""

from __future__ import annotations

import decimal
import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from archcalc.units.published import Number, PublishedInterval

_PREFIXES: Final = ("", "K", "M", "G", "T")
_ZEROS: Final = re.compile(r"(\.0+|(?<=\.[1-9])0)(?=[KMGT]?$)")

# -- counts ---------------------------------------------------------------------------------------


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


def brief(value: float, unit: str = "") -> str:
    """A number for a tick or a bar: 1.58G, 12, 0.5, or with a unit 1.58 GB/s; three digits at most."""
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    if abs(value) >= 1000:
        text = _ZEROS.sub("", human(round(value), 3))
    if not unit:
        return text
    return f"{text[:-1]} {text[-1]}{unit}" if text[-1].isalpha() else f"{text} {unit}"


def quantity(number: int, noun: str) -> str:
    """`1 thread`, `2 threads`, `12 networks`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# -- ratios, shares and times ---------------------------------------------------------------------


def ratio(value: Any) -> str:
    """A ratio with three decimals under 10, one above it: `0.720`, `28.1`, `1.500K`."""
    number = float(value)
    if number == 0:
        return "0"
    if abs(number) >= 1000:
        return human(value)
    return f"{number:.3f}" if abs(number) < 10 else f"{number:.1f}"


def percent(value: Any, signed: bool = False, decimals: int = 1) -> str:
    """A share as a percentage: 0.281 -> `28.1%`; `+34.8%` where the sign matters."""
    return f"{100 * float(value):{'+' if signed else ''}.{decimals}f}%"


def share(part: float, total: float) -> str:
    """`61%` of a total; a decimal where it is under 10%."""
    percentage = 100 * part / total if total else 0.0
    if percentage < 0.05:
        return "under 0.1%" if percentage else "0%"
    return f"{percentage:.0f}%" if percentage >= 10 else f"{percentage:.1f}%"


def significant(value: float, digits: int = 3) -> str:
    """A figure with a number of significant digits, never in exponents: `0.0123`, `45.6`, `1,230`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    places = digits - 1 - exponent
    return f"{round(value, places):,.{max(0, places)}f}"


# -- measured intervals ---------------------------------------------------------------------------


def lowest_to_highest(low: float, high: float, decimals: int | None = None, digits: int = 3) -> str:
    """The bounds of an interval, `0.802 to 0.818`: `decimals` places, else so many significant digits."""
    if decimals is not None:
        return f"{low:.{decimals}f} to {high:.{decimals}f}"
    return f"{significant(low, digits)} to {significant(high, digits)}"


def interval_text(low: float, point: float, high: float, decimals: int = 3) -> str:
    """A point with its bounds: `0.810 (0.802 to 0.818)`."""
    return f"{point:.{decimals}f} ({lowest_to_highest(low, high, decimals)})"


def plus_minus(low: float, point: float, high: float) -> str:
    """`0.81 ± 0.01`: the half-width with one digit (two where that is a 1), the point to the same place.

    A wide interval is seldom even, so over a tenth of the point its ends stand instead: `12 (3.3 to 35)`.
    """
    half = (high - low) / 2
    if half <= 0:
        return f"{point:.4g}"
    if half > 0.1 * abs(point):
        return f"{point:.2g} ({low:.2g} to {high:.2g})"
    digits = -math.floor(math.log10(half))
    digits += int(half * 10**digits) == 1
    digits = max(0, min(digits, 6))
    return f"{point:.{digits}f} ± {half:.{digits}f}"


# -- figures beside published ones ----------------------------------------------------------------


def exact(value: Any, published: str = "") -> str:
    """Every digit of an integer, six of a ratio; a percentage where `published` is printed as one."""
    if published.endswith("%"):
        return f"{float(100 * value):,.6g}%"
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{float(value):,.6g}"
    return f"{int(value):,}"


def end_of_interval(value: Fraction | None, published: str = "") -> str:
    """One end of a published interval, in per cent where the figure is."""
    end = (value or Fraction(0)) * (100 if published.endswith("%") else 1)
    unit = "%" * published.endswith("%")
    if end.denominator == 1:
        return f"{end.numerator:,}{unit}"
    digits = f"{float(end):,.6f}".rstrip("0").rstrip(".")
    return (digits if abs(end) < 10**9 else f"{float(end):,.1f}") + unit


def published_interval(interval: PublishedInterval, published: str = "") -> str:
    """`2,713.6 to 2,816`, `at most 25,000,000`, `more than 2`; "" where the interval is one number."""
    if interval.lo is None:
        return ("at most " if interval.hi_closed else "less than ") + end_of_interval(interval.hi, published)
    if interval.hi is None:
        return ("at least " if interval.lo_closed else "more than ") + end_of_interval(interval.lo, published)
    if interval.lo == interval.hi:
        return ""
    return f"{end_of_interval(interval.lo, published)} to {end_of_interval(interval.hi, published)}"
