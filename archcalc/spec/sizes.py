"""Input sizes as people write them: `299`, `3x299x299`, `299x299x3`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.numbers import Number
    from archcalc.shapes import Shape


def parse_input(text: str) -> Shape | int:
    """`299` or `3x299x299` (channels first; `299x299x3` is understood too). Raises ValueError."""
    match = re.fullmatch(r"(\d{1,6})(?:[x×,](\d{1,6})[x×,](\d{1,6}))?", text.strip())
    if match is None or 0 in (sizes := tuple(int(g) for g in match.groups() if g)):
        raise ValueError(f"`{text}` is not an input size; write `299` or `3x299x299`")
    return sizes[0] if len(sizes) == 1 else channels_first(sizes)


def channels_first(sizes: Sequence[Number]) -> Shape:
    """Papers print 224x224x3, torch 3x224x224: the end with at most 4 channels is the channels."""
    a, b, c = sizes
    first = isinstance(a, int) and a <= 4 and not (isinstance(c, int) and c <= 4)
    return (a, b, c) if first else (c, a, b)
