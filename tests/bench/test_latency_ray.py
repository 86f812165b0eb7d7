"""A sweep over a local Ray cluster of two workers; skips itself where Ray is not installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from console import archcalc

from archcalc.bench.records import storage
from archcalc.bench.records.record import Status

SWEEP = (
    "sweep",
    "3x3",
    "3x1-1x3",
    "--channels",
    "4,8",
    "--batch",
    "1",
    "--grid",
    "6",
    "--threads",
    "1",
    "--quick",
)


def test_without_ray_the_shards_are_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    result = archcalc(*SWEEP, "--ray", "2", "--output", str(tmp_path / "r.json"))
    assert result.status == 2
    assert "archcalc[ray]" in result.stderr
    assert "--shard" in result.stderr


@pytest.mark.slow
def test_two_workers_measure_a_sweep_and_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2])]))
    path = tmp_path / "r.json"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        result = archcalc(*SWEEP, "--ray", "2", "--output", str(path))
        assert result.status == 0, result.stderr
        record = storage.load(path)
        assert {p.status for p in record.points} == {Status.DONE}
        assert len(record.points) == 2
        assert [s.shard for s in record.sessions] in (["1/2", "2/2"], ["2/2", "1/2"])
        again = archcalc(*SWEEP, "--ray", "2", "--output", str(path))
        assert "2 of 2 points are there already" in again.stderr
        assert storage.load(path) == record
    finally:
        ray.shutdown()
