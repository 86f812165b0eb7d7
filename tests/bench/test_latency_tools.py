"""`make gpu` as far as a CPU goes: what it installs, what it names, and the whole script in a dry run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from archcalc.bench.records import storage
from archcalc.bench.records.record import Status

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gpu() -> ModuleType:
    found = importlib.util.spec_from_file_location("gpu", ROOT / "benchmarks" / "gpu.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA A100-SXM4-40GB", "a100"),
        ("Tesla V100-SXM2-16GB", "v100"),
        ("NVIDIA GeForce RTX 4090", "4090"),
        ("Some GPU", "some-gpu"),
    ],
)
def test_the_record_is_named_after_the_device(gpu: ModuleType, device: str, name: str) -> None:
    assert gpu.short_name(device) == name


def test_only_what_is_missing_is_installed(gpu: ModuleType, tmp_path: Path) -> None:
    for wheel in ("pytest-1.0-py3-none-any.whl", "no_such_package_here-1.0-py3-none-any.whl"):
        (tmp_path / wheel).touch()
    assert [w.name.split("-")[0] for w in gpu.missing(tmp_path)] == ["no_such_package_here"]
    assert gpu.missing(tmp_path / "nothing") == []


def test_the_script_covers_what_is_asked(gpu: ModuleType) -> None:
    pair, sweep, *_ = gpu.measurements(dry=False)
    for command in (pair, sweep):
        text = " ".join(command)
        assert "--precision tf32,bf16" in text
        assert "--mode eager,graph" in text
        assert "--batch 1,32,256" in text
    assert pair[:3] == ["measure", "v1", "v3"]


@pytest.mark.slow
def test_the_dry_run_leaves_a_record(tmp_path: Path) -> None:
    path = tmp_path / "dry.json"
    command = [sys.executable, "benchmarks/gpu.py", "--dry", "--output", str(path), "--wheels", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    record = storage.load(path)
    assert {p.status for p in record.points} == {Status.DONE}
    assert {p.key.networks for p in record.points} == {("lenet-5",), ("3x3", "3x1-1x3")}
    assert all(session.null_tests for session in record.sessions)
