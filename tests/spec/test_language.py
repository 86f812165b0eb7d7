"""The spec language, construct by construct, and the examples of its design page word for word."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc import api
from archcalc.document import document
from archcalc.document.text import clean, key, number
from archcalc.errors import Span, SpecError
from archcalc.graph.graph import Graph
from archcalc.shapes import in_papers
from archcalc.spec import arithmetic, arithmetic_parser, grammar, outline, sizes, statements
from archcalc.spec.arithmetic import BLANK, Size
from archcalc.spec.grammar import BlockCall, Chain, Join, Layer, Repeat, SourceText
from archcalc.spec.patterns import compile_pattern

DATA = Path(__file__).parents[1] / "data"


def spec(table: str, arch: str, front: str = "input: 8x8x4") -> str:
    return f"---\nname: net\n{front}\n---\n{table.strip()}\n\n```arch\n{arch.strip()}\n```\n"


def graph(table: str, arch: str, front: str = "input: 8x8x4", **variables: Any) -> Graph:
    return archcalc.loads(spec(table, arch, front), **variables).graph(heads=True)


def ops(made: Graph) -> list[str]:
    return [node.op for node in made.nodes[1:]]


def shapes(made: Graph) -> list[tuple[int, ...]]:
    return [tuple(made.shape(row.output)) for row in made.rows]


def one(arch: str, source: str = "8x8x4", cells: str = "| a |\n|---|\n| a |") -> Graph:
    """A network of one row."""
    return graph(cells, arch, f"input: {source}")


def channels(made: Graph, op: str = "conv") -> list[int]:
    return [node.shape[0] for node in made.nodes if node.op == op]


def outlines(text: str) -> dict[str, outline.Outline]:
    return {o.name: o for o in outline.networks(document.parse(text))}


def build(text: str, name: str) -> Graph:
    return api.assemble(outlines(text)[name], {}).graph(heads=True)


# -- text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("3×3", "3x3"),
        ("  a   b ", "a b"),
        ("a\u00a0b", "a b"),
        ("a\tb", "a b"),
        ("–", "-"),
        ("1\u200b28", "128"),
        ("“Pool”", '"Pool"'),
        ("−4", "-4"),
    ],
)
def test_what_a_pdf_prints_is_made_plain(raw: str, plain: str) -> None:
    assert clean(raw) == plain


def test_names_are_compared_without_blanks_and_case() -> None:
    assert key("Patch  Size/ Stride") == key("patch size/stride") == "patchsize/stride"
    assert key("#3×3") == "#3x3"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        ("-4", -4),
        ("+4", 4),
        ("1.4", Fraction(7, 5)),
        ("2.0", 2),
        ("007", 7),
        ("", None),
        ("x", None),
        ("1e3", None),
        ("3²", None),
        ("٣", None),
        ("1.", None),
        (".5", None),
        ("1 000", None),
        ("9" * 16, None),
        ("0x10", None),
    ],
)
def test_numbers(text: str, value: object) -> None:
    assert number(text) == value


# -- patterns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "cell", "captures"),
    [
        ("{k}/{s}", "7x7/2", {"k": "7x7", "s": "2"}),
        ("{k}/{s}", "7x7 / 2", {"k": "7x7", "s": "2"}),
        ("{k}/{s}", "7x7", None),
        ("{h}x{w}x{c}", "112x112x64", {"h": "112", "w": "112", "c": "64"}),
        ("{h}x{w}x{c}", "112 x 112 x 64", {"h": "112", "w": "112", "c": "64"}),
        ("{h}x{w}x{c}", "112x112", None),
        ("{h}x{w}", "112x112x64", None),
        ("{h}²x{c}", "224²x3", {"h": "224", "c": "3"}),
        ("{c}@{h}x{w}", "6@28x28", {"c": "6", "h": "28", "w": "28"}),
        ("conv{k}-{c}", "conv3-64", {"k": "3", "c": "64"}),
        ("conv{k}-{c}", "CONV3-64", {"k": "3", "c": "64"}),
        ("conv{k}-{c}", "conv3-", None),
        ("{a}{b}", "xyz", {"a": "x", "b": "yz"}),
        ("{}", "anything at all, even [this]", {"": "anything at all, even [this]"}),
        ("{}", "", None),
        ("…", "", {}),
        ("…", "whatever it is", {}),
        ("...", "whatever it is", {}),
        ("inception (…)", "inception (3a)", {}),
        ("inception (…)", "inception(3a)", {}),
        ("inception (…)", "Inception (3a)", {}),
        ("inception (…)", "inception", None),
        ("inception …", "inception", {}),
        ("dropout (…)", "dropout (40%)", {}),
        ("max pool", "max pool", {}),
        ("max pool", "maxpool", None),
        ("maxpool", "max pool", None),
        ("7x7 conv, stride 2", "7 x 7 conv, stride 2", {}),
        ("7x7, {c}, stride {s}", "7x7, 64, stride 2", {"c": "64", "s": "2"}),
        ("{n}x Inception", "3xInception", {"n": "3"}),
        ("3x Inception, As in figure 5", "3xInception, As in figure 5", {}),
        ("[1x1, {a}; 3x3, {a}]x{n}", "[1x1, 64; 3x3, 64]x3", {"a": "64", "n": "3"}),
        ("[1x1, {a}; 3x3, {a}] x {n}", "[1x1, 64; 3x3, 64]x3", {"a": "64", "n": "3"}),
        ("[1x1, {a}; 3x3, {a}]x{n}", "[1x1, 64; 3x3, 128]x3", None),
        ("{a}, {a}", "X, x", {"a": "X"}),
        ("FC-{n}", "FC-4096", {"n": "4096"}),
        ("FC-{n}", "FC-4096 x", None),
        ("{a} … {b}", "1 2 3 4", {"a": "1", "b": "4"}),
        ("{k}-d fc", "1000-d fc", {"k": "1000"}),
        ("a.b*c+", "a.b*c+", {}),
        ("a.b", "axb", None),
        ("ß", "ß", {}),
        ("İx{a}", "İx3", {"a": "3"}),
        ("a", "a\n", None),
    ],
)
def test_patterns(template: str, cell: str, captures: dict[str, str] | None) -> None:
    assert compile_pattern(template).match(cell) == captures


@pytest.mark.parametrize("template", ["", "   ", "{", "a{", "}", "{a}}", "{{a}", "\u200b", "a" * 501])
def test_bad_patterns(template: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|without its partner"):
        compile_pattern(template)


@given(st.lists(st.text("abc3-/ ", min_size=1, max_size=4), min_size=1, max_size=5))
def test_a_capture_between_commas_takes_what_stands_there(words: list[str]) -> None:
    values = [clean(word).replace(" ", "") or "z" for word in words]
    template = ", ".join(f"{{v{i}}}" for i in range(len(values)))
    found = compile_pattern(template).match(", ".join(values))
    assert found == {f"v{i}": value for i, value in enumerate(values)}


# -- arithmetic ----------------------------------------------------------------------------------------

NAMES = {
    "a": 6,
    "b": 4,
    "w": Fraction(7, 5),
    "k": Size((7, 5)),
    "nothing": BLANK,
    "#1x1": 64,
    "pool proj": 32,
}


def evaluated(text: str) -> Any:
    tree = arithmetic_parser.parse(text, Span("t", 1, 0, len(text), text))
    return arithmetic.evaluate(tree, lambda name: NAMES[getattr(name, "name", "")])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        (" 64 ", 64),
        ("1.5", Fraction(3, 2)),
        ("1e3", 1000),
        ("a", 6),
        ("#1x1", 64),
        ("pool proj", 32),
        ('"pool proj"', 32),
        ("#1x1 + pool proj", 96),
        ("a+b*2", 14),
        ("(a+b)*2", 20),
        ("a-b-1", 1),
        ("a/b", Fraction(3, 2)),
        ("a/3", 2),
        ("a//b", 1),
        ("-a//b", -2),
        ("a%b", 2),
        ("-a", -6),
        ("--a", 6),
        ("a*-1", -6),
        ("min(a, b)", 4),
        ("max(a, b)", 6),
        ("max(a, min(b, 1))", 6),
        ("ceil(a/b)", 2),
        ("floor(a/b)", 1),
        ("round(a/b)", 2),
        ("round(5/2)", 3),
        ("round(7/5)", 1),
        ("a < b", 0),
        ("a >= b", 1),
        ("a == 6", 1),
        ("a != 6", 0),
        ("where(a == 6, 10, 20)", 10),
        ("where(a < b, 10, 20)", 20),
        ("divisible(32*w, 8)", 48),
        ("divisible(17, 8)", 16),
        ("divisible(3, 8)", 8),
        ("divisible(10, 8)", 16),  # 8 would be less than nine tenths of 10
        ("w*5", 7),
        ("nothing", BLANK),
        ("nothing*2", BLANK),
        ("max(nothing, 1)", BLANK),
    ],
)
def test_arithmetic(text: str, value: object) -> None:
    found = evaluated(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "nothing stands between these braces", (0, 1)),
        ("a +", "this arithmetic ends too soon", (3, 4)),
        ("(a", "this arithmetic ends too soon", (2, 3)),
        ("a b + + 2", "`+` does not belong here", (6, 7)),
        ("a ** 2", "`*` does not belong here", (3, 4)),
        ("a)", "`)` does not belong here", (1, 2)),
        ("a, b", "`,` does not belong here", (1, 2)),
        ("a ^ 2", "`^` does not belong here", (2, 3)),
        ("min(a)", "`min` takes 2 values, not 1", (0, 6)),
        ("1 + min(a)", "`min` takes 2 values, not 1", (4, 10)),
        ("a // (b - 4)", "this divides by zero", (0, 12)),
        ("a % 0", "this divides by zero", (0, 5)),
        ("a / 0", "this divides by zero", (0, 5)),
        ("2 * k", "`7x5` is a size, not a number", (0, 5)),
        ("1 + 2 * k", "`7x5` is a size, not a number", (4, 9)),
        ("divisible(a, 0)", "`divisible` needs a positive step", (0, 15)),
        ("where(a, 1, 2)", "`where` needs a comparison, which is 0 or 1", (0, 14)),
        ("99999999999*99999999999*99999999999", "this number is too large", (0, 35)),
        ("9" * 16, "this number is too large", (0, 16)),
        ("1.2.3", "`1` does not belong here", (0, 1)),
        ("__import__('os')", "", (0, 16)),
        ("a if b else 1", "", (0, 13)),
        ("lambda: 1", "`:` does not belong here", (6, 7)),
    ],
)
def test_bad_arithmetic(text: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises((SpecError, KeyError)) as caught:
        evaluated(text)
    if message:  # without one: it parses as a name, which nothing has
        assert isinstance(caught.value, SpecError)
        assert caught.value.message == message
        assert caught.value.span is not None
        assert (caught.value.span.start, max(caught.value.span.end, caught.value.span.start + 1)) == place
        assert caught.value.hint


_OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: Fraction(a) / b,
    "//": operator.floordiv,
    "%": operator.mod,
}


@st.composite
def sums(draw: st.DrawFn, depth: int = 0) -> tuple[str, Fraction | None]:
    """Arithmetic as text, and what Python's own fractions make of it (None where that divides by zero)."""
    kind = draw(st.integers(0, 6 if depth < 4 else 1))
    if kind == 0:
        whole = draw(st.integers(0, 999))
        return str(whole), Fraction(whole)
    if kind == 1:
        tenths = draw(st.integers(0, 999))
        return f"{tenths // 10}.{tenths % 10}", Fraction(tenths, 10)
    if kind == 2:
        text, value = draw(sums(depth + 1))
        return f"-({text})", None if value is None else -value
    if kind == 3:
        name = draw(st.sampled_from(["ceil", "floor"]))
        text, value = draw(sums(depth + 1))
        round_ = {"ceil": math.ceil, "floor": math.floor}[name]
        return f"{name}({text})", None if value is None else Fraction(round_(value))
    if kind == 4:
        name = draw(st.sampled_from(["min", "max"]))
        (a, left), (b, right) = draw(sums(depth + 1)), draw(sums(depth + 1))
        best = None if left is None or right is None else {"min": min, "max": max}[name](left, right)
        return f"{name}({a}, {b})", best
    sign = draw(st.sampled_from(list(_OPERATORS)))
    (a, left), (b, right) = draw(sums(depth + 1)), draw(sums(depth + 1))
    text = f"({a}) {sign} ({b})"
    if left is None or right is None or (right == 0 and sign in ("/", "//", "%")):
        return text, None
    return text, Fraction(_OPERATORS[sign](left, right))


