"""Shared fixtures. torchvision, whose networks are the reference, is a dependency of the tests only."""

from __future__ import annotations

import importlib
import importlib.util
import os
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

# No test asserts a time: an example that is slow on a busy machine is not a fault.
settings.register_profile("archcalc", deadline=None)
settings.load_profile("archcalc")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--overwrite", action="store_true", help="rewrite stored outputs; read the diff")


@pytest.fixture(scope="session")
def torchvision_models() -> ModuleType:
    """`torchvision.models`, beside a torch that it was not built for: its networks are plain Python."""
    try:
        return _models()
    except ImportError as fault:
        why = f"torchvision is not here: {fault}; `pip install --no-deps torchvision`"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


_LIBRARIES: list[Any] = []  # a torch library's definitions live as long as the library object


def _models() -> ModuleType:
    import torch

    if importlib.util.find_spec("torchvision") is None:
        raise ImportError("no module named torchvision")
    # torchvision's wheel holds compiled ops that need the CUDA build of torch. It declares shapes for
    # two of them on import, so they must be known by name; no network here calls them.
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            library.define(schema)
    _LIBRARIES.append(library)
    return importlib.import_module("torchvision.models")
