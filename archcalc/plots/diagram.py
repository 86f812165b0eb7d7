"""The network as its paper draws it: rows from top to bottom, branches side by side, costs in every box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc import units
from archcalc.plots import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from archcalc.plots.lanes import Box, Stage

_BOX, _GAP = 0.30, 0.12  # inches: height of a box, room between levels
_WIDE = 1.02  # inches: the widest that a lane becomes
_LABEL = 2.2  # inches: the widest that a row's name becomes
_LINK = "#9a9a9a"


@dataclass(frozen=True, slots=True)
class DiagramRow:
    """A row of the table: its name, what it gives, its cost in words at the right, and its stages."""

    label: str
    output: str
    macs: str
    params: str
    stages: tuple[Stage, ...]


def diagram(rows: Sequence[DiagramRow], total: int) -> Figure:
    """Boxes are shaded by their share of the `total` MACs: darker means more MACs."""
    names = [style.shortened(r.label, _LABEL, bold=True) for r in rows]
    left = max(0.95, *(style.text_width(n, bold=True) for n in names)) + 0.2
    left = max(left, style.widest([r.output for r in rows], style.SMALL) + 0.2)
    right = [
        style.widest([name, *(getattr(r, name) for r in rows)], style.SMALL) + 0.14
        for name in ("macs", "params")
    ]
    right = [max(r, 0.5) for r in right]
    heights = [max(sum(s.levels * (_BOX + _GAP) for s in r.stages), _BOX + _GAP) + 0.08 for r in rows]
    top, bottom = 0.5, 0.08
    height = top + bottom + sum(heights)
    figure = style.figure(style.WIDTH, height)
    axes = style.axes(figure, 0, 0, style.WIDTH, height)
    axes.set_xlim(0, style.WIDTH)
    axes.set_ylim(height, 0)
    axes.axis("off")
    room = (left, style.WIDTH - sum(right) - 0.1)
    head = 0.36
    axes.text(0.1, head, "row and output", fontsize=style.SMALL, color=style.GREY)
    axes.text(room[1] + right[0], head, "MACs", ha="right", fontsize=style.SMALL, color=style.GREY)
    axes.text(room[1] + sum(right), head, "params", ha="right", fontsize=style.SMALL, color=style.GREY)
    _scale(axes, min(left, style.WIDTH - 5.0))
    y = top
    exits: list[tuple[float, float]] = []
    for i, (row, tall) in enumerate(zip(rows, heights, strict=True)):
        if i % 2 == 0:
            axes.fill([0, style.WIDTH, style.WIDTH, 0], [y, y, y + tall, y + tall], "#f5f5f5", linewidth=0)
        middle = y + tall / 2
        axes.text(0.1, middle - 0.07, names[i], va="center", weight="bold", fontsize=style.SIZE)
        axes.text(0.1, middle + 0.08, row.output, va="center", fontsize=style.SMALL, color="#444444")
        axes.text(room[1] + right[0], middle, row.macs, va="center", ha="right", fontsize=style.SMALL)
        axes.text(room[1] + sum(right), middle, row.params, va="center", ha="right", fontsize=style.SMALL)
        at = y + 0.04
        for stage in row.stages:
            exits = _stage(axes, stage, room, at, exits, total)
            at += stage.levels * (_BOX + _GAP)
        y += tall
    return figure


def _stage(
    axes: Axes,
    stage: Stage,
    room: tuple[float, float],
    top: float,
    entries: Sequence[tuple[float, float]],
    total: int,
) -> list[tuple[float, float]]:
    """Draw a stage under the points from which it is fed; the points that it feeds on."""
    wide = min(_WIDE, (room[1] - room[0] - 0.5) / stage.lanes)
    centre = (room[0] + room[1] - 0.3) / 2
    start = centre - wide * stage.lanes / 2
    beside = start + wide * (stage.lanes - 0.5)

    def place(box: Box) -> tuple[float, float, float]:
        width = wide - 0.08
        if box.join:
            inputs = [stage.boxes[i].lane for i in box.inputs if i >= 0]
            spread = (min(inputs, default=0), max(inputs, default=0))
            return start + wide * ((spread[0] + spread[1] + 1) / 2), width, 0.17
        return start + wide * (box.lane + 0.5), width, _BOX

    def levels(box: Box) -> float:
        return top + _GAP + box.level * (_BOX + _GAP)

    for box in stage.boxes:
        x, _, _ = place(box)
        for i in box.inputs:
            sources = entries
            if i >= 0:
                sx, _, tall = place(stage.boxes[i])
                sources = [(sx, levels(stage.boxes[i]) + tall)]
            by = beside if stage.blocked(i, box) else None
            for source in sources:
                _edge(axes, source, (x, levels(box)), by)
    for box in stage.boxes:
        x, width, tall = place(box)
        _box(axes, box, x, levels(box), width, tall, total)
    if stage.times > 1:
        _bracket(axes, stage, start + wide * stage.lanes + 0.04, top)
    read = {i for box in stage.boxes for i in box.inputs}
    return [
        (place(box)[0], levels(box) + place(box)[2]) for n, box in enumerate(stage.boxes) if n not in read
    ]


def _bracket(axes: Axes, stage: Stage, right: float, top: float) -> None:
    """A bracket at the right of a stage that says how often it is repeated."""
    low = top + _GAP + stage.levels * (_BOX + _GAP) - _GAP
    axes.plot(
        [right, right + 0.05, right + 0.05, right],
        [top + _GAP, top + _GAP, low, low],
        color=style.GREY,
        linewidth=0.7,
    )
    axes.text(right + 0.09, (top + _GAP + low) / 2, f"×{stage.times}", va="center", fontsize=style.SIZE)


def _edge(axes: Axes, source: tuple[float, float], target: tuple[float, float], by: float | None) -> None:
    """A line that goes straight down, or down at `by`, and turns in the gap before its target."""
    (x0, y0), (x1, y1) = source, target
    turn = y1 - _GAP
    if by is None:
        points = [(x0, y0), (x0, max(turn, y0)), (x1, y1)]
    else:
        points = [(x0, y0), (by, y0 + _GAP), (by, turn), (x1, y1)]
    axes.plot([p[0] for p in points], [p[1] for p in points], color=_LINK, linewidth=0.7, zorder=1)


def _box(axes: Axes, box: Box, x: float, y: float, width: float, tall: float, total: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    shade = _shade(box.cost / total if total else 0)
    patch = FancyBboxPatch(
        (x - width / 2, y), width, tall, boxstyle="round,pad=0,rounding_size=0.035", facecolor=shade[0],
        edgecolor=style.GREY, linewidth=0.5, zorder=2,
    )  # fmt: skip
    axes.add_patch(patch)
    title = style.shortened(_title(box), width - 0.06, style.SMALL)
    weighted = box.cost > 0
    axes.text(
        x, y + (tall * 0.31 if weighted else tall / 2), title, ha="center", va="center",
        fontsize=style.SMALL, color=shade[1], zorder=3,
    )  # fmt: skip
    if weighted:
        text = units.brief(box.cost)
        axes.text(
            x, y + tall * 0.73, text, ha="center", va="center", fontsize=style.SMALL - 0.5, color=shade[1],
            zorder=3,
        )  # fmt: skip


def _title(box: Box) -> str:
    if box.join or not box.widths:
        return box.what
    low, high = min(box.widths), max(box.widths)
    wide = str(low) if low == high else f"{low}–{high}"
    return f"{box.what} · {wide}" if box.cost else box.what


def _shade(share: float) -> tuple[str, str]:
    """A shade of one hue for a share of the MACs, and the colour of text on it."""
    steps = (
        (0.0, "#ffffff", "black"),
        (0.001, "#e3eef6", "black"),
        (0.005, "#c3dcee", "black"),
        (0.02, "#8fc0e0", "black"),
        (0.05, "#4d96c9", "black"),
        (0.10, "#0b4f80", "white"),
    )
    fill = steps[0]
    for step in steps:
        if share >= step[0] or (share > 0 and step is steps[1]):
            fill = step
    return fill[1], fill[2]


def _scale(axes: Axes, left: float) -> None:
    """The key to the shades, from `left` on."""
    keys = (("no MACs", 0.0), ("< 0.5%", 0.001), ("0.5%", 0.005), ("2%", 0.02), ("5%", 0.05), ("10%", 0.1))
    x = left
    axes.text(x, 0.13, "share of the network's MACs:", fontsize=style.SMALL, va="center", color=style.GREY)
    x += style.text_width("share of the network's MACs:", style.SMALL) + 0.1
    for text, share in keys:
        label = text if text.startswith(("no", "<")) else f"≥ {text}"
        axes.fill(
            [x, x + 0.14, x + 0.14, x], [0.07, 0.07, 0.19, 0.19], _shade(share)[0], edgecolor=style.GREY,
            linewidth=0.5,
        )  # fmt: skip
        axes.text(x + 0.18, 0.13, label, fontsize=style.SMALL, va="center")
        x += 0.26 + style.text_width(label, style.SMALL)