@given(sums())
def test_arithmetic_is_that_of_exact_fractions(made: tuple[str, Fraction | None]) -> None:
    text, value = made
    if len(text) > arithmetic_parser.MAX_LENGTH:
        return
    if value is None or abs(value) > 10**20:
        with pytest.raises(SpecError):
            evaluated(text)
    else:
        assert evaluated(text) == value


@given(st.lists(st.sampled_from(["1", "2", "7", "+", "-", "*", "//", "%"]), min_size=1, max_size=9))
def test_operators_bind_as_in_python(tokens: list[str]) -> None:
    text = " ".join(tokens)
    try:
        expected = eval(text)  # the strings are made of the tokens above
    except (SyntaxError, ZeroDivisionError):
        expected = None
    if any(b == "+" and not a.isdigit() for a, b in pairwise(["(", *tokens])):
        expected = None  # `+3` is not in the language
    if expected is None:
        with pytest.raises(SpecError):
            evaluated(text)
    else:
        assert evaluated(text) == expected


# -- expressions ---------------------------------------------------------------------------------------


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


# -- statements ----------------------------------------------------------------------------------------


def read(arch: str) -> statements.Statements:
    text = f"---\nname: a\n---\n```arch\n{arch}\n```\n"
    (section,) = document.parse(text).sections
    return statements.parse(section.arch)


