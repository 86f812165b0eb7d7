"""Weights drawn from a seed, as the table of ops says of each parameter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from archcalc.ops.op import HE_NORMAL, ZEROS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archcalc.graph.graph import Graph, Node
    from archcalc.ops.op import Parameter

#: The attribute under which a layer keeps how its parameters begin: name -> (rule, scale).
_RULES: Final = "initial_rules"


def mark(module: nn.Module, parameters: Iterable[Parameter], gain: float) -> None:
    """Note on a layer how `initialise` begins its parameters; `gain` scales its weights."""
    rules = {p.name: (p.initial, gain / math.sqrt(int(p.fan_in))) for p in parameters if p.initial}
    if rules:
        for part in module.modules():
            own = {n: rules[n] for n, _ in part.named_parameters(recurse=False) if n in rules}
            if own:
                setattr(part, _RULES, own)


@torch.no_grad()
def initialise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Draw the weights of `network`, which archcalc built, anew and in place: the same on every device.

    Weights get He-normal values (arXiv:1502.01852) by fan in, so that signals keep their size on the way
    forward, and biases zero; all else starts as torch starts it, normalisation as the identity. Where a
    branch is added to what passes it by, its last layer is divided by the square root of the number of such
    sums: hundreds of residual blocks then stay within the range of fp16.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        rules = getattr(module, _RULES, None)
        if rules is None:
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
            continue
        for name, (rule, scale) in rules.items():
            value = getattr(module, name)
            if value.is_meta:
                continue
            if rule == HE_NORMAL:
                std = math.sqrt(2) * scale
                value.copy_(torch.empty(value.shape).normal_(0, std, generator=generator))
            elif rule == ZEROS:
                value.zero_()
    return network


def gains(graph: Graph) -> dict[int, float]:
    """By how much to scale the weights of nodes that end a branch of a sum.

    Branches with layers of their own share the variance among them; beside a branch that passes its input
    by, the last layers of all such sums in the network do.
    """
    factors: dict[int, float] = {}
    residual: list[int] = []
    for node in graph.nodes:
        if not node.entry.sums:
            continue
        lasts = [_last_layer(graph, i, node.row) for i in node.inputs]
        layers = [last for last in lasts if last is not None]
        if len(layers) == len(lasts):
            factors.update(dict.fromkeys(layers, 1 / math.sqrt(len(lasts))))
        else:
            residual.extend(layers)
    return {**factors, **dict.fromkeys(residual, 1 / math.sqrt(max(len(residual), 1)))}


def _last_layer(graph: Graph, value: int, row: int) -> int | None:
    """The weighted node of this row that ends a branch, behind normalisation at most."""
    node: Node = graph.producer(value)
    while node.row == row:
        if node.entry.weighted:
            return node.index
        if not node.entry.folds:
            return None
        node = graph.producer(node.inputs[0])
    return None
