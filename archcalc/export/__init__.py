"""Results -> text: one file a format, and `lines` for reports on a terminal.

Every module of this package is a format and holds one `FORMAT`; `--format`, the files beside a report's
tables and `render` follow from that, so that a new format is one new file.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archcalc.errors import ArchcalcError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archcalc.views.tables import Table


@dataclass(frozen=True, slots=True)
class Format:
    """A format: how a table, or a result's raw data, becomes text.

    A format has either `table` or `data` (JSON: one object for all of a result). `raw` tables hold every
    column with raw values, for programs; a `typeset` one is for pages of a fixed width, where tables of
    sentences have no room. Reports keep each table in the `attached` formats too, in files that end with
    `suffix`.
    """

    title: str
    suffix: str
    table: Callable[[Table], str] | None = None
    data: Callable[[Any], str] | None = None
    raw: bool = False
    typeset: bool = False
    attached: bool = False


def names() -> tuple[str, ...]:
    """The formats by name, in alphabetical order; none is imported for that."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.ispkg))


def get(name: str) -> Format:
    """The format called `name`. Raises `ArchcalcError` where there is none."""
    if name not in names():
        known = names()
        raise ArchcalcError(
            f"`--format {name}`: no format is called so", suggest(name, list(known)) or ", ".join(known)
        )
    module_format: Format = import_module(f"{__name__}.{name}").FORMAT
    return module_format


def render(name: str, tables: Sequence[Table], data: Callable[[], object], wide: bool = False) -> str:
    """A result in the format called `name`: its tables one after the other, or its raw data.

    `wide` keeps extra columns, which raw formats always have. Raises as `get` does.
    """
    chosen = get(name)
    if chosen.data is not None:
        return chosen.data(data())
    assert chosen.table is not None
    kept = tables if wide or chosen.raw else [table.narrow() for table in tables]
    return "\n".join(map(chosen.table, kept))


def attached() -> tuple[Format, ...]:
    """The formats in which reports keep each table."""
    return tuple(f for f in map(get, names()) if f.attached)