def test_every_kind_of_statement() -> None:
    found = read(
        "match : {column}\n"
        "label : layer name\n"
        "extends : other\n"
        "append : linear, softmax\n"
        "patch size/stride : {k}/{s}\n"
        "params : {} = weights  # K is 1024 here\n"
        "default conv : same bias relu\n"
        "block(a b=1) = conv 1x1 {a} > conv 1x1 {b}\n"
        "plain = relu\n"
        "pool | size : {k} -> maxpool {k}\n"
        "FLOPs {f} -> total macs = {f}e9\n"
    )
    assert found.match is not None
    assert found.match.text == "{column}"
    assert found.label is not None
    assert found.label.text == "layer name"
    assert found.extends is not None
    assert found.append is not None
    assert [(c.header, c.pattern.text, c.metric) for c in found.columns] == [
        ("patch size/stride", "{k}/{s}", ""),
        ("params", "{}", "weights"),
    ]
    assert [flag.name for flag in found.defaults["conv"].flags] == ["same", "bias", "relu"]
    assert [(p.name, p.default is None) for p in found.blocks["block"].parameters] == [
        ("a", True),
        ("b", False),
    ]
    assert found.blocks["plain"].parameters == ()
    rule, total = found.rules
    assert [(header, pattern.text) for header, pattern, _ in rule.conditions] == [("size", "{k}")]
    assert isinstance(total.body, statements.Total)
    assert (total.body.metric, total.body.capture, total.body.unit) == ("macs", "f", "e9")


def test_comments_have_a_blank_on_both_sides() -> None:
    found = read(
        "# a line\n#1x1 : {} = params # and more -> than = that :\na -> conv 1x1 {#1x1} # {\n# b -> relu"
    )
    assert [c.header for c in found.columns] == ["#1x1"]
    assert len(found.rules) == 1


@pytest.mark.parametrize(
    "arch",
    [
        "a -> concat[ relu\n           | relu ]",
        "a -> concat[ relu\n  | relu ]",
        "a -> concat[\nrelu\n|\nrelu\n]",
        "a ->\n  concat[ relu | relu ]",
        "a\n  -> concat[ relu | relu ]",
        "  a -> concat[ relu\n    | relu ]",
        "a -> concat[ relu # one\n# between\n\n  | relu ] # two",
    ],
)
def test_a_statement_goes_on_over_lines(arch: str) -> None:
    (rule,) = read(arch).rules
    assert isinstance(rule.body, Chain)
    (join,) = rule.body.items
    assert isinstance(join, Join)
    assert len(join.branches) == 2


