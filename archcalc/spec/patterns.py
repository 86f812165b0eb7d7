"""Templates that take a cell's text apart: `{k}/{s}`, `conv{k}-{c}`, `[1x1, {a}; 3x3, {a}] x{n}`.

`{name}` captures a value, `{}` all that stands there, `…` matches anything. Case and blanks do
not count, so one template reads `7x7 conv, stride 2` and `7 × 7 conv, stride 2`.

A template is matched from its end in sets of positions, one integer's bits each, and so in a time that
grows with the cell's length and never with its powers: no template, however hostile, can stall a reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from archcalc.document.text import clean

MAX_LENGTH = 500

_TOKEN = re.compile(r"(\{[^{}]*\})|(…|\.\.\.)|( )|([0-9]+)|([^\W\d_]+)|(.)", re.DOTALL)
_BREAKS = frozenset(" \t\n,;|[]")  # a captured value holds none of these
WHOLE = ""  # the name under which `{}` captures


class PartKind(Enum):
    """What one part of a template matches."""

    WORD = "these very characters, but for case"
    BLANK = "one blank"
    MAYBE = "one blank or nothing"
    VALUE = "some characters, none a blank, comma, semicolon, bar or bracket"
    FACTOR = "as VALUE, and no `x` either: it stands beside an `x`, as in `{h}x{w}`"
    WHOLE = "any characters, at least one"
    ANY = "anything, or nothing"


@dataclass(frozen=True, slots=True)
class PatternPart:
    """A stretch of a template; `text` is a word to match or the name of a capture."""

    kind: PartKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled template; `names` are its captures in the order in which they are written."""

    text: str
    names: tuple[str, ...]
    parts: tuple[PatternPart, ...]

    def match(self, text: str) -> dict[str, str] | None:
        """What each capture holds where all of `text` fits; None where it does not.

        Each part takes the least that lets the rest fit. A name captured twice must hold the same text
        both times.
        """
        folded = _fold(text)
        reach = _reach(self.parts, folded)
        if reach is None:
            return None
        values: dict[str, str] = {}
        at = 0
        for part, ends in zip(self.parts, reach[1:], strict=True):
            start, at = at, _end(part, at, ends, folded)
            if part.kind in (PartKind.VALUE, PartKind.FACTOR, PartKind.WHOLE):
                value = text[start:at].strip()
                if values.setdefault(part.text, value).casefold() != value.casefold():
                    return None
        return values


def _fold(text: str) -> str:
    """`text` in small letters, one for one: some capitals would become two."""
    small = text.lower()
    return (
        small if len(small) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    )


def _reach(parts: tuple[PatternPart, ...], text: str) -> list[int] | None:
    """For each part, the positions from which it and all behind it fit: bit p stands for position p."""
    fits = 1 << len(text)
    reach = [fits]
    for part in reversed(parts):
        fits = _before(part, fits, text)
        if not fits:
            return None
        reach.append(fits)
    reach.reverse()
    return reach if reach[0] & 1 else None


def _before(part: PatternPart, ends: int, text: str) -> int:
    """The positions at which `part` can begin so that it ends at one of `ends`."""
    kind = part.kind
    if kind is PartKind.WORD:
        return _starts(part.text, ends, text)
    if kind is PartKind.MAYBE:
        return ends | _starts(" ", ends, text) if " " in text else ends
    if kind is PartKind.BLANK:
        return _starts(" ", ends, text)
    if kind is PartKind.ANY:
        return (1 << ends.bit_length()) - 1
    if kind is PartKind.WHOLE:
        return (1 << (ends.bit_length() - 1)) - 1
    starts = 0
    for first, last in _runs(text, kind is PartKind.FACTOR):
        inside = (ends >> (first + 1)) & ((1 << (last - first)) - 1)  # ends within the run, behind its start
        starts |= ((1 << inside.bit_length()) - 1) << first
    return starts


def _starts(word: str, ends: int, text: str) -> int:
    """Where `word` begins that ends at one of `ends`."""
    if not ends & (ends - 1):  # a single end: the common case
        at = ends.bit_length() - 1 - len(word)
        return 1 << at if at >= 0 and text.startswith(word, at) else 0
    starts = 0
    at = text.find(word)
    while at >= 0:
        starts |= 1 << at
        at = text.find(word, at + 1)
    return starts & (ends >> len(word))


@lru_cache(maxsize=1024)
def _runs(text: str, factor: bool) -> tuple[tuple[int, int], ...]:
    """The stretches of `text` that hold nothing at which a captured value breaks off."""
    runs = []
    first = 0
    for at, c in enumerate((*text, " ")):
        if c in _BREAKS or c.isspace() or (factor and c == "x"):
            if at > first:
                runs.append((first, at))
            first = at + 1
    return tuple(runs)


def _end(part: PatternPart, at: int, ends: int, text: str) -> int:
    """Where `part`, which begins at `at`, ends: as soon as the rest fits."""
    kind = part.kind
    if kind is PartKind.WORD:
        return at + len(part.text)
    if kind is PartKind.BLANK:
        return at + 1
    if kind is PartKind.MAYBE:
        return at + 1 if text[at : at + 1] == " " and ends >> (at + 1) & 1 else at
    least = at if kind is PartKind.ANY else at + 1
    rest = ends >> least
    return least + (rest & -rest).bit_length() - 1


@lru_cache(maxsize=4096)
def compile_pattern(text: str) -> Pattern:
    """The `Pattern` that `text` spells. Raises ValueError for an empty, unbalanced or overlong template."""
    text = clean(text)
    if not text:
        raise ValueError("a pattern is missing")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a pattern longer than {MAX_LENGTH} characters")
    tokens = list(_TOKEN.finditer(text))
    parts: list[PatternPart] = []
    names: list[str] = []
    previous = ""  # the literal before this token, to decide whether a blank must separate the two
    blank = False
    for i, token in enumerate(tokens):
        capture, ellipsis, space, *_ = token.groups()
        word = token.group()
        if space:
            blank = True
            continue
        if parts:
            parts.append(
                PatternPart(PartKind.BLANK if blank and _separate(previous, word) else PartKind.MAYBE)
            )
        if capture:
            name = clean(capture[1:-1]).strip('"')
            if name not in names:
                names.append(name)
            beside_x = _is_x(tokens, i - 1, -1) or _is_x(tokens, i + 1, 1)
            kind = PartKind.WHOLE if name == WHOLE else PartKind.FACTOR if beside_x else PartKind.VALUE
            parts.append(PatternPart(kind, name))
        elif ellipsis:
            parts.append(PatternPart(PartKind.ANY))
        elif word in "{}":
            raise ValueError(f"a `{word}` without its partner")
        else:
            parts.append(PatternPart(PartKind.WORD, _fold(word)))
        previous, blank = word, False
    return Pattern(text, tuple(names), tuple(parts))


def _separate(left: str, right: str) -> bool:
    """Whether two words must stay apart: `max pool` is not `maxpool`, but `7 x 7` is `7x7`."""
    return left.isalpha() and right.isalpha() and "x" not in (left.lower(), right.lower())


def _is_x(tokens: list[re.Match[str]], at: int, step: int) -> bool:
    while 0 <= at < len(tokens) and tokens[at].group().isspace():
        at += step
    return 0 <= at < len(tokens) and tokens[at].group().lower() == "x"
