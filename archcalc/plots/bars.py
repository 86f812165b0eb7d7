"""Costs as stacked bars: one bar for each row of a table or each network, a colour for each kind of layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.plots import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A colour and a hatching for each kind, in their order; hatching parts those of like lightness in print.
FILLS: Final = (
    (style.SKY, ""),
    (style.BLUE, ""),
    (style.RED, ""),
    (style.ORANGE, "////"),
    (style.GREEN, "xxxx"),
    (style.YELLOW, ""),
    (style.PALE, "\\\\\\\\"),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """One set of bars side by side with others: `values[bar][kind]`, and what stands behind each bar."""

    label: str
    values: Sequence[Mapping[str, float]]
    texts: Sequence[str]


def stacked(names: Sequence[str], kinds: Sequence[str], panels: Sequence[Panel]) -> Figure:
    """Horizontal bars, the first on top; all panels share the names at the left."""
    labels = [style.shortened(n, 2.0) for n in names]
    present = [k for k in kinds if any(v.get(k) for p in panels for v in p.values)]
    left = style.widest(labels) + 0.2
    line = 0.2
    legend = _legend_lines(present, style.WIDTH - 0.3)
    bottom, top = 0.5, 0.15 + 0.2 * legend
    height = bottom + top + line * len(names)
    figure = style.figure(style.WIDTH, height)
    room = style.WIDTH - left - 0.1
    each = (room + 0.12) / len(panels)
    for i, panel in enumerate(panels):
        texts = style.widest(list(panel.texts), style.SMALL) + 0.24
        axes = style.axes(figure, left + i * each, bottom, each - texts, height - bottom - top)
        _bars(axes, panel, kinds, present, each - texts)
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.set_yticks(range(len(names)), labels if i == 0 else [""] * len(names))
    _legend(figure, kinds, present, legend)
    return figure


def _bars(axes: Axes, panel: Panel, kinds: Sequence[str], present: Sequence[str], width: float) -> None:
    """The bars of one panel, `width` inches wide, with what stands behind each."""
    from matplotlib.ticker import MaxNLocator

    edges = [0.0] * len(panel.values)
    for kind in present:
        widths = [float(v.get(kind, 0)) for v in panel.values]
        colour, hatch = FILLS[kinds.index(kind) % len(FILLS)]
        axes.barh(
            range(len(panel.values)), widths, left=edges, height=0.72, color=colour, hatch=hatch,
            edgecolor="white" if not hatch else style.BLACK, linewidth=0.3,
        )  # fmt: skip
        edges = [e + w for e, w in zip(edges, widths, strict=True)]
    most = max(edges, default=0) or 1.0
    for y, (end, text) in enumerate(zip(edges, panel.texts, strict=True)):
        axes.text(end + most * 0.05 / max(width, 0.5), y, text, va="center", fontsize=style.SMALL)
    axes.set_xlim(0, most)
    axes.set_xlabel(panel.label)
    axes.xaxis.set_major_formatter(lambda value, _: units.brief(value))
    axes.xaxis.set_major_locator(MaxNLocator(max(2, int(2.2 * width)), steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(axis="y", length=0)


def _legend(figure: Figure, kinds: Sequence[str], present: Sequence[str], lines: int) -> None:
    """The key to the kinds that are drawn, in so many lines."""
    from matplotlib.patches import Patch

    fills = [FILLS[kinds.index(kind) % len(FILLS)] for kind in present]
    handles = [
        Patch(
            facecolor=colour,
            hatch=hatch,
            edgecolor=style.BLACK if hatch else "white",
            linewidth=0.3,
            label=kind,
        )
        for kind, (colour, hatch) in zip(present, fills, strict=True)
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.1 / style.WIDTH, 1.0),
        ncols=max(1, -(-len(present) // max(lines, 1))), columnspacing=1.4, handlelength=1.4,
        borderaxespad=0.3,
    )  # fmt: skip


def _legend_lines(labels: Sequence[str], width: float) -> int:
    """How many lines a legend takes whose columns are as wide as its widest label."""
    entry = style.widest(list(labels), style.SMALL + 0.5) + 0.45
    columns = max(1, int(width / entry))
    return -(-len(labels) // columns)
