"""Sizes as plain integers: a torch network is built for one set of them, while a graph may hold arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archcalc.errors import ArchcalcError
from archcalc.numbers import Array
from archcalc.ops.op import Attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.graph.graph import Graph
    from archcalc.shapes import Shape

Pair = tuple[int, int]
FixedShape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FixedAttrs(Attrs):
    """`Attrs` whose sizes are integers."""

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    pad: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: int = 1
    channels: int = 0
    bias: bool = False
    ceil: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def fixed_attrs(attrs: Attrs) -> FixedAttrs:
    """The attributes with integers for sizes."""
    (top, bottom), (left, right) = attrs.pad
    return FixedAttrs(
        kernel=_pair(attrs.kernel),
        stride=_pair(attrs.stride),
        pad=(_pair((top, bottom)), _pair((left, right))),
        dilation=_pair(attrs.dilation),
        groups=int(attrs.groups),
        channels=int(attrs.channels),
        bias=attrs.bias,
        ceil=attrs.ceil,
        options=attrs.options,
    )


def fixed_shape(shape: Shape) -> FixedShape:
    """A shape with integers for sizes."""
    return tuple(int(size) for size in shape)


def check_fixed(graph: Graph) -> None:
    """Raise `ArchcalcError` where a graph holds arrays of sizes."""
    for value in graph.values:
        if any(isinstance(size, Array) for size in value.shape):
            raise ArchcalcError(
                f"`{graph.name}` has arrays for sizes, and a network is built for one set of them",
                "give single numbers for its variables and its input",
            )


def _pair(pair: tuple[Any, Any]) -> Pair:
    return int(pair[0]), int(pair[1])
