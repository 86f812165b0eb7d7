"""A table as a scanner left it: the rows that cannot be right are pointed at, and no total is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from console import archcalc
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.audit import Inspection, suspects
from archcalc.document import document
from archcalc.spec import library

SCANNED = Path(__file__).parents[1] / "data" / "googlenet_table1_scanned.md"
GOLDEN = Path(__file__).parents[1] / "golden" / "audit_scanned.txt"

#: line: label, what the columns concatenate to as they stand, and what the size in the row says
SHIFTED = {
    7: ("inception (3a)", 2 + 128 + 16 + 32, 256),
    8: ("inception (3b)", 3 + 192 + 32 + 96, 480),
    10: ("inception (4a)", 4 + 208 + 16 + 48, 512),
    11: ("inception (4b)", 5 + 224 + 24 + 64, 512),
    12: ("inception (4c)", 6 + 256 + 24 + 64, 512),
    13: ("inception (4d)", 7 + 288 + 32 + 64, 528),
    14: ("inception (4e)", 8 + 320 + 32 + 128, 832),
    16: ("inception (5a)", 9 + 320 + 32 + 128, 832),
    17: ("inception (5b)", 10 + 384 + 48 + 128, 1024),
}


def inspected(text: str) -> Inspection:
    found = suspects.alike(document.parse(text, "scan.md"))
    assert found is not None
    return suspects.inspect(*found)


@pytest.fixture(scope="module")
def found() -> Inspection:
    return inspected(SCANNED.read_text(encoding="utf-8"))


def test_the_rows_that_cannot_be_right_are_pointed_at_and_no_others(found: Inspection) -> None:
    assert found.read_as == "googlenet"
    assert found.rows == 19
    assert {s.span.line: s.label for s in found.suspects} == {
        5: "convolution",
        **{line: label for line, (label, _, _) in SHIFTED.items()},
    }


@pytest.mark.parametrize("line", SHIFTED)
def test_a_shifted_row_says_why_and_what_would_repair_it(line: int, found: Inspection) -> None:
    label, naive, printed = SHIFTED[line]
    (suspect,) = [s for s in found.suspects if s.span.line == line]
    reasons = " ".join(suspect.reasons)
    assert f"concatenate to {naive} channels" in reasons
    assert f"x{printed}, says {printed}" in reasons
    assert "the size is missing from `output size`: it stands 1 column further left" in reasons
    assert "are counters" in reasons
    # what was lost is a blank under `patch size/ stride`, and what was gained are two counters
    cells = [cell.strip() for cell in suspect.span.source.strip().strip("|").split("|")]
    own = [c for i, c in enumerate(cells[1:], 1) if i not in (4, 7)]
    assert suspect.label == label
    assert suspect.repair.startswith(
        f"drop `{cells[4]}` and `{cells[7]}` and put a blank into `patch size/ stride`: "
        f"`|  | {' | '.join(own)} |  |` gives {cells[1]}"
    )
    assert suspect.repair.endswith("its ops are lost")


def test_3a_comes_out_as_printed_once_it_is_repaired(found: Inspection) -> None:
    (suspect,) = [s for s in found.suspects if s.label == "inception (3a)"]
    assert "gives 28x28x256 and, as printed, 163.3K weights" in suspect.repair


def test_a_counter_in_a_blank_cell_is_told_from_a_shift(found: Inspection) -> None:
    (suspect,) = [s for s in found.suspects if s.label == "convolution"]
    assert suspect.reasons == ("`1` in `#1x1` is a counter",)
    assert suspect.repair.startswith("drop `1` and put a blank into `#1x1`: ")
    assert "112K | 360M |` gives 56x56x192" in suspect.repair


def test_what_runs_down_the_table_is_told_once(found: Inspection) -> None:
    numbers, first, second = found.notes
    assert "the labels carry row numbers, 1 to 19" in numbers
    assert "`#1x1` only count, from 1 to 10 between lines 5 and 17" in first
    assert "`#5x5 reduce` only count, from 1 to 9 between lines 7 and 17" in second


# ------------------------------------------------------------------------------------ the command


def test_the_command_fails_and_prints_no_total(request: pytest.FixtureRequest) -> None:
    result = archcalc("audit", str(SCANNED))
    assert (result.status, result.stderr) == (1, "")
    assert "10 of 19 rows cannot be right" in result.stdout
    assert "No totals are printed" in " ".join(result.stdout.split())
    shown = result.stdout.replace(str(SCANNED), "googlenet_table1_scanned.md")
    if request.config.getoption("--overwrite"):
        GOLDEN.write_text(shown, encoding="utf-8")
    assert shown == GOLDEN.read_text(encoding="utf-8")


def test_scripts_get_rows_and_reasons() -> None:
    result = archcalc("audit", str(SCANNED), "--format", "json")
    found = json.loads(result.stdout)
    assert result.status == 1
    assert (found["passed"], found["rows"], found["read_as"]) == (False, 19, "googlenet")
    assert "total" not in found
    assert [row["line"] for row in found["suspicious"]] == [5, *SHIFTED]
    assert all(row["reasons"] and row["repair"] for row in found["suspicious"])
    text = archcalc("audit", str(SCANNED), "--format", "markdown").stdout
    assert text.count("| inception (") == len(SHIFTED)


@pytest.mark.parametrize("command", ["table", "verify", "show", "compare"])
def test_other_commands_refuse_it_and_name_the_one_that_helps(command: str) -> None:
    extra = ["googlenet"] if command == "compare" else []
    result = archcalc(command, str(SCANNED), *extra)
    assert (result.status, result.stdout) == (2, "")
    assert "archcalc audit" in result.stderr


# ------------------------------------------------------------------------------------ other tables

GOOGLENET = library.networks(library.folder() / "googlenet.md")[0]


def plain_table(*drop: int) -> str:
    """GoogLeNet's own table without its `arch` block; in the rows `drop` a blank cell is lost."""
    assert GOOGLENET.table is not None
    lines = [[c.text for c in GOOGLENET.table.header], ["---"] * 12]
    for i, row in enumerate(GOOGLENET.table.rows):
        texts = [c.text for c in row]
        if i in drop:
            texts.remove("")
            texts.append("")
        lines.append(texts)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def test_a_clean_table_is_not_accused() -> None:
    found = inspected(plain_table())
    assert (found.suspects, found.notes) == ((), ())


