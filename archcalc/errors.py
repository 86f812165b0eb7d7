"""Where a fault stands in the user's own text, and how it is told.

Every object that archcalc reads keeps a `Span`, so that a message can print the line that the user
wrote with a caret under the fault, and say what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass


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
        return f"{self.file}:{self.line}:{self.start + 1}"


class ArchcalcError(Exception):
    """What a user can mend: bad input or usage. The command line prints it and exits with 2."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def render(self) -> str:
        """The message for a terminal, with the hint on its own line."""
        lines = [f"error: {self.message}"]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


class SpecError(ArchcalcError):
    """A document that cannot be read as a network, with the place of the fault where there is one."""

    def __init__(self, message: str, span: Span | None = None, hint: str = "") -> None:
        super().__init__(message, hint)
        self.span = span

    def render(self) -> str:
        """File, line and column, the message, the user's own line with a caret, and the hint."""
        if self.span is None:
            return super().render()
        lines = [f"{self.span}: error: {self.message}"]
        lines.extend(_excerpt(self.span))
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


_EXCERPT_WIDTH = 96  # a table row can be wider than any terminal; the caret must stay in sight


def _excerpt(span: Span) -> list[str]:
    """The line with a caret under the fault; a long line is cut around it."""
    text = span.source.replace("\t", " ").rstrip()
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if not text:
        return []
    start = min(span.start, len(text))
    end = max(start + 1, min(span.end, len(text)))
    left = 0
    if len(text) > _EXCERPT_WIDTH:
        left = max(0, min(start - _EXCERPT_WIDTH // 3, len(text) - _EXCERPT_WIDTH))
    shown = text[left : left + _EXCERPT_WIDTH]
    prefix, suffix = "…" if left else "", "…" if left + _EXCERPT_WIDTH < len(text) else ""
    gutter = f"{span.line:>5} | "
    caret = " " * (len(gutter) + len(prefix) + start - left)
    width = max(1, min(end, left + _EXCERPT_WIDTH) - start)
    return [gutter + prefix + shown + suffix, caret + "^" * width]


def suggest(name: str, known: list[str]) -> str:
    """`did you mean …?` for the nearest of `known`, or an empty string where none is near."""
    import difflib

    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(name.lower()[:200], list(lowered), n=2, cutoff=0.55)
    if not near:
        return ""
    return "did you mean " + " or ".join(f"`{lowered[n]}`" for n in near) + "?"
