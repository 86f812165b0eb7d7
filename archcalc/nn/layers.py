"""`Attrs` -> torch layers, by the names of the table of ops, and the few layers that torch lacks.

Each builder takes the attributes and the shape that comes in, without the batch, as the op takes it
(`Op.taken`): (C, H, W) is (N, C, H, W) in torch, (T, F) is (N, T, F), (F,) is (N, F).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch
from torch import nn
from torch.nn import functional

from archcalc.ops.pooling import ADAPTIVE
from archcalc.ops.windows import windows

if TYPE_CHECKING:
    from archcalc.nn.fixed import FixedAttrs, FixedShape, Pair

# -- torch's own layers -----------------------------------------------------------------------------


def conv(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """A 2-d convolution, behind a layer of zeros where its padding is not the same on both sides."""

    def make(pad: Pair) -> nn.Module:
        return nn.Conv2d(
            source[0],
            attrs.channels,
            attrs.kernel,
            attrs.stride,
            pad,
            attrs.dilation,
            attrs.groups,
            attrs.bias,
        )

    return _padded(attrs, 0.0, make)


def transposed(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """A transposed 2-d convolution."""
    (top, _), (left, _) = attrs.pad
    return nn.ConvTranspose2d(
        source[0],
        attrs.channels,
        attrs.kernel,
        attrs.stride,
        (top, left),
        groups=attrs.groups,
        bias=attrs.bias,
    )


def linear(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """A fully connected layer over the features that come in."""
    return nn.Linear(source[-1], attrs.channels, attrs.bias)


def maxpool(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """The largest of each window; what is padded is never the largest."""
    if ADAPTIVE in attrs.options:
        return nn.AdaptiveMaxPool2d(attrs.options[ADAPTIVE])
    attrs = _clipped(attrs, source)

    def make(pad: Pair) -> nn.Module:
        return nn.MaxPool2d(attrs.kernel, attrs.stride, pad, ceil_mode=attrs.ceil)

    return _padded(attrs, float("-inf"), make)


def avgpool(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """The mean of each window; padding counts as zeros unless `exclude_pad`."""
    if ADAPTIVE in attrs.options:
        return nn.AdaptiveAvgPool2d(attrs.options[ADAPTIVE])
    counted = not attrs.options.get("exclude_pad", False)
    if not counted:
        attrs = _clipped(attrs, source)
        if not _symmetric(attrs):
            return MeanOfInside(attrs)

    def make(pad: Pair) -> nn.Module:
        return nn.AvgPool2d(attrs.kernel, attrs.stride, pad, attrs.ceil, count_include_pad=counted)

    return _padded(attrs, 0.0, make)


def batch_norm(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """Batch normalisation over a grid, or over features."""
    kind = nn.BatchNorm1d if len(source) == 1 else nn.BatchNorm2d
    return kind(source[0], eps=float(attrs.options.get("eps", 1e-5)))


def local_response_norm(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """Krizhevsky et al. 2012, section 3.3: k = 2, alpha = 1e-4, beta = 0.75 (torch divides alpha by n)."""
    size = attrs.options.get("size", 5)
    return nn.LocalResponseNorm(size, alpha=1e-4 * size, beta=0.75, k=2.0)


def dropout(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """Drops single values in training."""
    return nn.Dropout(float(attrs.options.get("p", 0.5)))


def prelu(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """A rectifier with a slope for each channel."""
    return nn.PReLU(source[0])


def shuffle(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """Channels dealt out over groups (ShuffleNet, arXiv:1707.01083, section 3.1)."""
    return nn.ChannelShuffle(attrs.options["groups"])


def _symmetric(attrs: FixedAttrs) -> bool:
    return all(before == after for before, after in attrs.pad)


def _clipped(attrs: FixedAttrs, source: FixedShape) -> FixedAttrs:
    """For a pool that ignores padding: torch's `ceil_mode` in place of more padding at the end.

    It clips the last windows instead of copying the map; `attrs` unchanged where that gives other windows.
    """
    if _symmetric(attrs):
        return attrs
    (top, _), (left, _) = attrs.pad
    clipped = replace(attrs, pad=((top, top), (left, left)), ceil=True)
    try:
        return clipped if windows(clipped, source) == windows(attrs, source) else attrs
    except ValueError:  # without the padding not one window fits
        return attrs


def _padded(attrs: FixedAttrs, value: float, make: Callable[[Pair], nn.Module]) -> nn.Module:
    """`make` with symmetric padding built in, or behind a padding layer where it is not symmetric."""
    (top, bottom), (left, right) = attrs.pad
    if _symmetric(attrs):
        return make((top, left))
    return nn.Sequential(nn.ConstantPad2d((left, right, top, bottom), value), make((0, 0)))


# -- layers that torch lacks ------------------------------------------------------------------------


class MeanOfInside(nn.Module):
    """The mean of what each window holds of its input, where padding differs at the two ends."""

    def __init__(self, attrs: FixedAttrs) -> None:
        super().__init__()
        (top, bottom), (left, right) = attrs.pad
        self.pad = (left, right, top, bottom)
        self.kernel, self.stride = attrs.kernel, attrs.stride

    def extra_repr(self) -> str:
        """What the layer's `repr` shows."""
        return f"kernel_size={self.kernel}, stride={self.stride}, padding={self.pad}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sum over each window, divided by how many values of `x` lie in it."""
        inside = torch.ones_like(x[:1, :1])
        return self.sums(x) / self.sums(inside)

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """The sum over each window of `x` between zeros."""
        padded = functional.pad(x, self.pad)
        return functional.avg_pool2d(padded, self.kernel, self.stride, divisor_override=1)


