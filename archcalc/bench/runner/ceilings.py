"""What the device can do at best: P of products and convolutions, B of a copy, t0 of a trivial kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from archcalc.bench.runner import instance, precision
from archcalc.bench.stats.roofline import Ceilings

_cuda: Any = torch.cuda  # its events are untyped in some releases


@dataclass(frozen=True)
class Candidates:
    """Shapes on which libraries do well, and the least bytes of the copy.

    `products`: n of n x n matrices; `convolutions`: batch, channels in and out, side, kernel.
    """

    products: tuple[int, ...]
    convolutions: tuple[tuple[int, int, int, int], ...]
    copied: int


CANDIDATES = {
    "cpu": Candidates((1024, 2048), ((1, 256, 56, 3), (4, 128, 56, 3), (8, 256, 28, 3), (8, 512, 28, 1)), 0),
    "cuda": Candidates(
        (4096, 8192), ((64, 256, 56, 3), (128, 512, 28, 3), (256, 256, 28, 3), (256, 512, 28, 1)), 2**30
    ),
}
SECONDS = 0.2  # for each candidate
_CALLS = 10  # on CUDA between two events, which by themselves take as long as a tenth of one call
_KERNELS = 200


def measure(
    device: str, name: str, mode: str, seconds: float | None = None, known: Ceilings | None = None
) -> Ceilings:
    """The ceilings at a precision, in this process and on this device now; `seconds` for each candidate.

    The best time of each candidate counts, since a ceiling is what was reached once. A copy moves its bytes
    twice, read and written; it is at least 1 GiB on CUDA and eight times the last cache on a CPU. On
    CUDA `graph` gives t0 within a captured graph; any other mode gives the time of a call from Python.
    `known` are the ceilings of another mode in this process: only what depends on the mode is measured anew.
    """
    seconds = SECONDS if seconds is None else seconds
    with precision.applied(name, device) as dtype, torch.inference_mode():
        if known is None:
            matmul = max(_rate(flops, run, device, seconds) for flops, run in _products(device, dtype))
            convolution = max(_rate(n, run, device, seconds) for n, run in _convolutions(device, dtype))
            bandwidth = _copy(device, seconds)
        else:
            matmul, convolution, bandwidth = known.matmul, known.convolution, known.bandwidth
        launch = _graph_launch() if mode == "graph" else _launch(device, seconds)
        enqueue, wait = (_enqueue(), _wait()) if device == "cuda" else (None, None)
    return Ceilings(name, matmul, convolution, bandwidth, launch, mode, enqueue, wait)


def _rate(amount: int, run: Callable[[], Any], device: str, seconds: float) -> float:
    return amount / _best(run, device, seconds, calls=1 if device == "cpu" else _CALLS) * 1e9


def _best(
    run: Callable[[], Any],
    device: str,
    seconds: float,
    at_least: int = 3,
    calls: int = 1,
    before: bool = True,
) -> float:
    """The least ns of a call, timed `calls` at once."""
    if before:
        run()
    best, spent, times = float("inf"), 0.0, 0
    while spent < seconds * 1e9 or times < at_least:
        took = _timed(run, device, calls)
        best, spent, times = min(best, took / calls), spent + took, times + 1
    return best


def _timed(run: Callable[[], Any], device: str, calls: int) -> float:
    if device == "cpu":
        start = time.perf_counter_ns()
        for _ in range(calls):
            run()
        return max(1, time.perf_counter_ns() - start)
    begin, end = _cuda.Event(enable_timing=True), _cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    begin.record()
    for _ in range(calls):
        run()
    end.record()
    torch.cuda.synchronize()
    return max(1.0, float(begin.elapsed_time(end)) * 1e6)


def _products(device: str, dtype: torch.dtype) -> Iterator[tuple[int, Callable[[], Any]]]:
    for n in CANDIDATES[device].products:
        a = torch.randn(n, n, device=device).to(dtype)
        b = torch.randn(n, n, device=device).to(dtype)
        out = torch.empty(n, n, device=device, dtype=dtype)
        yield 2 * n**3, lambda a=a, b=b, out=out: torch.mm(a, b, out=out)  # type: ignore[misc]


def _convolutions(device: str, dtype: torch.dtype) -> Iterator[tuple[int, Callable[[], Any]]]:
    for batch, channels, side, kernel in CANDIDATES[device].convolutions:
        for layout in ("nhwc", "nchw"):
            form = instance.memory_format(layout)
            layer = torch.nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
            layer = layer.to(device=device, dtype=dtype).to(memory_format=form)  # type: ignore[call-overload]
            given = torch.randn(batch, channels, side, side, device=device).to(dtype).to(memory_format=form)
            flops = 2 * batch * channels**2 * kernel**2 * side**2
            yield flops, lambda layer=layer, given=given: layer(given)  # type: ignore[misc]


def _copy(device: str, seconds: float) -> float:
    size = max(CANDIDATES[device].copied, 8 * instance.cache_bytes(device))
    source = torch.ones(size // 4, device=device)
    target = torch.empty_like(source)
    return _rate(2 * size, lambda: target.copy_(source), device, seconds)


def _launch(device: str, seconds: float) -> float:
    """ns of a trivial kernel among others, called from Python and not waited for."""
    one = torch.zeros(1, device=device)

    def calls() -> None:
        for _ in range(_KERNELS):
            one.add_(1.0)

    return _best(calls, device, seconds) / _KERNELS


def _enqueue() -> float:
    """ns for which the host is busy handing over a trivial kernel; few enough at once for the queue."""
    one = torch.zeros(1, device="cuda")
    best = float("inf")
    for _ in range(_CALLS):
        torch.cuda.synchronize()
        begun = time.perf_counter_ns()
        for _ in range(_KERNELS):
            one.add_(1.0)
        best = min(best, (time.perf_counter_ns() - begun) / _KERNELS)
    torch.cuda.synchronize()
    return best


def _wait() -> float:
    """ns of a wait for a device that has nothing to do."""
    best = float("inf")
    torch.cuda.synchronize()
    for _ in range(_KERNELS):
        begun = time.perf_counter_ns()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter_ns() - begun)
    return best


def _graph_launch() -> float:
    """ns of a trivial kernel among others within a graph, which spreads the start of the graph over all."""
    one = torch.zeros(1, device="cuda")
    one.add_(1.0)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(_KERNELS):
            one.add_(1.0)
    return _best(graph.replay, "cuda", 0.1) / _KERNELS
