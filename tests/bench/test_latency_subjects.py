"""What runs in a measuring process: built networks on the CPU for real, CUDA's rules with stand-ins."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from latency_fakes import TINY
from small import spec

import archcalc
from archcalc.bench.records.record import Key, Status
from archcalc.bench.runner import (
    faults,
    fuse,
    instance,
    measurer,
    memory,
    plan,
    precision,
    profiles,
    rows,
    subjects,
)
from archcalc.bench.runner.measurer import Measurer
from archcalc.bench.runner.monitor import Monitor, monitor
from archcalc.bench.runner.precision import UnsupportedError
from archcalc.bench.runner.tasks import Answer, Task, TaskKind
from archcalc.bench.stats.flags import FlagKind
from archcalc.bench.stats.simulate import SimulatedDevice, Weather
from archcalc.errors import ArchcalcError
from archcalc.nn import network
from archcalc.nn.initialise import initialise


def key(*names: str, **changes: Any) -> Key:
    options = {"batches": (1,), "precisions": (), "modes": (), "fused": False, **changes}
    variables = options.pop("variables", {})
    return plan.points([names], plan.conditions("cpu", **options), [variables])[0]


def task(kind: TaskKind, at: Key, **changes: Any) -> Task:
    return Task(kind, TINY, "cpu", key=at, sources=at.networks, first=True, **changes)


def unwatched(what: str, rounds: int, half_width: float) -> None:
    assert rounds >= 0


# -- subjects ---------------------------------------------------------------------------------------


def test_inputs_take_turns_and_every_run_is_made() -> None:
    seen: list[float] = []
    inputs = [torch.tensor([float(i)]) for i in range(3)]
    subject = subjects.CpuSubject(lambda x: seen.append(float(x)), inputs)
    assert subject.slot(4) > 0
    assert subject.slot(1) > 0
    assert seen == [0.0, 1.0, 2.0, 0.0, 1.0]


def test_runs_are_in_inference_mode() -> None:
    seen: list[bool] = []
    subject = subjects.CpuSubject(lambda x: seen.append(torch.is_inference_mode_enabled()), [torch.ones(1)])
    subject.slot(1)
    assert seen == [True]


def test_buffers_exceed_the_cache_within_bounds() -> None:
    assert instance.buffers(2**20, 2**25) * 2**20 > 2**25
    assert instance.buffers(2**30, 2**25) == 1
    assert instance.buffers(1, 2**25) == 256
    assert instance.cache_bytes("cpu") >= 2**15


@pytest.mark.parametrize("name", subjects.TOLERANCES)
def test_a_replayed_graph_must_equal_the_eager_output(name: str) -> None:
    """Within the precision's own tolerance, relative to the largest value."""
    eager, tolerance = torch.tensor([1.0, 200.0]), subjects.TOLERANCES[name]
    subjects.require_equal(eager.clone(), eager, eager, tolerance)
    subjects.require_equal(eager + 199 * tolerance, eager, eager, tolerance)
    with pytest.raises(UnsupportedError, match="not the eager"):
        subjects.require_equal(eager + 201 * tolerance, eager, eager, tolerance)
    # two eager calls that differ by more by themselves set the measure
    subjects.require_equal(eager + 20, eager, eager + 11, tolerance)
    with pytest.raises(UnsupportedError):
        subjects.require_equal(eager + 30, eager, eager + 11, tolerance)
    with pytest.raises(UnsupportedError):
        subjects.require_equal(eager * float("nan"), eager, eager + 11, tolerance)


def test_a_missing_compiler_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(module: Any) -> Any:
        def call(x: torch.Tensor) -> None:
            raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found in config.cpp.cxx")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(UnsupportedError, match=r"No working C\+\+ compiler"):
        subjects.compiled(torch.nn.Identity(), torch.ones(1))


def test_a_cpu_has_no_graphs() -> None:
    with pytest.raises(UnsupportedError, match="CUDA graphs"):
        subjects.subject(torch.nn.Identity(), [torch.ones(1)], "cpu", "graph")


# -- precision --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "capability", "works"),
    [
        ("fp32-ieee", (7, 0), True),
        ("tf32", (7, 5), False),
        ("tf32", (8, 0), True),
        ("bf16", (7, 5), False),
        ("bf16", (9, 0), True),
        ("fp16", (7, 0), True),
    ],
)
def test_precisions_need_a_compute_capability(name: str, capability: tuple[int, int], works: bool) -> None:
    if works:
        precision.check(name, "cuda", capability)
    else:
        with pytest.raises(UnsupportedError, match="compute capability"):
            precision.check(name, "cuda", capability)


