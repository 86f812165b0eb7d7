"""Measuring that is killed at any instant: what was saved is there, and nothing is left behind.

`ARCHCALC_KILLS` sets how many kills; a few run by default, the same ones each time.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from latency_fakes import TINY, FakeRunner

from archcalc.bench.records import storage
from archcalc.bench.records.record import Record, Status
from archcalc.bench.records.recordfile import RecordFile
from archcalc.bench.runner import plan, session
from archcalc.bench.runner.session import Job

TESTS = Path(__file__).parents[1]
KILLS = int(os.environ.get("ARCHCALC_KILLS", "0"))
BATCHES = tuple(range(1, 9))
SIMULATED = replace(TINY, min_rounds=20, max_rounds=20)
REAL = replace(TINY, null_attempts=1, null_rounds=6, max_seconds=0.02)


def run(path: Path, real: bool) -> None:
    """Measure into the record at `path`, with a line for each save that is done; in a process of its own."""
    names, variables = ("5x5", "3x3-3x3"), {"width": "2", "grid": "4"}
    keys = plan.points([names], plan.conditions("cpu", BATCHES), [variables])
    job = Job(keys, {name: name for name in names}, "cpu", REAL if real else SIMULATED, threads=1)
    kept = RecordFile(path)

    def save(record: Record) -> Record:
        saved = kept.save(record)
        print(*(p.key.batch for p in saved.points if p.status is Status.DONE), flush=True)
        return saved

    print("ready", flush=True)
    session.measure(job, kept.record, save, runners=None if real else [FakeRunner()])


def started(path: Path, real: bool) -> subprocess.Popen[str]:
    folders = [str(TESTS.parent), str(TESTS), str(TESTS / "bench")]
    code = f"from pathlib import Path; import test_timing_kills as t; t.run(Path({str(path)!r}), {real})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def killed(path: Path, real: bool, draw: random.Random) -> set[int]:
    """Kill a run at a random instant; the batches whose save it had announced."""
    process = started(path, real)
    assert process.stdout is not None
    lines, said = draw.randrange(len(BATCHES) + 2), ""
    for _ in range(lines):
        line = process.stdout.readline()
        if not line:
            break
        said = line
    time.sleep(draw.uniform(0, 0.02))
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    last = ([said, *rest.splitlines()] if rest else [said])[-1]
    ended(workers)
    return {int(word) for word in last.split() if word.isdecimal()}


def children(pid: int) -> list[int]:
    """The processes that `pid` has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in found.read_text().split()] if found.exists() else []


def ended(workers: list[int]) -> None:
    """Wait until the measuring processes of a killed run have ended too."""
    ends = time.monotonic() + 60
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < ends, f"{workers} go on without the process that started them"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def check(folder: Path, seed: int, kills: int, real: bool) -> None:
    draw = random.Random(seed)
    path = folder / "r.json"
    saved: set[int] = set()
    for _ in range(kills):
        saved |= killed(path, real, draw)
        names = {p.name for p in folder.iterdir()}
        # Between two system calls a finished file has the name that the next writer takes away.
        assert names <= {"r.json", ".archcalc.tmp"}
        there = {p.key.batch for p in storage.load(path).points} if "r.json" in names else set()
        assert saved <= there, "a point that was saved is lost"
        if there == set(BATCHES):
            path.unlink()
            saved = set()
    process = started(path, real)
    process.communicate()
    assert process.returncode == 0
    record = storage.load(path)
    assert {p.key.batch for p in record.points if p.status is Status.DONE} == set(BATCHES)
    assert [p.name for p in folder.iterdir()] == ["r.json"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.mark.slow
def test_kills_of_simulated_measuring(folder: Path) -> None:
    check(folder, 1, KILLS or 6, real=False)


@pytest.mark.slow
def test_kills_of_real_measuring(folder: Path) -> None:
    check(folder, 2, KILLS or 3, real=True)


# -- at each step of a write ------------------------------------------------------------------------

STEPS = """
import os, signal, sys
from pathlib import Path
from archcalc import files

left = int(sys.argv[2])

def counted(real):
    def act(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return act

for name in ("open", "fsync", "link", "replace", "unlink", "chmod", "close"):
    setattr(os, name, counted(getattr(os, name)))
if sys.argv[3] == "named":
    files._unnamed = lambda folder: None
files.write(Path(sys.argv[1]), "new" * 100000, force=True)
"""


@pytest.mark.parametrize("way", ["unnamed", "named"])
def test_a_write_killed_before_any_of_its_steps(way: str, tmp_path: Path) -> None:
    path = tmp_path / "t"
    for step in range(100):
        path.write_text("old")
        command = [sys.executable, "-S", "-c", STEPS, str(path), str(step), way]
        code = subprocess.run(command, cwd=TESTS.parent, check=False).returncode
        assert path.read_text() in ("old", "new" * 100000)
        assert {p.name for p in tmp_path.iterdir()} <= {"t", ".archcalc.tmp"}
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert step > 5
    assert [p.name for p in tmp_path.iterdir()] == ["t"]
    assert path.read_text() == "new" * 100000
