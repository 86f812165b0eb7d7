"""Arrays of exact numbers against Python's own integers and fractions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc import numbers
from archcalc.errors import ArchcalcError
from archcalc.numbers import Array, exact

whole = st.integers(-(10**12), 10**12) | st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9)
decimals = st.fractions(-1000, 1000, max_denominator=60)
values = st.lists(whole, min_size=2, max_size=4) | st.lists(decimals, min_size=2, max_size=4)


OPERATIONS = (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod)


def array(items: list[Any]) -> Array:
    made = exact(np.array(items, dtype=object))
    assert isinstance(made, Array)
    return made


def elements(result: Any, count: int) -> list[Any]:
    return list(result) if isinstance(result, Array) else [result] * count


@settings(deadline=None)
@given(
    values,
    values,
    st.sampled_from([operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod]),
)
def test_arithmetic_is_that_of_the_elements(
    a: list[Any], b: list[Any], operate: Callable[[Any, Any], Any]
) -> None:
    b = b[:1] * len(a)
    if operate in (operator.floordiv, operator.mod) and b[0] == 0:
        return
    expected = [operate(x, y) for x, y in zip(a, b, strict=True)]
    for left, right in ((array(a), array(b)), (array(a), b[0])):
        assert elements(operate(left, right), len(a)) == expected
    if operate not in (operator.floordiv, operator.mod) or all(a):
        assert elements(operate(b[0], array(a)), len(a)) == [operate(b[0], x) for x in a]


@settings(deadline=None)
@given(values, whole)
def test_comparisons_and_extremes(a: list[Any], b: int) -> None:
    made = array(a)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        assert list(compare(made, b)) == [int(compare(x, b)) for x in a]
    assert list(numbers.maximum(made, b)) == [max(x, b) for x in a]
    assert list(numbers.minimum(b, made)) == [min(x, b) for x in a]
    assert list(-made) == [-x for x in a]


@settings(deadline=None)
@given(values, st.lists(whole.filter(bool), min_size=4, max_size=4))
def test_quotients_are_fractions(a: list[Any], b: list[int]) -> None:
    divisors = b[: len(a)]
    assert list(numbers.divide(array(a), array(divisors))) == [
        Fraction(x) / y for x, y in zip(a, divisors, strict=True)
    ]


def test_a_range_of_dtypes_and_shapes() -> None:
    grid = exact(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert isinstance(grid, Array)
    assert (grid * 200).tolist() == [[0, 200, 400], [600, 800, 1000]]
    assert grid[1].tolist() == [3, 4, 5]
    assert exact(np.uint64(2**64 - 1)) == 2**64 - 1
    assert list(exact(np.array([2**64 - 1], dtype=np.uint64)) + 1) == [2**64]
    assert list(exact([0.1, 0.25])) == [Fraction(1, 10), Fraction(1, 4)]
    assert list(exact(np.array([0.1], dtype=np.float32))) == [Fraction(1, 10)]
    assert exact(1.4) == Fraction(7, 5)
    assert (exact("1"), exact(None), exact(True), exact(float("nan"))) == (None, None, None, None)


def test_numpy_leaves_mixed_arithmetic_to_the_array() -> None:
    made = exact([2**62, 1])
    assert isinstance(made, Array)
    assert list(np.array([4, 4]) * made) == [2**64, 4]
    assert np.asarray(exact([1, 2])).dtype == np.int64


def test_truth_of_an_array_is_refused_where_its_elements_differ() -> None:
    made = exact([0, 1])
    assert isinstance(made, Array)
    with pytest.raises(ArchcalcError, match="different networks"):
        bool(made)
    with pytest.raises(ArchcalcError, match="different networks"):
        numbers.decide(made == 1)
    assert numbers.decide(made >= 0)
    assert not numbers.decide(made > 1)
    assert not numbers.every(made)


def test_repr_is_short() -> None:
    assert repr(exact(list(range(100)))) == "Array(0, 1, 2, …, 98, 99)"


def test_the_least_integer_has_its_negative() -> None:
    made = exact([-(2**63), 1])
    assert isinstance(made, Array)
    assert list(made // -1) == [2**63, -1]
    assert list(numbers.ceil_div(made, 1)) == [-(2**63), 1]
    with pytest.raises(ZeroDivisionError):
        made // exact([1, 0])
    assert list(exact([2**63 + 1, -1])) == [2**63 + 1, -1]
