"""Every entry of the table of ops against torch: one test, all ops, attributes and flags drawn."""

from __future__ import annotations

import copy
from typing import Any

import ops_strategies as draws
import pytest
import torch
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from positive import positive
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archcalc.bench.runner import fuse
from archcalc.cost import receptive_field
from archcalc.cost.counts import NodeCount, count
from archcalc.graph.builder import Builder
from archcalc.graph.graph import Graph
from archcalc.nn import network
from archcalc.nn.initialise import initialise
from archcalc.nn.joins import JOINS
from archcalc.nn.layers import LAYERS
from archcalc.ops.op import BUFFER, HE_NORMAL, WEIGHT, ZEROS
from archcalc.ops.table import OPS

Shape = tuple[int, ...]


def test_every_op_has_its_builder_and_no_builder_is_left_over() -> None:
    assert {*LAYERS, *JOINS} == set(OPS) - {"input"}
    assert not set(LAYERS) & set(JOINS)


def single(name: str, data: st.DataObject) -> Graph | None:
    """A graph of one drawn layer, or of one drawn join of inputs; None where the layer does not fit."""
    builder = Builder("one")
    op = OPS[name]
    if op.arity is None:
        shapes = data.draw(draws.joined(name))
        inputs = [builder.input(shape, f"input_{i}") for i, shape in enumerate(shapes)]
        return builder.build(builder.layer(name, *inputs))
    request, source = data.draw(draws.written(name))
    attrs = draws.prepared(op, request, source)
    if attrs is None:
        return None
    values = builder.add(op, attrs, (builder.input(source),))
    return builder.build(*values)


