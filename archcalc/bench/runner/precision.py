"""A precision's name -> torch's settings, and whether the device can do it.

`fp32-ieee`: every product in IEEE single precision. `tf32`: tensors stay fp32, the tensor cores round their
factors to 10 bits. `bf16`, `fp16`: weights, inputs and feature maps in that type throughout, sums in fp32
where the library does so.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

DTYPES = {
    "fp32-ieee": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


class UnsupportedError(Exception):
    """This device or this torch cannot do what a point asks; the message says what."""


def check(precision: str, device: str, capability: tuple[int, int] | None = None) -> None:
    """Raise `UnsupportedError` where `device` has no such arithmetic.

    `capability` is the CUDA compute capability, read from the device unless given.
    """
    if precision not in DTYPES:
        raise UnsupportedError(f"no precision is called {precision}")
    if device == "cpu":
        if precision == "tf32":
            raise UnsupportedError("tf32 is arithmetic of NVIDIA's tensor cores; a CPU has none")
        return
    major, minor = capability if capability is not None else torch.cuda.get_device_capability()
    needed = {"tf32": 8, "bf16": 8, "fp16": 6, "fp32-ieee": 0}[precision]
    if major < needed:
        has = f"compute capability {major}.{minor}"
        raise UnsupportedError(f"{precision} needs compute capability {needed}.0, this device has {has}")


@contextmanager
def applied(precision: str, device: str) -> Iterator[torch.dtype]:
    """Make torch compute in `precision` inside the block; the type of tensors to use.

    The settings are global to the process and restored at the end.
    """
    check(precision, device)
    if device == "cpu":  # oneDNN computes fp32 in IEEE unless it is set otherwise
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield DTYPES[precision]
        finally:
            torch.set_float32_matmul_precision(before)
        return
    tf32 = precision == "tf32"
    places = _switches()
    saved = [place.allow_tf32 for place in places]
    benchmark = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    _allow(places, [tf32] * len(places))
    try:
        yield DTYPES[precision]
    finally:
        torch.backends.cudnn.benchmark = benchmark
        _allow(places, saved)


def _switches() -> tuple[Any, Any]:
    """What holds the two switches `allow_tf32`: matrix products, and cuDNN.

    torch 2.9 brought `fp32_precision` beside it. A switch that was set by the new name makes every reader of
    the old one raise, and torch's own compiler is one (2.11); set by the old name, both can be read.
    """
    return torch.backends.cuda.matmul, torch.backends.cudnn


def _allow(places: Sequence[Any], values: Sequence[bool]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the old name is deprecated
        for place, value in zip(places, values, strict=True):
            place.allow_tf32 = value
