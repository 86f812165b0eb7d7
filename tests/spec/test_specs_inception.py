"""The Inception family against figures from elsewhere: papers, released networks, arithmetic by hand.

`data/layers_*.csv` list the layers of released networks (torchvision's googlenet and inception_v3, the Caffe
network of BN-Inception) as those libraries build them; `data/*_table1.md` and `*_fig5.md` the papers' tables.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.shapes import as_image
from archcalc.spec import library, outline
from archcalc.spec.statements import parse

DATA = Path(__file__).parents[1] / "data"
DOCUMENTS = ("googlenet", "bn-inception", "inception-v2", "inception-v3")


def networks(document: str) -> list[str]:
    return [found.name for found in outline.networks(library.find(document).document)]


ALL = [name for document in DOCUMENTS for name in networks(document)]


# -- totals ---------------------------------------------------------------------------------------

# params and multiply-adds on the network's own input, side heads left out
TOTALS = {
    "googlenet": (6_998_552, 1_582_671_872),
    "googlenet-torchvision": (6_624_904, 1_498_376_192),
    "googlenet-separable": (6_991_856, 1_498_677_248),
    "inception-v3": (23_834_568, 5_713_216_096),
    "bn-inception-caffe": (11_295_240, 2_032_600_064),
}


@pytest.mark.parametrize("name", TOTALS)
def test_totals_are_the_published_ones(name: str) -> None:
    total = archcalc.load(name).counts().total
    assert (total.params, total.macs) == TOTALS[name]


# A head's parameters by hand. GoogLeNet: 1x1 to 128, 4x4x128 to 1024, 1024 to 1000, with biases;
# Inception-v3: 1x1 768 to 128 and 5x5 128 to 768, each with normalisation's two, and 768 to 1000.
def fully_connected_head(channels: int) -> int:
    return (channels + 1) * 128 + (4 * 4 * 128 + 1) * 1024 + (1024 + 1) * 1000


HEADS = {
    "googlenet": fully_connected_head(512) + fully_connected_head(528),
    "inception-v3": 768 * 128 + 2 * 128 + 5 * 5 * 128 * 768 + 2 * 768 + 769 * 1000,
    "inception-v2": 768 * 128 + 2 * 128 + 5 * 5 * 128 * 1024 + 2 * 1024 + 1025 * 1000,
}


@pytest.mark.parametrize("name", HEADS)
def test_side_heads_add_their_own_parameters(name: str) -> None:
    network = archcalc.load(name)
    assert network.counts(heads=True).total.params - network.counts().total.params == HEADS[name]


def test_inception_v3_with_its_head() -> None:
    assert archcalc.load("v3").counts(heads=True).total.params == 27_161_264


def test_torchvision_s_googlenet_with_its_heads() -> None:
    # 13,004,888 is what torchvision prints for googlenet(aux_logits=True)
    assert archcalc.load("googlenet-torchvision").counts(heads=True).total.params == 13_004_888


@pytest.mark.parametrize(
    ("alias", "name"),
    [("v1", "googlenet"), ("inception-v1", "googlenet"), ("v2", "inception-v2"), ("v3", "inception-v3")],
)
def test_aliases(alias: str, name: str) -> None:
    assert archcalc.load(alias).name == name


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("googlenet", 22),
        ("googlenet-torchvision", 22),
        ("googlenet-separable", 23),
        ("googlenet-naive", 13),  # 1 + 2, nine modules of one layer, the classifier
        ("googlenet-double-3x3", 31),  # "by 9 weight layers"
        ("bn-inception", 34),  # 1 + 2, ten modules of three layers, the classifier
        ("inception-v2", 53),  # 6 + 3x3 + 3 + 5x5 + 3 + 2x3 + 1
        ("inception-v3", 48),  # 5 + 3x3 + 3 + 4x5 + 4 + 2x3 + 1
    ],
)
def test_depth(name: str, depth: int) -> None:
    assert archcalc.load(name).counts().total.depth == depth


def test_layers_on_the_trunk() -> None:
    assert archcalc.load("inception-v3").counts().total.layers == 95
    # 2 + 1 convolutions before the modules, six in each of nine, one classifier
    assert archcalc.load("googlenet").counts().total.layers == 3 + 9 * 6 + 1


# -- rows of GoogLeNet's table, by hand ------------------------------------------------------------

# incoming channels, grid, #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj
MODULES = {
    "inception (3a)": (192, 28, 64, 96, 128, 16, 32, 32),
    "inception (3b)": (256, 28, 128, 128, 192, 32, 96, 64),
    "inception (4a)": (480, 14, 192, 96, 208, 16, 48, 64),
    "inception (4b)": (512, 14, 160, 112, 224, 24, 64, 64),
    "inception (4c)": (512, 14, 128, 128, 256, 24, 64, 64),
    "inception (4d)": (512, 14, 112, 144, 288, 32, 64, 64),
    "inception (4e)": (528, 14, 256, 160, 320, 32, 128, 128),
    "inception (5a)": (832, 7, 256, 160, 320, 32, 128, 128),
    "inception (5b)": (832, 7, 384, 192, 384, 48, 128, 128),
}

# weights in units of 1024 and multiply-adds: the figures that the footnotes of googlenet.md state
STATED = {
    "inception (3a)": (159.5, 128_049_152),
    "inception (3b)": (379.0, 304_267_264),
    "inception (4a)": (366.75, 73_608_192),
    "inception (4b)": (438.0, 87_908_352),
    "inception (4c)": (497.5, 99_850_240),
    "inception (4d)": (590.5, 118_515_712),
    "inception (4e)": (847.0, 169_996_288),
    "inception (5a)": (1018.0, 51_079_168),
    "inception (5b)": (1409.0, 70_697_984),
}


@pytest.mark.parametrize("label", MODULES)
def test_a_module_of_googlenet_by_hand(label: str) -> None:
    rows = {row.row.label: row for row in archcalc.load("googlenet").counts().rows}
    incoming, grid, one, reduce3, three, reduce5, five, proj = MODULES[label]
    weights = incoming * (one + reduce3 + reduce5 + proj) + 9 * reduce3 * three + 25 * reduce5 * five
    biases = one + reduce3 + three + reduce5 + five + proj
    row = rows[label]
    assert row.input == (incoming, grid, grid)
    assert row.output == (one + three + five + proj, grid, grid)
    assert (row.cost.weights, row.cost.params) == (weights, weights + biases)
    assert row.cost.macs == weights * grid * grid
    assert (row.cost.weights / 1024, row.cost.macs) == STATED[label]
    assert row.cost.depth == 2


def test_the_separable_first_convolution_gives_the_printed_cells() -> None:
    first = archcalc.load("googlenet-separable").counts().rows[0]
    assert first.cost.weights == 7 * 7 * 3 * 8 + 24 * 64 == 2712  # 2.7K
    assert first.cost.macs == 2712 * 112 * 112 == 34_019_328  # 34M
    assert first.cost.params == 2712 + 64
    dense = archcalc.load("googlenet").counts().rows[0]
    assert (dense.cost.weights, dense.cost.macs) == (9408, 118_013_952)


def test_the_naive_module_hands_on_what_it_pools() -> None:
    rows = {row.row.label: row for row in archcalc.load("googlenet-naive").counts().rows}
    assert rows["inception (3a)"].output[0] == 64 + 128 + 32 + 192
    assert rows["inception (3b)"].output[0] == 128 + 192 + 96 + 416
    assert rows["inception (3a)"].cost.weights == 192 * (64 + 9 * 128 + 25 * 32)
    assert rows["inception (5b)"].output == (4944, 7, 7)


def test_the_fully_connected_layer_that_pooling_replaces() -> None:
    rows = {row.row.label: row for row in archcalc.load("googlenet-fc").counts().rows}
    assert rows["avg pool"].cost.weights == 7 * 7 * 1024 * 1024 == 51_380_224
    assert rows["avg pool"].output == (1024,)
    pooled = {row.row.label: row for row in archcalc.load("googlenet").counts().rows}
    assert pooled["avg pool"].cost.params == 0
    assert archcalc.load("googlenet-fc").counts().total.weights == 6_990_272 + 51_380_224


def test_doubling_every_filter_bank_of_inception_v3() -> None:
    single, double = (archcalc.load(n).counts() for n in ("inception-v3", "inception-v3-x2"))
    for a, b in zip(single.rows, double.rows, strict=True):
        # the first convolution reads three colours and the classifier gives 1000 classes in both
        ends = a.row.label == "linear" or a.row.index == 0
        assert b.cost.weights == a.cost.weights * (2 if ends else 4)
        assert b.cost.macs == a.cost.macs * (2 if ends else 4)
    assert archcalc.load("inception-v3", width=2).counts().total == double.total


# -- layer by layer against released networks ------------------------------------------------------


def released(name: str) -> list[dict[str, str]]:
    with (DATA / f"layers_{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def weighted(name: str) -> list[tuple[Any, ...]]:
    """(op, in, out, kernel, stride, pad, groups, bias, grid, weights, macs) of each layer with weights."""
    found = []
    for row in archcalc.load(name).counts().rows:
        for layer in row.nodes:
            node, a = layer.node, layer.node.attrs
            if not layer.cost.layers:
                continue
            found.append(
                (
                    node.op,
                    layer.input[0],
                    a.channels,
                    a.kernel,
                    a.stride,
                    (a.pad[0][0], a.pad[1][0]),
                    a.groups,
                    a.bias,
                    as_image(node.shape)[1:],
                    layer.cost.weights,
                    layer.cost.macs,
                )
            )
            assert all(before == after for before, after in a.pad)
    return found


def as_listed(layer: dict[str, str]) -> tuple[Any, ...]:
    pair = tuple(int(p) for p in layer["pad"].split("x")) if layer["pad"] else (0, 0)
    stride = int(layer["stride"])
    return (
        layer["type"],
        int(layer["in_c"]),
        int(layer["out_c"]),
        (int(layer["kh"]), int(layer["kw"])),
        (stride, stride),
        pair,
        int(layer["groups"]),
        layer["bias"] == "True",
        (int(layer["out_h"]), int(layer["out_w"])),
        int(layer["weights"]),
        int(layer["macs"]),
    )


RELEASED = {
    "googlenet-torchvision": "googlenet_torchvision",
    "inception-v3": "inception_v3_torchvision",
    "bn-inception-caffe": "bn_inception_caffe",
}


@pytest.mark.parametrize("name", RELEASED)
def test_every_layer_is_the_released_one_in_its_order(name: str) -> None:
    listed = [as_listed(layer) for layer in released(RELEASED[name]) if layer["type"] in ("conv", "linear")]
    ours = weighted(name)
    assert len(ours) == len(listed) > 50
    for mine, theirs in zip(ours, listed, strict=True):
        assert mine == theirs


@pytest.mark.parametrize("name", ["googlenet-torchvision", "bn-inception-caffe", "inception-v3"])
def test_every_listed_pool_is_there_in_its_order(name: str) -> None:
    ops = {"MaxPool2d": "maxpool", "AvgPool2d": "avgpool"}
    listed = []
    for layer in released(RELEASED[name]):
        if layer["type"] in ops:
            numbers = [int(re.findall(r"\d+", layer[part])[0]) for part in ("kh", "stride", "pad")]
            listed.append((ops[layer["type"]], int(layer["in_c"]), *numbers, int(layer["out_h"])))
    ours = [
        (n.node.op, n.node.shape[0], n.node.attrs.kernel[0], n.node.attrs.stride[0], n.node.attrs.pad[0][0],
         n.node.shape[1])
        for row in archcalc.load(name).counts().rows
        for n in row.nodes
        if n.node.op in ops.values() and "adaptive" not in n.node.attrs.options
    ]  # fmt: skip
    if name == "inception-v3":  # its list leaves out the pools that are calls of a function
        ours = [pool for pool in ours if pool[0] == "maxpool" and pool[1] < 288]
    assert ours == listed


def test_the_printed_widths_of_bn_inception_are_those_of_the_released_network() -> None:
    printed = [(*layer[:7], *layer[8:]) for layer in weighted("bn-inception")]
    caffe = [(*layer[:7], *layer[8:]) for layer in weighted("bn-inception-caffe")]
    assert printed == caffe


def test_normalisation_of_the_released_networks() -> None:
    for name in ("googlenet-torchvision", "inception-v3"):
        nodes = archcalc.load(name).graph().nodes
        norms = [n for n in nodes if n.op == "bn"]
        assert len(norms) == sum(n.op == "conv" for n in nodes)
        assert {float(n.attrs.options["eps"]) for n in norms} == {0.001}


# -- the documents ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "table"),
    [
        ("googlenet", "googlenet_table1"),
        ("bn-inception", "bn_inception_fig5"),
        ("inception-v2", "inception_v2_table1"),
    ],
)
def test_the_table_is_the_paper_s_character_for_character(document: str, table: str) -> None:
    text = (library.folder() / f"{document}.md").read_text(encoding="utf-8")
    verbatim = (DATA / f"{table}.md").read_text(encoding="utf-8").strip()
    assert verbatim in re.sub(r"\[\^[\w-]+\]", "", text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_ten_rules_or_fewer_for_each_table(document: str) -> None:
    sections = library.find(document).document.sections
    rules = [parse(section.arch).rules for section in sections if section.arch]
    assert rules[0]  # those of the published table come first
    for own in rules:
        assert len([rule for rule in own if rule.pattern.text not in ("aux", "aux…")]) <= 10


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_footnote_is_used_and_defined(document: str) -> None:
    text = (library.folder() / f"{document}.md").read_text(encoding="utf-8")
    defined = re.findall(r"^\[\^([\w-]+)\]:", text, re.MULTILINE)
    used = re.findall(r"\[\^([\w-]+)\](?!:)", text)
    assert len(defined) == len(set(defined))
    assert set(defined) == set(used)


@pytest.mark.parametrize("name", ALL)
def test_every_network_builds_with_its_heads(name: str) -> None:
    network = archcalc.load(name)
    trunk, whole = network.graph(), network.graph(heads=True)
    assert whole.output == trunk.output
    assert len(whole.trunk) == len(trunk.rows)
    assert [row.head for row in whole.rows].count(True) == len(network.spec.heads)