# -- blanks, zeros, repetitions, joins ------------------------------------------------------------------

BRANCHES = "| a | x | y |\n|---|---|---|\n"


@pytest.mark.parametrize(
    ("cells", "built"),
    [
        ("3 | 5", ["conv", "conv", "concat"]),
        ("3 | ", ["conv"]),
        (" | 5", ["conv"]),
        ("- | 5", ["conv"]),
        ("– | 5", ["conv"]),
        ("0 | 5", ["conv"]),
    ],
)
def test_a_blank_or_a_zero_leaves_its_layer_out(cells: str, built: list[str]) -> None:
    made = one("a -> concat[ conv 1x1 {x} | conv 1x1 {y} ]", cells=BRANCHES + f"| a | {cells} |")
    assert ops(made) == built


def test_a_blank_kernel_flag_or_count_is_not_there() -> None:
    table = "| a | k | n |\n|---|---|---|\n| a | | 2 |\n| a | 3x3 | |"
    made = graph(table, "a -> conv {k} 4 same > {n} x relu > conv 1x1 4 groups={n}")
    built = [[made.nodes[i].op for i in row.nodes] for row in made.rows]
    assert built == [["relu", "relu", "conv"], ["conv", "conv"]]
    assert [node.attrs.groups for node in made.nodes if node.op == "conv"] == [2, 1, 1]


def test_blanks_in_arithmetic_are_blank() -> None:
    made = one("a -> conv 1x1 {x*2} > conv 1x1 {y*2}", cells=BRANCHES + "| a | | 5 |")
    assert channels(made) == [10]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("3 x f(c=8)", [8, 8, 8]),
        ("3 x f(c=8,16)", [8, 16, 16]),
        ("3 x f(c=8,16,24)", [8, 16, 24]),
        ("2 x f(c=8,16,24)", [8, 16]),
        ("1 x f(c=8,16)", [8]),
        ("3 x (f(c=8,16) > f(c=1))", [8, 1, 16, 1, 16, 1]),
        ("2 x (2 x f(c=8,16))", [8, 16, 8, 16]),
        ("{n} x f(c={n},{n*2})", [3, 6, 6]),
        ("{n} x conv 1x1 {in+1}", [5, 6, 7]),
    ],
)
def test_value_lists_spread_over_repetitions(expression: str, expected: list[int]) -> None:
    cells = "| a | n |\n|---|---|\n| a | 3 |"
    arch = f"n : {{}}\nf(c) = conv 1x1 {{c}}\na -> {expression}"
    assert channels(one(arch, cells=cells)) == expected


def test_parameters_have_defaults_and_hide_columns() -> None:
    made = one(
        "f(x y=7) = conv 1x1 {x} > conv 1x1 {y}\na -> f(x={y}) > f(x=9 y={x})",
        cells=BRANCHES + "| a | 3 | 5 |",
    )
    assert channels(made) == [5, 7, 9, 3]


def test_a_size_is_handed_to_a_block_whole() -> None:
    made = one("f(k) = conv {k} 4\na -> f(k=3x1) > f(k={x})", cells="| a | x |\n|---|---|\n| a | 1x5 |")
    assert [node.attrs.kernel for node in made.nodes if node.op == "conv"] == [(3, 1), (1, 5)]


def test_skip_is_the_input_and_is_left_out_where_shapes_differ() -> None:
    block = "f(c s) = add[ conv 3x3/{s} {c} same | skip ]\n"
    assert ops(one(block + "a -> f(c=4 s=1)")) == ["conv", "add"]
    assert ops(one(block + "a -> f(c=5 s=1)")) == ["conv"]
    assert ops(one(block + "a -> f(c=4 s=2)")) == ["conv"]


def test_skip_in_a_concat_is_the_input() -> None:
    made = one("a -> 3 x concat[ skip | conv 3x3 2 same ]")
    assert shapes(made) == [(10, 8, 8)]
    assert channels(made, "concat") == [6, 8, 10]


def test_skip_in_a_multiply_is_the_input() -> None:
    made = one("a -> multiply[ skip | avgpool global > conv 1x1 {in} > sigmoid ]")
    assert ops(made) == ["avgpool", "conv", "sigmoid", "multiply"]
    assert shapes(made) == [(4, 8, 8)]


def test_project_is_a_convolution_where_shapes_differ() -> None:
    block = "default conv : same bn relu\nf(c s) = add[ conv 3x3/{s} {c} linear | project ] > relu\n"
    assert ops(one(block + "a -> f(c=4 s=1)")) == ["conv", "bn", "add", "relu"]
    made = one(block + "a -> f(c=6 s=2)")
    assert ops(made) == ["conv", "bn", "conv", "bn", "add", "relu"]  # no activation before the sum
    project = made.nodes[3]
    assert (project.attrs.kernel, project.attrs.stride, project.shape) == ((1, 1), (2, 2), (6, 4, 4))
    assert project.name == "a.f.project.conv"


def test_a_join_of_one_branch_is_that_branch() -> None:
    assert ops(one("a -> concat[ conv 1x1 3 ]")) == ["conv"]


