"""`Counts` of several networks -> `Comparison`: each cost as an exact ratio to the first network's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.display import Displayed
from archcalc.metrics import COMPARED, METRICS
from archcalc.numbers import Array, divide, every

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archcalc.cost.counts import Cost, Counts
    from archcalc.numbers import Number


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Displayed):
    """Networks side by side; `ratios[i]` are those of network `i` to the first, exact fractions.

    A ratio is None where the first network's cost is zero.
    """

    networks: tuple[Counts, ...]
    ratios: tuple[Mapping[str, Number | None], ...]

    def __repr__(self) -> str:
        macs = (r["macs"] for r in self.ratios)
        parts = (
            f"{n.graph.name} {'?' if m is None else m if isinstance(m, Array) else f'{float(m):.3f}'}"
            for n, m in zip(self.networks, macs, strict=True)
        )
        return f"Comparison(MACs to the first: {', '.join(parts)})"


def compare(networks: Sequence[Counts]) -> Comparison:
    """Compare the totals of `networks` with those of the first."""
    first = networks[0].total
    return Comparison(tuple(networks), tuple(_ratios(n.total, first) for n in networks))


def _ratios(cost: Cost, base: Cost) -> dict[str, Number | None]:
    ratios: dict[str, Number | None] = {}
    for name in COMPARED:
        own, other = METRICS[name].get(cost), METRICS[name].get(base)
        ratios[name] = divide(own, other) if every(other != 0) else None
    return ratios
