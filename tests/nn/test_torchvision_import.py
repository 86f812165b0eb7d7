"""Importing torchvision beside the torch that is here, whether it was built for it or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FITTING = """
import sys, types, importlib.abc, importlib.util
class Fitting(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    # a torchvision that was built for this torch: it defines its operator itself, once
    def find_spec(self, name, path, target=None):
        here = name in ("torchvision", "torchvision.models")
        return importlib.util.spec_from_loader(name, self, is_package=True) if here else None
    def exec_module(self, module):
        if module.__name__ == "torchvision":
            import torch
            assert not hasattr(torch.ops.torchvision, "nms"), "defined before it was imported"
            module.library = torch.library.Library("torchvision", "DEF")
            module.library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
sys.meta_path.insert(0, Fitting())
import torchvision_import
print(torchvision_import.models().__name__)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"import sys; sys.path.append({str(TESTS)!r})\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_one_that_fits_defines_its_operators_itself() -> None:
    result = run(FITTING)
    assert result.stdout.split() == ["torchvision.models"], result.stderr


def test_one_that_does_not_fit_is_imported_all_the_same() -> None:
    result = run("import torchvision_import\nprint(torchvision_import.models().googlenet.__name__)")
    if "no module named torchvision" in result.stderr:
        pytest.skip("torchvision is not here")
    assert result.stdout.split() == ["googlenet"], result.stderr