class Scale(nn.Module):
    """A trainable coefficient for each map and, with a bias, a shift: (N, C, H, W) -> the same.

    LeCun et al. 1998, section II.B: the subsampling layers S2 and S4.
    """

    def __init__(self, attrs: FixedAttrs, source: FixedShape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(source[0], 1, 1))
        self.bias = nn.Parameter(torch.empty(source[0], 1, 1)) if attrs.bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Begin as the identity."""
        nn.init.ones_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale and shift each map."""
        y = x * self.weight
        return y if self.bias is None else y + self.bias


class Select(nn.Module):
    """Some maps of those that come in: (N, C, H, W) -> (N, len(maps), H, W)."""

    def __init__(self, attrs: FixedAttrs, source: FixedShape) -> None:
        super().__init__()
        self.maps = list(attrs.options["maps"])

    def extra_repr(self) -> str:
        """What the layer's `repr` shows."""
        return f"maps={self.maps}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pick the maps, in the order written."""
        return x[:, self.maps]


class RadialBasis(nn.Module):
    """Squared Euclidean distances to fixed codes of -1 and 1: (N, F) -> (N, classes).

    LeCun et al. 1998, section II.B, equation 7. The codes are drawn, not the paper's bitmaps.
    """

    codes: torch.Tensor

    def __init__(self, attrs: FixedAttrs, source: FixedShape) -> None:
        super().__init__()
        features = source[-1]
        order = torch.arange(attrs.channels * features).mul(2654435761).div(65536, rounding_mode="floor")
        self.register_buffer("codes", order.remainder(2).mul(2).sub(1).float().view(-1, features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sum of squared differences to each code."""
        return (x.unsqueeze(-2) - self.codes).square().sum(-1)


class ChannelSplit(nn.Module):
    """Channels in equal parts: (N, C, ...) -> as many of (N, C / parts, ...)."""

    def __init__(self, attrs: FixedAttrs, source: FixedShape) -> None:
        super().__init__()
        self.parts = attrs.options["parts"]

    def extra_repr(self) -> str:
        """What the layer's `repr` shows."""
        return f"parts={self.parts}"

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Views of the parts, in order."""
        return x.chunk(self.parts, 1)


def softmax(attrs: FixedAttrs, source: FixedShape) -> nn.Module:
    """Over the channels of an image or vector, over each token's features in a sequence."""
    return nn.Softmax(dim=-1 if len(source) == 2 else 1)


def _plain(kind: Callable[[], nn.Module]) -> Builder:
    """A layer of torch that needs nothing."""
    return lambda attrs, source: kind()


Builder = Callable[["FixedAttrs", "FixedShape"], nn.Module]

#: The builder of each op that is a layer; joins are calls, not layers, and stand in `nn.joins`.
LAYERS: Final[dict[str, Builder]] = {
    "conv": conv,
    "dwconv": conv,
    "upconv": transposed,
    "linear": linear,
    "rbf": RadialBasis,
    "maxpool": maxpool,
    "avgpool": avgpool,
    "bn": batch_norm,
    "lrn": local_response_norm,
    "scale": Scale,
    "relu": _plain(nn.ReLU),
    "relu6": _plain(nn.ReLU6),
    "tanh": _plain(nn.Tanh),
    "sigmoid": _plain(nn.Sigmoid),
    "silu": _plain(nn.SiLU),
    "gelu": _plain(nn.GELU),
    "hardswish": _plain(nn.Hardswish),
    "hardsigmoid": _plain(nn.Hardsigmoid),
    "leakyrelu": _plain(nn.LeakyReLU),
    "prelu": prelu,
    "softmax": softmax,
    "dropout": dropout,
    "flatten": _plain(nn.Flatten),
    "pass": _plain(nn.Identity),
    "select": Select,
    "shuffle": shuffle,
    "split": ChannelSplit,
}
