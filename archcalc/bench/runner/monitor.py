"""What NVML says of the GPU: clocks, power, temperature, what limits it; nothing where it is missing.

NVML comes through `nvidia-ml-py` (`archcalc[gpu]`), which is optional: without it these flags cannot be
raised, and the environment says so by an empty driver.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from archcalc.bench.records.observed import DeviceSamples
from archcalc.bench.stats import flags
from archcalc.bench.stats.flags import Flag

#: Seconds between two samples at least: a question to NVML leaves the device idle for about a millisecond.
INTERVAL_S = 0.2
_CLOCKS_SET_BY_USER = 0x02  # nvmlClocksEventReasonApplicationsClocksSetting


class Monitor:
    """Samples of one GPU, taken between rounds; `clock` gives seconds."""

    def __init__(
        self, nvml: Any | None, handle: Any = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.nvml, self.handle, self.clock = nvml, handle, clock
        self.taken: list[tuple[float, dict[str, int]]] = []

    def begin(self) -> None:
        """Forget earlier samples and take the first of a point."""
        self.taken = []
        self.sample()

    def sample(self) -> None:
        """Note what the device says now, unless it was asked a moment ago."""
        if self.nvml is None:
            return
        now = self.clock()
        if self.taken and now - self.taken[-1][0] < INTERVAL_S:
            return
        self.taken.append((now, {name: value for name, value in self._ask() if value is not None}))

    def _ask(self) -> list[tuple[str, int | None]]:
        nvml: Any = self.nvml
        handle = self.handle
        reasons = getattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons", None) or getattr(
            nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", None
        )
        questions: dict[str, Callable[[], Any]] = {
            "clocks_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
            "power_mw": lambda: nvml.nvmlDeviceGetPowerUsage(handle),
            "temperature_c": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
            "reasons": lambda: reasons(handle) if reasons is not None else None,
        }
        return [(name, _answered(question)) for name, question in questions.items()]

    def samples(self, process: int) -> DeviceSamples | None:
        """What was noted since `begin`; None without NVML. A series with a gap is left out."""
        if not self.taken:
            return None
        begun = self.taken[0][0]
        at = tuple(round(1e3 * (time - begun)) for time, _ in self.taken)
        return DeviceSamples(
            process,
            at,
            self.series("clocks_mhz"),
            self.series("power_mw"),
            self.series("temperature_c"),
            self.series("reasons"),
        )

    def series(self, name: str) -> tuple[int, ...]:
        """A value for each sample, or none at all."""
        values = [values.get(name) for _, values in self.taken]
        return tuple(v for v in values if v is not None) if None not in values else ()

    def flags(self, own: Sequence[int]) -> tuple[Flag, ...]:
        """What the samples since `begin` show, and other processes on the device.

        In a container NVML names processes by ids of another namespace. Where it lists none of our own, its
        list cannot be distinguished and raises no flag.
        """
        listed = self.processes()
        others = flags.other_processes(listed, own) if set(listed) & set(own) else None
        slow = flags.throttling(self.series("reasons"), self.series("clocks_mhz"))
        return flags.present(slow, others)

    def clocks_locked(self) -> bool | None:
        """Does the user hold the clocks at a rate? None where NVML does not say."""
        reasons = dict(self._ask()).get("reasons") if self.nvml is not None else None
        return None if reasons is None else bool(reasons & _CLOCKS_SET_BY_USER)

    def processes(self) -> list[int]:
        """Ids of the processes that compute on this GPU."""
        if self.nvml is None:
            return []
        with contextlib.suppress(Exception):
            return [int(p.pid) for p in self.nvml.nvmlDeviceGetComputeRunningProcesses(self.handle)]
        return []

    def driver(self) -> str:
        """The driver's version, or nothing."""
        if self.nvml is None:
            return ""
        with contextlib.suppress(Exception):
            text = self.nvml.nvmlSystemGetDriverVersion()
            return text.decode() if isinstance(text, bytes) else str(text)
        return ""

    def power_limit(self) -> str:
        """The power limit in watts, or nothing."""
        if self.nvml is None:
            return ""
        with contextlib.suppress(Exception):
            return f"{self.nvml.nvmlDeviceGetEnforcedPowerLimit(self.handle) / 1000:.0f} W"
        return ""


def _answered(question: Callable[[], Any]) -> int | None:
    """The answer as a whole number; None for a question that this GPU or driver does not answer."""
    with contextlib.suppress(Exception):
        return int(question())
    return None


def monitor(device: str) -> Monitor:
    """A monitor of the current CUDA device, or one that knows nothing."""
    if device != "cuda":
        return Monitor(None)
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        name = str(torch.cuda.get_device_properties(torch.cuda.current_device()).uuid)
        handle = pynvml.nvmlDeviceGetHandleByUUID(
            name if name.startswith(("GPU-", "MIG-")) else f"GPU-{name}"
        )
    except Exception:  # not installed, no NVML, or an older torch without uuids
        return Monitor(None)
    return Monitor(pynvml, handle)
