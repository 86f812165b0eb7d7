"""`Graph` -> a real torch network: every row a `torch.fx` graph module, and one above that chains them.

Layers are submodules named after their places in the table: `network.inception_3a.branch_2.conv_1`. A
name that Python or torch keeps for itself gets an underscore (`pass_`); `module_name` gives it.
"""

from __future__ import annotations

import keyword
import math
import operator
import re
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import fx, nn

from archcalc.graph.graph import JOINS
from archcalc.ops.table import OPS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch.fx.graph import PythonCode

    from archcalc.graph.graph import Graph, GraphRow, Node

#: The key under which an fx node's `meta` keeps the index of the graph's node that it computes.
LAYER: Final = "layer"


def build(
    graph: Graph,
    *,
    probabilities: bool = False,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format | None = None,
) -> Network:
    """The network that `graph` describes: (N, C, H, W) -> the last row's output, in training mode.

    With side heads in the graph, a tuple: the trunk's output, then each head's in the table's order. A
    softmax at the end of the trunk or of a head is left out, as torch's losses expect logits;
    `probabilities=True` keeps it. On `device="meta"` nothing is allocated. Weights are those that torch's
    layers draw for themselves; `initialise` draws others.

    Rows are children named as `GraphRow.name`, and a row's `code` reads like its rule. `network.meta` holds
    the spec's name (`spec`); a row's `meta` its `label`, and the shape of its `input` without the batch.
    """
    left_out = frozenset[int]() if probabilities else _logits(graph)
    with torch.device(device) if device is not None else nullcontext():
        network = _Assembly(graph, left_out).network()
    network.to(dtype=dtype)
    if memory_format is not None:
        network.to(memory_format=memory_format)  # type: ignore[call-overload]
    return network


def module_name(name: str) -> str:
    """The name of a row's or layer's module, from `GraphRow.name` or `Node.name`."""
    return ".".join(part + "_" * (part in _reserved()) for part in name.split("."))


@lru_cache(maxsize=1)
def _reserved() -> frozenset[str]:
    """What cannot name a submodule: Python's keywords and the attributes that every module has."""
    return frozenset({*keyword.kwlist, *dir(fx.GraphModule(nn.Module(), fx.Graph()))})


def _ends(graph: Graph) -> list[int]:
    """The nodes that the network gives: the trunk's, then each head's."""
    return [graph.output, *(row.output for row in graph.rows if row.head)]


def _logits(graph: Graph) -> frozenset[int]:
    """Nodes at the ends that turn logits into probabilities, and that nothing else reads."""
    readers = graph.consumers()
    ends = [graph.nodes[i] for i in _ends(graph)]
    last = [n for n in ends if n.op in OPS and OPS[n.op].probabilities]
    return frozenset(n.index for n in last if not readers[n.index])


class Network(fx.GraphModule):
    """A network, or one of its rows: a graph module that is still itself when copied or pickled.

    torch's own forgets its class name in the one case, and its `meta` in the other.

    Two of torch's habits are left out, since in the middle of a network their few instructions are in no
    cache any more and each costs some 20 us a row: the wrapper around every call, which catches errors to
    print the line of generated code, and the look for a parameter and a buffer before the child.
    """

    def __getattr__(self, name: str) -> Any:
        """A child, or what `torch.nn.Module` finds."""
        children = self.__dict__.get("_modules")
        child = children.get(name) if children else None
        return child if child is not None else super().__getattr__(name)

    def recompile(self) -> PythonCode:
        """As torch's, but `__call__` stays that of `torch.nn.Module`."""
        code = super().recompile()
        if "__call__" in vars(type(self)):
            del type(self).__call__
        return code

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        copied = super().__deepcopy__(memo)
        type(copied).__name__ = type(self).__name__
        return cast("Network", copied)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (super().__reduce__(), type(self).__name__, self.meta)


def _restore(reduced: tuple[Any, ...], name: str, meta: dict[str, Any]) -> Network:
    make, arguments = reduced
    module = make(*arguments)
    network = Network(module, module.graph, name)
    network.meta.update(meta)
    return network


