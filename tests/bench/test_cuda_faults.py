"""What went wrong on a simulated CUDA device, one test for each fault."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from simulated_cuda import installed
from simulated_machine import Machine
from simulated_worker import SMALL, key, task, unwatched

from archcalc.bench.records.record import Status
from archcalc.bench.runner import ceilings, instance, precision, profiles, rows, subjects
from archcalc.bench.runner.measurer import Measurer
from archcalc.bench.runner.monitor import INTERVAL_S, Monitor
from archcalc.bench.runner.profiles import Launched
from archcalc.bench.runner.subjects import CudaSubject, GraphSubject
from archcalc.bench.runner.tasks import TaskKind
from archcalc.bench.stats.flags import FlagKind
from archcalc.bench.stats.roofline import Ceilings, Work, WorkKind, predict


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with installed(Machine(**SMALL), monkeypatch) as device:
        yield device


def convolution(channels: int = 8, side: int = 8, batch: int = 1) -> tuple[torch.nn.Module, torch.Tensor]:
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False).eval().requires_grad_(False)
    return layer.to("cuda"), torch.randn(batch, channels, side, side, device="cuda")


# -- graphs -----------------------------------------------------------------------------------------


def test_a_graph_keeps_its_weights(machine: Machine) -> None:
    layer, given = convolution()
    subject = GraphSubject(layer, [given])
    del layer, given
    assert subject.slot(3) > 0


def test_a_graph_whose_weights_are_gone_fails_here(machine: Machine) -> None:
    """That the simulated device sees what the test above is about."""
    layer, given = convolution()
    subject = GraphSubject(layer, [given])
    subject.module = torch.nn.Identity()
    del layer
    with pytest.raises(RuntimeError, match="illegal memory access"):
        subject.slot(3)


def test_the_null_test_of_graphs_outlives_what_it_was_built_from(machine: Machine) -> None:
    machine.collects = True
    answer = Measurer().run(task(TaskKind.NULL, key("graph")), unwatched)
    assert answer.status is Status.DONE, answer.message


@pytest.mark.parametrize("count", [1, 7, 40])
def test_a_slot_of_small_graphs_is_the_kernels_and_not_the_launch(machine: Machine, count: int) -> None:
    layer, given = convolution()
    subject = GraphSubject(layer, [given] + [given.clone() for _ in range(count - 1)])
    node = 1500 + machine.node_ns
    # a graph of one kernel would take the 8 us of its launch
    assert subject.slot(1000) / 1000 == pytest.approx(node, rel=0.02 if count == 1 else 0.35)
    assert len(subject.graphs) * subject.runs >= count


def test_every_input_is_read_before_one_is_read_again(machine: Machine) -> None:
    layer, given = convolution()
    inputs = [given] + [given.clone() for _ in range(2499)]
    subject = GraphSubject(layer, inputs)
    read = [e.weak.cdata for graph in subject.graphs for e in graph.externals.values()]
    own = [x.untyped_storage()._weak_ref() for x in inputs]
    assert len(subject.graphs) > 1
    assert set(own) <= set(read)
    assert len(set(read)) == 2501  # and the weights


def test_a_graph_that_is_off_by_an_ulp_is_measured(machine: Machine) -> None:
    machine.ulp = 2.0**-8
    answer = Measurer().run(task(TaskKind.MEASURE, key("graph", "bf16")), unwatched)
    assert answer.status is Status.DONE, answer.message


def test_a_graph_that_computes_something_else_is_not(machine: Machine) -> None:
    machine.ulp = 0.2
    answer = Measurer().run(task(TaskKind.MEASURE, key("graph", "bf16")), unwatched)
    assert answer.status is Status.UNSUPPORTED
    assert "not the eager one's" in answer.message


# -- caches -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("caches", "beyond"), [("cold", True), ("warm", False)])
@pytest.mark.parametrize("mode", ["graph", "eager"])
def test_cold_inputs_exceed_the_second_cache(machine: Machine, mode: str, caches: str, beyond: bool) -> None:
    at = key(mode, caches=caches)
    with precision.applied("bf16", "cuda"):
        built = instance.build("3x3", at, 0)
        size = built.inputs[0].numel() * built.inputs[0].element_size()
        assert (len(built.inputs) * size > machine.l2) is beyond
        subject = subjects.subject(built.module, built.inputs, "cuda", mode, "bf16")
        subject.slot(1)
        addresses = {x.data_ptr() for x in subject.inputs}  # type: ignore[attr-defined]
    assert len(addresses) == len(built.inputs)
    assert ("cold caches" in at.text) is beyond


def test_inputs_that_are_small_still_exceed_an_h100s_cache(machine: Machine) -> None:
    machine.l2 = 50 * 2**20
    instance.cache_bytes.cache_clear()
    one = torch.zeros(1, 64, 28, 28, dtype=torch.bfloat16, device="cuda")
    assert len(instance.copies(one, "cuda", "cold")) * one.numel() * 2 > machine.l2


# -- profiles ---------------------------------------------------------------------------------------


def test_gaps_are_times_in_which_nothing_ran() -> None:
    # two kernels side by side, a gap, one more; the pass took longer than the profile saw
    kernels = [Launched("a", 10.0, 0.0, "r"), Launched("b", 10.0, 5.0, "r"), Launched("c", 5.0, 20.0, None)]
    assert profiles.busy(kernels) == (25.0, 20.0)
    inside = rows.attribute(kernels, 100.0)
    assert inside.gaps == 5.0
    assert inside.rows == {"r": 20.0}
    # 75 of 100 are accounted for by nothing, and the books say so
    assert inside.total - sum(inside.rows.values()) - inside.gaps == 75.0


def test_a_kernel_without_a_place_in_time_still_counts_for_its_row() -> None:
    inside = rows.attribute([Launched("a", 10.0, math.nan, "r")], 10.0)
    assert (inside.rows, inside.gaps) == ({"r": 10.0}, 0.0)


def test_the_first_profile_is_thrown_away(machine: Machine) -> None:
    machine.profiles_to_miss = 1
    layer, given = convolution()
    with torch.inference_mode():
        assert len(profiles.profiled(lambda: [layer(given) for _ in range(6)])) == 6


def test_kernels_are_those_of_the_precision(machine: Machine) -> None:
    """Autotuning has chosen before the profile, whose kernels are those of one pass."""
    names = {}
    for name in ("fp32-ieee", "tf32", "bf16"):
        answer = Measurer().run(task(TaskKind.MEASURE, key("graph", name)), unwatched)
        (kernel,) = answer.networks[0].kernels
        names[name] = kernel.name
    assert "sgemm" in names["fp32-ieee"]
    assert "tf32f32" in names["tf32"]
    assert "bf16bf16" in names["bf16"]


# -- switches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tf32", "fp32-ieee"])
def test_whoever_reads_the_switches_by_either_name_can(machine: Machine, name: str) -> None:
    """torch's own compiler reads `allow_tf32`, which raises where the other name was set (torch 2.9 on)."""
    with precision.applied(name, "cuda"):
        backends: Any = torch.backends
        assert backends.cuda.matmul.allow_tf32 is (name == "tf32")
        assert backends.cudnn.allow_tf32 is (name == "tf32")
        assert torch.get_float32_matmul_precision() == ("high" if name == "tf32" else "highest")
        if hasattr(backends.cuda.matmul, "fp32_precision"):
            assert backends.cuda.matmul.fp32_precision == ("tf32" if name == "tf32" else "ieee")
            assert (backends.cudnn.conv.fp32_precision == "tf32") is (name == "tf32")


