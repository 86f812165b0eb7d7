"""`make gpu` as far as a CPU goes: what it installs, what it names, and the whole script in a dry run."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from archcalc.bench.records import storage
from archcalc.bench.records.record import Status

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gpu() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu", ROOT / "benchmarks" / "gpu.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
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


def test_the_plan_is_printed_without_a_gpu() -> None:
    command = [sys.executable, "benchmarks/gpu.py", "--plan", "--results", "no-such-folder"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names == ["step", "tests", "graphs", "networks", "widths", "eager", "rows", "all"]
    *minutes, total = [float(line[24:31]) for line in result.stdout.splitlines()[1:]]
    assert total == pytest.approx(sum(minutes), abs=0.3)
    assert total < 28


@pytest.mark.parametrize(("passed", "expected"), [(True, True), (False, False), (None, None)])
def test_the_tests_are_run_once(
    gpu: ModuleType, tmp_path: Path, passed: bool | None, expected: bool | None
) -> None:
    if passed is not None:
        (tmp_path / "h100-tests.json").write_text(json.dumps({"passed": passed}))
    assert gpu.tested([tmp_path / "empty", tmp_path], "h100") is expected


def test_the_tests_leave_their_output(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a device they skip themselves, which pytest counts as a success."""
    ran: list[list[str]] = []

    def run(command: list[str], **options: Any) -> Any:
        ran.append(command)
        return SimpleNamespace(stdout="3 passed", returncode=0)

    monkeypatch.setattr(gpu.subprocess, "run", run)
    folders = [tmp_path / "a", tmp_path / "b"]
    assert gpu.test(folders, "h100", 60.0)
    (file,) = [part for part in ran[0] if part.startswith("tests/")]
    assert (ROOT / file).is_file()
    for folder in folders:
        assert (folder / "h100-tests.txt").read_text() == "3 passed"
        assert gpu.tested([folder], "h100") is True


@pytest.mark.slow
def test_the_dry_run_leaves_a_record_and_repeats_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/gpu.py", "--dry", "--wheels", str(tmp_path)]
    command += ["--results", str(tmp_path / "a"), str(tmp_path / "b")]
    for points in (1, 0):
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
        assert result.returncode == 0, result.stdout + result.stderr
        assert result.stdout.count("1 of 1, ") == 2 * points
        assert "left: 0 points" in result.stdout
    record = storage.load(tmp_path / "a" / "dry.json")
    assert record == storage.load(tmp_path / "b" / "dry.json")
    assert {p.status for p in record.points} == {Status.DONE}
    assert {p.key.networks for p in record.points} == {("lenet-5",), ("3x3", "3x1-1x3")}
    assert all(session.null_tests for session in record.sessions)


def test_the_wheels_are_what_the_imports_need() -> None:
    """Everything that the path to a record imports beside torch and numpy has its wheel."""
    spec = importlib.util.spec_from_file_location("wheels", ROOT / "benchmarks" / "wheels.py")
    assert spec is not None
    assert spec.loader is not None
    wheels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wheels)
    code = (
        "import sys, importlib.metadata as m; sys.path.insert(0, 'benchmarks'); sys.path.insert(0, 'tests')\n"
        "import simulated_worker, gpu_plan, conftest, archcalc.bench.runner.worker, archcalc.nn.verify\n"
        "import archcalc; archcalc.load('v1').counts()\n"
        "names = m.packages_distributions()\n"
        "tops = {n.split('.')[0] for n in sys.modules}\n"
        "print(*sorted({d.lower().replace('_', '-') for t in tops for d in names.get(t, ())}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    brought = {name.lower() for name in (*wheels.NEEDED, *wheels.SOURCES)}
    lack = set(result.stdout.split()) - brought - {"archcalc"} - wheels.THERE
    lack -= {"attrs"}  # of an older hypothesis; the bundle brings the one of constraints.txt
    assert lack == set()
