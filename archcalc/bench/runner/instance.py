"""A point's networks as modules on the device: built, initialised, folded, cast, and with inputs."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from archcalc.bench import work
from archcalc.bench.records.record import Key
from archcalc.bench.runner import fuse, precision
from archcalc.bench.stats import flags
from archcalc.bench.stats.flags import Flag
from archcalc.nn import network
from archcalc.nn.initialise import initialise
from archcalc.nn.network import Network

_MOST_BUFFERS = {"warm": 256, "cold": 2**16}
_MOST_BYTES = 2**30


@dataclass(frozen=True)
class Built:
    """A network on the device with its inputs; `flags` tell of collapsed outputs."""

    counted: work.Instance
    module: Network
    inputs: tuple[torch.Tensor, ...]
    flags: tuple[Flag, ...]


def build(source: str, key: Key, seed: int) -> Built:
    """The network that `source` names as `key` sets it. To be called inside `precision.applied`."""
    counted = work.instance(source, key)
    dtype, layout = precision.DTYPES[key.precision], memory_format(key.layout)
    module = copy.deepcopy(_original(source, key.variables, key.fused, seed))
    module.to(device=key.device, dtype=dtype)
    module.to(memory_format=layout)  # type: ignore[call-overload]
    shape = (key.batch, *(int(n) for n in counted.graph.input))
    inputs = make_inputs(shape, dtype, layout, key, seed)
    with torch.inference_mode():
        flag = examine(fuse.first(module(inputs[0])))
    return Built(counted, module, inputs, flags.present(flag))


@lru_cache(maxsize=4)
def _original(source: str, variables: tuple[tuple[str, str], ...], fused: bool, seed: int) -> Network:
    """The network in fp32 on the CPU, to be copied: building one takes longer than copying it."""
    graph = work.load_graph(source, dict(variables))
    made = network.build(graph)
    initialise(made, seed)
    made.eval().requires_grad_(False)
    if fused:
        generator = torch.Generator().manual_seed(seed)
        fuse.fold(made, graph, torch.randn((1, *(int(n) for n in graph.input)), generator=generator))
    return made


def memory_format(layout: str) -> torch.memory_format:
    """`nchw` or `nhwc` as torch calls them."""
    return torch.channels_last if layout == "nhwc" else torch.contiguous_format


def make_inputs(
    shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format, key: Key, seed: int
) -> tuple[torch.Tensor, ...]:
    """N(0, 1) inputs from a seed, in as many buffers as the key's caches ask for.

    On CUDA the device draws them: a host takes seconds for a large batch.
    """
    if key.device == "cuda":
        torch.manual_seed(seed)
        one = torch.randn(shape, device="cuda").to(dtype)
    else:
        one = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return copies(one.to(memory_format=layout), key.device, key.caches)


def copies(one: torch.Tensor, device: str, caches: str = "warm") -> tuple[torch.Tensor, ...]:
    """`one` and, for cold caches, as many like it elsewhere as exceed the device's last-level cache together.

    They hold the same numbers: what is timed does not depend on them. With warm caches a GPU is given the
    same buffer each time; a CPU up to 256 that take turns, as it has always been.
    """
    size = one.numel() * one.element_size()
    if caches == "warm" and device == "cuda":
        return (one,)
    count = buffers(size, cache_bytes(device), _MOST_BUFFERS[caches])
    return (one, *(one.clone() for _ in range(count - 1)))


def buffers(size: int, cache: int, most: int = _MOST_BUFFERS["warm"]) -> int:
    """How many buffers of `size` bytes exceed a cache, within bounds; always one or more."""
    return max(1, min(math.ceil(1.5 * cache / size), most, _MOST_BYTES // size))


@lru_cache(maxsize=2)
def cache_bytes(device: str) -> int:
    """Bytes of the device's last cache before memory: L2 on CUDA, the highest level on a CPU."""
    if device == "cuda":
        properties: Any = torch.cuda.get_device_properties(torch.cuda.current_device())
        return int(getattr(properties, "L2_cache_size", 0)) or 2**26
    sizes = [_kib(p) for p in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")]
    return max(sizes, default=0) or 2**25


def _kib(path: Path) -> int:
    text = path.read_text().strip()
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    return int(text.rstrip("KMG")) * units.get(text[-1:], 1)


def examine(output: torch.Tensor) -> Flag | None:
    """A flag where an output is not finite or does not vary."""
    values = output.detach().float()
    finite = bool(torch.isfinite(values).all())
    if not finite:
        return flags.collapsed(False, 0.0, 0.0)
    return flags.collapsed(True, float(values.std(correction=0)), float(values.abs().max()))
