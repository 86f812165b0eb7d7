"""Inspections -> a table and JSON: the rows that cannot be right, and no totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.views.audit import display_path
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.audit.suspects import Inspection


def conclusion(inspection: Inspection) -> str:
    """What follows from an inspection, as one sentence."""
    if inspection.suspects:
        return (
            f"{len(inspection.suspects)} of {inspection.rows} rows cannot be right as they stand: correct "
            "them first. No totals are printed, for they would count what the paper does not say."
        )
    return (
        f"none of the {inspection.rows} rows looks wrong, but nothing says how to read them. To have them "
        f"counted and audited, begin the file with `---`, `name: my-network`, "
        f"`extends: {inspection.read_as}`, `---`."
    )


def table(inspection: Inspection) -> Table:
    """The rows that cannot be right."""
    columns = (
        Column("file", "file"),
        Column("line", "line", "integer"),
        Column("row", "row"),
        Column("reasons", "why it cannot be right"),
        Column("repair", "what would repair it"),
    )
    file = display_path(inspection.file)
    rows = tuple((file, s.span.line, s.label, "; ".join(s.reasons), s.repair) for s in inspection.suspects)
    return Table("", columns, rows, (), (*inspection.notes, conclusion(inspection)))


def as_json(inspection: Inspection) -> dict[str, Any]:
    """The inspection for scripts: schema 1."""
    return {
        "schema": 1,
        "passed": False,
        "file": display_path(inspection.file),
        "read_as": inspection.read_as,
        "rows": inspection.rows,
        "notes": list(inspection.notes),
        "suspicious": [
            {
                "line": s.span.line,
                "row": s.label,
                "reasons": list(s.reasons),
                "repair": s.repair or None,
            }
            for s in inspection.suspects
        ],
    }
