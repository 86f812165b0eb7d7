"""What a Markdown document holds, each part with its place: `Document`, sections, tables and cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archcalc.document.text import Scalar, key
from archcalc.errors import Span


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: `text` is cleaned of lookalikes and footnote marks, `raw` is what the author wrote."""

    text: str
    raw: str
    span: Span
    footnotes: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether the cell holds nothing, or only the dash that papers print for nothing."""
        return self.text in ("", "-", "--")


@dataclass(frozen=True, slots=True)
class MarkdownTable:
    """A Markdown table. Rows may be ragged: whether a short row is a fault is the spec's to say."""

    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    row_spans: tuple[Span, ...]
    span: Span

    def column(self, name: str) -> int | None:
        """The index of the column whose header reads `name`, blanks and case aside."""
        wanted = key(name)
        for i, cell in enumerate(self.header):
            if key(cell.text) == wanted:
                return i
        return None


@dataclass(frozen=True, slots=True)
class ArchBlock:
    """The lines of a fenced `arch` block, cleaned of lookalikes; `line` is the number of the first of them.

    `raw` are the same lines as the author wrote them, column for column.
    """

    lines: tuple[str, ...]
    raw: tuple[str, ...]
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (none for what stands before the first) with its tables and `arch` blocks."""

    heading: Cell | None
    tables: tuple[MarkdownTable, ...]
    arch: tuple[ArchBlock, ...]


@dataclass(frozen=True, slots=True)
class Footnote:
    """A footnote's text and the place of its definition."""

    name: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A spec's text, taken apart but not yet understood. `start` is its first line."""

    file: str
    front: Mapping[str, Scalar | tuple[Scalar, ...]]
    front_spans: Mapping[str, Span]
    sections: tuple[Section, ...]
    start: Span
    footnotes: Mapping[str, Footnote] = field(default_factory=dict)
    front_keys: Mapping[str, Span] = field(default_factory=dict)
