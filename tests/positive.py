"""Networks in which every input pixel that could decide an output has a gradient there."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


class Means(nn.Module):
    """A pool as the mean of what its windows hold of the input: every pixel of a window then counts."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sums over windows, by the pool's own sizes."""
        p: Any = self.pool
        if isinstance(p, nn.AdaptiveMaxPool2d):
            return nn.functional.adaptive_avg_pool2d(x, p.output_size)
        return nn.functional.avg_pool2d(
            x, p.kernel_size, p.stride, p.padding, p.ceil_mode, count_include_pad=True
        )


def positive(module: nn.Module) -> nn.Module:
    """The network with positive weights, and what is no sum replaced by what sees the same positions."""
    module = copy.deepcopy(module).double().eval()
    for name, part in list(module.named_modules()):
        for parameter in part.parameters(recurse=False):
            parameter.data.fill_(0.5)
        replacement: nn.Module | None = None
        if isinstance(part, nn.MaxPool2d | nn.AdaptiveMaxPool2d):
            replacement = Means(part)
        elif isinstance(part, nn.ConstantPad2d):
            part.value = 0.0
        elif isinstance(part, nn.ReLU | nn.ReLU6 | nn.Tanh | nn.Sigmoid | nn.Hardsigmoid | nn.Hardswish):
            replacement = nn.Softplus()
        if replacement is not None:
            parent, _, last = name.rpartition(".")
            setattr(module.get_submodule(parent), last, replacement)
    return module
