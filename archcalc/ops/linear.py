"""Fully connected layers, over all that comes in or over each token's features."""

from __future__ import annotations

from archcalc.numbers import Number
from archcalc.ops.convolution import BIAS_FLAGS
from archcalc.ops.op import (
    BUFFER,
    HE_NORMAL,
    OFFSET,
    RESHAPE,
    WEIGHT,
    WEIGHTED,
    ZEROS,
    Attrs,
    LayerRequest,
    Op,
    Parameter,
)
from archcalc.shapes import Shape, Shapes, elements


def _prepare(request: LayerRequest, source: Shape) -> Attrs:
    assert request.channels is not None
    return Attrs(channels=request.channels, bias="bias" in request.flags)


def _infer(attrs: Attrs, inputs: Shapes) -> Shapes:
    return ((*inputs[0][:-1], attrs.channels),)


def _parameters(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    weight = Parameter("weight", (attrs.channels, inputs[0][-1]), WEIGHT, HE_NORMAL)
    return (weight, Parameter("bias", (attrs.channels,), OFFSET, ZEROS)) if attrs.bias else (weight,)


def _macs(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    return inputs[0][-1] * elements(outputs[0])


def _connections(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    return _macs(attrs, inputs, outputs) + (elements(outputs[0]) if attrs.bias else 0)


def _codes(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    return (Parameter("codes", (attrs.channels, inputs[0][-1]), BUFFER),)


OPS = (
    Op(
        "linear",
        WEIGHTED,
        "fully connected layer over all that comes in, or over each token of a sequence: features",
        sizes=("channels",),
        flags=BIAS_FLAGS,
        reads="vector",
        prepare=_prepare,
        infer=_infer,
        parameters=_parameters,
        macs=_macs,
        connections=_connections,
    ),
    Op(
        "rbf",
        RESHAPE,
        "squared distances to fixed codes, one for each class (LeNet's output): nothing learnt",
        sizes=("channels",),
        reads="vector",
        prepare=_prepare,
        infer=_infer,
        parameters=_codes,
        connections=_macs,
    ),
)
