"""`Graph` -> `Verification`: what archcalc counts on paper beside what counters of the built network say.

Four figures of every row and layer: the output shape against a real forward pass, params against the
tensors of the network, MACs against fvcore and torch's `FlopCounterMode`, activations against fvcore. All
of them are exact integers, and agreement means equality.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import fx

from archcalc.cost import counts
from archcalc.display import Displayed
from archcalc.nn import network, profiler
from archcalc.nn.fixed import fixed_shape
from archcalc.ops.op import BUFFER, JOIN
from archcalc.shapes import FLOAT

if TYPE_CHECKING:
    from archcalc.cost.counts import Cost
    from archcalc.graph.graph import Graph, Value
    from archcalc.nn.network import Network
    from archcalc.nn.profiler import ModuleProfile
    from archcalc.numbers import Number
    from archcalc.shapes import Shape

SYMBOLIC = "symbolic"


@dataclass(frozen=True, slots=True)
class Check:
    """One metric of one part: what each counter says of it; `symbolic` is archcalc's own figure."""

    metric: str
    figures: Mapping[str, Any]

    @property
    def agrees(self) -> bool:
        """Whether all counters say the same."""
        return all(figure == self.figures[SYMBOLIC] for figure in self.figures.values())


@dataclass(frozen=True, slots=True)
class Part:
    """A layer, a row, or the network (`name` empty), with its checks.

    `label` is the row's text in the table. `unknown` holds, by counter, the operators in this part that it
    has no formula for: a zero beside one of them is no count.
    """

    name: str
    label: str
    checks: tuple[Check, ...]
    unknown: Mapping[str, Mapping[str, int]]

    @property
    def agrees(self) -> bool:
        """Whether the counters agree on every metric."""
        return all(check.agrees for check in self.checks)

    def __getitem__(self, metric: str) -> Check:
        """The check of `metric`. Raises KeyError where this part has none."""
        for check in self.checks:
            if check.metric == metric:
                return check
        raise KeyError(metric)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where counters part: the place, the metric, and what each counter says."""

    name: str
    label: str
    metric: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Verification(Displayed):
    """Every check of a network on `batch` inputs of shape `input`, in inference.

    `beside` is what fvcore counts in other units (normalisation), `notes` what the counters warned of.
    """

    network: str
    input: Shape
    batch: int
    heads: bool
    total: Part
    rows: tuple[Part, ...]
    layers: tuple[Part, ...]
    beside: Mapping[str, int]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        checks = sum(len(part.checks) for part in self.parts)
        outcome = "all agree" if self.agrees else f"{len(self.disagreements)} disagree"
        return f"Verification({self.network!r}, batch {self.batch}, {checks} checks: {outcome})"

    @property
    def parts(self) -> Iterator[Part]:
        """The network, its rows and its layers."""
        yield self.total
        yield from self.rows
        yield from self.layers

    @property
    def agrees(self) -> bool:
        """Whether all counters agree everywhere."""
        return all(part.agrees for part in self.parts)

    @property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Every check on which they do not, the network first, then rows, then layers."""
        return tuple(
            Disagreement(part.name, part.label, check.metric, check.figures)
            for part in self.parts
            for check in part.checks
            if not check.agrees
        )

    @property
    def unknown(self) -> Mapping[str, Mapping[str, int]]:
        """By counter, the operators that it has no formula for, and how often they ran."""
        return self.total.unknown


