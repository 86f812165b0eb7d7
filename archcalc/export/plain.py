"""A table as aligned plain text, as it is printed where there is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.export import Format
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table


def cells(table: Table) -> list[list[str]]:
    """Every cell as text: rows, then totals."""
    return [
        [tables.text(v, c) for v, c in zip(row, table.columns, strict=True)]
        for row in (*table.rows, *table.totals)
    ]


def plain_text(table: Table) -> str:
    """A table as aligned plain text, two blanks between columns."""
    header, *body = [[c.header for c in table.columns], *cells(table)]
    widths = [max(len(line[i]) for line in (header, *body)) for i in range(len(header))]

    def show(line: list[str]) -> str:
        padded = (
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, width, column in zip(line, widths, table.columns, strict=True)
        )
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    lines = [show(header), rule, *map(show, body[: len(table.rows)])]
    if table.totals:
        lines += [rule, *map(show, body[len(table.rows) :])]
    head = [table.title, ""] if table.title else []
    foot = ["", *table.notes] if table.notes else []
    return "\n".join([*head, *lines, *foot]) + "\n"


FORMAT = Format("plain text", "txt", plain_text)
