"""Batch normalisation folded into the layer before it, as a user would deploy; rows stay rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn
from torch.nn.utils import fusion

from archcalc.errors import ArchcalcError
from archcalc.nn.network import LAYER, module_name

if TYPE_CHECKING:
    from archcalc.graph.graph import Graph, Node


def fold(network: fx.GraphModule, graph: Graph, example: torch.Tensor) -> int:
    """Fold every normalisation that `graph`, from which `network` was built, says can be, in place.

    The network must be in `eval()`. Returns how many were folded. Outputs on `example` are compared before
    and after, relative to their largest value; raises `ArchcalcError` where they differ by over 1e-3.
    """
    with torch.inference_mode():
        before = first(network(example))
        foldable = sorted(graph.foldable())
        for index in foldable:
            _fold(network, graph, graph.nodes[index])
        after = first(network(example))
    away = float((after - before).abs().max()) / max(float(before.abs().max()), 1e-30)
    if not away <= 1e-3:
        raise ArchcalcError(
            f"folding batch normalisation changes the outputs by {away:.1e}", "measure without `--fuse`"
        )
    return len(foldable)


def first(output: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The trunk's output of a network, with side heads or without."""
    return output[0] if isinstance(output, tuple) else output


def _fold(network: fx.GraphModule, graph: Graph, node: Node) -> None:
    """Put a normalisation into the layer that it reads, and take it out of its row's code."""
    place = module_name(graph.producer(node.inputs[0]).name)
    merged = _merged(network.get_submodule(place), network.get_submodule(module_name(node.name)))
    parent, _, name = place.rpartition(".")
    setattr(network.get_submodule(parent), name, merged)
    row = network.get_submodule(module_name(graph.rows[node.row].name))
    assert isinstance(row, fx.GraphModule)
    call = next(n for n in row.graph.nodes if n.meta.get(LAYER) == node.index)
    call.replace_all_uses_with(call.args[0])
    row.graph.erase_node(call)
    row.delete_all_unused_submodules()
    row.recompile()


def _merged(layer: nn.Module, norm: Any) -> nn.Module:
    if isinstance(layer, nn.Conv2d):
        return fusion.fuse_conv_bn_eval(layer, norm)
    if isinstance(layer, nn.Linear):
        return fusion.fuse_linear_bn_eval(layer, norm)
    if isinstance(layer, nn.Sequential) and isinstance(layer[-1], nn.Conv2d):  # behind a layer of padding
        return nn.Sequential(*list(layer)[:-1], fusion.fuse_conv_bn_eval(layer[-1], norm))
    raise ArchcalcError(f"`{type(layer).__name__}` takes no normalisation in", "measure without `--fuse`")
