"""Front matter: simple lines are read as YAML reads them, and nothing else is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archcalc.document import document, frontmatter
from archcalc.document.text import PLAIN_BLANKS
from archcalc.errors import Span, SpecError
from archcalc.spec import library


def place(line: int, start: int, end: int) -> Span:
    return Span("t", line + 1, start, min(end, 10**6))


_PIECES = st.sampled_from(
    [
        *("name", "input", "y", "null", "Null", "~", "true", "no", "0", "1", "010", "08", "1.5", "1_000"),
        *("0x1F", "12:30", "2014-09-17", "1e3", "224x224x3", "a b", "é", "三", "-", "--", "#", " #", ": "),
        *(":", ",", ", ", "[", "]", "[a, b]", "[v1, 2]", "{", "}", '"', "'", '"a: b"', '"\\n"'),
        *("&a", "*a", "!t", "|", ">", "%", "@", "`", "?", " ", "  ", "\t", "\n", "\n ", "\nname: ", "\na: b"),
        *("...", "---", "\u00a0", "\u00ad"),
    ]
)
_content = st.lists(_PIECES, min_size=1, max_size=8).map(lambda pieces: "name: " + "".join(pieces))


@settings(max_examples=500)
@given(st.one_of(_content, st.lists(_PIECES, max_size=10).map("".join)))
@example("name: null")
@example("aliases: [null, 01]")
@example("name: a\nname: b")
@example("name: [a,b]")
def test_what_is_read_without_yaml_is_what_yaml_reads(content: str) -> None:
    content = content.translate(PLAIN_BLANKS)
    simple = frontmatter._simple(content.split("\n"), place)
    if simple is not None:
        assert simple == frontmatter._yaml(content, place)


@pytest.mark.parametrize("path", library.paths(), ids=lambda path: path.stem)
def test_shipped_front_matter_needs_no_yaml(path: object) -> None:
    code = (
        "import sys; from pathlib import Path; from archcalc.document import document; "
        f"document.parse(Path({str(path)!r}).read_text('utf-8')); print('yaml' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\u0085"])
def test_a_line_separator_that_only_yaml_knows_is_refused(sign: str) -> None:
    text = f"---\nname: a\ntitle: b{sign}c\ninput: 8x8x3\n---\n| a |\n|---|\n| b |\n"
    with pytest.raises(SpecError) as caught:
        document.parse(text)
    assert caught.value.message == f"the line separator U+{ord(sign):04X} in the front matter"
    assert caught.value.span is not None
    assert (caught.value.span.line, caught.value.span.start) == (3, 8)
    assert caught.value.hint
