"""What the simulated device stands in for is there in torch and NVML, by the names that are used."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from simulated_cuda import replacements
from simulated_machine import Machine
from simulated_profiler import ProfiledEvent
from torch.autograd.profiler_util import FunctionEvent, Kernel

from archcalc.bench.runner import profiles

PROPERTIES = ("name", "total_memory", "L2_cache_size", "multi_processor_count", "uuid")


@pytest.mark.parametrize("name", replacements(Machine()))
def test_torch_cuda_has_what_is_replaced(name: str) -> None:
    assert callable(getattr(torch.cuda, name))


def test_graphs_and_events_take_what_they_are_given() -> None:
    assert "pool" in inspect.signature(torch.cuda.graph.__init__).parameters
    assert "enable_timing" in inspect.signature(torch.cuda.Event.__new__).parameters
    for name in ("replay", "pool"):
        assert hasattr(torch.cuda.CUDAGraph, name)


def test_a_device_has_the_properties_that_are_read() -> None:
    made = getattr(torch._C, "_CudaDeviceProperties", None)
    if made is None:
        pytest.skip("this torch was built without CUDA")
    assert set(PROPERTIES) <= set(dir(made))


@pytest.fixture(scope="module")
def events() -> list[Any]:
    """A real profile of a convolution inside a row's range."""
    from torch.profiler import ProfilerActivity, profile, record_function

    layer, given = torch.nn.Conv2d(4, 4, 3), torch.randn(1, 4, 8, 8)
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as profiler:
        with record_function(profiles.PREFIX + "conv1"):
            layer(given)
        torch.relu(given)
    return list(profiler.events())


def test_profiled_events_have_the_fields_that_are_read(events: list[Any]) -> None:
    assert set(Kernel._fields) >= {"name", "duration"}
    for name in ProfiledEvent.__dataclass_fields__:
        assert all(hasattr(event, name) for event in events), name
    assert all(event.time_range.end >= event.time_range.start for event in events)
    assert {str(event.device_type).split(".")[-1] for event in events} == {"CPU"}


def test_a_kernel_of_a_real_profile_goes_to_its_row(events: list[Any]) -> None:
    """As torch hangs kernels on the op that launched them; the rest of the profile is real."""

    def of(name: str) -> FunctionEvent:
        inner = [e for e in events if e.name == name]
        return inner[-1]

    of("aten::convolution").append_kernel("gemm", 0, 3.0)
    of("aten::relu").append_kernel("relu", 0, 1.0)
    kernels = profiles.launched(events)
    assert [(k.name, k.row, k.length) for k in kernels] == [("gemm", "conv1", 3000.0), ("relu", None, 1000.0)]


def test_nvml_has_what_is_asked() -> None:
    nvml = pytest.importorskip("pynvml")
    for name in (
        "nvmlInit",
        "nvmlDeviceGetHandleByUUID",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetPowerUsage",
        "nvmlDeviceGetTemperature",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetEnforcedPowerLimit",
        "nvmlSystemGetDriverVersion",
    ):
        assert callable(getattr(nvml, name))
    assert (nvml.NVML_CLOCK_SM, nvml.NVML_TEMPERATURE_GPU) == (1, 0)
