"""Windows that slide over a grid: kernel, stride, padding, dilation, and how many of them fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from archcalc.numbers import Number, ceil_div, decide, every, maximum
from archcalc.ops.op import Attrs, LayerRequest, Pair, UnfitError, Window, image_of
from archcalc.shapes import Shape, Shapes, elements

WINDOW_FLAGS: Final = frozenset({"same", "valid", "pad", "ceil", "floor", "dilation"})


def padding(request: LayerRequest, kernel: Pair, stride: Pair, dilation: Pair, grid: Pair) -> Any:
    """`same`: the output is ceil(input / stride); an odd kernel is padded by half of itself on both
    sides, as Caffe and PyTorch write it. With `ceil`, or an even kernel, the least padding that does it
    is shared out with the odd one at the end, as TensorFlow does. `pad=p` or `pad=hxw`: both sides.
    """
    pads = []
    given = request.flags.get("pad")
    for axis in (0, 1):
        reach = dilation[axis] * (kernel[axis] - 1)
        if given is not None:
            p = given[axis] if len(given) > 1 else given[0]
            pads.append((p, p))
        elif "same" not in request.flags:
            pads.append((0, 0))
        elif "ceil" not in request.flags and decide(reach % 2 == 0):
            pads.append((reach // 2, reach // 2))
        else:
            steps = ceil_div(grid[axis], stride[axis]) - 1
            total = maximum(steps * stride[axis] + reach + 1 - grid[axis], 0)
            pads.append((total // 2, total - total // 2))
    return tuple(pads)


def windowed(request: LayerRequest, source: Shape, kernel: Pair, stride: Pair) -> Attrs:
    """The attributes of a window over an image of shape `source`."""
    dilation = request.flags.get("dilation", (1,))
    pair = (dilation[0], dilation[-1])
    return Attrs(
        kernel=kernel,
        stride=stride,
        dilation=pair,
        pad=padding(request, kernel, stride, pair, (source[1], source[2])),
        ceil="ceil" in request.flags and "same" not in request.flags,
        channels=source[0],
    )


def windows(attrs: Attrs, source: Shape) -> Pair:
    """How many windows fit, down and across, by PyTorch's documentation of Conv2d and MaxPool2d."""
    _, *grid = image_of(source, "a window")
    result = []
    for axis, side in enumerate(grid):
        (before, after), stride = attrs.pad[axis], attrs.stride[axis]
        reach = attrs.dilation[axis] * (attrs.kernel[axis] - 1) + 1
        room = side + before + after - reach
        if attrs.ceil:
            size = ceil_div(room, stride) + 1
            # a last window that would begin in the padding is dropped
            size = size - ((size - 1) * stride >= side + before) * 1
        else:
            size = room // stride + 1
        if not every(size > 0):
            raise UnfitError(
                f"a window of {reach} does not fit on a grid of {grid[0]}x{grid[1]}"
                + (" with its padding" if every(before + after > 0) else ""),
                "pad it (`same`, `pad=n`), or shrink the grid less before it",
            )
        result.append(size)
    return result[0], result[1]


def looks(attrs: Attrs, source: Shape) -> tuple[Window, ...]:
    """How a window looks at the two axes of an image."""
    return tuple(
        Window(k, s, before, d)
        for k, s, d, (before, _) in zip(attrs.kernel, attrs.stride, attrs.dilation, attrs.pad, strict=True)
    )


def padded_at_the_end(attrs: Attrs, source: Shape) -> Attrs:
    """`ceil` of a convolution: torch's floors, so what its last window lacks is padded at the end."""
    if not attrs.ceil:
        return attrs
    pads = []
    for axis, size in enumerate(windows(attrs, source)):
        before, _ = attrs.pad[axis]
        reach = (size - 1) * attrs.stride[axis] + attrs.dilation[axis] * (attrs.kernel[axis] - 1) + 1
        pads.append((before, maximum(reach - before - source[axis + 1], 0)))
    return replace(attrs, pad=(pads[0], pads[1]), ceil=False)


def window_inputs(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    """The values that all windows hold together: connections of a pool."""
    return attrs.kernel[0] * attrs.kernel[1] * elements(outputs[0])
