"""Figures as papers print them, and as archcalc prints them.

`published` reads a figure as the interval of values that print so; `inference` finds out by which convention
a column was printed; `formatting` is the one place where a number becomes text.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archcalc.units.formatting import (
        brief,
        human,
        human_bytes,
        interval_text,
        lowest_to_highest,
        percent,
        plus_minus,
        quantity,
        ratio,
        share,
        significant,
    )
    from archcalc.units.inference import Cell, Inference, Reading, departures, infer, readings
    from archcalc.units.published import (
        CONVENTIONS,
        PLAIN,
        Bound,
        Convention,
        Number,
        Published,
        PublishedInterval,
        Rounding,
        Unit,
        parse,
    )

__all__ = [
    "CONVENTIONS",
    "PLAIN",
    "Bound",
    "Cell",
    "Convention",
    "Inference",
    "Number",
    "Published",
    "PublishedInterval",
    "Reading",
    "Rounding",
    "Unit",
    "brief",
    "departures",
    "human",
    "human_bytes",
    "infer",
    "interval_text",
    "lowest_to_highest",
    "parse",
    "percent",
    "plus_minus",
    "quantity",
    "ratio",
    "readings",
    "share",
    "significant",
]

_FORMATTING = frozenset(
    {
        "brief",
        "human",
        "human_bytes",
        "interval_text",
        "lowest_to_highest",
        "percent",
        "plus_minus",
        "quantity",
        "ratio",
        "share",
        "significant",
    }
)
_INFERENCE = frozenset({"Cell", "Inference", "Reading", "departures", "infer", "readings"})


def __getattr__(name: str) -> Any:
    """Import on first use: a table prints numbers, and reads no published figure."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "formatting" if name in _FORMATTING else "inference" if name in _INFERENCE else "published"
    return getattr(import_module(f"{__name__}.{home}"), name)
