"""Where each layer stands in a network, and its dotted name: `inception_3a.branch_2.conv_1`."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

ROOT = 0


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """A label as a name that torch can print as an attribute."""
    name = re.sub(r"\W+", "_", text.casefold(), flags=re.ASCII).strip("_")[:40].strip("_") or "row"
    return name if not name[0].isdigit() else f"layer_{name}"


class Places:
    """A tree of rows, blocks, branches and layers, grown while a network is built.

    A place is an index; `ROOT` is the network itself. Names can be given only when all places are known,
    since a part is numbered where its parent holds several of that name.
    """

    def __init__(self) -> None:
        self.parents = [ROOT]
        self.bases = [""]
        self.numbers = [1]
        self.used = [True]  # whether a layer stands there, or further inside
        self._counts: dict[tuple[int, str], int] = defaultdict(int)

    def step(self, parent: int, base: str) -> int:
        """A fresh place called `base` inside `parent`."""
        self._counts[parent, base] += 1
        self.parents.append(parent)
        self.bases.append(base)
        self.numbers.append(self._counts[parent, base])
        self.used.append(False)
        return len(self.parents) - 1

    def use(self, place: int) -> None:
        """Note that a layer stands at `place`."""
        while not self.used[place]:
            self.used[place] = True
            place = self.parents[place]

    def names(self) -> list[str]:
        """The dotted name of each place that is used; empty for the others."""
        most: dict[tuple[int, str], int] = {}
        for place, used in enumerate(self.used):
            if used:
                most[self.parents[place], self.bases[place]] = self.numbers[place]
        names = [""] * len(self.used)
        taken: set[str] = set()
        for place in range(1, len(names)):
            if not self.used[place]:
                continue
            parent, base = self.parents[place], self.bases[place]
            name = f"{names[parent]}.{base}" if parent != ROOT else base
            if most[parent, base] > 1:
                name += f"_{self.numbers[place]}"
            while name in taken:  # a row labelled `conv 1` beside two labelled `conv`
                name += "_"
            taken.add(name)
            names[place] = name
        return names
