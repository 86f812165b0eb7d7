"""A table as HTML, for notebooks and pages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from archcalc.export import Format
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table


def html(table: Table) -> str:
    """An HTML table with its notes under it; every text in it is escaped."""

    def line(tag: str, cells: list[str]) -> str:
        marked = (
            f'<{tag} style="text-align:{"right" if c.numeric else "left"}">{escape(cell)}</{tag}>'
            for cell, c in zip(cells, table.columns, strict=True)
        )
        return f"<tr>{''.join(marked)}</tr>"

    def texts(row: tuple[Any, ...]) -> list[str]:
        return [tables.text(v, c) for v, c in zip(row, table.columns, strict=True)]

    head = line("th", [c.header for c in table.columns])
    body = "".join(line("td", texts(row)) for row in table.rows)
    foot = "".join(line("th", texts(row)) for row in table.totals)
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>{notes}\n"


FORMAT = Format("HTML", "html", html)
