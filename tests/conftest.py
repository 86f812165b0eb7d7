"""Shared fixtures. torchvision, whose networks are the reference, is a dependency of the tests only."""

from __future__ import annotations

import os
from types import ModuleType

import pytest
import torchvision_import
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
        return torchvision_import.models()
    except ImportError as fault:
        why = f"torchvision is not here: {fault}; `pip install --no-deps torchvision`"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
