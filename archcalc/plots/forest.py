"""Intervals as in a forest plot: one line for each comparison, with what counting and the roofline say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.plots import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Line:
    """An interval; `expected` is the ratio of MACs, `predicted` the roofline's, `verdict` ends the line."""

    label: str
    low: float
    point: float
    high: float
    expected: float | None = None
    predicted: float | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under a heading."""

    heading: str
    lines: Sequence[Line]


def forest(groups: Sequence[Group], xlabel: str, reference: float | None = 1.0) -> Figure:
    """A logarithmic axis; dot and bar are the measured interval, open marks what was expected."""
    count = sum(len(g.lines) + bool(g.heading) for g in groups)
    lines = [line for g in groups for line in g.lines]
    left = style.widest([line.label for line in lines]) + 0.35
    left = max(left, *(style.text_width(g.heading, style.SIZE, bold=True) + 0.25 for g in groups))
    right = style.widest([line.verdict for line in lines]) + 0.2
    keys = any(line.expected is not None or line.predicted is not None for line in lines)
    top, bottom, step = 0.3 if keys else 0.12, 0.5, 0.19
    height = top + bottom + step * count
    figure = style.figure(style.WIDTH, height)
    axes = style.axes(figure, left, bottom, style.WIDTH - left - right, step * count)
    values = [v for line in lines for v in (line.low, line.high, line.expected, line.predicted) if v]
    low, high = min(values), max(values)
    if reference is not None:
        low, high = min(low, reference), max(high, reference)
    pad = max((high / low) ** 0.05, 1.02)
    axes.set_xlim(low / pad, high * pad)
    style.ratio_axis(axes, style.WIDTH - left - right)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x")
    if reference is not None:
        axes.axvline(reference, color=style.BLACK, linewidth=0.7)
    blend = axes.get_yaxis_transform()
    width = style.WIDTH - left - right
    y = 0
    for group in groups:
        if group.heading:
            axes.text(-(left - 0.1) / width, y, group.heading, transform=blend, va="center", weight="bold")
            y += 1
        for line in group.lines:
            _line(axes, line, y)
            axes.text(-(left - 0.22) / width, y, line.label, transform=blend, va="center")
            axes.text(1 + 0.1 / width, y, line.verdict, transform=blend, va="center")
            y += 1
    axes.set_xlabel(xlabel)
    if keys:
        _keys(figure, height, any(line.predicted is not None for line in lines))
    return figure


def _line(axes: Axes, line: Line, y: int) -> None:
    """The marks of one comparison at the height `y`."""
    axes.plot([line.low, line.high], [y, y], color=style.BLUE, linewidth=1.4, solid_capstyle="butt")
    axes.scatter([line.point], [y], s=16, color=style.BLUE, zorder=4, linewidth=0)
    if line.expected is not None:
        axes.scatter(
            [line.expected], [y], s=24, marker="D", facecolor="none", edgecolor=style.RED,
            linewidth=0.9, zorder=3,
        )  # fmt: skip
    if line.predicted is not None:
        axes.scatter([line.predicted], [y], s=20, marker="x", color=style.BLACK, linewidth=0.9, zorder=3)


def _keys(figure: Figure, height: float, predicted: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], color=style.BLUE, marker="o", markersize=4, linewidth=1.4, label="measured, 95% interval",
        ),
        Line2D(
            [], [], color=style.RED, marker="D", markersize=5, linewidth=0, markerfacecolor="none",
            label="ratio of MACs (mu)",
        ),
    ]  # fmt: skip
    if predicted:
        handles.append(
            Line2D(
                [],
                [],
                color=style.BLACK,
                marker="x",
                markersize=5,
                linewidth=0,
                label="roofline's prediction",
            )
        )
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.3)
