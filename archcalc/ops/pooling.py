"""Pools: the largest or the mean of each window, of the whole grid, or of a given number of parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from archcalc.numbers import Number, ceil_div, decide, every
from archcalc.ops.op import POOL, Attrs, LayerRequest, Op, UnfitError, Window, image_of
from archcalc.ops.windows import WINDOW_FLAGS, looks, window_inputs, windowed, windows
from archcalc.shapes import Shape, Shapes, as_image

ADAPTIVE: Final = "adaptive"  # the option that holds how many parts each axis is cut into


def _prepare(request: LayerRequest, source: Shape) -> Attrs:
    channels, *sides = image_of(as_image(source), "a pool")
    grid = (sides[0], sides[1])
    options: dict[str, Any] = {"exclude_pad": "exclude_pad" in request.flags}
    if "global" in request.flags or ADAPTIVE in request.flags:
        parts = request.number(ADAPTIVE, 1)
        if not isinstance(parts, int):
            raise UnfitError("`adaptive` cuts into one number of parts", "give a single whole number")
        return Attrs(kernel=grid, channels=channels, options={**options, ADAPTIVE: parts})
    if request.kernel is None:
        raise UnfitError(
            "a pool needs its window", "`maxpool 3x3/2`, `avgpool global` or `avgpool adaptive=n`"
        )
    stride = request.stride
    if stride is None:
        if not (decide(request.kernel[0] == grid[0]) and decide(request.kernel[1] == grid[1])):
            hint = "write it behind the window: `3x3/2`; only a window as large as the grid needs none"
            raise UnfitError("a pool needs its stride", hint)
        stride = (1, 1)
    attrs = replace(windowed(request, as_image(source), request.kernel, stride), options=options)
    for (before, _), k in zip(attrs.pad, attrs.kernel, strict=True):
        if not every(2 * before <= k):
            hint = "padding beyond half the window would pool nothing but padding"
            raise UnfitError(f"a window of {k} is padded by {k // 2} at most, not by {before}", hint)
    return attrs


def _infer(attrs: Attrs, inputs: Shapes) -> Shapes:
    parts = attrs.options.get(ADAPTIVE)
    return ((inputs[0][0], *((parts, parts) if parts is not None else windows(attrs, inputs[0]))),)


def _looks(attrs: Attrs, source: Shape) -> tuple[Window, ...]:
    parts = attrs.options.get(ADAPTIVE)
    if parts is None:
        return looks(attrs, source)
    # Part i of n reaches from floor(i side / n) to ceil((i + 1) side / n); the widest is taken for all.
    return tuple(
        Window(ceil_div(side, parts) + (side % parts > 1) * 1, side // parts, 0) for side in source[1:]
    )


def _sees(attrs: Attrs, source: Shape, axis: int, position: int) -> range:
    parts, side = attrs.options.get(ADAPTIVE), source[axis + 1]
    if parts is not None:
        return range(int(position * side // parts), int(ceil_div((position + 1) * side, parts)))
    window = looks(attrs, source)[axis]
    start = int(position * window.stride - window.before)
    return range(start, start + int(window.taps))


def _connections(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    parts = attrs.options.get(ADAPTIVE)
    if parts is None:
        return window_inputs(attrs, inputs, outputs)
    product: Number = inputs[0][0]
    for side in inputs[0][1:]:
        ends = (ceil_div((i + 1) * side, parts) - i * side // parts for i in range(parts))
        product = product * sum(ends, start=0)
    return product


_FLAGS = WINDOW_FLAGS - {"dilation"} | {"global", ADAPTIVE}
_MAXPOOL = Op(
    "maxpool",
    POOL,
    "the largest of each window: kernel/stride, or `global`, or `adaptive=n`",
    sizes=("kernel?",),
    flags=_FLAGS,
    reads="image",
    prepare=_prepare,
    infer=_infer,
    connections=_connections,
    window=_looks,
    sees=_sees,
)
OPS = (
    _MAXPOOL,
    replace(
        _MAXPOOL,
        name="avgpool",
        about="the mean of each window; padding counts unless `exclude_pad`",
        flags=_FLAGS | {"exclude_pad"},
    ),
)
