"""A record as a file: written in one step or not at all, and read with a message for every fault."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from archcalc import files
from archcalc.bench.records.codec import CodecError, Rendered, TruncatedError, decode, encode, parse, render
from archcalc.bench.records.record import SCHEMA, Point, Record, Session
from archcalc.errors import ArchcalcError

#: The most bytes of a record that are read or written; a pair in five processes of 1280 rounds takes 0.3 MB.
LARGEST = 100_000_000
_UNSEALED = "0" * 64
_CHECKSUM = re.compile(r'^ "checksum": "([0-9a-f]{64})"', re.MULTILINE)


def to_json(record: Record) -> str:
    """The record's text: ASCII, sorted, the same bytes for the same record, with a checksum of itself."""
    return Texts().record(record)


class Texts:
    """The texts of records that share most of their sessions and points; the text of each is made once."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Session | Point, Rendered]] = {}

    def record(self, record: Record) -> str:
        """As `to_json`. Only what this record holds is remembered for the next one."""
        parts: tuple[Session | Point, ...] = (*record.sessions, *record.points)
        self._made = {id(part): (part, self._text(part)) for part in parts}
        value = encode(replace(record, sessions=(), points=(), calibrations=()))
        value["sessions"] = [self._made[id(session)][1] for session in record.sessions]
        value["points"] = [self._made[id(point)][1] for point in record.points]
        if record.calibrations:
            value["calibrations"] = [encode(calibration) for calibration in record.calibrations]
        return seal(value)

    def _text(self, part: Session | Point) -> Rendered:
        made = self._made.get(id(part))
        return made[1] if made else Rendered(render(encode(part), "  "))


def seal(value: Mapping[str, Any]) -> str:
    """The text of a record's JSON value. Its `checksum` is the SHA-256 (hex) of the text with zeros there."""
    text = render({**value, "checksum": _UNSEALED}) + "\n"
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return _CHECKSUM.sub(f' "checksum": "{checksum}"', text, count=1)


def _is_intact(text: str, checksum: object) -> bool:
    """True where a record's text has its own checksum; line ends may be those of another system."""
    text = text.replace("\r\n", "\n")
    unsealed = _CHECKSUM.sub(f' "checksum": "{_UNSEALED}"', text, count=1)
    return unsealed != text and checksum == hashlib.sha256(unsealed.encode()).hexdigest()


def from_json(text: str, file: str = "the record") -> Record:
    """The record that a text holds; `ArchcalcError` names `file` and what is wrong with it."""
    try:
        value = parse(text)
    except TruncatedError:
        raise ArchcalcError(
            f"{file} is cut off in the middle",
            "copy it again from where it was measured, or measure again",
        ) from None
    except ValueError as error:
        problem = f"{file} is not a record: {error}"
        raise ArchcalcError(problem, "records are JSON files that archcalc wrote") from None
    schema = value.get("schema") if isinstance(value, dict) else None
    if type(schema) is not int:
        raise ArchcalcError(
            f"{file} is not a record: it does not say its schema",
            "records are JSON files that archcalc wrote",
        )
    if not 1 <= schema <= SCHEMA:
        newer = "upgrade archcalc" if schema > SCHEMA else "measure again with this version"
        raise ArchcalcError(
            f"{file} has schema version {schema}, this archcalc reads versions 1 to {SCHEMA}", newer
        )
    sealed = schema > 1 or "checksum" in value
    if sealed and not _is_intact(text, value.pop("checksum", None)):
        raise ArchcalcError(
            f"{file} is damaged: its checksum is not that of its contents",
            "copy it again from where it was measured, or measure again; records cannot be edited",
        )
    try:
        record = decode(Record, {**value, "schema": SCHEMA})
        return record if schema > 1 else _upgraded(record)
    except CodecError as error:
        raise ArchcalcError(
            f"{file} is damaged: {error}", "records are not meant to be edited; measure again"
        ) from None


def _upgraded(record: Record) -> Record:
    """A record of schema 1, whose points did not yet say of which specs they are: of those of the record."""
    hashes = {spec.name: spec.sha256 for spec in record.specs}
    points = tuple(
        replace(p, specs=tuple(hashes[n] for n in p.key.networks))
        if all(n in hashes for n in p.key.networks)
        else p
        for p in record.points
    )
    return replace(record, points=points)


def load(path: str | os.PathLike[str]) -> Record:
    """The record in a file. Raises `ArchcalcError` where there is none, or none that can be read."""
    file = Path(path)
    if not os.path.lexists(file):
        raise ArchcalcError(f"there is no record {file}", "check the path")
    return from_bytes(files.read(file, LARGEST), str(file))


def from_bytes(data: bytes, file: str = "the record") -> Record:
    """The record that a file's bytes hold; `ArchcalcError` names `file` and what is wrong with it."""
    if not data.strip():
        raise ArchcalcError(f"{file} is empty", "measure again") from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ArchcalcError(
            f"{file} is not a record: it is not text", "records are JSON files that archcalc wrote"
        ) from None
    return from_json(text, file)


def save(record: Record, path: str | os.PathLike[str]) -> None:
    """Write the record in place of what is there, in one step; a link is followed, not replaced.

    For a record that other processes may write to as well see `RecordFile`. Raises `ArchcalcError` where the
    file cannot be written.
    """
    write(Path(os.path.realpath(path)), to_json(record))


def write(path: Path, text: str, alone: bool | None = None) -> None:
    """Write a record's text; `alone` as `files.write` takes it. Raises `ArchcalcError` for one too large."""
    if len(text) > LARGEST:
        raise ArchcalcError(
            f"{path} would be larger than {LARGEST / 1e6:.0f} MB, which is too large to read again",
            "begin another record with --output; what was in the file before is still there",
        )
    files.write(path, text, force=True, alone=alone)


def check_specs(record: Record, expected: Mapping[str, str], file: str = "the record") -> None:
    """Raise unless every network of the record was measured with the spec that is known here.

    `expected` maps a network's name to the SHA-256 of its spec. A record may hold other versions beside it.
    """
    hashes: dict[str, set[str]] = {}
    for spec in record.specs:
        hashes.setdefault(spec.name, set()).add(spec.sha256)
    for name, known in hashes.items():
        if name not in expected:
            raise ArchcalcError(
                f"{file} was measured with a spec that is not known here: `{name}`",
                "give the spec's file, or use the archcalc that measured it",
            )
        if expected[name] not in known:
            raise ArchcalcError(
                f"{file} was measured with another version of `{name}`",
                "measure again, or use the spec that it was measured with",
            )