def test_a_cpu_has_no_tf32() -> None:
    with pytest.raises(UnsupportedError, match="tensor cores"):
        precision.check("tf32", "cpu")


@pytest.mark.parametrize("name", ["tf32", "fp32-ieee", "bf16"])
def test_cuda_switches_say_what_runs_and_are_restored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    switches = precision._switches()
    before = [switch.allow_tf32 for switch in switches]
    with precision.applied(name, "cuda") as dtype:
        assert dtype is precision.DTYPES[name]
        assert torch.backends.cudnn.benchmark
        assert [switch.allow_tf32 for switch in switches] == [name == "tf32"] * 2
    assert [switch.allow_tf32 for switch in switches] == before
    assert not torch.backends.cudnn.benchmark


# -- built networks ---------------------------------------------------------------------------------


def test_folding_keeps_the_outputs_and_takes_every_normalisation() -> None:
    # inception-v3's convolutions are all normalised; 75 pixels is the least it takes
    graph = archcalc.load("inception-v3").graph(75)
    made = initialise(network.build(graph)).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            module.running_mean.normal_(0, 0.1)
            assert module.weight is not None
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.5)
    x = torch.randn(1, 3, 75, 75)
    with torch.inference_mode():
        before = made(x)
    folded = copy.deepcopy(made)
    norms = sum(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    assert fuse.fold(folded, graph, x) == norms == 94
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), before, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "rows",
    [
        "a -> conv 3x3 6 groups=2 same bias bn",
        "a -> conv 4x4/2 6 same bn",  # padded by more at one end, so behind a layer of zeros
        "a -> dwconv 3x3 bn",
        "a -> upconv 3x3/2 6 groups=2 pad=1 bias bn",
        "a -> linear 6 bn",
        "a -> conv 1x1 6\nb -> bn > relu",  # a row of its own
    ],
)
def test_every_weighted_layer_takes_its_normalisation_in(rows: str) -> None:
    graph = spec(rows, input="6x6x4").graph()
    built = initialise(network.build(graph)).eval()
    generator = torch.Generator().manual_seed(0)
    for value in built.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    x = torch.randn(2, 4, 6, 6, generator=generator)
    with torch.no_grad():
        before = built(x)
        assert fuse.fold(built, graph, x) == len(graph.foldable()) == 1
        torch.testing.assert_close(built(x), before, rtol=1e-4, atol=1e-4)


def test_folding_that_changes_the_outputs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = archcalc.load("3x3", norm=1).graph()
    made = network.build(graph).eval()
    monkeypatch.setattr(fuse, "_merged", lambda layer, norm: torch.nn.Identity())
    with pytest.raises(ArchcalcError, match="changes the outputs"):
        fuse.fold(made, graph, torch.randn(1, 64, 28, 28))


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_an_instance_is_what_the_point_says(layout: str) -> None:
    at = key("3x3", batches=(2,), precisions=("bf16",), layouts=(layout,), variables={"width": "16"})
    built = instance.build("3x3", at, 0)
    assert built.inputs[0].shape == (2, 16, 28, 28)
    assert built.inputs[0].dtype is torch.bfloat16
    assert built.inputs[0].is_contiguous(memory_format=instance.memory_format(layout))
    assert {p.dtype for p in built.module.parameters()} == {torch.bfloat16}
    assert not built.module.training
    assert built.flags == ()
    assert len({x.data_ptr() for x in built.inputs}) == len(built.inputs) > 1
    same = instance.build("3x3", at, 0)
    torch.testing.assert_close(same.inputs[0], built.inputs[0])
    assert 0.9 < float(built.inputs[0].float().std()) < 1.1


def test_collapsed_outputs_are_flagged() -> None:
    assert instance.examine(torch.randn(1, 10)) is None
    for bad in (torch.full((1, 10), float("nan")), torch.zeros(1, 10), torch.full((1, 10), 3.0)):
        flag = instance.examine(bad)
        assert flag is not None
        assert flag.kind is FlagKind.COLLAPSED


def test_peak_memory_holds_at_least_the_maps() -> None:
    layer = torch.nn.Conv2d(8, 64, 3, padding=1).eval()
    given = torch.randn(1, 8, 256, 256)
    found = memory.peak(layer, given, "cpu")
    output = 4 * 64 * 256 * 256
    assert found is None or found >= given.numel() * 4 + output


