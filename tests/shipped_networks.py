"""The shipped networks as parameters of tests: the first of each document is fast, the others are slow."""

from __future__ import annotations

import pytest

from archcalc.spec import library


def parameters() -> list[object]:
    """Every shipped network's name; all but the first of each document are marked slow."""
    listed: list[object] = []
    for path in library.paths():
        first, *others = (outline.name for outline in library.networks(path))
        listed += [first, *(pytest.param(name, marks=pytest.mark.slow) for name in others)]
    return listed
