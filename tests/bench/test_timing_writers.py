"""One record and several processes that measure into it: every point of each is there in the end."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from latency_fakes import HERE, TINY, FakeRunner

from archcalc.bench.records import storage
from archcalc.bench.records.record import Point, Record, Status
from archcalc.bench.records.recordfile import RecordFile, joined_records
from archcalc.bench.runner import plan, session
from archcalc.bench.runner.session import Job
from archcalc.bench.runner.tasks import Answer, Task, TaskKind
from archcalc.errors import ArchcalcError

TESTS = Path(__file__).parents[1]
PAIR = ("5x5", "3x3-3x3")
SIMULATED = replace(TINY, min_rounds=20, max_rounds=20)


def job(*batches: int) -> Job:
    keys = plan.points([PAIR], plan.conditions("cpu", batches))
    return Job(keys, {name: name for name in PAIR}, "cpu", SIMULATED)


def measured(path: Path, *batches: int, runner: FakeRunner | None = None) -> Record:
    """Measure into the record at `path` on a simulated device, as the command does."""
    kept = RecordFile(path)
    return session.measure(job(*batches), kept.record, kept.save, runners=[runner or FakeRunner()])


def batches(record: Record) -> list[int]:
    return sorted(point.key.batch for point in record.points)


# -- real processes ---------------------------------------------------------------------------------

WRITE = """
import sys
from pathlib import Path
from test_timing_writers import measured
print("ready", flush=True)
sys.stdin.readline()
measured(Path(sys.argv[1]), *map(int, sys.argv[2:]))
"""


def writer(path: Path, *own: int) -> subprocess.Popen[str]:
    """A process that is ready to measure its own points into the record at `path`, once it is told to."""
    folders = [str(TESTS.parent), str(TESTS), str(TESTS / "bench")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path), *map(str, own)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("count", [2, 4, pytest.param(8, marks=pytest.mark.slow)])
def test_writers_at_the_same_time_lose_no_point(count: int, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    own = [tuple(range(1 + 5 * i, 6 + 5 * i)) for i in range(count)]
    processes = [writer(path, *each) for each in own]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
    record = storage.load(path)
    assert batches(record) == sorted(batch for each in own for batch in each)
    assert all(point.status is Status.DONE for point in record.points)
    assert len(record.sessions) == count
    assert all(len(s.null_tests) == 1 for s in record.sessions)
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


# -- one process, other writers in between ----------------------------------------------------------


def test_what_another_saves_between_two_points_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.json"

    def intrude(task: Task) -> Answer | None:
        if task.kind is TaskKind.MEASURE and task.key is not None and task.key.batch == 2:
            measured(path, 7, 8)
        return None

    assert batches(measured(path, 1, 2, 3, runner=FakeRunner(intrude))) == [1, 2, 3, 7, 8]
    record = storage.load(path)
    assert batches(record) == [1, 2, 3, 7, 8]
    assert len(record.sessions) == 2
    assert measured(path, 1, 2, 3) == record


def test_what_another_measures_meanwhile_is_not_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "r.json"

    def intrude(task: Task) -> Answer | None:
        if task.kind is TaskKind.MEASURE and task.key is not None and task.key.batch == 1:
            measured(path, 1, 3)
        return None

    runner = FakeRunner(intrude)
    record = measured(path, 1, 2, 3, runner=runner)
    asked = [t.key.batch for t in runner.asked if t.kind is TaskKind.MEASURE and t.key]
    assert asked == [1, 2]
    other = next(p for p in record.points if p.key.batch == 3)
    # Both measured batch 1; the one that was saved first stands.
    assert {p.session for p in record.points if p.key.batch in (1, 3)} == {other.session}
    assert storage.load(path) == record


def test_a_failure_of_one_gives_way_to_the_other(tmp_path: Path) -> None:
    ours, theirs = measured(tmp_path / "a.json", 1, 2), measured(tmp_path / "b.json", 2)
    failed = Point(theirs.points[0].key, theirs.sessions[0].identity, Status.FAILED, "broke")
    broken = replace(theirs, points=(replace(failed, specs=theirs.points[0].specs),))
    for order in ((ours, broken), (broken, ours)):
        joined = joined_records(Record(), *order)
        assert {p.key.batch: p.status for p in joined.points} == {1: Status.DONE, 2: Status.DONE}
        assert len(joined.sessions) == 2


def test_a_session_that_another_brought_up_to_date_is_not_set_back(tmp_path: Path) -> None:
    """We read a session before its null test was saved; what we save later must not lose the test."""
    path = tmp_path / "r.json"
    full = measured(tmp_path / "full.json", 1)
    early = replace(full, sessions=(replace(full.sessions[0], null_tests=()),), points=())
    storage.save(early, path)
    ours = RecordFile(path)
    storage.save(full, path)
    mine = measured(tmp_path / "mine.json", 2)
    saved = ours.save(joined_records(Record(), mine, early))
    assert batches(saved) == [1, 2]
    assert all(s.null_tests for s in saved.sessions)
    assert storage.load(path) == saved


def test_a_record_that_was_taken_away_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "r.json"

    def remove(task: Task) -> Answer | None:
        if task.kind is TaskKind.MEASURE and task.key is not None and task.key.batch == 2:
            path.unlink()
        return None

    measured(path, 1, 2, 3, runner=FakeRunner(remove))
    assert batches(storage.load(path)) == [1, 2, 3]


def test_a_record_that_is_damaged_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "r.json"

    def damage(task: Task) -> Answer | None:
        if task.kind is TaskKind.MEASURE and task.key is not None and task.key.batch == 2:
            path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
        return None

    with pytest.raises(ArchcalcError, match="is damaged: its checksum"):
        measured(path, 1, 2, runner=FakeRunner(damage))
    assert '"seed": 1' in path.read_text()


def test_another_machine_does_not_add_to_a_record(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    ours = RecordFile(path)
    measured(path, 1)
    before = path.read_bytes()
    other = measured(tmp_path / "b.json", 2, runner=FakeRunner(environment=replace(HERE, torch="9.9")))
    with pytest.raises(ArchcalcError, match="another environment"):
        ours.save(other)
    assert path.read_bytes() == before


# -- what saving costs, and where it cannot be done -------------------------------------------------


def test_saving_makes_the_text_of_new_points_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of 3 MB took half a second to save after each point."""
    made: list[int] = []
    real = storage.encode

    def count(value: object) -> object:
        if isinstance(value, Point):
            made.append(value.key.batch)
        return real(value)

    monkeypatch.setattr(storage, "encode", count)
    kept = RecordFile(tmp_path / "r.json")
    record = session.measure(job(1, 2, 3, 4), kept.record, kept.save, runners=[FakeRunner()])
    assert made == [1, 2, 3, 4]
    monkeypatch.undo()
    assert (tmp_path / "r.json").read_text() == storage.to_json(record)
    # What another process adds is read and written, what we had is not made again.
    measured(tmp_path / "r.json", 9)
    monkeypatch.setattr(storage, "encode", count)
    made.clear()
    kept.save(kept.record)
    assert made == [9]
    assert batches(kept.record) == [1, 2, 3, 4, 9]


def test_a_record_that_cannot_be_written_is_noticed_before_measuring(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path, message in (
        (tmp_path / "file" / "r.json", "Not a directory"),
        (tmp_path / "folder", "is a folder"),
        (Path("/dev/full"), "not a plain file"),
    ):
        with pytest.raises(ArchcalcError, match=message) as caught:
            RecordFile(path)
        assert caught.value.hint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_nothing_is_left_where_nothing_was_measured(tmp_path: Path) -> None:
    assert RecordFile(tmp_path / "new" / "r.json").record == Record()
    assert list(tmp_path.iterdir()) == []
