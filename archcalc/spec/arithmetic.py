"""The small integer arithmetic that stands in braces, and in claims: `{4*w}`, `{divisible(c*width, 8)}`.

A `Value` tree -> a number. Values are exact: Python integers, `Fraction` where a variable such as a
width multiplier is one, or arrays of them where a caller explores a design space at once (hence `//` and
comparisons throughout, and no `int()` on the way). There is no `eval`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from archcalc.errors import Span, SpecError
from archcalc.numbers import Number, ceil_div, divide, every, maximum, minimum, simplest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Blank:
    """The value of a blank cell: whatever is computed from it is blank, and its layer is not there."""

    def __repr__(self) -> str:
        return "blank"


BLANK: Final = Blank()


@dataclass(frozen=True, slots=True)
class Size:
    """A value of several parts, such as the `7x7` of a kernel."""

    parts: tuple[Number, ...]

    def __str__(self) -> str:
        return "x".join(str(p) for p in self.parts)


@dataclass(frozen=True, slots=True)
class Literal:
    """A number as written."""

    value: Number
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A column, capture, variable or parameter."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function of numbers: `min`, `max`, `ceil`, `floor`, `round`, `divisible`, `where`."""

    function: str
    arguments: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A metric of a network, such as `params(resnet-50)`: only claims have these."""

    metric: str
    target: str
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """Two values and the operator between them."""

    operator: str
    left: Value
    right: Value
    span: Span


Value = Literal | Name | FunctionCall | Reference | Binary
#: A name that stands for itself in braces; any other goes in quotes.
PLAIN: Final = re.compile(r"[A-Za-z_#][\w#]*(?: +[\w#]+)*")


def leaves(tree: Value) -> Iterator[Literal | Name | Reference]:
    """The numbers, names and references of which `tree` is made."""
    if isinstance(tree, FunctionCall):
        for argument in tree.arguments:
            yield from leaves(argument)
    elif isinstance(tree, Binary):
        yield from leaves(tree.left)
        yield from leaves(tree.right)
    else:
        yield tree


def references(tree: Value) -> Iterator[Reference]:
    """Every figure of a network for which `tree` asks."""
    return (leaf for leaf in leaves(tree) if isinstance(leaf, Reference))


def names(tree: Value) -> Iterator[Name]:
    """Every name that `tree` reads."""
    return (leaf for leaf in leaves(tree) if isinstance(leaf, Name))


# -- evaluation -----------------------------------------------------------------------------------


def divisible(value: Number, by: Number) -> Number:
    """`value` rounded to the nearest multiple of `by`, at least `by`, never below 9/10 of `value`.

    The rule by which MobileNets scale their widths (the reference code of arXiv:1801.04381).
    """
    rounded = maximum(by, (2 * value + by) // (2 * by) * by)
    return rounded + by * (10 * rounded < 9 * value)


def _where(condition: Number, then: Number, other: Number) -> Number:
    return condition * then + (1 - condition) * other


FUNCTIONS: dict[str, tuple[int, Callable[..., Number]]] = {
    "min": (2, minimum),
    "max": (2, maximum),
    "ceil": (1, lambda a: ceil_div(a, 1)),
    "floor": (1, lambda a: a // 1),
    "round": (1, lambda a: (2 * a + 1) // 2),
    "divisible": (2, divisible),
    "where": (3, _where),
}

EXAMPLES = {
    "min": "min(a, b)",
    "max": "max(a, b)",
    "ceil": "ceil(a / 2)",
    "floor": "floor(a / 2)",
    "round": "round(1.5 * a)",
    "divisible": "divisible(a * width, 8)",
    "where": "where(a == 1, b, c)",
}
_LIMIT = 10**30


def evaluate(tree: Value, lookup: Callable[[Name | Reference], Any]) -> Any:
    """The number (or `Size`, or `BLANK`) that `tree` has where `lookup` gives the values of names.

    Raises `SpecError` for a division by zero, a kernel in arithmetic, or a number that is too large.
    """
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, (Name, Reference)):  # a tuple is faster, and this is asked often
        return lookup(tree)
    if isinstance(tree, FunctionCall):
        _, function = FUNCTIONS[tree.function]
        values = [evaluate(a, lookup) for a in tree.arguments]
        if any(v is BLANK for v in values):
            return BLANK
        _plain(values, tree.span)
        if tree.function == "divisible" and not every(values[1] > 0):
            raise SpecError(
                "`divisible` needs a positive step", tree.span, f"as in `{EXAMPLES['divisible']}`"
            )
        if tree.function == "where" and not every(values[0] * values[0] == values[0]):
            raise SpecError(
                "`where` needs a comparison, which is 0 or 1", tree.span, f"as in `{EXAMPLES['where']}`"
            )
        return _checked(_lowest(function(*values)), tree.span)
    left, right = evaluate(tree.left, lookup), evaluate(tree.right, lookup)
    if left is BLANK or right is BLANK:
        return BLANK
    _plain([left, right], tree.span)
    if tree.operator in ("/", "//", "%") and not every(right != 0):
        raise SpecError("this divides by zero", tree.span, "`max(1, …)` keeps a divisor from being 0")
    return _checked(_lowest(_operate(tree.operator, left, right)), tree.span)


def _operate(operator: str, a: Number, b: Number) -> Number:
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "//":
            return a // b
        case "%":
            return a % b
        case "/":
            return divide(a, b)
        case "<":
            return _truth(a < b)
        case "<=":
            return _truth(a <= b)
        case ">":
            return _truth(a > b)
        case ">=":
            return _truth(a >= b)
        case "==":
            return _truth(a == b)
        case _:
            return _truth(a != b)


def _lowest(value: Number) -> Number:
    return simplest(value) if isinstance(value, Fraction) else value


def _truth(condition: Any) -> Number:
    truth: Number = condition * 1  # a Python bool becomes 0 or 1, as each element of an array is
    return truth


def _plain(values: list[Any], span: Span) -> None:
    for value in values:
        if isinstance(value, Size):
            raise SpecError(f"`{value}` is a size, not a number", span, "take it apart with a pattern")
        if isinstance(value, str):
            raise SpecError(f"`{value}` is text, not a number", span, "arithmetic is for numbers")


def _checked(value: Number, span: Span) -> Number:
    if isinstance(value, int | Fraction) and not -_LIMIT <= value <= _LIMIT:
        raise SpecError("this number is too large", span, "numbers stay below 10^30")
    return value
