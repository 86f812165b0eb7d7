"""`Graph` -> a real torch network: every row a `torch.fx` graph module, and one above that chains them.

Layers are submodules named after their places in the table: `network.inception_3a.branch_2.conv_1`. A
name that Python or torch keeps for itself gets an underscore (`pass_`); `module_name` gives it.
"""

from __future__ import annotations

import keyword
import operator
import re
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import fx, nn

from archcalc.nn.fixed import check_fixed, fixed_attrs, fixed_shape
from archcalc.nn.initialise import gains, mark
from archcalc.nn.joins import JOINS
from archcalc.nn.layers import LAYERS
from archcalc.ops.op import ACTIVATION, JOIN
from archcalc.shapes import as_image

if TYPE_CHECKING:
    from torch.fx.graph import PythonCode

    from archcalc.graph.graph import Graph, GraphRow, Node
    from archcalc.shapes import Shape

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
    """The network that `graph` describes, in training mode: its inputs with a batch in front -> its output.

    With several outputs, as with side heads, a tuple: the trunk's output, then each head's in order. A
    softmax at the end of the trunk or of a head is left out, as torch's losses expect logits;
    `probabilities=True` keeps it. On `device="meta"` nothing is allocated. Weights are those that torch's
    layers draw for themselves; `initialise` draws others.

    Rows are children named as `GraphRow.name`, and a row's `code` reads like its rule. `network.meta` holds
    the network's name (`spec`); a row's `meta` its `label`, and the shape of its `input` without the batch.
    Parameters that nodes share are one tensor.
    """
    check_fixed(graph)
    left_out = frozenset[int]() if probabilities else graph.final_probabilities()
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
    """Builds the rows and chains them."""

    def __init__(self, graph: Graph, left_out: frozenset[int]) -> None:
        self.graph = graph
        self.left_out = left_out
        self.readers = graph.consumers()
        self.gains = gains(graph)
        self.modules: dict[int, nn.Module] = {}

    def network(self) -> Network:
        root, code = nn.Module(), fx.Graph()
        several = len(self.graph.inputs) > 1
        names = self.input_names() if several else ["x"]
        values = {i: code.placeholder(name) for i, name in zip(self.graph.inputs, names, strict=True)}
        for row in self.graph.rows:
            module = _Row(self, row).module()
            if module is None:
                for i in row.outputs:
                    values[i] = values[self.graph.producer(i).inputs[0]]
                continue
            name = module_name(row.name)
            root.add_module(name, module)
            given = code.call_module(name, tuple(values[i] for i in row.sources))
            if len(row.outputs) == 1:
                values[row.output] = given
                continue
            for i, index in enumerate(row.outputs):
                values[index] = code.call_function(operator.getitem, (given, i))
        self.share()
        ends = tuple(values[i] for i in self.graph.outputs)
        code.output(ends if len(ends) > 1 else ends[0])
        title = re.sub(r"\W+", "_", self.graph.name.casefold(), flags=re.ASCII)
        network = Network(root, code, f"_{title}" if title[:1].isdigit() else title)
        network.meta["spec"] = self.graph.name
        return network

    def input_names(self) -> list[str]:
        """What the forward function calls its inputs: their own names where Python allows them."""
        names: list[str] = []
        for i in self.graph.inputs:
            name = re.sub(r"\W+", "_", self.graph.producer(i).name, flags=re.ASCII)
            free = name.isidentifier() and not keyword.iskeyword(name) and name not in ("self", *names)
            names.append(name if free else f"input_{i}")
        return names

    def share(self) -> None:
        """Let the nodes that read another's parameter hold the very same tensor."""
        for node in self.graph.nodes:
            for index in node.parameters:
                parameter, owner = self.graph.parameters[index]
                if owner != node.index:
                    tensor = getattr(_holder(self.modules[owner], parameter.name), parameter.name)
                    setattr(_holder(self.modules[node.index], parameter.name), parameter.name, tensor)


