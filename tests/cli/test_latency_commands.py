"""`device`, `measure`, `sweep`, `merge`, and what `compare` and `table` make of a record; for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from console import Result, archcalc
from latency_fakes import TINY

from archcalc.bench.records import storage
from archcalc.bench.records.record import Record, Status
from archcalc.bench.runner import plan, pool, session
from archcalc.bench.runner.tasks import Task, TaskKind
from archcalc.bench.stats.protocol import Protocol

SMALL = ("--set", "width=8", "--threads", "1")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    def protocol(preset: str, device: str) -> Protocol:
        return TINY

    monkeypatch.setattr(plan, "protocol", protocol)


def fine(result: Result) -> str:
    assert result.status == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of one small pair, measured by the command itself."""
    path = tmp_path_factory.mktemp("records") / "pair.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "protocol", lambda preset, device: TINY)
        shown = fine(archcalc("compare", "3x3", "3x1-1x3", "--device", "cpu", "--record", str(path), *SMALL))
    assert "Realized saving" in shown
    assert "Null test: " in shown
    return path


# -- compare ----------------------------------------------------------------------------------------


def test_a_record_is_read_again_to_the_byte(measured: Path) -> None:
    command = ("compare", "3x3", "3x1-1x3", "--record", str(measured), "--set", "width=8")
    first, second = fine(archcalc(*command)), fine(archcalc(*command))
    assert first == second
    for word in ("MACs (mu)", "time (rho)", "95%", "verdict", "roofline rho", "images/s", "regime"):
        assert word in first


def test_every_ratio_of_times_has_an_interval_and_a_verdict(measured: Path) -> None:
    command = ("compare", "3x3", "3x1-1x3", "--record", str(measured), "--set", "width=8")
    (point,) = json.loads(fine(archcalc(*command, "--format", "json")))["measured"]
    assert point["rho"]["low"] <= point["rho"]["point"] <= point["rho"]["high"]
    assert point["mu"] == pytest.approx(2 / 3)
    assert point["verdict"] in ("realized", "partial", "none", "reversed", "unresolved", "refused")
    assert point["predicted_rho"] > 0
    assert "speed" not in fine(archcalc(*command)).lower()


def test_what_a_record_has_is_not_measured_again(measured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "start", lambda *a: pytest.fail("a process was started"))
    command = ("compare", "3x3", "3x1-1x3", "--device", "cpu", "--record", str(measured), *SMALL)
    result = archcalc(*command)
    assert "Realized saving" in fine(result)
    assert "1 of 1 points are there already" in result.stderr


def test_an_output_that_exists_is_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "start", lambda *a: pytest.fail("a process was started"))
    there = tmp_path / "notes.md"
    there.write_text("mine")
    result = archcalc("compare", "3x3", "3x1-1x3", "--device", "cpu", *SMALL, "--output", str(there))
    assert result.status == 2
    assert "exists" in result.stderr
    assert there.read_text() == "mine"


def test_a_pair_that_a_record_lacks_is_an_error(measured: Path) -> None:
    result = archcalc("compare", "5x5", "3x3-3x3", "--record", str(measured))
    assert result.status == 2
    assert "3x3 3x1-1x3" in result.stderr


def test_without_cuda_compare_offers_the_alternatives() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    result = archcalc("compare", "v1", "v3", "--device", "cuda")
    assert result.status == 2
    assert "no CUDA device" in result.stderr
    assert "--device cpu" in result.stderr
    assert "--record FILE" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--device", "cuda", "--precision", "fp32"), "TF32"),
        (("--device", "tpu"), "no device is called"),
        (("--device", "cpu", "--mode", "graph"), "CUDA graphs"),
        (("--device", "cpu", "--batch", "1,x"), "no batch"),
        (("--device", "cpu", "--quick", "--thorough"), "exclude"),
        (("--device", "cpu", "--heads"), "side heads"),
        (("--batch", "1,2"), "one batch"),
        (("--record", "h9000"), "no record is called"),
    ],
)
def test_bad_usage_is_told(arguments: tuple[str, ...], said: str) -> None:
    result = archcalc("compare", "3x3", "5x5", *arguments)
    assert result.status == 2
    assert said in result.stderr


# -- records that cannot be used --------------------------------------------------------------------


