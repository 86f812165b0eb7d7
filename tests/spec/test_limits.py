"""Texts past every limit, and hostile ones: refused in time."""

from __future__ import annotations

import time

import pytest
from bad_documents import ARCH, FRONT, GOOD, TABLE, build, refused

from archcalc.document.textfile import MAX_BYTES
from archcalc.errors import SpecError


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
