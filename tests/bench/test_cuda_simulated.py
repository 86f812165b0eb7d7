"""The CUDA path from a task to a saved record, through the real worker, on a simulated device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import simulated_worker as simulated
import torch
from simulated_cuda import installed
from simulated_machine import LOST, Machine
from simulated_worker import PAIR, QUICK, SMALL, PipedRunner, key, task, unwatched

from archcalc.bench import results
from archcalc.bench.records import storage
from archcalc.bench.records.record import Record, Status
from archcalc.bench.runner import plan, pool, session
from archcalc.bench.runner.measurer import Measurer
from archcalc.bench.runner.session import Job
from archcalc.bench.runner.tasks import TaskKind
from archcalc.bench.stats.flags import FlagKind
from archcalc.errors import ArchcalcError

SOURCES = {name: name for name in (*PAIR, "lenet-5")}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with installed(Machine(**SMALL), monkeypatch) as device:
        yield device


def job(
    *modes: str, batches: tuple[int, ...] = (2,), networks: tuple[str, ...] = PAIR, **changes: object
) -> Job:
    where = plan.conditions("cuda", batches, ("bf16",), modes)
    variables = [{"width": "16", "grid": "8"}] if networks == PAIR else [{}]
    keys = plan.points([networks], where, variables)
    return replace(Job(keys, SOURCES, "cuda", QUICK), **changes)  # type: ignore[arg-type]


def test_both_modes_reach_a_saved_record(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "h100.json"
    runners = [PipedRunner(), PipedRunner()]
    session.measure(job("graph", "eager"), save=lambda r: storage.save(r, path), runners=runners)
    record = storage.load(path)
    assert {p.key.mode: p.status for p in record.points} == {"graph": Status.DONE, "eager": Status.DONE}
    (here,) = record.sessions
    assert here.environment.device_name == "NVIDIA H100 80GB HBM3"
    assert here.environment.driver == "580.65.06"
    assert here.environment.cudnn == "9.10.2"
    assert {(c.mode, c.precision) for c in here.ceilings} == {("graph", "bf16"), ("eager", "bf16")}
    assert {(t.mode, t.tolerance) for t in here.null_tests} == {("graph", 0.003), ("eager", 0.01)}
    assert here.clocks_locked is False
    assert runners[0].watched > 0


def test_what_is_noted_beside_the_times(machine: Machine) -> None:
    record = session.measure(job("graph", "eager"), runners=[PipedRunner(), PipedRunner()])
    for point in record.points:
        assert point.key.caches == "cold"
        assert [s.process for s in point.samples] == [0, 1]
        assert set(point.samples[0].clocks_mhz) == {1980}
        assert set(point.samples[0].power_mw) == {450_000}
        assert point.pair is not None
        assert all("xmma_fprop" in " ".join(names) for run in point.pair.runs for names in run.algorithms)
        old, new = point.pair.old, point.pair.new
        assert [k.count for k in old.kernels] == [1]
        assert sum(k.count for k in new.kernels) == len(new.work) == 2
        for network in (old, new):
            assert network.memory_peak is not None
            assert network.host is not None
            assert network.host.sync_ns == pytest.approx(8000, rel=0.05)
            assert network.energy_mj == pytest.approx(450 * _ms(record, point, network.name), rel=0.01)
        assert old.host is not None
        calls = {"graph": 8000, "eager": 4000}  # one graph, or one kernel
        assert old.host.enqueue_ns == pytest.approx(calls[point.key.mode], rel=0.05)


def _ms(record: Record, point: object, name: str) -> float:
    """The latency in the first process, whose power it was."""
    from archcalc.bench.stats.protocol import pair_latency_ns

    run = point.pair.runs[0]  # type: ignore[attr-defined]
    which = PAIR.index(name)
    return pair_latency_ns((run,), which).point * 1e-6


def test_times_are_the_devices(machine: Machine) -> None:
    """A kernel takes 1.5 us here, and a node of a graph 1 us more; eager calls wait for each run."""
    record = session.measure(job("graph", "eager"), runners=[PipedRunner()])
    by_mode = {p.key.mode: results.pair(record, p) for p in record.points}
    assert by_mode["graph"].old.ns.point == pytest.approx(2500, rel=0.05)
    assert by_mode["graph"].new.ns.point == pytest.approx(5000, rel=0.05)
    assert by_mode["eager"].old.ns.point == pytest.approx(4000 + 1000 + 1500 + 8000, rel=0.1)


def test_rows_in_eager_mode(machine: Machine) -> None:
    machine.enqueue_ns = machine.sync_ns = 2e5  # fewer calls fill the seconds that rows are given
    asked = job("eager", networks=("lenet-5",), batches=(1,), rows=True)
    record = session.measure(asked, runners=[PipedRunner()])
    (point,) = record.points
    assert point.status is Status.DONE, point.message
    (books,) = point.books
    assert books.kernels_ns == sum(r.in_situ_ns or 0 for r in point.rows)
    weighted = [row for row in point.rows if row.macs]
    assert len(weighted) == 4
    for row in weighted:
        assert row.in_situ_ns
        assert row.same_kernels
        assert sum(k.ns for k in row.kernels) == pytest.approx(row.in_situ_ns, abs=2)
        assert row.host is not None


def test_out_of_memory_is_a_point_and_the_next_one_works(machine: Machine) -> None:
    machine.memory = machine.allocated() + 2**21
    record = session.measure(job("graph", batches=(512, 2)), runners=[PipedRunner()])
    assert {p.key.batch: p.status for p in record.points} == {2: Status.DONE, 512: Status.OUT_OF_MEMORY}
    assert "CUDA out of memory" in next(p.message for p in record.points if p.key.batch == 512)


@pytest.mark.parametrize("kernels", [0, 60_000])
def test_a_lost_device_stops_and_keeps_what_is_saved(machine: Machine, kernels: int, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    first = session.measure(job("graph"), save=lambda r: storage.save(r, path), runners=[PipedRunner()])
    machine.vanish_after = machine.kernels + kernels
    rest = job("graph", batches=(2, 4, 8))
    with pytest.raises(ArchcalcError, match="no longer answers"):
        session.measure(rest, first, lambda r: storage.save(r, path), runners=[PipedRunner()])
    kept = storage.load(path)
    assert first.points[0] in kept.points
    machine.vanish_after = None
    again = session.measure(rest, kept, lambda r: storage.save(r, path), runners=[PipedRunner()])
    assert {p.status for p in again.points} == {Status.DONE}
    assert len(again.points) == 3
    assert set(kept.points) <= set(again.points)


def test_a_lost_device_is_named(machine: Machine) -> None:
    machine.vanish_after = machine.kernels
    answer = Measurer().run(task(TaskKind.MEASURE, key()), unwatched)
    assert answer.lost
    assert LOST in answer.message


def test_throttling_and_neighbours_are_flagged(machine: Machine) -> None:
    import sys

    nvml = sys.modules["pynvml"]
    nvml.reasons, nvml.pids = 0x20, [1, 4711]  # type: ignore[attr-defined]
    measurer = Measurer()
    measurer.run(task(TaskKind.SETUP), unwatched)
    answer = measurer.run(task(TaskKind.MEASURE, key(), own=(1,)), unwatched)
    assert {FlagKind.THROTTLING, FlagKind.OTHER_PROCESSES} <= {flag.kind for flag in answer.flags}


def test_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The pool starts it, lines cross a pipe, and its end by a lost device is an answer."""
    monkeypatch.setattr(pool, "WORKER", (simulated.__file__,))
    monkeypatch.setenv("SIMULATED_CUDA", json.dumps(SMALL))
    record = session.measure(job("graph", protocol=replace(QUICK, processes=2)))
    (point,) = record.points
    assert point.status is Status.DONE, point.message
    assert point.pair is not None
    assert [run.process for run in point.pair.runs] == [0, 1]
    assert storage.from_json(storage.to_json(record)) == record


def test_torch_is_itself_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.cuda.is_available
    with pytest.MonkeyPatch.context() as patch, installed(Machine(), patch):
        assert torch.cuda.is_available()
    assert torch.cuda.is_available is before
