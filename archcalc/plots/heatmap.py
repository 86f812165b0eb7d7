"""The realized saving R over batch and channels, with the predicted boundary of the regimes drawn in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.plots import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Field:
    """One cell: the value with its letter, and whether each network is predicted to be compute-bound."""

    value: float
    verdict: str
    old_compute: bool
    new_compute: bool


@dataclass(frozen=True, slots=True)
class Map:
    """One panel; `fields` by (batch, channels), `setting` names the values of all other variables."""

    title: str
    setting: str
    batches: Sequence[int]
    channels: Sequence[int]
    fields: Mapping[tuple[int, int], Field]

    @property
    def name(self) -> str:
        """The title with the setting, where there is one."""
        return f"{self.title}, {self.setting}" if self.setting else self.title


def heatmaps(maps: Sequence[Map], label: str) -> Figure:
    """Panels beside each other, blue where the saving shows in the time, orange where the time rose."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("saving", [style.RED, "#f7f7f7", style.BLUE])
    columns = min(len(maps), 2)
    lines = -(-len(maps) // columns)
    left, right, gap = 0.65, 0.85, 0.65
    width = (style.WIDTH - left - right - gap * (columns - 1)) / columns
    tall = max(0.34 * max(len(m.batches) for m in maps), 0.9)
    top, bottom, between = 0.55, 0.5, 0.75
    height = top + bottom + lines * tall + (lines - 1) * between
    figure = style.figure(style.WIDTH, height)
    common = len({m.setting for m in maps}) == 1
    borders = 0
    for i, m in enumerate(maps):
        row, column = divmod(i, columns)
        place = (left + column * (width + gap), height - top - (row + 1) * tall - row * between, width, tall)
        axes = style.axes(figure, *place)
        _cells(axes, m, colours)
        borders += _boundary(axes, m, "old_compute", "-")
        borders += _boundary(axes, m, "new_compute", ":")
        axes.set_xlim(-0.5, len(m.channels) - 0.5)
        axes.set_ylim(-0.5, len(m.batches) - 0.5)
        axes.set_xticks(range(len(m.channels)), [str(c) for c in m.channels])
        axes.set_yticks(range(len(m.batches)), [str(b) for b in m.batches])
        axes.tick_params(length=0)
        axes.set_xlabel("channels")
        if column == 0:
            axes.set_ylabel("batch (images)")
        title = m.title if common else m.name
        axes.set_title(style.shortened(title, width, style.SIZE + 1), fontsize=style.SIZE)
    _scale(figure, (style.WIDTH - right + 0.15, bottom, 0.12, height - top - bottom), colours, label)
    legend = (
        "lines: predicted border between compute-bound and memory- or launch-bound, solid old, dotted new"
        if borders
        else "no border between compute-bound and memory- or launch-bound is predicted within the maps"
    )
    text = f"{maps[0].setting}; {legend}" if common and maps[0].setting else legend
    figure.text(0.1 / style.WIDTH, 1 - 0.15 / height, text, va="center", fontsize=style.SMALL)
    return figure


def _cells(axes: Axes, m: Map, colours: Colormap) -> None:
    """The cells of one panel, each with its value."""
    for (batch, wide), field in m.fields.items():
        x, y = m.channels.index(wide), m.batches.index(batch)
        shade = min(max(field.value, -1.0), 1.0)
        axes.fill(
            [x - 0.5, x + 0.5, x + 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5],
            facecolor=colours((shade + 1) / 2), edgecolor="white", linewidth=0.5,
        )  # fmt: skip
        axes.text(
            x, y, f"{field.value:.2f}{field.verdict}", ha="center", va="center", fontsize=style.SMALL,
            color="white" if abs(shade) > 0.75 else "black",
        )  # fmt: skip


def _scale(figure: Figure, place: tuple[float, float, float, float], colours: Colormap, label: str) -> None:
    """The key to the colours, at `place` in inches."""
    import matplotlib.cm as cm
    from matplotlib.colors import Normalize

    bar = style.axes(figure, *place)
    scale = cm.ScalarMappable(Normalize(-1, 1), colours)
    figure.colorbar(scale, cax=bar, ticks=[-1, -0.5, 0, 0.5, 1], label=label)
    bar.set_yticklabels(["≤ -1", "-0.5", "0", "0.5", "≥ 1"])


def _boundary(axes: object, m: Map, which: str, dash: str) -> int:
    """Draw the edges between neighbouring cells that are predicted in different regimes; how many."""
    drawn = 0
    for (batch, wide), field in m.fields.items():
        x, y = m.channels.index(wide), m.batches.index(batch)
        for dx, dy in ((1, 0), (0, 1)):
            if x + dx >= len(m.channels) or y + dy >= len(m.batches):
                continue
            other = m.fields.get((m.batches[y + dy], m.channels[x + dx]))
            if other is None or getattr(other, which) == getattr(field, which):
                continue
            xs = [x + 0.5, x + 0.5] if dx else [x - 0.5, x + 0.5]
            ys = [y - 0.5, y + 0.5] if dx else [y + 0.5, y + 0.5]
            axes.plot(xs, ys, color="black", linestyle=dash, linewidth=1.8)  # type: ignore[attr-defined]
            drawn += 1
    return drawn
