"""The rows of a network: each by itself at its real input, and inside the network, with what is left over.

CPU: hooks around every row read the clock. The total is that of passes without hooks, taken in turn with
the others, so that what is left over shows the cost of the hooks themselves. CUDA: the profiler's kernels,
each given to the row inside whose range it was launched; the total is that of passes without the profiler.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from archcalc.bench.records.observed import HostCost, KernelTime
from archcalc.bench.records.record import Books, Key, RowResult
from archcalc.bench.runner import instance, profiles, subjects
from archcalc.bench.runner.profiles import Launched
from archcalc.bench.stats.protocol import Protocol, SoloRun
from archcalc.bench.stats.rounds import measure_solo
from archcalc.nn import network

if TYPE_CHECKING:
    from archcalc.bench.runner.instance import Built

_PASSES = 15


def measure(
    built: Built, key: Key, protocol: Protocol, process: int, watch: Callable[[str, int, float], None]
) -> tuple[tuple[RowResult, ...], Books | None]:
    """Every row of a network, and how one forward pass adds up (None for CUDA graphs).

    Rows follow each other on a device that is warm already, and there are many: each warms up for 0.1 s
    and is timed for half a second at most, which its interval shows.
    """
    short = replace(protocol, warm_up_min_s=0.1, warm_up_max_s=0.5, window_s=0.02, max_seconds=0.5)
    inputs = _inputs(built)
    inside = _in_situ(built, key)
    results = []
    for row in built.counted.counted.rows:
        name = network.module_name(row.row.name)
        if name not in inputs:
            continue  # left out of the built network, as a softmax at the end
        label = f"{built.counted.name}: {row.row.label}"
        run, host = _isolated(
            built.module.get_submodule(name), inputs[name], key, short, process, watch, label
        )
        work = built.counted.kernels(row.row.nodes)
        kernels = () if inside is None else inside.kernels.get(name, ())
        results.append(
            RowResult(
                network=built.counted.name,
                row=row.row.name,
                input_shape=tuple(int(n) for n in row.input),
                output_shape=tuple(int(n) for n in row.output),
                macs=int(row.cost.macs),
                bytes=sum(w.bytes for w in work),
                work=work,
                isolated=(run,),
                in_situ_ns=None if inside is None else round(inside.rows.get(name, 0.0)),
                isolated_kernels=run.algorithms,
                in_situ_kernels=tuple(kernel.name for kernel in kernels),
                kernels=kernels,
                host=host,
            )
        )
    books = None
    if inside is not None:
        in_rows = sum(round(ns) for ns in inside.rows.values())
        books = Books(built.counted.name, max(1, round(inside.total)), in_rows, round(inside.gaps))
    return tuple(results), books


def _isolated(
    module: Any,
    given: torch.Tensor,
    key: Key,
    protocol: Protocol,
    process: int,
    watch: Callable[[str, int, float], None],
    label: str,
) -> tuple[SoloRun, HostCost | None]:
    """A row by itself: its run with the kernels that it ran, and what the host spends on it (CUDA)."""
    inputs = instance.copies(given, key.device, key.caches)
    subject = subjects.subject(module, inputs, key.device, key.mode, key.precision)
    run = measure_solo(subject, protocol, key.device, process, lambda n, i: watch(label, n, i.half_width))
    if not isinstance(subject, subjects.OnCuda):
        return run, None
    times = subjects.host_times(subject, calls=3)
    host = HostCost(round(times.enqueue), round(times.launch), round(times.sync))
    return replace(run, algorithms=_kernel_names(module, given, key)), host


def _inputs(built: Built) -> dict[str, torch.Tensor]:
    """What each row reads in a forward pass, by the row's module name."""
    inputs: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Callable[[Any, Any], None]:
        def hook(module: Any, arguments: Any) -> None:
            inputs[name] = arguments[0].clone()

        return hook

    handles = [m.register_forward_pre_hook(keep(n)) for n, m in built.module.named_children()]
    try:
        with torch.inference_mode():
            built.module(built.inputs[0])
    finally:
        for handle in handles:
            handle.remove()
    return inputs


@dataclass(frozen=True, slots=True)
class InSitu:
    """ns of one forward pass: by row, between rows, and in all; the kernels of each row."""

    total: float
    rows: dict[str, float]
    gaps: float
    kernels: dict[str, tuple[KernelTime, ...]]


