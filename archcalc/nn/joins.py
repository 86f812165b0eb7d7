"""Joins as calls in the generated code of a row, from a table with the names of the table of ops."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import fx

#: Writes a join of `values` into `code`. `free` says which of them may be overwritten.
Writer = Callable[[fx.Graph, Sequence[fx.Node], Sequence[bool]], fx.Node]


def concat(code: fx.Graph, values: Sequence[fx.Node], free: Sequence[bool]) -> fx.Node:
    """Branches side by side along the first axis behind the batch."""
    return code.call_function(torch.cat, (list(values), 1))


def multiply(code: fx.Graph, values: Sequence[fx.Node], free: Sequence[bool]) -> fx.Node:
    """The product of all branches."""
    product = values[0]
    for value in values[1:]:
        product = code.call_function(operator.mul, (product, value))
    return product


def add(code: fx.Graph, values: Sequence[fx.Node], free: Sequence[bool]) -> fx.Node:
    """`+=` where the first or second branch may be overwritten; a sum may always be."""
    first, second, *others = values if len(values) > 1 else (values[0], values[0])
    if len(values) == 1:
        return first
    if free[0]:
        total = code.call_method("add_", (first, second))
    elif free[1]:
        total = code.call_method("add_", (second, first))
    else:
        total = code.call_function(operator.add, (first, second))
    for other in others:
        total = code.call_method("add_", (total, other))
    return total


JOINS: Final[dict[str, Writer]] = {"concat": concat, "add": add, "multiply": multiply}