# -- tasks, for real --------------------------------------------------------------------------------


def test_a_pair_is_measured_with_all_that_belongs_to_it() -> None:
    answer = Measurer().run(
        task(TaskKind.MEASURE, key("3x3", "3x1-1x3", variables={"width": "8"})), unwatched
    )
    assert answer.status is Status.DONE, answer.message
    assert answer.pair is not None
    assert [n.name for n in answer.networks] == ["3x3", "3x1-1x3"]
    assert answer.networks[1].macs * 9 == answer.networks[0].macs * 6
    assert len(answer.pair.slots_ns) == 6


def test_rows_are_measured_alone_and_in_situ() -> None:
    at = key("lenet-5")
    answer = Measurer().run(task(TaskKind.MEASURE, at, rows=True), unwatched)
    assert answer.status is Status.DONE, answer.message
    counted = archcalc.load("lenet-5").counts()
    assert [r.row for r in answer.rows] == [r.row.name for r in counted.rows]
    assert [r.macs for r in answer.rows] == [r.cost.macs for r in counted.rows]
    assert all(r.isolated[0].slots_ns and r.in_situ_ns for r in answer.rows)
    (books,) = answer.books
    assert books.kernels_ns == sum(r.in_situ_ns or 0 for r in answer.rows)
    assert books.kernels_ns + books.gaps_ns + books.unattributed_ns == books.total_ns


def null_tested(monkeypatch: pytest.MonkeyPatch, run_ns: float) -> str:
    """The network of a null test where a run of either takes `run_ns`, by a simulated clock."""
    device = SimulatedDevice(Weather(noise=0.0005))
    monkeypatch.setattr(measurer, "_subject", lambda built, key: device.subject(run_ns))
    monkeypatch.setattr(measurer, "_filler", lambda *options: device.subject(run_ns / 100))
    monkeypatch.setattr(
        measurer, "_convolutions", lambda *options: [device.subject(1e5), device.subject(1e5)]
    )
    asked = task(TaskKind.NULL, key("5x5", "3x3-3x3", variables={"width": "8"}))
    answer = Measurer().run(replace(asked, protocol=replace(asked.protocol, slot_s=0.001)), unwatched)
    assert answer.null is not None, answer.message
    assert answer.null.passed
    return answer.null.network


def test_a_null_test_uses_the_cheaper_network(monkeypatch: pytest.MonkeyPatch) -> None:
    assert null_tested(monkeypatch, run_ns=0.9e6) == "3x3-3x3"


def test_a_null_test_takes_a_convolution_where_a_run_outlasts_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    assert null_tested(monkeypatch, run_ns=1.1e6) == "a 3x3 convolution of 64 channels at 28x28"


def test_a_null_test_is_made_for_real() -> None:
    asked = task(TaskKind.NULL, key("5x5", "3x3-3x3", variables={"width": "8"}))
    asked = replace(asked, protocol=replace(asked.protocol, null_attempts=1, null_rounds=6))
    answer = Measurer().run(asked, unwatched)
    assert answer.null is not None, answer.message
    (attempt,) = answer.null.attempts
    assert len(attempt.copy.slots_ns) == len(attempt.extra.slots_ns) == 6
    assert (answer.null.precision, answer.null.mode) == ("fp32-ieee", "eager")


def test_ceilings_are_positive() -> None:
    from archcalc.bench.runner import ceilings

    found = ceilings.measure("cpu", "fp32-ieee", "eager", seconds=0.0)
    assert min(found.matmul, found.convolution, found.bandwidth, found.launch_ns) > 0


@pytest.mark.parametrize("name", ["tf32"])
def test_what_a_device_lacks_is_unsupported(name: str) -> None:
    answer = Measurer().run(task(TaskKind.MEASURE, key("3x3", precisions=(name,))), unwatched)
    assert answer.status is Status.UNSUPPORTED


def test_out_of_memory_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*anything: Any) -> Any:
        class Hungry:
            def slot(self, repeats: int) -> int:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 90.00 GiB")

        return Hungry()

    monkeypatch.setattr(subjects, "subject", hungry)
    answer = Measurer().run(task(TaskKind.MEASURE, key("3x3")), unwatched)
    assert answer.status is Status.OUT_OF_MEMORY
    assert "90.00 GiB" in answer.message


