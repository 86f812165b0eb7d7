"""What the protocol times: a module on the CPU, on CUDA call by call, or as a replayed CUDA graph.

Every subject runs in inference mode and turns through its inputs, so that no run finds the last one's input
in the cache, and keeps its module: a graph reads the weights without owning them. A module is anything that
can be called with one tensor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import torch

from archcalc.bench.runner.precision import UnsupportedError
from archcalc.bench.stats.protocol import Subject

Module = Callable[[torch.Tensor], Any]
_cuda: Any = torch.cuda  # its events and streams are untyped in some releases
#: ns of a graph with several inputs at most: slots are made of whole replays, so a replay is half a slot.
_GRAPH_NS = 2.5e6
#: How far a replay may be off the eager output, relative to its largest value: other algorithms add in another
#: order, and a unit in the last place grows over a hundred layers. A wrong graph is off by the value itself.
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


class CudaSubject(_Turning):
    """A module on CUDA called as users call it: each call is waited for. Events around the slot."""

    def __init__(self, module: Module, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__(inputs)
        self.module = module
        self.start = _cuda.Event(enable_timing=True)
        self.end = _cuda.Event(enable_timing=True)

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


class GraphSubject(_Turning):
    """Replays of one CUDA graph that runs each input in turn, back to back, waited for at the end.

    All inputs in one graph, since starting a graph takes as long as a few small kernels: a graph of a single
    convolution would time that. It holds as many inputs as run in half a slot, and one at least.
    """

    def __init__(
        self, module: Module, inputs: Sequence[torch.Tensor], tolerance: float = TOLERANCES["fp32-ieee"]
    ) -> None:
        super().__init__(inputs)
        self.module = module
        self.start = _cuda.Event(enable_timing=True)
        self.end = _cuda.Event(enable_timing=True)
        with torch.inference_mode():
            eager, again = _output(module(inputs[0])), _output(module(inputs[0]))
            self._warm(module)
            self._capture(self.inputs[:1], eager, again, tolerance)
            self.graph.replay()
            count = min(len(inputs), max(1, int(_GRAPH_NS / max(1, self.slot(3) / 3))))
            if count > 1:
                self._capture(self.inputs[:count], eager, again, tolerance)

    def _warm(self, module: Module) -> None:
        """Autotune and allocate on a side stream, as torch's documentation asks before a capture."""
        side = _cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with _cuda.stream(side):
            for _ in range(3):
                module(self.inputs[0])
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()

    def _capture(
        self, inputs: tuple[torch.Tensor, ...], eager: torch.Tensor, again: torch.Tensor, tolerance: float
    ) -> None:
        """The graph over some inputs; its first and last outputs must be the eager one's."""
        self.inputs = inputs
        self.graph = torch.cuda.CUDAGraph()
        ends = []
        with torch.cuda.graph(self.graph):
            for i, given in enumerate(inputs):
                result = _output(self.module(given))
                if i in (0, len(inputs) - 1):
                    ends.append(result)
        self.graph.replay()
        torch.cuda.synchronize()
        for result in ends:
            require_equal(result, eager, again, tolerance)

    def slot(self, repeats: int) -> int:
        """ns for `repeats` runs: whole replays, and of their time the part that so many runs take."""
        graph, runs = self.graph, len(self.inputs)
        replays = math.ceil(repeats / runs)
        torch.cuda.synchronize()
        self.start.record()
        for _ in range(replays):
            graph.replay()
        self.end.record()
        torch.cuda.synchronize()
        return round(self.start.elapsed_time(self.end) * 1e6 * repeats / (replays * runs))


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


def host_times(module: Module, inputs: Sequence[torch.Tensor], calls: int = 5) -> tuple[float, float]:
    """ns that the host takes to enqueue a call, and that the device takes to do it once all is enqueued.

    A kernel that only waits holds the device back until the host is done, so that neither hides the other.
    It waits before each call anew, and medians count: the queue holds about a thousand kernels, and a host
    that enqueues more waits for the device, which looks as if it were slow itself.
    """
    start, end = _cuda.Event(enable_timing=True), _cuda.Event(enable_timing=True)
    enqueued, ran = [], []
    sleep = _SHORTEST_SLEEP_NS
    with torch.inference_mode():
        module(inputs[0])
        for i in range(calls + 1):
            torch.cuda.synchronize()
            _cuda._sleep(int(_CYCLES * sleep))
            start.record()
            begun = time.perf_counter_ns()
            module(inputs[i % len(inputs)])
            took = time.perf_counter_ns() - begun
            end.record()
            torch.cuda.synchronize()
            sleep = max(_SHORTEST_SLEEP_NS, 2.0 * took)
            if i:  # the first shows how long the device must be held back
                enqueued.append(took)
                ran.append(start.elapsed_time(end) * 1e6)
    return median(enqueued), median(ran)
