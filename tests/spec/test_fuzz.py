"""Random text, random damage to shipped specs, random rules: a result or a clear error, never anything else.

`ARCHCALC_FUZZ=20000` tries that many examples of each; the default is modest, for CI.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from bad_documents import FRONT, cases
from damage import SHIPPED, blocks, damaged, documents, expressions, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc.document.text import clean
from archcalc.ops.table import OPS
from archcalc.spec.patterns import compile_pattern

EXAMPLES = int(os.environ.get("ARCHCALC_FUZZ", "30"))

_FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


# -- random text -----------------------------------------------------------------------------------------

_WORDS = (
    *"|-:#>[](){}=,;/x*`~\\\"'…&!<%+",
    *(
        "\n",
        "\n\n",
        " ",
        "  ",
        "\t",
        "\r\n",
        "\u00a0",
        "×",
        "–",
        "\u200b",
        "é",
        "三",
        "\x00",
        "\x1b",
        "\ud800",
    ),
    *("---\n", "name: a\n", "input: 8x8x3\n", "```arch\n", "```\n", "|---|---|\n", "| a | b |\n", "# h\n"),
    *("->", "concat[", "add[", "conv", "relu", "skip", "{n}", "{", "3x3", "64", "3 x ", "[^a]", "[^a]: b\n"),
    *("extends", "match", "default", "total", "macs", "variant", "from", "claim", "0", "1e9", "-1", "²"),
)
text_of_words = st.lists(st.sampled_from(_WORDS), max_size=60).map("".join)


@_FUZZ
@given(st.one_of(st.text(max_size=300), text_of_words))
def test_any_text(text: str) -> None:
    outcome(text)
    outcome(FRONT + text)


@_FUZZ
@given(text_of_words)
def test_any_arch_block(text: str) -> None:
    outcome(FRONT + "| a | n |\n|---|---|\n| a | 3 |\n\n```arch\n" + text + "\n```\n")


@_FUZZ
@given(st.lists(st.sampled_from(_WORDS), max_size=12).map("".join), text_of_words)
def test_any_front_matter_and_cells(front: str, cells: str) -> None:
    outcome(f"---\nname: a\ninput: 8x8x3\nw: {front}\n---\n| a | {cells} |\n|---|---|\n| a | {cells} |\n")


@_FUZZ
@given(st.text("{}…abx3, ;/[]()", max_size=30), st.text("abx3, ;/[]()", max_size=40))
def test_any_pattern_on_any_cell(template: str, cell: str) -> None:
    with contextlib.suppress(ValueError):  # for a template that is none
        found = compile_pattern(template).match(clean(cell))
        assert found is None or set(found) == set(compile_pattern(template).names)


# -- damage to good documents ----------------------------------------------------------------------------

_BAD = [case.text for case in cases() if len(case.text) < 2000]


@_FUZZ
@given(st.sampled_from((*SHIPPED, *_BAD)), st.integers(0, 2**32))
def test_damaged_documents(text: str, seed: int) -> None:
    outcome(damaged(text, random.Random(seed)))


@pytest.mark.parametrize(("kind", "count"), [(documents, 60), (blocks, 800), (expressions, 1500)])
def test_some_damaged_texts(kind: Callable[[int, int], Iterator[str]], count: int) -> None:
    _check(kind(count, 1), count)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [(documents, 1_500), (blocks, 18_000), (expressions, 40_000)])
def test_many_damaged_texts(kind: Callable[[int, int], Iterator[str]], count: int) -> None:
    """`ARCHCALC_FUZZ=600` makes it ten times as many, from other seeds."""
    factor = EXAMPLES / 60
    _check(kind(int(count * factor), EXAMPLES), int(count * factor))


def _check(texts: Iterator[str], count: int) -> None:
    """Each text is counted or refused as it should be; three in ten at least get past the parser."""
    outcomes = Counter(map(outcome, texts))
    assert outcomes.total() == count
    assert outcomes["unread"] <= 0.7 * count
    assert outcomes["refused"] > 0.05 * count
    assert outcomes["counted"] > 0.05 * count


# -- random rules ----------------------------------------------------------------------------------------

_values = st.sampled_from(
    ["0", "1", "2", "3", "8", "64", "{n}", "{n*2}", "{n//m}", "{in}", "{in//2}", "{b}", "{z}"]
)
_kernels = st.sampled_from(["1x1", "3x3", "3x3/2", "5x5/3", "{k}", "{k}/{s}", "1x7", "7x7/{s}", "3", "0x1"])
_flags = st.sampled_from(
    ["", "same", "valid", "bias", "relu", "bn", "pad=1", "pad={n}", "groups=2", "groups={in}", "ceil",
     "dilation=2", "multiplier=2", "global", "adaptive=2", "same ceil", "nosuch", "p=0.5", "maps=0,1"],
)  # fmt: skip


@st.composite
def layers(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(["conv", "conv", "conv", *OPS]))
    sizes = {
        "conv": "{k} {c}",
        "dwconv": "{k}",
        "linear": "{c}",
        "maxpool": "{k}",
        "avgpool": "{k}",
        "rbf": "{c}",
    }
    words = sizes.get(name, "").replace("{k}", draw(_kernels), 1).replace("{c}", draw(_values), 1)
    return f"{name} {words} {draw(_flags)}".strip()


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    branches = st.lists(st.one_of(inner, st.sampled_from(["skip", "project"])), min_size=1, max_size=3)
    joins = st.sampled_from(["concat", "add", "multiply", "cat"])
    return st.one_of(
        st.builds(lambda kind, parts: f"{kind}[ {' | '.join(parts)} ]", joins, branches),
        st.builds(" > ".join, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda n, body: f"{n} x ({body})", _values, inner),
        st.builds(lambda a, b: f"f(a={a} b={b})", _values, st.one_of(_values, st.just("{n},2,1"))),
    )


expressions = st.recursive(layers(), _joined, max_leaves=12)
_cells = st.sampled_from(
    ["", "-", "0", "1", "2", "3", "8", "64", "1000", "3x3", "7x7", "w", "-1", "1.5", "many"]
)


@_FUZZ
@given(
    expressions,
    expressions,
    st.lists(_cells, min_size=6, max_size=6),
    st.sampled_from(["same", "bn relu", "ceil"]),
)
def test_random_rules(rule: str, block: str, cells: list[str], default: str) -> None:
    columns = "nmkszb"
    header = f"| a | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
    aside = "".join(f"{name} : {{}}\n" for name in columns)
    blocks = f"f(a b=3) = conv 1x1 {{a}} > conv 1x1 {{b}} > g\ng = {block}\n"
    arch = f"{aside}default conv : {default}\n{blocks}a -> {rule}\n"
    table = f"{header}| a | {' | '.join(cells)} |\n"
    outcome(f"---\nname: a\ninput: 16x16x4\nw: 5\n---\n{table}\n```arch\n{arch}```\n")


def test_undamaged_specs_are_counted() -> None:
    assert {outcome(text) for text in SHIPPED} == {"counted"}


def test_a_lost_bracket_never_passes_unseen() -> None:
    text = next(t for t in SHIPPED if "\nname: googlenet\n" in t)
    start, end = text.index("| type |"), text.index("[^conv1]:")
    for mark in re.finditer(r"[{}\[\]]", text[start:end]):
        at = start + mark.start()
        if "# " in text[text.rindex("\n", 0, at) : at]:
            continue  # a comment
        assert outcome(text[:at] + text[at + 1 :]) != "counted", text[at - 20 : at + 20]
