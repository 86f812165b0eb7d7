"""Templates that take a cell's text apart: `{k}/{s}`, `conv{k}-{c}`, `[1x1, {a}; 3x3, {a}] x{n}`.

`{name}` captures a value, `{}` the whole of what stands there, `…` matches anything. Case and blanks do
not count, so one template reads `7x7 conv, stride 2` and `7 × 7 conv, stride 2`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from archcalc.document import clean

_TOKEN = re.compile(r"(\{[^{}]*\})|(…|\.\.\.)|(\s+)|(\d+)|([^\W\d_]+)|(.)", re.DOTALL)
WHOLE = ""  # the name under which `{}` captures


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled template; `names` are its captures in the order in which they are written."""

    text: str
    names: tuple[str, ...]
    regex: re.Pattern[str]
    groups: tuple[tuple[str, str], ...]

    def match(self, text: str) -> dict[str, str] | None:
        """What each capture holds where the whole of `text` fits; None where it does not.

        A name captured twice must hold the same text both times.
        """
        found = self.regex.fullmatch(text)
        if found is None:
            return None
        values: dict[str, str] = {}
        for group, name in self.groups:
            value = found.group(group).strip()
            if values.setdefault(name, value).casefold() != value.casefold():
                return None
        return values


@lru_cache(maxsize=4096)
def compile_pattern(text: str) -> Pattern:
    """The `Pattern` that `text` spells. Raises ValueError for an empty or unbalanced template."""
    text = clean(text)
    if not text:
        raise ValueError("an empty pattern matches nothing")
    tokens = list(_TOKEN.finditer(text))
    parts: list[str] = []
    names: list[str] = []
    groups: list[tuple[str, str]] = []
    previous = ""  # the literal before this token, to decide whether a blank must separate the two
    blank = False
    for i, token in enumerate(tokens):
        capture, ellipsis, space, *_ = token.groups()
        word = token.group()
        if space:
            blank = True
            continue
        if parts:
            parts.append(r"\s+" if blank and _separate(previous, word) else r"\s*")
        if capture:
            name = clean(capture[1:-1])
            beside_x = _is_x(tokens, i - 1, -1) or _is_x(tokens, i + 1, 1)
            group = f"g{len(groups)}"
            groups.append((group, name))
            if name not in names:
                names.append(name)
            what = r".+?" if name == WHOLE else r"[^\s,;|\[\]xX]+?" if beside_x else r"[^\s,;|\[\]]+?"
            parts.append(f"(?P<{group}>{what})")
        elif ellipsis:
            parts.append(r".*?")
        elif word in "{}":
            raise ValueError(f"a lone `{word}` in the pattern `{text}`")
        else:
            parts.append(re.escape(word))
        previous, blank = word, False
    return Pattern(text, tuple(names), re.compile("".join(parts), re.IGNORECASE), tuple(groups))


def _separate(left: str, right: str) -> bool:
    """Whether two words must stay apart: `max pool` is not `maxpool`, but `7 x 7` is `7x7`."""
    return left.isalpha() and right.isalpha() and "x" not in (left.lower(), right.lower())


def _is_x(tokens: list[re.Match[str]], at: int, step: int) -> bool:
    while 0 <= at < len(tokens) and tokens[at].group().isspace():
        at += step
    return 0 <= at < len(tokens) and tokens[at].group().lower() == "x"
