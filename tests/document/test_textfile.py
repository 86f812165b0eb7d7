"""Files that are none, are not text, or change while they are read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from bad_documents import GOOD, refused_file

import archcalc
from archcalc.errors import SpecError


def test_a_file_of_100_mb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "large.md"
    with path.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)  # sparse: it takes no room on the disk
    started = time.perf_counter()
    fault = refused_file(path)
    assert time.perf_counter() - started < 1
    assert "is larger than 300,000 bytes" in fault.message
    assert "split" in fault.hint


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (b"\x7fELF\x00\x01", "is a binary file", "a spec is a Markdown document"),
        (GOOD.encode("utf-16"), "is UTF-16 text", "save the file as UTF-8"),
        (b"\x00", "is a binary file", "a spec is a Markdown document"),
        (b"", "has no front matter", "begin it with front matter"),
        (b"\xef\xbb\xbf", "has no front matter", "begin it with front matter"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, data: bytes, message: str, hint: str) -> None:
    path = tmp_path / "odd.md"
    path.write_bytes(data)
    fault = refused_file(path)
    assert message in fault.message
    assert hint in fault.hint


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_a_byte_that_is_not_utf_8_is_pointed_at(tmp_path: Path, mark: bytes, ends: bytes) -> None:
    path = tmp_path / "latin.md"
    text = GOOD.replace("| a | 3 |", "| é a | 3 |").encode().replace(b"\n", ends)
    path.write_bytes(mark + text.replace(b" a | 3", b" \xe9 | 3"))
    fault = refused_file(path)
    assert isinstance(fault, SpecError)
    assert fault.span is not None
    assert (fault.span.line, fault.span.start) == (7, 4)
    assert "the byte 0xe9 is not UTF-8 text" in fault.message
    assert "| é \N{REPLACEMENT CHARACTER} | 3 |\n" + " " * 12 + "^\n" in fault.render()


def test_a_folder_a_missing_file_and_a_nameless_one(tmp_path: Path) -> None:
    (tmp_path / "my-network.md").write_text(GOOD)
    assert "is a folder, not a spec" in refused_file(f"{tmp_path}/").message
    missing = refused_file(tmp_path / "my-netwrok.md")
    assert "there is no file" in missing.message
    assert missing.hint == "did you mean `my-network.md`?"
    assert "there is no file" in refused_file(tmp_path / "no" / "such" / "folder.md").message
    assert "cannot read that path" in refused_file("a\0b.md").message
    assert "cannot read" in refused_file("a" * 5000 + ".md").message
    assert "is not a plain file" in refused_file("/dev/zero").message or os.name == "nt"


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.md"
    path.write_text(GOOD)
    path.chmod(0)

    def refuse(*_: object, **__: object) -> None:  # the administrator may read any file
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert refused_file(path).message == f"cannot read `{path}`: Permission denied"


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.md"
    path.write_text(GOOD)
    assert archcalc.load(path).counts().total.macs == 32 * 32 * 9
    path.write_text(GOOD.replace("| 3 |", "| 64 |"))
    assert archcalc.load(path).counts().total.macs == 32 * 32 * 3 * 64
