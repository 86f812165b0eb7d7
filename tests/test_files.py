"""Files: read within bounds, written all at once or not at all, never over what a user made."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archcalc import files
from archcalc.errors import ArchcalcError

ROOT = Path(__file__).parents[1]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["unnamed", "named", "unlinkable"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """All ways of writing: with files that have no name until they are finished; on systems that have no such
    files; on systems that have them and cannot name them."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    if request.param == "named":
        monkeypatch.setattr(files, "_unnamed", lambda folder: None)
    if request.param == "unlinkable":
        monkeypatch.setattr(os, "link", refuse)
    return str(request.param)


# -- writing ----------------------------------------------------------------------------------------


def test_a_new_file_has_its_content_and_the_usual_rights(way: str, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "t.csv"
    files.write(path, "x, é\n")
    assert path.read_text("utf-8") == "x, é\n"
    (tmp_path / "plain").write_text("x")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert names(path.parent) == ["t.csv"]


def test_a_file_is_replaced_only_by_force_and_keeps_its_rights(way: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("mine")
    path.chmod(0o640)
    with pytest.raises(ArchcalcError, match="exists"):
        files.write(path, "new")
    assert path.read_text() == "mine"
    files.write(path, b"new", force=True)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["t.csv"]


def test_a_file_that_appears_meanwhile_is_not_replaced(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    real = os.fsync

    def intrude(handle: int) -> None:
        path.write_text("mine")
        real(handle)

    monkeypatch.setattr(os, "fsync", intrude)
    with pytest.raises(ArchcalcError, match="File exists"):
        files.write(path, "new")
    assert path.read_text() == "mine"
    assert names(tmp_path) == ["t.csv"]


@pytest.mark.parametrize("force", [False, True])
def test_links_devices_pipes_and_folders_are_never_replaced(force: bool, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    before = names(tmp_path)
    for path, message in (
        (tmp_path / "link", "is a link"),
        (tmp_path / "dangling", "is a link"),
        (tmp_path / "pipe", "not a plain file"),
        (tmp_path / "folder", "is a folder"),
        (Path("/dev/null"), "not a plain file"),
    ):
        for act in (files.refuse, lambda p, f: files.write(p, "new", f)):
            with pytest.raises(ArchcalcError, match=message) as caught:
                act(path, force)
            assert caught.value.hint
    assert target.read_text() == "mine"
    assert names(tmp_path) == before
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/proc/nowhere/t.csv", "cannot write"),
        ("file/t.csv", "Not a directory"),
        ("file/deeper/t.csv", "Not a directory"),
        ("a\0b", "null byte"),
        ("x" * 300, "File name too long"),
    ],
)
def test_places_that_cannot_be_written_are_refused(
    path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArchcalcError, match=message) as caught:
        files.write(Path(path), "new", force=True)
    assert caught.value.hint
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_refused_beforehand(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ArchcalcError, match="Permission denied"):
        files.refuse(tmp_path / "new" / "t.csv")
    tmp_path.chmod(0o700)


def test_a_folder_that_refuses_is_noticed_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*args: object, **kwargs: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(files, "_unnamed", read_only)
    with pytest.raises(ArchcalcError, match="Read-only file system"):
        files.refuse(tmp_path / "new" / "t.csv")
    monkeypatch.setattr(files, "_unnamed", lambda folder: None)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ArchcalcError, match="Permission denied"):
        files.refuse(tmp_path / "new" / "t.csv")
    assert names(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "write", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    way: str, step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    if step == "write":
        real = os.fdopen

        def half(*args: Any, **kwargs: Any) -> Any:
            stream = real(*args, **kwargs)
            stream.write(b"ne")
            stream.flush()
            stream.close()
            fail()

        monkeypatch.setattr(os, "fdopen", half)
    else:
        monkeypatch.setattr(os, step, fail)
    expected = ArchcalcError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        files.write(path, "new", force=True)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["t.csv"]


def test_what_a_killed_process_left_is_taken_away(way: str, tmp_path: Path) -> None:
    (tmp_path / ".archcalc.tmp").write_text("half")
    files.write(tmp_path / "t.csv", "new")
    assert names(tmp_path) == ["t.csv"]


def test_a_folder_that_cannot_be_synced_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def refuse_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    files.write(tmp_path / "t.csv", "new")
    assert (tmp_path / "t.csv").read_text() == "new"


# -- the lock ---------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from archcalc import files
with files.locked(Path(sys.argv[1])) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_one_process_at_a_time_and_the_lock_ends_with_it(tmp_path: Path) -> None:
    process = holder(tmp_path)
    with pytest.raises(ArchcalcError, match="another process has been writing"), files.locked(tmp_path, 0.05):
        pass
    (tmp_path / "other").mkdir()
    with files.locked(tmp_path / "other") as held:
        assert held
    process.send_signal(signal.SIGKILL)
    process.wait()
    with files.locked(tmp_path, 30):
        pass
    assert names(tmp_path) == ["other"]


def test_a_system_without_locks_goes_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(handle: int, what: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with files.locked(tmp_path) as held:
        assert not held
    files.write(tmp_path / "t.csv", "new")
    files.write(tmp_path / "t.csv", "newer", force=True)
    assert (tmp_path / "t.csv").read_text() == "newer"
    assert names(tmp_path) == ["t.csv"]


# -- reading ----------------------------------------------------------------------------------------


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(path)
    assert files.read(path, 5) == b"12345"
    assert files.read(tmp_path / "link", 5) == b"12345"
    with pytest.raises(ArchcalcError, match="larger than"):
        files.read(path, 4)


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    started = time.process_time()
    for path, message in (
        (tmp_path / "pipe", "not a plain file"),
        (Path("/dev/zero"), "not a plain file"),
        (tmp_path, "it is a folder"),
        (tmp_path / "none", "there is no file"),
        (tmp_path / "none" / "deeper", "there is no file"),
        (Path("a\0b"), "cannot read that path"),
        (Path("/proc/self/mem"), "cannot read"),
    ):
        with pytest.raises(ArchcalcError, match=message) as caught:
            files.read(path, 1000)
        assert caught.value.hint
    assert time.process_time() - started < 1
