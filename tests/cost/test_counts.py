"""Costs of small networks, worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

import archcalc
from archcalc.api import Architecture


def network(rule: str, rows: str = "| a |", size: str = "8x8x4", extra: str = "") -> Architecture:
    text = (
        f"---\nname: t\ninput: {size}\n---\n| type |\n|---|\n{rows}\n\n```arch\n{extra}\na -> {rule}\n```\n"
    )
    return archcalc.loads(text)


def test_one_convolution() -> None:
    counts = network("conv 3x3/2 6 same bias").counts(batch=5, precision="fp16")
    total = counts.total
    assert counts.rows[0].output == (6, 4, 4)
    assert total.weights == 3 * 3 * 4 * 6
    assert total.params == 3 * 3 * 4 * 6 + 6
    assert total.macs == 5 * 3 * 3 * 4 * 6 * 4 * 4
    assert total.flops == 2 * total.macs
    assert total.activations == 5 * 6 * 4 * 4
    assert total.traffic == 2 * (5 * 8 * 8 * 4 + 222 + 5 * 6 * 4 * 4)
    assert total.peak == 2 * 5 * (8 * 8 * 4 + 6 * 4 * 4)
    assert total.intensity == Fraction(total.flops, total.traffic)
    assert total.connections == 5 * (3 * 3 * 4 + 1) * 6 * 4 * 4
    assert (total.depth, total.layers, total.field) == (1, 1, (3, 3))


def test_receptive_field_along_the_longest_path() -> None:
    total = network("conv 3x3/2 4 same > concat[ conv 3x3 4 same | conv 5x5 4 same > conv 1x7 4 same ]")
    # 3; then (5 - 1) * 2 more; then 1x7 adds (7 - 1) * 2 in width only
    assert total.counts().total.field == (11, 23)


def test_dilation_widens_the_field_and_keeps_the_cost() -> None:
    plain, wide = network("conv 3x3 4 pad=1"), network("conv 3x3 4 pad=2 dilation=2")
    assert plain.counts().total.macs == wide.counts().total.macs
    assert (plain.counts().total.field, wide.counts().total.field) == ((3, 3), (5, 5))


def test_depth_is_the_longest_path_and_layers_are_all() -> None:
    total = network("concat[ conv 1x1 2 | conv 1x1 2 > conv 1x1 2 > conv 1x1 2 ] > linear 3").counts().total
    assert (total.depth, total.layers) == (4, 5)


def test_memory_is_freed_after_the_last_reader() -> None:
    # input 256, branch a 64, branch b 128: at the concat both branches and its output live
    built = network("concat[ conv 1x1 1 | conv 1x1 2 ]")
    rows = [node.cost for node in built.counts().rows[0].nodes]
    assert len(rows) == 3
    assert built.counts(precision="int8").total.peak == max(256 + 64, 256 + 64 + 128, 64 + 128 + 192)


def test_a_skipped_input_stays_alive() -> None:
    chain = network("conv 1x1 4 > conv 1x1 4").counts(precision="int8").total.peak
    residual = network("add[ conv 1x1 4 > conv 1x1 4 | skip ]").counts(precision="int8").total.peak
    assert (chain, residual) == (2 * 256, 3 * 256)


def test_views_move_no_memory() -> None:
    total = network("dropout > flatten").counts().total
    assert (total.traffic, total.macs, total.params) == (0, 0, 0)


def test_fusing_leaves_out_normalisation_and_activation_only() -> None:
    bare = network("conv 3x3 4 same")
    dressed = network("conv 3x3 4 same bn relu")
    assert dressed.counts(fused=True).total.traffic == bare.counts().total.traffic
    assert dressed.counts().total.traffic > bare.counts().total.traffic
    # a normalisation whose input has another reader cannot be folded away
    shared = network("conv 1x1 4 > concat[ bn | skip ]")
    assert shared.counts(fused=True).total.traffic == shared.counts().total.traffic


def test_groups_divide_weights_and_macs() -> None:
    whole, split = network("conv 3x3 8 same").counts(), network("conv 3x3 8 same groups=4").counts()
    assert whole.total.macs == 4 * split.total.macs
    assert whole.total.weights == 4 * split.total.weights
    assert whole.total.traffic > split.total.traffic


@pytest.mark.parametrize(
    ("rule", "weights", "params"),
    [
        ("bn", 0, 8),
        ("prelu", 0, 4),
        ("scale bias", 4, 8),
        ("scale", 4, 4),
        ("linear 10 bias", 2560, 2570),
        ("dwconv 3x3 same multiplier=2", 72, 72),
    ],
)
def test_what_is_learnt(rule: str, weights: int, params: int) -> None:
    total = network(rule).counts().total
    assert (total.weights, total.params) == (weights, params)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(archcalc.ArchcalcError, match="no precision is called `fp31`"):
        network("bn").counts(precision="fp31")


def test_dataframe_and_notebook() -> None:
    built = archcalc.load("googlenet")
    frame = built.table()
    assert frame["macs"].sum() == 1582671872
    assert frame.loc[frame["row"] == "inception (3a)", "published_params"].item() == "159K"
    assert built.table(expand=True)["op"].str.startswith("conv").sum() == 57
    html = built._repr_html_()
    assert html.startswith("<table>")
    assert "inception (3a)" in html
