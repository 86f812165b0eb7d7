"""Printed sizes that are not what a network gives -> a column of them beside the computed ones, and notes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archcalc.metrics import SHAPES
from archcalc.shapes import in_papers
from archcalc.spec import outline
from archcalc.views.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.audit.sizes import WrongSize
    from archcalc.cost.counts import Counts, RowCount
    from archcalc.spec.rows import CellClaim
    from archcalc.spec.spec import Spec
    from archcalc.views.tables import Table


def wrong(spec: Spec, counted: Counts) -> tuple[WrongSize, ...]:
    """The sizes that a network's own table prints and that it does not give on its own input.

    None where a variable is set anew, or the network reads another one's table.
    """
    table_rows = (*spec.rows, *spec.heads)
    if spec.settings or not any(
        _looks_wrong(claim, row) for row in counted.rows for claim in table_rows[row.row.index].claims
    ):
        return ()
    from archcalc.audit import sizes  # loaded where it is needed: a table should come at once

    own = next(o for o in outline.networks(spec.document) if o.name == spec.name)
    return sizes.wrong_sizes(own, spec, counted)


def _looks_wrong(claim: CellClaim, row: RowCount) -> bool:
    """Whether a claimed shape is anything but the computed one, digit by digit: then the audit decides."""
    if claim.metric not in SHAPES:
        return False
    computed = dict(zip("hwc", in_papers(row.input if claim.metric == "input" else row.output), strict=False))
    return any(part != str(computed.get(name)) for name, part in claim.parts.items())


def beside(table: Table, counts: Counts, sizes: Sequence[WrongSize]) -> Table:
    """A table of costs with its wrong sizes marked; `table` itself where there are none.

    `table` is what `views.costs` made of `counts`: a line with a label for each row, in its order.
    """
    if not sizes:
        return table
    printed = {size.row: size for size in sizes}
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
        notes=(*map(_note, sizes), *table.notes),
        marks=marks,
    )


def _note(size: WrongSize) -> str:
    return f"Not as printed: {size.label} gives {size.computed}, not {size.printed} (`{size.header}`)."


def as_json(sizes: Sequence[WrongSize]) -> list[dict[str, str]]:
    """The wrong sizes for scripts, in the order of the rows."""
    return [
        {"row": size.label, "column": size.header, "printed": size.printed, "computed": size.computed}
        for size in sizes
    ]
