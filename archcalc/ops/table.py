"""The one table of ops, gathered from the families, and the flags that documents may write.

Adding an op is one entry in the file of its family, one builder in `nn.layers`, and one line of
documentation; nothing else in archcalc switches on an op's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archcalc.ops import activation, convolution, joins, linear, norm, pooling, reshaping
from archcalc.ops.op import ACTIVATION, NORM, POOL, WEIGHTED, Op

OPS: Final[Mapping[str, Op]] = {
    op.name: op
    for family in (convolution, linear, pooling, norm, activation, reshaping, joins)
    for op in family.OPS
}

#: The ops that documents write by name.
WRITTEN: Final[Mapping[str, Op]] = {name: op for name, op in OPS.items() if op.written}

#: Names that a document's own block may not have.
RESERVED: Final = (*(name for name, op in WRITTEN.items() if not op.yields), *joins.JOINS)

#: A flag that takes the place of another: the last one written of a group holds, defaults first.
_ACTIVATIONS = frozenset(op.name for op in OPS.values() if op.role == ACTIVATION)
_NORMS = frozenset(op.name for op in OPS.values() if op.role == NORM)
EXCLUSIVE: Final[tuple[frozenset[str], ...]] = (
    frozenset({"same", "valid", "pad"}),
    frozenset({"bias", "nobias"}),
    frozenset({"ceil", "floor"}),
    frozenset({"global", "adaptive"}),
    _NORMS | {"nobn"},
    _ACTIVATIONS | {"linear"},
)


def flags_of(op: Op) -> frozenset[str]:
    """The flags that a layer of this op may have; a weighted op also takes norms and activations."""
    if op.role == WEIGHTED:
        return op.flags | _NORMS | _ACTIVATIONS | {"nobn", "linear"}
    if op.role == POOL:
        return op.flags | _NORMS | _ACTIVATIONS | {"linear"}
    return op.flags


def takes_number(flag: str) -> bool:
    """Whether `flag` is written `flag=number`."""
    return flag in {
        "pad", "groups", "dilation", "multiplier", "adaptive", "eps", "size", "p", "maps", "parts",
    }  # fmt: skip


def group_of(flag: str) -> frozenset[str]:
    """The flags of which only the last one written holds."""
    for group in EXCLUSIVE:
        if flag in group:
            return group
    return frozenset({flag})