def test_memory_that_a_cpu_does_not_have_is_an_answer() -> None:
    with pytest.raises(RuntimeError) as fault:
        torch.empty(2**50)  # a petabyte
    assert faults.failure(fault.value).status is Status.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("message", "status", "lost"),
    [
        ("CUDA error: unspecified launch failure", Status.FAILED, True),
        ("CUDA error: device-side assert triggered", Status.FAILED, True),
        ("CUDA error: no CUDA-capable device is detected", Status.FAILED, True),
        ("CUDA out of memory. Tried to allocate 20 MiB", Status.OUT_OF_MEMORY, False),
        ("\"avg_pool2d\" not implemented for 'Half'", Status.UNSUPPORTED, False),
        ("shape mismatch", Status.FAILED, False),
    ],
)
def test_faults_by_their_text(message: str, status: Status, lost: bool) -> None:
    answer = faults.failure(RuntimeError(message))
    assert (answer.status, answer.lost) == (status, lost)
    assert message in answer.message


def test_ctrl_c_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*anything: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(subjects, "subject", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Measurer().run(task(TaskKind.MEASURE, key("3x3")), unwatched)


def test_no_cuda_is_an_answer_with_advice() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    answer: Answer = Measurer().run(Task(TaskKind.SETUP, TINY, "cuda"), unwatched)
    assert answer.status is Status.FAILED
    assert "--device cpu" in answer.hint
    assert "--record" in answer.hint


# -- attribution ------------------------------------------------------------------------------------


def test_hooks_split_a_pass_into_rows_and_gaps() -> None:
    inside, gaps = rows.spans([("a", 10), ("a", 30), ("b", 35), ("b", 95)], 0, 100)
    assert inside == {"a": 20.0, "b": 60.0}
    assert gaps == 20.0


@dataclass
class Event:
    name: str
    cpu_parent: Event | None = None
    kernels: list[Any] = field(default_factory=list)
    device_type: str = "DeviceType.CPU"
    time_range: Any = None


def test_kernels_go_to_the_row_that_launched_them() -> None:
    row = Event("archcalc row conv1")
    inner = Event("aten::conv2d", row, [SimpleNamespace(name="gemm", duration=3.0)])
    outside = Event("aten::copy_", None, [SimpleNamespace(name="copy", duration=1.0)])
    on_device = [
        Event("gemm", device_type="DeviceType.CUDA", time_range=SimpleNamespace(start=10.0, end=13.0)),
        Event("copy", device_type="DeviceType.CUDA", time_range=SimpleNamespace(start=20.0, end=21.0)),
    ]
    kernels = profiles.launched([row, inner, outside, *on_device])
    assert [(k.name, k.row, k.start) for k in kernels] == [("gemm", "conv1", 10e3), ("copy", None, 20e3)]
    inside = rows.attribute(kernels, 10_000.0)
    assert inside.rows == {"conv1": 3000.0}
    assert [(k.name, k.count, k.ns) for k in inside.kernels["conv1"]] == [("gemm", 1, 3000)]
    assert inside.gaps == 7000.0  # between the two; the copy stays unattributed


# -- NVML -------------------------------------------------------------------------------------------


class Nvml:
    NVML_CLOCK_SM = 1

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: Any) -> int:  # noqa: N802
        return 0x20

    def nvmlDeviceGetClockInfo(self, handle: Any, kind: int) -> int:  # noqa: N802
        return 1500

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> list[Any]:  # noqa: N802
        return [SimpleNamespace(pid=7), SimpleNamespace(pid=8)]


def test_nvml_raises_flags_and_forgets() -> None:
    watching = Monitor(Nvml())
    watching.sample()
    kinds = [flag.kind for flag in watching.flags([7])]
    assert kinds == [FlagKind.THROTTLING, FlagKind.OTHER_PROCESSES]
    # ids of another namespace: none is ours, so that the others cannot be told apart
    assert [flag.kind for flag in watching.flags([99])] == [FlagKind.THROTTLING]
    watching.taken = []
    assert [flag.kind for flag in watching.flags([7, 8])] == []


def test_without_nvml_nothing_is_known() -> None:
    silent = monitor("cpu")
    silent.begin()
    assert silent.samples(0) is None
    assert silent.clocks_locked() is None
    assert silent.flags([1]) == ()
    assert silent.driver() == silent.power_limit() == ""