# -- the host ---------------------------------------------------------------------------------------


def test_a_deep_network_is_not_taken_for_a_slow_host(machine: Machine) -> None:
    """300 kernels of 20 us each, enqueued in 4 us: ten calls at once would fill the queue of 1024."""
    machine.bandwidth = machine.l2_bandwidth = 8 * 8 * 8 * 4 * 2 / 20e-6
    _, given = convolution()
    subject = CudaSubject(torch.nn.Sequential(*[torch.nn.ReLU() for _ in range(300)]), [given])
    times = subjects.host_times(subject)
    assert times.enqueue == pytest.approx(300 * 4000, rel=0.05)
    assert times.device == pytest.approx(300 * 20_000, rel=0.1)
    assert times.sync == pytest.approx(machine.sync_ns, rel=0.05)


def test_host_bound_is_flagged_only_where_the_host_is_slower(machine: Machine) -> None:
    flags = {}
    for name, bandwidth in (("fast", 3e12), ("slow", 1e9)):
        machine.bandwidth = machine.l2_bandwidth = bandwidth
        answer = Measurer().run(task(TaskKind.MEASURE, key("eager")), unwatched)
        flags[name] = FlagKind.HOST_BOUND in {flag.kind for flag in answer.flags}
    assert flags == {"fast": True, "slow": False}


