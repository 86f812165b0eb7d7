"""Carries out tasks on the device of this process; every failure becomes an answer."""

from __future__ import annotations

import copy
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch

from archcalc.bench import work
from archcalc.bench.records.observed import HostCost, KernelTime
from archcalc.bench.records.record import Books, Key, MeasuredNetwork, RowResult, Status
from archcalc.bench.runner import (
    ceilings,
    environment,
    faults,
    instance,
    memory,
    precision,
    rows,
    subjects,
)
from archcalc.bench.runner.instance import Built
from archcalc.bench.runner.monitor import Monitor, monitor
from archcalc.bench.runner.precision import UnsupportedError
from archcalc.bench.runner.profiles import Algorithms
from archcalc.bench.runner.tasks import Answer, Task, TaskKind, Watch
from archcalc.bench.stats import flags
from archcalc.bench.stats.flags import Flag
from archcalc.bench.stats.nulltest import NullSubjects, null_test
from archcalc.bench.stats.protocol import PairRun, SoloRun, Subject, pair_latency_ns, solo_latency_ns
from archcalc.bench.stats.roofline import Ceilings
from archcalc.bench.stats.rounds import Watch as RoundsWatch
from archcalc.bench.stats.rounds import measure_pair, measure_solo
from archcalc.bench.stats.statistics import MeasuredInterval
from archcalc.errors import ArchcalcError


@dataclass
class Measurer:
    """What one process remembers between tasks: its device's monitor, which kernels ran, and the ceilings."""

    monitor: Monitor = field(default_factory=lambda: Monitor(None))
    algorithms: Algorithms = field(default_factory=Algorithms)
    ceilings: dict[str, Ceilings] = field(default_factory=dict)

    def run(self, task: Task, watch: Watch) -> Answer:
        """Carry out a task. Out of memory, unsupported and failed are answers; only Ctrl-C gets through."""
        try:
            with _quiet():
                return self._run(task, watch)
        except ArchcalcError as fault:
            return Answer(Status.FAILED, fault.message, fault.hint)
        except UnsupportedError as fault:
            return Answer(Status.UNSUPPORTED, str(fault))
        except (MemoryError, torch.OutOfMemoryError) as fault:
            return Answer(Status.OUT_OF_MEMORY, faults.line(fault))
        except Exception as fault:
            return faults.failure(fault)
        finally:
            _release(task.device)

    def close(self) -> None:
        """Nothing to end."""

    def _run(self, task: Task, watch: Watch) -> Answer:
        if task.kind is TaskKind.SETUP:
            load = environment.load()
            environment.prepare(task.device, task.threads)
            self.monitor = monitor(task.device)
            here = environment.environment(task.device, self.monitor)
            return Answer(environment=here, clocks_locked=self.monitor.clocks_locked(), load=load)
        key = task.key
        assert key is not None
        if task.kind is TaskKind.CEILINGS:
            watch("ceilings", 0, 1.0)
            known = self.ceilings.get(key.precision)
            self.ceilings[key.precision] = ceilings.measure(key.device, key.precision, key.mode, known=known)
            return Answer(ceilings=self.ceilings[key.precision])
        with precision.applied(key.precision, key.device) as dtype:
            if task.kind is TaskKind.NULL:
                return self._null(task, key, dtype, watch)
            return self._measure(task, key, watch)

    def _null(self, task: Task, key: Key, dtype: torch.dtype, watch: Watch) -> Answer:
        """The session's null test: the cheaper of the key's networks, or a convolution where that is slow.

        What the test asks of machine, clock and statistics is the same for any work. Of a network whose run
        outlasts a slot, 60 ms in place of 1, too few rounds fit into a minute to reach 1%. Nor can that be
        reached with weights larger than the caches: two copies of vgg-16's last layer differed by 5%, by
        where they lie in memory.
        """
        least = work.cheaper([work.instance(source, key) for source in task.sources])
        source, name = task.sources[least], key.networks[least]
        one = _subject(instance.build(source, key, task.seed), key)
        if min(one.slot(1) for _ in range(3)) > task.protocol.slot_s * 1e9:
            name, (one, other) = _CONVOLUTION, _convolutions(key, dtype, task.seed)
        else:
            other = _subject(instance.build(source, key, task.seed), key)
        test = null_test(
            NullSubjects(name, one, other, _filler(key, dtype)),
            task.protocol,
            key.device,
            key.precision,
            key.mode,
            task.seed,
            task.process,
            self._watching(watch, f"null test of {name}"),
        )
        return Answer(null=test, flags=flags.present(test.flag))

    def _measure(self, task: Task, key: Key, watch: Watch) -> Answer:
        built = [instance.build(source, key, task.seed) for source in task.sources]
        for each in built:
            counted, real = int(each.counted.counted.total.params), _params(each.module)
            if counted != real and not key.fused:
                raise RuntimeError(f"{each.counted.name} has {real} params, counted {counted}")
        timed = [_subject(each, key) for each in built]
        pair, solo = self._timed(timed, task, key, watch)
        samples = self.monitor.samples(task.process)
        raised = [flag for each in built for flag in each.flags]
        raised += self.monitor.flags([os.getpid(), *task.own])
        kernels = self.algorithms.kernels(built, key)
        pair, solo = _with_algorithms(kernels, pair, solo)
        networks = tuple(each.counted.network for each in built)
        if task.first:
            spent = pair_or_solo_ns(pair, solo)
            power = samples.power_mw if samples is not None else ()
            noted = [
                _network(each, subject, key, ns, power, names)
                for each, subject, ns, names in zip(built, timed, spent, kernels, strict=True)
            ]
            networks = tuple(network for network, _ in noted)
            raised += [flag for _, flag in noted if flag is not None]
        row_results: list[RowResult] = []
        books: list[Books] = []
        if task.rows:
            for each in built:
                results, closed = rows.measure(each, key, task.protocol, task.process, watch)
                row_results += results
                books += [closed] if closed is not None else []
        return Answer(
            networks=networks,
            pair=pair,
            solo=solo,
            rows=tuple(row_results),
            books=tuple(books),
            flags=tuple(dict.fromkeys(raised)),
            samples=samples,
        )

    def _timed(
        self, timed: list[Subject], task: Task, key: Key, watch: Watch
    ) -> tuple[PairRun | None, SoloRun | None]:
        """The run of a pair, or of one network."""
        each_round = self._watching(watch, " vs ".join(key.networks))
        self.monitor.begin()
        if len(timed) == 2:
            seed, (old, new) = task.seed + 1009 * task.process, timed
            run = measure_pair(old, new, task.protocol, key.device, seed, task.process, watch=each_round)
            return run, None
        return None, measure_solo(timed[0], task.protocol, key.device, task.process, each_round)

    def _watching(self, watch: Watch, label: str) -> RoundsWatch:
        def each_round(rounds: int, interval: MeasuredInterval) -> None:
            self.monitor.sample()
            watch(label, rounds, interval.half_width)

        return each_round


