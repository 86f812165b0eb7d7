"""A record's points -> tables: savings where there are pairs, then latencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.views import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.bench.records.record import Point, Record
    from archcalc.views.tables import Table


def tables(record: Record, points: Sequence[Point] | None = None) -> list[Table]:
    """The tables of some of the record's points, or of all."""
    chosen = record.points if points is None else points
    ordered = sorted(chosen, key=lambda point: (point.key.networks, point.key.conditions))
    savings = [measured.savings(record, ordered)] if any(p.pair for p in ordered) else []
    return [*savings, measured.latencies(record, ordered)]