class _Assembly:
    """Builds the rows and chains them; `flat` tells which nodes give features without a grid."""

    def __init__(self, graph: Graph, left_out: frozenset[int]) -> None:
        self.graph = graph
        self.left_out = left_out
        self.readers = graph.consumers()
        self.flat = {0: False}

    def network(self) -> Network:
        root, code = nn.Module(), fx.Graph()
        values = {0: code.placeholder("x")}
        for row in self.graph.rows:
            taps = self.taps(row)
            module = _Row(self, row).module(taps)
            if module is None:
                values[row.output] = values[row.source]
                continue
            name = module_name(row.name)
            root.add_module(name, module)
            given = values[row.output] = code.call_module(name, (values[row.source],))
            if taps:
                for i, index in enumerate((row.output, *taps)):
                    values[index] = code.call_function(operator.getitem, (given, i))
        ends = tuple(values[i] for i in _ends(self.graph))
        code.output(ends if len(ends) > 1 else ends[0])
        title = re.sub(r"\W+", "_", self.graph.name.casefold(), flags=re.ASCII)
        network = Network(root, code, f"_{title}" if title[:1].isdigit() else title)
        network.meta["spec"] = self.graph.name
        return network

    def taps(self, row: GraphRow) -> list[int]:
        """Nodes inside `row`, other than its output, that side heads read."""
        read = {other.source for other in self.graph.rows if other.head}
        return [i for i in row.nodes if i in read and i != row.output]


class _Row:
    """Builds one row: `root` gathers its layers, `code` the calls, `values` what each node gives."""

    def __init__(self, assembly: _Assembly, row: GraphRow) -> None:
        self.assembly = assembly
        self.graph = assembly.graph
        self.flat = assembly.flat
        self.row = row
        self.root, self.code = nn.Module(), fx.Graph()
        self.values = {row.source: self.code.placeholder("x")}

    def module(self, taps: Sequence[int]) -> Network | None:
        """The row: its input -> its output, or with `taps` a tuple of its output and those nodes.

        None where nothing is left of the row, as of one that is only a softmax.
        """
        nodes = [self.graph.nodes[i] for i in self.row.nodes]
        kept = [node for node in nodes if node.index not in self.assembly.left_out]
        for node in nodes:
            if node in kept:
                value = self.join(node) if node.op in JOINS else self.layer(node)
                value.meta[LAYER] = node.index
            else:
                value = self.values[node.inputs[0]]
                self.flat[node.index] = self.flat[node.inputs[0]]
            self.values[node.index] = value
        if not kept:
            return None
        given = tuple(self.values[i] for i in (self.row.output, *taps))
        self.code.output(given if taps else given[0])
        module = Network(self.root, self.code, self.row.name)
        source = self.graph.nodes[self.row.source].shape
        module.meta["label"] = self.row.label
        module.meta["input"] = source[:1] if self.flat[self.row.source] else source
        return module

    def layer(self, node: Node) -> fx.Node:
        """Add a layer's module to `root`, and its call to `code`."""
        op, index = OPS[node.op], node.inputs[0]
        value, flat, source = self.values[index], self.flat[index], self.graph.nodes[index].shape
        if op.flat is True and not flat:
            if op.moves:  # what only lays the map flat does so by itself
                value = self.code.call_function(torch.flatten, (value, 1))
            flat = True
        elif op.flat is False and flat:
            value, flat = self.as_grid(index), False
        self.flat[node.index] = flat
        assert op.module is not None
        module = op.module(node.attrs, source, flat)
        if op.role == "activation" and hasattr(module, "inplace") and self.free(index, "join"):
            module.inplace = True  # type: ignore[assignment]
        name = module_name(node.name).removeprefix(module_name(self.row.name) + ".")
        _place(self.root, name, module)
        return self.code.call_module(name, (value,))

    def join(self, node: Node) -> fx.Node:
        """Join branches; features meet a grid as a grid of 1x1."""
        flat = self.flat[node.index] = all(self.flat[i] for i in node.inputs)
        values = [self.values[i] if flat or not self.flat[i] else self.as_grid(i) for i in node.inputs]
        if node.op == "concat":
            return self.code.call_function(torch.cat, (values, 1))
        if node.op == "multiply":
            return self.fold(operator.mul, values)
        # `+=` where the first or second branch may be overwritten; a sum may always be.
        first, second, *others = values
        if self.free(node.inputs[0]):
            total = self.code.call_method("add_", (first, second))
        elif self.free(node.inputs[1]):
            total = self.code.call_method("add_", (second, first))
        else:
            total = self.code.call_function(operator.add, (first, second))
        for other in others:
            total = self.code.call_method("add_", (total, other))
        return total

    def fold(self, function: Callable[..., object], values: Sequence[fx.Node]) -> fx.Node:
        result = values[0]
        for value in values[1:]:
            result = self.code.call_function(function, (result, value))
        return result

    def as_grid(self, index: int) -> fx.Node:
        """Features (N, C) as a grid of one: (N, C, 1, 1)."""
        channels = self.graph.nodes[index].shape[0]
        return self.code.call_method("reshape", (self.values[index], -1, channels, 1, 1))

    def free(self, index: int, *also: str) -> bool:
        """Whether a node's output may be overwritten by its reader.

        It must be fresh memory (of a layer with weights, a normalisation, or a role in `also`) that
        nobody else reads and that autograd does not need; a row never overwrites what it was given.
        """
        node = self.graph.nodes[index]
        role = "join" if node.op in JOINS else OPS[node.op].role if node.op in OPS else "input"
        alone = self.assembly.readers[index] == 1 and node.row == self.row.index
        return alone and role in ("weighted", "norm", *also)


