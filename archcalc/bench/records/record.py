"""The record of measurements: everything that a report needs, and nothing that can be reckoned.

A record holds raw slot times, never medians or verdicts: those are reckoned again from the raw
times whenever it is rendered, so that a report on a machine without a GPU is the same, byte for
byte, and a better statistic can be applied to old measurements. One record is one environment;
it may hold several sessions (a resumed sweep, merged shards), each with its own null tests and
ceilings, and every point names the session in which it was measured.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from archcalc.bench.records.codec import encode, render
from archcalc.bench.stats.flags import Flag
from archcalc.bench.stats.nulltest import NullTest, verdicts_refused
from archcalc.bench.stats.protocol import PairRun, Protocol, SoloRun
from archcalc.bench.stats.roofline import Ceilings, Work
from archcalc.errors import ArchcalcError

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Environment:
    """What was measured on. Sessions share a record only where all but the last two fields agree:
    nodes of one cluster may differ in Python and kernel, which no slot time contains.

    Versions are texts as the libraries print them; `cuda`, `cudnn` and `driver` are empty on a CPU.
    `threads` are torch's intra-op threads.
    """

    device: str  # cpu or cuda
    device_name: str
    variant: str  # what the name does not tell: memory, power limit, MIG slice
    cpu: str
    threads: int
    torch: str
    cuda: str
    cudnn: str
    driver: str
    python: str
    platform: str

    def differences(self, other: Environment) -> tuple[str, ...]:
        """The fields that matter in which two environments differ, as `name: this, that`."""
        names = (f.name for f in fields(self) if f.name not in ("python", "platform"))
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in names)
        return tuple(f"{name}: {a}, {b}" for name, a, b in pairs if a != b)


@dataclass(frozen=True, slots=True)
class SpecHash:
    """A network's spec at the time of measuring: its name and the SHA-256 of its text (hex)."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"not a SHA-256 in lower-case hex: {self.sha256[:80]!r}")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a point measures; two points with the same key are the same measurement.

    `networks` is one name, or old and new; `variables` are (name, value) pairs set in the spec,
    sorted; `fused` says that batch normalisation was folded.
    """

    networks: tuple[str, ...]
    device: str
    batch: int
    precision: str
    mode: str
    layout: str
    fused: bool = False
    variables: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(self.networks) not in (1, 2):
            raise ValueError("a point has one network or two")
        if self.batch < 1:
            raise ValueError("a batch starts at 1")
        if list(self.variables) != sorted(dict(self.variables).items()):
            raise ValueError("variables must be sorted, and each set once")

    @property
    def text(self) -> str:
        """The key on one line, for people."""
        parts = [" vs ".join(self.networks), self.device, f"batch {self.batch}", self.precision]
        parts += [self.mode, self.layout]
        parts += ["fused"] if self.fused else []
        parts += [f"{name}={value}" for name, value in self.variables]
        return ", ".join(parts)

    @property
    def conditions(self) -> tuple[object, ...]:
        """What orders the points of a network or pair: 16 before 64 before 256, which texts do not."""
        settings = tuple(
            (name, float(text) if text.replace(".", "", 1).isdecimal() else 0.0, text)
            for name, text in self.variables
        )
        return (self.device, self.precision, self.mode, self.layout, self.fused, settings, self.batch)

    @property
    def digest(self) -> bytes:
        """A hash that is the same on every machine; shards are dealt by it."""
        return hashlib.sha256(render(encode(self)).encode()).digest()


class Status(StrEnum):
    """How a point ended."""

    DONE = "done"
    OUT_OF_MEMORY = "out-of-memory"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MeasuredNetwork:
    """What was counted on the very instance that was measured, and its memory (bytes).

    `macs` multiply-adds and `bytes` memory traffic of one forward pass at this batch; `work` its
    kernels for the roofline. `memory_counted` and `memory_peak` are peak memory, counted and
    measured (None where it was not measured).
    """

    name: str
    macs: int
    bytes: int
    work: tuple[Work, ...] = ()
    memory_counted: int | None = None
    memory_peak: int | None = None


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two networks timed against each other, a run for each process."""

    old: MeasuredNetwork
    new: MeasuredNetwork
    runs: tuple[PairRun, ...]

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("a pair without runs")
        if len({run.process for run in self.runs}) != len(self.runs):
            raise ValueError("two runs of the same process")

    @property
    def mu(self) -> float:
        """MACs(new) / MACs(old)."""
        if self.old.macs < 1:
            raise ValueError(f"{self.old.name} does no multiply-adds")
        return self.new.macs / self.old.macs


