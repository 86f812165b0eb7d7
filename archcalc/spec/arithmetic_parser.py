"""The text of arithmetic -> its tree: `{4*w}`, `{divisible(c*width, 8)}`, `params(a) / params(b)`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from archcalc.errors import Span, SpecError
from archcalc.spec.arithmetic import (
    EXAMPLES,
    FUNCTIONS,
    PLAIN,
    Binary,
    FunctionCall,
    Literal,
    Name,
    Reference,
)
from archcalc.spec.scanner import Scanner, UnexpectedTokenError

if TYPE_CHECKING:
    from archcalc.numbers import Number
    from archcalc.spec.arithmetic import Value

_FUNCTION: Final = re.compile(r"(?:min|max|ceil|floor|round|divisible|where)(?=\s*\()")
_REFERENCE: Final = re.compile(r"[a-z_]+\((?:[^()]|\([^()]*\))*\)")
_QUOTED: Final = re.compile(r'"[^"]*"')
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?(?:[eE][0-9]{1,2})?(?![\w#.])")
_COMPARE: Final = re.compile(r"[<>=!]=|[<>]")
_ADD: Final = re.compile(r"[+-]")
_MULTIPLY: Final = re.compile(r"//|[*/%]")
_SIGNS: Final = re.compile(r"[(),]")
_TOKENS: Final = (_FUNCTION, _REFERENCE, PLAIN, _NUMBER, _QUOTED, _COMPARE, _ADD, _MULTIPLY, _SIGNS)

MAX_LENGTH: Final = 300
MAX_DEPTH: Final = 40
_ALLOWED = "names of columns and variables, whole numbers, + - * / // %, comparisons, and the functions "


def parse(text: str, span: Span) -> Value:
    """The tree of the arithmetic in `text`, which stands at `span`.

    Raises `SpecError` at the character that does not fit.
    """
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
        return _Parser(text, span).value()
    except UnexpectedTokenError as fault:
        raise _unexpected(text, span, fault.at, fault.word) from None


def _functions() -> str:
    return " ".join(FUNCTIONS)


def _unexpected(text: str, span: Span, at: int, word: str) -> SpecError:
    if not word:
        at = len(text.rstrip())
        hint = "close the `(`" if text.count("(") > text.count(")") else "a name or number is missing"
        return SpecError("this arithmetic ends too soon", span.within(at, at + 1), hint)
    hint = _ALLOWED + _functions()
    before = text[:at].rstrip()
    if word == "*" and before.endswith("*"):
        hint = "there are no powers; write the factors out"
    elif word == ")":
        hint = "it closes no `(`"
    elif word == "," and not re.search(r"[a-z] *\(", before):
        hint = "a comma stands between the values of a function, such as `max(a, b)`"
    elif word[0] in "0123456789" and re.match(r"[0-9]{16}", text[at:]):
        return SpecError("this number is too large", span.within(at, at + 16), "15 digits at most")
    elif not word[0].isalnum():
        hint += '; put a name with other signs in quotes: `{"…"}`'
    return SpecError(f"`{word}` does not belong here", span.within(at, at + len(word)), hint)


class _Part(NamedTuple):
    """A tree and where its text begins and ends, parentheses around it included."""

    tree: Value
    start: int
    end: int


class _Parser(Scanner):
    """Reads arithmetic by recursive descent.

    comparison: sum [("<=" | ">=" | "==" | "!=" | "<" | ">") sum]
    sum: product (("+" | "-") product)*
    product: unary (("*" | "//" | "/" | "%") unary)*
    unary: "-"* atom
    atom: number | name | quoted name | reference | function "(" comparison ("," comparison)* ")"
        | "(" comparison ")"
    """

    __slots__ = ("depth", "span")

    def __init__(self, text: str, span: Span) -> None:
        super().__init__(text, _TOKENS)
        self.span = span
        self.depth = 0

    def value(self) -> Value:
        """The tree of the entire text."""
        tree = self.comparison().tree
        self.finish()
        return tree

    def comparison(self) -> _Part:
        left = self.sum()
        operator = self.take(_COMPARE)
        return self.binary(operator, left, self.sum()) if operator else left

    def sum(self) -> _Part:
        left = self.product()
        while operator := self.take(_ADD):
            left = self.binary(operator, left, self.product())
        return left

    def product(self) -> _Part:
        left = self.unary()
        while operator := self.take(_MULTIPLY):
            left = self.binary(operator, left, self.unary())
        return left

    def binary(self, operator: str, left: _Part, right: _Part) -> _Part:
        spot = self.span.within(left.start, right.end)
        return _Part(Binary(operator, left.tree, right.tree, spot), left.start, right.end)

    def unary(self) -> _Part:
        signs = []
        while True:
            at = self.at
            if not self.sign("-"):
                break
            signs.append(at)
        part = self.atom()
        for at in reversed(signs):
            spot = self.span.within(at, part.end)
            part = _Part(Binary("-", Literal(0, spot), part.tree, spot), at, part.end)
        return part

    def atom(self) -> _Part:
        start = self.at
        if word := self.take(_NUMBER):
            tree: Value = Literal(_literal(word), self.since(start))
        elif word := self.take(_FUNCTION):
            tree = self.call(word, start)
        elif word := self.take(_REFERENCE):
            metric, _, target = word.partition("(")
            tree = Reference(metric, target[:-1].strip(), self.since(start))
        elif word := self.take(PLAIN) or self.take(_QUOTED):
            tree = Name(word.strip('"'), self.since(start))
        elif self.sign("("):
            self.enter(start)
            tree = self.comparison().tree
            self.leave()
        else:
            raise self.unexpected()
        return _Part(tree, start, self.end)

    def call(self, name: str, start: int) -> FunctionCall:
        self.expect("(")
        self.enter(start)
        arguments = [self.comparison().tree]
        while self.sign(","):
            arguments.append(self.comparison().tree)
        self.leave()
        spot = self.since(start)
        count, _ = FUNCTIONS[name]
        if len(arguments) != count:
            message = f"`{name}` takes {count} value{'s' * (count > 1)}, not {len(arguments)}"
            raise SpecError(message, spot, f"as in `{EXAMPLES[name]}`")
        return FunctionCall(name, tuple(arguments), spot)

    def since(self, start: int) -> Span:
        return self.span.within(start, self.end)

    def enter(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SpecError(
                f"parentheses nested deeper than {MAX_DEPTH}",
                self.span.within(at, at + 1),
                "name a part of it in a block or variable",
            )

    def leave(self) -> None:
        self.expect(")")
        self.depth -= 1


def _literal(word: str) -> Number:
    if word.isdigit():
        return int(word)
    number = Fraction(word)
    return number.numerator if number.denominator == 1 else number
