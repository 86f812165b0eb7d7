"""Audits and inspections -> the lines of a report on a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from archcalc.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A line, and how it is meant for the eye: "", title, good, warn, bad or dim. The words say it too.
Line = tuple[str, str]


def wrapped(text: str, width: int, indent: str, style: str = "") -> Iterator[Line]:
    """A paragraph broken at `width`; its later lines stand a little further in."""
    text = one_line(text)
    later = " " * len(indent) + "  " * (indent.isspace())
    for line in textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=later, break_on_hyphens=False
    ):
        yield line, style
