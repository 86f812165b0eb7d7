"""Points -> record: every point in every process, saved after each, resumable; no torch here."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from typing import Protocol as Interface

from archcalc.bench import work
from archcalc.bench.records.adding import with_point, with_session, with_specs
from archcalc.bench.records.record import (
    Environment,
    Key,
    PairResult,
    Point,
    Record,
    RowResult,
    Session,
    SoloResult,
    SpecHash,
    Status,
)
from archcalc.bench.records.shards import remaining
from archcalc.bench.runner import pool
from archcalc.bench.runner.plan import Conditions
from archcalc.bench.runner.tasks import Answer, Runner, Task, TaskKind, Watch
from archcalc.bench.stats.protocol import Protocol
from archcalc.bench.stats.roofline import Ceilings
from archcalc.errors import ArchcalcError
from archcalc.version import __version__


class Progress(Interface):
    """What a long command shows meanwhile; `Silent` shows nothing."""

    def begin(self, steps: int) -> None:
        """So many steps lie ahead: each measuring of a point in one process, each null test."""

    def show(self, what: str) -> None:
        """What is going on now."""

    def advance(self) -> None:
        """A step is done."""

    def finish(self, what: str) -> None:
        """A point is finished and saved; `what` says how it ended, where it is not done."""


class Silent:
    """No progress."""

    def begin(self, steps: int) -> None:
        """Show nothing."""

    def show(self, what: str) -> None:
        """Show nothing."""

    def advance(self) -> None:
        """Show nothing."""

    def finish(self, what: str) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to measure, and how. `sources` gives the name or file of each network in `keys`.

    `threads` 0 leaves torch its own choice, `seconds` ends the work before a point that would start later.
    """

    keys: tuple[Key, ...]
    sources: Mapping[str, str]
    device: str
    protocol: Protocol
    seed: int = 0
    threads: int = 0
    rows: bool = False
    command: tuple[str, ...] = ()
    shard: str = ""
    seconds: float | None = None


def measure(
    job: Job,
    record: Record | None = None,
    save: Callable[[Record], Record | None] = lambda record: None,
    progress: Progress | None = None,
    runners: Sequence[Runner] | None = None,
) -> Record:
    """The record with every point of `job` that it lacked; `save` is called after each one.

    What `save` returns, such as the record with what other processes have added, takes the record's place.
    `runners` are fresh processes unless given. Raises `ArchcalcError` where nothing can be measured at all
    (no device, another environment, a spec that changed); what was saved stands. Ctrl-C gets through.
    """
    record, progress = record or Record(), progress or Silent()
    now = work.Fingerprints(job.sources)
    todo = remaining(job.keys, record, rows=job.rows, belongs=now.belongs)
    names = sorted({name for key in todo for name in key.networks})
    record = with_specs(record, [SpecHash(name, now.spec(name)) for name in names])
    if not todo:
        return record
    kinds = {(key.precision, key.mode) for key in todo}
    count = job.protocol.processes if runners is None else len(runners)
    progress.begin(1 + 2 * len(kinds) + count * len(todo))
    with _running(job, runners) as processes:
        return _Course(job, processes, record, save, progress, now).over(todo)


@contextlib.contextmanager
def _running(job: Job, runners: Sequence[Runner] | None) -> Iterator[Sequence[Runner]]:
    processes = runners
    if processes is None:
        heaps = {key.heap for key in job.keys}
        if len(heaps) > 1:
            raise ArchcalcError("one session has one heap", "measure each heap by a command of its own")
        processes = pool.start(job.protocol.processes, job.threads, *heaps)
    try:
        yield processes
    finally:
        for runner in processes:
            runner.close()


