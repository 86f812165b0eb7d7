"""Figures as papers print them, and as archcalc prints them.

`published` reads a figure as the interval of values that print so; `readings` infers by which convention a
column was printed; `formatting` is the one place where a number becomes text.
"""

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
from archcalc.units.readings import Cell, Inference, Reading, departures, infer, readings

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