@dataclass(frozen=True, slots=True)
class SoloResult:
    """One network timed alone, a run for each process."""

    network: MeasuredNetwork
    runs: tuple[SoloRun, ...]


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row of a network: alone at its real input shape, and inside the whole.

    Shapes without the batch; `macs`, `bytes` and `work` for the point's batch. `isolated` are runs
    of the row alone (what verdicts use); `in_situ_ns` its share of one forward pass (what shares
    use), None where it was not attributed. The kernel names are sorted, without doubles.
    """

    network: str
    row: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    macs: int
    bytes: int
    work: tuple[Work, ...]
    isolated: tuple[SoloRun, ...]
    in_situ_ns: int | None
    isolated_kernels: tuple[str, ...] = ()
    in_situ_kernels: tuple[str, ...] = ()

    @property
    def same_kernels(self) -> bool:
        """False where isolation ran other kernels than the network: then no verdict on the row."""
        return self.isolated_kernels == self.in_situ_kernels


@dataclass(frozen=True, slots=True)
class Books:
    """One forward pass in situ (ns): kernels that have a row + gaps + the rest = total."""

    network: str
    total_ns: int
    kernels_ns: int
    gaps_ns: int

    @property
    def unattributed_ns(self) -> int:
        """What neither a row nor a gap accounts for."""
        return self.total_ns - self.kernels_ns - self.gaps_ns

    @property
    def closed(self) -> bool:
        """True where the rest is within 2% of the total."""
        return abs(self.unattributed_ns) <= 0.02 * self.total_ns


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a sweep: what became of it, and what was measured where it was done."""

    key: Key
    session: str
    status: Status
    message: str = ""
    pair: PairResult | None = None
    solo: SoloResult | None = None
    rows: tuple[RowResult, ...] = ()
    books: tuple[Books, ...] = ()
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        measured = self.pair is not None or self.solo is not None or bool(self.rows)
        if self.status is Status.DONE and not measured:
            raise ValueError(f"a point that is done holds a result: {self.key.text}")
        if self.status is not Status.DONE and not self.message:
            raise ValueError(f"a point that is {self.status} says why: {self.key.text}")


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a measuring command: how it was called, and how far it can be trusted.

    `identity` is unique among sessions; `started` is an ISO 8601 time in UTC; `shard` as `3/8`, or
    empty.
    """

    identity: str
    started: str
    archcalc: str
    command: tuple[str, ...]
    seed: int
    shard: str
    environment: Environment
    protocol: Protocol
    ceilings: tuple[Ceilings, ...] = ()
    null_tests: tuple[NullTest, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def refused(self) -> bool:
        """True where verdicts on this session's points must be withheld."""
        return verdicts_refused(self.null_tests)


@dataclass(frozen=True, slots=True)
class Record:
    """A file of measurements. Specs, sessions and points are sorted and each occurs once."""

    schema: int = SCHEMA
    specs: tuple[SpecHash, ...] = ()
    sessions: tuple[Session, ...] = ()
    points: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema}, expected {SCHEMA}")
        _in_order("spec", [spec.name for spec in self.specs])
        _in_order("session", [(s.started, s.identity) for s in self.sessions])
        _in_order("point", [point.key for point in self.points])
        known = {session.identity for session in self.sessions}
        if len(known) != len(self.sessions):
            raise ValueError("two sessions with the same identity")
        for session in self.sessions[1:]:
            differ = self.sessions[0].environment.differences(session.environment)
            if differ:
                raise ValueError("sessions of different environments: " + "; ".join(differ))
        for point in self.points:
            if point.session not in known:
                raise ValueError(f"no session {point.session!r:.80}, named by {point.key.text}")

    def point(self, key: Key) -> Point | None:
        """The point with this key, if there is one."""
        return next((point for point in self.points if point.key == key), None)

    def session(self, point: Point) -> Session:
        """The session in which a point of this record was measured."""
        return next(s for s in self.sessions if s.identity == point.session)


def _in_order(what: str, names: Sequence[Any]) -> None:
    if any(not a < b for a, b in pairwise(names)):
        raise ValueError(f"each {what} must occur once, in sorted order")


def with_session(record: Record, session: Session) -> Record:
    """The record with one session added, or brought up to date if it is there already.

    A session of another environment is refused: its times could not be compared with the others.
    """
    others = [s for s in record.sessions if s.identity != session.identity]
    differ = others[0].environment.differences(session.environment) if others else ()
    if differ:
        raise ArchcalcError(
            "this record was begun in another environment (" + "; ".join(differ) + ")",
            "give another file to --output",
        )
    ordered = sorted([*others, session], key=lambda s: (s.started, s.identity))
    return replace(record, sessions=tuple(ordered))


def with_point(record: Record, point: Point) -> Record:
    """The record with one more point. One with the same key is replaced where it failed, or where it has no
    rows and the new one has them; others stand."""
    before = record.point(point.key)
    fuller = before is not None and bool(point.rows) and not before.rows
    if before is not None and before.status is not Status.FAILED and not fuller:
        raise ValueError(f"already in the record: {point.key.text}")
    others = [p for p in record.points if p.key != point.key]
    ordered = sorted([*others, point], key=lambda p: p.key)
    return replace(record, points=tuple(ordered))


def with_specs(record: Record, specs: Iterable[SpecHash]) -> Record:
    """The record with these specs added; a name that is there with another hash is an error."""
    found = {spec.name: spec for spec in record.specs}
    for spec in specs:
        if found.setdefault(spec.name, spec) != spec:
            raise ArchcalcError(
                f"`{spec.name}` was measured with two different specs",
                "restore the spec, or begin another record with --output",
            )
    return replace(record, specs=tuple(found[name] for name in sorted(found)))