def verify(graph: Graph, batch: int = 1) -> Verification:
    """Build `graph` on the CPU, run it on `batch` random inputs, and compare it with its counts.

    Raises what torch raises where the network cannot run at all.
    """
    counted = counts.count(graph, batch)
    built = network.build(graph, probabilities=True)
    generator = torch.Generator().manual_seed(0)
    inputs = [_random(graph.values[i], batch, generator) for i in graph.inputs]
    profile = profiler.profile_on(built, inputs)
    shapes = _shapes(built, graph, inputs)
    labels = [row.label for row in graph.rows]
    outputs = {row.row.output: row.output for row in counted.rows}
    rows = tuple(
        _part(
            row.row.name,
            row.row.label,
            {"output": {SYMBOLIC: outputs[row.row.output], "network": shapes[row.row.output]}},
            replace(row.cost, params=_held(graph, row.row.nodes)),
            profile.modules[network.module_name(row.row.name)],
        )
        for row in counted.rows
    )
    layers = tuple(
        _part(
            layer.node.name,
            labels[layer.node.row],
            {"output": {SYMBOLIC: layer.node.shape, "network": shapes[layer.node.output]}},
            replace(layer.cost, params=_held(graph, (layer.node.index,))),
            None if layer.node.entry.role == JOIN else profile.modules[network.module_name(layer.node.name)],
        )
        for row in counted.rows
        for layer in row.nodes
    )
    return Verification(
        network=graph.name,
        input=graph.input,
        batch=batch,
        heads=counted.heads,
        total=_part("", graph.title, {}, counted.total, profile.total),
        rows=rows,
        layers=layers,
        beside=profile.beside,
        notes=profile.notes + tuple(f"`{name}` never ran" for name in profile.uncalled),
    )


def _held(graph: Graph, nodes: Iterable[int]) -> Number:
    """The learnable values that some nodes read, their own and shared ones, each once."""
    indices = dict.fromkeys(i for node in nodes for i in graph.nodes[node].parameters)
    held = (graph.parameters[i].parameter for i in indices)
    return sum((p.size for p in held if p.kind != BUFFER), start=0)


def _part(
    name: str,
    label: str,
    shapes: Mapping[str, Mapping[str, Any]],
    cost: Cost,
    measured: ModuleProfile | None,
) -> Part:
    """The checks of one part; a join is no module, so only its shape is checked."""
    figures = dict(shapes)
    if measured is not None:
        figures["params"] = {SYMBOLIC: cost.params, "network": measured.params}
        figures["macs"] = {SYMBOLIC: cost.macs, "fvcore": measured.fvcore, "torch": measured.torch}
        figures["activations"] = {SYMBOLIC: cost.activations, "fvcore": measured.activations}
    checks = tuple(Check(metric, values) for metric, values in figures.items())
    return Part(name, label, checks, measured.unknown if measured is not None else {})


# -- shapes of a real forward pass ------------------------------------------------------------------


def _shapes(built: Network, graph: Graph, inputs: Sequence[torch.Tensor]) -> dict[int, Shape]:
    """The shape of every value for one item of the batch, from a forward pass."""
    shapes: dict[int, Shape] = {}
    built.eval()
    with torch.no_grad():
        _Rows(built, graph, shapes).run(*inputs)
    return shapes


def _random(value: Value, batch: int, generator: torch.Generator) -> torch.Tensor:
    """A random input: N(0, 1), or zeros of a dtype that is no float."""
    if value.dtype == FLOAT:
        return torch.randn(batch, *fixed_shape(value.shape), generator=generator)
    return torch.zeros(batch, *fixed_shape(value.shape), dtype=getattr(torch, value.dtype))


class _Layers(fx.Interpreter):
    """Runs a row layer by layer, and notes the shape of each value."""

    def __init__(self, row: fx.GraphModule, graph: Graph, shapes: dict[int, Shape]) -> None:
        super().__init__(row)
        self.network = graph
        self.shapes = shapes

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if network.LAYER in n.meta:
            node = self.network.nodes[n.meta[network.LAYER]]
            parts = result if isinstance(result, tuple) else (result,)
            for value, part in zip(node.outputs, parts, strict=True):
                self.shapes[value.id] = tuple(part.shape[1:])
        return result


class _Rows(fx.Interpreter):
    """Runs a network row by row."""

    def __init__(self, built: fx.GraphModule, graph: Graph, shapes: dict[int, Shape]) -> None:
        super().__init__(built)
        self.network = graph
        self.shapes = shapes

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        row = self.fetch_attr(target)
        return _Layers(row, self.network, self.shapes).run(*args)