# -- flags and defaults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "built"),
    [
        ("default conv : bn relu\na -> conv 1x1 3", ["conv", "bn", "relu"]),
        ("default conv : bn relu\na -> conv 1x1 3 linear", ["conv", "bn"]),
        ("default conv : bn relu\na -> conv 1x1 3 nobn", ["conv", "relu"]),
        ("default conv : bn relu\na -> conv 1x1 3 relu6", ["conv", "bn", "relu6"]),
        ("default conv : relu\na -> conv 1x1 3 bn", ["conv", "bn", "relu"]),
        ("default conv : bn relu\na -> dwconv 1x1", ["dwconv", "bn", "relu"]),
        ("default conv : bn\ndefault dwconv : relu6\na -> dwconv 1x1", ["dwconv", "relu6"]),
        ("default conv : relu\na -> maxpool 3x3/2", ["maxpool"]),
        ("default linear : relu\na -> linear 3 linear", ["linear"]),
    ],
)
def test_defaults_hold_unless_a_layer_says_otherwise(arch: str, built: list[str]) -> None:
    assert ops(one(arch)) == built


@pytest.mark.parametrize(
    ("flags", "side"),
    [("", 3), ("same", 4), ("valid", 3), ("pad=1", 4), ("pad=2", 5), ("pad=0", 3)],
)
def test_the_last_word_on_padding_holds(flags: str, side: int) -> None:
    made = one(f"default conv : {'same' if flags == 'valid' else 'bias'}\na -> conv 3x3/2 4 {flags}")
    assert shapes(made) == [(4, side, side)]


def test_bias_of_a_default_can_be_taken_back() -> None:
    made = one("default conv : bias\na -> conv 1x1 3 > conv 1x1 3 nobias")
    assert [node.attrs.bias for node in made.nodes if node.op == "conv"] == [True, False]


def test_defaults_of_a_norm_reach_where_it_is_a_flag() -> None:
    made = one("default bn : eps=0.001\na -> conv 1x1 3 bn")
    assert made.nodes[2].attrs.options["eps"] == Fraction(1, 1000)


# -- rows: rules, conditions, items, merged cells --------------------------------------------------------


def test_the_first_rule_that_fits_reads_the_row() -> None:
    table = "| type |\n|---|\n| FC-1000 |\n| FC-64 |"
    made = graph(table, "FC-1000 -> linear 1000\nFC-{n} -> linear {n} relu")
    assert ops(made) == ["linear", "linear", "relu"]


def test_conditions_read_other_columns() -> None:
    table = "| type | name | n |\n|---|---|---|\n| conv | first | 3 |\n| conv | x7 | 5 |\n| conv | | 6 |"
    arch = (
        "conv | name : first -> conv 1x1 {n}\n"
        "conv | name : x{k} | n : {m} -> conv 1x1 {k+m}\n"
        "conv -> conv 1x1 {10*n}"
    )
    assert channels(graph(table, arch)) == [3, 12, 60]


def test_items_of_a_cell_are_chained() -> None:
    table = "| A |\n|---|\n| conv3-8 conv3-8 conv1-16 |\n| [1x1, 4; 3x3, 6] |\n| maxpool |"
    arch = "conv{k}-{c} -> conv {k}x{k} {c} same\n{k}, {c} -> conv {k} {c} same\nmaxpool -> maxpool 2x2/2"
    made = graph(table, arch)
    assert channels(made) == [8, 8, 16, 4, 6]
    assert [len(row.nodes) for row in made.rows] == [3, 2, 1]


def test_the_longest_item_wins() -> None:
    made = graph("| A |\n|---|\n| max pool max pool relu |", "max pool -> maxpool 2x2/2\nrelu -> relu")
    assert ops(made) == ["maxpool", "maxpool", "relu"]


MERGED = """---
name: family
input: 8x8x4
---
| layer | size | small | large |
|---|---|---|---|
| one | 8x8 | conv-3 | conv-5 |
| two | 4x4 | max pool |
| three | 1x1 | fc-7 | fc-9 |

| variant | column |
|---|---|
| net-s | small |
| net-l | large |

```arch
match : {column}
size : {h}x{w} = output
conv-{c} -> conv 3x3 {c} same
max pool -> maxpool 2x2/2
fc-{n}   -> linear {n}
```
"""


def test_variants_read_their_own_column_and_share_merged_cells() -> None:
    assert list(outlines(MERGED)) == ["net-s", "net-l"]
    assert shapes(build(MERGED, "net-s")) == [(3, 8, 8), (3, 4, 4), (7,)]
    assert shapes(build(MERGED, "net-l")) == [(5, 8, 8), (5, 4, 4), (9,)]
    assert [row.label for row in build(MERGED, "net-l").rows] == ["one", "two", "three"]


def test_label_names_the_rows() -> None:
    table = "| type | name |\n|---|---|\n| conv | c1 |\n| conv | c2 |"
    made = graph(table, "label : name\nconv -> conv 1x1 3")
    assert [(row.label, row.name) for row in made.rows] == [("c1", "c1"), ("c2", "c2")]


def test_match_reads_another_column() -> None:
    made = graph("| in | op |\n|---|---|\n| 8x8 | conv |", "match : op\nin : …\nconv -> conv 1x1 3")
    assert ops(made) == ["conv"]


