"""Convolutions: dense, grouped and depthwise."""

from __future__ import annotations

from dataclasses import replace

from archcalc.numbers import Number, every
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
)
from archcalc.ops.windows import WINDOW_FLAGS, looks, padded_at_the_end, windowed, windows
from archcalc.shapes import Shape, Shapes, as_image

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
)
