"""Activations: a function of each value, or of the values along one axis."""

from __future__ import annotations

from archcalc.ops.op import ACTIVATION, OFFSET, Attrs, Op, Parameter
from archcalc.shapes import Shapes


def _slopes(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    return (Parameter("weight", (inputs[0][0],), OFFSET),)


def _pointwise(name: str, about: str) -> Op:
    return Op(name, ACTIVATION, about, fuses=True)


OPS = (
    _pointwise("relu", "max(x, 0)"),
    _pointwise("relu6", "min(max(x, 0), 6)"),
    _pointwise("tanh", "hyperbolic tangent"),
    _pointwise("sigmoid", "1 / (1 + exp(-x))"),
    _pointwise("silu", "x sigmoid(x), also called swish"),
    _pointwise("gelu", "Gaussian error linear unit"),
    _pointwise("hardswish", "x relu6(x + 3) / 6"),
    _pointwise("hardsigmoid", "relu6(x + 3) / 6"),
    _pointwise("leakyrelu", "max(x, x / 100)"),
    Op(
        "prelu",
        ACTIVATION,
        "max(x, a x) with a trainable a for each channel",
        fuses=True,
        parameters=_slopes,
    ),
    Op(
        "softmax",
        ACTIVATION,
        "softmax over channels, or over a token's features",
        fuses=True,
        probabilities=True,
    ),
)