def given_to(graph: Graph, batch: int = 2, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    """Distinct values of both signs for each input."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(batch, *graph.shape(i), generator=generator, dtype=torch.float64).to(dtype)
        for i in graph.inputs
    ]


@pytest.mark.parametrize("name", [name for name in OPS if name != "input"])
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_an_entry_is_what_torch_does(name: str, data: st.DataObject) -> None:
    graph = single(name, data)
    if graph is None:
        return
    built = network.build(graph, probabilities=True).double().eval()
    counted = count(graph, batch=2)
    node = next(n for row in counted.rows for n in row.nodes)
    with torch.no_grad():
        outputs = built(*given_to(graph))
    results = outputs if isinstance(outputs, tuple) else (outputs,)
    # shape
    assert [tuple(y.shape) for y in results] == [(2, *v.shape) for v in node.node.outputs]
    assert all(y.isfinite().all() for y in results)
    check_parameters(built, graph, node)
    # multiply-adds, by torch's counter on `meta`
    abstract = copy.deepcopy(built).to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        abstract(*(x.to("meta") for x in given_to(graph)))
    assert counter.get_total_flops() == 2 * counted.total.macs
    check_traffic(built, graph, node)
    check_initialisation(built, graph)
    check_folding(graph, node)
    check_receptive_field(built, graph)


def check_parameters(built: nn.Module, graph: Graph, node: NodeCount) -> None:
    """The tensors of the module are those of the entry, by name and shape; kinds add up."""
    held = [(p.name, p.shape, p.kind) for p in graph.node_parameters(node.node)]
    learnt = [(n.rpartition(".")[2], tuple(p.shape)) for n, p in built.named_parameters()]
    read = [(n.rpartition(".")[2], tuple(b.shape)) for n, b in built.named_buffers() if b.is_floating_point()]
    assert sorted(learnt) == sorted((n, s) for n, s, kind in held if kind != BUFFER)
    assert sorted(read) == sorted((n, s) for n, s, kind in held if kind == BUFFER)
    assert node.cost.params == sum(p.numel() for p in built.parameters())
    weights = {name for name, _, kind in held if kind == WEIGHT}
    assert node.cost.weights == sum(
        p.numel() for n, p in built.named_parameters() if n.rpartition(".")[2] in weights
    )


def check_traffic(built: nn.Module, graph: Graph, node: NodeCount) -> None:
    """Bytes of the tensors that the module is given, holds and gives; none where it only gives a view."""
    inputs = given_to(graph, dtype=torch.float32)
    module = built.float()
    with torch.no_grad():
        outputs = module(*inputs)
    results = outputs if isinstance(outputs, tuple) else (outputs,)
    memory = inputs[0].untyped_storage().data_ptr()
    if all(y.untyped_storage().data_ptr() == memory for y in results) and len(inputs) == 1:
        assert node.cost.traffic == 0
        return
    tensors = [*inputs, *results, *module.parameters()]
    tensors += [b for b in module.buffers() if b.is_floating_point()]
    assert node.cost.traffic == sum(t.numel() * 4 for t in tensors)


def check_initialisation(built: nn.Module, graph: Graph) -> None:
    """What the entry says of a parameter is what `initialise` draws; all else stays as torch begins it."""
    rules = {p.name: p.initial for shared in graph.parameters for p in [shared.parameter]}
    for parameter in built.parameters():
        parameter.data.fill_(7.0)
    initialise(built, seed=3)
    for name, parameter in built.named_parameters():
        rule = rules[name.rpartition(".")[2]]
        if rule == ZEROS:
            assert not parameter.any()
        elif rule == HE_NORMAL:
            fan_in = products(built, parameter)
            generator = torch.Generator().manual_seed(3)
            drawn = torch.empty(parameter.shape).normal_(0, (2 / fan_in) ** 0.5, generator=generator)
            torch.testing.assert_close(parameter.float(), drawn)
        else:
            assert not (parameter == 7.0).all() or parameter.numel() == 0


def products(built: nn.Module, weight: torch.Tensor) -> int:
    """How many products one output of the layer sums."""
    for module in built.modules():
        if isinstance(module, nn.ConvTranspose2d) and module.weight is weight:
            taps = [-(-k // s) for k, s in zip(module.kernel_size, module.stride, strict=True)]
            return module.in_channels // module.groups * taps[0] * taps[1]
    return weight[0].numel()


def check_folding(graph: Graph, node: NodeCount) -> None:
    """An op folds into the weighted layer before it exactly where the folded network gives the same."""
    if node.node.entry.arity is None or len(graph.shape(graph.inputs[0])) != 3:
        return
    builder = Builder("behind a convolution")
    x = builder.layer("conv", builder.input(graph.input), kernel=1, channels=graph.input[0])
    values = builder.add(node.node.entry, node.node.attrs, (x,))
    behind = builder.build(*values)
    assert bool(behind.foldable()) == node.node.entry.folds
    if not node.node.entry.folds:
        return
    built = initialise(network.build(behind, probabilities=True)).eval()
    for module in built.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    inputs = given_to(behind, dtype=torch.float32)
    with torch.no_grad():
        before = built(*inputs)
        fuse.fold(built, behind, inputs[0])
        torch.testing.assert_close(built(*inputs), before, rtol=1e-4, atol=1e-4)
    left = [m for m in built.modules() if isinstance(m, nn.BatchNorm2d)]
    assert not left


def check_receptive_field(built: nn.Module, graph: Graph) -> None:
    """The pixels whose gradient is not zero are those that `receptive_field.seen` names."""
    if len(graph.input) != 3:
        return
    module = positive(built)
    inputs = [x.abs().requires_grad_() for x in given_to(graph, batch=1)]
    outputs = module(*inputs)
    result = outputs[0] if isinstance(outputs, tuple) else outputs
    shape = graph.shape(graph.output)
    position = tuple((side - 1) // 2 for side in shape[1:]) if len(shape) == 3 else ()
    at = result[(0, slice(None), *position)]
    # no op may hide a pixel by symmetry, as a softmax of equal values would
    weights = torch.linspace(0.5, 1.5, at.numel(), dtype=torch.float64).reshape(at.shape)
    (gradient,) = torch.autograd.grad((at * weights).sum(), inputs[0], allow_unused=True)
    seen = receptive_field.seen(graph)
    if gradient is None or not gradient.any():
        # torch sees nothing where all that is read is padding, or a channel that is not read
        return
    rows, columns = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    assert seen == ((int(rows.min()), int(rows.max())), (int(columns.min()), int(columns.max())))


def test_flags_are_all_drawn() -> None:
    """A flag that no strategy writes would go untested."""
    for name, strategy in draws.WRITTEN.items():
        for flag in sorted(OPS[name].flags - {"floor"}):  # the absence of `ceil`
            assert is_drawn(strategy, flag), (name, flag)


def is_drawn(strategy: st.SearchStrategy[Any], flag: str) -> bool:
    """Whether some example of the strategy has the flag."""
    quick = settings(max_examples=200, phases=(Phase.generate,), database=None, deadline=None)
    try:
        find(strategy, lambda layer: flag in layer[0].flags, settings=quick)
    except NoSuchExample:
        return False
    return True
