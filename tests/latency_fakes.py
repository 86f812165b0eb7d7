"""What stands in for measuring processes: a simulated device, and failures on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from archcalc.bench import work
from archcalc.bench.records.record import Environment, Key, Status
from archcalc.bench.runner.tasks import Answer, Task, TaskKind, Watch
from archcalc.bench.stats.nulltest import NullSubjects, null_test
from archcalc.bench.stats.protocol import Protocol
from archcalc.bench.stats.roofline import Ceilings
from archcalc.bench.stats.rounds import measure_pair, measure_solo
from archcalc.bench.stats.simulate import SimulatedDevice, Weather

TINY = Protocol(
    "tiny",
    warm_up_min_s=0.0,
    warm_up_max_s=0.02,
    window_slots=3,
    window_s=0.001,
    slot_s=0.0005,
    min_rounds=6,
    max_rounds=6,
    processes=1,
    max_seconds=0.5,
)
HERE = Environment("cpu", "a CPU", "2 CPUs", "a CPU", 2, "2.0", "", "", "", "3.11", "Linux")

Act = Callable[[Task], Answer | None]


def nothing(task: Task) -> Answer | None:
    return None


@dataclass
class FakeRunner:
    """A process on a simulated device; `act` may answer in its place or raise."""

    act: Act = nothing
    environment: Environment = HERE
    drift: float = 0.0
    asked: list[Task] = field(default_factory=list)
    closed: bool = False
    broken_copy: bool = False

    def __post_init__(self) -> None:
        self.device = SimulatedDevice(Weather(noise=0.0005, drift=self.drift))

    def run(self, task: Task, watch: Watch) -> Answer:
        self.asked.append(task)
        special = self.act(task)
        if special is not None:
            return special
        if task.kind is TaskKind.SETUP:
            return Answer(environment=replace(self.environment))
        key = task.key
        assert key is not None
        if task.kind is TaskKind.CEILINGS:
            return Answer(ceilings=Ceilings(key.precision, 1e12, 1e12, 1e10, 1000.0, key.mode))
        if task.kind is TaskKind.NULL:
            one = self.device.subject(1e6)
            copy = self.device.subject(1.2e6 if self.broken_copy else 1e6)
            subjects = NullSubjects(key.networks[0], one, copy, self.device.subject(1e4))
            made = null_test(subjects, task.protocol, key.device, key.precision, key.mode, task.seed)
            return Answer(null=made)
        return self.measured(task, key, watch)

    def measured(self, task: Task, key: Key, watch: Watch) -> Answer:
        """Time in proportion to the multiply-adds that are counted."""
        counted = [work.instance(source, key) for source in task.sources]
        subjects = [self.device.subject(float(c.counted.total.macs) / 100 + 1e4) for c in counted]
        networks = tuple(c.network for c in counted)
        if len(subjects) == 1:
            solo = measure_solo(subjects[0], task.protocol, key.device, task.process)
            return Answer(networks=networks, solo=solo)
        pair = measure_pair(
            *subjects, task.protocol, key.device, task.seed, task.process,
            watch=lambda n, i: watch("pair", n, i.half_width),
        )  # fmt: skip
        return Answer(networks=networks, pair=pair)

    def close(self) -> None:
        self.closed = True


def out_of_memory(task: Task) -> Answer | None:
    """Batch 32 does not fit."""
    if task.kind is TaskKind.MEASURE and task.key is not None and task.key.batch == 32:
        return Answer(Status.OUT_OF_MEMORY, "tried to allocate 90 GiB")
    return None
