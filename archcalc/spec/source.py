"""The lines of an `arch` block -> stretches of text, one a statement, that know their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from archcalc.document.model import ArchBlock
from archcalc.errors import Span

_COMMENT: Final = re.compile(r"(^|(?<=\s))#(?=\s|$).*$")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A stretch of a file that may run over several lines; `lines[0]` is already cut at its start.

    `offset` is the number of characters cut from the first line. `full` holds the lines uncut.
    """

    file: str
    line: int
    offset: int
    lines: tuple[str, ...]
    full: tuple[str, ...]

    @property
    def text(self) -> str:
        """The stretch as one text."""
        return "\n".join(self.lines)

    def span(self, start: int, end: int) -> Span:
        """The span of characters `start` to `end` of `text`, as much of it as stands on one line."""
        for i, line in enumerate(self.lines):
            if start <= len(line) or i == len(self.lines) - 1:
                shift = self.offset if i == 0 else 0
                stop = max(min(end, len(line)), start + 1)
                return Span(self.file, self.line + i, start + shift, stop + shift, self.full[i])
            start, end = start - len(line) - 1, end - len(line) - 1
        raise AssertionError("a source has at least one line")


def logical_lines(block: ArchBlock) -> list[SourceText]:
    """The statements' own lines: an indented line, or one inside open brackets, goes on the last."""
    texts = [_uncomment(line) for line in block.lines]
    filled = [t for t in texts if t.strip()]
    base = min((len(t) - len(t.lstrip()) for t in filled), default=0)
    starts: list[list[int]] = []
    depth = 0
    for i, text in enumerate(texts):
        if not text.strip():
            continue
        indented = len(text) - len(text.lstrip()) > base
        goes_on = indented or depth > 0 or text.lstrip()[0] in "|>]"
        if goes_on and starts:
            starts[-1].append(i)
        else:
            starts.append([i])
            depth = 0
        _, _, body = text.rpartition("->")
        depth = max(0, depth + body.count("[") - body.count("]"))
    sources = []
    for run in starts:
        first, last = run[0], run[-1]
        lines = tuple(texts[first : last + 1])
        full = block.raw[first : last + 1]
        sources.append(SourceText(block.file, block.line + first, 0, lines, full))
    return sources


def _uncomment(line: str) -> str:
    """`line` without its comment: a `#` with a blank on both sides. (`#3x3` is a column's name.)"""
    masked = re.sub(r"\{[^{}]*\}|\"[^\"]*\"", lambda m: "_" * len(m.group()), line)
    comment = _COMMENT.search(masked)
    return line if comment is None else line[: comment.start()].rstrip()


def tail(source: SourceText, start: int) -> SourceText:
    """`source` from character `start` on."""
    text = source.text
    skipped = text.count("\n", 0, start)
    column = start - (text.rfind("\n", 0, start) + 1)
    offset = column + (source.offset if skipped == 0 else 0)
    lines = source.lines[skipped:]
    return SourceText(
        source.file,
        source.line + skipped,
        offset,
        (lines[0][column:], *lines[1:]),
        source.full[skipped:],
    )
