"""Counts over arrays of variables and inputs equal the scalar counts, or are refused with a message."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.cost.counts import Counts
from archcalc.errors import ArchcalcError
from archcalc.numbers import Array
from archcalc.spec import library

SUMMED = ("weights", "params", "macs", "flops", "activations", "connections", "traffic", "peak", "intensity")
NETWORKS = [outline.name for outline in library.shipped()]


def choices(value: Any) -> st.SearchStrategy[Any] | None:
    """Other values of a variable, near its own; None where it is no number."""
    if isinstance(value, str):
        return st.sampled_from([8, 24, 48])  # the name of another variable, a width
    if isinstance(value, Fraction) or value in (1, 2):
        return st.sampled_from([1, 2, 0.35, 0.75, 1.4])
    return st.sampled_from(sorted({value, max(1, value // 2), 2 * value, value + 1}))


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_arrays_count_as_their_elements_do(name: str, data: st.DataObject) -> None:
    own = archcalc.load(name)
    size = data.draw(st.integers(1, 3), label="size")
    variables = {
        variable: data.draw(st.lists(drawn, min_size=size, max_size=size), label=variable)
        for variable, value in own.spec.variables.items()
        if (drawn := choices(value)) is not None and data.draw(st.booleans(), label=f"vary {variable}")
    }
    sides = None
    if data.draw(st.booleans(), label="vary the input"):
        side = int(own.graph().input[1])
        sides = data.draw(
            st.lists(st.sampled_from([side, side + 32, 2 * side]), min_size=size, max_size=size)
        )
    try:
        together = archcalc.load(name, **variables).counts(input=None if sides is None else np.array(sides))
    except ArchcalcError:
        return  # refused: the values make different networks, or one of them makes none
    for i in range(size):
        alone = archcalc.load(name, **{k: v[i] for k, v in variables.items()})
        compare(together, alone.counts(input=None if sides is None else sides[i]), i)


def at(value: Any, i: int) -> Any:
    """Element `i` of an array, or the number itself where nothing varies."""
    if isinstance(value, tuple):
        return tuple(at(part, i) for part in value)
    return value[i] if isinstance(value, Array) else value


def compare(together: Counts, alone: Counts, i: int) -> None:
    pairs = [(together.total, alone.total)]
    pairs += [(a.cost, b.cost) for a, b in zip(together.rows, alone.rows, strict=True)]
    for many, one in pairs:
        for metric in SUMMED:
            assert at(getattr(many, metric), i) == getattr(one, metric), metric
        assert (many.depth, many.layers) == (one.depth, one.layers)
        assert at(many.field, i) == one.field
    for a, b in zip(together.rows, alone.rows, strict=True):
        assert at(a.output, i) == b.output


@pytest.mark.parametrize("name", NETWORKS)
def test_equal_elements_are_never_refused(name: str) -> None:
    """Two inputs of one size make one network, so that nothing may be decided by which array it is."""
    own = archcalc.load(name)
    side = int(own.graph().input[1])
    alone = own.counts(input=side)
    compare(own.counts(input=[side, side]), alone, 1)


def test_an_array_of_batches_is_exact() -> None:
    """The figure that once came out as -1,709,604,864."""
    counted = archcalc.load("vgg-16").counts(batch=np.array([1, 2, 64], dtype=np.int32))
    assert list(counted.total.macs) == [15_470_264_320 * n for n in (1, 2, 64)]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
def test_no_dtype_overflows(dtype: str) -> None:
    """vgg-16 at 224 has 15.5G multiply-adds, which an int32 cannot hold, and 224 is no int8."""
    sides = np.array([64, 96]) if dtype == "int8" else np.array([224, 160])
    counted = archcalc.load("vgg-16").counts(input=sides.astype(dtype))
    alone = [archcalc.load("vgg-16").counts(input=int(side)).total.macs for side in sides]
    assert list(counted.total.macs) == alone
    assert min(alone) > 0


def test_figures_beyond_64_bits_are_exact() -> None:
    widths = [10**6, 10**7]
    counted = archcalc.load("3x3-3x3", width=widths, grid=10**4).counts(batch=10**5)
    exact = [18 * w**2 * 10**8 * 10**5 for w in widths]
    assert counted.total.macs.tolist() == exact
    assert max(exact) > 2**63


def test_decimals_are_exact() -> None:
    widths = [0.35, 0.5, 1.4]
    counted = archcalc.load("mobilenet-v2", width=widths).counts()
    assert list(counted.total.params) == [
        archcalc.load("mobilenet-v2", width=width).counts().total.params for width in widths
    ]
    assert counted.total.params.numpy().dtype == np.int64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "an array without values"),
        (np.array([True, False]), "an array of bool"),
        (np.array([1.0, np.nan]), "other things than numbers"),
        ([[1, 2], [3]], "different lengths"),
        (np.array(["a"]), "no array of numbers"),
        (True, "cannot be set"),
    ],
)
def test_what_is_no_exact_number_is_refused(values: Any, message: str) -> None:
    with pytest.raises(ArchcalcError, match=message):
        archcalc.load("mobilenet-v2", width=values).counts()


@pytest.mark.parametrize("given", [224.5, np.array([224.5]), np.array([0, 224]), (3, 224), "big"])
def test_an_input_is_whole_and_positive(given: Any) -> None:
    with pytest.raises(ArchcalcError):
        archcalc.load("vgg-16").counts(input=given)


def test_values_that_make_different_networks_are_refused() -> None:
    """A norm here and none there: the layers differ."""
    with pytest.raises(ArchcalcError):
        archcalc.load("3x3", norm=[0, 1]).counts()


def test_a_network_is_built_for_one_set_of_sizes() -> None:
    with pytest.raises(ArchcalcError, match="arrays for sizes"):
        archcalc.load("3x3", width=[8, 16]).network()