def _place(root: nn.Module, name: str, module: nn.Module) -> None:
    """Add `module` under a dotted name, with plain modules in between."""
    *path, last = name.split(".")
    for part in path:
        if part not in dict(root.named_children()):
            root.add_module(part, nn.Module())
        root = root.get_submodule(part)
    root.add_module(last, module)


# -- weights ----------------------------------------------------------------------------------------


@torch.no_grad()
def initialise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Draw the weights of `network` anew, in place: the same seed gives the same on every device.

    Convolutions and linear layers get He-normal weights (arXiv:1502.01852) by fan in, so that signals keep
    their size on the way forward, and no bias; all else starts as torch starts it, normalisation as the
    identity. Where a branch is added to what passes it by, its last layer is divided by the square root of
    the number of such sums: hundreds of residual blocks then stay within the range of fp16.
    """
    damping = _damping(network)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            std = math.sqrt(2 / module.weight[0].numel()) * damping.get(module, 1.0)
            if not module.weight.is_meta:
                module.weight.copy_(torch.empty(module.weight.shape).normal_(0, std, generator=generator))
            if module.bias is not None:
                module.bias.zero_()
        elif callable(reset := getattr(module, "reset_parameters", None)):
            reset()
    return network


def _damping(network: nn.Module) -> dict[nn.Module, float]:
    """By how much to scale the last layer of each branch that a sum reads."""
    factors: dict[nn.Module, float] = {}
    residual: list[nn.Module] = []
    for row in network.modules():
        if not isinstance(row, fx.GraphModule):
            continue
        for node in row.graph.nodes:
            if node.target not in (operator.add, "add_"):
                continue
            lasts = [_last_layer(row, branch) for branch in node.all_input_nodes]
            found = [last for last in lasts if last is not None]
            if len(found) == len(lasts):
                factors.update(dict.fromkeys(found, 1 / math.sqrt(len(lasts))))
            else:
                residual.extend(found)
    return {**factors, **dict.fromkeys(residual, 1 / math.sqrt(max(len(residual), 1)))}


def _last_layer(row: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The layer with weights that ends a branch, behind normalisation at most."""
    while node.op == "call_module":
        module = row.get_submodule(str(node.target))
        inner = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        if inner:
            return inner[-1]
        if not isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            return None
        node = node.all_input_nodes[0]
    return None