def _in_situ(built: Built, key: Key) -> InSitu | None:
    """Eager mode only: compiled code and a replayed graph have no rows left."""
    if key.mode != "eager":
        return None
    return _by_hooks(built) if key.device == "cpu" else _by_profiler(built)


# -- CPU --------------------------------------------------------------------------------------------


def _by_hooks(built: Built) -> InSitu:
    module, inputs = built.module, built.inputs
    stamps: list[tuple[str, int]] = []
    clock = time.perf_counter_ns

    def entering(name: str) -> Callable[[Any, Any], None]:
        return lambda m, a: stamps.append((name, clock()))

    def leaving(name: str) -> Callable[[Any, Any, Any], None]:
        return lambda m, a, r: stamps.append((name, clock()))

    totals: list[float] = []
    passes: list[tuple[dict[str, float], float]] = []
    children = list(module.named_children())
    with torch.inference_mode():
        module(inputs[0])
        for turn in range(_PASSES):
            begun = clock()
            module(inputs[turn % len(inputs)])
            totals.append(clock() - begun)
            handles = [m.register_forward_pre_hook(entering(n)) for n, m in children]
            handles += [m.register_forward_hook(leaving(n)) for n, m in children]
            stamps.clear()
            begun = clock()
            try:
                module(inputs[turn % len(inputs)])
            finally:
                ended = clock()
                for handle in handles:
                    handle.remove()
            passes.append(spans(stamps, begun, ended))
    return InSitu(
        total=median(totals),
        rows={n: median(p[0][n] for p in passes) for n in passes[0][0]},
        gaps=median(p[1] for p in passes),
        kernels={},
    )


def spans(stamps: Sequence[tuple[str, int]], begun: int, ended: int) -> tuple[dict[str, float], float]:
    """Pairs of stamps (entering, leaving) -> ns in each row, and ns outside of all."""
    inside = {name: float(b - a) for (name, a), (_, b) in zip(stamps[::2], stamps[1::2], strict=True)}
    return inside, ended - begun - sum(inside.values())


# -- CUDA -------------------------------------------------------------------------------------------


def _by_profiler(built: Built) -> InSitu:
    from torch.profiler import record_function

    module, inputs = built.module, built.inputs
    subject = subjects.CudaSubject(module, inputs)
    subject.slot(3)
    total = median(subject.slot(1) for _ in range(_PASSES))
    ranges: list[Any] = []

    def enter(name: str) -> Callable[[Any, Any], None]:
        def hook(m: Any, a: Any) -> None:
            ranges.append(record_function(profiles.PREFIX + name))
            ranges[-1].__enter__()

        return hook

    def leave(m: Any, a: Any, r: Any) -> None:
        ranges.pop().__exit__(None, None, None)

    handles: list[Any] = []
    for name, child in module.named_children():
        handles += [child.register_forward_pre_hook(enter(name)), child.register_forward_hook(leave)]
    try:
        with torch.inference_mode():
            module(inputs[0])
            kernels = profiles.profiled(lambda: module(inputs[0]))
    finally:
        for handle in handles:
            handle.remove()
    return attribute(kernels, total)


def attribute(kernels: Sequence[Launched], total: float) -> InSitu:
    """Kernels -> ns by row. A gap is time between the first kernel and the last in which none runs.

    Both are of the profiled pass, while `total` is that of passes without the profiler: what rows and gaps
    leave of it is unattributed, and may be negative where the profiler slowed the host. Kernels outside of
    all rows (a copy between them) belong to none.
    """
    rows: dict[str, float] = {}
    by_row: dict[str, list[Launched]] = {}
    for kernel in kernels:
        if kernel.row is not None:
            rows[kernel.row] = rows.get(kernel.row, 0.0) + kernel.length
            by_row.setdefault(kernel.row, []).append(kernel)
    span, union = profiles.busy(kernels)
    return InSitu(total, rows, span - union, {n: profiles.kernel_times(k) for n, k in by_row.items()})


def _kernel_names(module: Any, given: torch.Tensor, key: Key) -> tuple[str, ...]:
    """The kernels that a row runs by itself; none where it was compiled."""
    if key.mode == "compile":
        return ()
    with torch.inference_mode():
        module(given)
        kernels = profiles.profiled(lambda: module(given))
    return tuple(sorted({kernel.name for kernel in kernels}))