def test_a_cell_may_name_a_variable() -> None:
    table = "| type | c |\n|---|---|\n| conv | k |\n| conv | middle |"
    arch, front = "conv -> conv 1x1 {c}", "input: 8x8x4\nk: 12\nmiddle: k"
    assert channels(graph(table, arch, front)) == [12, 12]
    assert channels(graph(table, arch, front, k=3)) == [3, 3]
    assert channels(graph(table, arch, front, middle=5)) == [12, 5]


def test_variables_of_the_input() -> None:
    table = "| type |\n|---|\n| conv |"
    front = 'input: "{grid}x{grid}x{width}"\ngrid: 6\nwidth: 4'
    assert graph(table, "conv -> conv 1x1 1", front).input == (4, 6, 6)
    assert graph(table, "conv -> conv 1x1 1", front, grid=3).input == (4, 3, 3)


# -- claims ----------------------------------------------------------------------------------------------

CLAIMS = """
| type | output size | c | params |
|---|---|---|---|
| conv | 8x8x6 | | 24 |
| conv | 8x8x7 | 7 | 42[^n] |
| total | | | 66 |
"""
CLAIMS_ARCH = """
output size : {h}x{w}x{c} = output
params : {} = weights
conv -> conv 1x1 {c}
total | params : {p} -> total weights = {p}
"""


def test_a_claim_is_never_an_input_to_its_own_check() -> None:
    table = CLAIMS.replace("| c ", "| width ")
    arch = CLAIMS_ARCH.replace(
        "conv -> conv 1x1 {c}", "conv | width : {x} -> conv 1x1 {x}\nconv -> conv 1x1 {c}"
    )
    text = spec(table, arch) + "\n[^n]: a note\n"
    first, second = archcalc.loads(text).graph().rows
    assert first.origin.built_from == {"c"}  # the width came from the size cell: only its grid is checked
    assert second.origin.built_from == frozenset()


def test_a_column_of_its_own_goes_before_a_part_of_a_claim() -> None:
    text = spec(CLAIMS.replace("| 8x8x6 | |", "| 8x8x6 | 5 |"), CLAIMS_ARCH) + "\n[^n]: a note\n"
    made = archcalc.loads(text).graph()
    assert channels(made) == [5, 7]
    assert [row.origin.built_from for row in made.rows] == [frozenset(), frozenset()]


def test_claims_keep_what_is_printed_and_where() -> None:
    text = spec(CLAIMS.replace("| 8x8x6 | |", "| 8×8×6 | 6 |"), CLAIMS_ARCH) + "\n[^n]: a note\n"
    loaded = archcalc.loads(text).spec
    shape, params = loaded.rows[1].claims
    assert (shape.metric, dict(shape.parts)) == ("output", {"h": "8", "w": "8", "c": "7"})
    assert (params.metric, params.text, params.cell.raw) == ("weights", "42", "42[^n]")
    assert params.cell.footnotes == ("n",)
    assert loaded.footnotes["n"].text == "a note"
    assert loaded.rows[0].claims[0].cell.raw == "8×8×6"
    (total,) = loaded.totals
    assert (total.metric, total.text) == ("weights", "66")
    assert [row.label for row in loaded.rows] == ["conv", "conv"]  # a total builds nothing


def test_a_total_may_carry_its_unit() -> None:
    table = "| layer | a |\n|---|---|\n| conv | 3 |\n| FLOPs (10^9) | 3.8 |"
    arch = "match : a\nlabel : layer\n3 -> conv 1x1 3\n{f} | layer : FLOPs … -> total macs = {f}e9"
    (total,) = archcalc.loads(spec(table, arch)).spec.totals
    assert (total.text, total.header) == ("3.8e9", "FLOPs (10^9)")


# -- documents of several networks -----------------------------------------------------------------------

SEVERAL = """---
name: paper
aliases: [p]
title: A paper
source: somebody 2020
input: 8x8x4
width: 1
---
```arch
default conv : same
conv -> conv 3x3 {c*width}
```

# Net One

| type | c |
|---|---|
| conv | 3 |

# Net Two

| type | c |
|---|---|
| conv | 5 |
| pool | |

```arch
pool -> maxpool 2x2/2
```

# Net Three

```arch
extends : net-two
conv -> conv 1x1 {c}
```

| variant | of | width | input | aliases | title |
|---|---|---|---|---|---|
| wide-one | net-one | 2 | | w1 | Wide |
| small-two | net-two | | 4x4x4 | | |
"""


def test_headings_name_networks_and_share_rules() -> None:
    found = outlines(SEVERAL)
    assert list(found) == ["net-one", "net-two", "net-three", "wide-one", "small-two"]
    assert shapes(build(SEVERAL, "net-one")) == [(3, 8, 8)]
    assert shapes(build(SEVERAL, "net-two")) == [(5, 8, 8), (5, 4, 4)]


def test_extends_is_the_same_network_except_for_what_stands_there() -> None:
    made = build(SEVERAL, "net-three")
    assert [node.attrs.kernel for node in made.nodes if node.op == "conv"] == [(1, 1)]
    assert shapes(made) == shapes(build(SEVERAL, "net-two"))


def test_variants_set_variables_input_and_names() -> None:
    found = outlines(SEVERAL)
    assert (found["wide-one"].aliases, found["wide-one"].title) == (("w1",), "Wide")
    assert shapes(build(SEVERAL, "wide-one")) == [(6, 8, 8)]
    assert shapes(build(SEVERAL, "small-two")) == [(5, 4, 4), (5, 2, 2)]


