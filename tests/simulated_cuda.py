"""A `torch.cuda` that needs no GPU: two clocks, a launch queue, caches, memory and faults on demand.

Tensors "on cuda" are tensors of the CPU that the device knows by their storages. A function mode sends
`device="cuda"` to the CPU and hands what comes of it to the device; a dispatch mode sees every op on such
tensors, computes it, and enqueues a kernel whose time follows from its FLOPs, its bytes and what the second
cache holds. What a real device would refuse is refused here: a replay after a tensor that it reads was
freed, a synchronisation or autotuning while a graph is captured, memory beyond the limit, anything after the
device is lost. `simulated_profiler` has the profiler and NVML.
"""

from __future__ import annotations

import contextlib
import random
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
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
    capturing: SimulatedGraph | None = None
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
        inputs, outputs = list(_tensors((args, kwargs))), list(_tensors(result))
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


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in arguments or results, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))


# -- tensors ----------------------------------------------------------------------------------------


class _Ops(TorchDispatchMode):
    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func._can_decompose():  # in inference mode convolutions and linear layers come undivided
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        if any(self.machine.owns(t) for t in _tensors((args, kwargs))):
            self.machine.ran(func, args, kwargs, result)
        return result


def _is_cuda(value: Any) -> bool:
    return str(value).split(":")[0] == "cuda" if isinstance(value, str | torch.device) else False


class _Moves(TorchFunctionMode):
    """`device="cuda"` to the CPU, and what comes of it onto the device."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        asked = [v for v in (*args, *kwargs.values()) if _is_cuda(v)]
        if not asked or func is torch._C._nn._parse_to:
            return func(*args, **kwargs)
        self.machine.check()
        args = tuple("cpu" if _is_cuda(a) else a for a in args)
        kwargs = {k: "cpu" if _is_cuda(v) else v for k, v in kwargs.items()}
        result = func(*args, **kwargs)
        if (
            args
            and isinstance(args[0], torch.Tensor)
            and result.untyped_storage()._cdata == (args[0].untyped_storage()._cdata)
        ):
            result = result if self.machine.owns(args[0]) else result.clone()
        self.machine.adopt(result)
        return result


# -- events, streams, graphs ------------------------------------------------------------------------


@dataclass(frozen=True)
class _External:
    """A tensor that a graph reads and does not own."""

    weak: StorageWeakRef
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def tensor(self) -> torch.Tensor:
        storage = torch.UntypedStorage._new_with_weak_ptr(self.weak.cdata)
        return torch.empty(0, dtype=self.dtype).set_(storage, self.offset, self.size, self.stride)


class SimulatedGraph:
    """Captured ops. The first replay computes them; each checks that what is read is still there."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.ops: list[tuple[Any, Any, Any, Any]] = []
        self.nodes: list[tuple[float, str]] = []
        self.own: set[int] = set()
        self.externals: dict[int, _External] = {}
        self.computed = False

    def pool(self) -> tuple[int, int]:
        return (0, id(self))

    def add(self, op: Any, args: Any, kwargs: Any, result: Any, ns: float, name: str) -> None:
        def keep(value: Any) -> Any:
            if not isinstance(value, torch.Tensor) or value.untyped_storage()._cdata in self.own:
                return value
            storage = value.untyped_storage()
            there = _External(
                StorageWeakRef(storage),
                value.storage_offset(),
                tuple(value.shape),
                value.stride(),
                value.dtype,
            )
            self.externals[storage._cdata] = there
            return there

        self.ops.append((op, tree_map(keep, args), tree_map(keep, kwargs), result))
        self.nodes.append((ns, name))
        self.own |= {t.untyped_storage()._cdata for t in _tensors(result)}

    def replay(self) -> None:
        machine = self.machine
        machine.check()
        if any(external.weak.expired() for external in self.externals.values()):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if not self.computed:
            self._compute()
        machine.work(machine.graph_launch_ns)
        start = max(machine.device, machine.host)
        machine.kernels += len(self.nodes)
        if not machine.jitter and machine.profile is None:
            machine.device = start + sum(ns + machine.node_ns for ns, _ in self.nodes)
            return
        for ns, name in self.nodes:
            noise = 1 + machine.random.gauss(0.0, machine.jitter) if machine.jitter else 1.0
            end = start + ns * noise + machine.node_ns
            if machine.profile is not None:
                machine.profile.kernels.append(Kernel(name, start, end - machine.node_ns, (), ""))
            start = end
        machine.device = start

    def _compute(self) -> None:
        self.computed = True
        with torch.utils._python_dispatch._disable_current_modes():
            for op, args, kwargs, result in self.ops:
                given = [
                    tree_map(lambda v: v.tensor() if isinstance(v, _External) else v, part)
                    for part in (args, kwargs)
                ]
                again = op(*given[0], **given[1])
                for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                    if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new * (1 + self.machine.ulp) if new.is_floating_point() else new)


