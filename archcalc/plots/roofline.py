"""The roofline: rows as points under the ceilings that were measured in the same session."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc import units
from archcalc.plots import labels, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOOKS = (("o", style.BLUE), ("s", style.RED), ("^", style.GREEN), ("D", style.ORANGE))


@dataclass(frozen=True, slots=True)
class Roof:
    """Ceilings in FLOP/s and bytes/s."""

    convolution: float
    matmul: float
    bandwidth: float


@dataclass(frozen=True, slots=True)
class RooflinePoint:
    """A row: FLOPs per byte of its traffic, the FLOP/s that it reached, and how much time it takes (ms)."""

    label: str
    intensity: float
    rate: float
    milliseconds: float


def roofline(roof: Roof, series: Sequence[tuple[str, Sequence[RooflinePoint]]], named: int = 6) -> Figure:
    """FLOP/s over FLOPs per byte, both logarithmic; the `named` slowest rows of each series are named."""
    height = 4.4
    figure = style.figure(style.WIDTH, height)
    box = (0.8, 0.5, style.WIDTH - 0.95, height - 0.85)
    axes = style.axes(figure, *box)
    spots = [s for _, rows in series for s in rows]
    ridge = max(roof.convolution, roof.matmul) / roof.bandwidth
    x0 = min([ridge / 20, *(s.intensity / 1.8 for s in spots)])
    x1 = max([ridge * 8, *(s.intensity * 3 for s in spots)])
    y1 = 2.2 * max([roof.convolution, roof.matmul, *(s.rate for s in spots)])
    y0 = min([max(roof.convolution, roof.matmul) / 30, *(s.rate / 2 for s in spots)])
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)
    style.log_axis(axes, "x")
    style.log_axis(axes, "y")
    axes.grid(True)
    written = _ceilings(axes, roof, box)
    slowest: list[tuple[RooflinePoint, str]] = []
    for (name, rows), (marker, colour) in zip(series, _LOOKS, strict=False):
        axes.scatter(
            [s.intensity for s in rows], [s.rate for s in rows], marker=marker, s=20, facecolor=colour,
            edgecolor="white", linewidth=0.3, label=name, zorder=4,
        )  # fmt: skip
        slowest += [(s, colour) for s in sorted(rows, key=lambda s: -s.milliseconds)[:named]]
    labels.write(
        axes,
        box,
        [s.label for s, _ in slowest],
        [_place(axes, s, box) for s, _ in slowest],
        [*(_place(axes, s, box) for s in spots), *_roof(axes, roof, box), *written],
        [colour for _, colour in slowest],
    )
    axes.set_xlabel("arithmetic intensity (FLOPs per byte of counted traffic)")
    axes.set_ylabel("reached (FLOP/s)")
    figure.legend(loc="upper left", bbox_to_anchor=(0.75 / style.WIDTH, 1.0), ncols=4, borderaxespad=0.4)
    return figure


def _ceilings(
    axes: Axes, roof: Roof, box: tuple[float, float, float, float]
) -> list[tuple[float, float, float]]:
    """Draw the ceilings with their names; circles where these stand, in inches."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    top = max(roof.convolution, roof.matmul)
    slope = [max(x0, y0 / roof.bandwidth), top / roof.bandwidth]
    axes.plot(slope, [v * roof.bandwidth for v in slope], color=style.BLACK)
    for rate, dash in ((roof.convolution, "-"), (roof.matmul, "--")):
        axes.plot([rate / roof.bandwidth, x1], [rate, rate], color=style.BLACK, linestyle=dash)
    lower, upper = sorted(((roof.convolution, "convolution"), (roof.matmul, "matrix product")))
    written = []
    for (rate, name), va in ((upper, "bottom"), (lower, "top")):
        shift = 1.04 if va == "bottom" else 1 / 1.04
        text = f"{name}: {units.brief(rate, 'FLOP/s')}"
        axes.text(x1, rate * shift, text, ha="right", va=va, fontsize=style.SMALL)
        right, middle, _ = _place(axes, RooflinePoint("", x1, rate, 0.0), box)
        middle += 0.09 if va == "bottom" else -0.09
        steps = range(int(style.text_width(text, style.SMALL) / 0.05) + 2)
        written += [(right - 0.05 * step, middle, 0.06) for step in steps]
    angle = math.degrees(math.atan2(box[3] / math.log(y1 / y0), box[2] / math.log(x1 / x0)))
    low = max(x0, y0 / roof.bandwidth) * 1.25
    axes.text(
        low, low * roof.bandwidth * 1.12, f"copy: {units.brief(roof.bandwidth, 'B/s')}", rotation=angle,
        rotation_mode="anchor", fontsize=style.SMALL,
    )  # fmt: skip
    return written


def _place(
    axes: Axes, spot: RooflinePoint, box: tuple[float, float, float, float]
) -> tuple[float, float, float]:
    """A point's centre and radius in inches."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    across = math.log(spot.intensity / x0) / math.log(x1 / x0)
    up = math.log(spot.rate / y0) / math.log(y1 / y0)
    return box[0] + across * box[2], box[1] + up * box[3], 0.04


def _roof(axes: Axes, roof: Roof, box: tuple[float, float, float, float]) -> list[tuple[float, float, float]]:
    """The ceilings as circles side by side, so that names keep clear of them."""
    x0, x1 = axes.get_xlim()
    circles = []
    for step in range(161):
        x = x0 * (x1 / x0) ** (step / 160)
        for rate in sorted({min(x * roof.bandwidth, top) for top in (roof.convolution, roof.matmul)}):
            circles.append(_place(axes, RooflinePoint("", x, rate, 0.0), box))
    return circles
