"""The record of measurements: everything that a report needs, and nothing that follows from it.

A record holds raw slot times, never medians or verdicts: those are computed again from the raw
times whenever it is rendered, so that a report on a machine without a GPU is the same, byte for
byte, and a better statistic can be applied to old measurements. One record is one environment;
it may hold several sessions (a resumed sweep, merged shards), each with its own null tests and
ceilings, and every point names the session in which it was measured.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import pairwise
from typing import Any

from archcalc.bench.records.codec import encode, render
from archcalc.bench.records.observed import Calibration, DeviceSamples, HostCost, KernelTime
from archcalc.bench.stats.fields import OPTIONAL
from archcalc.bench.stats.flags import Flag
from archcalc.bench.stats.nulltest import NullTest, verdicts_refused
from archcalc.bench.stats.protocol import PairRun, Protocol, SoloRun
from archcalc.bench.stats.roofline import Ceilings, Work
from archcalc.display import Displayed
from archcalc.errors import ArchcalcError

SCHEMA = 2  # of what is written; 1 is read too
HEAPS = ("steady", "default")
CACHES = ("warm", "cold")


@dataclass(frozen=True, slots=True)
class Environment:
    """What was measured on. Sessions share a record only where all but the last two fields agree:
    nodes of one cluster may differ in Python and kernel, which no slot time contains.

    Versions are texts as the libraries print them; `cuda`, `cudnn` and `driver` are empty on a CPU.
    `threads` are torch's intra-op threads.
    """

    device: str  # cpu or cuda
    device_name: str
    variant: str  # what the name does not say: memory, power limit, MIG slice
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
    sorted; `fused` says that batch normalisation was folded. `heap` is how the measuring process manages
    its memory: `steady`, with thresholds that do not move, as archcalc has always set them; `default`, as the
    C library does by itself. `caches` are `cold` where the inputs rotate through more memory than the
    last-level cache holds, else `warm`.
    """

    networks: tuple[str, ...]
    device: str
    batch: int
    precision: str
    mode: str
    layout: str
    fused: bool = False
    variables: tuple[tuple[str, str], ...] = ()
    heap: str = field(default="steady", metadata=OPTIONAL)
    caches: str = field(default="warm", metadata=OPTIONAL)

    def __post_init__(self) -> None:
        if len(self.networks) not in (1, 2):
            raise ValueError("a point has one network or two")
        if self.batch < 1:
            raise ValueError("a batch starts at 1")
        if list(self.variables) != sorted(dict(self.variables).items()):
            raise ValueError("variables must be sorted, and each set once")
        if self.heap not in HEAPS or self.caches not in CACHES:
            raise ValueError(f"a heap is one of {', '.join(HEAPS)}; caches are one of {', '.join(CACHES)}")

    @property
    def text(self) -> str:
        """The key on one line, for people."""
        parts = [" vs ".join(self.networks), self.device, f"batch {self.batch}", self.precision]
        parts += [self.mode, self.layout]
        parts += ["fused"] if self.fused else []
        parts += [f"{self.heap} heap"] if self.heap != "steady" else []
        parts += [f"{self.caches} caches"] if self.caches != "warm" else []
        parts += [f"{name}={value}" for name, value in self.variables]
        return ", ".join(parts)

    @property
    def conditions(self) -> tuple[object, ...]:
        """What orders the points of a network or pair: 16 before 64 before 256, which texts do not."""
        settings = tuple(
            (name, float(text) if text.replace(".", "", 1).isdecimal() else 0.0, text)
            for name, text in self.variables
        )
        made = (self.layout, self.fused, self.heap, self.caches)
        return (self.device, self.precision, self.mode, *made, settings, self.batch)

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
    measured (None where it was not measured). `kernels` are what the profiler names in one forward pass
    (sorted by name), `host` what the host spends on it, `energy_mj` the millijoules that it takes, the idle
    board's included, at this batch.
    """

    name: str
    macs: int
    bytes: int
    work: tuple[Work, ...] = ()
    memory_counted: int | None = None
    memory_peak: int | None = None
    kernels: tuple[KernelTime, ...] = field(default=(), metadata=OPTIONAL)
    host: HostCost | None = field(default=None, metadata=OPTIONAL)
    energy_mj: float | None = field(default=None, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        _not_negative(self, "macs", "bytes", "memory_counted", "memory_peak", "energy_mj")


def _not_negative(owner: object, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value is not None and value < 0:
            raise ValueError(f"`{name}` cannot be negative")


def _one_for_each_process(runs: Sequence[PairRun] | Sequence[SoloRun]) -> None:
    if not runs:
        raise ValueError("a result without runs")
    if len({run.process for run in runs}) != len(runs):
        raise ValueError("two runs of the same process")


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two networks timed against each other, a run for each process."""

    old: MeasuredNetwork
    new: MeasuredNetwork
    runs: tuple[PairRun, ...]

    def __post_init__(self) -> None:
        _one_for_each_process(self.runs)

    @property
    def mu(self) -> float:
        """MACs(new) / MACs(old). Raises `ArchcalcError` where the old network has none."""
        if self.old.macs < 1:
            raise ArchcalcError(
                f"`{self.old.name}` does no multiply-adds: there is no arithmetic to save",
                "measure the two networks without `--pair`",
            )
        return self.new.macs / self.old.macs


