"""The shipped specs of the families around Inception: exact totals, and the factorizations' exact ratios."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.cost.counts import Cost, Counts
from archcalc.shapes import as_image
from archcalc.spec import library

DATA = Path(__file__).parents[1] / "data"


def counts(name: str, **variables: Any) -> Counts:
    return archcalc.load(name, **variables).counts()


def total(name: str, **variables: Any) -> Cost:
    return counts(name, **variables).total


# ------------------------------------------------------------------------------------- exact totals

TOTALS = {
    # name: (params, MACs, depth)
    "resnet-18": (11_689_512, 1_814_073_344, 18),
    "resnet-34": (21_797_672, 3_663_761_408, 34),
    "resnet-50": (25_557_032, 4_089_184_256, 50),
    "resnet-101": (44_549_160, 7_801_405_440, 101),
    "resnet-152": (60_192_808, 11_513_626_624, 152),
    "resnet-50-v1": (25_557_032, 3_857_973_248, 50),
    "resnet-101-v1": (44_549_160, 7_570_194_432, 101),
    "resnet-152-v1": (60_192_808, 11_282_415_616, 152),
    "plain-18": (11_515_688, 1_794_805_760, 18),
    "plain-34": (21_623_848, 3_644_493_824, 34),
    "vgg-11": (132_863_336, 7_609_090_048, 11),
    "vgg-11-lrn": (132_863_336, 7_609_090_048, 11),
    "vgg-13": (133_047_848, 11_308_466_176, 13),
    "vgg-16": (138_357_544, 15_470_264_320, 16),
    "vgg-16-c": (133_638_952, 11_770_888_192, 16),
    "vgg-19": (143_667_240, 19_632_062_464, 19),
    "mobilenet-v2": (3_504_872, 300_774_272, 53),
    "mobilenet-v2-literal": (3_505_960, 313_619_328, 54),
    "densenet-121": (7_978_856, 2_834_161_664, 121),
    "densenet-169": (14_149_480, 3_359_843_328, 169),
    "densenet-201": (20_013_928, 4_291_365_888, 201),
    "densenet-264": (33_337_704, 5_751_653_376, 265),
    "lenet-5": (60_000, 325_680, 4),
    "alexnet": (60_965_224, 724_406_816, 8),
    "alexnet-torchvision": (61_100_840, 714_188_480, 8),
    "nin": (7_595_176, 1_100_188_800, 12),
    "prelu-a": (178_032_072, 19_058_106_368, 19),
    "prelu-b": (183_343_048, 23_219_904_512, 22),
    "prelu-c": (330_623_944, 53_463_130_112, 22),
}

# What torchvision 0.28 states beside its released weights: parameters, and 10^9 multiply-adds.
STATED = {
    "resnet-18": (11_689_512, "1.814"),
    "resnet-34": (21_797_672, "3.664"),
    "resnet-50": (25_557_032, "4.089"),
    "resnet-101": (44_549_160, "7.801"),
    "resnet-152": (60_192_808, "11.514"),
    "vgg-11": (132_863_336, "7.609"),
    "vgg-13": (133_047_848, "11.308"),
    "vgg-16": (138_357_544, "15.470"),
    "vgg-19": (143_667_240, "19.632"),
    "mobilenet-v2": (3_504_872, "0.301"),
    "densenet-121": (7_978_856, "2.834"),
    "densenet-169": (14_149_480, "3.360"),
    "densenet-201": (20_013_928, "4.291"),
    "alexnet-torchvision": (61_100_840, "0.714"),
}


@pytest.mark.parametrize("name", TOTALS)
def test_totals_are_exact(name: str) -> None:
    found = total(name)
    assert (found.params, found.macs, found.depth) == TOTALS[name]


@pytest.mark.parametrize("name", STATED)
def test_totals_are_those_that_torchvision_states(name: str) -> None:
    found = total(name)
    assert (found.params, f"{found.macs / 1e9:.3f}") == STATED[name]


def test_no_network_of_these_documents_lacks_a_total() -> None:
    documents = ("resnet", "vgg", "mobilenet-v2", "densenet", "lenet-5", "alexnet", "alexnet-torchvision")
    documents += ("nin", "prelu-nets")
    held = {o.name for o in library.shipped() if Path(o.document.file).stem in documents}
    assert held == set(TOTALS)


@pytest.mark.parametrize(
    ("width", "params", "macs"),
    # as released with torchvision's rounding of channels to multiples of 8
    [
        (1.4, 6_108_776, 582_195_824),
        (0.75, 2_636_424, 209_069_792),
        (0.5, 1_968_680, 97_131_840),
        (0.35, 1_677_128, 59_285_808),
    ],
)
def test_the_width_multiplier_of_mobilenet(width: float, params: int, macs: int) -> None:
    found = total("mobilenet-v2", width=width)
    assert (found.params, found.macs) == (params, macs)


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_the_place_of_the_stride_costs_no_parameter_and_the_same_everywhere(depth: int) -> None:
    """Strided late, the first 1x1 of three blocks runs on four times the grid; all else is equal."""
    late, early = total(f"resnet-{depth}"), total(f"resnet-{depth}-v1")
    assert late.params == early.params
    # conv3_1, conv4_1, conv5_1: the first 1x1 (2a to a, a = 128, 256, 512) on the grid of side 2n, not n
    assert late.macs - early.macs == sum(3 * n * n * 2 * a * a for n, a in ((28, 128), (14, 256), (7, 512)))


@pytest.mark.parametrize("depth", [18, 34])
def test_plain_networks_lack_only_the_projections(depth: int) -> None:
    residual, plain = total(f"resnet-{depth}"), total(f"plain-{depth}")
    projections = [(a, 2 * a, n) for a, n in ((64, 28), (128, 14), (256, 7))]
    assert residual.macs - plain.macs == sum(a * b * n * n for a, b, n in projections)
    assert residual.params - plain.params == sum(a * b + 2 * b for a, b, _ in projections)


# ------------------------------------------------------------------------------------------ LeNet-5


def test_lenet_row_by_row() -> None:
    """Parameters and connections as section II.B of the paper gives them; the RBF's 840 are fixed."""
    rows = {r.row.label: (r.cost.params, r.cost.connections) for r in counts("lenet-5").rows}
    assert rows == {
        "C1": (156, 122_304),
        "S2": (12, 5_880),
        "C3": (1_516, 151_600),
        "S4": (32, 2_000),
        "C5": (48_120, 48_120),
        "F6": (10_164, 10_164),
        "OUTPUT": (0, 840),
    }
    assert total("lenet-5").connections == 340_908


