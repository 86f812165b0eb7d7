"""Measuring processes on a simulated H100 that take simulated time for all that they do.

The loops that time are the real ones, on slots of a simulated device; what a host does besides (loading
torch, building, autotuning, capturing, profiling) advances the same clock by costs of its own, drawn for each
deed, and not by the formulas of `estimate`. An instant can be set at which everything stops.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from latency_fakes import HERE

from archcalc.bench import work
from archcalc.bench.records.record import Environment, Key, RowResult, Status
from archcalc.bench.runner import estimate
from archcalc.bench.runner.tasks import Answer, Task, TaskKind, Watch
from archcalc.bench.stats.nulltest import NullSubjects, null_test
from archcalc.bench.stats.roofline import Ceilings, predict
from archcalc.bench.stats.rounds import measure_pair, measure_solo
from archcalc.bench.stats.simulate import SimulatedDevice, SimulatedSubject, Weather

H100 = replace(
    HERE, device="cuda", device_name="NVIDIA H100 80GB HBM3", variant="80 GiB, 700 W", driver="580"
)
#: Noise of a slot: the device's own, and what the host's dispatch adds to calls from Python.
WEATHER = {
    "graph": Weather(noise=0.002, wander=0.002, wander_s=0.2),
    "eager": Weather(noise=0.01, spikes=0.01, spike=0.3),
}


class Killed(BaseException):
    """The process group was killed; nothing runs after this."""


class Clock(SimulatedDevice):
    """The simulated device, whose clock goes on for host work too, and that is killed at an instant."""

    def __init__(self, seed: int = 0, host: float = 1.0) -> None:
        super().__init__(WEATHER["graph"], seed)
        self.kill_at: float | None = None
        self.slow = host
        self.deeds = random.Random(f"host {seed}")

    @property
    def seconds(self) -> float:
        return self.now_ns * 1e-9

    def host(self, seconds: float) -> None:
        """The host is busy for about so long."""
        self._advance(round(1e9 * seconds * self.slow * self.deeds.uniform(0.7, 1.2)))

    def _advance(self, took_ns: int) -> None:
        super()._advance(took_ns)
        if self.kill_at is not None and self.seconds >= self.kill_at:
            raise Killed


def ceilings(key: Key) -> Ceilings:
    """As somebody measured on an H100."""
    rate = {"bf16": (798e12, 700e12), "tf32": (420e12, 380e12)}[key.precision]
    launch, wait = (1300.0, None) if key.mode == "graph" else (6500.0, 9000.0)
    return Ceilings(key.precision, *rate, 3.0e12, launch, key.mode, None, wait)


@dataclass
class H100Runner:
    """One measuring process. `done` names the points that it measured to the end."""

    clock: Clock
    done: list[Key]
    environment: Environment = H100
    tuned: set[object] = field(default_factory=set)
    built: set[object] = field(default_factory=set)
    started: bool = False

    def run(self, task: Task, watch: Watch) -> Answer:
        if task.kind is TaskKind.SETUP:
            self.clock.host(8.0 if task.process == 0 else 0.3)  # they load side by side
            self.clock.host(1.2)
            return Answer(environment=self.environment, clocks_locked=False, load=0.1)
        key = task.key
        assert key is not None
        self.clock.weather = WEATHER[key.mode]
        if task.kind is TaskKind.CEILINGS:
            known = key.precision in self.tuned
            self.tuned.add(key.precision)
            self.clock.host(0.6 if known else 11 * 0.22 + 8 * 0.1 + 0.6)
            return Answer(ceilings=ceilings(key))
        networks = [estimate.counted(source, key) for source in task.sources]
        if task.kind is TaskKind.NULL:
            return self.null(networks, key, task)
        return self.measured(networks, key, task)

    def subject(self, network: work.Instance, key: Key) -> SimulatedSubject:
        """Built, autotuned, captured; each deed takes its time."""
        clock, layers = self.clock, len(network.graph.nodes)
        once = (network.name, key.variables, key.fused)
        if once not in self.built:
            self.built.add(once)
            clock.host(0.02 + 0.003 * layers)  # in Python, with weights drawn
        clock.host(0.01 + 0.0008 * layers)
        clock.host(int(network.counted.total.params) * 4 / 5e9)
        for _ in estimate.convolutions(network, key) - self.tuned:
            clock.host(0.12)  # between 0.08 and 0.14
        self.tuned |= estimate.convolutions(network, key)
        run = self.run_ns(network, key)
        count = estimate.inputs(network, key, 50 * 2**20)
        clock.host(count * 8e-6)
        if key.mode == "graph":
            runs = count if count > 1 else int(min(2048, max(1, 2.5e6 / run)))
            kernels = len(network.network.work)
            clock.host((runs + 1) * kernels * 11e-6 + 3 * kernels * 10e-6)
            clock.spend(run * 6)
        return clock.subject(run)

    def run_ns(self, network: work.Instance, key: Key) -> float:
        """Sixty to ninety percent of the roofline, by what is run."""
        share = random.Random(f"{network.name} {key.batch} {key.variables}").uniform(0.6, 0.9)
        return predict(network.network.work, ceilings(key)).total_ns / share

    def null(self, networks: Sequence[work.Instance], key: Key, task: Task) -> Answer:
        least = networks[work.cheaper(networks)]
        one, copy = self.subject(least, key), self.subject(least, key)
        test = NullSubjects(least.name, one, copy, self.clock.subject(2500.0))
        made = null_test(test, task.protocol, key.device, key.precision, key.mode, task.seed, task.process)
        return Answer(null=made)

    def measured(self, networks: Sequence[work.Instance], key: Key, task: Task) -> Answer:
        subjects = [self.subject(network, key) for network in networks]
        pair = solo = None
        if len(subjects) == 2:
            pair = measure_pair(*subjects, task.protocol, key.device, task.seed + task.process, task.process)
        else:
            solo = measure_solo(subjects[0], task.protocol, key.device, task.process)
        self.clock.host(0.1)  # a profile of both
        if task.first:
            for subject in subjects:
                self.clock.host(0.02)
                self.clock.spend(10 * subject.base_ns)
        rows = self.rows(networks, key, task) if task.rows else ()
        self.done.append(key)
        return Answer(
            Status.DONE, networks=tuple(n.network for n in networks), pair=pair, solo=solo, rows=rows
        )

    def rows(self, networks: Sequence[work.Instance], key: Key, task: Task) -> tuple[RowResult, ...]:
        short = replace(task.protocol, warm_up_min_s=0.1, warm_up_max_s=0.5, window_s=0.02, max_seconds=0.5)
        results = []
        for network in networks:
            self.clock.host(0.3)  # the profile in place
            for row in network.counted.rows:
                kernels = network.kernels(row.row.nodes)
                ns = predict(kernels, ceilings(key)).total_ns / 0.6 if kernels else 10_000.0
                run = measure_solo(self.clock.subject(ns), short, key.device, task.process)
                self.clock.host(0.1)
                self.clock.spend(30 * ns)
                shape = tuple(int(n) for n in row.input), tuple(int(n) for n in row.output)
                results.append(
                    RowResult(network.name, row.row.name, *shape, 1, 1, kernels, (run,), round(ns))
                )
        return tuple(results)

    def close(self) -> None:
        """Nothing to end."""