class _Row:
    """Builds one row: `root` gathers its layers, `code` the calls, `values` what each value is there."""

    def __init__(self, assembly: _Assembly, row: GraphRow) -> None:
        self.assembly = assembly
        self.graph = assembly.graph
        self.row = row
        self.root, self.code = nn.Module(), fx.Graph()
        names = ["x"] if len(row.sources) == 1 else [f"x{i}" for i in range(len(row.sources))]
        self.values = {i: self.code.placeholder(n) for i, n in zip(row.sources, names, strict=True)}

    def module(self) -> Network | None:
        """The row: what it reads -> its output, or a tuple where others read more of it.

        None where nothing is left of the row, as of one that is only a softmax.
        """
        nodes = [self.graph.nodes[i] for i in self.row.nodes]
        kept = [node for node in nodes if node.index not in self.assembly.left_out]
        for node in nodes:
            if node.index in self.assembly.left_out:
                self.values[node.output] = self.values[node.inputs[0]]
                continue
            value = self.join(node) if node.entry.role == JOIN else self.layer(node)
            value.meta[LAYER] = node.index
            if len(node.outputs) == 1:
                self.values[node.output] = value
                continue
            for given in node.outputs:
                item = self.code.call_function(operator.getitem, (value, given.position))
                self.values[given.id] = item
        if not kept:
            return None
        ends = tuple(self.values[i] for i in self.row.outputs)
        self.code.output(ends if len(ends) > 1 else ends[0])
        module = Network(self.root, self.code, self.row.name)
        module.meta["label"] = self.row.label
        module.meta["input"] = fixed_shape(self.graph.shape(self.row.source)) if self.row.sources else ()
        return module

    def layer(self, node: Node) -> fx.Node:
        """Add a layer's module to `root`, and its call to `code`."""
        op = node.entry
        shapes = self.graph.input_shapes(node)
        values = [self.taken(i, op.taken(s), op.moves) for i, s in zip(node.inputs, shapes, strict=True)]
        module = LAYERS[node.op](fixed_attrs(node.attrs), fixed_shape(op.taken(shapes[0])))
        if op.role == ACTIVATION and hasattr(module, "inplace") and self.free(node.inputs[0], joins=True):
            module.inplace = True  # type: ignore[assignment]
        mark(module, self.graph.node_parameters(node), self.assembly.gains.get(node.index, 1.0))
        self.assembly.modules[node.index] = module
        name = module_name(node.name).removeprefix(module_name(self.row.name) + ".")
        _place(self.root, name, module)
        return self.code.call_module(name, tuple(values))

    def taken(self, index: int, shape: Shape, moves: bool = True) -> fx.Node:
        """A value in the shape in which an op takes it: laid flat, or lifted to an image of one pixel."""
        value, own = self.values[index], self.graph.shape(index)
        if len(own) == len(shape) or (len(shape) < len(own) and not moves):
            return value  # what only lays an image flat does so by itself
        if len(shape) < len(own):
            return self.code.call_function(torch.flatten, (value, 1))
        return self.code.call_method("reshape", (value, -1, *fixed_shape(shape)))

    def join(self, node: Node) -> fx.Node:
        """Join branches; a vector meets an image as an image of one pixel."""
        shapes = self.graph.input_shapes(node)
        images = any(len(shape) == 3 for shape in shapes)
        taken = [as_image(shape) if images else shape for shape in shapes]
        values = [self.taken(i, shape) for i, shape in zip(node.inputs, taken, strict=True)]
        return JOINS[node.op](self.code, values, [self.free(i) for i in node.inputs])

    def free(self, index: int, joins: bool = False) -> bool:
        """Whether a value may be overwritten by its reader.

        It must be fresh memory (of a layer with weights, a normalisation, or a join where `joins`) that
        nobody else reads and that autograd does not need; a row never overwrites what it was given.
        """
        node = self.graph.producer(index)
        op = node.entry
        alone = self.assembly.readers[index] == 1 and index not in self.row.outputs
        own = node.row == self.row.index and len(node.inputs) > (op.role == JOIN)
        return alone and own and (op.weighted or (op.reuses and (joins or op.role != JOIN)))


def _holder(module: nn.Module, name: str) -> nn.Module:
    """The part of a layer that holds its parameter `name`: itself, or what stands behind its padding."""
    for part in module.modules():
        held = (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))
        if name in dict(held):
            return part
    raise KeyError(name)


def _place(root: nn.Module, name: str, module: nn.Module) -> None:
    """Add `module` under a dotted name, with plain modules in between."""
    *path, last = name.split(".")
    for part in path:
        if part not in dict(root.named_children()):
            root.add_module(part, nn.Module())
        root = root.get_submodule(part)
    root.add_module(last, module)
