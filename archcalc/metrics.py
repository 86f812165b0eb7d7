"""The one registry of metrics: each with its name, label, unit, kind, how it adds up, and its one meaning.

Columns of tables, JSON and CSV keys, comparisons, labels of figures and what a claim may name follow from
it: a new metric is one entry, and an attribute of what is counted. Every header, docstring and key of
archcalc uses these words in exactly these senses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal

from archcalc.shapes import in_papers

#: How a metric of a network follows from those of its rows: the sum; layers on the longest path; the
#: largest; the quotient of two sums; or not at all (a shape, a receptive field).
Aggregation = Literal["sum", "longest path", "maximum", "quotient", "none"]

#: What kind of value it is, and so how a column prints it: count (12.3M), integer, bytes, ratio, shape
#: (channels and grid), extent (height and width in pixels).
Kind = Literal["count", "integer", "bytes", "ratio", "shape", "extent"]

#: Where it is read from: the cost; the shape that is read or given; or the graph, on demand.
Source = Literal["cost", "input", "output", "graph"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric.

    `name` is its word in claims and CSV, `json` its JSON key where that differs. `label` heads a column,
    `short` a narrow one. `column` says whether tables of costs have it always, where there is room, or
    never; `compared` is its place in comparisons from 1 on, 0 where it is not compared.
    """

    name: str
    description: str
    kind: Kind
    total: Aggregation
    unit: str = ""
    label: str = ""
    short: str = ""
    source: Source = "cost"
    getter: Callable[[Any], Any] | None = None
    json: str = ""
    column: Literal["always", "wide", "never"] = "never"
    compared: int = 0

    @property
    def header(self) -> str:
        """The label: the name itself where no other is given."""
        return self.label or self.name

    @property
    def key(self) -> str:
        """The key in JSON."""
        return self.json or self.name

    def get(self, of: Any) -> Any:
        """The metric of a cost, or of a shape (channels, height, width) where `source` is one.

        Raises `LookupError` for a metric of a graph, which needs more than a cost to be counted.
        """
        if self.source == "graph":
            raise LookupError(f"{self.name} is counted from a graph")
        return (self.getter or attrgetter(self.name))(of)


def _same(of: Any) -> Any:
    return of


def _part(index: int) -> Callable[[Any], Any]:
    def part(shape: Any) -> Any:
        return in_papers(shape)[index]

    return part


_ENTRIES: Final = (
    Metric(
        "output", "the shape that the row gives, channels and grid", "shape", "none",
        source="output", getter=_same,
    ),
    Metric(
        "input", "the shape that the row reads, channels and grid", "shape", "none",
        source="input", getter=_same,
    ),
    Metric(
        "depth", "layers with weights on the longest path", "integer", "longest path",
        unit="layers", column="always", compared=7,
    ),
    Metric("layers", "layers with weights, on every path", "integer", "sum", unit="layers"),
    Metric(
        "weights", "multiplicative weights only, what most papers' tables print as params", "count", "sum",
        unit="values", column="always", compared=2,
    ),
    Metric(
        "params", "all learnable values: weights, biases and normalisation", "count", "sum",
        unit="values", column="always", compared=1,
    ),
    Metric(
        "macs", "multiply-adds of convolutions, linear layers and matrix products", "count", "sum",
        unit="multiply-adds", label="MACs", column="always", compared=3,
    ),
    Metric(
        "flops", "2 x MACs: each multiply and each add counted by itself", "count", "sum",
        unit="operations", label="FLOPs",
    ),
    Metric(
        "activations", "elements produced by convolutions and linear layers (fvcore's definition)", "count",
        "sum", unit="elements", short="activ.", column="wide", compared=4,
    ),
    Metric(
        "connections", "multiply-adds, additions of biases and pooled inputs, as LeCun et al. 1998 count",
        "count", "sum", unit="connections",
    ),
    Metric(
        "traffic", "bytes that all ops read and write, each by itself", "bytes", "sum",
        unit="bytes", column="wide", compared=5,
    ),
    Metric(
        "peak", "bytes of feature maps alive at once, at most", "bytes", "maximum",
        unit="bytes", label="peak memory", short="peak", column="wide", compared=6,
    ),
    Metric(
        "intensity", "FLOPs per byte of traffic", "ratio", "quotient",
        unit="FLOPs/byte", label="FLOPs/byte", short="FLOPs/B", column="wide", compared=8,
    ),
    Metric(
        "field", "the receptive field in pixels of the input, its height where it is not square", "extent",
        "none", unit="pixels", label="receptive field", json="receptive_field", column="wide",
    ),
    Metric(
        "depth_with_pools", "layers with weights or a pooling window on the longest path", "integer",
        "longest path", unit="layers", source="graph",
    ),
    Metric("height", "the height of the output grid", "integer", "none", source="output", getter=_part(0)),
    Metric("width", "the width of the output grid", "integer", "none", source="output", getter=_part(1)),
    Metric("channels", "the channels of the output", "integer", "none", source="output", getter=_part(-1)),
)  # fmt: skip

#: Every metric by its name: what a table's column or a claim may name.
METRICS: Final[dict[str, Metric]] = {metric.name: metric for metric in _ENTRIES}

#: Shape metrics are compared part by part; all others are single numbers.
SHAPES: Final = frozenset(m.name for m in _ENTRIES if m.kind == "shape")

#: What is counted of each layer, row and network, in the order of JSON.
COSTS: Final = tuple(m for m in _ENTRIES if m.source == "cost")

#: What adds up over layers and rows.
SUMMED: Final = tuple(m.name for m in _ENTRIES if m.total == "sum")

#: What a comparison sets side by side, in its order.
COMPARED: Final = tuple(m.name for m in sorted(_ENTRIES, key=lambda m: m.compared) if m.compared)
