"""What NVML says of the GPU: clocks, reasons for throttling, other processes; nothing where it is missing.

NVML comes through `nvidia-ml-py` (`archcalc[gpu]`), which is optional: without it these flags cannot be
raised, and the environment says so by an empty driver.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from archcalc.bench.stats import flags
from archcalc.bench.stats.flags import Flag


class Monitor:
    """Samples of one GPU, taken between rounds."""

    def __init__(self, nvml: Any | None, handle: Any = None) -> None:
        self.nvml, self.handle = nvml, handle
        self.reasons: list[int] = []
        self.clocks: list[float] = []

    def sample(self) -> None:
        """Note the reasons and the clock of now."""
        if self.nvml is None:
            return
        with contextlib.suppress(Exception):  # a query that this GPU or driver does not answer
            read = getattr(self.nvml, "nvmlDeviceGetCurrentClocksEventReasons", None) or (
                self.nvml.nvmlDeviceGetCurrentClocksThrottleReasons
            )
            self.reasons.append(int(read(self.handle)))
            self.clocks.append(float(self.nvml.nvmlDeviceGetClockInfo(self.handle, self.nvml.NVML_CLOCK_SM)))

    def flags(self, own: Sequence[int]) -> tuple[Flag, ...]:
        """What the samples since the last call show; they are forgotten then.

        In a container NVML names processes by ids of another namespace. Where it lists none of our own, its
        list cannot be told apart and raises no flag.
        """
        reasons, clocks, self.reasons, self.clocks = self.reasons, self.clocks, [], []
        found = self.processes()
        others = flags.other_processes(found, own) if set(found) & set(own) else None
        return flags.present(flags.throttling(reasons, clocks), others)

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