class _Capture:
    def __init__(self, graph: SimulatedGraph, pool: Any = None, stream: Any = None) -> None:
        self.graph = graph

    def __enter__(self) -> None:
        self.graph.machine.synchronize()
        self.graph.machine.capturing = self.graph

    def __exit__(self, *fault: Any) -> None:
        self.graph.machine.capturing = None
        for *_, result in self.graph.ops:  # nothing has run: memory holds anything
            for tensor in _tensors(result):
                if tensor.is_floating_point() and fault[0] is None:
                    with torch.utils._python_dispatch._disable_current_modes():
                        tensor.fill_(float("nan"))


class SimulatedEvent:
    """A moment on the device, or the host's where the device had nothing to do."""

    def __init__(self, machine: Machine, enable_timing: bool = False) -> None:
        self.machine, self.at = machine, 0.0

    def record(self, stream: Any = None) -> None:
        self.machine.check()
        self.machine.work(800)
        self.at = max(self.machine.device, self.machine.host)

    def synchronize(self) -> None:
        self.machine.synchronize()

    def elapsed_time(self, end: SimulatedEvent) -> float:
        self.machine.check()
        return (end.at - self.at) * 1e-6


def _stream() -> Any:
    return SimpleNamespace(wait_stream=lambda other: None, synchronize=lambda: None)


def _properties(machine: Machine) -> Any:
    return SimpleNamespace(
        name="NVIDIA H100 80GB HBM3",
        total_memory=machine.memory,
        L2_cache_size=machine.l2,
        multi_processor_count=132,
        uuid="11111111-2222-3333-4444-555555555555",
    )


def _replacements(machine: Machine) -> dict[str, Callable[..., Any]]:
    def capability(*device: Any) -> tuple[int, int]:
        return (9, 0)

    def forget_peak(*device: Any) -> None:
        machine.peak = machine.allocated()

    return {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_name": lambda *device: "NVIDIA H100 80GB HBM3",
        "get_device_capability": capability,
        "get_device_properties": lambda *device: _properties(machine),
        "synchronize": machine.synchronize,
        "Event": lambda enable_timing=False, **more: SimulatedEvent(machine, enable_timing),
        "Stream": lambda *a, **k: _stream(),
        "current_stream": lambda *device: _stream(),
        "stream": lambda stream: contextlib.nullcontext(),
        "CUDAGraph": lambda *a, **k: SimulatedGraph(machine),
        "graph": _Capture,
        "_sleep": lambda cycles: machine.enqueue(cycles / machine.clock_hz * 1e9, "sleep"),
        "memory_allocated": lambda *device: machine.allocated(),
        "max_memory_allocated": lambda *device: machine.peak,
        "reset_peak_memory_stats": forget_peak,
        "empty_cache": machine.check,
    }


@contextlib.contextmanager
def installed(machine: Machine, patch: Any) -> Iterator[Machine]:
    """torch with `machine` for its CUDA device; `patch` is pytest's monkeypatch."""
    import simulated_profiler

    from archcalc.bench.runner import ceilings, instance, measurer, profiles, subjects

    for name, value in _replacements(machine).items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr(torch.version, "cuda", "13.0")
    patch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    for module in (subjects, ceilings):
        patch.setattr(module, "time", SimpleNamespace(perf_counter_ns=machine.read))
    patch.setitem(ceilings.CANDIDATES, "cuda", ceilings.Candidates((64,), ((2, 32, 8, 3),), 2**20))
    patch.setattr(ceilings, "SECONDS", 0.001)
    if not machine.collects:  # half a second each time in a process as large as pytest's
        patch.setattr(measurer.gc, "collect", lambda *generation: 0)
    simulated_profiler.install(machine, patch)
    instance.cache_bytes.cache_clear()
    profiles._start_profiler.cache_clear()
    try:
        with _Moves(machine), _Ops(machine):
            yield machine
    finally:
        instance.cache_bytes.cache_clear()
