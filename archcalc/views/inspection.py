"""Inspections -> a table, JSON, and a report: the rows that cannot be right, and no totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.views.audit import file_name
from archcalc.views.audit_report import wrapped
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.audit.suspects import Inspection
    from archcalc.views.audit_report import Line


def report(found: Inspection, width: int = 80) -> list[Line]:
    """Each row that cannot be right with its reasons and, where one helps, the shift that mends it."""
    width = max(60, min(width, 100))
    file = file_name(found.file)
    lines: list[Line] = [(f"{file}: read row by row, as `{found.read_as}` reads its table", "title")]
    for note in found.notes:
        lines += wrapped(note, width, "  ")
    for suspect in found.suspects:
        lines += [("", ""), (f"{file}:{suspect.span.line}: {suspect.label}", "bad")]
        for reason in suspect.reasons:
            lines += wrapped(reason, width, "  - ")
        if suspect.repair:
            lines += wrapped("mended: " + suspect.repair, width, "  ", "good")
    lines.append(("", ""))
    return lines + list(wrapped(conclusion(found), width, "", "bad" if found.suspects else ""))


def conclusion(found: Inspection) -> str:
    """What follows from an inspection, as one sentence."""
    if found.suspects:
        return (
            f"{len(found.suspects)} of {found.rows} rows cannot be right as they stand: correct them first. "
            "No totals are printed, for they would count what the paper does not say."
        )
    return (
        f"none of the {found.rows} rows looks wrong, but nothing says how to read them. To have them counted "
        f"and audited, begin the file with `---`, `name: my-network`, `extends: {found.read_as}`, `---`."
    )


def table(found: Inspection) -> Table:
    """The rows that cannot be right."""
    columns = (
        Column("file", "file"),
        Column("line", "line", "integer"),
        Column("row", "row"),
        Column("reasons", "why it cannot be right"),
        Column("repair", "what would mend it"),
    )
    file = file_name(found.file)
    rows = tuple((file, s.span.line, s.label, "; ".join(s.reasons), s.repair) for s in found.suspects)
    return Table("", columns, rows, (), (*found.notes, conclusion(found)))


def as_json(found: Inspection) -> dict[str, Any]:
    """The inspection for scripts: schema 1."""
    return {
        "schema": 1,
        "passed": False,
        "file": file_name(found.file),
        "read_as": found.read_as,
        "rows": found.rows,
        "notes": list(found.notes),
        "suspicious": [
            {
                "line": s.span.line,
                "row": s.label,
                "reasons": list(s.reasons),
                "repair": s.repair or None,
            }
            for s in found.suspects
        ],
    }
