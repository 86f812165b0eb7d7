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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from simulated_machine import Kernel, Machine, tensors
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

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
        if any(self.machine.owns(t) for t in tensors((args, kwargs))):
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
        self.own |= {t.untyped_storage()._cdata for t in tensors(result)}

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
            for tensor in tensors(result):
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
