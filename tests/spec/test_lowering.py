"""Rules -> layers: blanks, zeros, repetitions, blocks, joins, flags and defaults."""

from __future__ import annotations

from fractions import Fraction

import pytest
from written import channels, graph, one, ops, shapes, spec

import archcalc
from archcalc.errors import ArchcalcError, SpecError
from archcalc.spec.inputs import parse_input

# -- blanks, zeros, repetitions, joins -------------------------------------------------------------


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


def test_skips_that_are_left_out_are_counted_by_row() -> None:
    block = "f(c s) = add[ conv 3x3/{s} {c} same | skip ]\n"
    made = one(block + "a -> 3 x f(c=4 s=2,1) > f(c=6 s=1)")
    assert [row.origin.skips_left_out for row in made.rows if row.origin] == [2]


def test_a_hint_for_a_lost_skip_leads_to_a_residual() -> None:
    with pytest.raises(SpecError, match="makes 6x6x4 of 8x8x4 without a stride"):
        one("a -> add[ conv 3x3 4 | skip ]")
    for kept in ("same", "pad=1"):
        assert ops(one(f"a -> add[ conv 3x3 4 {kept} | skip ]")) == ["conv", "add"]


def test_skip_over_vectors_is_kept() -> None:
    assert ops(one("a -> avgpool global > add[ linear 4 | skip ]")) == ["avgpool", "linear", "add"]


def test_project_over_vectors() -> None:
    made = one("a -> avgpool global > add[ linear 7 | project ]")
    assert ops(made) == ["avgpool", "linear", "conv", "add"]


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


# -- flags and defaults ----------------------------------------------------------------------------


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


# -- inputs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        ("224x224x3", (3, 224, 224)),
        ("512x8x8", (512, 8, 8)),
        ("4x4x512", (512, 4, 4)),
        ("3x480x640", (3, 480, 640)),
        ("64@16x32", (64, 16, 32)),
    ],
)
def test_the_channels_of_a_documents_input(source: str, shape: tuple[int, ...]) -> None:
    assert one("a -> conv 3x3 8 same", source).input == shape


@pytest.mark.parametrize("text", ["64x28x28", "28x28x64", "28"])
def test_a_printed_input_given_back_is_the_same_network(text: str) -> None:
    net = archcalc.loads(spec("| a |\n|---|\n| a |", "a -> conv 3x3 8 same", "input: 28x28x64"))
    assert net.graph(parse_input(text)).input == net.graph().input == (64, 28, 28)


def test_an_input_of_unclear_order_is_asked_for() -> None:
    net = archcalc.loads(spec("| a |\n|---|\n| a |", "a -> conv 3x3 8 same", "input: 28x28x64"))
    with pytest.raises(ArchcalcError, match="has no clear order") as caught:
        net.graph(parse_input("32x28x16"))
    assert "`32@28x16`" in caught.value.hint
    assert net.graph(parse_input("32@28x16")).input == (32, 28, 16)
