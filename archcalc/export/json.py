"""A result's raw data as JSON in a stable order."""

from __future__ import annotations

import json
from typing import Any

from archcalc.errors import escaped
from archcalc.export import Format
from archcalc.views import tables


def json_text(value: Any) -> str:
    """JSON in a stable order with raw values; control characters, which terminals obey, are escaped."""
    return escaped(json.dumps(value, indent=2, ensure_ascii=False, default=tables.plain)) + "\n"


FORMAT = Format("JSON", "json", data=json_text)
