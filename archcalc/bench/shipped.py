"""Saved measurements by name: the records that are shipped, and files of the user's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.errors import ArchcalcError, suggest
from archcalc.files import shipped_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.bench.records.record import Record


def folder() -> Path:
    """Where the shipped records lie: inside an installed package, or in `reports` of a checkout."""
    return shipped_folder("recorded", "reports/records")


def shipped() -> dict[str, Path]:
    """The shipped records by their short names."""
    return {path.stem: path for path in sorted(folder().glob("*.json"))}


def find(name: str) -> Path:
    """The file of the record called `name`: a shipped one's short name, or a path.

    Raises `ArchcalcError` where there is neither.
    """
    path = Path(name)
    if path.is_file() or "/" in name or name.endswith(".json"):
        return path
    known = shipped()
    if name in known:
        return known[name]
    names = ", ".join(known) or "none"
    raise ArchcalcError(
        f"no record is called `{name}`",
        suggest(name, list(known)) or f"name a file, or one that is shipped: {names}",
    )


def load(name: str, sources: Mapping[str, str] | None = None) -> Record:
    """The record called `name`, checked against the specs that are known here.

    Points that were measured before a spec was edited are left out, where the spec was measured again since.
    `sources` gives names or files of specs by the names of their networks, for those that are not shipped.
    Raises `ArchcalcError` for a record that is missing, damaged, of another schema, or of other specs.
    """
    from archcalc.bench import work
    from archcalc.bench.records import storage

    path = find(name)
    record = storage.load(path)
    expected: dict[str, str] = {}
    now = work.Fingerprints(sources or {})
    for spec in record.specs:
        try:
            expected[spec.name] = now.spec(spec.name)
        except ArchcalcError:
            continue  # unknown here: `check_specs` says so
    storage.check_specs(record, expected, str(path))
    return replace(record, points=tuple(point for point in record.points if now.belongs(point)))