@dataclass(frozen=True, slots=True)
class SoloResult:
    """One network timed alone, a run for each process."""

    network: MeasuredNetwork
    runs: tuple[SoloRun, ...]

    def __post_init__(self) -> None:
        _one_for_each_process(self.runs)


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row of a network: alone at its real input shape, and inside the network.

    Shapes without the batch; `macs`, `bytes` and `work` for the point's batch. `isolated` are runs
    of the row alone (what verdicts use); `in_situ_ns` its share of one forward pass (what shares
    use), None where it was not attributed. The kernel names are sorted, without doubles; `kernels` are
    those in situ with their counts and times, `host` what the host spends on the row alone.
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
    kernels: tuple[KernelTime, ...] = field(default=(), metadata=OPTIONAL)
    host: HostCost | None = field(default=None, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        _one_for_each_process(self.isolated)
        _not_negative(self, "macs", "bytes", "in_situ_ns")

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

    def __post_init__(self) -> None:
        _not_negative(self, "kernels_ns", "gaps_ns")
        if self.total_ns < 1:
            raise ValueError("a forward pass takes some time")

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
    """One point of a sweep: what became of it, and what was measured where it was done.

    `specs` are the SHA-256 of what was measured, in the order of `key.networks`; empty where an old record
    does not say. Two points may share a key where these differ: a spec was edited in between. `rows_session`
    names the session of the rows where that is another one. `samples` are the device's own, by process.
    """

    key: Key
    session: str
    status: Status
    message: str = ""
    pair: PairResult | None = None
    solo: SoloResult | None = None
    rows: tuple[RowResult, ...] = ()
    books: tuple[Books, ...] = ()
    flags: tuple[Flag, ...] = ()
    specs: tuple[str, ...] = field(default=(), metadata=OPTIONAL)
    rows_session: str = field(default="", metadata=OPTIONAL)
    samples: tuple[DeviceSamples, ...] = field(default=(), metadata=OPTIONAL)

    def __post_init__(self) -> None:
        if self.specs and len(self.specs) != len(self.key.networks):
            raise ValueError(f"a hash for each network, or none: {self.key.text}")
        measured = self.pair is not None or self.solo is not None or bool(self.rows)
        if self.status is Status.DONE and not measured:
            raise ValueError(f"a point that is done holds a result: {self.key.text}")
        if self.status is not Status.DONE and not self.message:
            raise ValueError(f"a point that is {self.status} says why: {self.key.text}")

    @property
    def identity(self) -> tuple[Key, tuple[str, ...]]:
        """What was measured, and of which specs; a record holds each once."""
        return self.key, self.specs


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a measuring command: how it was called, and how far it can be trusted.

    `identity` is unique among sessions; `started` is an ISO 8601 time in UTC; `shard` as `3/8`, or
    empty. `clocks_locked` says whether the device holds its clocks at a fixed rate (None: it was not asked),
    `load` is the machine's before measuring, in busy CPUs (None: not noted).
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
    clocks_locked: bool | None = field(default=None, metadata=OPTIONAL)
    load: float | None = field(default=None, metadata=OPTIONAL)

    def refuses(self, key: Key) -> bool:
        """True where verdicts on points at this precision and mode must be withheld."""
        return verdicts_refused(self.null_tests, key.precision, key.mode)

    @property
    def failed_null_tests(self) -> tuple[NullTest, ...]:
        """The null tests that did not pass."""
        return tuple(test for test in self.null_tests if not test.passed)


@dataclass(frozen=True, slots=True, repr=False)
class Record(Displayed):
    """A file of measurements. Specs, sessions, points and calibrations are sorted and each occurs once.

    A spec that was edited between two measurements is there with both of its hashes.
    """

    schema: int = SCHEMA
    specs: tuple[SpecHash, ...] = ()
    sessions: tuple[Session, ...] = ()
    points: tuple[Point, ...] = ()
    calibrations: tuple[Calibration, ...] = field(default=(), metadata=OPTIONAL)

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema}, expected {SCHEMA}")
        _in_order("spec", [(spec.name, spec.sha256) for spec in self.specs])
        _in_order("session", [(s.started, s.identity) for s in self.sessions])
        _in_order("point", [point.identity for point in self.points])
        _in_order("calibration", [calibration.order for calibration in self.calibrations])
        known = {session.identity for session in self.sessions}
        if len(known) != len(self.sessions):
            raise ValueError("two sessions with the same identity")
        for session in self.sessions[1:]:
            differ = self.sessions[0].environment.differences(session.environment)
            if differ:
                raise ValueError("sessions of different environments: " + "; ".join(differ))
        for point in self.points:
            for name in (point.session, point.rows_session or point.session):
                if name not in known:
                    raise ValueError(f"no session {name!r:.80}, named by {point.key.text}")
        for calibration in self.calibrations:
            if calibration.session not in known:
                raise ValueError(f"no session {calibration.session!r:.80}, named by a calibration")

    def __repr__(self) -> str:
        device = self.sessions[0].environment.device_name if self.sessions else "no device"
        return f"Record({len(self.points)} points in {len(self.sessions)} sessions on {device})"

    def point(self, key: Key, specs: tuple[str, ...] | None = None) -> Point | None:
        """The point with this key, if there is one; of these specs (their SHA-256), or of any if None."""
        same = (point for point in self.points if point.key == key)
        return next((point for point in same if specs is None or point.specs == specs), None)

    def session(self, point: Point) -> Session:
        """The session in which a point of this record was measured."""
        return next(s for s in self.sessions if s.identity == point.session)

    def rows_session(self, point: Point) -> Session:
        """The session in which the rows of a point were measured."""
        return next(s for s in self.sessions if s.identity == (point.rows_session or point.session))


def _in_order(what: str, names: Sequence[Any]) -> None:
    if any(not a < b for a, b in pairwise(names)):
        raise ValueError(f"each {what} must occur once, in sorted order")
