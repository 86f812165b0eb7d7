"""Sizes as papers write them: `7x7`, `3x3/2`, `64`, `{k}/{s}`, `224x224x3`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from archcalc.errors import Span, SpecError, suggest
from archcalc.metrics import METRICS
from archcalc.spec import arithmetic, arithmetic_parser

if TYPE_CHECKING:
    from archcalc.spec.arithmetic import Value

MAX_SIZE: Final = 10**9
MAX_DIGITS: Final = 9
MAX_PARTS: Final = 10

#: One part of a size: a number, or arithmetic in braces.
PART: Final = r"(?:[0-9]+|\{[^{}\n]*\})"
_FIRST: Final = rf"(?:[0-9]+\.[0-9]+|{PART})"
#: A size in an expression: parts, and perhaps a stride behind a slash.
SIZE: Final = re.compile(rf"{_FIRST}(?:x{PART})*(?:/{PART}(?:x{PART})?)?")
_PIECE: Final = re.compile(r"\{([^{}]*)\}|([0-9.]+)")
_NUMBERS: Final = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}(?:x[0-9]{{1,{MAX_DIGITS}}}){{0,{MAX_PARTS - 1}}}")


def numbers(text: str) -> tuple[int, ...] | None:
    """The numbers of a plain size such as `7x7` or `224x224x3`; None where `text` is none."""
    if _NUMBERS.fullmatch(text) is None:
        return None
    return tuple(int(part) for part in text.split("x"))


@dataclass(frozen=True, slots=True)
class SizeWord:
    """`3x3/2`, `64`, `{k}/{s}`: the parts before the slash and those behind it.

    `constant` holds both as numbers where all of them are numbers of a sensible size.
    """

    parts: tuple[Value, ...]
    stride: tuple[Value, ...]
    text: str
    span: Span
    constant: tuple[tuple[Any, ...], tuple[Any, ...]] | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        before = [v.value for v in self.parts if isinstance(v, arithmetic.Literal)]
        behind = [v.value for v in self.stride if isinstance(v, arithmetic.Literal)]
        plain = len(before) == len(self.parts) and len(behind) == len(self.stride)
        sensible = plain and all(value <= MAX_SIZE for value in (*before, *behind))
        object.__setattr__(self, "constant", (tuple(before), tuple(behind)) if sensible else None)


def size_word(text: str, span: Span) -> SizeWord:
    """The `SizeWord` that `text` spells, such as `{k}/{s}` or `3x3/2`; it stands at `span`."""
    if not text:
        raise SpecError("a value is missing here", span, "a value reads `64`, `3x3` or `{name}`")
    if not SIZE.fullmatch(text):
        raise SpecError(f"`{text}` is not a size", span, "a size reads `64`, `3x3/2` or `{name}`")
    slash = _slash(text)
    parts: list[Value] = []
    stride: list[Value] = []
    for piece in _PIECE.finditer(text):
        inside, literal = piece.groups()
        begin, end = piece.span()
        if literal is None:
            value = arithmetic_parser.parse(inside, span.within(begin + 1, end - 1))
            _own_figures(value)
        elif len(literal) > 15:
            raise SpecError("this number is too large", span.within(begin, end), "15 digits at most")
        else:
            value = arithmetic_parser.parse(literal, span.within(begin, end))
        (parts if begin < slash else stride).append(value)
    return SizeWord(tuple(parts), tuple(stride), text, span)


def _slash(text: str) -> int:
    """Where the stride of a size begins: at its slash outside of braces, or behind its end."""
    if "{" not in text:
        return text.index("/") if "/" in text else len(text)
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "{") - (c == "}")
        if c == "/" and depth == 0:
            return i
    return len(text)


def _own_figures(value: Value) -> None:
    """Complain where a size asks for a network's figure, as only claims may."""
    for reference in arithmetic.references(value):
        name = reference.metric
        if name in METRICS:
            raise SpecError(
                f"`{name}({reference.target})` is a figure of a network",
                reference.span,
                "only claims may ask for one; a network is built from its own table",
            )
        hint = suggest(name, list(arithmetic.FUNCTIONS)) or "there are: " + " ".join(arithmetic.FUNCTIONS)
        raise SpecError(f"no function is called `{name}`", reference.span, hint)
