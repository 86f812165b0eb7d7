"""How long a session will take, before it starts, from what is counted and a device's and its host's speeds.

A sum over processes and points of what `measurer` does for each: build, autotune, capture, warm up, time,
note. The speeds are guesses on the careful side until a record of the device is there; what they are for is a
plan whose steps fit into the minutes that a machine is lent for. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from archcalc.bench import work
from archcalc.bench.records.record import Key
from archcalc.bench.runner.session import Job
from archcalc.bench.stats.protocol import Protocol
from archcalc.bench.stats.roofline import Ceilings, predict
from archcalc.bench.stats.rounds import looks

_BYTES = {"fp32-ieee": 4, "tf32": 4, "bf16": 2, "fp16": 2}


@dataclass(frozen=True)
class Speeds:
    """What a device and its host take; seconds unless said. The defaults are an H100's, guessed carefully.

    `arithmetic`: FLOP/s by precision; `reached`: the share of the roofline that a network reaches.
    `launch_ns` and `scatter` (relative, of a slot) by mode. `start`: processes load torch side by side;
    `context`: each sets up its device by itself. `tune`: cuDNN tries its algorithms for a convolution that is
    new to the process. `build`: a network, for each of its layers, in Python; `ceilings`: of a precision, and
    again for another mode; `kernel_ns`: a kernel called from Python, also while a graph is captured;
    `profile`: one profile; `host_bytes`: bytes/s from the host's memory to the device's.
    """

    arithmetic: Mapping[str, float] = field(
        default_factory=lambda: {"bf16": 600e12, "fp16": 600e12, "tf32": 300e12, "fp32-ieee": 40e12}
    )
    bandwidth: float = 2.8e12
    reached: float = 0.5
    launch_ns: Mapping[str, float] = field(
        default_factory=lambda: {"graph": 1500.0, "eager": 8000.0, "compile": 8000.0}
    )
    scatter: Mapping[str, float] = field(default_factory=lambda: {"graph": 0.002, "eager": 0.01})
    wait_ns: float = 10_000.0
    cache: int = 50 * 2**20
    start: float = 9.0
    context: float = 1.5
    tune: float = 0.12
    build: float = 0.004
    kernel_ns: float = 12_000.0
    profile: float = 0.1
    host_bytes: float = 3e9
    ceilings: float = 4.0
    ceilings_again: float = 1.0

    def run_ns(self, network: work.Instance, key: Key) -> float:
        """ns of one forward pass."""
        rate, launch = self.arithmetic[key.precision] * self.reached, self.launch_ns[key.mode]
        wait = None if key.mode == "graph" else self.wait_ns
        limits = Ceilings(
            key.precision, rate, rate, self.bandwidth * self.reached, launch, key.mode, None, wait
        )
        return predict(network.network.work, limits).total_ns


@lru_cache(maxsize=1024)
def counted(source: str, key: Key) -> work.Instance:
    """What is counted for a network at a point; kept, since plans ask again and again."""
    return work.instance(source, key)


def convolutions(network: work.Instance, key: Key) -> frozenset[object]:
    """The convolutions that autotuning tells apart: each size of map, kernel and width once."""
    shapes = set()
    for node in network.graph.nodes:
        if node.entry.weighted and node.entry.window is not None:
            a, before = node.attrs, network.graph.shape(node.inputs[0])
            shapes.add((str(before), str(node.shape), a.kernel, a.stride, a.pad, a.dilation, a.groups))
    return frozenset((shape, key.batch, key.precision, key.layout) for shape in shapes)


def input_bytes(network: work.Instance, key: Key) -> int:
    """Bytes of one input."""
    return key.batch * math.prod(int(n) for n in network.graph.input) * _BYTES[key.precision]


def inputs(network: work.Instance, key: Key, cache: int) -> int:
    """How many inputs take turns."""
    size = input_bytes(network, key)
    return 1 if key.caches == "warm" else max(1, min(math.ceil(1.5 * cache / size), 2**16, 2**30 // size))


@dataclass
class Estimate:
    """The seconds of one process's work, point after point, and what it has done once for all."""

    speeds: Speeds
    protocol: Protocol
    first: bool = True
    tuned: set[object] = field(default_factory=set)
    built: set[object] = field(default_factory=set)
    profiled: set[object] = field(default_factory=set)

    def point(self, networks: Sequence[work.Instance], key: Key) -> float:
        """Seconds of one point."""
        runs = [self.speeds.run_ns(each, key) * 1e-9 for each in networks]
        pairs = list(zip(networks, runs, strict=True))
        return (
            sum(self.prepare(network, key) + self.capture(network, run, key) for network, run in pairs)
            + self.timed(runs, key)
            + self.note(networks, runs, key)
        )

    def prepare(self, network: work.Instance, key: Key) -> float:
        """Building, moving to the device, autotuning."""
        speeds, layers = self.speeds, len(network.graph.nodes)
        once = (network.name, key.variables, key.fused)
        seconds = 0.0 if once in self.built else layers * speeds.build
        self.built.add(once)
        seconds += layers * speeds.build / 4  # copied, cast, its rows compiled anew
        seconds += 4 * int(network.counted.total.params) / speeds.host_bytes
        new = convolutions(network, key) - self.tuned
        self.tuned |= new
        return seconds + len(new) * speeds.tune

    def capture(self, network: work.Instance, run: float, key: Key) -> float:
        """Copies of the input, and the graphs over them."""
        count = inputs(network, key, self.speeds.cache)
        seconds = count * self.speeds.kernel_ns * 1e-9
        if key.mode == "graph":
            filled = max(1, min(2048, int(2.5e-3 / max(run, 1e-6))))  # one input is run again and again
            nodes = len(network.network.work) * (max(count, filled) + 6)
            seconds += nodes * self.speeds.kernel_ns * 1e-9 + 6 * run
        return seconds

    def timed(self, runs: Sequence[float], key: Key) -> float:
        """Calibration, warm-up and rounds."""
        protocol = self.protocol
        slots = [max(1.15 * protocol.slot_s, run) for run in runs]
        window = max(protocol.window_s, protocol.window_slots * sum(slots))
        warm = max(2.2 * window, protocol.warm_up_min_s + window / 2)
        if self.scatter(key) > protocol.window_agreement:
            warm += 1.2 * window  # two windows in a row seldom agree at once
        warm = min(warm, protocol.warm_up_max_s + window)
        rounds = self.rounds(key)
        spent = rounds * (2 if len(runs) > 1 else 1) * sum(slots)
        return 3 * sum(slots) + warm + min(spent, protocol.max_seconds or math.inf)

    def scatter(self, key: Key) -> float:
        """The relative scatter of a slot."""
        return self.speeds.scatter.get(key.mode, 0.01)

    def rounds(self, key: Key) -> float:
        """Rounds until the interval that stops a run, at 99%, is as narrow as was asked.

        Looks come at 20, 40, 80; the interval scatters itself, so that some runs go on to the next look where
        it should be narrow enough by then.
        """
        protocol = self.protocol
        needed = (2.576 * 1.2533 * self.scatter(key) / protocol.half_width(key.device)) ** 2
        look = next((n for n in looks(protocol) if n >= needed), protocol.max_rounds)
        further = max(0.0, needed / look - 0.3) * 1.75
        return min(protocol.max_rounds, look * (1 + further))

    def note(self, networks: Sequence[work.Instance], runs: Sequence[float], key: Key) -> float:
        """The profile of its kernels; in the first process also host times and memory."""
        once = (key.networks, key.variables, key.fused, key.batch, key.precision, key.layout)
        seconds = 0.0 if once in self.profiled else self.speeds.profile
        self.profiled.add(once)
        return seconds + (len(networks) * 0.02 + 12 * sum(runs) if self.first else 0.0)

    def row(self, layers: int, key: Key) -> float:
        """Seconds of one row by itself: it is given 0.1 s to warm up, rounds, a profile and host times."""
        kernels = layers * self.speeds.kernel_ns * 1e-9
        return 0.2 + 0.3 + self.speeds.profile + 100 * kernels

    def null(self, networks: Sequence[work.Instance], key: Key) -> float:
        """Seconds of the null test: a network against its copy, and against itself with more work."""
        least = networks[work.cheaper(networks)]
        run = self.speeds.run_ns(least, key) * 1e-9
        prepared = sum(self.prepare(least, key) + self.capture(least, run, key) for _ in range(2))
        return prepared + 3 * self.timed([run, run], key)


def seconds(job: Job, todo: Sequence[Key], speeds: Speeds) -> float:
    """Seconds for the points `todo` of a job, its processes' start included; 0 without points."""
    if not todo:
        return 0.0
    processes = job.protocol.processes
    total = speeds.start + processes * speeds.context
    first = Estimate(speeds, job.protocol)
    each = Estimate(speeds, job.protocol, first=False)
    prepared: set[tuple[str, str]] = set()
    for key in todo:
        networks = [counted(job.sources[name], key) for name in key.networks]
        kind = (key.precision, key.mode)
        if kind not in prepared:
            prepared.add(kind)
            known = key.precision in {precision for precision, mode in prepared if mode != key.mode}
            total += speeds.ceilings_again if known else speeds.ceilings
            total += first.null(networks, key)
        points = first.point(networks, key) + (processes - 1) * each.point(networks, key)
        if job.rows:
            rows = sum(each.row(len(r.nodes), key) for n in networks for r in n.counted.rows)
            points += processes * rows
        total += points
    return total
