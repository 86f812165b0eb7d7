"""The conditions under which figures hold, as lines that stand under every table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.cost.counts import Counts

MACS: Final = "MACs are multiply-adds (FLOPs = 2 x MACs); weights leave out biases and normalisation."


def left_out(counts: Counts) -> str:
    """The residual connections that the network has not where its table's rules name them; empty if none."""
    rows: Counter[str] = Counter()
    for row in counts.rows:
        if row.row.origin is not None and row.row.origin.skips_left_out:
            rows[row.row.label] += row.row.origin.skips_left_out
    if not rows:
        return ""
    count = rows.total()
    where = ", ".join(f"{n} in {label}" for label, n in rows.items())
    return (
        f"Left out where the branch strides or changes channels: {count} skip{'s' * (count > 1)} ({where})."
    )


def scope(counts: Counts, name: str = "") -> str:
    """The conditions under which the figures hold (those of the network `name`), as one line."""
    heads = sum(row.row.head for row in counts.rows)
    origin = counts.graph.origin
    left = (origin.side_heads if origin else 0) - heads
    parts = [
        "inference",
        f"batch {counts.batch}",
        f"input {tables.shape(counts.graph.input)}",
        f"{counts.precision}, {'fused' if counts.fused else 'no fusion'}",
    ]
    if heads:
        parts.append(f"with {heads} side head{'s' * (heads > 1)}")
    elif left:
        parts.append(f"without {left} side head{'s' * (left > 1)}")
    parts += [f"{name} = {value}" for name, value in (origin.settings.items() if origin else ())]
    return f"Scope{' of ' * bool(name)}{name}: " + "; ".join(parts) + "."
