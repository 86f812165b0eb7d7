"""Shapes and precisions of values. A shape is without the batch: an image is (channels, height, width), a
sequence (tokens, features), a vector (features).

Which axis holds what is known here and to the ops whose meaning it is, and to nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from archcalc.numbers import Number

Shape = tuple["Number", ...]
Shapes = tuple[Shape, ...]

#: The dtype of values that have the precision of the network; others name their own.
FLOAT: Final = "float"

#: Bytes of one value at a precision. `tf32` stores 4 bytes; only its products are shorter.
BYTES: Final = {"fp64": 8, "fp32": 4, "fp32-ieee": 4, "tf32": 4, "bf16": 2, "fp16": 2, "int8": 1}

#: Bytes of one value of a dtype of its own.
OWN_BYTES: Final = {"int64": 8, "int32": 4, "bool": 1}


def elements(shape: Shape) -> Number:
    """How many numbers a value of this shape holds, for one item of the batch."""
    product: Number = 1
    for size in shape:
        product = product * size
    return product


def channels(shape: Shape) -> Number:
    """The channels of an image, the features of a token, or those of a vector."""
    return shape[-1] if len(shape) == 2 else shape[0]


def grid(shape: Shape) -> Shape:
    """The positions: height and width of an image, tokens of a sequence, nothing of a vector."""
    return shape[1:] if len(shape) > 2 else shape[:-1]


def as_image(shape: Shape) -> Shape:
    """A vector as an image of one pixel; every other shape as it is."""
    return (shape[0], 1, 1) if len(shape) == 1 else shape


def text(shape: Shape) -> str:
    """A shape as torch orders it: `256x28x28`."""
    return "x".join(map(str, shape))


def in_papers(shape: Shape) -> Shape:
    """A shape as papers order it: height, width, channels. A vector is 1 x 1 x features."""
    image = as_image(shape)
    return (*image[1:], image[0]) if len(image) > 2 else image


def papers_text(shape: Shape) -> str:
    """A shape as papers print it: `28x28x256`."""
    return "x".join(map(str, in_papers(shape) if len(shape) > 1 else shape))
