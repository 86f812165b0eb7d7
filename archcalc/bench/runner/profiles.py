"""Kernels by torch's profiler: their names, their times on the device, and the row that launched each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from archcalc.bench.records.observed import KernelTime

if TYPE_CHECKING:
    from archcalc.bench.records.record import Key
    from archcalc.bench.runner.instance import Built

PREFIX = "archcalc row "


@dataclass(frozen=True, slots=True)
class Launched:
    """A kernel of a profile: name, ns that it ran, its start on the device (NaN if unknown), and its row."""

    name: str
    length: float
    start: float
    row: str | None


def profiled(run: Callable[[], Any]) -> list[Launched]:
    """The kernels of one call of `run`; none where the profiler may not look (a container, often).

    The profiler's first use in a process may miss kernels while it starts, so that one is thrown away.
    """
    _start_profiler()
    return _profile(run)


@cache
def _start_profiler() -> None:
    one = torch.zeros(1, device="cuda")
    _profile(lambda: one.add_(1.0))


def _profile(run: Callable[[], Any]) -> list[Launched]:
    from torch.profiler import ProfilerActivity, profile

    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        run()
        torch.cuda.synchronize()
    return launched(profiler.events())


def launched(events: Iterable[Any]) -> list[Launched]:
    """The kernels of torch's profiler events, each with the row's range around the call that launched it."""
    events = list(events or ())
    spans: dict[str, list[Any]] = {}
    for event in events:
        if str(getattr(event, "device_type", "")).endswith("CUDA") and not _is_range(event.name):
            spans.setdefault(event.name, []).append(event.time_range)
    kernels = []
    for event in events:
        for kernel in getattr(event, "kernels", ()) or ():
            if _is_range(kernel.name):
                continue
            row, parent = None, event
            while parent is not None and row is None:
                row = parent.name.removeprefix(PREFIX) if _is_range(parent.name) else None
                parent = parent.cpu_parent
            # The kernel entry has only its length; its place in time is that of the next span of its name.
            places = spans.get(kernel.name) or []
            start = places.pop(0).start * 1e3 if places else math.nan
            kernels.append(Launched(kernel.name, kernel.duration * 1e3, start, row))
    return kernels


def _is_range(name: str) -> bool:
    return str(name).startswith(PREFIX)


def busy(kernels: Sequence[Launched]) -> tuple[float, float]:
    """ns from the first kernel's start to the last one's end, and ns in which at least one ran."""
    spans = sorted((k.start, k.start + k.length) for k in kernels if not math.isnan(k.start))
    if not spans:
        return 0.0, 0.0
    union, reached = 0.0, -math.inf
    for start, end in spans:
        union += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return reached - spans[0][0], union


def kernel_times(kernels: Iterable[Launched]) -> tuple[KernelTime, ...]:
    """Launches and ns by name, sorted by name."""
    sums: dict[str, tuple[int, float]] = {}
    for kernel in kernels:
        count, ns = sums.get(kernel.name, (0, 0.0))
        sums[kernel.name] = (count + 1, ns + kernel.length)
    return tuple(KernelTime(name, count, round(ns)) for name, (count, ns) in sorted(sums.items()))


@dataclass
class Algorithms:
    """The kernels of networks in this process, looked up once: autotuning chooses once for all modes."""

    known: dict[object, tuple[tuple[KernelTime, ...], ...]] = field(default_factory=dict)

    def kernels(self, built: Sequence[Built], key: Key) -> tuple[tuple[KernelTime, ...], ...]:
        """The kernels of one forward pass of each network, called from Python.

        None on a CPU, where nothing names them, and none of compiled code.
        """
        if key.device == "cpu" or key.mode == "compile":
            return tuple(() for _ in built)
        same = (key.networks, key.batch, key.precision, key.layout, key.fused, key.variables)
        if same not in self.known:
            self.known[same] = self._look(built)
        return self.known[same]

    def _look(self, built: Sequence[Built]) -> tuple[tuple[KernelTime, ...], ...]:
        """All in one profile, which takes longer to start than to fill."""
        from torch.profiler import record_function

        def each() -> None:
            for i, network in enumerate(built):
                with record_function(f"{PREFIX}{i}"):
                    network.module(network.inputs[0])

        with torch.inference_mode():
            each()
            kernels = profiled(each)
        return tuple(kernel_times(k for k in kernels if k.row == str(i)) for i in range(len(built)))
