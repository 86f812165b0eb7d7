"""What the protocol times: a module on the CPU, on CUDA call by call, or as a replayed CUDA graph.

Every subject runs in inference mode and turns through its inputs, so that no run finds the last one's input
in the cache. A module is anything that can be called with one tensor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from archcalc.bench.runner.precision import UnsupportedError
from archcalc.bench.stats.protocol import Subject

Module = Callable[[torch.Tensor], Any]
_cuda: Any = torch.cuda  # its events and streams are untyped in some releases
_GRAPHS = 16  # a captured graph for each input; more would take longer to capture than to measure


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
    """Replays of captured CUDA graphs, one for each input, back to back, waited for at the end."""

    def __init__(self, module: Module, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__(inputs[:_GRAPHS])
        self.start = _cuda.Event(enable_timing=True)
        self.end = _cuda.Event(enable_timing=True)
        with torch.inference_mode():
            eager, again = _output(module(inputs[0])), _output(module(inputs[0]))
            self._warm(module)
            self.graphs, replayed = self._capture(module)
            self.graphs[0].replay()
            torch.cuda.synchronize()
        require_equal(replayed, eager, again)

    def _warm(self, module: Module) -> None:
        """Autotune and allocate on a side stream, as torch's documentation asks before a capture."""
        side = _cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with _cuda.stream(side):
            for _ in range(3):
                module(self.inputs[0])
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()

    def _capture(self, module: Module) -> tuple[list[Any], torch.Tensor]:
        """The graphs, which share one pool of memory, and where the first leaves its output."""
        graphs: list[Any] = []
        output: torch.Tensor | None = None
        for given in self.inputs:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=graphs[0].pool() if graphs else None):
                result = _output(module(given))
            output = result if output is None else output
            graphs.append(graph)
        assert output is not None
        return graphs, output

    def slot(self, repeats: int) -> int:
        """Replay `repeats` times; ns between the events."""
        graphs, step = self.graphs, self.next
        torch.cuda.synchronize()
        self.start.record()
        for _ in range(repeats):
            graphs[step()].replay()
        self.end.record()
        torch.cuda.synchronize()
        return int(self.start.elapsed_time(self.end) * 1e6)


def _output(result: Any) -> torch.Tensor:
    tensor: torch.Tensor = result[0] if isinstance(result, tuple) else result
    return tensor


def require_equal(replayed: torch.Tensor, eager: torch.Tensor, again: torch.Tensor) -> None:
    """A replayed graph must give what the eager call gave, to the bit.

    Where two eager calls differ by themselves (sums by atomics), the graph may be off by twice that. Raises
    `UnsupportedError` otherwise: a graph that computes something else is not measured.
    """
    if torch.equal(replayed, eager):
        return
    own = float((again.double() - eager.double()).abs().max())
    away = float((replayed.double() - eager.double()).abs().max())
    if not (own > 0 and away <= 2 * own):
        raise UnsupportedError(f"the CUDA graph's output is not the eager one's: off by {away:.1e}")


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


def subject(module: Any, inputs: Sequence[torch.Tensor], device: str, mode: str) -> Subject:
    """The subject for a device and mode: `eager`, `graph` (CUDA only) or `compile`."""
    if mode == "compile":
        module = compiled(module, inputs[0])
    if device == "cpu":
        if mode == "graph":
            raise UnsupportedError("a CPU has no CUDA graphs")
        return CpuSubject(module, inputs)
    return GraphSubject(module, inputs) if mode == "graph" else CudaSubject(module, inputs)


def host_times(module: Module, inputs: Sequence[torch.Tensor], calls: int = 10) -> tuple[float, float]:
    """ns that the host takes to enqueue a call, and that the device takes to do it once all is enqueued.

    A kernel that only waits holds the device back until the host is done, so that neither hides the other.
    """
    start, end = _cuda.Event(enable_timing=True), _cuda.Event(enable_timing=True)
    with torch.inference_mode():
        module(inputs[0])
        torch.cuda.synchronize()
        _cuda._sleep(200_000_000)  # about 0.1 s
        start.record()
        begun = time.perf_counter_ns()
        for i in range(calls):
            module(inputs[i % len(inputs)])
        enqueued = time.perf_counter_ns() - begun
        end.record()
        torch.cuda.synchronize()
    return enqueued / calls, start.elapsed_time(end) * 1e6 / calls
