"""Ratios as bars in groups on a logarithmic axis: less than one to the left, more to the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.plots import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

_FILLS: Final = ((style.BLUE, ""), (style.ORANGE, "////"), (style.GREEN, "xxxx"), (style.PINK, "\\\\\\\\"))


@dataclass(frozen=True, slots=True)
class Bar:
    """A group of bars: its name, and a ratio for each of the series."""

    label: str
    values: tuple[float, ...]


def grouped(bars: Sequence[Bar], series: Sequence[str], xlabel: str) -> Figure:
    """One group for each bar, the first on top; every bar starts at 1."""
    from matplotlib.patches import Patch

    thick = 0.15
    group = thick * len(series) + 0.13
    left = style.widest([b.label for b in bars]) + 0.2
    top, bottom = 0.32, 0.5
    height = top + bottom + group * len(bars)
    figure = style.figure(style.WIDTH, height)
    axes = style.axes(figure, left, bottom, style.WIDTH - left - 0.15, group * len(bars))
    values = [v for b in bars for v in b.values if v > 0]
    low, high = min(*values, 1.0), max(*values, 1.0)
    room = (high / low) ** 0.09
    axes.set_xlim(low / room, high * room)
    axes.set_ylim(group * len(bars), 0)
    style.ratio_axis(axes, style.WIDTH - left - 0.15)
    axes.grid(True, axis="x")
    for i, bar in enumerate(bars):
        for k, value in enumerate(bar.values):
            y = i * group + 0.065 + (k + 0.5) * thick
            colour, hatch = _FILLS[k]
            edge = style.BLACK if hatch else "white"
            axes.barh(
                [y], [value - 1], left=1, height=thick * 0.86, color=colour, hatch=hatch, edgecolor=edge,
                linewidth=0.3,
            )  # fmt: skip
            right = value >= 1
            text = f"{value:.2f}" if value < 100 else units.brief(value)
            axes.annotate(
                text, (value, y), xytext=(3 if right else -3, 0), textcoords="offset points",
                ha="left" if right else "right", va="center", fontsize=style.SMALL,
            )  # fmt: skip
    axes.axvline(1, color=style.BLACK, linewidth=0.8)
    axes.set_yticks([(i + 0.5) * group for i in range(len(bars))], [b.label for b in bars])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(xlabel)
    handles = [
        Patch(facecolor=c, hatch=h, edgecolor=style.BLACK if h else "white", linewidth=0.3, label=name)
        for name, (c, h) in zip(series, _FILLS, strict=False)
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=len(series), borderaxespad=0.3
    )
    return figure
