"""A record's file while it is measured into, perhaps by several processes at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from archcalc import files
from archcalc.bench.records import storage
from archcalc.bench.records.adding import check_environments, with_rows
from archcalc.bench.records.record import Point, Record, Status
from archcalc.errors import ArchcalcError

T = TypeVar("T")


class RecordFile:
    """A file that holds a record, or will.

    `save` adds what one process measured to what others have saved meanwhile, so that none loses a point of
    another. A link is followed, not replaced.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read what is there. Raises `ArchcalcError` where it cannot be read, or could not be written."""
        self.path = Path(os.path.realpath(path))
        files.refuse(self.path, force=True)
        self._texts = storage.Texts()
        self._stamp: tuple[int, ...] | None = None
        self._base = Record()
        self._read()

    @property
    def record(self) -> Record:
        """The record as it was last read or written."""
        return self._base

    def save(self, record: Record) -> Record:
        """Write what `record` holds beyond what was last read or written here; the record as it is then.

        Raises `ArchcalcError` where the file cannot be written, was damaged meanwhile, or was begun anew in
        another environment; it is then left as it is.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with files.locked(self.path.parent) as alone:
                before = self._base
                self._read()
                joined = joined_records(before, record, self._base)
                storage.write(self.path, self._texts.record(joined), alone)
                self._base, self._stamp = joined, self._now()
        except OSError as fault:
            hint = "name a file in a folder that you may write to"
            raise ArchcalcError(f"cannot write `{self.path}`: {fault.strerror or fault}", hint) from None
        return joined

    def _read(self) -> None:
        """Take up what another process has written, if any has; what was read already is kept as it is."""
        now = self._now()
        if now is None:  # not begun yet, or taken away: then it is written anew
            self._base = self._base if self._stamp is None else Record()
            return
        if now != self._stamp:
            known = {point.identity: point for point in self._base.points}
            read = storage.load(self.path)
            points = tuple(p if (k := known.get(p.identity)) != p else k for p in read.points)
            self._base, self._stamp = replace(read, points=points), now

    def _now(self) -> tuple[int, ...] | None:
        """What differs between two versions of the file; None where there is no file."""
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return None
        return (state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)


def joined_records(before: Record, ours: Record, theirs: Record) -> Record:
    """`theirs` with what we added to `before` since.

    What both changed: of sessions and calibrations ours, since each has one owner; of points theirs, unless
    it failed and ours did not, or has no rows and ours has. Raises `ArchcalcError` for two environments.
    """
    sessions = _joined(before.sessions, ours.sessions, theirs.sessions, lambda s: s.identity, _ours)
    check_environments(sessions)
    specs = {(s.name, s.sha256): s for s in (*theirs.specs, *ours.specs)}
    points = _joined(before.points, ours.points, theirs.points, lambda p: p.identity, _fuller)
    calibrations = _joined(
        before.calibrations, ours.calibrations, theirs.calibrations, lambda c: c.order, _ours
    )
    return Record(
        specs=tuple(specs[identity] for identity in sorted(specs)),
        sessions=tuple(sorted(sessions, key=lambda s: (s.started, s.identity))),
        points=tuple(sorted(points, key=lambda p: p.identity)),
        calibrations=tuple(sorted(calibrations, key=lambda c: c.order)),
    )


def _joined(
    before: Iterable[T],
    ours: Iterable[T],
    theirs: Iterable[T],
    identity: Callable[[T], Hashable],
    either: Callable[[T, T], T],
) -> list[T]:
    known = {identity(item): item for item in before}
    result = {identity(item): item for item in theirs}
    for item in ours:
        own = identity(item)
        if known.get(own) is item or known.get(own) == item:
            if own not in result:
                result[own] = item  # the file was taken away: nothing that we know is lost
            continue
        result[own] = either(item, result[own]) if own in result else item
    return list(result.values())


def _ours(ours: T, theirs: T) -> T:
    return ours


def _fuller(ours: Point, theirs: Point) -> Point:
    if theirs.status is Status.FAILED:
        return ours
    if ours.rows and not theirs.rows:
        return with_rows(theirs, ours)
    return theirs
