"""Names beside their points: none on another, none on a point, all inside the frame; lengths in inches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from archcalc.plots import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    Frame = tuple[float, float, float, float]  # left, bottom, width, height
    Circle = tuple[float, float, float]  # centre and radius

_HALF = 0.065  # half the height of a line of small text


def write(
    axes: Axes,
    box: Frame,
    names: Sequence[str],
    own: Sequence[Circle],
    everything: Sequence[Circle],
    colours: Sequence[str] = (),
) -> None:
    """Write `names` beside their `own` circles, clear of `everything`, with a line where one stands apart."""
    for i, (name, circle, place) in enumerate(
        zip(names, own, places(names, own, everything, box), strict=True)
    ):
        x, y = place
        axes.text(
            (x - box[0]) / box[2], (y - box[1]) / box[3], name, transform=axes.transAxes,
            fontsize=style.SMALL, va="center", zorder=5, color=colours[i] if colours else style.BLACK,
        )  # fmt: skip
        width = style.text_width(name, style.SMALL)
        nearest = min(max(circle[0], x), x + width)
        edge = min(max(circle[1], y - _HALF), y + _HALF)
        if math.hypot(nearest - circle[0], edge - circle[1]) > circle[2] + 0.1:
            axes.plot(
                [(circle[0] - box[0]) / box[2], (nearest - box[0]) / box[2]],
                [(circle[1] - box[1]) / box[3], (edge - box[1]) / box[3]],
                transform=axes.transAxes, color=style.GREY, linewidth=0.5, zorder=4,
            )  # fmt: skip


def places(
    names: Sequence[str], own: Sequence[Circle], everything: Sequence[Circle], box: Frame
) -> list[tuple[float, float]]:
    """A place for each name: its left end and its middle.

    Greedy, the most crowded circle first: candidates stand around the circle in rings ever further away,
    and the one that covers least is taken; on a tie the first.
    """
    taken: list[Frame] = []
    ends: dict[int, tuple[float, float]] = {}

    def crowd(i: int) -> tuple[float, int]:
        x, y, _ = own[i]
        return -sum(math.hypot(x - a, (y - b) * 2) < 0.9 for a, b, _ in everything), i

    for i in sorted(range(len(names)), key=crowd):
        x, y, radius = own[i]
        width = style.text_width(names[i], style.SMALL)
        best, least = (x + radius + 0.04, y), math.inf
        for ring in range(12):
            for step in range(16):
                turn = math.pi * step / 8
                reach = radius + 0.04 + 0.11 * ring
                left = x + reach * math.cos(turn) - width * (1 - math.cos(turn)) / 2
                middle = y + (reach + _HALF * abs(math.sin(turn))) * math.sin(turn)
                rect = (left - 0.02, middle - _HALF, left + width + 0.02, middle + _HALF)
                cost = _cover(rect, taken, everything, box) + 0.02 * ring + 0.0005 * step
                if cost < least:
                    best, least = (left, middle), cost
        taken.append((best[0] - 0.02, best[1] - _HALF, best[0] + width + 0.02, best[1] + _HALF))
        ends[i] = best
    return [ends[i] for i in range(len(names))]


def _cover(rect: Frame, taken: Sequence[Frame], everything: Sequence[Circle], box: Frame) -> float:
    """How bad a place is: outside of the frame is worst, then other names, then points."""
    a, b, c, d = rect
    outside = a < box[0] or b < box[1] or c > box[0] + box[2] or d > box[1] + box[3]
    over = sum(a < g and e < c and b < h and f < d for e, f, g, h in taken)
    on = sum(
        math.hypot(min(max(x, a), c) - x, min(max(y, b), d) - y) < min(r, 0.06) for x, y, r in everything
    )
    return 100.0 * outside + 10.0 * over + 3.0 * on
