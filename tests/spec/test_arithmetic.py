"""The arithmetic in braces: values, faults, and its agreement with Python's."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.errors import Span, SpecError
from archcalc.spec import arithmetic, arithmetic_parser
from archcalc.spec.arithmetic import BLANK, Size

NAMES = {
    "a": 6,
    "b": 4,
    "w": Fraction(7, 5),
    "k": Size((7, 5)),
    "nothing": BLANK,
    "#1x1": 64,
    "pool proj": 32,
}


def evaluated(text: str) -> Any:
    tree = arithmetic_parser.parse(text, Span("t", 1, 0, len(text), text))
    return arithmetic.evaluate(tree, lambda name: NAMES[getattr(name, "name", "")])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        (" 64 ", 64),
        ("1.5", Fraction(3, 2)),
        ("1e3", 1000),
        ("a", 6),
        ("#1x1", 64),
        ("pool proj", 32),
        ('"pool proj"', 32),
        ("#1x1 + pool proj", 96),
        ("a+b*2", 14),
        ("(a+b)*2", 20),
        ("a-b-1", 1),
        ("a/b", Fraction(3, 2)),
        ("a/3", 2),
        ("a//b", 1),
        ("-a//b", -2),
        ("a%b", 2),
        ("-a", -6),
        ("--a", 6),
        ("a*-1", -6),
        ("min(a, b)", 4),
        ("max(a, b)", 6),
        ("max(a, min(b, 1))", 6),
        ("ceil(a/b)", 2),
        ("floor(a/b)", 1),
        ("round(a/b)", 2),
        ("round(5/2)", 3),
        ("round(7/5)", 1),
        ("a < b", 0),
        ("a >= b", 1),
        ("a == 6", 1),
        ("a != 6", 0),
        ("where(a == 6, 10, 20)", 10),
        ("where(a < b, 10, 20)", 20),
        ("divisible(32*w, 8)", 48),
        ("divisible(17, 8)", 16),
        ("divisible(3, 8)", 8),
        ("divisible(10, 8)", 16),  # 8 would be less than nine tenths of 10
        ("w*5", 7),
        ("nothing", BLANK),
        ("nothing*2", BLANK),
        ("max(nothing, 1)", BLANK),
    ],
)
def test_arithmetic(text: str, value: object) -> None:
    found = evaluated(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "nothing stands between these braces", (0, 1)),
        ("a +", "this arithmetic ends too soon", (3, 4)),
        ("(a", "this arithmetic ends too soon", (2, 3)),
        ("a b + + 2", "`+` does not belong here", (6, 7)),
        ("a ** 2", "`*` does not belong here", (3, 4)),
        ("a)", "`)` does not belong here", (1, 2)),
        ("a, b", "`,` does not belong here", (1, 2)),
        ("a ^ 2", "`^` does not belong here", (2, 3)),
        ("min(a)", "`min` takes 2 values, not 1", (0, 6)),
        ("1 + min(a)", "`min` takes 2 values, not 1", (4, 10)),
        ("a // (b - 4)", "this divides by zero", (0, 12)),
        ("a % 0", "this divides by zero", (0, 5)),
        ("a / 0", "this divides by zero", (0, 5)),
        ("2 * k", "`7x5` is a size, not a number", (0, 5)),
        ("1 + 2 * k", "`7x5` is a size, not a number", (4, 9)),
        ("divisible(a, 0)", "`divisible` needs a positive step", (0, 15)),
        ("where(a, 1, 2)", "`where` needs a comparison, which is 0 or 1", (0, 14)),
        ("99999999999*99999999999*99999999999", "this number is too large", (0, 35)),
        ("9" * 16, "this number is too large", (0, 16)),
        ("1.2.3", "`1` does not belong here", (0, 1)),
        ("__import__('os')", "", (0, 16)),
        ("a if b else 1", "", (0, 13)),
        ("lambda: 1", "`:` does not belong here", (6, 7)),
    ],
)
def test_bad_arithmetic(text: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises((SpecError, KeyError)) as caught:
        evaluated(text)
    if message:  # without one: it parses as a name, which nothing has
        assert isinstance(caught.value, SpecError)
        assert caught.value.message == message
        assert caught.value.span is not None
        assert (caught.value.span.start, max(caught.value.span.end, caught.value.span.start + 1)) == place
        assert caught.value.hint


_OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: Fraction(a) / b,
    "//": operator.floordiv,
    "%": operator.mod,
}


@st.composite
def sums(draw: st.DrawFn, depth: int = 0) -> tuple[str, Fraction | None]:
    """Arithmetic as text, and what Python's own fractions make of it (None where that divides by zero)."""
    kind = draw(st.integers(0, 6 if depth < 4 else 1))
    if kind == 0:
        whole = draw(st.integers(0, 999))
        return str(whole), Fraction(whole)
    if kind == 1:
        tenths = draw(st.integers(0, 999))
        return f"{tenths // 10}.{tenths % 10}", Fraction(tenths, 10)
    if kind == 2:
        text, value = draw(sums(depth + 1))
        return f"-({text})", None if value is None else -value
    if kind == 3:
        name = draw(st.sampled_from(["ceil", "floor"]))
        text, value = draw(sums(depth + 1))
        round_ = {"ceil": math.ceil, "floor": math.floor}[name]
        return f"{name}({text})", None if value is None else Fraction(round_(value))
    if kind == 4:
        name = draw(st.sampled_from(["min", "max"]))
        (a, left), (b, right) = draw(sums(depth + 1)), draw(sums(depth + 1))
        best = None if left is None or right is None else {"min": min, "max": max}[name](left, right)
        return f"{name}({a}, {b})", best
    sign = draw(st.sampled_from(list(_OPERATORS)))
    (a, left), (b, right) = draw(sums(depth + 1)), draw(sums(depth + 1))
    text = f"({a}) {sign} ({b})"
    if left is None or right is None or (right == 0 and sign in ("/", "//", "%")):
        return text, None
    return text, Fraction(_OPERATORS[sign](left, right))


@given(sums())
def test_arithmetic_is_that_of_exact_fractions(made: tuple[str, Fraction | None]) -> None:
    text, value = made
    if len(text) > arithmetic_parser.MAX_LENGTH:
        return
    if value is None or abs(value) > 10**20:
        with pytest.raises(SpecError):
            evaluated(text)
    else:
        assert evaluated(text) == value


@given(st.lists(st.sampled_from(["1", "2", "7", "+", "-", "*", "//", "%"]), min_size=1, max_size=9))
def test_operators_bind_as_in_python(tokens: list[str]) -> None:
    text = " ".join(tokens)
    try:
        expected = eval(text)  # the strings are made of the tokens above
    except (SyntaxError, ZeroDivisionError):
        expected = None
    if any(b == "+" and not a.isdigit() for a, b in pairwise(["(", *tokens])):
        expected = None  # `+3` is not in the language
    if expected is None:
        with pytest.raises(SpecError):
            evaluated(text)
    else:
        assert evaluated(text) == expected
