"""Sizes as they are written: numbers, the order of an input, and what an ambiguous one is asked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.errors import ArchcalcError
from archcalc.spec.inputs import InputSize, channels_lead, parse_input
from archcalc.spec.sizes import numbers


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("7x7", (7, 7)),
        ("64", (64,)),
        ("224x224x3", (224, 224, 3)),
        ("7x", None),
        ("7 x 7", None),
        ("7x7/2", None),
        ("", None),
        ("1234567890x2", None),
        ("٣x٣", None),
        ("x".join("1" * 10), (1,) * 10),
        ("x".join("1" * 11), None),
    ],
)
def test_a_size_of_numbers(text: str, values: tuple[int, ...] | None) -> None:
    assert numbers(text) == values


def sizes_of(text: str) -> InputSize:
    size = parse_input(text)
    assert isinstance(size, InputSize)
    return size


def test_one_size_is_the_side_of_a_square() -> None:
    assert parse_input(" 299 ") == 299


@pytest.mark.parametrize(
    ("text", "channels", "shape"),
    [
        ("299x299x3", 3, (3, 299, 299)),
        ("3x299x299", 3, (3, 299, 299)),
        ("480x640x3", 3, (3, 480, 640)),
        ("3x480x640", 3, (3, 480, 640)),
        ("64x28x28", 64, (64, 28, 28)),
        ("28x28x64", 64, (64, 28, 28)),
        ("4x4x512", 512, (512, 4, 4)),
        ("512×8×8", 512, (512, 8, 8)),
        ("64,28,32", 64, (64, 28, 32)),
        ("8x8x8", 3, (8, 8, 8)),
        ("4@224x224", 3, (4, 224, 224)),
        ("3@3x7", 3, (3, 3, 7)),
    ],
)
def test_the_end_that_equals_the_networks_channels_is_the_channels(
    text: str, channels: int, shape: tuple[int, int, int]
) -> None:
    assert sizes_of(text).shape(channels) == shape


@pytest.mark.parametrize(
    ("text", "channels", "which"),
    [("64x28x32", 3, "neither end is"), ("3x224x3", 3, "both ends are"), ("4x224x224", 3, "neither end is")],
)
def test_an_order_that_is_not_clear_is_asked_for(text: str, channels: int, which: str) -> None:
    with pytest.raises(ArchcalcError) as caught:
        sizes_of(text).shape(channels)
    assert f"{which} the network's own {channels} channels" in caught.value.message
    answers = re.findall(r"`([^`]+)`", caught.value.hint)
    a, b, c = map(int, text.split("x"))
    assert [sizes_of(answer).shape(channels) for answer in answers] == [(a, b, c), (c, a, b)]


@pytest.mark.parametrize(
    "text", ["", "x", "3x3", "0", "3x0x3", "-1", "1e3", "9999999", "3@4", "3x4x5x6", "٣"]
)
def test_what_is_no_input_is_refused(text: str) -> None:
    with pytest.raises(ArchcalcError, match="not an input size"):
        parse_input(text)


@given(st.integers(1, 4096), st.integers(1, 4096), st.integers(1, 4096))
def test_a_printed_shape_is_read_back_as_itself(channels: int, height: int, width: int) -> None:
    """Both orders in which shapes are printed, wherever the numbers do not forbid it."""
    for text in (f"{height}x{width}x{channels}", f"{channels}x{height}x{width}"):
        try:
            assert sizes_of(text).shape(channels) == (channels, height, width)
        except ArchcalcError:
            assert channels in (height, width)
    assert sizes_of(f"{channels}@{height}x{width}").shape(7) == (channels, height, width)


@pytest.mark.parametrize(
    ("parts", "first"),
    [
        ("224x224x3", False),
        ("3x224x224", True),
        ("512x8x8", True),
        ("8x8x512", False),
        ("4x4x512", False),
        ("1x28x28", True),
        ("480x640x3", False),
        ("3x480x640", True),
        ("{grid}x{grid}x{width}", False),
        ("{width}x{grid}x{grid}", True),
        ("{h}x{w}x{c}", False),
        ("{h}x{w}x3", False),
        ("3x{h}x{w}", True),
        ("16x32x64", None),
        ("3x224x3", None),
        ("8x8x8", False),
    ],
)
def test_the_order_of_a_documents_own_input(parts: str, first: bool | None) -> None:
    assert channels_lead(parts.split("x")) is first
