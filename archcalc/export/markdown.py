"""A table as Markdown, aligned so that it reads well raw."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archcalc.errors import printable
from archcalc.export import Format
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table

_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])(?!!-- Made by `archcalc report`; [^<>]* -->)")
_LINK: Final = re.compile(r"\]\((?!(?:https?://[^\s()<>&\\]*|[\w./+-]+)\))")
_DEFINITION: Final = re.compile(r"\]:")


def markdown(table: Table) -> str:
    """A Markdown table, its columns padded so that it reads well raw, with its notes under it."""
    header = [_escape(c.header) for c in table.columns]
    body = [
        [_escape(tables.text(v, c)) for v, c in zip(row, table.columns, strict=True)]
        for row in (*table.rows, *table.totals)
    ]
    widths = [max(3, *(len(line[i]) for line in (header, *body))) for i in range(len(header))]
    right = [c.numeric for c in table.columns]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        ]
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * (width - 1) + ":" if to_right else "-" * width
        for width, to_right in zip(widths, right, strict=True)
    ]
    lines = [line(header), "| " + " | ".join(rule) + " |", *map(line, body)]
    if table.title:
        lines = [f"**{inert(table.title)}**", "", *lines]
    for note in table.notes:
        lines += ["", inert(note)]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    # A star within a word, as in 28*28*64, would begin emphasis.
    text = text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("[", "\\[")
    return inert(text)


def inert(text: str) -> str:
    """Markdown in which nothing runs: no tag of HTML, and no link but to a file or an https page.

    A `<` stays where no tag could begin (`<25M`), and a link where its target is a plain path or address.
    """
    text = _TAG.sub("&lt;", printable(text))
    return _DEFINITION.sub(r"]\:", _LINK.sub(r"]\(", text))


FORMAT = Format("Markdown", "md", markdown)
