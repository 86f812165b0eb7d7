"""Where a network and its rows come from, for those who print it. A graph stands without any of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class NetworkOrigin:
    """What a document says of a network beside its layers.

    `source` is the publication; `variables` are all that the document has, `settings` those that were set
    anew; `side_heads` is how many side heads the document holds, whether the graph has them or not.
    """

    source: str = ""
    variables: Mapping[str, int | Fraction | str | object] = field(default_factory=dict)
    settings: Mapping[str, int | Fraction | str | object] = field(default_factory=dict)
    side_heads: int = 0


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """A cell of a row that claims a metric: the column's header and the cell's text as printed."""

    metric: str
    header: str
    text: str


@dataclass(frozen=True, slots=True)
class RowOrigin:
    """The row of a published table: its cells that claim a metric.

    `built_from` are the names (in `document.text.key`'s spelling) of claimed parts from which the row was
    built: they can no longer be checked there. `skips_left_out` is how many residual connections the row has
    not, since their branch strides or changes channels.
    """

    published: tuple[PublishedCell, ...] = ()
    built_from: frozenset[str] = frozenset()
    skips_left_out: int = 0
