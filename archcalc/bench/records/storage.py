"""A record as a file: written whole or not at all, and read with a message for every fault."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from archcalc.bench.records.codec import CodecError, TruncatedError, decode, encode, parse, render
from archcalc.bench.records.record import SCHEMA, Record
from archcalc.errors import ArchcalcError

_UNSEALED = "0" * 64
_CHECKSUM = re.compile(r'^ "checksum": "([0-9a-f]{64})"', re.MULTILINE)


def to_json(record: Record) -> str:
    """The record's text: ASCII, sorted, the same bytes for the same record, with a checksum of itself."""
    return seal(encode(record))


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
    """The record in a file."""
    file = Path(path)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise ArchcalcError(f"there is no record {file}", "check the path") from None
    except OSError as error:
        raise ArchcalcError(f"cannot read {file}: {error.strerror or error}") from None
    if not data.strip():
        raise ArchcalcError(f"{file} is empty", "measure again") from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ArchcalcError(
            f"{file} is not a record: it is not text", "records are JSON files that archcalc wrote"
        ) from None
    return from_json(text, str(file))


def save(record: Record, path: str | os.PathLike[str]) -> None:
    """Write the record so that the file is at every moment either the old one or the new one.

    The text goes to a file beside it, is forced to the disk and then takes the name: a crash, a
    full disk or Ctrl-C leaves what was there before. A link is followed, not replaced.
    """
    target = Path(os.path.realpath(path))
    data = to_json(record).encode()
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            with beside.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(beside, target)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise ArchcalcError(
            f"cannot write {path}: {error.strerror or error}",
            "choose another place with --output; what was in the file before is still there",
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make the new name itself last; not every file system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