def test_lenet_connects_c3_as_the_table_in_its_document_shows() -> None:
    text = (library.folder() / "lenet-5.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert block is not None
    marks = [line.split()[1:] for line in block[1].splitlines()[1:]]
    columns = [tuple(i for i, row in enumerate(marks) if row[c] == "X") for c in range(16)]
    graph = archcalc.load("lenet-5").graph()
    assert [n.attrs.options["maps"] for n in graph.nodes if n.op == "select"] == columns
    assert [len(c) for c in columns] == [3] * 6 + [4] * 9 + [6]


# ------------------------------------------------------------------------------------------ AlexNet


def test_alexnet_torchvision_layer_by_layer() -> None:
    with (DATA / "layers_alexnet_torchvision.csv").open(newline="") as stream:
        expected = list(csv.DictReader(stream))
    found = {r.row.label: r for r in counts("alexnet-torchvision").rows}
    assert set(found) - {line["layer"] for line in expected} == {"avgpool"}
    for line in expected:
        row = found[line["layer"]]
        channels = int(line["out_c"])
        output = (channels, int(line["out_h"]), int(line["out_w"]))
        assert as_image(row.output) == output, line
        assert (row.cost.weights, row.cost.macs) == (int(line["weights"]), int(line["macs"])), line
        assert row.cost.params - row.cost.weights == (channels if line["bias"] == "True" else 0), line


def test_alexnet_has_the_printed_neurons_but_in_the_first_layer() -> None:
    found = {r.row.label: r.cost.activations for r in counts("alexnet").rows if r.cost.weights}
    assert found.pop("conv1") == 55 * 55 * 96 != 253_440
    assert list(found.values()) == [186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]


def test_alexnet_gives_55_on_227_and_not_on_224() -> None:
    network = archcalc.load("alexnet")
    assert network.counts().rows[0].output == (96, 55, 55)
    assert network.counts(input=224).rows[0].output == (96, 54, 54)


# ------------------------------------------------------------------------------------ factorizations

WIDTHS = st.integers(1, 4096)
GRIDS = st.integers(1, 128)
EVEN = GRIDS.map(lambda n: 2 * n)

KERNELS = {
    "5x5": ((5, 5),),
    "3x3-3x3": ((3, 3), (3, 3)),
    "3x3": ((3, 3),),
    "3x1-1x3": ((3, 1), (1, 3)),
    "2x2-2x2": ((2, 2), (2, 2)),
    "7x7": ((7, 7),),
    "1x7-7x1": ((1, 7), (7, 1)),
}
REDUCTIONS = ("expand-then-pool", "pool-then-expand", "parallel-reduction")


@pytest.mark.parametrize(
    ("new", "old", "ratio"),
    [
        ("3x3-3x3", "5x5", Fraction(18, 25)),
        ("3x1-1x3", "3x3", Fraction(6, 9)),
        ("2x2-2x2", "3x3", Fraction(8, 9)),
        ("1x7-7x1", "7x7", Fraction(14, 49)),
        ("3x3", "5x5", Fraction(9, 25)),
    ],
)
@given(width=WIDTHS, grid=GRIDS)
@settings(max_examples=25, deadline=None)
def test_ratios_at_equal_width_are_exact(new: str, old: str, ratio: Fraction, width: int, grid: int) -> None:
    ours, theirs = (total(n, width=width, grid=grid) for n in (new, old))
    assert Fraction(ours.macs, theirs.macs) == ratio
    assert Fraction(ours.params, theirs.params) == ratio


@given(width=WIDTHS, grid=EVEN)
@settings(max_examples=40, deadline=None)
def test_ratios_of_the_grid_reductions_are_exact(width: int, grid: int) -> None:
    expand, pool, parallel = (counts(n, width=width, grid=grid) for n in REDUCTIONS)
    assert Fraction(parallel.total.macs, expand.total.macs) == Fraction(3, 4)
    assert Fraction(pool.total.macs, expand.total.macs) == Fraction(1, 4)
    assert expand.total.macs == 18 * width**2 * grid**2
    outputs = [c.rows[-1].output for c in (expand, pool, parallel)]
    assert outputs == [(n * width, grid // 2, grid // 2) for n in (2, 2, 3)]


@given(width=WIDTHS, grid=EVEN)
@settings(max_examples=25, deadline=None)
def test_the_papers_cost_of_the_reductions_counts_a_1x1(width: int, grid: int) -> None:
    expand, pool = (total(n, width=width, grid=grid, kernel=1) for n in REDUCTIONS[:2])
    assert expand.macs == 2 * grid**2 * width**2
    assert pool.macs == 2 * (grid // 2) ** 2 * width**2


@pytest.mark.parametrize("name", KERNELS)
@given(width=WIDTHS, middle=WIDTHS, out=WIDTHS, grid=GRIDS)
@settings(max_examples=15, deadline=None)
def test_each_width_may_be_its_own(name: str, width: int, middle: int, out: int, grid: int) -> None:
    kernels = KERNELS[name]
    widths = [width, middle, out] if len(kernels) == 2 else [width, out]
    expected = sum(h * w * a * b for (h, w), a, b in zip(kernels, widths[:-1], widths[1:], strict=True))
    found = counts(name, width=width, middle=middle, out=out, grid=grid)
    assert found.total.params == expected
    assert found.total.macs == expected * grid**2
    assert found.rows[-1].output == (out, grid, grid)


@pytest.mark.parametrize("name", [*KERNELS, *REDUCTIONS])
def test_bare_unless_asked_for_normalisation(name: str) -> None:
    bare, normal = total(name, width=24, grid=8), total(name, width=24, grid=8, norm=1)
    graph = archcalc.load(name, width=24, grid=8, norm=1).graph()
    convolved = [n.shape[0] for n in graph.nodes if n.op == "conv"]
    assert bare.params == bare.weights
    assert normal.macs == bare.macs
    assert normal.params - bare.params == 2 * sum(convolved)
    assert sum(n.op == "relu" for n in graph.nodes) == len(convolved)


SUMMED = ("weights", "params", "macs", "flops", "activations", "connections", "traffic", "peak")


@pytest.mark.parametrize("name", [*KERNELS, *REDUCTIONS])
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_a_whole_array_of_widths_is_counted_at_once(name: str, data: st.DataObject) -> None:
    """Property 6 of the language: the same plain arithmetic on NumPy arrays, element by element."""
    size = data.draw(st.integers(1, 6))

    def axis(values: st.SearchStrategy[int]) -> list[int]:
        return data.draw(st.lists(values, min_size=size, max_size=size))

    given_lists = {"width": axis(WIDTHS), "middle": axis(WIDTHS), "out": axis(WIDTHS), "grid": axis(GRIDS)}
    together = counts(name, **{k: np.array(v, dtype=np.int64) for k, v in given_lists.items()})
    for i in range(size):
        alone = counts(name, **{k: v[i] for k, v in given_lists.items()})
        pairs = [(together.total, alone.total)]
        pairs += [(a.cost, b.cost) for a, b in zip(together.rows, alone.rows, strict=True)]
        for array, integer in pairs:
            for metric in SUMMED:
                whole = np.broadcast_to(getattr(array, metric), size)
                assert whole.dtype.kind == "i", metric
                assert whole[i] == getattr(integer, metric), metric
        for a, b in zip(together.rows, alone.rows, strict=True):
            assert tuple(np.broadcast_to(part, size)[i] for part in a.output) == b.output


def test_a_grid_of_designs_broadcasts() -> None:
    """Widths down, grids across: one call counts the whole plane."""
    widths, grids = np.arange(8, 72, 8)[:, None], np.arange(2, 18, 2)[None, :]
    plane = total("3x3-3x3", width=widths, grid=grids).macs
    assert plane.shape == (8, 8)
    assert (plane == 18 * widths**2 * grids**2).all()


# ------------------------------------------------------------------------- the documents' own figures


NOTED = {
    "mobilenet-v2": [("mobilenet-v2", "params", 0)],
    "prelu-nets": [("prelu-c", "macs", less) for less in (0, 63 * 896 * 4096 + 4096**2 + 4096 * 1000)],
    "inception-v2": [
        ("inception-v2", "macs", 0),
        ("inception-v2-7x7", "macs", 0),
        ("googlenet", "params", 0),
    ],
    "inception-v3": [("inception-v3", "macs", 0)],
}


@pytest.mark.parametrize("document", NOTED)
def test_footnotes_print_what_is_computed(document: str) -> None:
    text = (library.folder() / f"{document}.md").read_text(encoding="utf-8")
    notes = text[text.index("\n[^") :]
    for name, metric, less in NOTED[document]:
        assert f"{getattr(total(name), metric) - less:,}" in notes, (name, metric)
