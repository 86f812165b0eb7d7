"""Values of layers against references written in another way, and what ops refuse."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_strategies import convolutions, grids, pairs, pools, prepared, sides
from torch import nn
from torch.nn import functional

from archcalc.nn.fixed import fixed_attrs
from archcalc.nn.layers import LAYERS
from archcalc.ops.op import Attrs, LayerRequest
from archcalc.ops.table import OPS
from archcalc.shapes import elements

Shape = tuple[int, ...]


def feature_map(source: Shape) -> torch.Tensor:
    """Two images of distinct values of both signs."""
    values = torch.linspace(-1, 1, 2 * elements(source), dtype=torch.float64)
    shuffled = values[torch.randperm(len(values), generator=torch.Generator().manual_seed(0))]
    return shuffled.reshape(2, *source)


def layer(name: str, attrs: Attrs, source: Shape) -> nn.Module:
    """The torch layer of an op."""
    return LAYERS[name](fixed_attrs(attrs), source).double()


# -- values, against references written in another way ------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(convolutions())
def test_a_convolution_pads_with_zeros(written: tuple[LayerRequest, Shape]) -> None:
    request, source = written
    attrs = prepared(OPS["conv"], request, source)
    if attrs is None:
        return
    module = layer("conv", attrs, source)
    state = dict(module.named_parameters())
    weight = next(v for k, v in state.items() if k.endswith("weight"))
    bias = next((v for k, v in state.items() if k.endswith("bias")), None)
    (top, bottom), (left, right) = attrs.pad
    x = feature_map(source)
    padded = functional.pad(x, (left, right, top, bottom))
    expected = functional.conv2d(padded, weight, bias, attrs.stride, 0, attrs.dilation, attrs.groups)
    torch.testing.assert_close(module(x), expected)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(st.integers(1, 6), st.integers(1, 3), st.integers(6, 16))
@settings(deadline=None, max_examples=40)
def test_same_is_what_torch_calls_same(kernel: int, dilation: int, side: int) -> None:
    """At stride 1; the odd one of an even kernel goes to the end."""
    request = LayerRequest((kernel, kernel), (1, 1), 2, {"same": (), "dilation": (dilation,)})
    attrs = OPS["conv"].prepare(request, (2, side, side))
    module = layer("conv", attrs, (2, side, side))
    x = feature_map((2, side, side))
    weight = next(iter(module.parameters()))
    expected = functional.conv2d(x, weight, padding="same", dilation=dilation)
    torch.testing.assert_close(module(x), expected)


@given(st.tuples(sides, sides), pairs, grids, st.booleans())
@settings(deadline=None)
def test_same_gives_the_input_over_the_stride(
    kernel: tuple[int, int], stride: tuple[int, int], grid: tuple[int, int], ceil: bool
) -> None:
    flags = {"same": (), "ceil": ()} if ceil else {"same": ()}
    for name in ("conv", "dwconv", "maxpool", "avgpool"):
        op, source = OPS[name], (2, *grid)
        attrs = op.prepare(LayerRequest(kernel, stride, 2, flags), source)
        expected = tuple(-(-side // step) for side, step in zip(grid, stride, strict=True))
        assert op.outputs(attrs, (source,))[0][1:] == expected


def pooled(x: torch.Tensor, attrs: Attrs, shape: Shape, what: str) -> torch.Tensor:
    """Pooling window by window, from the definitions in PyTorch's documentation."""
    result = torch.empty(x.shape[0], *shape, dtype=x.dtype)
    extents = []
    for axis in (0, 1):
        (before, after), side = attrs.pad[axis], x.shape[axis + 2]
        spans = []
        for i in range(shape[axis + 1]):
            start = i * attrs.stride[axis] - before
            stop = min(start + attrs.kernel[axis], side + after)
            spans.append((max(start, 0), min(stop, side), stop - start))
        extents.append(spans)
    for (i, (top, bottom, height)), (j, (left, right, width)) in itertools.product(
        enumerate(extents[0]), enumerate(extents[1])
    ):
        inside = x[:, :, top:bottom, left:right].flatten(2)
        if what == "max":
            result[:, :, i, j] = inside.amax(2)
        else:
            result[:, :, i, j] = inside.sum(2) / (height * width if what == "mean" else inside.shape[2])
    return result