def pair_or_solo_ns(pair: PairRun | None, solo: SoloRun | None) -> tuple[float, ...]:
    """ns of a run of each network."""
    if pair is not None:
        return tuple(pair_latency_ns((pair,), which).point for which in (0, 1))
    return (solo_latency_ns((solo,)).point,) if solo is not None else ()


def _with_algorithms(
    kernels: tuple[tuple[KernelTime, ...], ...], pair: PairRun | None, solo: SoloRun | None
) -> tuple[PairRun | None, SoloRun | None]:
    """The runs with the names of the kernels that this process runs."""
    names = tuple(tuple(kernel.name for kernel in each) for each in kernels)
    if not any(names):
        return pair, solo
    return (
        replace(pair, algorithms=names) if pair is not None else None,
        replace(solo, algorithms=names[0]) if solo is not None else None,
    )


def _network(
    built: Built,
    timed: Subject,
    key: Key,
    ns: float,
    power_mw: tuple[int, ...],
    kernels: tuple[KernelTime, ...],
) -> tuple[MeasuredNetwork, Flag | None]:
    """What one process can tell of a network: memory, kernels, what the host spends, energy.

    The energy is the mean power while the point was timed times a run's time. Where two networks take
    turns every few ms that is faster than the board's own average, and the power is that of both.
    """
    host, flag = None, None
    if isinstance(timed, subjects.OnCuda):
        times = subjects.host_times(timed)
        host = HostCost(round(times.enqueue), round(times.launch), round(times.sync))
        flag = flags.host_bound(times.enqueue, times.device) if key.mode != "graph" else None
    network = replace(
        built.counted.network,
        memory_peak=memory.peak(built.module, built.inputs[0], key.device),
        kernels=kernels,
        host=host,
        energy_mj=sum(power_mw) / len(power_mw) * ns * 1e-9 if power_mw else None,
    )
    return network, flag


def _subject(built: Built, key: Key) -> Subject:
    return subjects.subject(built.module, built.inputs, key.device, key.mode, key.precision)


_CONVOLUTION = "a 3x3 convolution of 64 channels at 28x28"


def _convolutions(key: Key, dtype: torch.dtype, seed: int) -> list[Subject]:
    """Twice the same convolution as `key` has its precision, layout and mode; it fits a core's cache."""
    torch.manual_seed(seed)
    form = instance.memory_format(key.layout)
    layer = torch.nn.Conv2d(64, 64, 3, padding=1, bias=False).requires_grad_(False).eval()
    layer = layer.to(device=key.device, dtype=dtype).to(memory_format=form)  # type: ignore[call-overload]
    inputs = instance.make_inputs((1, 64, 28, 28), dtype, form, key, seed)
    return [
        subjects.subject(copy.deepcopy(layer), inputs, key.device, key.mode, key.precision) for _ in range(2)
    ]


def _filler(key: Key, dtype: torch.dtype) -> Subject:
    """Small work for the null test, timed as the mode is: a product of a few microseconds."""
    a = torch.ones(48, 48, device=key.device).to(dtype)
    mode = "graph" if key.mode == "graph" else "eager"
    return subjects.subject(lambda x: x @ x, (a,), key.device, mode, key.precision)


def _params(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@contextmanager
def _quiet() -> Iterator[None]:
    """No garbage collection in the middle of a slot."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _release(device: str) -> None:
    """Give the device's memory back, so that the next process finds it free."""
    gc.collect()
    if device == "cuda" and torch.cuda.is_available():
        try:
            torch.cuda.empty_cache()
        except RuntimeError:
            return  # a device that is lost has nothing to give back
