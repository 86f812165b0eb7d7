"""CUDA for real; every test skips itself where there is no device."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from latency_fakes import TINY

from archcalc.bench import efficiency
from archcalc.bench.records.record import Key, Status
from archcalc.bench.runner import ceilings, instance, memory, plan, precision, rows, subjects
from archcalc.bench.runner.measurer import Measurer
from archcalc.bench.runner.tasks import Task, TaskKind

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
PRECISIONS = ("fp32-ieee", "tf32", "bf16", "fp16")


def key(*names: str, **axes: Any) -> Key:
    variables = axes.pop("variables", {})
    return plan.points([names], plan.conditions("cuda", **axes), [variables])[0]


def unwatched(what: str, rounds: int, half_width: float) -> None:
    assert rounds >= 0


def task(kind: TaskKind, at: Key, **changes: Any) -> Task:
    return Task(kind, TINY, "cuda", key=at, sources=at.networks, first=True, **changes)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("name", PRECISIONS)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_pair_in_every_precision_mode_and_layout(mode: str, name: str, layout: str) -> None:
    at = key("3x3", "3x1-1x3", precisions=(name,), modes=(mode,), layouts=(layout,), batches=(2,))
    answer = Measurer().run(task(TaskKind.MEASURE, at), unwatched)
    assert answer.status is Status.DONE, answer.message
    assert answer.pair is not None
    assert answer.networks[0].memory_peak is not None


@pytest.mark.parametrize("name", ["googlenet", "inception-v3"])
def test_a_whole_network_as_a_graph_equals_eager(name: str) -> None:
    at = key(name, precisions=("bf16",), modes=("graph",))
    with precision.applied("bf16", "cuda"):
        built = instance.build(name, at, 0)
        # the subject itself refuses a graph whose output is not the eager one's
        subject = subjects.GraphSubject(built.module, built.inputs)
        assert subject.slot(3) > 0
    assert built.flags == ()


def test_tf32_rounds_and_ieee_does_not() -> None:
    torch.manual_seed(0)
    a, b = (torch.randn(512, 512, device="cuda") for _ in range(2))
    exact = a.double() @ b.double()
    away = {}
    for name in ("fp32-ieee", "tf32"):
        with precision.applied(name, "cuda"):
            away[name] = float(((a @ b).double() - exact).abs().max())
    assert away["fp32-ieee"] < 1e-3 < away["tf32"] < 1


def test_convolutions_obey_the_precision_too() -> None:
    torch.manual_seed(0)
    x, w = torch.randn(4, 256, 14, 14, device="cuda"), torch.randn(256, 256, 3, 3, device="cuda")
    exact = torch.nn.functional.conv2d(x.double(), w.double(), padding=1)
    away = {}
    for name in ("fp32-ieee", "tf32"):
        with precision.applied(name, "cuda"):
            given = torch.nn.functional.conv2d(x, w, padding=1).double()
        away[name] = float((given - exact).abs().max())
    assert away["fp32-ieee"] * 5 < away["tf32"]


def test_the_null_test_runs() -> None:
    at = key("3x3", "3x1-1x3", batches=(32,), variables={"width": "256"})
    answer = Measurer().run(task(TaskKind.NULL, at), unwatched)
    assert answer.null is not None, answer.message


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_ceilings_are_sane(mode: str) -> None:
    found = ceilings.measure("cuda", "bf16", mode, seconds=0.05)
    assert found.matmul > 1e12
    assert found.convolution > 1e12
    assert found.bandwidth > 1e11
    assert 100 < found.launch_ns < 100_000


def test_rows_gaps_and_the_rest_make_up_a_pass() -> None:
    """At a batch that keeps the device busy: where the host is slower, its profile is slower still."""
    at = key("googlenet", precisions=("bf16",), batches=(128,))
    with precision.applied("bf16", "cuda"):
        built = instance.build("googlenet", at, 0)
        results, books = rows.measure(built, at, TINY, 0, unwatched)
    assert books is not None
    assert len(results) >= 15
    assert all(r.in_situ_ns for r in results if r.macs)
    assert all(r.isolated_kernels for r in results if r.macs)
    assert abs(books.unattributed_ns) <= 0.15 * books.total_ns


def test_peak_memory_is_the_allocators() -> None:
    layer = torch.nn.Conv2d(8, 64, 3, padding=1).cuda().eval()
    given = torch.randn(1, 8, 256, 256, device="cuda")
    found = memory.peak(layer, given, "cuda")
    assert found is not None
    assert found >= given.numel() * 4 + 64 * 256 * 256 * 4


def test_out_of_memory_is_an_answer_and_the_next_point_works() -> None:
    huge = key("5x5", batches=(256,), precisions=("fp32-ieee",), variables={"width": "512"})
    torch.cuda.set_per_process_memory_fraction(0.005)
    try:
        answer = Measurer().run(task(TaskKind.MEASURE, huge), unwatched)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert answer.status is Status.OUT_OF_MEMORY, answer.message
    assert Measurer().run(task(TaskKind.MEASURE, key("5x5")), unwatched).status is Status.DONE


def test_the_host_and_the_device_are_told_apart() -> None:
    layer = torch.nn.Conv2d(256, 256, 3, padding=1).cuda().eval()
    small, large = torch.randn(1, 256, 7, 7, device="cuda"), torch.randn(64, 256, 56, 56, device="cuda")
    times = subjects.host_times(subjects.CudaSubject(layer, [large]))
    assert times.enqueue < times.device
    times = subjects.host_times(subjects.CudaSubject(layer, [small]))
    assert min(times.enqueue, times.device, times.sync) > 0


def test_kernels_are_named_and_say_whether_tensor_cores_ran() -> None:
    seen = {}
    for name in ("fp32-ieee", "bf16"):
        at = key("5x5", precisions=(name,), batches=(32,))
        answer = Measurer().run(task(TaskKind.MEASURE, at), unwatched)
        assert answer.solo is not None, answer.message
        assert answer.networks[0].kernels
        seen[name] = efficiency.tensor_cores(answer.solo.algorithms)
    assert seen == {"fp32-ieee": False, "bf16": True}


def test_a_graph_keeps_its_weights() -> None:
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).cuda().eval()
    subject = subjects.GraphSubject(layer, [torch.randn(1, 64, 28, 28, device="cuda")])
    del layer
    torch.cuda.empty_cache()
    assert subject.slot(100) > 0


def test_small_graphs_are_not_timed_by_their_launch() -> None:
    """One product of 64 x 64 takes 2 to 3 us on the device; starting a graph takes 6 to 10."""
    a = torch.randn(64, 64, device="cuda")
    subject = subjects.GraphSubject(lambda x: x @ x, [a])
    assert subject.runs > 100
    assert subject.slot(subject.runs) / subject.runs < 6000
