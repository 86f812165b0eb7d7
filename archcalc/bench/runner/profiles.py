"""Kernels by torch's profiler: their names, their times on the device, and the row that launched each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

PREFIX = "archcalc row "


@dataclass(frozen=True, slots=True)
class Launched:
    """A kernel of a profile: its name, ns on the device from a common zero, and the row that launched it."""

    name: str
    start: float
    end: float
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
            kernels.append(Launched(kernel.name, start, start + kernel.duration * 1e3, row))
    return kernels


def _is_range(name: str) -> bool:
    return str(name).startswith(PREFIX)


def busy(kernels: Sequence[Launched]) -> tuple[float, float]:
    """ns from the first kernel's start to the last one's end, and ns in which at least one ran."""
    spans = sorted((k.start, k.end) for k in kernels if not math.isnan(k.start))
    if not spans:
        return 0.0, 0.0
    union, reached = 0.0, -math.inf
    for start, end in spans:
        union += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return reached - spans[0][0], union


#: Parts of kernels' names that say that tensor cores did the products: cuDNN, cuBLAS, CUTLASS, nvjet (cuBLAS 13).
_TENSOR_CORES = ("xmma", "gmma", "wgmma", "mma", "tensorop", "s1688", "s16816", "h16816", "nvjet", "hmma", "imma")
_PRODUCTS = ("conv", "gemm", "fprop", "cudnn", "cutlass", "nvjet", "xmma", "winograd", "dgrad", "wgrad")


def tensor_cores(names: Iterable[str]) -> bool | None:
    """Did tensor cores do the products, by the kernels' names? None where no name is one of a product.

    False as soon as one product ran without them.
    """
    products = [name.lower() for name in names if any(part in name.lower() for part in _PRODUCTS)]
    products = [name for name in products if not _moves_data(name)]
    if not products:
        return None
    return all(any(part in name for part in _TENSOR_CORES) for name in products)


def _moves_data(name: str) -> bool:
    """Kernels of cuDNN that change the layout (`nchwToNhwc`), add a bias or reduce partial sums."""
    return any(part in name for part in ("nchwtonhwc", "nhwctonchw", "tonhwc", "tonchw", "splitkreduce", "bias"))
