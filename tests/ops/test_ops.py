"""Every entry of the one table of ops against torch: shape, parameters, multiply-adds and values."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from archcalc.ops.table import OPS, Attrs, LayerRequest, Op, elements

Shape = tuple[int, int, int]
sides = st.integers(1, 4)
pairs = st.tuples(sides, sides)
grids = st.tuples(st.integers(1, 13), st.integers(1, 13))


@st.composite
def windows(draw: st.DrawFn, dilated: bool, largest: int = 5) -> dict[str, Any]:
    """A kernel, a stride, and the flags that say how windows lie on the grid."""
    kernel = draw(st.tuples(st.integers(1, largest), st.integers(1, largest)))
    flags: dict[str, tuple[Any, ...]] = {}
    padding = draw(st.sampled_from(["none", "valid", "same", "pad", "pad two"]))
    if padding in ("valid", "same"):
        flags[padding] = ()
    elif padding == "pad":
        flags["pad"] = (draw(st.integers(0, 3)),)
    elif padding == "pad two":
        flags["pad"] = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    if draw(st.booleans()):
        flags["ceil"] = ()
    if dilated and draw(st.booleans()):
        flags["dilation"] = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple))
    return {"kernel": kernel, "stride": draw(pairs), "flags": flags}


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    window = draw(windows(dilated=True))
    groups = draw(st.integers(1, 3))
    channels, given_channels = groups * draw(sides), groups * draw(sides)
    flags = window["flags"] | draw(st.sampled_from([{}, {"bias": ()}, {"nobias": ()}]))
    if groups > 1:
        flags["groups"] = (groups,)
    return LayerRequest(window["kernel"], window["stride"], given_channels, flags), (channels, *draw(grids))


@st.composite
def depthwise(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    request, source = draw(convolutions())
    flags = {k: v for k, v in request.flags.items() if k != "groups"}
    if draw(st.booleans()):
        flags["multiplier"] = (draw(sides),)
    return LayerRequest(request.kernel, request.stride, None, flags), source


@st.composite
def pools(draw: st.DrawFn, *own: str) -> tuple[LayerRequest, Shape]:
    grid = draw(grids)
    how = draw(st.sampled_from(["window", "window", "whole", "global", "adaptive"]))
    flags: dict[str, Any] = {flag: () for flag in own if draw(st.booleans())}
    source = (draw(sides), *grid)
    if how == "global":
        return LayerRequest(None, None, None, flags | {"global": ()}), source
    if how == "adaptive":
        return LayerRequest(None, None, None, flags | {"adaptive": (draw(st.integers(1, 5)),)}), source
    if how == "whole":  # a window over the whole grid needs no stride
        return LayerRequest(grid, None, None, flags), source
    window = draw(windows(dilated=False))
    return LayerRequest(window["kernel"], window["stride"], None, flags | window["flags"]), source


@st.composite
def plain(
    draw: st.DrawFn, sized: bool = False, **flags: st.SearchStrategy[Any]
) -> tuple[LayerRequest, Shape]:
    chosen = {name: draw(values) for name, values in flags.items() if draw(st.booleans())}
    return LayerRequest(None, None, draw(sides) if sized else None, chosen), (draw(sides), *draw(grids))


@st.composite
def dealt(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    groups = draw(st.integers(1, 3))
    return LayerRequest(None, None, None, {"groups": (groups,)}), (groups * draw(sides), *draw(grids))


@st.composite
def selections(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    channels = draw(sides)
    maps = draw(st.lists(st.integers(0, channels - 1), min_size=1, max_size=5))
    return LayerRequest(None, None, None, {"maps": tuple(maps)}), (channels, *draw(grids))


WRITTEN: dict[str, st.SearchStrategy[tuple[LayerRequest, Shape]]] = {
    "conv": convolutions(),
    "dwconv": depthwise(),
    "linear": plain(sized=True, bias=st.just(())),
    "rbf": plain(sized=True),
    "maxpool": pools(),
    "avgpool": pools("exclude_pad"),
    "bn": plain(eps=st.sampled_from([(Fraction(1, 1000),), (Fraction(1, 2),)])),
    "lrn": plain(size=st.tuples(st.integers(1, 6))),
    "scale": plain(bias=st.just(())),
    "dropout": plain(p=st.just((Fraction(3, 10),))),
    "select": selections(),
    "shuffle": dealt(),
}


def prepared(op: Op, request: LayerRequest, source: Shape) -> tuple[Attrs, Shape] | None:
    """Attributes and output shape; None where the op rightly says that it cannot stand on `source`."""
    try:
        attrs = op.prepare(request, source)
        return attrs, op.shape(attrs, source)
    except ValueError:
        assert request.kernel is not None
        pad, dilation = request.flags.get("pad", (0,)), request.flags.get("dilation", (1,))
        for axis, kernel in enumerate(request.kernel):
            padded = source[axis + 1] + 2 * pad[axis % len(pad)]
            too_large = dilation[axis % len(dilation)] * (kernel - 1) + 1 > padded
            too_padded = op.role == "pool" and 2 * pad[axis % len(pad)] > kernel
            if too_large or too_padded:
                return None
        raise


def feature_map(source: Shape, flat: bool = False) -> torch.Tensor:
    """Two images of distinct values of both signs."""
    values = torch.linspace(-1, 1, 2 * elements(source), dtype=torch.float64)
    shuffled = values[torch.randperm(len(values), generator=torch.Generator().manual_seed(0))]
    return shuffled.reshape(2, *source[:1] if flat else source)


@pytest.mark.parametrize("name", OPS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_an_entry_is_what_torch_does(name: str, data: st.DataObject) -> None:
    op = OPS[name]
    request, source = data.draw(WRITTEN.get(name, plain()))
    flat = op.flat is not False and data.draw(st.booleans())
    if flat:
        source = (source[0], 1, 1)
    found = prepared(op, request, source)
    if found is None:
        return
    attrs, shape = found
    assert op.module is not None
    module = op.module(attrs, source, flat or op.flat is True).double().eval()
    x = feature_map(source, flat)
    if op.flat is True:
        x = x.flatten(1)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        y = module(x)
    assert tuple(y.shape) == (2, *(shape[:1] if flat or op.flat is True else shape))
    assert y.isfinite().all()
    numbers = [p.numel() for p in module.parameters()]
    assert sum(numbers) == op.weights(attrs, source, shape) + op.biases(attrs, source, shape)
    read = [b.numel() for b in module.buffers() if b.is_floating_point()]
    assert sum(read) == op.buffers(attrs, source, shape)
    assert counter.get_total_flops() == 2 * 2 * op.macs(attrs, source, shape)


@pytest.mark.parametrize("name", [op.name for op in OPS.values() if op.role == "weighted"])
def test_biases_are_counted_apart_from_weights(name: str) -> None:
    op, source = OPS[name], (6, 5, 5)
    flags = {"bias": (), "same": ()} if "same" in op.flags else {"bias": ()}
    attrs = op.prepare(LayerRequest((3, 3), (1, 1), 12, flags), source)
    module = op.module(attrs, source, op.flat is True) if op.module else None
    assert module is not None
    assert op.weights(attrs, source, op.shape(attrs, source)) == module.weight.numel()
    assert op.biases(attrs, source, op.shape(attrs, source)) == module.bias.numel() > 0


# -- values, against references written in another way ------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(convolutions())
def test_a_convolution_pads_with_zeros(written: tuple[LayerRequest, Shape]) -> None:
    request, source = written
    found = prepared(OPS["conv"], request, source)
    if found is None or OPS["conv"].module is None:
        return
    attrs, _ = found
    module = OPS["conv"].module(attrs, source, False).double()
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
    assert OPS["conv"].module is not None
    module = OPS["conv"].module(attrs, (2, side, side), False).double()
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
        assert op.shape(attrs, source)[1:] == expected


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
    found = prepared(op, request, source)
    if found is None or "adaptive" in found[0].options or op.module is None:
        return
    attrs, shape = found
    x = feature_map(source)
    what = "max" if name == "maxpool" else "mean of inside" if "exclude_pad" in request.flags else "mean"
    torch.testing.assert_close(op.module(attrs, source, False)(x), pooled(x, attrs, shape, what))


def test_local_response_normalisation_is_alexnets() -> None:
    """Krizhevsky et al. 2012, section 3.3: a / (2 + 1e-4 x the sum over 5 maps of a^2) ^ 0.75."""
    source = (7, 2, 3)
    module = OPS["lrn"].module
    assert module is not None
    x = 50 * feature_map(source)
    expected = torch.empty_like(x)
    for i in range(7):
        near = x[:, max(0, i - 2) : i + 3]
        expected[:, i] = x[:, i] / (2 + 1e-4 * near.square().sum(1)) ** 0.75
    attrs = OPS["lrn"].prepare(LayerRequest(None, None, None, {}), source)
    torch.testing.assert_close(module(attrs, source, False)(x), expected)


def test_scale_begins_as_the_identity() -> None:
    attrs = OPS["scale"].prepare(LayerRequest(None, None, None, {"bias": ()}), (3, 2, 2))
    assert OPS["scale"].module is not None
    x = feature_map((3, 2, 2))
    assert torch.equal(OPS["scale"].module(attrs, (3, 2, 2), False).double()(x), x)


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
        OPS[name].shape(attrs, (2, 4, 9))
    x = torch.zeros(1, 2, 4, 9)
    with pytest.raises(RuntimeError):
        functional.conv2d(x, torch.zeros(2, 2, 5, 5)) if name == "conv" else functional.max_pool2d(x, 5, 1)


def test_ceil_clips_a_window_to_a_smaller_grid() -> None:
    """torch's `ceil_mode` pools a 2x2 grid by 3x3/2 to 1x1."""
    attrs = OPS["maxpool"].prepare(LayerRequest((3, 3), (2, 2), None, {"ceil": ()}), (1, 2, 2))
    assert OPS["maxpool"].shape(attrs, (1, 2, 2)) == (1, 1, 1)
    assert functional.max_pool2d(torch.zeros(1, 1, 2, 2), 3, 2, ceil_mode=True).shape[2:] == (1, 1)