class _Course:
    """One session on its way."""

    def __init__(
        self,
        job: Job,
        runners: Sequence[Runner],
        record: Record,
        save: Callable[[Record], Record | None],
        progress: Progress,
        now: work.Fingerprints,
    ) -> None:
        self.now = now
        self.job, self.runners, self.record = job, runners, record
        self.save, self.progress = save, progress
        self.own = tuple(r.pid for r in runners if isinstance(r, pool.Process))
        self.prepared: set[tuple[str, str]] = set()
        self.begun = time.monotonic()

    def over(self, todo: Sequence[Key]) -> Record:
        self.session = self.set_up()
        self.record = with_session(self.record, self.session)
        for key in todo:
            if self.late():
                break
            if not remaining((key,), self.record, rows=self.job.rows, belongs=self.now.belongs):
                continue  # another process has measured it meanwhile
            point = replace(self.point(key), specs=self.specs(key))
            self.record = with_point(self.record, point)
            self.record = self.save(self.record) or self.record
            ended = "" if point.status is Status.DONE else f"{key.text}: {point.status}: {point.message}"
            self.progress.finish(ended)
        return self.record

    def specs(self, key: Key) -> tuple[str, ...]:
        """The hashes of what is measured, as a point that gains its rows or failed before has them."""
        before = (p.specs for p in self.record.points if p.key == key and self.now.belongs(p))
        return next(before, self.now.key(key))

    def late(self) -> bool:
        limit = self.job.seconds
        return limit is not None and time.monotonic() - self.begun >= limit

    def set_up(self) -> Session:
        self.progress.show("starting")
        answers = [
            runner.run(self.task(TaskKind.SETUP, None, process), self.watch(""))
            for process, runner in enumerate(self.runners)
        ]
        self.progress.advance()
        for answer in answers:
            if answer.status is not Status.DONE or answer.environment is None:
                raise ArchcalcError(answer.message, answer.hint)
        environment = answers[0].environment
        assert environment is not None
        return Session(
            identity=uuid.uuid4().hex,
            started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            archcalc=__version__,
            command=self.job.command,
            seed=self.job.seed,
            shard=self.job.shard,
            environment=environment,
            protocol=self.job.protocol,
            clocks_locked=answers[0].clocks_locked,
            load=answers[0].load,
        )

    def task(self, kind: TaskKind, key: Key | None, process: int = 0) -> Task:
        job = self.job
        return Task(
            kind=kind,
            protocol=job.protocol,
            device=job.device,
            threads=job.threads,
            process=process,
            seed=job.seed,
            key=key,
            sources=tuple(job.sources[name] for name in key.networks) if key else (),
            rows=job.rows,
            first=process == 0,
            own=(os.getpid(), *self.own),
        )

    def watch(self, lead: str) -> Watch:
        def report(what: str, rounds: int, half_width: float) -> None:
            so_far = f", round {rounds}, ±{half_width:.1%}" if rounds else ""
            self.progress.show(f"{lead}{what}{so_far}")

        return report

    def prepare(self, key: Key) -> None:
        """The ceilings and the null test of a precision and mode, before its first point."""
        kind = (key.precision, key.mode)
        if kind in self.prepared:
            return
        self.prepared.add(kind)
        lead = f"{key.precision}, {key.mode}: "
        ceilings = self.ask(self.task(TaskKind.CEILINGS, key), self.watch(lead)).ceilings
        null = self.ask(self.task(TaskKind.NULL, key), self.watch(lead))
        session = self.session
        if ceilings is not None:
            session = replace(session, ceilings=(*session.ceilings, ceilings))
        if null.null is not None:
            flags = tuple(dict.fromkeys((*session.flags, *null.flags)))
            session = replace(session, null_tests=(*session.null_tests, null.null), flags=flags)
        self.session = session
        self.record = with_session(self.record, session)
        self.record = self.save(self.record) or self.record

    def ask(self, task: Task, watch: Watch) -> Answer:
        """An answer; raises `ArchcalcError` where the device is gone."""
        answer = self.runners[task.process].run(task, watch)
        self.progress.advance()
        if answer.lost:
            raise ArchcalcError(answer.message, answer.hint)
        return answer

    def point(self, key: Key) -> Point:
        """One point, in every process."""
        self.prepare(key)
        answers: list[Answer] = []
        for process in range(len(self.runners)):
            lead = f"process {process + 1} of {len(self.runners)}: " if len(self.runners) > 1 else ""
            answer = self.ask(
                self.task(TaskKind.MEASURE, key, process),
                self.watch(f"{key.precision}, {key.mode}, batch {key.batch}: {lead}"),
            )
            if answer.status is not Status.DONE:
                return Point(key, self.session.identity, answer.status, answer.message or "no reason given")
            answers.append(answer)
        return _point(key, self.session.identity, answers)


def _point(key: Key, session: str, answers: Sequence[Answer]) -> Point:
    """The answers of all processes as one point; what one process alone can tell is the first's."""
    first = answers[0]
    pairs = tuple(a.pair for a in answers if a.pair is not None)
    solos = tuple(a.solo for a in answers if a.solo is not None)
    return Point(
        key=key,
        session=session,
        status=Status.DONE,
        pair=PairResult(first.networks[0], first.networks[1], pairs) if pairs else None,
        solo=SoloResult(first.networks[0], solos) if solos else None,
        rows=_rows([a.rows for a in answers]),
        books=first.books,
        flags=tuple(dict.fromkeys(flag for a in answers for flag in a.flags)),
        samples=tuple(a.samples for a in answers if a.samples is not None),
    )


def _rows(processes: Sequence[tuple[RowResult, ...]]) -> tuple[RowResult, ...]:
    """Each row of the first process with the isolated runs of all."""
    runs: dict[tuple[str, str], list[RowResult]] = {}
    for results in processes:
        for row in results:
            runs.setdefault((row.network, row.row), []).append(row)
    return tuple(
        replace(row, isolated=tuple(run for other in runs[row.network, row.row] for run in other.isolated))
        for row in processes[0]
    )


def ceilings(
    where: Conditions, protocol: Protocol, threads: int, progress: Progress
) -> tuple[tuple[Ceilings, ...], Environment, tuple[str, ...]]:
    """The ceilings of each precision and mode in one fresh process, with what did not work."""
    process = pool.Process(threads)
    measured, problems = [], []
    progress.begin(1 + len(where.precisions) * len(where.modes))
    try:
        task = Task(TaskKind.SETUP, protocol, where.device, threads)
        answer = process.run(task, lambda what, rounds, half: None)
        if answer.status is not Status.DONE or answer.environment is None:
            raise ArchcalcError(answer.message, answer.hint)
        environment = answer.environment
        progress.advance()
        for precision, mode in product(where.precisions, where.modes):
            progress.show(f"ceilings: {precision}, {mode}")
            key = Key(("device",), where.device, 1, precision, mode, where.layouts[0])
            answer = process.run(
                replace(task, kind=TaskKind.CEILINGS, key=key), lambda what, rounds, half: None
            )
            progress.advance()
            if answer.ceilings is not None:
                measured.append(answer.ceilings)
            else:
                problems.append(f"{precision}, {mode}: {answer.status}: {answer.message}")
    finally:
        process.close()
    return tuple(measured), environment, tuple(problems)
