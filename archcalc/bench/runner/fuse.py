"""Batch normalisation folded into the layer before it, as a user would deploy; rows stay rows."""

from __future__ import annotations

import torch
from torch import fx, nn
from torch.nn.utils import fusion

from archcalc.errors import ArchcalcError


def fold(network: fx.GraphModule, example: torch.Tensor) -> int:
    """Fold every batch normalisation that alone reads a convolution or linear layer, in place.

    The network must be in `eval()`. Returns how many were folded. Outputs on `example` are compared before
    and after, relative to their largest value; raises `ArchcalcError` where they differ by over 1e-3.
    """
    with torch.inference_mode():
        before = first(network(example))
        folded = sum(_fold_row(row) for row in network.modules() if isinstance(row, fx.GraphModule))
        after = first(network(example))
    away = float((after - before).abs().max()) / max(float(before.abs().max()), 1e-30)
    if not away <= 1e-3:
        raise ArchcalcError(
            f"folding batch normalisation changes the outputs by {away:.1e}", "measure without `--fuse`"
        )
    return folded


def first(output: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The trunk's output of a network, with side heads or without."""
    return output[0] if isinstance(output, tuple) else output


def _fold_row(row: fx.GraphModule) -> int:
    folded = 0
    for node in list(row.graph.nodes):
        if node.op != "call_module":
            continue
        norm = row.get_submodule(str(node.target))
        source = node.args[0]
        if not isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) or not isinstance(source, fx.Node):
            continue
        if source.op != "call_module" or len(source.users) > 1:
            continue
        place = str(source.target)
        merged = _merged(row.get_submodule(place), norm)
        if merged is None:
            continue
        parent, _, name = place.rpartition(".")
        setattr(row.get_submodule(parent), name, merged)
        node.replace_all_uses_with(source)
        row.graph.erase_node(node)
        folded += 1
    if folded:
        row.delete_all_unused_submodules()
        row.recompile()
    return folded


def _merged(layer: nn.Module, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Module | None:
    if isinstance(layer, nn.Conv2d):
        return fusion.fuse_conv_bn_eval(layer, norm)
    if isinstance(layer, nn.Linear):
        return fusion.fuse_linear_bn_eval(layer, norm)
    if isinstance(layer, nn.Sequential) and isinstance(layer[-1], nn.Conv2d):  # behind a layer of padding
        return nn.Sequential(*list(layer)[:-1], fusion.fuse_conv_bn_eval(layer[-1], norm))
    return None
