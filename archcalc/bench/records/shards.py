"""A sweep in independent parts: which points are whose, what is left to do, and the merge."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from archcalc.bench.records.adding import with_specs
from archcalc.bench.records.observed import Calibration
from archcalc.bench.records.record import Key, Point, Record, Session, Status
from archcalc.errors import ArchcalcError


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` of `count`, both counted from 1: `3/8`."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"no shard {self.index}/{self.count}")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def select(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        """This shard's points, in the order given; all shards together are every point, once.

        Points are dealt in the order of the hashes of their keys: every machine comes to the same
        deal without talking to another, sizes differ by one at most, and the large batches do not
        all fall to one shard, as they would if neighbours were dealt together.
        """
        given = list(dict.fromkeys(keys))
        dealt = sorted(given, key=lambda key: key.digest)
        mine = set(dealt[self.index - 1 :: self.count])
        return tuple(key for key in given if key in mine)


def parse_shard(text: str) -> Shard:
    """`3/8` as a shard; anything else is an error that says what is expected."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
    if match is None:
        raise ArchcalcError(f"`{text[:40]}` is no shard", "write the part and how many there are, as 3/8")
    index, count = int(match[1]), int(match[2])
    if not 1 <= index <= count:
        raise ArchcalcError(f"there is no shard {index}/{count}", f"parts run from 1 to {count}")
    return Shard(index, count)


def remaining(
    keys: Iterable[Key],
    record: Record | None,
    retry_failed: bool = True,
    rows: bool = False,
    belongs: Callable[[Point], bool] = lambda point: True,
) -> tuple[Key, ...]:
    """The points that a resumed sweep still has to measure, in the order given.

    Out of memory and unsupported are answers and stay; a failure is tried again unless `retry_failed` is off.
    With `rows` a point that was measured without its rows is measured again with them. `belongs` says of a
    point that it was measured on what the specs say now; others do not count.
    """
    wanted = tuple(dict.fromkeys(keys))
    asked = set(wanted)
    have = {
        point.key
        for point in (record.points if record else ())
        if point.key in asked
        and not (retry_failed and point.status is Status.FAILED)
        and not (rows and point.status is Status.DONE and not point.rows)
        and belongs(point)
    }
    return tuple(key for key in wanted if key not in have)


def merge(records: Sequence[Record]) -> Record:
    """One record from the shards of a sweep, whatever their order.

    They must come from the same environment; a point of the same specs that occurs twice must be
    identical, except that a failed one gives way to one that did not fail.
    """
    if not records:
        raise ArchcalcError("nothing to merge", "name at least one record")
    specs = Record()
    sessions: dict[str, Session] = {}
    points: dict[tuple[Key, tuple[str, ...]], Point] = {}
    calibrations: dict[tuple[str, ...], Calibration] = {}
    for record in records:
        specs = with_specs(specs, record.specs)
        for session in record.sessions:
            first = next(iter(sessions.values()), session)
            differ = first.environment.differences(session.environment)
            if differ:
                raise ArchcalcError(
                    "records of different environments do not merge (" + "; ".join(differ) + ")",
                    "report them side by side instead",
                )
            if sessions.setdefault(session.identity, session) != session:
                raise ArchcalcError(
                    f"session {session.identity} is in two records with different contents",
                    "one is an earlier copy of the other: merge the later one only",
                )
        for point in record.points:
            points[point.identity] = _either(points.get(point.identity), point)
        for calibration in record.calibrations:
            if calibrations.setdefault(calibration.order, calibration) != calibration:
                raise ArchcalcError(
                    f"session {calibration.session} is in two records with different calibrations",
                    "one is an earlier copy of the other: merge the later one only",
                )
    return Record(
        specs=specs.specs,
        sessions=tuple(sorted(sessions.values(), key=lambda s: (s.started, s.identity))),
        points=tuple(points[identity] for identity in sorted(points)),
        calibrations=tuple(calibrations[order] for order in sorted(calibrations)),
    )


def _either(before: Point | None, point: Point) -> Point:
    """The one to keep of two points with the same key."""
    if before is None or before == point:
        return point
    failed = [p.status is Status.FAILED for p in (before, point)]
    if failed == [True, False]:
        return point
    if failed == [False, True]:
        return before
    if all(failed):  # whichever: what matters is that the order of merging does not
        return min(before, point, key=lambda p: (p.session, p.message))
    raise ArchcalcError(
        f"two different measurements of one point: {point.key.text}",
        "merge the shards of one sweep only",
    )
