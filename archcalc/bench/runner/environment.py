"""What is measured on: names and versions as the libraries print them."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

import torch

from archcalc.bench.records.record import Environment
from archcalc.bench.runner.monitor import Monitor
from archcalc.errors import ArchcalcError


def prepare(device: str, threads: int) -> int:
    """Fix the threads and make sure that the device is there; the threads in use.

    Raises `ArchcalcError` where there is no CUDA.
    """
    if threads:
        torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        why = "this torch was built without CUDA" if not torch.version.cuda else "no GPU answers"
        raise ArchcalcError(
            f"there is no CUDA device here: {why}",
            "measure with `--device cpu`, or read what was measured elsewhere with `--record FILE`",
        )
    return torch.get_num_threads()


def environment(device: str, monitor: Monitor) -> Environment:
    """The environment of this process."""
    cpu = cpu_name()
    name, variant, cuda, cudnn = cpu, f"{os.cpu_count()} CPUs", "", ""
    if device == "cuda":
        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        limit = monitor.power_limit()
        name = properties.name
        variant = f"{properties.total_memory / 2**30:.0f} GiB" + (f", {limit}" if limit else "")
        cuda = torch.version.cuda or ""
        backend: Any = torch.backends.cudnn
        version = backend.version() or 0
        # 91002 is 9.10.2, 8907 was 8.9.7
        major, rest = divmod(version, 10000 if version >= 90000 else 1000)
        cudnn = f"{major}.{rest // 100}.{rest % 100}"
    return Environment(
        device=device,
        device_name=name,
        variant=variant,
        cpu=cpu,
        threads=torch.get_num_threads(),
        torch=str(torch.__version__),
        cuda=cuda,
        cudnn=cudnn,
        driver=_driver(monitor) if device == "cuda" else "",
        python=platform.python_version(),
        platform=platform.platform(terse=True),
    )


def cpu_name() -> str:
    """The processor's model as the system names it."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    line = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return line[1].strip() if line else platform.processor() or platform.machine()


def _driver(monitor: Monitor) -> str:
    """The driver's version: from NVML, or from the kernel module's own file."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        text = ""
    version = re.search(r"Kernel Module\s.*?(\d+\.\d+(?:\.\d+)?)", text)
    return monitor.driver() or (version[1] if version else "")


def load() -> float | None:
    """How many CPUs were busy over the last minute; None where the system does not say."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None
