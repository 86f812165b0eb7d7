"""Peak memory of one forward pass, measured: the allocator's on CUDA, resident memory on a CPU."""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path
from typing import Any

import torch


def peak(module: Any, given: torch.Tensor, device: str) -> int | None:
    """The most bytes that a forward pass held beyond the weights, the input counted in; None if unknown.

    CUDA: the caching allocator's peak (feature maps and workspaces, rounded up to 512 bytes) less what was
    allocated before. CPU: the growth of the resident set (Linux: VmHWM, reset through `clear_refs`) after
    unused heap was given back, so it also holds what libraries keep and lies above what tensors need.
    The input exists before and is added, as the counted peak contains it.
    """
    size = given.numel() * given.element_size()
    with torch.inference_mode():
        module(given)  # autotuning and lazily built code are not the network's memory
        if device == "cuda":
            torch.cuda.synchronize()
            before = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            module(given)
            torch.cuda.synchronize()
            return size + torch.cuda.max_memory_allocated() - before
        _trim()
        resident = _status("VmRSS")
        if resident is None or not _reset_peak():
            return None
        module(given)
        highest = _status("VmHWM")
    return None if highest is None else size + max(0, highest - resident)


def _trim() -> None:
    """Give unused heap back, or the pass would find room that the last one left."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status(name: str) -> int | None:
    """A field of /proc/self/status in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    fields = [line.split() for line in lines if line.startswith(name + ":")]
    return int(fields[0][1]) * 1024 if fields else None
