"""torchvision's networks beside any torch: its compiled operators need the one that it was built for.

The networks themselves are plain Python. torchvision declares shapes for two of its operators while it is
imported, so that with another torch they must be known by name; with the matching one, defining them a second
time ends the interpreter. So it is imported first, and they are defined only where that fails.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from types import ModuleType
from typing import Any

_LIBRARIES: list[Any] = []  # a torch library's definitions live as long as the library object
_SCHEMAS = tuple(
    f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor" for name in ("nms", "qnms")
)


def models(define_first: bool = False) -> ModuleType:
    """`torchvision.models`; `define_first` where it is known that the torch is another one.

    Raises ImportError where there is no torchvision.
    """
    if importlib.util.find_spec("torchvision") is None:
        raise ImportError("no module named torchvision")
    if not define_first:
        try:
            return importlib.import_module("torchvision.models")
        except RuntimeError as fault:
            if "torchvision::" not in str(fault):
                raise
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    _define()
    return importlib.import_module("torchvision.models")


def _define() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            library.define(schema)
    _LIBRARIES.append(library)


def matches() -> bool:
    """True where torchvision was built for this torch; asked in a process of its own."""
    command = [sys.executable, "-c", "import torchvision"]
    return subprocess.run(command, capture_output=True).returncode == 0
