"""The small integer arithmetic that stands in braces, and in claims: `{4*w}`, `{divisible(c*width, 8)}`.

Text -> `Value` tree -> a number. Values are exact: Python integers, `Fraction` where a variable such as a
width multiplier is one, or arrays of them where a caller explores a design space at once (hence `//` and
comparisons throughout, and no `int()` on the way). There is no `eval`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
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
Lookup = "Callable[[Name | Reference], Any]"

GRAMMAR = r"""
start: compare
?compare: sum (COMPARE sum)?
?sum: product | sum ADD product
?product: unary | product MUL unary
?unary: "-" unary -> negative | atom
?atom: NUMBER -> number
     | FUNCTION "(" compare ("," compare)* ")" -> call
     | REFERENCE -> reference
     | NAME -> name
     | QUOTED -> quoted
     | "(" compare ")"
COMPARE: "<=" | ">=" | "==" | "!=" | "<" | ">"
ADD: "+" | "-"
MUL: "*" | "//" | "/" | "%"
NUMBER: /[0-9]{1,15}(\.[0-9]{1,9})?([eE][0-9]{1,2})?(?![\w#.])/
FUNCTION.3: /(min|max|ceil|floor|round|divisible|where)(?=\s*\()/
REFERENCE.2: /[a-z_]+\((?:[^()]|\([^()]*\))*\)/
NAME.1: /[A-Za-z_#][\w#]*( +[\w#]+)*/
QUOTED: /"[^"]*"/
%ignore /\s+/
"""


MAX_LENGTH = 300
PLAIN = re.compile(r"[A-Za-z_#][\w#]*( +[\w#]+)*")
_ALLOWED = "names of columns and variables, whole numbers, + - * / // %, comparisons, and the functions "


def parse(text: str, span: Span) -> Value:
    """The tree of the arithmetic in `text`, which stands at `span`.

    Raises `SpecError` at the character that does not fit.
    """
    from lark.exceptions import LarkError, UnexpectedInput

    stripped = text.strip()
    lead = len(text) - len(text.lstrip())
    spot = span.within(lead, lead + max(len(stripped), 1))
    if stripped.isdecimal() and stripped.isascii() and len(stripped) <= 15:  # most braces: no parser
        return Literal(int(stripped), spot)
    if PLAIN.fullmatch(stripped):
        return Name(stripped, spot)
    if not stripped:
        raise SpecError("nothing stands between these braces", span, "name a column or a number")
    if len(stripped) > MAX_LENGTH:  # its tree is as deep as it has terms
        raise SpecError(
            f"arithmetic longer than {MAX_LENGTH} characters",
            spot,
            "name a part of it in a block or variable",
        )
    try:
        tree = _parser().parse(text)
        return _tree(tree.children[0], span)
    except UnexpectedInput as fault:
        raise _unexpected(text, span, fault) from None
    except (LarkError, RecursionError):
        raise SpecError("this arithmetic cannot be read", spot, _ALLOWED + _functions()) from None


def _functions() -> str:
    return " ".join(FUNCTIONS)


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


def _unexpected(text: str, span: Span, fault: Any) -> SpecError:
    token = getattr(fault, "token", None)
    at = getattr(fault, "pos_in_stream", None)
    if (token is not None and token.type == "$END") or at is None or at < 0 or at >= len(text):
        at = len(text.rstrip())
        hint = "close the `(`" if text.count("(") > text.count(")") else "a name or number is missing"
        return SpecError("this arithmetic ends too soon", span.within(at, at + 1), hint)
    word = str(token) if token is not None else text[at]
    hint = _ALLOWED + _functions()
    before = text[:at].rstrip()
    if word == "*" and before.endswith("*"):
        hint = "there are no powers; write the factors out"
    elif word == ")":
        hint = "it closes no `(`"
    elif word == "," and not re.search(r"[a-z] *\(", before):
        hint = "a comma stands between the values of a function, such as `max(a, b)`"
    elif word[0] in "0123456789" and re.match(r"[0-9]{16}", text[at:]):
        return SpecError("this number is past all sense", span.within(at, at + 16), "15 digits at most")
    elif not word[0].isalnum():
        hint += '; put a name with other signs in quotes: `{"…"}`'
    return SpecError(f"`{word}` does not belong here", span.within(at, at + len(word)), hint)


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lark import Lark

    return Lark(GRAMMAR, parser="lalr", propagate_positions=True)


def _tree(node: Any, span: Span) -> Value:
    kind = node.data
    children = node.children
    first = _extent(node, span)
    if kind == "number":
        number = Fraction(str(children[0]))
        return Literal(number.numerator if number.denominator == 1 else number, first)
    if kind in ("name", "quoted"):
        return Name(str(children[0]).strip('"'), first)
    if kind == "reference":
        metric, _, target = str(children[0]).partition("(")
        return Reference(metric, target[:-1].strip(), first)
    if kind == "call":
        name, arguments = str(children[0]), tuple(_tree(c, span) for c in children[1:])
        count, _ = FUNCTIONS[name]
        if len(arguments) != count:
            message = f"`{name}` takes {count} value{'s' * (count > 1)}, not {len(arguments)}"
            raise SpecError(message, first, f"as in `{_EXAMPLES[name]}`")
        return FunctionCall(name, arguments, first)
    if kind == "negative":
        return Binary("-", Literal(0, first), _tree(children[0], span), first)
    left, operator, right = children
    return Binary(str(operator), _tree(left, span), _tree(right, span), first)


def _extent(node: Any, span: Span) -> Span:
    meta = node.meta
    if getattr(meta, "empty", True):
        return span
    return span.within(meta.start_pos, meta.end_pos)


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

_EXAMPLES = {
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

    Raises `SpecError` for a division by zero, a kernel in arithmetic, or a number past all sense.
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
                "`divisible` needs a positive step", tree.span, f"as in `{_EXAMPLES['divisible']}`"
            )
        if tree.function == "where" and not every(values[0] * values[0] == values[0]):
            raise SpecError(
                "`where` needs a comparison, which is 0 or 1", tree.span, f"as in `{_EXAMPLES['where']}`"
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
        raise SpecError("this number is past all sense", span, "numbers stay below 10^30")
    return value
