"""What a document says reaches a terminal, a page or a spreadsheet as text, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.dom.minidom
from html.parser import HTMLParser
from pathlib import Path

import pytest
from console import archcalc
from markdown_it import MarkdownIt

from archcalc import errors, export
from archcalc.export import markdown
from archcalc.views.tables import Column, Table

ESCAPE = "\x1b]0;owned\x07\x1b[31m"
TURNED = "\u202e\u2066"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
RUN = "javascript:alert(1)"
LINK = f"[click]({RUN}) [more](&#106;avascript:alert(1)) <{RUN}> [ref]: {RUN}"
OWN = "Made by `archcalc report`"
SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
EVIL = f"{ESCAPE}{TURNED}{SCRIPT}{LINK}\x9b2J\u2028"

#: What a terminal, a browser or an editor would obey.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

DOCUMENT = """---
name: hostile
title: {title}
source: {title}
input: 8x8x3
---
| layer {link} | c | params |
|---|---|---|
| conv {script} | 4 | 108 |
| =cmd() {link} | 8 | 999[^why] |
| -2+3 | 8 | 5 |

```arch
params : {{}} = weights
… -> conv 3x3 {{c}} same
```

| claim | published | computed | reading |
|---|---|---|---|
| {script} {link} | 12 | params(hostile) | one |

[^why]: {script} {link}
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "hostile.md"
    text = DOCUMENT.format(title=json.dumps(EVIL), script=SCRIPT.replace("|", ""), link=LINK)
    path.write_text(text, encoding="utf-8")
    return path


def live(text: str) -> list[str]:
    """What runs in a Markdown page: tags of HTML, and links with a scheme that is not the web's."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  (markdown-it itself refuses some)
    found = []
    for token in parser.parse(text):
        for inner in (token, *(token.children or ())):
            if inner.type in ("html_inline", "html_block") and OWN not in inner.content:
                found.append(inner.content)
            for value in (inner.attrGet("href"), inner.attrGet("src")):
                if value is not None and SCHEME.match(str(value)):
                    found.append(str(value))
    return found


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


COMMANDS = [
    ("table", "{}"),
    ("table", "{}", "--expand", "--wide"),
    ("audit", "{}"),
    ("compare", "{}", "lenet"),
    ("show", "{}", "--as", "graph"),
    ("show", "{}", "--as", "module"),
    ("show", "{}", "--as", "source"),
    ("verify", "{}", "--expand"),
]


def test_the_test_sees_what_is_live() -> None:
    assert live(SCRIPT)
    assert len(live(LINK)) >= 3
    assert not live("plain [text](page.md) <25M")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_what_a_terminal_obeys(command: tuple[str, ...], hostile: Path) -> None:
    result = archcalc(*(part.format(hostile) for part in command))
    assert result.status in (0, 1), result.stderr
    assert "hostile" in result.stdout or "owned" in result.stdout or "conv" in result.stdout
    assert not OBEYED.search(result.stdout)
    assert not OBEYED.search(result.stderr)


@pytest.mark.parametrize("name", export.names())
@pytest.mark.parametrize("command", ["table {}", "audit {}", "compare {} lenet"])
def test_no_format_holds_what_runs(command: str, name: str, hostile: Path, tmp_path: Path) -> None:
    arguments = command.format(hostile).split()
    path = tmp_path / "out"
    result = archcalc(*arguments, "--format", name, "--output", str(path))
    assert result.status in (0, 1), result.stderr
    text = path.read_text("utf-8")
    assert not OBEYED.search(text)
    if name == "markdown":
        assert live(text) == []
    if name == "html":
        tags = _Tags()
        tags.feed(text)
        assert tags.tags <= {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "p"}
    if name == "json":
        json.loads(text)


def test_json_keeps_the_very_text(hostile: Path) -> None:
    found = json.loads(archcalc("table", str(hostile), "--format", "json").stdout)
    assert found["title"].startswith(ESCAPE)
    assert SCRIPT + LINK in found["title"]
    assert found["rows"][0]["row"].startswith("conv <script>")


def test_a_page_of_a_report_holds_nothing_that_runs(hostile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    assert archcalc("report", str(hostile), "--output", str(folder)).status == 0
    page = (folder / "hostile.md").read_text("utf-8")
    assert live(page) == []
    assert "(hostile/diagram.svg)" in page
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            assert not OBEYED.search(text), path
            if path.suffix == ".svg":
                parsed = xml.dom.minidom.parseString(text)
                assert not parsed.getElementsByTagName("script")


def test_messages_hold_no_escapes(tmp_path: Path) -> None:
    for name in (f"no{EVIL}", f"{tmp_path}/no{ESCAPE}.md", f"v1#{EVIL}"):
        result = archcalc("table", name)
        assert result.status == 2
        assert not OBEYED.search(result.stderr)
    result = archcalc("table", "v1", "--set", f"{EVIL}=1")
    assert not OBEYED.search(result.stderr)


# -- spreadsheets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("＝1", "'＝1"),
        ("-5.4%", "-5.4%"),
        ("-5", "-5"),
        ("+3", "+3"),
        ("-1,234.5", "-1,234.5"),
        ("-1e-3", "-1e-3"),
        ("conv 3x3", "conv 3x3"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_a_text_is_no_formula(text: str, cell: str) -> None:
    table = Table("", (Column("a", "a"),), ((text,),))
    (_, (printed,)) = csv.reader(io.StringIO(export.render("csv", [table], dict)))
    assert printed == cell


def test_numbers_stay_numbers() -> None:
    table = Table("", (Column("a", "a", "count"), Column("b", "b", "ratio")), ((-5, -0.25),))
    assert export.render("csv", [table], dict) == "a,b\n-5,-0.25\n"


def test_rows_that_begin_like_formulas(hostile: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(archcalc("table", str(hostile), "--format", "csv").stdout)))
    assert rows[1]["row"].startswith("'=cmd()")
    assert rows[2]["row"] == "'-2+3"
    assert rows[2]["macs"].isdecimal()


# -- Markdown -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        LINK,
        r"\<script>x</script>",
        r"\\<script>x</script>",
        "[a](java\tscript:alert(1))",
        "[a](<javascript:alert(1)>)",
        "[a][b]\n\n[b]: javascript:alert(1)",
        "![x](data:text/html,x)",
        "[a](javascript&colon;alert(1))",
        r"[a\](x)](javascript:alert(1))",
        "<a href=javascript:alert(1)>x</a>",
        "<!-- x --><svg/onload=alert(1)>",
        "<?php x ?>",
    ],
)
def test_inert_markdown(text: str) -> None:
    assert live(markdown.inert(text)) == []
    assert live(markdown.markdown(Table(text, (Column("a", text),), ((text,),), notes=(text,)))) == []


def test_inert_markdown_leaves_what_is_harmless() -> None:
    links = ("[page](page.md)", "![x](a/b-c.svg)", "[a](https://arxiv.org/abs/1)")
    for text in ("a <25M and b < c", "**b**", *links):
        assert markdown.inert(text) == text


def test_printable_keeps_lines_and_letters() -> None:
    assert errors.printable("a\nb\tc ü 漢 ×") == "a\nb\tc ü 漢 ×"
    assert errors.one_line("a\nb\tc\x1b") == "a b c\N{REPLACEMENT CHARACTER}"
