"""Printed sizes that are not what a network gives -> a column of them beside the computed ones, and notes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archcalc.views.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.audit.sizes import WrongSize
    from archcalc.cost.counts import Counts
    from archcalc.views.tables import Table


def beside(table: Table, counts: Counts, wrong: Sequence[WrongSize]) -> Table:
    """A table of costs with its wrong sizes marked; `table` itself where there are none.

    `table` is what `views.costs` made of `counts`: a line with a label for each row, in its order.
    """
    if not wrong:
        return table
    printed = {size.row: size for size in wrong}
    place = 1 + next(i for i, column in enumerate(table.columns) if column.key == "output")
    labels = iter(counts.rows)
    rows: list[tuple[Any, ...]] = []
    marks = dict(table.marks)
    for i, row in enumerate(table.rows):
        size = printed.get(next(labels).row.index) if row[0] else None
        if size is not None:
            marks[i] = "bad"
        rows.append((*row[:place], size.printed if size else "", *row[place:]))
    column = Column("printed_size", "paper: size", "printed")
    return replace(
        table,
        columns=(*table.columns[:place], column, *table.columns[place:]),
        rows=tuple(rows),
        totals=tuple((*row[:place], "", *row[place:]) for row in table.totals),
        notes=(*map(_note, wrong), *table.notes),
        marks=marks,
    )


def _note(size: WrongSize) -> str:
    return f"Not as printed: {size.label} gives {size.computed}, not {size.printed} (`{size.header}`)."


def as_json(wrong: Sequence[WrongSize]) -> list[dict[str, str]]:
    """The wrong sizes for scripts, in the order of the rows."""
    return [
        {"row": size.label, "column": size.header, "printed": size.printed, "computed": size.computed}
        for size in wrong
    ]
