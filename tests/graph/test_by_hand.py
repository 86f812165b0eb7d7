"""A graph that no document made: counted, built, verified, drawn, exported, reported."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from archcalc import export
from archcalc.cost.counts import count
from archcalc.errors import ArchcalcError
from archcalc.graph.builder import Builder
from archcalc.graph.graph import Graph
from archcalc.nn import network
from archcalc.nn.initialise import initialise
from archcalc.nn.verify import verify
from archcalc.ops.op import UnfitError
from archcalc.plots import diagram, style
from archcalc.report import layers, page, single
from archcalc.report.evidence import Evidence
from archcalc.views import costs, structure


def small() -> Graph:
    """Two inputs, channels split in two, one pair of layers that share a weight, two outputs."""
    b = Builder("by hand")
    image = b.input((4, 8, 8), "image")
    hint = b.input((6,), "hint")
    with b.row("stem"):
        x = b.layer("conv", image, kernel=3, channels=8, same=True, bias=True)
        x = b.layer("relu", b.layer("bn", x))
    with b.row("halves"):
        left, right = b.outputs("split", x, parts=2)
        left = b.layer("conv", left, kernel=1, channels=4)
        right = b.layer("conv", right, kernel=1, channels=4, shared={"weight": b.parameter(left, "weight")})
        both = b.layer("concat", left, right)
    with b.row("gate"):
        scale = b.layer("sigmoid", b.layer("linear", hint, channels=8, bias=True))
        gated = b.layer("multiply", both, scale)
    with b.row("end"):
        logits = b.layer("linear", b.layer("avgpool", gated, **{"global": True}), channels=3)
    return b.build(logits, gated)


def test_it_is_counted() -> None:
    counted = count(small(), batch=2)
    conv, one, gate, end = 9 * 4 * 8, 4 * 4, 6 * 8, 8 * 3
    assert counted.total.weights == conv + one + gate + end  # the shared weight once
    assert counted.total.params == counted.total.weights + 8 + 2 * 8 + 8
    assert counted.total.macs == 2 * (64 * (conv + 2 * one) + gate + end)
    assert sum(row.cost.params for row in counted.rows) == counted.total.params
    assert counted.total.depth == 3
    shapes = [(row.row.sources, row.output) for row in counted.rows]
    assert [output for _, output in shapes] == [(8, 8, 8), (8, 8, 8), (8, 8, 8), (3,)]
    assert len(shapes[2][0]) == 2  # the gate reads the map and the hint
    assert repr(counted) == "Counts('by hand', batch 2, fp32, 4 rows, params 408, MACs 41104)"


def test_it_is_built_and_gives_what_its_layers_give() -> None:
    built = initialise(network.build(small()), seed=1).double().eval()
    image, hint = torch.randn(2, 4, 8, 8).double(), torch.randn(2, 6).double()
    with torch.no_grad():
        logits, gated = built(image, hint)
        x = built.get_submodule("stem.relu")(
            built.get_submodule("stem.bn")(built.get_submodule("stem.conv")(image))
        )
        weight = built.get_submodule("halves.conv_1").weight
        assert weight is built.get_submodule("halves.conv_2").weight
        halves = torch.cat([nn.functional.conv2d(part, weight) for part in x.chunk(2, 1)], 1)
        gate = built.get_submodule("gate.linear")(hint).sigmoid()[:, :, None, None]
        torch.testing.assert_close(gated, halves * gate)
        mean = (halves * gate).mean((2, 3))
        torch.testing.assert_close(logits, built.get_submodule("end.linear")(mean))


def test_it_is_verified() -> None:
    result = verify(small(), batch=2)
    assert result.agrees, result.disagreements
    assert result.total["params"].figures == {"symbolic": 408, "network": 408}


def test_it_is_drawn_exported_and_shown() -> None:
    counted = count(small())
    for name in export.names():
        text = export.render(name, [costs.costs(counted, expand=True)], lambda: costs.costs_json(counted))
        assert "halves" in text, name
    nodes = export.render("csv", [structure.graph(counted.graph)], dict)
    assert "halves.split" in nodes
    boxes = layers.rows(counted)
    assert [row.label for row in boxes] == ["stem", "halves", "gate", "end"]
    assert "<svg" in style.svg(lambda: diagram.diagram(boxes, int(counted.total.macs)))


def test_it_is_reported() -> None:
    made = single.of_counts(count(small()), Evidence(()))
    written = page.files(made)
    text = written["by-hand.md"]
    assert "A network that no document describes" in text
    assert "costs 20.55K MACs and 408 params" in text
    assert "| halves |" in text
    assert str(written["by-hand/diagram.svg"]).count("<svg") == 1


def test_nodes_outside_rows_are_rows_of_their_own() -> None:
    b = Builder("loose")
    graph = b.build(b.layer("linear", b.layer("relu", b.input((5,))), channels=2))
    assert [row.label for row in graph.rows] == ["relu", "linear"]
    assert verify(graph).agrees
    assert repr(graph) == "Graph('loose', input 5, 2 rows, 3 nodes)"


def test_a_linear_layer_acts_on_each_token_of_a_sequence() -> None:
    b = Builder("tokens")
    graph = b.build(b.layer("softmax", b.layer("linear", b.input((7, 12)), channels=5, bias=True)))
    assert graph.shape(graph.output) == (7, 5)
    assert count(graph).total.macs == 7 * 12 * 5
    assert verify(graph, batch=2).agrees
    built = network.build(graph, probabilities=True)
    torch.testing.assert_close(built(torch.randn(2, 7, 12)).sum(-1), torch.ones(2, 7))


def test_what_does_not_fit_is_refused() -> None:
    b = Builder("wrong")
    x = b.input((4, 8, 8))
    with pytest.raises(ArchcalcError, match="no op is called `conf`"):
        b.layer("conf", x)
    with pytest.raises(ArchcalcError, match="`conv` has no flag `grups`"):
        b.layer("conv", x, kernel=1, channels=4, grups=2)
    with pytest.raises(UnfitError, match="do not divide by 3 parts"):
        b.outputs("split", x, parts=3)
    y = b.layer("conv", x, kernel=1, channels=4)
    with pytest.raises(UnfitError, match="cannot be shared by shapes"):
        b.layer("conv", x, kernel=3, channels=4, shared={"weight": b.parameter(y, "weight")})
    with pytest.raises(UnfitError, match="`linear` has 1 inputs, not 2"):
        b.layer("linear", x, y, channels=2)
    with pytest.raises(UnfitError, match="reads images"):
        b.layer("conv", b.input((7, 12), "tokens"), kernel=1, channels=4)
    with pytest.raises(ArchcalcError, match="has no layers"):
        Builder("empty").build()


def test_a_graph_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        small().name = "other"  # type: ignore[misc]
