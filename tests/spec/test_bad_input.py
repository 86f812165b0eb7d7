"""Whatever a user hands over, the answer is a result or one clear error: place, line, caret and a hint."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from bad_documents import Case, cases, refused

from archcalc import api
from archcalc.cli import run
from archcalc.document import document
from archcalc.errors import Span, SpecError

DATA = Path(__file__).parents[1] / "data"
CASES = cases()


# -- the table of bad documents --------------------------------------------------------------------


def test_there_are_many_cases_and_none_stands_twice() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= 250
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_document(case: Case) -> None:
    started = time.perf_counter()
    fault = refused(case.text)
    assert time.perf_counter() - started < 5
    assert fault.message == case.message
    assert case.says(fault.hint), fault.hint
    assert fault.hint, "an error says what to do"
    assert fault.span is not None
    assert _place(fault.span, case.text) == case.place
    if case.second is None:
        assert fault.also is None
    else:
        assert fault.also is not None
        assert (fault.also[0], _place(fault.also[1], case.text)) == (case.also, case.second)
    _check_rendering(fault, case)


def _place(span: Span, text: str) -> tuple[int, int, int]:
    assert span.source == document.split(text)[span.line - 1] or span.source == ""
    return span.line, span.start, max(span.end, span.start + 1)


def _check_rendering(fault: SpecError, case: Case) -> None:
    """What is printed: `file:line:column`, the user's own line, the caret under the fault."""
    lines = fault.render().split("\n")
    line, start, end = case.place
    assert lines[0].startswith(f"bad.md:{line}:{start + 1}: error: ")
    assert all(text.isprintable() for text in lines)
    source = case.text.split("\n")[line - 1]
    if source.isascii() and source.isprintable() and 0 < len(source) < 90:
        assert lines[1] == f"{line:>5} | {source.rstrip()}"
        assert lines[2].index("^") == 8 + start
        assert lines[2].count("^") == max(1, min(end, len(source)) - start)
    assert lines[-1].startswith("  hint: ")


# -- a table that a scanner and a note-taker have been at ------------------------------------------


def _scanned() -> str:
    return (DATA / "googlenet_table1_scanned.md").read_text("utf-8")


def test_the_scanned_table_alone_says_what_is_missing() -> None:
    fault = refused(_scanned())
    assert fault.message == "this table is no spec yet: front matter and an `arch` block are missing"
    assert "`name: my-network`" in fault.hint
    assert fault.span is not None
    assert fault.span.line == 1


def test_the_scanned_table_with_googlenets_rules_points_at_the_first_slid_cell() -> None:
    shipped = (api.library.folder() / "googlenet.md").read_text("utf-8")
    front = shipped[: shipped.index("---\n", 4) + 4]
    arch = re.search(r"^```arch\n.*?^```\n", shipped, re.MULTILINE | re.DOTALL)
    assert arch is not None
    fault = refused(front + _scanned() + "\n" + arch.group())
    assert "`28x28x256` does not read as `{k}/{s}`" in fault.message
    assert fault.span is not None
    assert fault.span.source.startswith("| 5 inception (3a) | 28x28x256 |")
    assert fault.span.source[fault.span.start : fault.span.end] == "28x28x256"
    assert "it reads as a value of `output size`" in fault.hint


# -- the command line ------------------------------------------------------------------------------


_STATUS = CASES[:: max(1, len(CASES) // 12)]


@pytest.mark.parametrize("case", _STATUS, ids=[case.name for case in _STATUS])
def test_the_command_line_prints_one_message_and_exits_with_2(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.md").write_bytes(case.text.encode("utf-8", "replace"))
    monkeypatch.chdir(tmp_path)
    status = run(["table", "bad.md"])
    told = capsys.readouterr()
    assert status == 2
    assert told.out == ""
    assert told.err.count("error: ") == 1
    assert "Traceback" not in told.err
