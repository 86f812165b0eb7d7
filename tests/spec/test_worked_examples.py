"""GoogLeNet, MobileNetV2, ResNet and Inception modules, written from their papers' tables."""

from __future__ import annotations

from pathlib import Path

from written import spec

import archcalc
from archcalc.shapes import in_papers

DATA = Path(__file__).parents[1] / "data"


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


def test_googlenet_as_its_paper_prints_it() -> None:
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


def test_mobilenet_v2_read_literally() -> None:
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


def test_the_rule_of_a_resnet() -> None:
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


def test_the_inception_modules() -> None:
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
