"""What a measuring process is asked and what it answers; plain data, so that it can cross a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol as Interface

from archcalc.bench.records.observed import DeviceSamples
from archcalc.bench.records.record import Books, Environment, Key, MeasuredNetwork, RowResult, Status
from archcalc.bench.stats.flags import Flag
from archcalc.bench.stats.nulltest import NullTest
from archcalc.bench.stats.protocol import PairRun, Protocol, SoloRun
from archcalc.bench.stats.roofline import Ceilings

Watch = Callable[[str, int, float], None]  # what is timed, rounds done, relative half-width


class TaskKind(StrEnum):
    """What a task asks for."""

    SETUP = "setup"
    CEILINGS = "ceilings"
    NULL = "null"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True)
class Task:
    """One request. `sources` are the names or files of `key.networks`, as `library.find` takes them.

    `setup` needs only `device`, `threads` and `process`; the rest goes by `key`. `first` marks the process
    that also measures what one process can tell: peak memory and shares in situ. `own` are the ids of all
    processes of this session.
    """

    kind: TaskKind
    protocol: Protocol
    device: str
    threads: int = 0
    process: int = 0
    seed: int = 0
    key: Key | None = None
    sources: tuple[str, ...] = ()
    rows: bool = False
    first: bool = False
    own: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a task: `done` with the parts that it asked for, or a status that says why not.

    `lost`: the device answers no more, and neither will this process. `message` and `hint` are for people.
    `clocks_locked` and `load` come with the environment.
    """

    status: Status = Status.DONE
    message: str = ""
    hint: str = ""
    lost: bool = False
    environment: Environment | None = None
    ceilings: Ceilings | None = None
    null: NullTest | None = None
    networks: tuple[MeasuredNetwork, ...] = ()
    pair: PairRun | None = None
    solo: SoloRun | None = None
    rows: tuple[RowResult, ...] = ()
    books: tuple[Books, ...] = ()
    flags: tuple[Flag, ...] = ()
    samples: DeviceSamples | None = None
    clocks_locked: bool | None = None
    load: float | None = None


class Runner(Interface):
    """One measuring process, or what stands in for it."""

    def run(self, task: Task, watch: Watch) -> Answer:
        """Carry out one task, calling `watch` now and then."""

    def close(self) -> None:
        """End the process; harmless when it is over already."""
