"""Inputs as they are written, and in which order: papers print 224x224x3, torch 3x224x224."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from archcalc.errors import ArchcalcError, Span, SpecError
from archcalc.numbers import Number, every
from archcalc.shapes import Shape
from archcalc.spec.sizes import PART, SizeWord, size_word

if TYPE_CHECKING:
    from collections.abc import Sequence

FEW_CHANNELS: Final = 4  # an image has 1, 3 or 4

_SIDE: Final = "([0-9]{1,6})"
_INPUT: Final = re.compile(rf"{_SIDE}(?:[x×,]{_SIDE}[x×,]{_SIDE}|@{_SIDE}[x×]{_SIDE})?")
#: A document's own input: three parts, or channels@heightxwidth. Fewer parts are refused where it is built.
_OWN_INPUT: Final = re.compile(rf"{PART}(?:[x@]{PART}(?:x{PART})?)?")


@dataclass(frozen=True, slots=True)
class InputSize:
    """An input as a user writes it: `3x299x299`, `299x299x3` or `3@299x299`.

    `sizes` stand in the order written; `ordered` says that the channels come first.
    """

    sizes: tuple[int, int, int]
    ordered: bool = False

    def __str__(self) -> str:
        if self.ordered:
            return "{}@{}x{}".format(*self.sizes)
        return "x".join(map(str, self.sizes))

    def shape(self, channels: Number) -> Shape:
        """Channels, height and width for a network whose own input has so many channels.

        Of three sizes, the end that equals `channels` is the channels. Raises `ArchcalcError` where both do,
        or neither.
        """
        a, b, c = self.sizes
        if self.ordered or a == b == c:
            return a, b, c
        first, last = every(a == channels), every(c == channels)
        if first != last:
            return (a, b, c) if first else (c, a, b)
        which = "both ends are" if first else "neither end is"
        raise ArchcalcError(
            f"`{a}x{b}x{c}` has no clear order: {which} the network's own {channels} channels",
            f"write channels@heightxwidth: `{a}@{b}x{c}` or `{c}@{a}x{b}`",
        )


#: An input as a caller gives it: (channels, height, width), the side of a square, or what a user wrote.
GivenInput = Shape | int | InputSize


def parse_input(text: str) -> int | InputSize:
    """The side of a square, or three sizes, as `text` spells them.

    Raises `ArchcalcError` where it spells none.
    """
    match = _INPUT.fullmatch(text.strip())
    sizes = tuple(int(size) for size in match.groups() if size) if match else ()
    if match is None or 0 in sizes:
        hint = "write `299`, or channels, height and width: `3x299x299`"
        raise ArchcalcError(f"`{text}` is not an input size", hint)
    return sizes[0] if len(sizes) == 1 else InputSize((sizes[0], sizes[1], sizes[2]), "@" in text)


def channels_lead(parts: Sequence[str]) -> bool | None:
    """Whether the channels stand first in a document's own input; None where its parts do not say.

    Papers print 224x224x3, torch 3x224x224. The two parts that are alike are the grid; failing that, the end
    of at most 4 is the channels; an input with variables is height, width, channels.
    """
    a, b, c = parts
    if a == b or b == c:
        return a != b
    few = [part.isdecimal() and 0 < int(part) <= FEW_CHANNELS for part in (a, c)]
    if few[0] != few[1]:
        return few[0]
    return None if all(part.isdecimal() for part in parts) else False


def own_input(text: str, span: Span) -> tuple[SizeWord, bool]:
    """A document's own input, and whether its channels stand first.

    Raises `SpecError` where it is none, or where nothing tells the channels from the grid.
    """
    if not _OWN_INPUT.fullmatch(text):
        raise SpecError(f"`{text}` is not an input size", span, "write `224x224x3` or `3x224x224`")
    word = size_word(text.replace("@", "x"), replace(span, end=span.start + len(text)))
    parts = re.findall(PART, text)
    first = True if "@" in text else channels_lead(parts) if len(parts) == 3 else False
    if first is None:
        a, b, c = parts
        raise SpecError(
            f"nothing tells the channels of `{text}` from its grid",
            span,
            f"write channels@heightxwidth: `{c}@{a}x{b}` or `{a}@{b}x{c}`",
        )
    return word, first
