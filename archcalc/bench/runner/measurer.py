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
from archcalc.bench.records.record import Books, Key, MeasuredNetwork, RowResult, Status
from archcalc.bench.runner import ceilings, environment, instance, memory, precision, rows, subjects
from archcalc.bench.runner.instance import Built
from archcalc.bench.runner.monitor import Monitor, monitor
from archcalc.bench.runner.precision import UnsupportedError
from archcalc.bench.runner.tasks import Answer, Task, TaskKind, Watch
from archcalc.bench.stats import flags
from archcalc.bench.stats.flags import Flag
from archcalc.bench.stats.nulltest import NullSubjects, null_test
from archcalc.bench.stats.protocol import Subject
from archcalc.bench.stats.rounds import Watch as Seen
from archcalc.bench.stats.rounds import measure_pair, measure_solo
from archcalc.bench.stats.statistics import MeasuredInterval
from archcalc.errors import ArchcalcError


@dataclass
class Measurer:
    """What one process remembers between tasks: only the monitor of its device."""

    monitor: Monitor = field(default_factory=lambda: Monitor(None))

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
            return Answer(Status.OUT_OF_MEMORY, _line(fault))
        except Exception as fault:
            return failure(fault)
        finally:
            _release(task.device)

    def close(self) -> None:
        """Nothing to end."""

    def _run(self, task: Task, watch: Watch) -> Answer:
        if task.kind is TaskKind.SETUP:
            environment.prepare(task.device, task.threads)
            self.monitor = monitor(task.device)
            return Answer(environment=environment.environment(task.device, self.monitor))
        key = task.key
        assert key is not None
        if task.kind is TaskKind.CEILINGS:
            watch("ceilings", 0, 1.0)
            return Answer(ceilings=ceilings.measure(key.device, key.precision, key.mode))
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
        found = null_test(
            NullSubjects(name, one, other, _filler(key.device, dtype)),
            task.protocol,
            key.device,
            key.precision,
            key.mode,
            task.seed,
            task.process,
            self._watching(watch, f"null test of {name}"),
        )
        return Answer(null=found, flags=flags.present(found.flag))

    def _measure(self, task: Task, key: Key, watch: Watch) -> Answer:
        built = [instance.build(source, key, task.seed) for source in task.sources]
        for each in built:
            counted, real = int(each.counted.counted.total.params), _params(each.module)
            if counted != real and not key.fused:
                raise RuntimeError(f"{each.counted.name} has {real} params, counted {counted}")
        networks = tuple(self._network(each, key, task.first) for each in built)
        timed = [_subject(each, key) for each in built]
        label = " vs ".join(key.networks)
        seen = self._watching(watch, label)
        self.monitor.sample()
        seed = task.seed + 1009 * task.process
        pair = solo = None
        if len(timed) == 2:
            old, new = timed
            pair = measure_pair(old, new, task.protocol, key.device, seed, task.process, watch=seen)
        else:
            solo = measure_solo(timed[0], task.protocol, key.device, task.process, seen)
        found = (*(flag for each in built for flag in each.flags), *self._flags(built, key, task))
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
            flags=tuple(dict.fromkeys(found)),
        )

    def _network(self, built: Built, key: Key, first: bool) -> MeasuredNetwork:
        counted = built.counted.network
        if not first:
            return counted
        return replace(counted, memory_peak=memory.peak(built.module, built.inputs[0], key.device))

    def _flags(self, built: list[Built], key: Key, task: Task) -> tuple[Flag, ...]:
        """What only this process can see: throttling, strangers on the GPU, and a host that is too slow."""
        found = self.monitor.flags([os.getpid(), *task.own])
        if key.device == "cuda" and key.mode == "eager":
            times = [subjects.host_times(each.module, each.inputs) for each in built]
            found += flags.present(*(flags.host_bound(*each) for each in times))
        return found

    def _watching(self, watch: Watch, label: str) -> Seen:
        def seen(rounds: int, interval: MeasuredInterval) -> None:
            self.monitor.sample()
            watch(label, rounds, interval.half_width)

        return seen


def _subject(built: Built, key: Key) -> Subject:
    return subjects.subject(built.module, built.inputs, key.device, key.mode)


_CONVOLUTION = "a 3x3 convolution of 64 channels at 28x28"


def _convolutions(key: Key, dtype: torch.dtype, seed: int) -> list[Subject]:
    """Twice the same convolution as `key` has its precision, layout and mode; it fits a core's cache."""
    torch.manual_seed(seed)
    form = instance.memory_format(key.layout)
    layer = torch.nn.Conv2d(64, 64, 3, padding=1, bias=False).requires_grad_(False).eval()
    layer = layer.to(device=key.device, dtype=dtype).to(memory_format=form)  # type: ignore[call-overload]
    inputs = instance.make_inputs((1, 64, 28, 28), dtype, form, key.device, seed)
    return [subjects.subject(copy.deepcopy(layer), inputs, key.device, key.mode) for _ in range(2)]


def _filler(device: str, dtype: torch.dtype) -> Subject:
    """Small work for the null test: a product of a few microseconds."""
    a = torch.ones(48, 48, device=device).to(dtype)
    return subjects.subject(lambda x: x @ x, (a,), device, "eager")


def _params(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# -- faults -----------------------------------------------------------------------------------------

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")
_UNSUPPORTED = ("not implemented for", "is not supported", "not supported on", "not implemented on")
_LOST = (
    "no cuda-capable device",
    "device is lost",
    "fallen off the bus",
    "unspecified launch failure",
    "illegal memory access",
    "uncorrectable ecc",
    "cuda driver error",
    "cuda error: device",
    "unknown error",
)


def failure(fault: Exception) -> Answer:
    """What an exception of torch means: by its text, since most are RuntimeError."""
    text = str(fault).lower()
    if any(part in text for part in _OUT_OF_MEMORY):
        return Answer(Status.OUT_OF_MEMORY, _line(fault))
    if "cuda" in text and any(part in text for part in _LOST):
        hint = "what was finished is kept; check the device (`nvidia-smi`) and give the same command again"
        return Answer(Status.FAILED, f"the device no longer answers: {_line(fault)}", hint, lost=True)
    if isinstance(fault, NotImplementedError) or any(part in text for part in _UNSUPPORTED):
        return Answer(Status.UNSUPPORTED, _line(fault))
    return Answer(Status.FAILED, f"{type(fault).__name__}: {_line(fault)}")


def _line(fault: BaseException) -> str:
    """The first line of a message, or the exception's name."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(fault).__name__


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
