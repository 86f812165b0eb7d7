"""An inspection as lines: the rows that cannot be right, and no totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.export.lines import Line, wrapped
from archcalc.views.audit import display_path
from archcalc.views.inspection import conclusion

if TYPE_CHECKING:
    from archcalc.audit.suspects import Inspection


def report(inspection: Inspection, width: int = 80) -> list[Line]:
    """Each row that cannot be right with its reasons and, where one helps, the shift that repairs it."""
    width = max(60, min(width, 100))
    file = display_path(inspection.file)
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
