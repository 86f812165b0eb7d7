"""Expressions -> syntax trees, with their sizes and places."""

from __future__ import annotations

import pytest
from written import channels, one, spec

import archcalc
from archcalc.errors import Span, SpecError
from archcalc.spec import grammar, sizes
from archcalc.spec.source import SourceText
from archcalc.spec.syntax import BlockCall, Chain, Join, Layer, Repeat


def parsed(text: str) -> Chain:
    lines = tuple(text.split("\n"))
    return grammar.parse(SourceText("t", 1, 0, lines, lines))


def test_a_chain_of_layers() -> None:
    first, second = parsed("conv 3x3/2 64 same bias pad=1 > relu").items
    assert isinstance(first, Layer)
    assert isinstance(second, Layer)
    assert (first.name, second.name) == ("conv", "relu")
    assert [word.text for word in first.sizes] == ["3x3/2", "64"]
    assert [(flag.name, [v.text for v in flag.values]) for flag in first.flags] == [
        ("same", []),
        ("bias", []),
        ("pad", ["1"]),
    ]


@pytest.mark.parametrize(
    ("text", "parts", "stride"),
    [
        ("64", 1, 0),
        ("3x3", 2, 0),
        ("3x3/2", 2, 1),
        ("3x3/2x1", 2, 2),
        ("{k}", 1, 0),
        ("{k}/{s}", 1, 1),
        ("{n}x1/{s}", 2, 1),
        ("{a*2}x{b}/{s//2}", 2, 1),
        ("3/{a/b}", 1, 1),
        ("1.5", 1, 0),
    ],
)
def test_sizes(text: str, parts: int, stride: int) -> None:
    word = sizes.size_word(text, Span("t", 1, 0, len(text), text))
    assert (len(word.parts), len(word.stride)) == (parts, stride)


def test_joins_repetitions_blocks_and_groups() -> None:
    chain = parsed("concat[ conv 1x1 3 | f(a=1 b={n},2) > g ] > 3 x (relu > bn) > {n} x f(a=3)")
    join, group, repeat = chain.items
    assert isinstance(join, Join)
    assert join.kind == "concat"
    assert len(join.branches) == 2
    call, bare = join.branches[1].items
    assert isinstance(call, BlockCall)
    assert [(flag.name, len(flag.values)) for flag in call.arguments] == [("a", 1), ("b", 2)]
    assert isinstance(bare, Layer)
    assert isinstance(group, Repeat)
    assert isinstance(group.body, Chain)
    assert isinstance(repeat, Repeat)
    assert isinstance(repeat.body, BlockCall)


@pytest.mark.parametrize("text", ["3x conv 1x1 4", "3 xconv 1x1 4", "3x(conv 1x1 4)", "3 x conv 1x1 4"])
def test_a_repetition_needs_no_blanks(text: str) -> None:
    (repeat,) = parsed(text).items
    assert isinstance(repeat, Repeat)
    assert repeat.count.text == "3"


def test_spans_of_a_rule_over_several_lines_point_into_their_own_lines() -> None:
    text = spec(
        "| type | n |\n|---|---|\n| a | 4 |",
        "a -> concat[ conv 1x1 {n}\n"
        "           | conv 3x3 {n} same\n"
        "           | maxpool 3x3/1 same > conv 5x5 {m} ]",
    )
    with pytest.raises(SpecError, match="called `m`") as caught:
        archcalc.loads(text).graph()
    span = caught.value.span
    assert span is not None
    assert span.line == 12
    assert span.source == "           | maxpool 3x3/1 same > conv 5x5 {m} ]"
    assert span.source[span.start : span.end] == "m"


def test_a_name_in_braces_may_hold_what_a_header_holds() -> None:
    made = one(
        'a -> conv 1x1 {#3x3 reduce} > conv 1x1 {"Pool +proj"}',
        cells=("| a | #3×3 reduce | Pool +proj |\n|---|---|---|\n| a | 3 | 5 |"),
    )
    assert channels(made) == [3, 5]


def test_what_a_layer_reads_is_called_in() -> None:
    made = one("a -> conv 1x1 {2*in} > conv {in_h}x{in_w} {in} > flatten", "8x6x4")
    assert [node.shape for node in made.nodes[1:]] == [(8, 8, 6), (8, 1, 1), (8,)]
