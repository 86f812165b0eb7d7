"""One row of a table read by itself and leniently, and the shift of its cells that would repair it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.audit import entries, figures
from archcalc.cost import counts
from archcalc.document.model import Cell, MarkdownTable
from archcalc.document.text import key, number
from archcalc.errors import SpecError
from archcalc.shapes import as_image
from archcalc.spec import lower, spec
from archcalc.spec.statements import Header, Statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from archcalc.cost.counts import RowCount
    from archcalc.shapes import Shape
    from archcalc.spec.outline import Outline
    from archcalc.spec.rows import TableRow
    from archcalc.spec.statements import ColumnStatement

#: In the place of a shape: the input of the network itself.
INPUT: Final[Shape] = (0, 0, 0)
EXACT: Final = ("depth", "layers", "depth_with_pools")
COSTS: Final = ("weights", "params", "macs", "flops")
_MOST_BLANKS: Final = 3


@dataclass(frozen=True, slots=True)
class Read:
    """A row as far as it can be read: what is wrong, by column (None: with the row), and what it costs.

    `row` is the row with its claims; it and `counted` are None where the row cannot be built.
    """

    faults: tuple[tuple[int | None, str], ...]
    counted: RowCount | None
    row: TableRow | None = None


class Reader:
    """Reads rows of `table` one at a time, as `model` reads the rows of its own."""

    def __init__(self, table: MarkdownTable, model: Outline) -> None:
        self.table = table
        self.model = replace(model, heads=None)
        self.headers = [cell.text for cell in table.header]
        self.patterns: list[list[ColumnStatement]] = [
            [c for c in model.statements.columns if key(c.header) == key(h)] for h in self.headers
        ]
        match = model.statements.match
        self.label = (table.column(match.text) if match else 0) or 0

    def spread(self, row: Sequence[Cell]) -> list[Cell]:
        """The row's cells; one that is printed across the columns of all variants stands in each of them."""
        spare = {key(name) for name in self.model.alternatives}
        missing = len(self.headers) - len(row)
        if row and missing > 0 and {key(h) for h in self.headers[len(row) - 1 :]} <= spare:
            return [*row, *[row[-1]] * missing]
        return list(row)

    def fits(self, column: int, text: str) -> bool:
        """Whether a cell of this text may stand in a column: by its patterns, or as a number."""
        if text in ("", "-", "--"):
            return True
        patterns = self.patterns[column]
        if not patterns:
            return isinstance(number(text), int)
        fit = next((c for c in patterns if c.pattern.match(text) is not None), None)
        if fit is None or fit.metric not in (*EXACT, *COSTS):
            return fit is not None
        return _figure(next(iter((fit.pattern.match(text) or {"": ""}).values()))) is not None

    def size(self, row: Sequence[Cell]) -> tuple[int, Shape] | None:
        """The column and value of the size that a row prints, wherever it stands."""
        columns = [c for patterns in self.patterns for c in patterns if c.metric in ("output", "input")]
        for at, cell in enumerate(row[: len(self.headers)]):
            for column in columns:
                parts = column.pattern.match(cell.text) if at != self.label else None
                if parts is None or len(parts) < 2:
                    continue
                named = (
                    parts
                    if set(parts) <= set(entries.PARTS)
                    else dict(zip(entries.PARTS, parts.values(), strict=False))
                )
                numbers = {part: number(text) for part, text in named.items()}
                values = {part: n for part, n in numbers.items() if isinstance(n, int) and n > 0}
                if {"h", "c"} <= set(values) and len(values) == len(numbers):
                    return at, (values["c"], values["h"], values.get("w", values["h"]))
        return None

    def read(self, row: Sequence[Cell], source: Shape | None) -> Read:
        """The row on an input of shape `source`; a cell that cannot be read is taken as blank.

        Where `source` is None, or the row cannot be built by itself, nothing is counted.
        """
        cells = list(row)
        faults: list[tuple[int | None, str]] = []
        for _ in cells:
            try:
                made = self._spec(cells)
                if source is None:
                    return Read(tuple(faults), None)
                graph = lower.build(made) if source == INPUT else lower.build_on(made, source)
                return Read(tuple(faults), counts.count(graph).rows[0], made.rows[0])
            except SpecError as fault:
                at = self._column(cells, fault)
                if at is None or at == self.label or not cells[at].text:
                    if fault.span is not None and fault.span.line == cells[0].span.line:
                        faults.append((at, fault.message))
                    return Read(tuple(faults), None)
                faults.append((at, fault.message))
                cells[at] = replace(cells[at], text="")
        return Read(tuple(faults), None)

    def _spec(self, cells: Sequence[Cell]) -> spec.Spec:
        alone = MarkdownTable(self.table.header, (tuple(cells),), (cells[0].span,), self.table.span)
        parent = Header(self.model.name, self.model.span)
        child = replace(
            self.model, name="", table=alone, statements=Statements(extends=parent), alternatives=()
        )
        return spec.build(child, lambda name, by: self.model)

    def _column(self, cells: Sequence[Cell], fault: SpecError) -> int | None:
        spot = fault.span
        if spot is None:
            return None
        places = [cell.span for cell in cells]
        return next(
            (
                i
                for i, own in enumerate(places)
                if own.line == spot.line and own.start <= spot.start < max(own.end, own.start + 1)
            ),
            None,
        )

    # -- repairs --------------------------------------------------------------------------------

    def repair(
        self, row: Sequence[Cell], counters: Collection[int], source: Shape | None, expected: Shape | None
    ) -> str:
        """The shift that makes sense of a row: without its counters, and with blanks put back.

        Of the shifts with which the row gives the size that it prints, that one with which most published
        costs come out, and of these the one with the fewest blanks. "" where there is none.
        """
        if source is None or expected is None:
            return ""
        best: tuple[tuple[int, int], list[str], tuple[int, ...], TableRow, RowCount] | None = None
        for texts, blanks in self._shifts(row, counters):
            if not all(self.fits(j, text) for j, text in enumerate(texts) if j != self.label):
                continue
            cells = [replace(cell, text=text) for cell, text in zip(row, texts, strict=True)]
            read = self.read(cells, source)
            if read.row is None or read.counted is None or read.faults:
                continue
            if not self._sound(read.row, read.counted, expected):
                continue
            held = agreeing(read.row, read.counted) + len(exact(read.row, read.counted))
            rank = (-held, len(blanks))
            if best is None or rank < best[0]:
                best = (rank, texts, blanks, read.row, read.counted)
        if best is None or (not best[2] and not counters):
            return ""
        return self._repair_text(row, counters, *best[1:])

    def _shifts(
        self, row: Sequence[Cell], counters: Collection[int]
    ) -> Iterator[tuple[list[str], tuple[int, ...]]]:
        """The row's texts without counters, with up to three blanks put in, and where these went."""
        kept = [cell.text for j, cell in enumerate(row) if j not in counters and j != self.label]
        room = len(self.headers) - 1
        for many in range(_MOST_BLANKS + 1):
            for places in itertools.combinations(range(room), many):
                texts = list(kept)
                for place in places:
                    texts.insert(place, "")
                if any(texts[room:]) or any(place >= len(texts) for place in places):
                    continue
                texts = [*texts, *[""] * room][:room]
                texts.insert(self.label, row[self.label].text)
                columns = (place if place < self.label else place + 1 for place in places)
                yield texts, tuple(columns)

    def _sound(self, row: TableRow, counted: RowCount, expected: Shape) -> bool:
        """Whether the row gives the size that it prints, and prints its own size and depth."""
        if as_image(counted.output) != expected:
            return False
        return all(claimed == value for claimed, value in exact(row, counted))

    def _repair_text(
        self,
        row: Sequence[Cell],
        counters: Collection[int],
        texts: list[str],
        blanks: tuple[int, ...],
        repaired: TableRow,
        counted: RowCount,
    ) -> str:
        steps = []
        if counters:
            steps.append("drop " + " and ".join(f"`{row[j].text}`" for j in sorted(counters)))
        if blanks:
            steps.append("put a blank into " + " and ".join(f"`{self.headers[j]}`" for j in blanks))
        line = "| " + " | ".join(text for j, text in enumerate(texts) if j != self.label) + " |"
        result = f"{' and '.join(steps)}: `{line}` gives {figures.papers(counted.output)}"
        good = agreeing(repaired, counted)
        claimed = [c for c in repaired.claims if c.metric in COSTS]
        if claimed and good == len(claimed):
            costs = " and ".join(
                f"{units.human(getattr(counted.cost, c.metric))} {c.metric}" for c in claimed
            )
            result += f" and, as printed, {costs}"
        lost = [
            header
            for header, text, patterns in zip(self.headers, texts, self.patterns, strict=True)
            if not text and any(c.metric in COSTS for c in patterns) and claimed
        ]
        return result + (f"; its {' and '.join(lost)} are lost" if lost else "")


def exact(row: TableRow, counted: RowCount) -> list[tuple[int, int]]:
    """What a row claims without any rounding (its depth), and what it has."""
    pairs = []
    for claim in row.claims:
        claimed = number(claim.text) if claim.metric in EXACT else None
        if isinstance(claimed, int):
            pairs.append((claimed, getattr(counted.cost, claim.metric, claimed)))
    return pairs


def agreeing(row: TableRow, counted: RowCount) -> int:
    """How many of a row's published costs come out under some K and rounding."""
    total = 0
    for claim in row.claims:
        if claim.metric in COSTS:
            published = _figure(claim.text)
            value = getattr(counted.cost, claim.metric)
            total += any(published and published.interval(c).contains(value) for c in units.CONVENTIONS)
    return total


def _figure(text: str) -> units.Published | None:
    try:
        return units.parse(text)
    except ValueError:
        return None
