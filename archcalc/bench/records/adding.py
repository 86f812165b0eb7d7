"""Adding to a record: sessions, points, specs, calibrations; what is there already is never dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from archcalc.bench.records.observed import Calibration
from archcalc.bench.records.record import Point, Record, Session, SpecHash, Status
from archcalc.errors import ArchcalcError


def with_session(record: Record, session: Session) -> Record:
    """The record with one session added, or brought up to date if it is there already.

    A session of another environment is refused: its times could not be compared with the others.
    """
    others = [s for s in record.sessions if s.identity != session.identity]
    check_environments([*others, session])
    ordered = sorted([*others, session], key=lambda s: (s.started, s.identity))
    return replace(record, sessions=tuple(ordered))


def check_environments(sessions: Sequence[Session]) -> None:
    """Raise `ArchcalcError` unless all sessions are of one environment."""
    for session in sessions[1:]:
        differ = sessions[0].environment.differences(session.environment)
        if differ:
            raise ArchcalcError(
                "this record was begun in another environment (" + "; ".join(differ) + ")",
                "give another file to --output",
            )


def with_point(record: Record, point: Point) -> Record:
    """The record with one more point.

    One of the same key and specs is replaced where it failed. Where it has no rows and the new one has them,
    it gains them and keeps its raw times, unless the new one has more. Raises ValueError where it is there
    already.
    """
    before = record.point(point.key, point.specs)
    if before is not None and before.status is not Status.FAILED:
        if not point.rows or before.rows:
            raise ValueError(f"already in the record: {point.key.text}")
        point = with_rows(before, point)
    others = [p for p in record.points if p.identity != point.identity]
    ordered = sorted([*others, point], key=lambda p: p.identity)
    return replace(record, points=tuple(ordered))


def with_rows(point: Point, measured: Point) -> Point:
    """`point` with the rows of a later measurement, and of both times those that took more slots."""
    if point.status is not Status.DONE:
        return measured
    kept = measured if _slots(measured) > _slots(point) else point
    session = "" if measured.session == kept.session else measured.session
    return replace(kept, rows=measured.rows, books=measured.books, rows_session=session)


def _slots(point: Point) -> int:
    """How many slots were timed of the networks themselves."""
    pair = sum(len(run.slots_ns) for run in point.pair.runs) if point.pair else 0
    return pair + sum(len(run.slots_ns) for run in point.solo.runs) if point.solo else pair


def with_calibration(record: Record, calibration: Calibration) -> Record:
    """The record with one calibration added, or replaced where it is there already."""
    others = [c for c in record.calibrations if c.order != calibration.order]
    ordered = sorted([*others, calibration], key=lambda c: c.order)
    return replace(record, calibrations=tuple(ordered))


def with_specs(record: Record, specs: Iterable[SpecHash]) -> Record:
    """The record with these specs added; one that was edited is there with each of its hashes."""
    every = {(spec.name, spec.sha256): spec for spec in (*record.specs, *specs)}
    return replace(record, specs=tuple(every[identity] for identity in sorted(every)))
