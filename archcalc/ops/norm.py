"""Normalisation, and other layers that scale and shift each channel."""

from __future__ import annotations

from archcalc.numbers import Number
from archcalc.ops.convolution import BIAS_FLAGS
from archcalc.ops.op import (
    ACTIVATION,
    BUFFER,
    NORM,
    OFFSET,
    WEIGHT,
    Attrs,
    LayerRequest,
    Op,
    Parameter,
    Prepare,
    UnfitError,
)
from archcalc.shapes import Shape, Shapes, elements


def optional(*names: str) -> Prepare:
    """Attributes of a layer that keeps its input's channels and has options of these names."""

    def prepare(request: LayerRequest, source: Shape) -> Attrs:
        given = {n: request.number(n, 0) for n in names if n in request.flags}
        return Attrs(channels=source[0], bias="bias" in request.flags, options=given)

    return prepare


def _no_sequence(attrs: Attrs, inputs: Shapes) -> Shapes:
    if len(inputs[0]) == 2:
        raise UnfitError(
            "batch normalisation reads images and vectors", "a sequence has no channels to share"
        )
    return (inputs[0],)


def _batch_norm(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    each = (inputs[0][0],)
    return (
        Parameter("weight", each, OFFSET),
        Parameter("bias", each, OFFSET),
        Parameter("running_mean", each, BUFFER),
        Parameter("running_var", each, BUFFER),
    )


def _scale(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    each = (inputs[0][0], 1, 1)
    weight = Parameter("weight", each, WEIGHT)
    return (weight, Parameter("bias", each, OFFSET)) if attrs.bias else (weight,)


def _shifts(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    return elements(outputs[0]) if attrs.bias else 0


OPS = (
    Op(
        "bn",
        NORM,
        "batch normalisation: a scale and a shift for each channel",
        flags=frozenset({"eps"}),
        folds=True,
        fuses=True,
        reuses=True,
        prepare=optional("eps"),
        infer=_no_sequence,
        parameters=_batch_norm,
    ),
    Op(
        "lrn",
        ACTIVATION,
        "local response normalisation over `size` channels (AlexNet's): nothing learnt",
        flags=frozenset({"size"}),
        reads="image",
        fuses=True,
        prepare=optional("size"),
    ),
    Op(
        "scale",
        ACTIVATION,
        "a trainable coefficient for each map, and with `bias` a shift (LeNet's subsampling)",
        flags=BIAS_FLAGS,
        reads="image",
        fuses=True,
        prepare=optional(),
        parameters=_scale,
        connections=_shifts,
    ),
)
