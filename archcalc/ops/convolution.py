"""Convolutions: dense, grouped, depthwise and transposed."""

from __future__ import annotations

from dataclasses import replace

from archcalc.numbers import Number, ceil_div, divide, every
from archcalc.ops.op import (
    HE_NORMAL,
    OFFSET,
    WEIGHT,
    WEIGHTED,
    ZEROS,
    Attrs,
    LayerRequest,
    Op,
    Parameter,
    UnfitError,
    Window,
)
from archcalc.ops.windows import WINDOW_FLAGS, looks, padded_at_the_end, windowed, windows
from archcalc.shapes import Shape, Shapes, as_image, elements

BIAS_FLAGS = frozenset({"bias", "nobias"})


def divide_into_groups(groups: Number, **sides: Number) -> None:
    """Raise `UnfitError` where the channels of a side do not divide by `groups`."""
    for side, count in sides.items():
        if not every(groups > 0) or not every(count % groups == 0):
            hint = "choose groups that divide the channels on both sides"
            raise UnfitError(f"{count} {side} channels do not divide by {groups} groups", hint)


def _prepare(request: LayerRequest, source: Shape) -> Attrs:
    assert request.kernel is not None
    source = as_image(source)
    attrs = windowed(request, source, request.kernel, request.stride or (1, 1))
    groups = request.number("groups", 1)
    channels = request.channels if request.channels is not None else source[0]
    divide_into_groups(groups, incoming=source[0], outgoing=channels)
    a = padded_at_the_end(attrs, source)
    return Attrs(a.kernel, a.stride, a.pad, a.dilation, groups, channels, "bias" in request.flags)


def _prepare_depthwise(request: LayerRequest, source: Shape) -> Attrs:
    channels = source[0] * request.number("multiplier", 1)
    flags = {**request.flags, "groups": (source[0],)}
    return _prepare(replace(request, channels=channels, flags=flags), source)


def _infer(attrs: Attrs, inputs: Shapes) -> Shapes:
    return ((attrs.channels, *windows(attrs, inputs[0])),)


def _parameters(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    shape = (attrs.channels, inputs[0][0] // attrs.groups, *attrs.kernel)
    weight = Parameter("weight", shape, WEIGHT, HE_NORMAL)
    return (weight, Parameter("bias", (attrs.channels,), OFFSET, ZEROS)) if attrs.bias else (weight,)


def _macs(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    (height, width), (channels, down, across) = attrs.kernel, outputs[0]
    return height * width * (inputs[0][0] // attrs.groups) * channels * down * across


def _connections(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    channels, down, across = outputs[0]
    return _macs(attrs, inputs, outputs) + (channels * down * across if attrs.bias else 0)


def _prepare_transposed(request: LayerRequest, source: Shape) -> Attrs:
    assert request.kernel is not None
    assert request.channels is not None
    pad = request.flags.get("pad", (0,))
    groups = request.number("groups", 1)
    divide_into_groups(groups, incoming=source[0], outgoing=request.channels)
    return Attrs(
        kernel=request.kernel,
        stride=request.stride or (1, 1),
        pad=((pad[0], pad[0]), (pad[-1], pad[-1])),
        groups=groups,
        channels=request.channels,
        bias="bias" in request.flags,
    )


def _infer_transposed(attrs: Attrs, inputs: Shapes) -> Shapes:
    sides = []
    for side, kernel, stride, (before, after) in zip(
        inputs[0][1:], attrs.kernel, attrs.stride, attrs.pad, strict=True
    ):
        size = (side - 1) * stride + kernel - before - after
        if not every(size > 0):
            raise UnfitError(
                "its padding cuts off all that it gives", "pad less: `pad=n` takes n from each side"
            )
        sides.append(size)
    return ((attrs.channels, *sides),)


def _parameters_transposed(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    shape = (inputs[0][0], attrs.channels // attrs.groups, *attrs.kernel)
    weight = Parameter("weight", shape, WEIGHT, HE_NORMAL, _fan_transposed(attrs, inputs))
    return (weight, Parameter("bias", (attrs.channels,), OFFSET, ZEROS)) if attrs.bias else (weight,)


def _fan_transposed(attrs: Attrs, inputs: Shapes) -> Number:
    """Products that one output sums: of each axis' taps, every `stride`th meets an input."""
    (height, width), (down, across) = attrs.kernel, attrs.stride
    return inputs[0][0] // attrs.groups * ceil_div(height, down) * ceil_div(width, across)


def _macs_transposed(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    """Every input meets every weight of its group, also where the product is cut off by padding."""
    (height, width), (channels, down, across) = attrs.kernel, inputs[0]
    return height * width * (attrs.channels // attrs.groups) * channels * down * across


def _connections_transposed(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    return _macs_transposed(attrs, inputs, outputs) + (elements(outputs[0]) if attrs.bias else 0)


def _looks_transposed(attrs: Attrs, source: Shape) -> tuple[Window, ...]:
    return tuple(
        Window(ceil_div(kernel, stride), divide(1, stride), divide(kernel - 1 - before, stride))
        for kernel, stride, (before, _) in zip(attrs.kernel, attrs.stride, attrs.pad, strict=True)
    )


def _sees_transposed(attrs: Attrs, source: Shape, axis: int, position: int) -> range:
    kernel, stride, (before, _) = attrs.kernel[axis], attrs.stride[axis], attrs.pad[axis]
    return range(
        int(ceil_div(position + before - kernel + 1, stride)), int((position + before) // stride) + 1
    )


CONV = Op(
    "conv",
    WEIGHTED,
    "convolution: kernel/stride, channels",
    sizes=("kernel", "channels"),
    flags=WINDOW_FLAGS | BIAS_FLAGS | {"groups"},
    reads="image",
    prepare=_prepare,
    infer=_infer,
    parameters=_parameters,
    macs=_macs,
    connections=_connections,
    window=looks,
)
OPS = (
    CONV,
    replace(
        CONV,
        name="dwconv",
        about="depthwise convolution: kernel/stride; `multiplier=m` channels for each that comes in",
        sizes=("kernel",),
        flags=WINDOW_FLAGS | BIAS_FLAGS | {"multiplier"},
        family="conv",
        prepare=_prepare_depthwise,
    ),
    Op(
        "upconv",
        WEIGHTED,
        "transposed convolution: kernel/stride, channels; a stride of 2 doubles the grid",
        sizes=("kernel", "channels"),
        flags=BIAS_FLAGS | {"pad", "groups"},
        yields=True,
        reads="image",
        prepare=_prepare_transposed,
        infer=_infer_transposed,
        parameters=_parameters_transposed,
        macs=_macs_transposed,
        connections=_connections_transposed,
        window=_looks_transposed,
        sees=_sees_transposed,
    ),
)
