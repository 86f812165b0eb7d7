"""The one file that talks to the terminal: tables, errors and progress, through rich.

On a terminal a table takes the width that there is; where stdout is a pipe or a file, it is plain text
without colours or lines, with the same columns every time.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from archcalc import tables

if TYPE_CHECKING:
    from archcalc.errors import ArchcalcError
    from archcalc.tables import Table

_STYLES = {"good": "green", "bad": "bold red", "dim": "dim", "warn": "yellow"}


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def print_table(table: Table, wide: bool = False) -> None:
    """Print a table: its extra columns only where there is room for them, or `wide` asks."""
    if not is_terminal():
        sys.stdout.write(plain_text(table if wide else table.narrow()))
        return
    from rich.console import Console

    console = Console(highlight=False)
    if not wide and _width(table) > console.width:
        table = table.narrow()
    console.print(_rich(table, console.width))
    for note in table.notes:
        console.print(note, style="dim", markup=False)


def _cells(table: Table) -> list[list[str]]:
    return [
        [tables.text(v, c) for v, c in zip(row, table.columns, strict=True)]
        for row in (*table.rows, *table.totals)
    ]


def _headers(table: Table) -> list[str]:
    """Headers, a long one on two lines: `paper: params` is as wide as its longer word."""
    return [c.header.replace(": ", ":\n") for c in table.columns]


def _width(table: Table) -> int:
    lines = _cells(table)
    headers = [max(map(len, h.split("\n"))) for h in _headers(table)]
    gaps = 2 * (len(headers) - 1)
    return gaps + sum(max([width, *(len(line[i]) for line in lines)]) for i, width in enumerate(headers))


def _rich(table: Table, width: int) -> object:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        box=box.SIMPLE_HEAD,
        title=table.title or None,
        title_justify="left",
        title_style="bold",
        padding=(0, 1, 0, 0),
        collapse_padding=True,
        pad_edge=False,
        show_edge=False,
    )
    fits = _width(table) <= width
    for header, column in zip(_headers(table), table.columns, strict=True):
        shown.add_column(
            header,
            justify="right" if column.numeric else "left",
            overflow="fold",
            no_wrap=fits or column.numeric,
        )
    cells = _cells(table)
    for i, row in enumerate(cells[: len(table.rows)]):
        shown.add_row(*map(Text, row), style=_STYLES.get(table.marks.get(i, ""), ""))
    if table.totals:
        shown.add_section()
        for row in cells[len(table.rows) :]:
            shown.add_row(*map(Text, row), style="bold")
    return shown


def plain_text(table: Table) -> str:
    """A table as aligned plain text, two blanks between columns."""
    lines = [[c.header for c in table.columns], *_cells(table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]

    def show(line: list[str]) -> str:
        padded = (
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, width, column in zip(line, widths, table.columns, strict=True)
        )
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    shown = [show(lines[0]), rule, *map(show, lines[1 : 1 + len(table.rows)])]
    if table.totals:
        shown += [rule, *map(show, lines[1 + len(table.rows) :])]
    head = [table.title, ""] if table.title else []
    foot = ["", *table.notes] if table.notes else []
    return "\n".join([*head, *shown, *foot]) + "\n"


def print_text(text: str) -> None:
    """Print text as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def note(text: str) -> None:
    """A remark on stderr, so that stdout holds only results."""
    sys.stderr.write(text + "\n")


def print_error(fault: ArchcalcError) -> None:
    """An error on stderr, in colour on a terminal."""
    message = fault.render()
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        first, _, rest = message.partition("\n")
        message = f"\x1b[1;31m{first}\x1b[0m" + ("\n" + rest if rest else "")
    sys.stderr.write(message + "\n")
