"""The one table of ops: op -> shape rule, weights, biases, multiply-adds, memory traffic, torch module.

Adding an op is one entry in `OPS` and one test; nothing else in archcalc switches on an op's name. All
formulas are plain arithmetic on shapes `(channels, height, width)` whose parts are integers or NumPy
integer arrays. A rule raises ValueError where an op cannot stand on its input; the graph adds the place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from archcalc.spec.arithmetic import Number, ceil_div, holds, maximum

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[Number, Number, Number]
Pair = tuple[Number, Number]


@dataclass(frozen=True, slots=True)
class Attrs:
    """What a layer's words and flags come to. Sizes are (height, width); `pad` is before and after.

    `channels` are those that the layer gives. `options` hold what only one op knows (`eps`, `maps`).
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    pad: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: Number = 1
    channels: Number = 0
    bias: bool = False
    ceil: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """A layer as written, before its input is known: sizes, and flags with their numbers."""

    kernel: Pair | None
    stride: Pair | None
    channels: Number | None
    flags: Mapping[str, tuple[Number, ...]]

    def number(self, flag: str, otherwise: Number) -> Number:
        """The single number that `flag` was given."""
        values = self.flags.get(flag)
        return otherwise if not values else values[0]


class UnfitError(ValueError):
    """An op that cannot stand on its input, and what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


Prepare = Callable[[LayerRequest, Shape], Attrs]
Count = Callable[[Attrs, Shape, Shape], Number]
Build = Callable[[Attrs, Shape, bool], "nn.Module"]


def _none(attrs: Attrs, source: Shape, output: Shape) -> Number:
    return 0


@dataclass(frozen=True, slots=True)
class Op:
    """One op. `role` is weighted, pool, norm, activation, shape or join.

    `sizes` names the sizes that a layer must write, in order. `params` = `weights` + `biases`, and
    `buffers` are read but not learnt. `window` tells whether kernel and stride slide over the grid.
    `module` builds the torch layer from the attributes, the input's shape, and whether the input has no
    grid; `probabilities` marks what turns a network's logits into probabilities.
    """

    name: str
    role: str
    about: str
    sizes: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    family: str = ""
    window: bool = False
    moves: bool = True  # reads its input and writes its output; a view or identity does not
    flat: bool | None = None  # reads and gives features without a grid (True), with one (False), or either
    prepare: Prepare = lambda request, source: Attrs(channels=source[0])
    shape: Callable[[Attrs, Shape], Shape] = lambda attrs, source: source
    weights: Count = _none
    biases: Count = _none
    buffers: Count = _none
    macs: Count = _none
    connections: Count = _none
    module: Build | None = None
    probabilities: bool = False


def elements(shape: Shape) -> Number:
    """How many numbers a feature map of this shape holds, for one image."""
    return shape[0] * shape[1] * shape[2]


# -- windows --------------------------------------------------------------------------------------


def _padding(request: LayerRequest, kernel: Pair, stride: Pair, dilation: Pair, grid: Pair) -> Any:
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
        elif holds(reach % 2 == 0) and "ceil" not in request.flags:
            pads.append((reach // 2, reach // 2))
        else:
            steps = ceil_div(grid[axis], stride[axis]) - 1
            total = maximum(steps * stride[axis] + reach + 1 - grid[axis], 0)
            pads.append((total // 2, total - total // 2))
    return tuple(pads)


def _windowed(request: LayerRequest, source: Shape, kernel: Pair, stride: Pair) -> Attrs:
    dilation = request.flags.get("dilation", (1,))
    pair = (dilation[0], dilation[-1])
    return Attrs(
        kernel=kernel,
        stride=stride,
        dilation=pair,
        pad=_padding(request, kernel, stride, pair, (source[1], source[2])),
        ceil="ceil" in request.flags and "same" not in request.flags,
        channels=source[0],
    )


def windows(attrs: Attrs, source: Shape) -> Pair:
    """How many windows fit, down and across, by PyTorch's documentation of Conv2d and MaxPool2d."""
    result = []
    for axis in (0, 1):
        (before, after), stride = attrs.pad[axis], attrs.stride[axis]
        reach = attrs.dilation[axis] * (attrs.kernel[axis] - 1) + 1
        room = source[axis + 1] + before + after - reach
        if attrs.ceil:
            size = ceil_div(room, stride) + 1
            # a last window that would begin in the padding is dropped
            size = size - ((size - 1) * stride >= source[axis + 1] + before) * 1
        else:
            size = room // stride + 1
        if not holds(size > 0):
            raise UnfitError(
                f"a window of {reach} does not fit on a grid of {source[1]}x{source[2]}"
                + (" with its padding" if holds(before + after > 0) else ""),
                "pad it (`same`, `pad=n`), or shrink the grid less before it",
            )
        result.append(size)
    return result[0], result[1]


