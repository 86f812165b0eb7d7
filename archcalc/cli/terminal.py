"""The one file that talks to the terminal: tables, errors and progress, through rich.

On a terminal a table takes the width that there is; where stdout is a pipe or a file, it is plain text
without colours or lines, with the same columns every time.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from archcalc.cli import streams
from archcalc.errors import one_line, printable
from archcalc.export.plain import cells, plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archcalc.errors import ArchcalcError
    from archcalc.views.tables import Table

_STYLES = {"good": "green", "bad": "bold red", "dim": "dim", "warn": "yellow", "title": "bold"}


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def print_table(table: Table, wide: bool = False) -> None:
    """Print a table: its extra columns only where there is room for them, or `wide` asks."""
    if not is_terminal():
        print_text(plain_text(table if wide else table.narrow()))
        return
    from rich.console import Console

    console = Console(highlight=False)
    if not wide and _width(table) > console.width:
        table = table.narrow()
    with streams.writing_results():
        console.print(_rich(table, console.width))
        for note in table.notes:
            console.print(note, style="dim", markup=False)


def _headers(table: Table) -> list[str]:
    """Headers, a long one on two lines: `paper: params` is as wide as its longer word."""
    return [c.header.replace(": ", ":\n") for c in table.columns]


def _width(table: Table) -> int:
    lines = cells(table)
    headers = [max(map(len, h.split("\n"))) for h in _headers(table)]
    gaps = 2 * (len(headers) - 1)
    return gaps + sum(max([width, *(len(line[i]) for line in lines)]) for i, width in enumerate(headers))


def _rich(table: Table, width: int) -> object:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    printed = RichTable(
        box=box.SIMPLE_HEAD,
        title=Text(table.title) if table.title else None,
        title_justify="left",
        title_style="bold",
        padding=(0, 1, 0, 0),
        collapse_padding=True,
        pad_edge=False,
        show_edge=False,
    )
    fits = _width(table) <= width
    for header, column in zip(_headers(table), table.columns, strict=True):
        printed.add_column(
            Text(header),
            justify="right" if column.numeric else "left",
            overflow="fold",
            no_wrap=fits or column.numeric,
        )
    texts = cells(table)
    for i, row in enumerate(texts[: len(table.rows)]):
        printed.add_row(*map(Text, row), style=_STYLES.get(table.marks.get(i, ""), ""))
    if table.totals:
        printed.add_section()
        for row in texts[len(table.rows) :]:
            printed.add_row(*map(Text, row), style="bold")
    return printed


def width() -> int:
    """The columns of the terminal; 80 where stdout is a pipe or a file."""
    if not is_terminal():
        return 80
    from rich.console import Console

    return Console().width


def print_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines of a report; the second of each pair says how it is meant: good, warn, bad, dim, title."""
    if not is_terminal():
        print_text("".join(f"{line}\n" for line, _ in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    with streams.writing_results():
        for line, meant in lines:
            console.print(Text(printable(line), style=_STYLES.get(meant, "")), soft_wrap=True)


def print_text(text: str) -> None:
    """Print text as it is, but for what a terminal would obey."""
    with streams.writing_results():
        sys.stdout.write(printable(text if text.endswith("\n") else text + "\n"))


def note(text: str) -> None:
    """A remark on stderr, so that stdout holds only results."""
    with streams.writing_remarks():
        sys.stderr.write(printable(text) + "\n")


def print_error(fault: ArchcalcError) -> None:
    """An error on stderr, in colour on a terminal."""
    message = fault.render()
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        first, _, rest = message.partition("\n")
        message = f"\x1b[1;31m{first}\x1b[0m" + ("\n" + rest if rest else "")
    with streams.writing_remarks():
        sys.stderr.write(message + "\n")


class ProgressBar:
    """A bar on stderr with what is going on and the time left; nothing where stderr is no terminal.

    Use as a context; `finish` prints what became of a point on a line of its own, in either case.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        if sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(bar_width=20),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )

    def __enter__(self) -> ProgressBar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *fault: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, steps: int) -> None:
        """So many steps lie ahead."""
        if self._bar is not None:
            self._task = self._bar.add_task("starting", total=steps)

    def show(self, what: str) -> None:
        """What is going on now."""
        if self._task is not None:
            self._bar.update(self._task, description=one_line(what))

    def advance(self) -> None:
        """A step is done."""
        if self._task is not None:
            self._bar.advance(self._task)

    def finish(self, what: str) -> None:
        """A point is finished; say how it ended where there is something to say."""
        if what and self._bar is not None:
            self._bar.console.print(one_line(what), markup=False, highlight=False)
        elif what:
            note(what)
