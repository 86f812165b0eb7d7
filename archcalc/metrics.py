"""The metrics that a table's column or a claim may name, each with its one meaning.

Every header, docstring and JSON key of archcalc uses these words in exactly these senses.
"""

from __future__ import annotations

from typing import Final

METRICS: Final[dict[str, str]] = {
    "output": "the shape that the row gives, channels and grid",
    "input": "the shape that the row reads, channels and grid",
    "depth": "layers with weights on the longest path",
    "weights": "multiplicative weights only, what most papers' tables print as params",
    "params": "all learnable values: weights, biases and normalisation",
    "macs": "multiply-adds of convolutions, linear layers and matrix products",
    "flops": "2 x MACs: each multiply and each add counted by itself",
    "activations": "elements produced by convolutions and linear layers (fvcore's definition)",
    "connections": "multiply-adds, additions of biases and pooled inputs, as LeCun et al. 1998 count",
    "layers": "layers with weights, on every path",
    "depth_with_pools": "layers with weights or a pooling window on the longest path",
    "height": "the height of the output grid",
    "width": "the width of the output grid",
    "channels": "the channels of the output",
    "traffic": "bytes that all ops read and write, each by itself",
    "peak": "bytes of feature maps alive at once, at most",
    "intensity": "FLOPs per byte of traffic",
    "field": "the receptive field in pixels of the input, its height where it is not square",
}

#: Shape metrics are compared part by part; all others are single numbers.
SHAPES: Final = frozenset({"output", "input"})
