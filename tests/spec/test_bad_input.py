"""Whatever a user hands over, the answer is a result or one clear error: place, line, caret and a hint."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from bad_documents import FRONT, Case, cases

import archcalc
from archcalc import api
from archcalc.cli import run
from archcalc.document import document
from archcalc.document.textfile import MAX_BYTES
from archcalc.errors import ArchcalcError, Span, SpecError, suggest
from archcalc.spec import outline

DATA = Path(__file__).parents[1] / "data"
CASES = cases()
TABLE = "| type | n |\n|---|---|\n| a | 3 |\n"
ARCH = "```arch\na -> conv 1x1 {n}\n```\n"
GOOD = FRONT + TABLE + ARCH


def build(text: str, file: str = "bad.md") -> list[int]:
    """MACs of every network of a document, with side heads."""
    found = outline.networks(document.parse(text, file))
    return [api.assemble(o, {}).counts(heads=True).total.macs for o in found]


def refused(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        build(text)
    return caught.value


# -- the table of bad documents ------------------------------------------------------------------------


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


# -- characters ----------------------------------------------------------------------------------------

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


# -- limits --------------------------------------------------------------------------------------------


def _rows(count: int) -> str:
    return FRONT + "| type | n |\n|---|---|\n" + "| a | 3 |\n" * count + ARCH


_DOUBLING = "".join(f"b{i} = b{i - 1} > b{i - 1}\n" for i in range(1, 40))
_DEEP = "".join(f"b{i} = (b{i - 1})\n" for i in range(1, 200))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("x" * (MAX_BYTES + 1), "is larger than 300,000 bytes", id="long text"),
        pytest.param(_rows(1001), "this table has more than 1,000 rows", id="rows"),
        pytest.param(
            FRONT + "|" + "a|" * 60 + "\n|" + "---|" * 60 + "\n" + ("|" + "a|" * 60 + "\n") * 400,
            "more than 20,000 cells",
            id="all cells",
        ),
        pytest.param("\n" * 5_001, "more than 5,000 lines", id="lines"),
        pytest.param(
            GOOD
            + "# n0\n```arch\nextends : bad\n```\n"
            + "".join(f"# n{i}\n```arch\nextends : n{i - 1}\n```\n" for i in range(1, 40)),
            "`extends` goes over more than 20 networks",
            id="ancestors",
        ),
        pytest.param(
            FRONT + "|" + "a|" * 101 + "\n|" + "---|" * 101 + "\n",
            "this row has more than 100 cells",
            id="cells",
        ),
        pytest.param(
            GOOD.replace("| 3 |", f"| {'3' * 1001} |"), "longer than 1,000 characters", id="a long cell"
        ),
        pytest.param(
            GOOD.replace("{n}", "{n}" + " " * 6000 + "same"), "a statement too long", id="a long rule"
        ),
        pytest.param(
            GOOD.replace("{n}", "{" + "n+" * 200 + "n}"), "arithmetic longer than 300", id="a long sum"
        ),
        pytest.param(
            GOOD.replace("{n}", "{" + "(" * 60 + "n" + ")" * 60 + "}"), "nested deeper than 40", id="sum"
        ),
        pytest.param(GOOD.replace("conv", "add[" * 60 + "conv"), "nested deeper than 40", id="joins"),
        pytest.param(
            GOOD.replace("a ->", "a" * 600 + " ->"), "longer than 500 characters", id="a long pattern"
        ),
        pytest.param(
            GOOD.replace("a ->", "# " + "x" * 60_000 + "\na ->"), "longer than 50,000", id="a long block"
        ),
        pytest.param(
            GOOD.replace("a ->", "b -> relu\n" * 600 + "a ->"), "too many statements", id="statements"
        ),
        pytest.param("---\ntitle: " + "x" * 20_000 + "\n---\n", "longer than 10,000", id="front matter"),
        pytest.param("---\na: " + "[" * 4_000 + "\n---\n", "cannot be read", id="nested brackets in YAML"),
        pytest.param(GOOD.replace("conv", "9000 x (9000 x relu) > conv"), "more than 10,000", id="repeats"),
        pytest.param(
            FRONT + TABLE + f"```arch\nb0 = conv 1x1 {{n}}\n{_DOUBLING}a -> b39\n```\n",
            "10,000",
            id="doubling",
        ),
        pytest.param(
            FRONT + TABLE.replace("3", "") + f"```arch\nb0 = conv 1x1 {{n}}\n{_DOUBLING}a -> b39\n```\n",
            "too large",
            id="doubling of nothing",
        ),
        pytest.param(
            FRONT + TABLE + f"```arch\nb0 = conv 1x1 {{n}}\n{_DEEP}a -> b199\n```\n",
            "nested deeper",
            id="blocks",
        ),
        pytest.param(
            FRONT
            + "| type |\n|---|\n"
            + f"| {'q ' * 60} |\n" * 200
            + "```arch\n"
            + "".join(f"q{i} -> relu\n" for i in range(300))
            + "q -> relu\n```\n",
            "too many rows, items and rules",
            id="items",
        ),
    ],
)
def test_limits_are_told_quickly(text: str, message: str) -> None:
    started = time.perf_counter()
    fault = refused(text)
    assert time.perf_counter() - started < 5  # generous: a second on a quiet machine
    assert message in fault.render()
    assert fault.hint


@pytest.mark.parametrize(
    "pattern",
    ["…a" * 40 + "b", "{x}{y}" * 20 + "b", "{} " * 30 + "b", "… " * 60 + "b", "{a}x" * 30 + "b"],
)
def test_no_pattern_is_slow(pattern: str) -> None:
    """A template is matched in time that grows with the cell, not with its powers."""
    from archcalc.spec.patterns import compile_pattern

    compiled = compile_pattern(pattern)
    started = time.perf_counter()
    for cell in ("a" * 1000, "a " * 500, "ax" * 500):
        assert compiled.match(cell.strip()) is None
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 200_000, id="brackets"),
        pytest.param("*a " * 60_000, id="emphasis"),
        pytest.param("`" * 1000 + "a" * 1000 + "`" * 999, id="ticks"),
        pytest.param("> " * 5_000 + "a", id="quotations"),
        pytest.param("\n".join("  " * i + "- a" for i in range(300)), id="lists"),
        pytest.param("[a]: <" * 20_000, id="references"),
        pytest.param("|" * 50_000, id="bars"),
        pytest.param("| a | b |\n|---|---|\n" * 5_000, id="tables"),
        pytest.param("a\n---\n" * 20_000, id="headings"),
        pytest.param("[^a]: " * 20_000, id="footnotes"),
        pytest.param("<a " * 50_000, id="tags"),
        pytest.param("\\" * 100_000, id="backslashes"),
        pytest.param("```arch\n" * 10_000, id="fences"),
    ],
)
def test_hostile_markdown_is_read_in_time(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(SpecError):
        build(FRONT + text)
    assert time.perf_counter() - started < 5


# -- files ---------------------------------------------------------------------------------------------


def _refused_file(path: Path | str) -> ArchcalcError:
    with pytest.raises(ArchcalcError) as caught:
        archcalc.load(path)
    return caught.value


def test_a_file_of_100_mb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "large.md"
    with path.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)  # sparse: it takes no room on the disk
    started = time.perf_counter()
    fault = _refused_file(path)
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
    fault = _refused_file(path)
    assert message in fault.message
    assert hint in fault.hint


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_a_byte_that_is_not_utf_8_is_pointed_at(tmp_path: Path, mark: bytes, ends: bytes) -> None:
    path = tmp_path / "latin.md"
    text = GOOD.replace("| a | 3 |", "| é a | 3 |").encode().replace(b"\n", ends)
    path.write_bytes(mark + text.replace(b" a | 3", b" \xe9 | 3"))
    fault = _refused_file(path)
    assert isinstance(fault, SpecError)
    assert fault.span is not None
    assert (fault.span.line, fault.span.start) == (7, 4)
    assert "the byte 0xe9 is not UTF-8 text" in fault.message
    assert "| é \N{REPLACEMENT CHARACTER} | 3 |\n" + " " * 12 + "^\n" in fault.render()


def test_a_folder_a_missing_file_and_a_nameless_one(tmp_path: Path) -> None:
    (tmp_path / "my-network.md").write_text(GOOD)
    assert "is a folder, not a spec" in _refused_file(f"{tmp_path}/").message
    missing = _refused_file(tmp_path / "my-netwrok.md")
    assert "there is no file" in missing.message
    assert missing.hint == "did you mean `my-network.md`?"
    assert "there is no file" in _refused_file(tmp_path / "no" / "such" / "folder.md").message
    assert "cannot read that path" in _refused_file("a\0b.md").message
    assert "cannot read" in _refused_file("a" * 5000 + ".md").message
    assert "is not a plain file" in _refused_file("/dev/zero").message or os.name == "nt"


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.md"
    path.write_text(GOOD)
    path.chmod(0)

    def refuse(*_: object, **__: object) -> None:  # the administrator may read any file
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert _refused_file(path).message == f"cannot read `{path}`: Permission denied"


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.md"
    path.write_text(GOOD)
    assert archcalc.load(path).counts().total.macs == 32 * 32 * 9
    path.write_text(GOOD.replace("| 3 |", "| 64 |"))
    assert archcalc.load(path).counts().total.macs == 32 * 32 * 3 * 64


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("inception-v33", "no network is called `inception-v33`", "did you mean `inception-v3`"),
        ("Googlenet", "no network is called `Googlenet`", "did you mean `googlenet`"),
        ("", "no network is called ``", "`archcalc list`"),
        ("qqqqqqqq", "no network is called `qqqqqqqq`", "`archcalc list`"),
        ("resnet", "`resnet` is a family of networks", "choose one: "),
        ("x" * 10_000, "no network is called", "`archcalc list`"),
        ("a\nb", "no network is called", ""),
        ("\x1b[2J", "no network is called", ""),
        (".*", "no network is called", ""),
    ],
)
def test_unknown_networks(name: str, message: str, hint: str) -> None:
    fault = _refused_file(name)
    assert message in fault.message
    assert hint in fault.hint
    assert all(line.isprintable() for line in fault.render().split("\n"))


def test_a_network_of_a_file_is_named_behind_a_sharp(tmp_path: Path) -> None:
    path = tmp_path / "two.md"
    network = "| type | n |\n|---|---|\n| a | 3 |\n\n"
    path.write_text(FRONT + f"# one\n{network}# two\n{network}# rules\n{ARCH}")
    assert archcalc.load(f"{path}#two").name == "two"
    several = _refused_file(path)
    assert "holds several networks" in several.message
    assert several.hint.endswith("one, two")
    unknown = _refused_file(f"{path}#tow")
    assert "holds no network called `tow`" in unknown.message
    assert unknown.hint == "did you mean `two`?"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, True, object()])
def test_a_variable_must_be_a_number_or_a_name(value: object) -> None:
    with pytest.raises(ArchcalcError, match="`width` cannot be set to"):
        archcalc.load("mobilenet-v2", width=value)


def test_unknown_variables_are_told() -> None:
    with pytest.raises(ArchcalcError, match="`mobilenet-v2` has no variable `widht`") as caught:
        archcalc.load("mobilenet-v2", widht=1)
    assert caught.value.hint == "did you mean `width`?"


@pytest.mark.parametrize("side", [0, -1, (3, 0, 5), (1, 2), 10**12, (3, 224.5, 224), "224"])
def test_an_impossible_input_is_refused(side: object) -> None:
    with pytest.raises(ArchcalcError, match="input") as caught:
        archcalc.load("googlenet").counts(input=side)  # type: ignore[arg-type]
    assert caught.value.hint


def test_a_hint_needs_a_near_name() -> None:
    assert suggest("inception-v33", ["inception-v3", "vgg-16"]) == "did you mean `inception-v3`?"
    assert suggest("CONV", ["conv"]) == "did you mean `conv`?"
    assert suggest("convolution", ["conv", "pool"]) == "did you mean `conv`?"
    assert suggest("zebra", ["conv", "pool"]) == ""
    assert suggest("x", []) == ""


# -- circles over files ----------------------------------------------------------------------------------


def _extending(name: str, parent: str) -> str:
    return f"---\nname: {name}\nextends: {parent}\n---\n"


def test_extends_goes_round_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(_extending("a", "b.md"))
    (tmp_path / "b.md").write_text(_extending("b", "c.md"))
    (tmp_path / "c.md").write_text(_extending("c", "a.md"))
    fault = _refused_file(tmp_path / "a.md")
    assert isinstance(fault, SpecError)
    assert fault.message == "`extends` goes round in a circle: a -> b -> c -> a"
    assert fault.span is not None
    assert (Path(fault.span.file).name, fault.span.line, fault.span.start) == ("a.md", 3, 9)


def test_two_files_may_hold_networks_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "parent.md").write_text(GOOD)
    (tmp_path / "child.md").write_text(
        _extending("bad", "parent.md") + "```arch\na -> conv 3x3 {n} same\n```\n"
    )
    assert archcalc.load(tmp_path / "child.md").counts().total.macs == 32 * 32 * 81


def test_a_parent_looks_for_its_own_parent_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "child.md").write_text(_extending("child", "inner/parent.md"))
    (tmp_path / "inner" / "parent.md").write_text(_extending("parent", "base.md"))
    (tmp_path / "inner" / "base.md").write_text(GOOD)
    assert archcalc.load(tmp_path / "child.md").counts().total.macs == 32 * 32 * 9


def test_a_fault_in_a_parent_points_into_the_parents_file(tmp_path: Path) -> None:
    (tmp_path / "parent.md").write_text(GOOD.replace("{n}", "{n} smae"))
    (tmp_path / "child.md").write_text(_extending("child", "parent.md"))
    fault = _refused_file(tmp_path / "child.md")
    assert isinstance(fault, SpecError)
    assert fault.span is not None
    assert fault.span.file == str(tmp_path / "parent.md")


def test_a_missing_parent_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "child.md").write_text(_extending("child", "parent.md"))
    fault = _refused_file(tmp_path / "child.md")
    assert isinstance(fault, SpecError)
    assert str(fault.span) == f"{tmp_path / 'child.md'}:3:10"
    assert "there is no file" in fault.message


# -- a table that a scanner and a note-taker have been at -----------------------------------------------


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


# -- the command line ------------------------------------------------------------------------------------

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
