"""Inspections -> a table, JSON, and a report: the rows that cannot be right, and no totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.views.audit import file_name
from archcalc.views.audit_report import wrapped
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.audit.suspects import Inspection
    from archcalc.views.audit_report import Line


def report(inspection: Inspection, width: int = 80) -> list[Line]:
    """Each row that cannot be right with its reasons and, where one helps, the shift that repairs it."""
    width = max(60, min(width, 100))
    file = file_name(inspection.file)
    lines: list[Line] = [(f"{file}: read row by row, as `{inspection.read_as}` reads its table", "title")]
    for note in inspection.notes:
        lines += wrapped(note, width, "  ")
    for suspect in inspection.suspects:
        lines += [("", ""), (f"{file}:{suspect.span.line}: {suspect.label}", "bad")]
        for reason in suspect.reasons:
            lines += wrapped(reason, width, "  - ")
        if suspect.repair:
            lines += wrapped("repaired: " + suspect.repair, width, "  ", "good")
    lines.append(("", ""))
    return lines + list(wrapped(conclusion(inspection), width, "", "bad" if inspection.suspects else ""))


def conclusion(inspection: Inspection) -> str:
    """What follows from an inspection, as one sentence."""
    if inspection.suspects:
        return (
            f"{len(inspection.suspects)} of {inspection.rows} rows cannot be right as they stand: correct "
            "them first. No totals are printed, for they would count what the paper does not say."
        )
    return (
        f"none of the {inspection.rows} rows looks wrong, but nothing says how to read them. To have them "
        "counted and audited, begin the file with `---`, `name: my-network`, "
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
    file = file_name(inspection.file)
    rows = tuple((file, s.span.line, s.label, "; ".join(s.reasons), s.repair) for s in inspection.suspects)
    return Table("", columns, rows, (), (*inspection.notes, conclusion(inspection)))


def as_json(inspection: Inspection) -> dict[str, Any]:
    """The inspection for scripts: schema 1."""
    return {
        "schema": 1,
        "passed": False,
        "file": file_name(inspection.file),
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
