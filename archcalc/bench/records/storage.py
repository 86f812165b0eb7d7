"""A record as a file: written whole or not at all, and read with a message for every fault."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from archcalc.bench.records.codec import CodecError, TruncatedError, decode, encode, parse, render
from archcalc.bench.records.record import SCHEMA, Record
from archcalc.errors import ArchcalcError


def to_json(record: Record) -> str:
    """The record's text: ASCII, sorted, the same bytes for the same record."""
    return render(encode(record)) + "\n"


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
    if schema != SCHEMA:
        newer = "upgrade archcalc" if schema > SCHEMA else "measure again with this version"
        raise ArchcalcError(
            f"{file} has schema version {schema}, this archcalc reads version {SCHEMA}", newer
        )
    try:
        return decode(Record, value)
    except CodecError as error:
        raise ArchcalcError(
            f"{file} is damaged: {error}", "records are not meant to be edited; measure again"
        ) from None


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
    """Raise unless every spec that the record was measured with is the one that is known here.

    `expected` maps a network's name to the SHA-256 of its spec.
    """
    for spec in record.specs:
        if spec.name not in expected:
            raise ArchcalcError(
                f"{file} was measured with a spec that is not known here: `{spec.name}`",
                "give the spec's file, or use the archcalc that measured it",
            )
        if expected[spec.name] != spec.sha256:
            raise ArchcalcError(
                f"{file} was measured with another version of `{spec.name}`",
                "measure again, or use the spec that it was measured with",
            )
