"""What the builder is given counts, or is refused; nothing is ignored, and nothing given is overwritten."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archcalc.cost import receptive_field
from archcalc.cost.counts import count
from archcalc.errors import ArchcalcError
from archcalc.graph.builder import Builder
from archcalc.nn import network, profiler
from archcalc.nn.verify import verify
from archcalc.ops.op import UnfitError
from archcalc.views import structure


@pytest.mark.parametrize(
    ("op", "given", "message"),
    [
        ("relu", {"kernel": 3}, "`relu` has no kernel"),
        ("relu", {"channels": 9}, "`relu` has no channels"),
        ("relu", {"stride": 2}, "`relu` has no stride"),
        ("conv", {"channels": 4}, "`conv` needs its kernel"),
        ("linear", {}, "`linear` needs its channels"),
        ("linear", {"channels": -4}, "channels of `-4`"),
        ("conv", {"kernel": 3, "channels": 4, "stride": 0}, "a stride of `0`"),
        ("conv", {"kernel": (3, 3, 3), "channels": 4}, "is not a kernel"),
        ("conv", {"kernel": 3, "channels": 4, "bn": True}, "`bn` is a layer of its own here"),
        ("linear", {"channels": 4, "shared": {"wieght": 0}}, "has no parameter `wieght`"),
    ],
)
def test_a_layer_is_as_asked_or_refused(op: str, given: dict[str, Any], message: str) -> None:
    b = Builder("one")
    x = b.input((3, 8, 8))
    b.layer("linear", x, channels=4)
    with pytest.raises(ArchcalcError, match=message):
        b.layer(op, x, **given)


@pytest.mark.parametrize("shape", [(3, -8, 8), (0,), (1.5,), ("a",)])
def test_an_input_has_whole_sizes(shape: Any) -> None:
    with pytest.raises(ArchcalcError, match="an input of"):
        Builder("one").input(shape)


def test_dtypes_pass_through_what_only_passes_values_on() -> None:
    b = Builder("indices")
    x = b.input((4, 8, 8), dtype="int64")
    graph = b.build(b.layer("select", x, maps=(0, 1)))
    assert graph.values[graph.output].dtype == "int64"
    assert count(graph).total.traffic == 8 * (4 + 2) * 64
    with pytest.raises(UnfitError, match="computes with floats, and int64 comes in"):
        b.layer("conv", x, kernel=1, channels=4)
    with pytest.raises(ArchcalcError, match="no dtype is called `uint8`"):
        b.input((4,), dtype="uint8")


def test_an_output_is_never_overwritten() -> None:
    b = Builder("taps")
    x = b.input((3, 8, 8))
    with b.row("r"):
        before = b.layer("conv", x, kernel=3, channels=3, same=True)
        after = b.layer("relu", before)
        total = b.layer("add", before, x)
    built = network.build(b.build(before, after, total)).eval()
    given = torch.randn(1, 3, 8, 8)
    kept = given.clone()
    with torch.no_grad():
        first, second, third = built(given)
    assert torch.equal(given, kept)
    assert first.min() < 0
    torch.testing.assert_close(second, first.relu())
    torch.testing.assert_close(third, first + given)


def test_a_join_has_two_inputs() -> None:
    b = Builder("join")
    with pytest.raises(UnfitError, match="joins two values or more"):
        b.layer("add", b.input((3,)))


@pytest.mark.parametrize("order", [0, 1])
def test_the_field_is_of_the_first_input(order: int) -> None:
    b = Builder("two")
    inputs = [b.input((3, 9, 9), "a"), b.input((3, 9, 9), "b")]
    small = b.layer("conv", inputs[order], kernel=3, channels=4, same=True)
    large = b.layer("conv", inputs[1 - order], kernel=7, channels=4, same=True)
    graph = b.build(b.layer("add", small, large))
    expected = 3 if order == 0 else 7
    assert count(graph).total.field == (expected, expected)
    seen = receptive_field.seen(graph)
    assert seen is not None
    assert [high - low + 1 for low, high in seen] == [expected, expected]


def test_a_vector_and_an_image_come_in() -> None:
    b = Builder("mixed")
    vector, image = b.input((10,), "v"), b.input((3, 8, 8), "i")
    flat = b.layer("linear", b.layer("conv", image, kernel=3, channels=4), channels=10)
    graph = b.build(b.layer("add", flat, vector))
    assert verify(graph, batch=2).agrees


def test_flatten_lays_a_sequence_flat() -> None:
    b = Builder("tokens")
    flat = b.layer("flatten", b.input((5, 8)))
    graph = b.build(b.layer("rbf", flat, channels=3))
    assert graph.shape(flat) == (40,)
    assert verify(graph, batch=2).agrees


def test_the_listing_of_nodes_names_what_each_reads() -> None:
    b = Builder("split")
    left, right = b.outputs("split", b.input((4, 8, 8)), parts=2)
    graph = b.build(b.layer("concat", b.layer("relu", right), left))
    assert [row[3] for row in structure.graph(graph).rows] == ["", "0", "1[1]", "2, 1[0]"]


def test_a_shared_parameter_is_one_on_meta_too() -> None:
    b = Builder("shared")
    first = b.layer("linear", b.input((4,)), channels=4)
    last = b.layer("linear", first, channels=4, shared={"weight": b.parameter(first, "weight")})
    profile = profiler.profile(network.build(b.build(last), device="meta"), (4,))
    assert profile.total.params == 16


@pytest.mark.parametrize("batch", [0, -1, True, 1.5, "2", [1, 0]])
def test_a_batch_is_whole_and_positive(batch: Any) -> None:
    b = Builder("one")
    graph = b.build(b.layer("linear", b.input((4,)), channels=4))
    with pytest.raises(ArchcalcError, match="a batch of"):
        count(graph, batch)