def test_extends_a_shipped_network() -> None:
    text = "---\nname: mine\nextends: googlenet\n---\n```arch\ndropout (…) -> pass\n```\n"
    mine, theirs = archcalc.loads(text), archcalc.load("googlenet")
    assert mine.counts().total.macs == theirs.counts().total.macs
    assert "dropout" not in ops(mine.graph())
    assert "dropout" in ops(theirs.graph())
    assert mine.spec.source == theirs.spec.source


def test_a_child_may_change_variables_blocks_and_table() -> None:
    text = SEVERAL + (
        "\n# Four\n\n| type | c |\n|---|---|\n| conv | 9 |\n| pool | |\n\n```arch\nextends : net-two\n```\n"
    )
    assert shapes(build(text, "four")) == [(9, 8, 8), (9, 4, 4)]


HEADS = """---
name: net
input: 8x8x4
---
| type | c |
|---|---|
| stem | 3 |
| body | 5 |
| fc | 10 |

| type | from | c |
|---|---|---|
| head | stem | 7 |

```arch
stem -> conv 3x3 {c} same
body -> conv 3x3/2 {c} same
fc   -> linear {c}
head -> avgpool global > linear {c}
```
"""


def test_side_heads_read_the_row_that_they_name() -> None:
    network = archcalc.loads(HEADS)
    assert [row.label for row in network.graph().rows] == ["stem", "body", "fc"]
    made = network.graph(heads=True)
    head = made.rows[-1]
    assert (head.label, head.head) == ("head", True)
    assert head.source == made.rows[0].output
    assert shapes(made) == [(3, 8, 8), (5, 4, 4), (10,), (7,)]
    assert made.shape(made.output) == (10,)  # the trunk's
    trunk, both = network.counts(), network.counts(heads=True)
    assert both.total.params - trunk.total.params == 3 * 7
    assert both.total.depth == trunk.total.depth


# -- the examples of the design page ---------------------------------------------------------------------

GOOGLENET_FRONT = """---
name: googlenet
aliases: [v1, inception-v1]
title: GoogLeNet
source: Szegedy et al., Going Deeper with Convolutions, arXiv:1409.4842, Table 1
input: 224x224x3
---
"""
GOOGLENET_ARCH = """```arch
patch size/stride : {k}/{s}
output size       : {h}x{w}x{c} = output
depth             : {}          = depth
params            : {}          = weights
ops               : {}          = macs

default conv    : same bias relu
default maxpool : same ceil

convolution   -> conv 1x1 {#3x3 reduce} > conv {k}/{s} {c}
max pool      -> maxpool {k}/{s}
inception (…) -> concat[ conv 1x1 {#1x1}
                       | conv 1x1 {#3x3 reduce} > conv 3x3 {#3x3}
                       | conv 1x1 {#5x5 reduce} > conv 5x5 {#5x5}
                       | maxpool 3x3/1 > conv 1x1 {pool proj} ]
avg pool      -> avgpool {k}/{s} valid
dropout (…)   -> dropout
linear        -> linear {c}
softmax       -> softmax
```
[^conv1]: A dense 7x7 has 9,408 weights and 118M multiply-adds. 2,712 and 34.02M are those of a separable 7x7
with depth multiplier 8, which the Xception paper says this layer was.
"""


def test_the_design_pages_googlenet() -> None:
    table = (DATA / "googlenet_table1.md").read_text("utf-8").strip()
    table = table.replace("| 2.7K | 34M |", "| 2.7K[^conv1] | 34M[^conv1] |")
    network = archcalc.loads(GOOGLENET_FRONT + table + "\n" + GOOGLENET_ARCH)
    counted = network.counts()
    assert counted.total.macs == 1_582_671_872
    assert counted.total.params == 6_998_552 - 1000  # this page's linear layer has no bias
    assert counted.total.depth == 22
    for row in counted.rows:
        claim = next(c for c in row.row.origin.published if c.metric == "output")
        assert "x".join(map(str, in_papers(row.output))) == claim.text
    assert "separable 7x7" in network.spec.footnotes["conv1"].text


MOBILENET_TABLE = """
| Input | Operator | t | c | n | s |
|---|---|---|---|---|---|
| 224²×3 | conv2d | - | 32 | 1 | 2 |
| 112²×32 | bottleneck | 1 | 16 | 1 | 1 |
| 112²×16 | bottleneck | 6 | 24 | 2 | 2 |
| 56²×24 | bottleneck | 6 | 32 | 3 | 2 |
| 28²×32 | bottleneck | 6 | 64 | 4 | 2 |
| 14²×64 | bottleneck | 6 | 96 | 3 | 1 |
| 14²×96 | bottleneck | 6 | 160 | 3 | 2 |
| 7²×160 | bottleneck | 6 | 320 | 1 | 1 |
| 7²×320 | conv2d 1×1 | - | 1280 | 1 | 1 |
| 7²×1280 | avgpool 7×7 | - | - | 1 | - |
| 1×1×1280 | conv2d 1×1 | - | k | - | |
"""
MOBILENET_BLOCK = """
mbconv(t c s) = add[ conv 1x1 {t*in} > dwconv 3x3/{s} > conv 1x1 {c} linear | skip ]
conv2d      -> conv 3x3/{s} {c}
bottleneck  -> {n} x mbconv(t={t} c={c} s={s},1)
conv2d 1x1  -> conv 1x1 {c}
avgpool 7x7 -> avgpool 7x7 valid
"""