# -- ceilings ---------------------------------------------------------------------------------------


def test_ceilings_are_not_diluted_by_the_events(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of 50 us between two events: one call a pair would be off by the 6 us until it starts."""
    size = 2**20
    machine.bandwidth = machine.l2_bandwidth = 2 * size / 50e-6
    shapes = ceilings.Candidates((64,), ((2, 32, 8, 3),), size)
    monkeypatch.setitem(ceilings.CANDIDATES, "cuda", shapes)
    measured = ceilings.measure("cuda", "bf16", "graph")
    assert measured.bandwidth == pytest.approx(machine.bandwidth, rel=0.02)


def test_the_cost_of_a_kernel_is_measured_as_the_mode_is_used(machine: Machine) -> None:
    graph, eager = (ceilings.measure("cuda", "bf16", mode) for mode in ("graph", "eager"))
    assert graph.launch_ns == pytest.approx(1500 + machine.node_ns, rel=0.02)
    assert eager.launch_ns == pytest.approx(machine.enqueue_ns, rel=0.02)
    assert eager.sync_ns == pytest.approx(machine.sync_ns, rel=0.02)
    assert eager.enqueue_ns == pytest.approx(machine.enqueue_ns, rel=0.02)


def test_the_roofline_of_an_eager_run_holds_its_wait() -> None:
    work = [Work(0, 0, WorkKind.OTHER)] * 10
    base = Ceilings("bf16", 1e12, 1e12, 1e12, 4000.0, "eager", 4000.0, 8000.0)
    assert predict(work, base).total_ns == 48_000
    assert predict(work, replace(base, mode="graph")).total_ns == 40_000
    assert predict((), base).total_ns == 0


def test_an_eager_point_is_predicted_as_it_is_measured(machine: Machine) -> None:
    at = key("eager")
    measured = ceilings.measure("cuda", "bf16", "eager")
    answer = Measurer().run(task(TaskKind.MEASURE, at), unwatched)
    assert answer.pair is not None
    for which, network in enumerate(answer.networks):
        ns = math.exp(answer.pair.log_latency(which).point)
        assert predict(network.work, measured).total_ns == pytest.approx(ns, rel=0.25)


# -- NVML -------------------------------------------------------------------------------------------


def test_nvml_is_asked_seldom(machine: Machine) -> None:
    now = [0.0]
    watching = Monitor(sys.modules["pynvml"], "the device", clock=lambda: now[0])
    watching.begin()
    before = machine.nvml_calls
    for _ in range(1000):  # rounds of 20 ms
        now[0] += 0.02
        watching.sample()
    assert (machine.nvml_calls - before) / 4 <= 20 / INTERVAL_S + 1
    samples = watching.samples(0)
    assert samples is not None
    assert all(200 <= b - a <= 221 for a, b in pairwise(samples.at_ms))


def test_locked_clocks_are_told_apart(machine: Machine) -> None:
    nvml: Any = sys.modules["pynvml"]
    assert Monitor(nvml, "the device").clocks_locked() is False
    nvml.reasons = 0x2
    assert Monitor(nvml, "the device").clocks_locked() is True
    assert Monitor(None).clocks_locked() is None


# -- autotuning -------------------------------------------------------------------------------------


def test_each_convolution_is_tuned_once_in_a_process_and_never_in_a_capture(machine: Machine) -> None:
    measurer = Measurer()
    for mode in ("graph", "eager"):
        assert measurer.run(task(TaskKind.MEASURE, key(mode)), unwatched).status is Status.DONE
    assert len(machine.autotuned) == 3
