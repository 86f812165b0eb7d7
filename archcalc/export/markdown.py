"""A table as Markdown, aligned so that it reads well raw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.export import Format
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table


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
        lines = [f"**{table.title}**", "", *lines]
    for note in table.notes:
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    # A star within a word, as in 28*28*64, would begin emphasis.
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


FORMAT = Format("Markdown", "md", markdown)