def test_the_design_pages_mobilenet_v2_read_literally() -> None:
    arch = (
        "match : Operator\nInput : {h}²x{c} = input\nInput : {h}x{w}x{c} = input\n"
        "default conv : same bn relu6\ndefault linear : bias\n"
        "conv2d 1x1 | c : k -> linear {c}  # its last row is the classifier\n"
    )
    counted = archcalc.loads(
        spec(MOBILENET_TABLE, arch + MOBILENET_BLOCK, "input: 224x224x3\nk: 1000")
    ).counts()
    # the page says so: with the literal 1x1 expansion of t = 1
    assert counted.total.params == 3_505_960
    for row in counted.rows:
        assert row.row.origin.published[0].text.endswith(f"x{row.input[0]}")


def test_the_design_pages_resnet_rule() -> None:
    table = """
| block | s |
|---|---|
| [1×1, 64; 3×3, 64; 1×1, 256]×3 | 1 |
| [1×1, 128; 3×3, 128; 1×1, 512]×4 | 2 |
| [1×1, 256; 3×3, 256; 1×1, 1024]×6 | 2 |
| [1×1, 512; 3×3, 512; 1×1, 2048]×3 | 2 |
"""
    arch = """
default conv : same bn relu
bottleneck(a c s) = add[ conv 1x1 {a} > conv 3x3/{s} {a} > conv 1x1 {c} linear | project ] > relu
[1x1, {a}; 3x3, {a}; 1x1, {c}] x{n} -> {n} x bottleneck(a={a} c={c} s={s},1)
"""
    counted = archcalc.loads(spec(table, arch, "input: 56x56x64")).counts()
    whole = archcalc.load("resnet-50").counts()
    assert [row.output for row in counted.rows] == [
        (256, 56, 56),
        (512, 28, 28),
        (1024, 14, 14),
        (2048, 7, 7),
    ]
    # the four stages are all of ResNet-50 but its 7x7 convolution and its classifier
    stem, classifier = 7 * 7 * 3 * 64, 2048 * 1000
    assert counted.total.macs == whole.total.macs - stem * 112 * 112 - classifier
    assert counted.total.params == whole.total.params - stem - 2 * 64 - classifier - 1000


INCEPTION_MODULES = """
fig5(p) = concat[ conv 1x1 64 > conv 3x3 96 > conv 3x3 96
                | conv 1x1 48 > conv 3x3 64
                | maxpool 3x3/1 > conv 1x1 {p}
                | conv 1x1 64 ]
fig6(c) = concat[ conv 1x1 {c} > conv 1x7 {c} > conv 7x1 {c} > conv 1x7 {c} > conv 7x1 192
                | conv 1x1 {c} > conv 1x7 {c} > conv 7x1 192
                | maxpool 3x3/1 > conv 1x1 192
                | conv 1x1 192 ]
fig7    = concat[ conv 1x1 448 > conv 3x3 384 > concat[ conv 1x3 384 | conv 3x1 384 ]
                | conv 1x1 384 > concat[ conv 1x3 384 | conv 3x1 384 ]
                | maxpool 3x3/1 > conv 1x1 192
                | conv 1x1 320 ]
reduce(a b c d) = concat[ conv 1x1 {a} > conv 3x3 {b} > conv 3x3/2 {b} valid
                        | conv 1x1 {c} > conv 3x3/2 {d} valid
                        | maxpool 3x3/2 valid ]
3x Inception, As in figure 5 -> 3 x fig5(p=64)
5x Inception, As in figure 6 -> reduce(a=64 b=96 c=256 d=384) > 5 x fig6(c=128,160,160,192)
2x Inception, As in figure 7 -> reduce(a=128 b=192 c=192 d=320) > 2 x fig7
"""


def _weights(*layers: tuple[int, int, int]) -> int:
    """Weights of convolutions given as (window, channels in, channels out)."""
    return sum(window * i * o for window, i, o in layers)


def test_the_design_pages_inception_modules() -> None:
    table = "| type |\n|---|\n" + "".join(
        f"| {n}×Inception, As in figure {f} |\n" for n, f in ((3, 5), (5, 6), (2, 7))
    )
    counted = archcalc.loads(
        spec(table, "default conv : same\ndefault maxpool : same\n" + INCEPTION_MODULES, "input: 35x35x288")
    ).counts()
    assert [row.output for row in counted.rows] == [(288, 35, 35), (768, 17, 17), (2048, 8, 8)]
    five = _weights(
        (1, 288, 64), (9, 64, 96), (9, 96, 96), (1, 288, 48), (9, 48, 64), (1, 288, 64), (1, 288, 64)
    )
    six = sum(
        _weights(
            (1, 768, c), (7, c, c), (7, c, c), (7, c, c), (7, c, 192), (1, 768, c), (7, c, c), (7, c, 192)
        )
        + 2 * 768 * 192
        for c in (128, 160, 160, 192, 192)
    )
    down = _weights((1, 288, 64), (9, 64, 96), (9, 96, 96), (1, 288, 256), (9, 256, 384))
    seven = sum(
        _weights(
            (1, i, 448), (9, 448, 384), (6, 384, 384), (1, i, 384), (6, 384, 384), (1, i, 192), (1, i, 320)
        )
        for i in (1280, 2048)
    )
    down_again = _weights((1, 768, 128), (9, 128, 192), (9, 192, 192), (1, 768, 192), (9, 192, 320))
    assert [row.cost.weights for row in counted.rows] == [3 * five, down + six, down_again + seven]
