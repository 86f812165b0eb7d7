"""Networks as circles: params across, MACs up, and the measured latency as area where there is one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archcalc.plots import labels, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Bubble:
    """One network; `area` is its latency in milliseconds, or None where none was measured."""

    label: str
    params: float
    macs: float
    area: float | None = None


def scatter(bubbles: Sequence[Bubble], area_label: str = "") -> Figure:
    """Logarithmic axes; each circle is named, with a line to its name where that stands apart."""
    height = 5.2
    figure = style.figure(style.WIDTH, height)
    box = (0.65, 0.5, style.WIDTH - 0.8, height - 0.75)
    axes = style.axes(figure, *box)
    axes.set_xlim(*_limits([b.params for b in bubbles]))
    axes.set_ylim(*_limits([b.macs for b in bubbles]))
    style.log_axis(axes, "x")
    style.log_axis(axes, "y")
    axes.grid(True)
    axes.set_xlabel("params (all learnable values)")
    axes.set_ylabel("MACs (multiply-adds, one image)")
    most = max((b.area for b in bubbles if b.area is not None), default=1.0)
    circles = []
    bubbles = _clusters(bubbles, axes, box)
    for b in bubbles:
        measured = b.area is not None
        radius = 0.30 * math.sqrt((b.area or 0) / most) if measured else 0.045  # inches
        axes.scatter(
            [b.params], [b.macs], s=(2 * radius * 72) ** 2,
            facecolor=style.SKY if measured else style.BLUE, edgecolor=style.BLUE,
            alpha=0.6 if measured else 1.0, linewidth=0.6, zorder=3,
        )  # fmt: skip
        circles.append((*_place(b, axes, box), radius))
    labels.write(axes, box, [b.label for b in bubbles], circles, circles)
    if area_label:
        figure.text(box[0] / style.WIDTH, 1 - 0.13 / height, area_label, va="center", fontsize=style.SIZE)
    return figure


def _clusters(
    bubbles: Sequence[Bubble], axes: object, box: tuple[float, float, float, float]
) -> list[Bubble]:
    """Networks whose circles would lie on one another, as one: the first, `+2` for the others.

    A circle that carries a latency stays by itself.
    """
    kept: list[tuple[Bubble, float, float]] = []
    others: dict[int, int] = {}
    for bubble in bubbles:
        x, y = _place(bubble, axes, box)
        near = [i for i, (_, a, b) in enumerate(kept) if math.hypot(x - a, y - b) < 0.13]
        if near and bubble.area is None:
            others[near[0]] = others.get(near[0], 0) + 1
        else:
            kept.append((bubble, x, y))
    return [
        replace(b, label=f"{b.label} +{others[i]}") if i in others else b for i, (b, _, _) in enumerate(kept)
    ]


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = max(0.08 * math.log10(high / low), 0.15)
    return 10 ** (math.log10(low) - pad), 10 ** (math.log10(high) + pad)


def _place(bubble: Bubble, axes: object, box: tuple[float, float, float, float]) -> tuple[float, float]:
    """The circle's centre in inches."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()  # type: ignore[attr-defined]
    across = math.log(bubble.params / x0) / math.log(x1 / x0)
    up = math.log(bubble.macs / y0) / math.log(y1 / y0)
    return box[0] + across * box[2], box[1] + up * box[3]
