"""Lines of a Markdown table -> cells, each with its column, so that an error can point at it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from archcalc.document.model import Cell, MarkdownTable
from archcalc.document.text import clean
from archcalc.errors import Span, SpecError

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_ROWS: Final = 1_000
MAX_COLUMNS: Final = 100
MAX_CELL: Final = 1_000
MAX_CELLS: Final = 20_000

_FOOTNOTE: Final = re.compile(r"\[\^([^\]\s]+)\]")
_TORN: Final = re.compile(r"\[\^\S*|\^\w+\]")  # what is left of a mark with one bracket


class TableReader:
    """Reads tables from a document's lines; notes in `marks` where each footnote is first referred to."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        self.file = file
        self.lines = lines
        self.marks: dict[str, Span] = {}
        self.count = 0  # cells read so far

    def span(self, line: int, start: int = 0, end: int | None = None) -> Span:
        """Columns `start` to `end` of a line, counted from 0; its end where `end` is None."""
        source = self.lines[line] if line < len(self.lines) else ""
        start = min(start, len(source))
        stop = len(source) if end is None else min(end, len(source))
        return Span(self.file, line + 1, start, max(stop, start + 1), source)

    def mark(self, line: int, start: int, end: int) -> tuple[str, ...]:
        """The footnotes to which a stretch of a line refers; notes where the first of each stands."""
        marks = list(_FOOTNOTE.finditer(self.lines[line], start, end))
        for match in marks:
            self.marks.setdefault(match[1], self.span(line, *match.span()))
        return tuple(match[1] for match in marks)

    def table(self, tokens: Sequence[Token], at: int) -> MarkdownTable:
        """The table whose `table_open` is token `at`. Raises `SpecError` at the first cell over a limit."""
        rows: list[tuple[Cell, ...]] = []
        spans: list[Span] = []
        for token in tokens[at + 1 :]:
            if token.type == "table_close":
                break
            if token.type == "tr_open" and token.map:
                rows.append(self.cells(token.map[0]))
                spans.append(self.span(token.map[0]))
                if len(rows) > MAX_ROWS + 1:
                    raise SpecError(
                        f"this table has more than {MAX_ROWS:,} rows", spans[-1], "split the table"
                    )
        return MarkdownTable(rows[0], tuple(rows[1:]), tuple(spans[1:]), spans[0])

    def cells(self, line: int) -> tuple[Cell, ...]:
        """The cells of a table's line, split as GitHub splits them: at each `|` not escaped."""
        source = self.lines[line]
        bars = [i for i, c in enumerate(source) if c == "|" and _escapes(source, i) % 2 == 0]
        edges = [-1, *bars, len(source)]
        pieces = [(a + 1, b) for a, b in itertools.pairwise(edges)]
        if pieces and not source[slice(*pieces[0])].strip():
            pieces = pieces[1:]
        if len(pieces) > 1 and not source[slice(*pieces[-1])].strip():
            pieces = pieces[:-1]
        if len(pieces) > MAX_COLUMNS:
            spot = self.span(line, pieces[MAX_COLUMNS][0], pieces[MAX_COLUMNS][1])
            raise SpecError(f"this row has more than {MAX_COLUMNS} cells", spot, "split the table")
        self.count += len(pieces)
        if self.count > MAX_CELLS:
            hint = "a spec holds a paper's tables, not data; split the document"
            raise SpecError(f"a document of more than {MAX_CELLS:,} cells", self.span(line), hint)
        return tuple(self.cell(line, start, end) for start, end in pieces)

    def cell(self, line: int, start: int, end: int) -> Cell:
        """The cell between two bars, which stand before `start` and at `end`."""
        raw = self.lines[line][start:end]
        if len(raw) > MAX_CELL:
            raise SpecError(
                f"this cell is longer than {MAX_CELL:,} characters",
                self.span(line, start, end),
                "move prose into a footnote",
            )
        stripped = raw.strip()
        begin = start + (len(raw) - len(raw.lstrip()) if stripped else 0)
        text = clean(_FOOTNOTE.sub("", stripped.replace("\\|", "|")))
        span = self.span(line, begin, begin + len(stripped))
        if torn := _TORN.search(text):
            at = self.lines[line].find(torn.group(), start)
            spot = self.span(line, at, at + len(torn.group())) if at >= 0 else span
            raise SpecError("a footnote's mark reads `[^name]`", spot, "close its brackets, or remove it")
        return Cell(text, stripped, span, self.mark(line, start, end))

    def mismatched(self, line: int) -> SpecError:
        """The error for a line of dashes that does not fit the header above it."""
        header, rule = len(self.cells(line - 1)), len(self.cells(line))
        return SpecError(
            f"this table's header has {header} cell{'s' * (header != 1)} and the line under it {rule}",
            self.span(line),
            "give the line of dashes one `---` for each column: `|" + "---|" * min(header, 20) + "`",
        )


def _escapes(source: str, at: int) -> int:
    """How many backslashes stand right before position `at`."""
    count = 0
    while at - count - 1 >= 0 and source[at - count - 1] == "\\":
        count += 1
    return count
