"""Exact numbers: Python integers, fractions, and arrays of either; functions that take any of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from archcalc.numbers.array import Array, Number, exact, extreme, quotient, scalar, simplest, simplest_array

__all__ = [
    "Array",
    "Number",
    "ceil_div",
    "decide",
    "divide",
    "every",
    "exact",
    "is_whole",
    "maximum",
    "minimum",
    "same",
    "scalar",
    "simplest",
]

_EXACT: Final = (int, Fraction)  # a tuple: to build `int | Fraction` at each call takes longer than the call


def every(condition: bool | int | Array) -> bool:
    """Whether `condition` holds; of an array, whether it holds for every element."""
    if condition is True or condition is False:
        return condition
    return condition.all() if isinstance(condition, Array) else bool(condition)


def decide(condition: bool | int | Array) -> bool:
    """Whether `condition` holds, where a network's structure hangs on it.

    Raises `ArchcalcError` where it holds for some elements of an array only: they make other networks.
    """
    if isinstance(condition, Array):
        return condition.all() or (condition.any() and bool(condition))
    return bool(condition)


def same(a: Sequence[Number], b: Sequence[Number]) -> bool:
    """Whether two rows of numbers are equal.

    Raises `ArchcalcError` where some elements of arrays make them equal and others do not.
    """
    if len(a) != len(b):
        return False
    equal: Array | bool = True
    for x, y in zip(a, b, strict=True):
        if x is y:
            continue
        condition = x == y
        if not isinstance(condition, Array):
            if not condition:
                return False
        elif not condition.any():
            return False
        else:
            equal = condition * equal
    return decide(equal)


def is_whole(value: Number) -> bool:
    """Whether `value` is an integer, or an array of integers."""
    if isinstance(value, Array):
        return value.denominator == 1 or simplest_array(value.numerators, value.denominator).denominator == 1
    return isinstance(value, int) or value.denominator == 1


def ceil_div(a: Number, b: Number) -> Number:
    """`a / b` rounded up."""
    return -(-a // b)


def divide(a: Number, b: Number) -> Number:
    """`a / b` as an exact fraction, or an integer where it is whole."""
    if isinstance(a, Array) or isinstance(b, Array):
        return quotient(a, b)
    return simplest(Fraction(a) / Fraction(b))


def maximum(a: Number, b: Number) -> Number:
    """The larger of two numbers, element by element for arrays."""
    if isinstance(a, _EXACT) and isinstance(b, _EXACT):
        return a if a >= b else b
    return extreme(a, b, larger=True)


def minimum(a: Number, b: Number) -> Number:
    """The smaller of two numbers, element by element for arrays."""
    if isinstance(a, _EXACT) and isinstance(b, _EXACT):
        return a if a <= b else b
    return extreme(a, b, larger=False)
