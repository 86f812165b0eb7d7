"""The simulated GPU itself: two clocks, a launch queue, caches, memory, kernels and faults on demand.

Tensors on it are tensors of the CPU that it knows by their storages; `simulated_cuda` makes torch use it.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils.flop_counter import flop_registry

GIB = 2**30
LOST = "CUDA error: unspecified launch failure"
_aten = torch.ops.aten
_FREE = {_aten.detach, _aten.empty, _aten.empty_like, _aten.empty_strided, _aten._unsafe_view, _aten.set_}
_TENSOR_CORES = {torch.bfloat16: 800e12, torch.float16: 800e12, "tf32": 400e12}


@dataclass
class Kernel:
    """What ran: its name, start and end on the device (ns), and the ranges it was launched in."""

    name: str
    start: float
    end: float
    ranges: tuple[str, ...]
    op: str


@dataclass
class Machine:
    """A GPU as fast as an H100 and its host; all times in ns. `scatter` and `jitter` are relative."""

    enqueue_ns: float = 4000.0
    sync_ns: float = 8000.0
    graph_launch_ns: float = 8000.0
    node_ns: float = 1000.0
    autotune_ns: float = 150e6
    queue: int = 1024
    bandwidth: float = 3.0e12
    l2_bandwidth: float = 9.0e12
    l2: int = 50 * 2**20
    memory: int = 80 * GIB
    clock_hz: float = 1.98e9
    scatter: float = 0.0
    jitter: float = 0.0
    ulp: float = 0.0  # what a replay's output is off by, relative
    profiles_to_miss: int = 0  # profiles that come back without their first kernels
    vanish_after: int | None = None  # kernels until the device is lost
    nvml_ns: float = 1e6
    seed: int = 0
    collects: bool = False  # garbage is collected between tasks, as it really is

    host: float = 0.0
    device: float = 0.0
    kernels: int = 0
    peak: int = 0
    used: int = 0
    recent: list[int] = field(default_factory=list)
    held: int = 0  # bytes in the second cache
    capturing: Any = None  # the graph that is being captured
    profile: Any = None
    ranges: list[str] = field(default_factory=list)
    pending: list[float] = field(default_factory=list)
    autotuned: set[Any] = field(default_factory=set)
    storages: dict[int, tuple[StorageWeakRef, int]] = field(default_factory=dict)
    cached: OrderedDict[int, int] = field(default_factory=OrderedDict)
    nvml_calls: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(f"simulated cuda {self.seed}")

    # -- memory -------------------------------------------------------------------------------------

    def owns(self, tensor: torch.Tensor) -> bool:
        entry = self.storages.get(tensor.untyped_storage()._cdata)
        return entry is not None and not entry[0].expired()

    def adopt(self, tensor: torch.Tensor) -> None:
        """Put a tensor's storage on the device; fails where memory runs out."""
        storage = tensor.untyped_storage()
        if self.owns(tensor):
            return
        size = -(-storage.nbytes() // 512) * 512
        if self.collect(self.recent) + size > self.memory and self.allocated() + size > self.memory:
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size / GIB:.2f} GiB.")
        key = storage._cdata
        self.used += size - self.storages.get(key, (None, 0))[1]
        self.storages[key] = (StorageWeakRef(storage), size)
        self.recent = [*self.recent[-15:], key]
        self.peak = max(self.peak, self.used)

    def collect(self, keys: Any) -> int:
        """Bytes in use after those of `keys` that were freed are taken off."""
        for key in list(keys):
            if key in self.storages and self.storages[key][0].expired():
                self.used -= self.storages.pop(key)[1]
        return self.used

    def allocated(self) -> int:
        return self.collect(self.storages)

    # -- time ---------------------------------------------------------------------------------------

    def check(self) -> None:
        if self.vanish_after is not None and self.kernels >= self.vanish_after:
            raise getattr(torch, "AcceleratorError", RuntimeError)(LOST)

    def work(self, ns: float) -> None:
        """The host works for so long."""
        self.host += ns * (1 + self.random.gauss(0.0, self.scatter) if self.scatter else 1.0)

    def read(self) -> int:
        """The host's clock."""
        self.host += 30
        return int(self.host)

    def enqueue(self, ns: float, name: str, op: str = "") -> None:
        """A kernel: the host pays for the launch, and waits where the queue is full."""
        self.kernels += 1
        self.check()
        self.work(self.enqueue_ns * (3 if self.profile is not None else 1))
        self.pending = [end for end in self.pending if end > self.host]
        if len(self.pending) >= self.queue:
            self.host = self.pending[len(self.pending) - self.queue]
        start = max(self.device, self.host + 1000)
        if self.jitter:
            ns *= 1 + self.random.gauss(0.0, self.jitter)
        self.device = start + ns
        self.pending.append(self.device)
        if self.profile is not None:
            self.profile.kernels.append(Kernel(name, start, self.device, tuple(self.ranges), op))

    def synchronize(self, *device: Any) -> None:
        self.check()
        if self.capturing is not None:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        self.host = max(self.host, self.device)
        self.work(self.sync_ns)
        self.pending = []

    # -- kernels ------------------------------------------------------------------------------------

    def duration(
        self, func: Any, inputs: list[torch.Tensor], outputs: list[torch.Tensor], flops: int
    ) -> float:
        """ns by the roofline, with what the second cache holds read faster; it holds what was used last."""
        ns = 0.0
        for tensor in (*inputs, *outputs):
            key, size = tensor.untyped_storage()._cdata, tensor.numel() * tensor.element_size()
            before = self.cached.pop(key, None)
            ns += size / (self.bandwidth if before is None else self.l2_bandwidth) * 1e9
            self.cached[key] = size
            self.held += size - (before or 0)
        while self.held > self.l2:
            self.held -= self.cached.popitem(last=False)[1]
        rate = 60e12
        if inputs and self.tensor_cores(func, inputs[0]):
            rate = _TENSOR_CORES.get(inputs[0].dtype, _TENSOR_CORES["tf32"])
        return max(1500.0, ns, flops / rate * 1e9)

    def tensor_cores(self, func: Any, given: torch.Tensor) -> bool:
        if given.dtype in _TENSOR_CORES:
            return True
        places: Any = torch.backends
        if func is _aten.convolution:
            return bool(places.cudnn.allow_tf32)
        return bool(places.cuda.matmul.allow_tf32)

    def name(self, func: Any, inputs: list[torch.Tensor]) -> str:
        """Names such as NVIDIA's libraries give."""
        kind = func.__name__
        if func is _aten.convolution:
            if not self.tensor_cores(func, inputs[0]):
                return "void implicit_convolve_sgemm<float, float, 1024, 5, 5, 3, 3, 3, 1, false>"
            kinds = {torch.bfloat16: "bf16bf16_bf16f32", torch.float16: "f16f16_f16f32"}
            name = kinds.get(inputs[0].dtype, "tf32f32_tf32f32")
            return f"sm90_xmma_fprop_implicit_gemm_{name}_f32_nhwckrsc_nhwc_tilesize128x128x64_warpgroupsize1"
        if func in (_aten.mm, _aten.addmm):
            if not self.tensor_cores(func, inputs[0]):
                return "ampere_sgemm_128x64_tn"
            return "nvjet_tst_128x64_64x8_2x1_v_bz_TNN"
        if func in (_aten.copy_, _aten.clone, _aten._to_copy):
            return "Memcpy DtoD (Device -> Device)"
        return f"void at::native::vectorized_elementwise_kernel<4, {kind}>"

    def tune(self, func: Any, inputs: list[torch.Tensor]) -> None:
        """cuDNN tries its algorithms where a convolution is new to this process."""
        if func is not _aten.convolution or not torch.backends.cudnn.benchmark:
            return
        key = (
            tuple((tuple(t.shape), t.stride(), t.dtype) for t in inputs),
            self.tensor_cores(func, inputs[0]),
        )
        if key in self.autotuned:
            return
        if self.capturing is not None:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        self.autotuned.add(key)
        self.host = max(self.host, self.device) + self.autotune_ns

    def ran(self, op: Any, args: Any, kwargs: Any, result: Any) -> None:
        """An op on device tensors was computed: its kernel, and its outputs on the device."""
        func = op.overloadpacket
        inputs, outputs = list(tensors((args, kwargs))), list(tensors(result))
        mine = {t.untyped_storage()._cdata for t in inputs}
        fresh = [t for t in outputs if t.untyped_storage()._cdata not in mine]
        for tensor in fresh:
            self.adopt(tensor)
        if func is _aten._local_scalar_dense or func is _aten.equal:
            self.synchronize()
            return
        if func in _FREE or (op.is_view and not fresh):
            return
        self.tune(func, inputs)
        if func is _aten.copy_:  # its target is not read
            inputs = inputs[1:]
        flops = int(flop_registry[func](*args, **kwargs, out_val=result)) if func in flop_registry else 0
        ns, name = self.duration(func, inputs, outputs, flops), self.name(func, inputs)
        if self.capturing is not None:
            self.capturing.add(op, args, kwargs, result, ns, name)
        else:
            self.enqueue(ns, name, func.__name__)


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in arguments or results, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))
