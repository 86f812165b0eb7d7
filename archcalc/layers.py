"""The few layers that torch lacks, as `nn.Module`s; imported only where a network is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from archcalc.ops import Attrs, Shape


class Scale(nn.Module):
    """A trainable coefficient for each map and, with a bias, a shift: (N, C, H, W) -> the same.

    LeCun et al. 1998, section II.B: the subsampling layers S2 and S4.
    """

    def __init__(self, attrs: Attrs, source: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(source[0], 1, 1))
        self.bias = nn.Parameter(torch.zeros(source[0], 1, 1)) if attrs.bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale and shift each map."""
        y = x * self.weight
        return y if self.bias is None else y + self.bias


class Select(nn.Module):
    """Some maps of those that come in: (N, C, H, W) -> (N, len(maps), H, W)."""

    def __init__(self, attrs: Attrs, source: Shape) -> None:
        super().__init__()
        self.maps = list(attrs.options["maps"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pick the maps, in the order written."""
        return x[:, self.maps]


class Shuffle(nn.Module):
    """Channels dealt out over groups (arXiv:1707.01083, section 3.1): (N, C, H, W) -> the same."""

    def __init__(self, attrs: Attrs, source: Shape) -> None:
        super().__init__()
        self.groups = attrs.options.get("groups", 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Transpose (groups, C / groups) and lay flat again."""
        n, c, h, w = x.shape
        return x.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class RadialBasis(nn.Module):
    """Squared Euclidean distances to fixed codes of -1 and 1: (N, F) -> (N, classes).

    LeCun et al. 1998, section II.B, equation 7. The codes are drawn, not the paper's bitmaps.
    """

    codes: torch.Tensor

    def __init__(self, attrs: Attrs, source: Shape) -> None:
        super().__init__()
        features = source[0] * source[1] * source[2]
        codes = torch.arange(attrs.channels * features).mul(2654435761).div(65536, rounding_mode="floor")
        self.register_buffer("codes", codes.remainder(2).mul(2).sub(1).float().view(-1, features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sum of squared differences to each code."""
        return (x.unsqueeze(1) - self.codes).square().sum(2)
