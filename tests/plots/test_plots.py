"""Layouts that figures rest on: lanes of a diagram, places of names, numbers on axes."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import archcalc
from archcalc import units
from archcalc.plots import labels, lanes, style
from archcalc.report import layers
from archcalc.spec import library

NETWORKS = sorted(o.name for o in library.shipped())


@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_layers_stand_in_one_place_and_none_is_lost(name: str) -> None:
    counted = archcalc.load(name).counts()
    for row, drawn in zip(counted.rows, layers.rows(counted), strict=True):
        for stage in drawn.stages:
            places = [(box.level, box.lane) for box in stage.boxes]
            assert len(set(places)) == len(places)
            for box in stage.boxes:
                assert all(i < 0 or stage.boxes[i].level < box.level for i in box.inputs)
        assert sum(box.cost for stage in drawn.stages for box in stage.boxes) == row.cost.macs


def test_an_inception_module_has_four_lanes() -> None:
    counted = archcalc.load("googlenet").counts()
    drawn = next(r for r in layers.rows(counted) if r.label == "inception (3a)")
    (stage,) = drawn.stages
    assert [(b.what, b.widths) for b in stage.boxes if b.level == 0] == [
        ("1x1", (64,)),
        ("1x1", (96,)),
        ("1x1", (16,)),
        ("maxpool 3x3", (192,)),
    ]
    assert (stage.lanes, stage.levels, stage.times) == (4, 3, 1)


def test_blocks_of_one_form_become_one() -> None:
    counted = archcalc.load("resnet-50").counts()
    drawn = next(r for r in layers.rows(counted) if r.label == "conv4_x")
    first, rest = drawn.stages
    assert (first.times, rest.times) == (1, 5)
    assert rest.bypassed  # the skip is led around the three convolutions
    assert not first.bypassed  # the projection has a lane of its own


def test_many_branches_of_one_kind_become_one_box() -> None:
    boxes = [lanes.Box("5x5", (1,), 10, (-1,)) for _ in range(16)]
    boxes.append(lanes.Box("concat", (), 0, tuple(range(16)), join=True))
    (stage,) = lanes.stages(boxes)
    assert [(b.what, b.cost) for b in stage.boxes] == [("16 × 5x5", 160), ("concat", 0)]


@given(
    st.lists(
        st.tuples(st.floats(0.5, 6.5), st.floats(0.5, 4.5)), min_size=1, max_size=12, unique_by=lambda p: p
    )
)
def test_names_stay_in_the_frame_and_off_each_other(points: list[tuple[float, float]]) -> None:
    box = (0.0, 0.0, 7.0, 5.0)
    circles = [(x, y, 0.05) for x, y in points]
    names = [f"network {i}" for i in range(len(points))]
    places = labels.places(names, circles, circles, box)
    rects = [
        (x, y - 0.06, x + style.text_width(name, style.SMALL), y + 0.06)
        for name, (x, y) in zip(names, places, strict=True)
    ]
    for i, (a, b, c, d) in enumerate(rects):
        assert a >= 0
        assert b >= 0
        assert c <= 7
        assert d <= 5
        for e, f, g, h in rects[:i]:
            assert not (a < g and e < c and b < h and f < d)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "", "0"),
        (0.5, "", "0.5"),
        (999, "", "999"),
        (1500, "", "1.5K"),
        (2_000_000, "", "2M"),
        (12_000_000, "", "12M"),
        (1_582_671_872, "", "1.58G"),
        (2.4e12, "FLOP/s", "2.4 TFLOP/s"),
        (40, "B/s", "40 B/s"),
    ],
)
def test_numbers_on_axes(value: float, unit: str, text: str) -> None:
    assert units.brief(value, unit) == text


def test_long_names_are_cut_to_their_room() -> None:
    assert style.shortened("conv", 2.0) == "conv"
    cut = style.shortened("average pool, 1000-d fully connected, softmax", 1.0)
    assert cut.endswith("…")
    assert style.text_width(cut) <= 1.0


@example(2.25, 4.0, 3.0)
@given(st.floats(0.01, 50), st.floats(1.02, 1000), st.floats(3, 7))
def test_ticks_of_ratios_have_room(low: float, span: float, width: float) -> None:
    ticks = style.ratio_ticks(low, low * span, width)
    places = [width * math.log(t / low) / math.log(span) for t in ticks]
    assert all(b - a >= 0.5 for a, b in pairwise(places))
    assert all(low <= t <= low * span for t in ticks)
    assert len(ticks) >= 2 or span < 1.3 or width * math.log(2) / math.log(span) < 0.5 or span < 3
