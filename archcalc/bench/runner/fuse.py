"""Batch normalisation folded into the layer before it, as a user would deploy; rows stay rows."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from archcalc.errors import ArchcalcError
from archcalc.nn.network import LAYER, module_name

if TYPE_CHECKING:
    from archcalc.graph.graph import Graph, Node


def fold(network: fx.GraphModule, graph: Graph, *example: torch.Tensor) -> int:
    """Fold every normalisation that `graph`, from which `network` was built, says can be, in place.

    The network must be in `eval()`. Returns how many were folded. Outputs on `example` are compared before
    and after, relative to their largest value; raises `ArchcalcError` where they differ by over 1e-3.
    """
    with torch.no_grad():
        before = first(network(*example))
        foldable = sorted(graph.foldable())
        for index in foldable:
            _fold(network, graph, graph.nodes[index])
        after = first(network(*example))
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
    """A copy of a layer with weights that also does what the normalisation behind it does in inference."""
    merged = copy.deepcopy(layer)
    held: Any = next(
        part for part in merged.modules() if isinstance(getattr(part, "weight", None), nn.Parameter)
    )
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    weight, rest = held.weight, [1] * (held.weight.dim() - 2)
    if getattr(held, "transposed", False):  # (in, out / groups, ...): each group gives its own channels
        groups = held.groups
        folded = weight.view(groups, -1, *weight.shape[1:]) * scale.view(groups, 1, -1, *rest)
    else:
        folded = weight * scale.view(-1, 1, *rest)
    held.weight = nn.Parameter(folded.reshape(weight.shape), weight.requires_grad)
    bias = shift if held.bias is None else held.bias * scale + shift
    held.bias = nn.Parameter(bias, weight.requires_grad)
    return merged
