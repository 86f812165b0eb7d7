"""The simulated device's profiler and NVML; see `simulated_cuda`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from simulated_machine import Kernel, Machine


@dataclass(eq=False)
class ProfiledEvent:
    """The fields of torch's `FunctionEvent` that archcalc reads; times in us."""

    name: str
    device_type: str
    time_range: Any
    cpu_parent: ProfiledEvent | None = None
    kernels: list[Any] = field(default_factory=list)


class SimulatedProfile:
    """`torch.profiler.profile`: ops with the kernels that they launched, and the kernels by themselves."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.kernels: list[Kernel] = []

    def __enter__(self) -> SimulatedProfile:
        self.machine.profile = self
        return self

    def __exit__(self, *fault: Any) -> None:
        self.machine.profile = None
        if self.machine.profiles_to_miss:
            self.machine.profiles_to_miss -= 1
            self.kernels = self.kernels[len(self.kernels) // 2 + 1 :]

    def events(self) -> list[ProfiledEvent]:
        """Ranges, then ops, then spans on the device, as torch lists them by their starts."""
        made: list[ProfiledEvent] = []
        for kernel in self.kernels:
            span = SimpleNamespace(start=kernel.start * 1e-3, end=kernel.end * 1e-3)
            parent = None
            for name in kernel.ranges:
                parent = ProfiledEvent(name, "DeviceType.CPU", span, parent)
                made.append(parent)
                made.append(ProfiledEvent(name, "DeviceType.CUDA", span))  # a range on the device, too
            entry = SimpleNamespace(name=kernel.name, duration=span.end - span.start)
            made.append(ProfiledEvent(f"aten::{kernel.op}", "DeviceType.CPU", span, parent, [entry]))
            made.append(ProfiledEvent(kernel.name, "DeviceType.CUDA", span))
        return made


class _Range:
    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name = machine, name

    def __enter__(self) -> None:
        self.machine.ranges.append(self.name)

    def __exit__(self, *fault: Any) -> None:
        self.machine.ranges.pop()


class SimulatedNvml(ModuleType):
    """`pynvml`: every question idles the device for `machine.nvml_ns`."""

    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, machine: Machine) -> None:
        super().__init__("pynvml")
        self.machine = machine
        self.reasons, self.pids = 0, [1]
        for name, value in {
            "nvmlInit": None,
            "nvmlDeviceGetHandleByUUID": "the device",
            "nvmlSystemGetDriverVersion": "580.65.06",
            "nvmlDeviceGetEnforcedPowerLimit": 700_000,
            "nvmlDeviceGetTemperature": 54,
            "nvmlDeviceGetPowerUsage": 450_000,
            "nvmlDeviceGetMaxClockInfo": 1980,
        }.items():
            setattr(self, name, self._answer(lambda value=value: value))
        self.nvmlDeviceGetClockInfo = self._answer(lambda: round(machine.clock_hz / 1e6))
        self.nvmlDeviceGetCurrentClocksEventReasons = self._answer(lambda: self.reasons)
        self.nvmlDeviceGetComputeRunningProcesses = self._answer(
            lambda: [SimpleNamespace(pid=pid) for pid in self.pids]
        )
        # mJ since the driver was loaded, at 450 W
        self.nvmlDeviceGetTotalEnergyConsumption = self._answer(lambda: int(machine.host * 450e-6))

    def _answer(self, value: Any) -> Any:
        def ask(*arguments: Any) -> Any:
            self.machine.nvml_calls += 1
            self.machine.host = max(self.machine.host, self.machine.device) + self.machine.nvml_ns
            return value()

        return ask


def install(machine: Machine, patch: Any) -> None:
    patch.setattr(torch.profiler, "profile", lambda **options: SimulatedProfile(machine))
    patch.setattr(torch.profiler, "record_function", lambda name: _Range(machine, name))
    patch.setitem(sys.modules, "pynvml", SimulatedNvml(machine))
