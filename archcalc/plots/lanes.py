"""A row's layers on a grid: a level for each step from the row's input, a lane for each branch.

Rows are joins of parallel chains by construction, so lanes lay them out without crossings, exactly and the
same on every machine. Graphviz would need its `dot` program, whose output changes with its version and fonts;
the pure-Python layout libraries have had no release in years.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_MOST_LANES = 8  # more would leave no room for a word in a box


@dataclass(frozen=True, slots=True)
class Box:
    """A layer to draw. `inputs` are indices of boxes before it; -1 is what the row reads.

    `what` is the layer's name in a few letters (`3x3/2`), `widths` the channels that it gives (of each
    repetition), `cost` its MACs, `join` marks a concatenation or sum. Places are filled in by `lay_out`.
    """

    what: str
    widths: tuple[int, ...]
    cost: int
    inputs: tuple[int, ...]
    join: bool = False
    level: int = 0
    lane: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """Boxes between two points through which everything flows, drawn `times` times over as one."""

    boxes: tuple[Box, ...]
    times: int = 1

    @property
    def levels(self) -> int:
        """How many levels the stage takes."""
        return max(b.level for b in self.boxes) + 1

    @property
    def lanes(self) -> int:
        """How many lanes the stage takes; one more where something is passed by at the right."""
        return max(b.lane for b in self.boxes) + 1 + self.bypassed

    @property
    def bypassed(self) -> bool:
        """Whether an input has to be led around the boxes below it."""
        return any(self.blocked(i, box) for box in self.boxes for i in box.inputs)

    def blocked(self, source: int, box: Box) -> bool:
        """Whether boxes stand between `box` and its input, straight below the input."""
        if source < 0:
            return box.level > 0
        above = self.boxes[source]
        return any(b.lane == above.lane and above.level < b.level < box.level for b in self.boxes)


def stages(boxes: Sequence[Box]) -> tuple[Stage, ...]:
    """A row's boxes as stages; neighbours that differ in widths only become one."""
    merged: list[Stage] = []
    for part in _split(boxes):
        stage = Stage(lay_out(part))
        if stage.lanes > _MOST_LANES:
            stage = Stage(lay_out(_alike(part)))
        if merged and _same(merged[-1], stage):
            merged[-1] = _together(merged[-1], stage)
        else:
            merged.append(stage)
    return tuple(merged)


def _alike(boxes: Sequence[Box]) -> list[Box]:
    """Parallel boxes of one kind with the same input and the same reader as one box: `16 × 5x5`."""
    readers = {i: n for n, box in enumerate(boxes) for i in box.inputs if i >= 0}
    groups: dict[tuple[str, tuple[int, ...], int], list[int]] = {}
    for n, box in enumerate(boxes):
        lone = n if box.join else readers.get(n, -1)
        groups.setdefault((box.what, box.inputs, lone), []).append(n)
    kept: list[Box] = []
    at = {-1: -1}
    for same in sorted(groups.values()):
        first = boxes[same[0]]
        for n in same:
            at[n] = len(kept)
        inputs = tuple(dict.fromkeys(at[i] for i in first.inputs))
        what = first.what if len(same) == 1 else f"{len(same)} × {first.what}"
        widths = tuple(w for n in same for w in boxes[n].widths)
        kept.append(Box(what, widths, sum(boxes[n].cost for n in same), inputs, first.join))
    return kept


def _split(boxes: Sequence[Box]) -> list[list[Box]]:
    """Cut behind every box whose output is all that later boxes read."""
    last = {i: n for n, box in enumerate(boxes) for i in box.inputs}
    parts: list[list[Box]] = []
    start, before = 0, -1
    for n in range(len(boxes)):
        # Everything up to here is either read by now or is this box itself.
        if all(last.get(i, -1) <= n for i in range(-1, n)):
            index = {before: -1, **{start + k: k for k in range(n + 1 - start)}}
            part = [replace(b, inputs=tuple(index[i] for i in b.inputs)) for b in boxes[start : n + 1]]
            parts.append(part)
            start, before = n + 1, n
    if start < len(boxes):  # what is never joined again stays one part
        index = {before: -1, **{start + k: k for k in range(len(boxes) - start)}}
        parts.append([replace(b, inputs=tuple(index.get(i, -1) for i in b.inputs)) for b in boxes[start:]])
    return parts


def lay_out(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """The boxes with a level (longest path from the input) and a lane each, no two in one place."""
    placed: list[Box] = []
    taken: set[tuple[int, int]] = set()
    for box in boxes:
        level = max((placed[i].level + 1 for i in box.inputs if i >= 0), default=0)
        lane = min((placed[i].lane for i in box.inputs if i >= 0), default=0)
        while (level, lane) in taken or (not box.join and _passes(placed, taken, box, level, lane)):
            lane += 1
        taken.add((level, lane))
        placed.append(replace(box, level=level, lane=lane))
    return tuple(placed)


def _passes(placed: Sequence[Box], taken: set[tuple[int, int]], box: Box, level: int, lane: int) -> bool:
    """Whether a lane that starts at the input is one that another branch already uses below."""
    first = all(i < 0 for i in box.inputs)
    return first and any(used == lane for _, used in taken)


def _same(a: Stage, b: Stage) -> bool:
    def form(s: Stage) -> list[tuple[str, tuple[int, ...]]]:
        return [(box.what, box.inputs) for box in s.boxes]

    return len(a.boxes) > 1 and form(a) == form(b)


def _together(a: Stage, b: Stage) -> Stage:
    boxes = tuple(
        replace(x, widths=(*x.widths, *y.widths), cost=x.cost + y.cost)
        for x, y in zip(a.boxes, b.boxes, strict=True)
    )
    return Stage(boxes, a.times + b.times)
