"""What the protocol times: a module on the CPU, on CUDA call by call, or as a replayed CUDA graph.

Every subject runs in inference mode and turns through its inputs, so that no run finds the last one's input
in the cache, and keeps its module: a graph reads the weights without owning them. A module is anything that
can be called with one tensor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from archcalc.bench.runner.precision import UnsupportedError
from archcalc.bench.stats.protocol import Subject

Module = Callable[[torch.Tensor], Any]
_cuda: Any = torch.cuda  # its events and streams are untyped in some releases
#: ns of a graph with several inputs at most: slots are made of complete replays, so a replay is half a slot.
_GRAPH_NS = 2.5e6
_MOST_RUNS = 2048  # in one graph
#: How far a replay may be off the eager output, relative to its largest value: other algorithms add in
#: another order, and a unit in the last place grows over a hundred layers. A wrong graph is off by far more.
TOLERANCES = {"fp32-ieee": 1e-4, "tf32": 5e-3, "fp16": 1e-2, "bf16": 5e-2}


class _Turning:
    """Inputs in turn."""

    def __init__(self, inputs: Sequence[torch.Tensor]) -> None:
        self.inputs = tuple(inputs)
        self.turn = 0

    def next(self) -> int:
        now = self.turn
        self.turn = (now + 1) % len(self.inputs)
        return now


class CpuSubject(_Turning):
    """A module on the CPU, timed by the host's clock."""

    def __init__(self, module: Module, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__(inputs)
        self.module = module

    def slot(self, repeats: int) -> int:
        """Run `repeats` times; ns."""
        module, inputs, step = self.module, self.inputs, self.next
        with torch.inference_mode():
            start = time.perf_counter_ns()
            for _ in range(repeats):
                module(inputs[step()])
            return time.perf_counter_ns() - start


class OnCuda(_Turning):
    """What subjects on CUDA share: a module, which they keep, and events around a slot."""

    def __init__(self, module: Module, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__(inputs)
        self.module = module
        self.start = _cuda.Event(enable_timing=True)
        self.end = _cuda.Event(enable_timing=True)

    def once(self) -> None:
        """Hand over what is handed over at once, a call or a graph, without waiting."""
        raise NotImplementedError


class CudaSubject(OnCuda):
    """A module on CUDA called as users call it: each call is waited for."""

    def once(self) -> None:
        """One call."""
        self.module(self.inputs[self.next()])

    def slot(self, repeats: int) -> int:
        """Run `repeats` times; ns between the events."""
        module, inputs, step = self.module, self.inputs, self.next
        with torch.inference_mode():
            torch.cuda.synchronize()
            self.start.record()
            for _ in range(repeats):
                module(inputs[step()])
                torch.cuda.synchronize()
            self.end.record()
            torch.cuda.synchronize()
        return int(self.start.elapsed_time(self.end) * 1e6)


class GraphSubject(OnCuda):
    """Replays of CUDA graphs that run all inputs in turn, back to back, waited for at the end.

    A graph holds as many runs as fit into half a slot, and one at least, since starting a graph takes as long
    as a few small kernels: a graph of a single convolution would time that. The graphs of all inputs share a
    pool of memory and are replayed in turn; a single input is run again and again.
    """

    def __init__(
        self, module: Module, inputs: Sequence[torch.Tensor], tolerance: float = TOLERANCES["fp32-ieee"]
    ) -> None:
        super().__init__(module, inputs)
        with torch.inference_mode():
            eager, again = _output(module(inputs[0])), _output(module(inputs[0]))
            self._warm()
            self.runs = 1
            self._capture([self.inputs[:1]], eager, again, tolerance)
            self.runs = max(1, min(_MOST_RUNS, int(_GRAPH_NS / max(1, self.slot(3) / 3))))
            if self.runs > 1 or len(inputs) > 1:
                self._capture(self._parts(), eager, again, tolerance)

    def _parts(self) -> list[tuple[torch.Tensor, ...]]:
        """The inputs in turn, `runs` to a graph; the last graph is filled up from the start."""
        count = len(self.inputs)
        if count > 1:
            self.runs = min(self.runs, count)
        starts = range(0, count, self.runs)
        return [tuple(self.inputs[(s + i) % count] for i in range(self.runs)) for s in starts]

    def _warm(self) -> None:
        """Autotune and allocate on a side stream, as torch's documentation asks before a capture."""
        side = _cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with _cuda.stream(side):
            for _ in range(3):
                self.module(self.inputs[0])
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()

    def _capture(
        self,
        parts: Sequence[tuple[torch.Tensor, ...]],
        eager: torch.Tensor,
        again: torch.Tensor,
        tolerance: float,
    ) -> None:
        """A graph for each part; the first graph's first and last outputs must be the eager one's."""
        self.graphs: list[Any] = []
        self.graph = 0
        ends: list[torch.Tensor] = []
        for part in parts:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.graphs[0].pool() if self.graphs else None):
                for i, given in enumerate(part):
                    result = _output(self.module(given))
                    if not self.graphs and i in (0, len(part) - 1):
                        ends.append(result)  # held, so that no later run takes its memory
            self.graphs.append(graph)
        self.graphs[0].replay()
        torch.cuda.synchronize()
        for result in ends:
            require_equal(result, eager, again, tolerance)

    def once(self) -> None:
        """One replay, of `runs` runs."""
        graph = self.graphs[self.graph]
        self.graph = (self.graph + 1) % len(self.graphs)
        graph.replay()

    def slot(self, repeats: int) -> int:
        """ns for `repeats` runs: complete replays, and of their time the part that so many runs take."""
        replays = math.ceil(repeats / self.runs)
        torch.cuda.synchronize()
        self.start.record()
        for _ in range(replays):
            self.once()
        self.end.record()
        torch.cuda.synchronize()
        took = float(self.start.elapsed_time(self.end)) * 1e6
        return round(took * repeats / (replays * self.runs))


def _output(result: Any) -> torch.Tensor:
    tensor: torch.Tensor = result[0] if isinstance(result, tuple) else result
    return tensor


def require_equal(
    replayed: torch.Tensor,
    eager: torch.Tensor,
    again: torch.Tensor,
    tolerance: float = TOLERANCES["fp32-ieee"],
) -> None:
    """A replayed graph must give what the eager call gave, within `tolerance` of its largest value.

    Where two eager calls differ by more by themselves (sums by atomics), the graph may be off by twice that.
    Raises `UnsupportedError` otherwise: a graph that computes something else is not measured.
    """
    if torch.equal(replayed, eager):
        return
    own = float((again.double() - eager.double()).abs().max())
    away = float((replayed.double() - eager.double()).abs().max())
    allowed = max(2 * own, tolerance * float(eager.double().abs().max()))
    if not away <= allowed:
        raise UnsupportedError(
            f"the CUDA graph's output is not the eager one's: off by {away:.1e}, allowed {allowed:.1e}"
        )


def compiled(module: Any, example: torch.Tensor) -> Module:
    """`torch.compile(module)`, compiled by a first call; `UnsupportedError` where there is no compiler."""
    try:
        with torch.inference_mode():
            made: Module = torch.compile(module)
            made(example)
    except (KeyboardInterrupt, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as fault:  # dynamo and inductor raise classes of their own, and change them
        reason = next((line for line in str(fault).splitlines() if line.strip()), type(fault).__name__)
        raise UnsupportedError(f"torch.compile does not work here: {reason[:200]}") from fault
    return made


def subject(
    module: Any, inputs: Sequence[torch.Tensor], device: str, mode: str, precision: str = "fp32-ieee"
) -> Subject:
    """The subject for a device and mode: `eager`, `graph` (CUDA only) or `compile`."""
    if mode == "compile":
        module = compiled(module, inputs[0])
    if device == "cpu":
        if mode == "graph":
            raise UnsupportedError("a CPU has no CUDA graphs")
        return CpuSubject(module, inputs)
    if mode == "graph":
        return GraphSubject(module, inputs, TOLERANCES[precision])
    return CudaSubject(module, inputs)


_CYCLES = 2.0  # of a GPU's clock in a ns, at most
_SHORTEST_SLEEP_NS = 2e6


@dataclass(frozen=True, slots=True)
class HostTimes:
    """ns of what a subject hands over at once (a call, or a graph).

    `enqueue`: until the host has handed it over; `device`: from its first kernel to its last, once all is
    handed over; `sync`: a wait for a device that has nothing to do; `launch`: what is left of a run on an
    idle device, which is the time from the hand-over to the first kernel.
    """

    enqueue: float
    device: float
    launch: float
    sync: float


def host_times(subject: OnCuda, calls: int = 3) -> HostTimes:
    """What the host and the device spend on one hand-over, apart from each other; medians of `calls`.

    A kernel that only waits holds the device back until the host is done, so that neither hides the other.
    It waits before each call anew: the queue holds about a thousand kernels, and a host that enqueues more
    waits for the device, which looks as if it were slow itself.
    """
    clock = time.perf_counter_ns
    enqueue, device, sync, idle = [], [], [], []
    sleep = _SHORTEST_SLEEP_NS
    with torch.inference_mode():
        subject.once()
        for i in range(calls + 1):
            torch.cuda.synchronize()
            begun = clock()
            torch.cuda.synchronize()
            waited = clock() - begun
            begun = clock()
            subject.once()
            torch.cuda.synchronize()
            alone = clock() - begun
            _cuda._sleep(int(_CYCLES * sleep))
            subject.start.record()
            begun = clock()
            subject.once()
            took = clock() - begun
            subject.end.record()
            torch.cuda.synchronize()
            sleep = max(_SHORTEST_SLEEP_NS, 2.0 * took)
            if i:  # the first shows how long the device must be held back
                sync.append(waited)
                idle.append(alone)
                enqueue.append(took)
                device.append(subject.start.elapsed_time(subject.end) * 1e6)
    host, busy, wait = median(enqueue), median(device), median(sync)
    return HostTimes(host, busy, max(0.0, median(idle) - max(host, busy) - wait), wait)
