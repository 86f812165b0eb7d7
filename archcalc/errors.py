"""Where a fault stands in the user's own text, and how it is said.

Every object that archcalc reads keeps a `Span`, so that a message can print the line that the user
wrote with a caret under the fault, and say what to do about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a file: `line` counts from 1, `start` and `end` columns from 0."""

    file: str
    line: int
    start: int
    end: int
    source: str = ""

    def within(self, start: int, end: int) -> Span:
        """The part of this span that begins `start` and ends `end` characters into it."""
        return Span(self.file, self.line, self.start + start, self.start + end, self.source)

    def __str__(self) -> str:
        return f"{_plain(self.file)}:{self.line}:{self.start + 1}"


class ArchcalcError(Exception):
    """What a user can mend: bad input or usage. The command line prints it and exits with 2."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def render(self) -> str:
        """The message for a terminal, with the hint on its own line."""
        lines = [f"error: {_quoted(self.message)}"]
        if self.hint:
            lines.append(f"  hint: {_quoted(self.hint)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


#: The optional packages, and the extra of `pyproject.toml` that installs each.
EXTRAS: Final = {
    "torch": "torch",
    "fvcore": "torch",
    "pandas": "pandas",
    "numpy": "pandas",
    "matplotlib": "plots",
    "pynvml": "gpu",
    "ray": "ray",
}


class MissingExtraError(ArchcalcError):
    """What was asked for needs a package that is not installed; the message says how to install it."""

    def __init__(self, package: str, purpose: str = "this") -> None:
        self.package = package
        self.extra = EXTRAS[package]
        super().__init__(
            f"{purpose} needs {package}, which is not installed: `pip install 'archcalc[{self.extra}]'`"
        )


def requires(*packages: str, purpose: str = "this") -> None:
    """Raise `MissingExtraError` for the first of `packages` that is not installed; nothing is imported.

    `purpose` begins the sentence: "`archcalc verify` needs torch, which is not installed: …".
    """
    from importlib.util import find_spec

    for package in packages:
        try:
            present = find_spec(package) is not None
        except (ImportError, ValueError):  # blocked, or a stand-in without a spec
            present = False
        if not present:
            raise MissingExtraError(package, purpose)


def missing_extra(fault: ModuleNotFoundError, purpose: str = "this") -> MissingExtraError | None:
    """The error for an import that failed, where an extra would have brought the package; else None."""
    package = (fault.name or "").partition(".")[0]
    return MissingExtraError(package, purpose) if package in EXTRAS else None


class SpecError(ArchcalcError):
    """A document that cannot be read as a network, with the place of the fault where there is one.

    `also` names a second place that had a part in it, such as the row for which a rule fails.
    """

    def __init__(
        self,
        message: str,
        span: Span | None = None,
        hint: str = "",
        also: tuple[str, Span] | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.span = span
        self.also = also

    def render(self) -> str:
        """File, line and column, the message, the user's own line with a caret, and the hint."""
        if self.span is None:
            return super().render()
        lines = [f"{self.span}: error: {_quoted(self.message)}", *_excerpt(self.span)]
        if self.also is not None:
            what, where = self.also
            lines += [f"  {_quoted(what)}, {where}", *_excerpt(where)]
        if self.hint:
            lines.append(f"  hint: {_quoted(self.hint)}")
        return "\n".join(lines)


_EXCERPT_WIDTH = 96  # a table row can be wider than any terminal; the caret must stay in sight
_QUOTED = re.compile(r"`([^`]{32})[^`]{4,}([^`]{28})`")  # a path says most at its end


#: Control characters, of which terminals make commands; marks that turn the direction of writing around,
#: behind which text can hide; separators of lines; halves of characters.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]"
)


def printable(text: str) -> str:
    """`text` without what a terminal or a page would obey; new lines and tabs stay."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """`text` as `printable` leaves it, on one line."""
    if text.isascii() and text.isprintable():
        return text
    return printable(text).replace("\n", " ").replace("\t", " ")


def escaped(text: str) -> str:
    """Text of a format that has `\\uXXXX` escapes, such as JSON, with control characters written so."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _plain(text: str) -> str:
    """`text` on one line and with nothing but what has a shape of its own."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.replace("\t", " "))


def _quoted(text: str) -> str:
    """A message in which what is quoted from the user is harmless and not too long."""
    return _QUOTED.sub(r"`\1…\2`", _plain(text))


def _width(text: str) -> int:
    """How many columns of a terminal `text` takes: an ideograph takes two, a combining accent none."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me") for c in text)


def _excerpt(span: Span) -> list[str]:
    """The line with a caret under the fault; a long line is cut around it."""
    text = _plain(span.source.rstrip())
    if not text:
        return []
    start = min(span.start, len(text))
    end = max(start + 1, min(span.end, len(text)))
    left = 0
    if len(text) > _EXCERPT_WIDTH:
        left = max(0, min(start - _EXCERPT_WIDTH // 3, len(text) - _EXCERPT_WIDTH))
    right = left + _EXCERPT_WIDTH
    prefix, suffix = "…" if left else "", "…" if right < len(text) else ""
    gutter = f"{span.line:>5} | {prefix}"
    caret = " " * (len(gutter) + _width(text[left:start]))
    return [gutter + text[left:right] + suffix, caret + "^" * max(1, _width(text[start : min(end, right)]))]


def suggest(name: str, known: list[str]) -> str:
    """`did you mean …?` for the nearest of `known`, or an empty string where none is near."""
    import difflib

    word = name.lower()[:100]
    lowered = {k.lower()[:100]: k for k in known[:500] if k and k != name}
    near = difflib.get_close_matches(word, list(lowered), n=2, cutoff=0.55)
    if not near and len(word) > 2:  # `convolution` for `conv`
        near = [k for k in lowered if len(k) > 2 and (k in word or word in k)][:2]
    if not near:
        return ""
    return "did you mean " + " or ".join(f"`{lowered[n]}`" for n in near) + "?"
