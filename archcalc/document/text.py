"""A PDF's characters made plain, names as they are compared, and numbers as they are written."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

Scalar = int | Fraction | str

_BLANKS = "\u00a0\u1680\u202f\u205f\u3000\t\v\f" + "".join(map(chr, range(0x2000, 0x200B)))
#: Odd blanks, each as one plain blank, so that columns stay true.
PLAIN_BLANKS: Final = str.maketrans(dict.fromkeys(_BLANKS, " "))
#: What a PDF leaves behind, one character for one.
LOOKALIKES: Final = str.maketrans(
    {"×": "x", "✕": "x", "✖": "x", "⨯": "x", "∗": "*", "“": '"', "”": '"'}
    | dict.fromkeys(_BLANKS, " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)
#: Characters that take no room: soft hyphens, zero-width blanks and joiners, marks of direction.
INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")


def clean(text: str) -> str:
    """`text` with a PDF's lookalike characters made plain and runs of blanks made one."""
    return re.sub(r" +", " ", INVISIBLE.sub("", text.translate(LOOKALIKES))).strip()


@lru_cache(maxsize=8192)
def key(text: str) -> str:
    """A header or name as it is compared: blanks and case do not count."""
    return re.sub(r"\s+", "", clean(text)).casefold()


def number(text: str) -> int | Fraction | None:
    """The exact number that `text` spells, such as `64` or `1.4`; None where it spells none."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = Fraction(text)
    return value.numerator if value.denominator == 1 else value
