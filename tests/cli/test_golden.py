"""Whole commands against their stored output. `pytest tests/test_golden.py --overwrite` rewrites it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from console import archcalc

GOLDEN = Path(__file__).parents[1] / "golden"

COMMANDS = {
    "list": "list",
    "table-googlenet": "table googlenet",
    "table-googlenet-wide": "table googlenet --wide",
    "table-googlenet-heads": "table v1 --heads",
    "table-googlenet-markdown": "table googlenet --format markdown",
    "table-googlenet-latex": "table googlenet --format latex",
    "table-googlenet-csv": "table googlenet --format csv",
    "table-googlenet-json": "table googlenet --format json",
    "table-mobilenet-expand": "table mobilenet-v2 --expand",
    "table-mobilenet-width": "table mobilenet-v2 --set width=1.4 --batch 8 --precision bf16",
    "table-resnet-50": "table resnet-50 --input 3x256x256 --fused",
    "table-vgg-16": "table vgg-16",
    "compare-v1-v3": "compare v1 v3",
    "compare-factorization": "compare 5x5 3x3-3x3 --set width=64 --format markdown",
    "compare-json": "compare v1 v2 v3 --format json",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_output_is_as_stored(name: str, request: pytest.FixtureRequest) -> None:
    result = archcalc(*shlex.split(COMMANDS[name]))
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--overwrite"):
        path.write_text(result.stdout, encoding="utf-8")
    assert result.stdout == path.read_text(encoding="utf-8")


def test_every_stored_output_has_its_command() -> None:
    stored = {path.stem for path in GOLDEN.glob("*.txt") if not path.stem.startswith("audit")}
    assert stored == set(COMMANDS)
