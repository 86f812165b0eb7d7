"""`Graph` -> a real torch network: every row an `fx.GraphModule`, and one above them that chains the rows.

Layers are submodules named after their places in the table: `network.inception_3a.branch_2.conv_1`. A
name that Python or torch needs for itself gets an underscore (`pass_`); `module_name` gives it.
"""

from __future__ import annotations

import keyword
import math
import operator
import re
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from archcalc.graph import JOINS
from archcalc.ops import OPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archcalc.graph import Graph, GraphRow, Node

#: Where a row's fx node keeps the index of the graph's node that it computes.
LAYER = "layer"


def build(
    graph: Graph,
    *,
    probabilities: bool = False,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format | None = None,
) -> fx.GraphModule:
    """The network that `graph` describes: (N, C, H, W) -> the last row's output, in training mode.

    With side heads in the graph, a tuple: the trunk's output, then each head's in the table's order. A
    softmax at the end of the trunk or of a head is left out, as torch's losses expect logits;
    `probabilities=True` keeps it. On `device="meta"` nothing is allocated. Weights are torch's own random
    ones; see `initialise`. `network.meta["spec"]` holds the spec's name, each row's `meta` its `label` and
    the `input` shape that it reads, without the batch. A row's code and the network's are in `.code`.
    """
    left_out = frozenset() if probabilities else _logits(graph)
    with torch.device(device) if device is not None else nullcontext():
        network = _Assembly(graph, left_out).network()
    network.to(dtype=dtype)
    if memory_format is not None:
        network.to(memory_format=memory_format)  # type: ignore[call-overload]
    return network


def module_name(name: str) -> str:
    """The name of a row's or layer's module in the network: `Node.name`, or `GraphRow.name`."""
    return ".".join(part + "_" * (part in _reserved()) for part in name.split("."))


@lru_cache(maxsize=1)
def _reserved() -> frozenset[str]:
    """Names that code or a module cannot use for a submodule."""
    return frozenset({*keyword.kwlist, *dir(fx.GraphModule(nn.Module(), fx.Graph()))})


def _ends(graph: Graph) -> list[int]:
    """The nodes that the network gives: the trunk's, then each head's."""
    return [graph.output, *(row.output for row in graph.rows if row.head)]


def _logits(graph: Graph) -> frozenset[int]:
    """Nodes at the network's ends that turn logits into probabilities and that nothing else reads."""
    readers = graph.consumers()
    ends = (graph.nodes[i] for i in _ends(graph))
    return frozenset(n.index for n in ends if n.op in OPS and OPS[n.op].probabilities and not readers[n.index])


class _Assembly:
    """Builds the rows and chains them; `flat` tells of each node whether it gives features only."""

    def __init__(self, graph: Graph, left_out: frozenset[int]) -> None:
        self.graph = graph
        self.left_out = left_out
        self.readers = graph.consumers()
        self.flat = {0: False}

    def network(self) -> fx.GraphModule:
        """The whole network."""
        root, code = nn.Module(), fx.Graph()
        values = {0: code.placeholder("x")}
        for row in self.graph.rows:
            taps = self.taps(row)
            module = self.row(row, taps)
            if module is None:  # nothing but a softmax that is left out
                values[row.output] = values[row.source]
                continue
            target = module_name(row.name)
            root.add_module(target, module)
            given = code.call_module(target, (values[row.source],))
            if taps:
                for i, index in enumerate((row.output, *taps)):
                    values[index] = code.call_function(operator.getitem, (given, i))
            else:
                values[row.output] = given
        ends = tuple(values[i] for i in _ends(self.graph))
        code.output(ends if len(ends) > 1 else ends[0])
        name = re.sub(r"\W+", "_", self.graph.name.casefold(), flags=re.ASCII)
        network = fx.GraphModule(root, code, f"_{name}" if name[:1].isdigit() else name)
        network.meta["spec"] = self.graph.name
        return network

    def taps(self, row: GraphRow) -> list[int]:
        """Nodes inside `row`, other than its output, that side heads read."""
        read = {other.source for other in self.graph.rows if other.head}
        return [i for i in row.nodes if i in read and i != row.output]

    def row(self, row: GraphRow, taps: Sequence[int]) -> fx.GraphModule | None:
        """A row's layers as a module: its input -> its output, and with `taps` a tuple of both.

        None where the row holds no layer.
        """
        root, code = nn.Module(), fx.Graph()
        values = {row.source: code.placeholder("x")}
        layers = [self.graph.nodes[i] for i in row.nodes]
        for node in layers:
            if node.index in self.left_out:
                values[node.index] = values[node.inputs[0]]
                self.flat[node.index] = self.flat[node.inputs[0]]
                continue
            build = self.join if node.op in JOINS else self.layer
            values[node.index] = build(root, code, node, values, row)
            values[node.index].meta[LAYER] = node.index
        given = tuple(values[i] for i in (row.output, *taps))
        code.output(given if taps else given[0])
        if all(node.index in self.left_out for node in layers):
            return None
        module = fx.GraphModule(root, code, row.name)
        _, *grid = self.graph.nodes[row.source].shape
        channels = self.graph.nodes[row.source].shape[0]
        module.meta["label"] = row.label
        module.meta["input"] = (channels,) if self.flat[row.source] else (channels, *grid)
        return module

    def layer(
        self, root: nn.Module, code: fx.Graph, node: Node, values: dict[int, fx.Node], row: GraphRow
    ) -> fx.Node:
        """Add the module of a layer to `root`, and its call to `code`."""
        op, source = OPS[node.op], node.inputs[0]
        flat, shape = self.flat[source], self.graph.nodes[source].shape
        value = values[source]
        if op.flat is True and not flat:
            value = value if op.role == "shape" and not op.sizes else code.call_function(torch.flatten, (value, 1))
            flat = True
        elif op.flat is False and flat:
            value, flat = _grid(code, value), False
        self.flat[node.index] = flat
        assert op.module is not None
        module = op.module(node.attrs, shape, flat)
        if hasattr(module, "inplace") and self.own(source, row, ("weighted", "norm", "join")):
            module.inplace = True
        name = module_name(node.name).removeprefix(module_name(row.name) + ".")
        _place(root, name, module)
        return code.call_module(name, (value,))

    def join(
        self, root: nn.Module, code: fx.Graph, node: Node, values: dict[int, fx.Node], row: GraphRow
    ) -> fx.Node:
        """Join branches; features meet a grid as a grid of 1x1."""
        flat = all(self.flat[i] for i in node.inputs)
        self.flat[node.index] = flat
        branches = [
            values[i] if flat or not self.flat[i] else _grid(code, values[i]) for i in node.inputs
        ]
        name = node.name.rpartition(".")[2]
        if node.op == "concat":
            return code.create_node("call_function", torch.cat, (branches, 1), name=name)
        if node.op == "multiply":
            return _fold(code, operator.mul, branches)
        first, second = node.inputs[:2]
        return branches[0]

    def own(self, index: int, row: GraphRow, roles: Iterable[str]) -> bool:
        """Whether a node's output is fresh memory that only its one reader, in this row, will see."""
        raise NotImplementedError
