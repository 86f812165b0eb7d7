"""A table as CSV: raw values under the columns' keys.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula. Such a text gets an apostrophe
in front, unless it is a number as it stands (`-5.4%`, `+3`); numbers are written bare, negative ones too.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Final

from archcalc.errors import one_line
from archcalc.export import Format
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table

_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_NUMBER: Final = re.compile(r"[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?\s?[%KMGTBx]?", re.IGNORECASE)


def csv_text(table: Table) -> str:
    """Rows as CSV with raw values under the columns' keys; totals are left to whoever sums them."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(c.key for c in table.columns)
    for row in table.rows:
        writer.writerow(_flat(v, c.kind) for v, c in zip(row, table.columns, strict=True))
    return stream.getvalue()


def _flat(value: Any, kind: str) -> Any:
    if value is None:
        return ""
    if kind in ("shape", "extent"):
        return tables.shape(value)
    return _safe(value) if isinstance(value, str) else tables.plain(value)


def _safe(text: str) -> str:
    """`text` as a spreadsheet shows it, and does not run it."""
    line = one_line(text)
    formula = line.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(line.strip())
    return f"'{line}" if formula else line


FORMAT = Format("CSV", "csv", csv_text, raw=True, attached=True)