@settings(deadline=None, max_examples=200)
@given(pools("exclude_pad"), st.sampled_from(["maxpool", "avgpool"]))
def test_pools_against_their_definition(written: tuple[LayerRequest, Shape], name: str) -> None:
    request, source = written
    op = OPS[name]
    attrs = prepared(op, request, source)
    if attrs is None or "adaptive" in attrs.options:
        return
    (shape,) = op.outputs(attrs, (source,))
    x = feature_map(source)
    what = "max" if name == "maxpool" else "mean of inside" if "exclude_pad" in request.flags else "mean"
    torch.testing.assert_close(layer(name, attrs, source)(x), pooled(x, attrs, shape, what))


def test_local_response_normalisation_is_alexnets() -> None:
    """Krizhevsky et al. 2012, section 3.3: a / (2 + 1e-4 x the sum over 5 maps of a^2) ^ 0.75."""
    source = (7, 2, 3)
    x = 50 * feature_map(source)
    expected = torch.empty_like(x)
    for i in range(7):
        near = x[:, max(0, i - 2) : i + 3]
        expected[:, i] = x[:, i] / (2 + 1e-4 * near.square().sum(1)) ** 0.75
    attrs = OPS["lrn"].prepare(LayerRequest(None, None, None, {}), source)
    torch.testing.assert_close(layer("lrn", attrs, source)(x), expected)


def test_scale_begins_as_the_identity() -> None:
    attrs = OPS["scale"].prepare(LayerRequest(None, None, None, {"bias": ()}), (3, 2, 2))
    x = feature_map((3, 2, 2))
    assert torch.equal(layer("scale", attrs, (3, 2, 2))(x), x)


# -- refusals: what an op refuses, torch refuses too ---------------------------------------------------


@pytest.mark.parametrize("name", ["maxpool", "avgpool"])
@pytest.mark.parametrize("pad", [(2,), (2, 1), (1, 2)])
def test_a_pool_takes_no_more_padding_than_half_its_window(name: str, pad: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a window of 3 is padded by 1 at most, not by 2"):
        OPS[name].prepare(LayerRequest((3, 3), (2, 2), None, {"pad": pad}), (4, 9, 9))
    function = functional.max_pool2d if name == "maxpool" else functional.avg_pool2d
    with pytest.raises(RuntimeError, match="pad"):
        function(torch.zeros(1, 4, 9, 9), 3, 2, pad if len(pad) > 1 else pad[0])


@pytest.mark.parametrize("groups", [2, 4, 0])
def test_channels_divide_by_groups(groups: int) -> None:
    for name in ("conv", "shuffle"):
        with pytest.raises(ValueError, match=f"do not divide by {groups} groups"):
            OPS[name].prepare(LayerRequest((1, 1), (1, 1), 12, {"groups": (groups,)}), (9, 4, 4))


@pytest.mark.parametrize("name", ["conv", "maxpool"])
def test_a_window_fits_its_grid(name: str) -> None:
    attrs = OPS[name].prepare(LayerRequest((5, 5), (1, 1), 2, {}), (2, 4, 9))
    with pytest.raises(ValueError, match="a window of 5 does not fit on a grid of 4x9"):
        OPS[name].outputs(attrs, ((2, 4, 9),))
    x = torch.zeros(1, 2, 4, 9)
    with pytest.raises(RuntimeError):
        functional.conv2d(x, torch.zeros(2, 2, 5, 5)) if name == "conv" else functional.max_pool2d(x, 5, 1)


def test_ceil_clips_a_window_to_a_smaller_grid() -> None:
    """torch's `ceil_mode` pools a 2x2 grid by 3x3/2 to 1x1."""
    attrs = OPS["maxpool"].prepare(LayerRequest((3, 3), (2, 2), None, {"ceil": ()}), (1, 2, 2))
    assert OPS["maxpool"].outputs(attrs, ((1, 2, 2),)) == ((1, 1, 1),)
    assert functional.max_pool2d(torch.zeros(1, 1, 2, 2), 3, 2, ceil_mode=True).shape[2:] == (1, 1)