def test_a_clean_table_without_a_block_is_still_no_success(tmp_path: Path) -> None:
    path = tmp_path / "clean.md"
    path.write_text(plain_table())
    result = archcalc("audit", str(path))
    assert result.status == 1
    assert "`extends: googlenet`" in " ".join(result.stdout.split())


@pytest.mark.parametrize("at", [4, 8, 13])
def test_one_lost_blank_is_found_and_put_back(at: int) -> None:
    (suspect,) = inspected(plain_table(at)).suspects
    assert GOOGLENET.table is not None
    assert suspect.label == GOOGLENET.table.rows[at][0].text
    assert suspect.repair.startswith("put a blank into `patch size/stride`: ")


def test_a_table_with_its_own_block_is_read_by_it(tmp_path: Path) -> None:
    path = tmp_path / "own.md"
    path.write_text(f"---\nname: mine\nextends: googlenet\n---\n{plain_table(4)}")
    result = archcalc("audit", str(path))
    assert result.status == 1
    assert f"{path}:11: inception (3a)" in result.stdout
    assert "1 of 19 rows cannot be right" in result.stdout
    assert archcalc("table", str(path)).status == 2


def test_a_fault_outside_of_the_table_stays_an_error(tmp_path: Path) -> None:
    path = tmp_path / "own.md"
    path.write_text(
        "---\nname: mine\ninput: 8x8x3\n---\n| layer |\n|---|\n| a |\n\n```arch\na -> cnov 3x3 8\n```\n"
    )
    result = archcalc("audit", str(path))
    assert (result.status, result.stdout) == (2, "")
    assert "no op or block is called `cnov`" in result.stderr


def test_a_table_that_no_spec_has_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.md"
    path.write_text("| what | ever |\n|---|---|\n| 1 | 2 |\n")
    result = archcalc("audit", str(path))
    assert (result.status, result.stdout) == (2, "")
    assert "front matter" in result.stderr


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_mangled_table_gets_an_answer_and_never_a_crash(data: st.DataObject) -> None:
    rows = [line.strip("|").split("|") for line in plain_table().splitlines()]
    texts = st.sampled_from(
        ["", "7", "1x1", "28x28x256", "3x3/2", "0x0x0", "12K", "max pool", "x", "{c}", "9" * 20]
    )
    for _ in range(data.draw(st.integers(1, 6))):
        row = rows[data.draw(st.integers(2, len(rows) - 1))]
        at = data.draw(st.integers(0, len(row) - 1))
        match data.draw(st.sampled_from(["drop", "insert", "change", "double"])):
            case "drop" if len(row) > 1:
                del row[at]
            case "insert":
                row.insert(at, data.draw(texts))
            case "double" if len(row) < 40:  # 100 columns at most
                row.extend(row[at:])
            case _:
                row[at] = data.draw(texts)
    text = "\n".join("|" + "|".join(row) + "|" for row in rows) + "\n"
    found = suspects.alike(document.parse(text, "scan.md"))
    assert found is not None
    inspection = suspects.inspect(*found)
    assert inspection.rows == 19
    assert all(s.reasons for s in inspection.suspects)
