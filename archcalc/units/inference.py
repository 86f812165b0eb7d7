"""How a column of published figures is read: which metric and convention explain most of its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from archcalc.units.published import CONVENTIONS, Convention, Number, Published


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a column: the metric that it prints, and the convention it prints it by."""

    metric: str
    convention: Convention

    def explains(self, published: Published, values: Mapping[str, Number]) -> bool:
        """Whether the cell agrees so read; a metric that the row does not have explains nothing."""
        value = values.get(self.metric)
        return value is not None and published.interval(self.convention).contains(value)

    def __str__(self) -> str:
        return f"{self.metric}, {self.convention}"


@dataclass(frozen=True, slots=True)
class Inference:
    """The reading chosen for a column, and how many of its cells it and the plain one explain."""

    reading: Reading
    explained: int
    cells: int
    plain: Reading
    plain_explained: int

    @property
    def departs(self) -> bool:
        """Whether the column is read otherwise than it says on its face."""
        return self.reading != self.plain


Cell = tuple[Published, Mapping[str, Number]]


def departures(reading: Reading, plain: Reading) -> int:
    """How many of metric, K and rounding `reading` takes otherwise than `plain`: 0 to 3."""
    return (
        (reading.metric != plain.metric)
        + (reading.convention.kilo != plain.convention.kilo)
        + (reading.convention.rounding != plain.convention.rounding)
    )


def readings(metrics: Sequence[str], conventions: Sequence[Convention] = CONVENTIONS) -> list[Reading]:
    """Every reading of a column, plainest first.

    The plain one is the first metric by the first convention; the others follow by the number of
    their `departures` from it, then in the order given.

    Raises ValueError where either list is empty.
    """
    if not metrics or not conventions:
        raise ValueError("a column needs at least one metric and one convention to be read by")
    candidates = [Reading(m, c) for m, c in product(metrics, conventions)]
    return sorted(candidates, key=lambda reading: departures(reading, candidates[0]))


def infer(
    cells: Sequence[Cell],
    metrics: Sequence[str],
    conventions: Sequence[Convention] = CONVENTIONS,
) -> Inference:
    """The reading of a column that explains most of its cells, with a bias for the plain one.

    `metrics` begins with the one that the column declares, `conventions` with the plainest.
    A reading scores one for each cell that it explains, less one for each of its `departures` from
    the plain reading; the best score wins, and of equals the first of `readings`. So one departure
    must explain at least two cells more than the plain reading, two departures three, three four:
    one stray cell never changes how a column is read. Only independent evidence scores: a cell
    that repeats another counts once, and bounds and `about` (not statements about rounding) not at
    all. The counts in the result are over all cells.

    Raises ValueError where `metrics` or `conventions` is empty.
    """
    candidates = readings(metrics, conventions)
    plain = candidates[0]
    distinct = {
        (figure.text, *(values.get(m) for m in metrics)): (figure, values)
        for figure, values in cells
        if figure.bound == "="
    }

    def explained(reading: Reading, among: Sequence[Cell]) -> int:
        return sum(reading.explains(figure, values) for figure, values in among)

    evidence = list(distinct.values())
    best = max(candidates, key=lambda r: explained(r, evidence) - departures(r, plain))
    return Inference(best, explained(best, cells), len(cells), plain, explained(plain, cells))
