"""What an exception of torch means, by its text: most are plain RuntimeErrors."""

from __future__ import annotations

from archcalc.bench.records.record import Status
from archcalc.bench.runner.tasks import Answer

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")
_UNSUPPORTED = ("not implemented for", "is not supported", "not supported on", "not implemented on")
_LOST = (
    "no cuda-capable device",
    "device is lost",
    "fallen off the bus",
    "unspecified launch failure",
    "illegal memory access",
    "uncorrectable ecc",
    "cuda driver error",
    "cuda error: device",
    "unknown error",
)


def failure(fault: Exception) -> Answer:
    """The answer that an exception stands for; `lost` where the device will answer no more."""
    text = str(fault).lower()
    if any(part in text for part in _OUT_OF_MEMORY):
        return Answer(Status.OUT_OF_MEMORY, line(fault))
    if "cuda" in text and any(part in text for part in _LOST):
        hint = "what was finished is kept; check the device (`nvidia-smi`) and give the same command again"
        return Answer(Status.FAILED, f"the device no longer answers: {line(fault)}", hint, lost=True)
    if isinstance(fault, NotImplementedError) or any(part in text for part in _UNSUPPORTED):
        return Answer(Status.UNSUPPORTED, line(fault))
    return Answer(Status.FAILED, f"{type(fault).__name__}: {line(fault)}")


def line(fault: BaseException) -> str:
    """The first line of a message, or the exception's name."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(fault).__name__