def _conv(request: LayerRequest, source: Shape) -> Attrs:
    assert request.kernel is not None
    attrs = _windowed(request, source, request.kernel, request.stride or (1, 1))
    groups = request.number("groups", 1)
    channels = request.channels if request.channels is not None else source[0]
    for what, count in (("incoming", source[0]), ("outgoing", channels)):
        if not holds(groups > 0) or not holds(count % groups == 0):
            hint = "choose groups that divide the channels on both sides"
            raise UnfitError(f"{count} {what} channels do not divide by {groups} groups", hint)
    a = _padded_out(attrs, source)
    return Attrs(a.kernel, a.stride, a.pad, a.dilation, groups, channels, "bias" in request.flags)


def _padded_out(attrs: Attrs, source: Shape) -> Attrs:
    """`ceil` of a convolution: torch's floors, so what its last window lacks is padded at the end."""
    if not attrs.ceil:
        return attrs
    pads = []
    for axis, size in enumerate(windows(attrs, source)):
        before, _ = attrs.pad[axis]
        reach = (size - 1) * attrs.stride[axis] + attrs.dilation[axis] * (attrs.kernel[axis] - 1) + 1
        pads.append((before, maximum(reach - before - source[axis + 1], 0)))
    return replace(attrs, pad=(pads[0], pads[1]), ceil=False)


def _depthwise(request: LayerRequest, source: Shape) -> Attrs:
    channels = source[0] * request.number("multiplier", 1)
    flags = {**request.flags, "groups": (source[0],)}
    return _conv(replace(request, channels=channels, flags=flags), source)


def _linear(request: LayerRequest, source: Shape) -> Attrs:
    return Attrs(channels=request.channels, bias="bias" in request.flags)


def _pool(request: LayerRequest, source: Shape) -> Attrs:
    grid = (source[1], source[2])
    options: dict[str, Any] = {"exclude_pad": "exclude_pad" in request.flags}
    if "global" in request.flags or "adaptive" in request.flags:
        side = request.number("adaptive", 1)
        return Attrs(kernel=grid, channels=source[0], options={**options, "adaptive": side})
    if request.kernel is None:
        raise UnfitError(
            "a pool needs its window", "`maxpool 3x3/2`, `avgpool global` or `avgpool adaptive=n`"
        )
    stride = request.stride
    if stride is None:
        if not holds((request.kernel[0] == grid[0]) * (request.kernel[1] == grid[1]) == 1):
            hint = "write it behind the window: `3x3/2`; only a window as large as the grid needs none"
            raise UnfitError("a pool needs its stride", hint)
        stride = (1, 1)
    attrs = replace(_windowed(request, source, request.kernel, stride), options=options)
    for (before, _), k in zip(attrs.pad, attrs.kernel, strict=True):
        if not holds(2 * before <= k):
            hint = "padding beyond half the window would pool nothing but padding"
            raise UnfitError(f"a window of {k} is padded by {k // 2} at most, not by {before}", hint)
    return attrs


def _pool_shape(attrs: Attrs, source: Shape) -> Shape:
    side = attrs.options.get("adaptive")
    return (source[0], side, side) if side is not None else (source[0], *windows(attrs, source))


def _options(*names: str) -> Prepare:
    def prepare(request: LayerRequest, source: Shape) -> Attrs:
        found = {n: request.number(n, None) for n in names if n in request.flags}
        return Attrs(channels=source[0], bias="bias" in request.flags, options=found)

    return prepare


def _shuffle(request: LayerRequest, source: Shape) -> Attrs:
    groups = request.number("groups", 1)
    if not holds(groups > 0) or not holds(source[0] % groups == 0):
        raise UnfitError(f"{source[0]} channels do not divide by {groups} groups", "choose a divisor")
    return Attrs(channels=source[0], options={"groups": groups})


def _select(request: LayerRequest, source: Shape) -> Attrs:
    maps = request.flags.get("maps", ())
    if not maps:
        raise UnfitError("`select` needs its maps", "they are counted from 0: `select maps=0,1,2`")
    for m in maps:
        if not (0 <= m < source[0]):
            raise UnfitError(f"there is no map {m} among {source[0]}", "the first is 0")
    return Attrs(channels=len(maps), options={"maps": tuple(maps)})


# -- torch layers: imported only where a network is built ------------------------------------------


