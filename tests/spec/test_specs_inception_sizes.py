"""The sizes that the Inception papers print, receptive fields, and other inputs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archcalc
from archcalc.errors import SpecError
from archcalc.shapes import as_image
from archcalc.spec import library

DATA = Path(__file__).parents[1] / "data"
DOCUMENTS = ("googlenet", "bn-inception", "inception-v2", "inception-v3")
ALL = [found.name for name in DOCUMENTS for found in library.networks(library.folder() / f"{name}.md")]


# -- printed sizes ---------------------------------------------------------------------------------


def printed(name: str, column: str) -> list[tuple[str, tuple[int, ...]]]:
    """The first cell and the size in `column` of every row of a table in `data`."""
    lines = (DATA / f"{name}.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines if line.strip()]
    at = rows[0].index(column)
    return [(row[0], tuple(int(n) for n in re.findall(r"\d+", row[at]))) for row in rows[2:]]


@pytest.mark.parametrize("name", ["googlenet", "googlenet-torchvision", "googlenet-separable"])
def test_every_printed_output_of_googlenet_comes_out(name: str) -> None:
    rows = archcalc.load(name).counts().rows
    wanted = printed("googlenet_table1", "output size")
    assert len(rows) == len(wanted) == 19
    for row, (label, (height, width, channels)) in zip(rows, wanted, strict=True):
        assert row.row.label == label
        assert as_image(row.output) == (channels, height, width)


def test_every_printed_input_of_inception_v2_comes_out() -> None:
    rows = archcalc.load("inception-v2").counts().rows
    wanted = printed("inception_v2_table1", "input size")
    assert len(rows) == len(wanted) == 13
    for row, (_, (height, width, channels)) in zip(rows, wanted, strict=True):
        assert as_image(row.input) == (channels, height, width)


def test_the_printed_outputs_of_bn_inception_that_do_not_come_out() -> None:
    wanted = printed("bn_inception_fig5", "output size")
    by_widths = archcalc.load("bn-inception").counts().rows
    by_sizes = archcalc.load("bn-inception-576").counts().rows
    differing = {
        label: (row.output, other.output)
        for row, other, (label, (h, w, c)) in zip(by_widths, by_sizes, wanted, strict=False)
        if row.output != (c, h, w)
    }
    assert differing == {
        "inception (3c)": ((576, 14, 14), (576, 14, 14)),  # printed 28x28x576
        "inception (4c)": ((608, 14, 14), (576, 14, 14)),  # printed 14x14x576
        "inception (4d)": ((608, 14, 14), (576, 14, 14)),
        "inception (4e)": ((1056, 7, 7), (1024, 7, 7)),  # printed 14x14x1024
    }


def test_what_builds_a_row_is_not_checked_against_itself() -> None:
    """Widths that a row takes from the next row's input are that row's claim no more."""
    used = {row.label: row.origin.built_from for row in archcalc.load("inception-v2").graph().rows}
    assert used["conv padded"] == {"c"}  # its 32 channels made the convolution before it
    assert used["5xInception"] == frozenset()  # 17x17x768 is checked whole


# -- receptive fields ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "row", "field"),
    [
        # by hand: r grows by (k - 1) times the product of the strides before
        ("googlenet", 0, 7),
        ("googlenet", 1, 7 + 2 * 2),
        ("googlenet", 2, 11 + 2 * 4),
        ("googlenet", 3, 19 + 2 * 4),
        ("googlenet", 4, 27 + 4 * 8),  # the 5x5 of (3a)
        ("googlenet", 5, 59 + 4 * 8),
        # Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, Distill 2019
        ("bn-inception", 13, 699),
        ("inception-v3", 9, 1311),
    ],
)
def test_receptive_fields(name: str, row: int, field: int) -> None:
    assert archcalc.load(name).counts().rows[row].cost.field == (field, field)


# -- other inputs ----------------------------------------------------------------------------------


def test_low_resolutions() -> None:
    full, mid, low = (archcalc.load(n) for n in ("inception-v2", "inception-v2-151", "inception-v2-79"))
    assert mid.graph().input == (3, 151, 151)
    assert low.graph().input == (3, 79, 79)
    # 151 with stride 1 and 299 with stride 2 give the same 149x149, and all behind it
    for a, b in zip(full.counts().rows, mid.counts().rows, strict=True):
        assert (a.output, a.cost.macs) == (b.output, b.cost.macs)
    assert [r.output[1] for r in low.counts().rows[:7]] == [77, 75, 75, 75, 73, 36, 36]
    assert full.counts().total.params == low.counts().total.params
    assert low.counts().total.macs == 6_104_657_504


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("side", [160, 320])
def test_convolutional_networks_keep_their_parameters_on_other_inputs(name: str, side: int) -> None:
    network = archcalc.load(name)
    other = network.counts(input=side)
    assert other.rows[-1].output == (1000,)
    if name == "googlenet-fc":  # the layer that pooling replaces reads the whole grid
        grid = side // 32
        row = next(r for r in other.rows if r.row.label == "avg pool")
        assert row.cost.weights == grid * grid * 1024 * 1024
    else:
        assert other.total.params == network.counts().total.params
        assert other.total.macs != network.counts().total.macs


def test_an_input_too_small_is_told_with_its_row() -> None:
    with pytest.raises(SpecError, match="does not fit on a grid") as caught:
        archcalc.load("inception-v3").graph(input=32)
    assert "in the row `3xInception`" in str(caught.value)
