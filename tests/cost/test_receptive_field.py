"""Receptive fields of whole networks, with branches and residuals, against what autograd says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from positive import positive
from small import spec

import archcalc
from archcalc.cost import receptive_field
from archcalc.graph.graph import Graph
from archcalc.nn import network


def check(graph: Graph) -> int:
    """Compare every row's middle position with its gradient; how many of them look inside the image only."""
    rows = [row for row in graph.trunk if len(graph.shape(row.output)) == 3]
    asked = replace(graph, outputs=tuple(row.output for row in rows))
    built = positive(network.build(asked))
    x = torch.rand(1, *graph.input, dtype=torch.float64, requires_grad=True)
    outputs = built(x)
    fields = receptive_field.fields(graph)
    inside = 0
    for row, output in zip(rows, outputs if isinstance(outputs, tuple) else (outputs,), strict=True):
        down, across = ((side - 1) // 2 for side in output.shape[2:])
        (gradient,) = torch.autograd.grad(output[0, :, down, across].sum(), x, retain_graph=True)
        found = [axis.nonzero().flatten() for axis in (gradient[0].sum((0, 2)), gradient[0].sum((0, 1)))]
        expected = tuple((int(axis.min()), int(axis.max())) for axis in found)
        assert receptive_field.seen(graph, row.output) == expected, row.label
        for (low, high), side, (size, _) in zip(expected, graph.input[1:], fields[row.output], strict=True):
            assert high - low + 1 <= size  # the published size does not know the image's borders
            if low > 0 and high < side - 1:
                inside += 1
                assert high - low + 1 == size, row.label
    return inside


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("googlenet", 96),
        ("googlenet-torchvision", 64),
        pytest.param("inception-v3", 107, marks=pytest.mark.slow),
        pytest.param("inception-v2", 107, marks=pytest.mark.slow),
        ("resnet-18", 70),
        pytest.param("resnet-50", 64, marks=pytest.mark.slow),
        ("mobilenet-v2", 65),
        pytest.param("densenet-121", 64, marks=pytest.mark.slow),
        ("vgg-11", 64),
        ("alexnet-torchvision", 127),
        ("nin", 99),
        ("lenet-5", 32),
    ],
)
def test_shipped_networks(name: str, side: int) -> None:
    assert check(archcalc.load(name).graph(side)) > 0


@pytest.mark.parametrize(
    "rows",
    [
        "a -> concat[ conv 3x3 4 same | conv 5x5 4 same > conv 1x7 4 same | maxpool 3x3/1 same ]",
        "a -> conv 3x3/2 4 same\nb -> add[ conv 3x3 4 same dilation=3 > conv 1x1 4 | skip ]",
        "a -> conv 3x3 4\nb -> multiply[ avgpool global > conv 1x1 4 > sigmoid | skip ] > conv 3x3 4 same",
        "a -> concat[ conv 2x2/2 4 same | avgpool adaptive=10 ] > conv 3x3 3 same",
        "a -> maxpool 3x3/2 ceil > conv 1x1/2 4 > conv 3x3 4 same",
    ],
)
def test_branches_residuals_and_odd_windows(rows: str) -> None:
    check(spec(rows, input="20x20x4").graph())


def test_the_published_size_is_the_usual_recurrence() -> None:
    """By hand: 3 pixels, then (3 - 1) x 2 more, then (5 - 1) x 2 more, past the image if need be."""
    graph = spec("a -> conv 3x3/2 4\nb -> conv 3x3 4 same\nc -> conv 5x5 4 same", input="9x9x3").graph()
    sizes = [receptive_field.fields(graph)[row.output] for row in graph.rows]
    assert [size for (size, _), _ in sizes] == [3, 7, 15]


def test_an_output_behind_padding_only_sees_nothing() -> None:
    graph = spec("a -> conv 1x1 2 pad=2", input="4x4x3").graph()
    assert receptive_field.seen(graph, position=(0, 0)) is None
    assert receptive_field.seen(graph, position=(2, 3)) == ((0, 0), (1, 1))