def _torch(name: str, **keywords: Any) -> Build:
    """torch's own layer of that name."""

    def build(attrs: Attrs, source: Shape, flat: bool) -> nn.Module:
        from torch import nn

        made: nn.Module = getattr(nn, name)(**keywords)
        return made

    return build


def _layer(name: str) -> Build:
    """The layer that `archcalc.nn.layers.name` makes from the attributes."""

    def build(attrs: Attrs, source: Shape, flat: bool) -> nn.Module:
        from archcalc.nn import layers

        made: nn.Module = getattr(layers, name)(attrs, source, flat)
        return made

    return build


# -- the table ------------------------------------------------------------------------------------

_WINDOW = frozenset({"same", "valid", "pad", "ceil", "floor", "dilation"})
_BIAS = frozenset({"bias", "nobias"})


def _conv_weights(a: Attrs, i: Shape, o: Shape) -> Number:
    return a.kernel[0] * a.kernel[1] * (i[0] // a.groups) * a.channels


def _conv_macs(a: Attrs, i: Shape, o: Shape) -> Number:
    return _conv_weights(a, i, o) * o[1] * o[2]


def _bias(a: Attrs, i: Shape, o: Shape) -> Number:
    return a.channels if a.bias else 0


def _linear_weights(a: Attrs, i: Shape, o: Shape) -> Number:
    return elements(i) * a.channels


def _window_inputs(a: Attrs, i: Shape, o: Shape) -> Number:
    return a.kernel[0] * a.kernel[1] * elements(o)


_TABLE = (
    Op(
        "conv",
        "weighted",
        "convolution: kernel/stride, channels",
        sizes=("kernel", "channels"),
        flags=_WINDOW | _BIAS | {"groups"},
        window=True,
        flat=False,
        prepare=_conv,
        shape=lambda a, s: (a.channels, *windows(a, s)),
        weights=_conv_weights,
        biases=_bias,
        macs=_conv_macs,
        connections=lambda a, i, o: _conv_macs(a, i, o) + _bias(a, i, o) * o[1] * o[2],
        module=_layer("conv"),
    ),
    Op(
        "dwconv",
        "weighted",
        "depthwise convolution: kernel/stride; `multiplier=m` channels for each that comes in",
        sizes=("kernel",),
        flags=(_WINDOW | _BIAS | {"multiplier"}),
        family="conv",
        window=True,
        flat=False,
        prepare=_depthwise,
        shape=lambda a, s: (a.channels, *windows(a, s)),
        weights=_conv_weights,
        biases=_bias,
        macs=_conv_macs,
        connections=lambda a, i, o: _conv_macs(a, i, o) + _bias(a, i, o) * o[1] * o[2],
        module=_layer("conv"),
    ),
    Op(
        "linear",
        "weighted",
        "fully connected layer over all that comes in: features",
        sizes=("channels",),
        flags=_BIAS,
        flat=True,
        prepare=_linear,
        shape=lambda a, s: (a.channels, 1, 1),
        weights=_linear_weights,
        biases=_bias,
        macs=_linear_weights,
        connections=lambda a, i, o: _linear_weights(a, i, o) + _bias(a, i, o),
        module=_layer("linear"),
    ),
    Op(
        "maxpool",
        "pool",
        "the largest of each window: kernel/stride, or `global`, or `adaptive=n`",
        sizes=("kernel?",),
        flags=_WINDOW - {"dilation"} | {"global", "adaptive"},
        window=True,
        flat=False,
        prepare=_pool,
        shape=_pool_shape,
        connections=_window_inputs,
        module=_layer("maxpool"),
    ),
    Op(
        "avgpool",
        "pool",
        "the mean of each window; padding counts unless `exclude_pad`",
        sizes=("kernel?",),
        flags=_WINDOW - {"dilation"} | {"global", "adaptive", "exclude_pad"},
        window=True,
        flat=False,
        prepare=_pool,
        shape=_pool_shape,
        connections=_window_inputs,
        module=_layer("avgpool"),
    ),
    Op(
        "bn",
        "norm",
        "batch normalisation: a scale and a shift for each channel",
        flags=frozenset({"eps"}),
        prepare=_options("eps"),
        biases=lambda a, i, o: 2 * i[0],
        buffers=lambda a, i, o: 2 * i[0],
        module=_layer("batch_norm"),
    ),
    Op(
        "lrn",
        "activation",
        "local response normalisation over `size` channels (AlexNet's): nothing learnt",
        flat=False,
        flags=frozenset({"size"}),
        prepare=_options("size"),
        module=_layer("local_response_norm"),
    ),
    Op(
        "scale",
        "activation",
        "a trainable coefficient for each map, and with `bias` a shift (LeNet's subsampling)",
        flat=False,
        flags=_BIAS,
        prepare=_options(),
        weights=lambda a, i, o: i[0],
        biases=lambda a, i, o: i[0] if a.bias else 0,
        connections=lambda a, i, o: elements(o) if a.bias else 0,
        module=_layer("Scale"),
    ),
    Op("relu", "activation", "max(x, 0)", module=_torch("ReLU")),
    Op("relu6", "activation", "min(max(x, 0), 6)", module=_torch("ReLU6")),
    Op("tanh", "activation", "hyperbolic tangent", module=_torch("Tanh")),
    Op("sigmoid", "activation", "1 / (1 + exp(-x))", module=_torch("Sigmoid")),
    Op("silu", "activation", "x sigmoid(x), also called swish", module=_torch("SiLU")),
    Op("gelu", "activation", "Gaussian error linear unit", module=_torch("GELU")),
    Op("hardswish", "activation", "x relu6(x + 3) / 6", module=_torch("Hardswish")),
    Op("hardsigmoid", "activation", "relu6(x + 3) / 6", module=_torch("Hardsigmoid")),
    Op("leakyrelu", "activation", "max(x, x / 100)", module=_torch("LeakyReLU")),
    Op(
        "prelu",
        "activation",
        "max(x, a x) with a trainable a for each channel",
        biases=lambda a, i, o: i[0],
        module=_layer("prelu"),
    ),
    Op(
        "softmax",
        "activation",
        "softmax over channels",
        probabilities=True,
        module=_torch("Softmax", dim=1),
    ),
    Op(
        "dropout",
        "shape",
        "drops activations in training (`p=0.5`); in inference it is not there",
        flags=frozenset({"p"}),
        moves=False,
        prepare=_options("p"),
        module=_layer("dropout"),
    ),
    Op(
        "flatten",
        "shape",
        "the feature map as one row of features",
        moves=False,
        flat=True,
        shape=lambda a, s: (elements(s), 1, 1),
        module=_torch("Flatten"),
    ),
    Op("pass", "shape", "what comes in, unchanged", moves=False, module=_torch("Identity")),
    Op(
        "select",
        "shape",
        "some of the maps that come in: `maps=0,1,2`",
        flags=frozenset({"maps"}),
        prepare=_select,
        shape=lambda a, s: (len(a.options["maps"]), s[1], s[2]),
        module=_layer("Select"),
    ),
    Op(
        "shuffle",
        "shape",
        "channels dealt out anew over `groups` (ShuffleNet's)",
        flat=False,
        flags=frozenset({"groups"}),
        prepare=_shuffle,
        module=_layer("shuffle"),
    ),
    Op(
        "rbf",
        "shape",
        "squared distances to fixed codes, one for each class (LeNet's output): nothing learnt",
        sizes=("channels",),
        flat=True,
        prepare=_linear,
        shape=lambda a, s: (a.channels, 1, 1),
        buffers=_linear_weights,
        connections=_linear_weights,
        module=_layer("RadialBasis"),
    ),
)

#: How branches are joined; these are no ops with words of their own.
JOINS: Final = ("concat", "add", "multiply")

OPS: Final[Mapping[str, Op]] = {op.name: op for op in _TABLE}

#: A flag that takes the place of another: the last one written of a group holds, defaults first.
_ACTIVATIONS = frozenset(op.name for op in _TABLE if op.role == "activation")
_NORMS = frozenset(op.name for op in _TABLE if op.role == "norm")
EXCLUSIVE: Final[tuple[frozenset[str], ...]] = (
    frozenset({"same", "valid", "pad"}),
    frozenset({"bias", "nobias"}),
    frozenset({"ceil", "floor"}),
    frozenset({"global", "adaptive"}),
    _NORMS | {"nobn"},
    _ACTIVATIONS | {"linear"},
)


def flags_of(op: Op) -> frozenset[str]:
    """The flags that a layer of this op may have; a weighted op also takes norms and activations."""
    if op.role == "weighted":
        return op.flags | _NORMS | _ACTIVATIONS | {"nobn", "linear"}
    if op.role == "pool":
        return op.flags | _NORMS | _ACTIVATIONS | {"linear"}
    return op.flags


def takes_number(flag: str) -> bool:
    """Whether `flag` is written `flag=number`."""
    return flag in {
        "pad", "groups", "dilation", "multiplier", "adaptive", "eps", "size", "p", "maps",
    }  # fmt: skip


def group_of(flag: str) -> frozenset[str]:
    """The flags of which only the last one written holds."""
    for group in EXCLUSIVE:
        if flag in group:
            return group
    return frozenset({flag})
