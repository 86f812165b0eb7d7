"""Random text, random damage to shipped specs, random rules: a result or a clear error, never anything else.

`ARCHCALC_FUZZ=20000` tries that many examples of each; the default is modest, for CI.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import time

import pytest
from bad_documents import FRONT, cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc import api
from archcalc.document import document
from archcalc.document.text import clean
from archcalc.errors import ArchcalcError, Span, SpecError
from archcalc.ops.table import OPS
from archcalc.spec import library, outline
from archcalc.spec.patterns import compile_pattern

EXAMPLES = int(os.environ.get("ARCHCALC_FUZZ", "60"))
SLOW = 10.0  # seconds for one document; a second on a quiet machine

_FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def check(text: str) -> str:
    """Read, build and count every network of `text`; what came of it: `counted` or `refused`."""
    started = time.perf_counter()
    try:
        networks = outline.networks(document.parse(text, "fuzz.md"))
        for network in networks[:4]:
            counted = api.assemble(network, {}).counts(heads=True)
            assert counted.total.macs >= 0
            assert counted.total.params >= 0
        return "counted"
    except ArchcalcError as fault:
        _check_fault(fault, text)
        return "refused"
    finally:
        assert time.perf_counter() - started < SLOW


def _check_fault(fault: ArchcalcError, text: str) -> None:
    shown = fault.render()
    assert all(line.isprintable() for line in shown.split("\n"))
    assert fault.message
    assert fault.hint
    if isinstance(fault, SpecError) and fault.span is not None:
        _check_place(fault.span, text)
        if fault.also is not None:
            _check_place(fault.also[1], text)


def _check_place(span: Span, text: str) -> None:
    """A span lies inside the text that it names, and quotes it."""
    if span.file != "fuzz.md":
        return  # in a shipped document that the text extends
    lines = document.split(text.removeprefix("\ufeff"))
    assert 1 <= span.line <= len(lines)
    source = lines[span.line - 1]
    assert span.source == source
    assert 0 <= span.start <= len(source)
    assert span.start <= span.end <= len(source) + 1


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
    check(text)
    check(FRONT + text)


@_FUZZ
@given(text_of_words)
def test_any_arch_block(text: str) -> None:
    check(FRONT + "| a | n |\n|---|---|\n| a | 3 |\n\n```arch\n" + text + "\n```\n")


@_FUZZ
@given(st.lists(st.sampled_from(_WORDS), max_size=12).map("".join), text_of_words)
def test_any_front_matter_and_cells(front: str, cells: str) -> None:
    check(f"---\nname: a\ninput: 8x8x3\nw: {front}\n---\n| a | {cells} |\n|---|---|\n| a | {cells} |\n")


@_FUZZ
@given(st.text("{}…abx3, ;/[]()", max_size=30), st.text("abx3, ;/[]()", max_size=40))
def test_any_pattern_on_any_cell(template: str, cell: str) -> None:
    with contextlib.suppress(ValueError):  # for a template that is none
        found = compile_pattern(template).match(clean(cell))
        assert found is None or set(found) == set(compile_pattern(template).names)


# -- damage to good documents ----------------------------------------------------------------------------

_SHIPPED = [path.read_text("utf-8") for path in library.paths()]
_BAD = [case.text for case in cases() if len(case.text) < 2000]


def damaged(text: str, seed: int) -> str:
    """`text` with a few characters, cells or lines swapped, doubled, dropped or replaced."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        how = chance.randrange(8)
        if how < 3:
            at = chance.randrange(len(text) + 1)
            word = chance.choice((chance.choice(_WORDS), text[at : at + chance.randrange(9)]))
            text = text[:at] + word * chance.choice((0, 1, 1, 2)) + text[at + chance.randrange(3) :]
            continue
        parts = re.split(r"(\||\n)", text) if how < 5 else re.split("(\n)", text)
        here, there = chance.randrange(len(parts)), chance.randrange(len(parts))
        if how in (3, 5):
            parts[here], parts[there] = parts[there], parts[here]
        elif how in (4, 6):
            del parts[here]
        else:
            parts.insert(here, parts[there])
        text = "".join(parts)
    return text


@_FUZZ
@given(st.sampled_from(_SHIPPED), st.integers(0, 2**32))
def test_damaged_specs(text: str, seed: int) -> None:
    check(damaged(text, seed))


@_FUZZ
@given(st.sampled_from(_BAD), st.integers(0, 2**32))
def test_damaged_bad_documents(text: str, seed: int) -> None:
    check(damaged(text, seed))


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
    check(f"---\nname: a\ninput: 16x16x4\nw: 5\n---\n{table}\n```arch\n{arch}```\n")


def test_undamaged_specs_are_counted() -> None:
    assert {check(text) for text in _SHIPPED} == {"counted"}


def test_a_lost_bracket_never_passes_unseen() -> None:
    text = next(t for t in _SHIPPED if "\nname: googlenet\n" in t)
    start, end = text.index("| type |"), text.index("[^conv1]:")
    for mark in re.finditer(r"[{}\[\]]", text[start:end]):
        at = start + mark.start()
        if "# " in text[text.rindex("\n", 0, at) : at]:
            continue  # a comment
        assert check(text[:at] + text[at + 1 :]) == "refused", text[at - 20 : at + 20]


@pytest.mark.slow
def test_a_thousand_damaged_specs() -> None:
    chance = random.Random(20)
    results = [check(damaged(chance.choice(_SHIPPED), seed)) for seed in range(1000)]
    assert results.count("refused") > 300
