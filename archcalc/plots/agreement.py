"""Published figures against computed ones: how far apart, with bands of 1% and 10%."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archcalc.plots import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

#: What a figure counts as -> how it is drawn: marker, colour, size.
MARKS: Final = {
    "agrees": ("o", style.BLUE, 14),
    "agrees under a convention": ("s", style.GREEN, 14),
    "differs, explained": ("D", style.ORANGE, 16),
    "differs, cause unknown": ("^", style.RED, 22),
    "unexplained": ("X", style.BLACK, 26),
}
_INNER = 0.001  # under 0.1% the scale is linear


@dataclass(frozen=True, slots=True)
class AgreementPoint:
    """A published figure (positive, in plain units) and (computed - published) / published."""

    published: float
    difference: float
    outcome: str


def agreement(spots: Sequence[AgreementPoint], ylabel: str = "(computed - published) / published") -> Figure:
    """One mark for each figure; the vertical scale is logarithmic on either side of 0.1%."""
    height = 3.9
    figure = style.figure(style.WIDTH, height)
    axes = style.axes(figure, 0.85, 0.5, style.WIDTH - 1.0, height - 0.85)
    xs = [s.published for s in spots]
    axes.set_xlim(min(xs) / 2.5, max(xs) * 2.5)
    style.log_axis(axes, "x")
    most = max(0.1, *(abs(s.difference) for s in spots))
    axes.set_yscale("symlog", linthresh=_INNER, linscale=0.6)
    axes.set_ylim(-min(1.6 * most, 1.6), 1.6 * most)  # nothing computed is under -100%
    ticks = [t for t in (0.001, 0.01, 0.1, 1, 10, 100) if t <= 1.6 * most]
    axes.set_yticks([-t for t in reversed(ticks) if t <= 1] + [0, *ticks])
    axes.yaxis.set_major_formatter(lambda value, _: "0" if value == 0 else f"{100 * value:+.4g}%")
    axes.yaxis.set_minor_locator(_nothing())
    axes.axhspan(-0.1, 0.1, color="#f0f0f0", zorder=0)
    axes.axhspan(-0.01, 0.01, color="#dcdcdc", zorder=0)
    axes.axhline(0, color=style.GREY, linewidth=0.6, zorder=1)
    for outcome, (marker, colour, size) in MARKS.items():
        chosen = [s for s in spots if s.outcome == outcome]
        if chosen:
            axes.scatter(
                [s.published for s in chosen], [s.difference for s in chosen], s=size, marker=marker,
                facecolor=colour, edgecolor="white", linewidth=0.3, zorder=3, alpha=0.85,
                label=f"{outcome} ({len(chosen)})",
            )  # fmt: skip
    axes.set_xlabel("published figure (plain units)")
    axes.set_ylabel(ylabel)
    figure.legend(
        loc="upper left", bbox_to_anchor=(0.8 / style.WIDTH, 1.0), ncols=2, columnspacing=1.6,
        handletextpad=0.2, borderaxespad=0.4,
    )  # fmt: skip
    figure.text(
        1 - 0.15 / style.WIDTH, 1 - 0.17 / height, "bands: 1% and 10%", ha="right", va="center",
        fontsize=style.SMALL,
    )  # fmt: skip
    return figure


def _nothing() -> NullLocator:
    from matplotlib.ticker import NullLocator

    return NullLocator()