def read(path: Path) -> Result:
    return archcalc("compare", "3x3", "3x1-1x3", "--record", str(path))


def test_a_record_that_was_cut_off(measured: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text(measured.read_text()[:-200])
    result = read(path)
    assert (result.status, "cut off" in result.stderr) == (2, True)


def test_a_record_of_another_schema(measured: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**json.loads(measured.read_text()), "schema": 99}))
    result = read(path)
    assert (result.status, "schema version 99" in result.stderr) == (2, True)


def test_a_record_of_another_spec(measured: Path, tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    held = json.loads(measured.read_text())
    held["specs"][0]["sha256"] = "0" * 64
    path.write_text(storage.seal(held))
    result = read(path)
    assert (result.status, "another version of" in result.stderr) == (2, True)
    assert path.read_text() == storage.seal(held)


# -- measure, table ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_rows_stand_beside_the_papers_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    shown = fine(archcalc("measure", "lenet-5", "--rows", "--threads", "1", "--output", str(path)))
    assert "images/s" in shown
    table = fine(archcalc("table", "lenet-5", "--record", str(path)))
    for word in ("ms alone", "share in situ", "roofline reached", "In situ: ", "books "):
        assert word in table
    lines = [line for line in table.splitlines() if line.startswith("C1")]
    assert lines
    assert lines[0].rstrip().endswith("-bound")
    absent = archcalc("table", "lenet-5", "--record", str(path), "--batch", "7")
    assert (absent.status, "--batch 1" in absent.stderr) == (2, True)


@pytest.mark.slow
def test_rows_can_be_added_to_a_record_that_has_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "lenet.json"
    command = ("measure", "lenet-5", "--threads", "1", "--output", str(path))
    fine(archcalc(*command))
    assert not storage.load(path).points[0].rows
    fine(archcalc(*command, "--rows"))
    (point,) = storage.load(path).points
    assert point.rows
    fine(archcalc(*command))  # and are kept where they are not asked for
    assert storage.load(path).points == (point,)


def test_a_table_needs_rows_in_the_record(measured: Path) -> None:
    result = archcalc("table", "lenet-5", "--record", str(measured))
    assert result.status == 2
    assert "--rows" in result.stderr


@pytest.mark.slow
def test_an_unsupported_precision_is_a_point_of_the_record(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    command = ("measure", "3x3", "--precision", "tf32,fp32", "--threads", "1", "--output", str(path))
    result = archcalc(*command)
    assert "unsupported" in fine(result)
    assert "tensor cores" in result.stderr
    found = {p.key.precision: p.status for p in storage.load(path).points}
    assert found == {"tf32": Status.UNSUPPORTED, "fp32-ieee": Status.DONE}


# -- sweep, merge -----------------------------------------------------------------------------------

SWEEP = ("sweep", "3x3", "3x1-1x3", "--channels", "4,8", "--batch", "1,2", "--grid", "6", "--threads", "1")


@pytest.mark.slow
def test_shards_merge_to_the_whole_sweep(tmp_path: Path) -> None:
    parts = [tmp_path / f"{i}.json" for i in (1, 2)]
    for i, part in enumerate(parts, 1):
        fine(archcalc(*SWEEP, "--shard", f"{i}/2", "--output", str(part)))
    whole = tmp_path / "whole.json"
    fine(archcalc("merge", *map(str, parts), "--output", str(whole)))
    record = storage.load(whole)
    assert len(record.points) == 4
    assert {(dict(p.key.variables)["width"], p.key.batch) for p in record.points} == {
        (w, b) for w in ("4", "8") for b in (1, 2)
    }
    assert [s.shard for s in record.sessions] == ["1/2", "2/2"]
    result = archcalc(*SWEEP, "--output", str(whole))
    assert fine(result).count("3x1-1x3 / 3x3") == 4
    assert "4 of 4 points are there already" in result.stderr
    assert archcalc("merge", *map(str, parts), "--output", str(whole)).status == 2


def test_a_bad_shard_is_told() -> None:
    result = archcalc(*SWEEP, "--shard", "3/2")
    assert (result.status, "no shard 3/2" in result.stderr) == (2, True)


# -- the device -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_ceilings_are_printed() -> None:
    shown = fine(archcalc("device", "--threads", "1", "--precision", "fp32"))
    for word in ("P: matmul", "P: convolution", "B, GB/s", "t0, us", "fp32-ieee"):
        assert word in shown


# -- Ctrl-C -----------------------------------------------------------------------------------------


def test_ctrl_c_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.json"

    def interrupted(job: object, record: object, save: object, progress: object) -> Record:
        assert callable(save)
        save(Record())
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "measure", interrupted)
    result = archcalc("measure", "3x3", "--output", str(path))
    assert result.status == 130
    assert f"kept in {path}" in result.stderr
    assert storage.load(path) == Record()
    assert "nothing is kept" in archcalc("compare", "3x3", "5x5", "--device", "cpu").stderr


@pytest.mark.slow
def test_a_real_ctrl_c_in_the_middle_of_a_sweep_and_its_resumption(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    command = [sys.executable, "-m", "archcalc", *SWEEP, "--quick", "--output", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not (path.exists() and storage.load(path).points):
        assert running.poll() is None, running.communicate()
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "kept in" in said
    kept = storage.load(path)
    assert 1 <= len(kept.points) < 4
    fine(archcalc(*SWEEP, "--quick", "--output", str(path)))
    record = storage.load(path)
    assert len(record.points) == 4
    assert set(kept.points) <= set(record.points)


# -- processes --------------------------------------------------------------------------------------


def test_a_killed_process_is_an_answer_and_is_started_again() -> None:
    at = plan.points([("3x3",)], plan.conditions("cpu"))[0]
    task = Task(TaskKind.MEASURE, TINY, "cpu", 1, key=at, sources=("3x3",))
    process = pool.Process(1)

    def kill(what: str, rounds: int, half_width: float) -> None:
        os.kill(process.pid, signal.SIGKILL)

    def look(what: str, rounds: int, half_width: float) -> None:
        assert what == "3x3"

    try:
        ready = process.run(Task(TaskKind.SETUP, TINY, "cpu", 1), look)
        assert ready.environment is not None
        assert ready.environment.threads == 1
        killed = process.run(task, kill)
        assert killed.status is Status.OUT_OF_MEMORY
        assert process.run(task, look).status is Status.DONE
    finally:
        process.close()
    assert process.process.returncode is not None


def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "torch"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('this torch is broken')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = pool.Process()
    try:
        answer = process.run(Task(TaskKind.SETUP, TINY, "cpu"), lambda *a: None)
    finally:
        process.close()
    assert answer.status is Status.FAILED
    assert "this torch is broken" in answer.message


# -- what the papers claim of a pair; Python ---------------------------------------------------------


def test_the_claims_about_the_pair_are_shown(measured: Path) -> None:
    shown = fine(archcalc("compare", "3x3", "3x1-1x3", "--record", str(measured), "--set", "width=8"))
    assert "the two-layer solution is 33% cheaper" in shown
    assert "Two 2x2 in place of a 3x3" not in shown


@pytest.mark.slow
def test_measuring_from_python() -> None:
    import archcalc as package
    from archcalc.bench import results as figures

    old, new = (package.load(name, width=8) for name in ("3x3", "3x1-1x3"))
    record = old.measure(new, threads=1)
    saving = figures.pair(record, record.points[0]).saving
    assert saving.mu == pytest.approx(2 / 3)
    assert record.points[0].key.variables == (("width", "8"),)
    with pytest.raises(package.ArchcalcError, match="different variables"):
        old.measure(package.load("3x1-1x3"))


def test_only_what_was_read_from_a_file_is_measured() -> None:
    import archcalc as package

    text = (ROOT / "specs" / "lenet-5.md").read_text(encoding="utf-8")
    with pytest.raises(package.ArchcalcError, match="not read from a file"):
        package.loads(text).measure()


@pytest.mark.slow
def test_the_heap_is_a_condition(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    for heap in ("steady", "default"):
        fine(archcalc("measure", "3x3", "--heap", heap, "--output", str(path), *SMALL))
    assert [p.key.heap for p in storage.load(path).points] == ["default", "steady"]
    wrong = archcalc("measure", "3x3", "--heap", "large", "--output", str(path), *SMALL)
    assert wrong.status == 2
    assert "known: steady, default" in wrong.stderr
