"""What PDFs and editors leave in a text, and how errors print it."""

from __future__ import annotations

import pytest
from bad_documents import FRONT, GOOD, build, refused

NBSP, ZERO_WIDTH, BOM = "\u00a0", "\u200b", "\ufeff"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(GOOD.replace("\n", "\r"), id="old Macintosh line ends"),
        pytest.param(BOM + GOOD, id="byte-order mark"),
        pytest.param(BOM + GOOD.replace("\n", "\r\n"), id="byte-order mark and Windows line ends"),
        pytest.param(GOOD.replace(" ", NBSP).replace(f"name:{NBSP}", "name: "), id="non-breaking blanks"),
        pytest.param(GOOD.replace("x", "×"), id="multiplication signs"),
        pytest.param(GOOD.replace("| ", "|\t"), id="tabs in cells"),
        pytest.param(GOOD.replace("a -> conv", "a\t->\tconv"), id="tabs in rules"),
        pytest.param(
            GOOD.replace("| a |", f"| {ZERO_WIDTH}a{ZERO_WIDTH} |"), id="zero-width blanks in cells"
        ),
        pytest.param(GOOD.replace("conv 1x1", f"conv {ZERO_WIDTH}1x1"), id="zero-width blank in a rule"),
        pytest.param(GOOD.replace("->", "–>"), id="an en dash in the arrow"),
        pytest.param(GOOD.replace("| 3 |", "| 3"), id="no bar at the end"),
        pytest.param(GOOD.rstrip("\n"), id="no newline at the end"),
        pytest.param(GOOD.replace("32x32x3", "32×32×3"), id="multiplication signs in the input"),
        pytest.param(GOOD.replace("32x32x3", '"32x32x3" # padded'), id="a comment in front matter"),
        pytest.param(GOOD.replace("```arch", "``` arch"), id="a blank in the fence"),
        pytest.param(GOOD.replace("```", "~~~"), id="another fence"),
        pytest.param(GOOD.replace("{n}", "{n}  # a comment with { and ["), id="a comment"),
        pytest.param(GOOD.replace("a ->", "a->"), id="no blank before the arrow"),
        pytest.param(GOOD.replace("{n}", "{ n }"), id="blanks in braces"),
        pytest.param(GOOD.replace("{n}", "{N}"), id="capitals"),
    ],
)
def test_what_a_pdf_or_an_editor_leaves_behind_is_understood(text: str) -> None:
    assert build(text) == build(GOOD) == [32 * 32 * 9]


@pytest.mark.parametrize("blank", ["–", "—", "-", "--", "−", NBSP, ZERO_WIDTH, ""])
def test_a_dash_is_a_blank_cell(blank: str) -> None:
    text = FRONT + f"| type | n | m |\n|---|---|---|\n| a | 3 | {blank} |\n"
    assert build(text + "```arch\na -> conv 1x1 {n} > conv 1x1 {m}\n```\n") == [32 * 32 * 9]


def test_an_escaped_bar_is_part_of_its_cell() -> None:
    text = GOOD.replace("| a |", "| a \\| b |").replace("a ->", "a … b ->")
    assert build(text) == build(GOOD)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", BOM])
def test_line_and_column_are_right_whatever_the_line_ends(ends: str, mark: str) -> None:
    fault = refused(mark + GOOD.replace("| 3 |", "|\tmany |").replace("\n", ends))
    assert fault.span is not None
    assert str(fault.span) == "bad.md:7:7"
    assert "    7 | | a | many |\n              ^^^^" in fault.render()


def test_the_caret_stands_under_the_fault_behind_wide_and_combining_characters() -> None:
    table = "| type | 层 | n |\n|---|---|---|\n| a | e\u0301三 | many |\n"
    text = FRONT + table + "```arch\n层 : …\na -> conv 1x1 {n}\n```\n"
    lines = refused(text).render().split("\n")
    # an ideograph takes two columns of a terminal, an accent none
    assert lines[2] == " " * (8 + 6 + 1 + 2 + 3) + "^^^^"


def test_no_control_character_reaches_a_terminal() -> None:
    text = GOOD.replace("| 3 |", "| \x1b[31m\u202e3\x07 |")
    shown = refused(text).render()
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert "\N{REPLACEMENT CHARACTER}[31m" in shown


def test_a_long_line_is_cut_around_the_fault() -> None:
    columns = 60
    header = "| type |" + "".join(f" c{i} |" for i in range(columns)) + "\n"
    row = "| a |" + "".join(" many |" if i == 40 else " 3 |" for i in range(columns)) + "\n"
    body = " > ".join(f"conv 1x1 {{c{i}}}" for i in range(columns))
    text = FRONT + header + "|" + "---|" * (columns + 1) + "\n" + row + f"```arch\na -> {body}\n```\n"
    fault = refused(text)
    line, caret = fault.render().split("\n")[1:3]
    assert len(line) < 120
    at = caret.index("^")
    assert line[at : at + 4] == "many"


def test_text_quoted_in_a_message_is_cut() -> None:
    fault = refused(GOOD.replace("| 3 |", f"| {'y' * 900} |"))
    assert max(map(len, fault.render().split("\n"))) < 220


def test_front_matter_begins_on_the_first_line() -> None:
    fault = refused("\n" + GOOD)
    assert fault.message == "front matter begins on the document's first line"
    assert str(fault.span) == "bad.md:2:1"
    assert fault.hint == "remove what is above"
