"""A table of results before it is rendered: raw values, and what kind of value each column holds.

Terminal, Markdown, LaTeX, CSV and JSON are all made from this one thing, so that they cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc import units
from archcalc.errors import one_line
from archcalc.numbers import Array, every

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archcalc.graph.graph import Node
    from archcalc.numbers import Number


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `key` names it to scripts, `header` to people.

    `kind` is text, count (12.3M), integer, bytes, ratio, percent, shape, extent (height and width in
    pixels), milliseconds, or printed (text that is aligned as a number). `extra` columns are left out where
    the room is short.
    """

    key: str
    header: str
    kind: str = "text"
    extra: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", one_line(self.key))
        object.__setattr__(self, "header", one_line(self.header))

    @property
    def numeric(self) -> bool:
        """Whether the column is aligned to the right."""
        return self.kind != "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of raw values under columns; `totals` are set apart below them.

    `marks` flags rows for the eye (`good`, `bad`, `dim`) by index. `notes` say scope and conventions, and
    are printed under the table. Texts of documents are made safe to print here and in `text`.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    totals: tuple[tuple[Any, ...], ...] = ()
    notes: tuple[str, ...] = ()
    marks: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", one_line(self.title))
        object.__setattr__(self, "notes", tuple(map(one_line, self.notes)))

    def narrow(self) -> Table:
        """The table without its extra columns."""
        kept = [i for i, column in enumerate(self.columns) if not column.extra]

        def cut(row: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(row[i] for i in kept)

        return Table(
            self.title,
            tuple(self.columns[i] for i in kept),
            tuple(map(cut, self.rows)),
            tuple(map(cut, self.totals)),
            self.notes,
            self.marks,
        )


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio that stands in a column of another kind."""

    value: Number


def text(value: Any, column: Column) -> str:
    """A value as people read it: `163.3K`, `256x28x28`, `0.72`; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Ratio):
        return _range(value.value, units.ratio)
    return _range(value, _KINDS.get(column.kind, str))


def _range(value: Any, form: Callable[[Any], str]) -> str:
    """A number, or the least and the largest of an array."""
    if not isinstance(value, Array):
        return form(value)
    values = value.flat()
    return f"{form(min(values))} to {form(max(values))}"


def shape(value: Any) -> str:
    """Channels, height and width as torch orders them: `256x28x28`."""
    return "x".join(str(part) for part in value)


def _all_one(*sizes: Number) -> bool:
    return all(every(size == 1) for size in sizes)


def describe(node: Node) -> str:
    """A layer as a spec writes it: `conv 3x3/2 g2`."""
    op, attrs = node.op, node.attrs
    if node.entry.window is None:
        return op
    stride = "" if _all_one(*attrs.stride) else f"/{attrs.stride[0]}"
    groups = "" if _all_one(attrs.groups) else f" g{attrs.groups}"
    return f"{op} {attrs.kernel[0]}x{attrs.kernel[1]}{stride}{groups}"


_KINDS: dict[str, Callable[[Any], str]] = {
    "count": units.human,
    "integer": str,
    "bytes": units.human_bytes,
    "ratio": units.ratio,
    "percent": units.percent,
    "shape": shape,
    "extent": shape,
    "milliseconds": lambda v: f"{float(v):.3f}",
}


def plain(value: Any) -> Any:
    """A value as JSON holds it: exact integers stay, fractions become floats, shapes lists."""
    if isinstance(value, Ratio):
        value = value.value
    if isinstance(value, Array):
        return plain(value.flat())
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value


def records(table: Table) -> dict[str, Any]:
    """A table's rows as JSON objects under the columns' keys: schema 1."""
    keys = [c.key for c in table.columns]
    return {
        "schema": 1,
        "rows": [dict(zip(keys, map(plain, row), strict=True)) for row in table.rows],
    }
