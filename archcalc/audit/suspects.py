"""A table that cannot be read as it stands -> which of its rows cannot be right, and what would repair them.

Scans and notes lose blank cells, so that what follows slides left, and gather row numbers and counters. Such
a table is read row by row, with the reading of a spec whose table has the same columns: each row starts from
the size printed above it, so that one bad row does not hide the next. No totals come of it.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.audit.figures import papers
from archcalc.audit.shifts import COSTS, EXACT, INPUT, Read, Reader
from archcalc.document.model import Cell, MarkdownTable
from archcalc.document.text import key
from archcalc.ops.op import JOIN
from archcalc.shapes import as_image
from archcalc.spec import library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archcalc.cost.counts import RowCount
    from archcalc.document.model import Document
    from archcalc.errors import Span
    from archcalc.shapes import Shape
    from archcalc.spec.outline import Outline
    from archcalc.spec.rows import TableRow

_NUMBERED: Final = re.compile(r"(\d{1,4})[.)]?\s+(\S.*)")
_FEWEST: Final = 4  # as many numbers one after the other count as counters
_FAR: Final = 10  # a cost that is off by this factor is no rounding and no convention


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row that cannot be right: why, and the shift of its cells that would repair it, if one does."""

    span: Span
    label: str
    reasons: tuple[str, ...]
    repair: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A table read row by row with the rules of the network `read_as`; `notes` are about columns."""

    file: str
    read_as: str
    rows: int
    notes: tuple[str, ...]
    suspects: tuple[Suspect, ...]


def alike(document: Document) -> tuple[MarkdownTable, Outline] | None:
    """A table of `document` and the shipped network whose table has the same columns; None where none has."""
    models = [o for o in library.shipped() if o.table is not None and o.extends is None]
    for section in document.sections:
        for table in section.tables:
            names = [key(cell.text) for cell in table.header]
            for model in models:
                if model.table is not None and [key(c.text) for c in model.table.header] == names:
                    return table, model
    return None


def inspect(table: MarkdownTable, model: Outline) -> Inspection:
    """The rows of `table` that cannot be right when they are read as `model` reads its own."""
    reader = Reader(table, model)
    notes: list[str] = []
    rows = _unnumbered(table, reader, notes)
    counters = _counters(table, rows, reader, notes)
    sizes = [reader.size(row) for row in rows]
    suspects = []
    given: Shape | None = None
    for i, row in enumerate(rows):
        own = [j for j, where in counters.items() if i in where]
        source, expected = _ends(reader, sizes, i)
        cells = _padded(row, len(reader.headers))
        read = reader.read(cells, source)
        if given not in (None, source) and expected not in (None, _gives(read)):
            # The size above may be the wrong one: what the row above gives may be what this one reads.
            other = reader.read(cells, given)
            read, source = (other, given) if _gives(other) == expected else (read, source)
        given = _gives(read) if not read.faults else None
        ragged = [] if len(row) == len(cells) else [f"it has {len(row)} cells, the header {len(cells)}"]
        reasons = [*ragged, *_reasons(reader, cells, own, sizes[i], read, expected)]
        if reasons:
            repair = reader.repair(cells, own, source, expected)
            suspects.append(Suspect(table.row_spans[i], cells[reader.label].text, tuple(reasons), repair))
    return Inspection(table.span.file, model.name, len(rows), tuple(notes), tuple(suspects))


# -- what runs down all of the table ----------------------------------------------------------------


def _steady(numbers: Sequence[int]) -> bool:
    """Whether numbers only count: each is one more than the one above it."""
    return len(numbers) >= _FEWEST and all(b - a == 1 for a, b in itertools.pairwise(numbers))


def _unnumbered(table: MarkdownTable, reader: Reader, notes: list[str]) -> list[list[Cell]]:
    """The rows without the numbers glued to their labels, where these count down all of the table."""
    rows = [reader.spread(row) for row in table.rows]
    labels = [_NUMBERED.fullmatch(row[reader.label].text) for row in rows if len(row) > reader.label]
    numbers = [int(match[1]) for match in labels if match]
    if len(numbers) != len(rows) or not _steady(numbers):
        return rows
    notes.append(f"the labels carry row numbers, {numbers[0]} to {numbers[-1]}; they are left out here")
    for row, match in zip(rows, labels, strict=True):
        if match:
            row[reader.label] = replace(row[reader.label], text=match[2])
    return rows


def _counters(
    table: MarkdownTable, rows: Sequence[Sequence[Cell]], reader: Reader, notes: list[str]
) -> dict[int, set[int]]:
    """The columns whose numbers only count down the table, and the rows where they stand."""
    columns: dict[int, set[int]] = {}
    for j, header in enumerate(reader.headers):
        cells = [(i, row[j].text) for i, row in enumerate(rows) if j < len(row) and j != reader.label]
        numbers = [(i, int(text)) for i, text in cells if text.isascii() and text.isdecimal()]
        if not _steady([value for _, value in numbers]):
            continue
        columns[j] = {i for i, _ in numbers}
        (first, low), (last, high) = numbers[0], numbers[-1]
        notes.append(
            f"the numbers in `{header}` only count, from {low} to {high} between lines "
            f"{table.row_spans[first].line} and {table.row_spans[last].line}: counters, not sizes"
        )
    return columns


def _ends(
    reader: Reader, sizes: Sequence[tuple[int, Shape] | None], i: int
) -> tuple[Shape | None, Shape | None]:
    """What row `i` reads and gives by the sizes that the table prints; None where it prints none."""
    own = sizes[i]
    if any(c.metric == "input" for column in reader.patterns for c in column):
        after = sizes[i + 1] if i + 1 < len(sizes) else None
        return (own[1] if own else None), (after[1] if after else None)
    before = (0, INPUT) if i == 0 else sizes[i - 1]
    return (before[1] if before else None), (own[1] if own else None)


def _gives(read: Read) -> Shape | None:
    return None if read.counted is None else as_image(read.counted.output)


# -- one row ---------------------------------------------------------------------------------------


def _padded(row: list[Cell], width: int) -> list[Cell]:
    """The row with as many cells as its header has."""
    blank = replace(row[-1], text="", raw="", footnotes=())
    return [*row, *[blank] * width][:width]


def _reasons(
    reader: Reader,
    row: Sequence[Cell],
    counters: Sequence[int],
    size: tuple[int, Shape] | None,
    read: Read,
    expected: Shape | None,
) -> list[str]:
    """What is wrong with a row."""
    reasons: list[str] = []
    if slid := _slid(reader, size):
        reasons.append(slid)
    if read.counted is not None and expected is not None and as_image(read.counted.output) != expected:
        reasons.append(_output(read.counted, expected))
    if counters:
        cells = " and ".join(f"`{row[j].text}` in `{reader.headers[j]}`" for j in counters)
        reasons.append(f"{cells} {'are counters' if len(counters) > 1 else 'is a counter'}")
    misread = [_fault(reader, row, at, why) for at, why in read.faults]
    if reasons and read.counted is not None and read.row is not None:
        misread += _far(read.row, read.counted)
    return [*reasons, "; ".join(misread)] if misread else reasons


def _fault(reader: Reader, row: Sequence[Cell], at: int | None, why: str) -> str:
    """A cell that does not fit its column, and the column that it would fit."""
    if at is None or at == reader.label:
        return why
    text, header = row[at].text, reader.headers[at]
    others = [
        other
        for j, other in enumerate(reader.headers)
        if j != at and any(c.pattern.names != ("",) and c.pattern.match(text) for c in reader.patterns[j])
    ]
    if others:
        return f"`{text}` in `{header}` reads as {' or '.join(f'`{o}`' for o in others)}"
    patterns = " or ".join(f"`{c.pattern.text}`" for c in reader.patterns[at]) or "a number"
    return f"`{text}` in `{header}` does not read as {patterns}"


def _slid(reader: Reader, size: tuple[int, Shape] | None) -> str:
    """Where a size went that stands in the wrong column."""
    claims = [any(c.metric in ("output", "input") for c in patterns) for patterns in reader.patterns]
    if size is None or claims[size[0]]:
        return ""
    own = claims.index(True)
    moved = abs(own - size[0])
    side = "left" if size[0] < own else "right"
    return (
        f"the size is missing from `{reader.headers[own]}`: it stands {moved} column{'s' * (moved > 1)} "
        f"further {side}, and so does what follows it"
    )


def _output(counted: RowCount, expected: Shape) -> str:
    """The size that the columns give, which is not the one that the row prints."""
    output = as_image(counted.output)
    printed = papers(expected)
    if output[0] != expected[0]:
        last = counted.nodes[-1].node.entry
        verb = "concatenate to" if last.role == JOIN and not last.sums else "give"
        return (
            f"as they stand, its columns {verb} {output[0]} channels, but the size it prints, {printed}, "
            f"says {expected[0]}"
        )
    height, width, _ = papers(output).parts
    return f"as they stand, its columns give a grid of {height}x{width}, but it prints {printed}"


def _far(row: TableRow, counted: RowCount) -> Iterator[str]:
    """Published figures of a row that is wrong anyway, and that no convention brings near."""
    for claim in row.claims:
        value = getattr(counted.cost, claim.metric, None)
        if claim.metric in EXACT and claim.text != str(value):
            yield f"`{claim.text}` in `{claim.header}`, where the row has {value}"
        elif claim.metric in COSTS and value:
            try:
                printed = units.parse(claim.text).nominal()
            except ValueError:
                continue
            if not value / _FAR <= printed <= value * _FAR:
                yield f"`{claim.text}` in `{claim.header}`, where the row has {units.human(value)}"
