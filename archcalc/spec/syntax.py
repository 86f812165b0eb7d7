"""The syntax tree of an expression: one frozen dataclass for each case.

Which words are ops, flags and blocks is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.document.text import key
from archcalc.errors import Span
from archcalc.spec import arithmetic
from archcalc.spec.sizes import SizeWord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archcalc.spec.arithmetic import Name


@dataclass(frozen=True, slots=True)
class LayerFlag:
    """`same`, or `pad=1`, or `maps=0,1,2`."""

    name: str
    values: tuple[SizeWord, ...]
    span: Span

    @property
    def name_span(self) -> Span:
        """The place of its name alone."""
        return self.span.within(0, len(self.name))


@dataclass(frozen=True, slots=True)
class Layer:
    """An op with its sizes and flags, or a bare name that may be a block without parameters."""

    name: str
    sizes: tuple[SizeWord, ...]
    flags: tuple[LayerFlag, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class BlockCall:
    """A named block with its arguments; an argument of several values spreads over repetitions."""

    name: str
    arguments: tuple[LayerFlag, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Join:
    """`concat[ … ]`, `add[ … ]` or `multiply[ … ]`: branches that read the same input."""

    kind: str
    branches: tuple[Chain, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """`n x body`."""

    count: SizeWord
    body: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Chain:
    """`a > b`: each reads what the one before it gives."""

    items: tuple[Expression, ...]
    span: Span


Expression = Chain | Repeat | Join | BlockCall | Layer


def parts(node: object) -> Iterator[object]:
    """`node` and everything in it, down to the sizes, in the order in which it is written."""
    yield node
    if isinstance(node, Chain):
        inner: tuple[object, ...] = node.items
    elif isinstance(node, Join):
        inner = node.branches
    elif isinstance(node, Repeat):
        inner = (node.count, node.body)
    elif isinstance(node, BlockCall):
        inner = node.arguments
    elif isinstance(node, Layer):
        inner = (*node.sizes, *node.flags)
    elif isinstance(node, LayerFlag):
        inner = node.values
    else:
        inner = ()
    for part in inner:
        yield from parts(part)


def read_names(node: object) -> Iterator[Name]:
    """Every name that an expression's braces hold, with its place."""
    for part in parts(node):
        if isinstance(part, SizeWord):
            for value in (*part.parts, *part.stride):
                yield from arithmetic.names(value)


def names(node: object) -> Iterator[str]:
    """Every name that an expression's braces hold, as `text.key` spells it."""
    return (key(name.name) for name in read_names(node))


def braced(name: str) -> str:
    """How an expression refers to the column `name`: in quotes where it holds odd signs."""
    plain = arithmetic.PLAIN.fullmatch(name) is not None
    return f"{{{name}}}" if plain else f'{{"{name}"}}'
