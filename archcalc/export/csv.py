"""A table as CSV: raw values under the columns' keys."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from archcalc.export import Format
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table


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
    return tables.shape(value) if kind in ("shape", "extent") else tables.plain(value)


FORMAT = Format("CSV", "csv", csv_text, raw=True, attached=True)
