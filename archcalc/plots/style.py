"""How every figure looks, and how it becomes bytes that are the same on any machine.

Colours are those of Okabe and Ito (Color Universal Design, 2008), which readers with any colour vision can
tell apart; where areas meet, hatching parts them in print too. Text becomes outlines of DejaVu Sans, which
matplotlib carries: an SVG then looks alike everywhere and no label is clipped by another font. Places are
computed in inches from text widths, never from a renderer or a screen. What could differ by machine is shut
out: the user's matplotlibrc, dates, random ids. The SVG still depends on matplotlib's version.
"""

from __future__ import annotations

import contextlib
import io
import math
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

from archcalc import units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Draw = Callable[[], Figure]

BLACK, GREY, PALE = "#000000", "#6b6b6b", "#d9d9d9"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, RED, PINK = "#0072B2", "#D55E00", "#CC79A7"

WIDTH: Final = 7.4  # inches, about the width of a page and of a forge's column of text
SIZE: Final = 8.0  # points, of most text
SMALL: Final = 7.0  # points, the smallest that is used
DPI: Final = 144

_STYLE: Final[dict[str, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": False,
    "axes.labelsize": SIZE,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": SIZE + 1,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.dpi": DPI,
    "font.family": "DejaVu Sans",
    "font.size": SIZE,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.6,
    "legend.fontsize": SMALL + 0.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "path.simplify": False,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "archcalc",
    "text.hinting": "none",
    "text.parse_math": False,  # a row may be called $x$
    "xtick.color": GREY,
    "xtick.labelcolor": BLACK,
    "xtick.labelsize": SMALL + 0.5,
    "ytick.color": GREY,
    "ytick.labelcolor": BLACK,
    "ytick.labelsize": SMALL + 0.5,
}


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """matplotlib's own defaults and ours, whatever the user has set."""
    import warnings

    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # DejaVu Sans lacks ideographs; another font would not be the same on every machine.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, _STYLE))
        yield


def svg(draw: Draw, title: str = "") -> str:
    """The figure as SVG text; `title` is its accessible name."""
    stream = io.StringIO()
    with styled():
        figure = draw()
        figure.savefig(stream, format="svg", metadata=_metadata(title))
    lines = (line.rstrip() for line in stream.getvalue().splitlines())
    return "\n".join(lines) + "\n"


def png(draw: Draw, title: str = "") -> bytes:
    """The figure as PNG at 144 dots an inch. Its bytes may differ with the libraries that compress them."""
    stream = io.BytesIO()
    with styled():
        figure = draw()
        figure.savefig(
            stream, format="png", dpi=DPI, metadata={"Software": "archcalc", "Title": _ascii(title)}
        )
    return stream.getvalue()


def _metadata(title: str) -> dict[str, Any]:
    known: dict[str, Any] = {"Date": None, "Creator": "archcalc"}
    return {**known, "Title": title} if title else known


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, made without pyplot and its global state."""
    return _figure_type()(figsize=(width, height))


@cache
def _figure_type() -> type[Figure]:
    """matplotlib's figure, saved in the style of archcalc, that shows itself as SVG in a notebook."""
    from matplotlib.figure import Figure

    class StyledFigure(Figure):
        def savefig(self, *arguments: Any, **options: Any) -> None:
            with styled():
                super().savefig(*arguments, **options)

        def _repr_svg_(self) -> str:
            stream = io.StringIO()
            self.savefig(stream, format="svg", metadata=_metadata(""))
            return stream.getvalue()

    return StyledFigure


def drawn(draw: Draw) -> Figure:
    """The figure as matplotlib's own object."""
    with styled():
        return draw()


def axes(of: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place that is given in inches from the lower left corner."""
    across, up = of.get_size_inches()
    return of.add_axes((left / across, bottom / up, width / across, height / up))


@lru_cache(maxsize=8192)
def text_width(text: str, size: float = SIZE, bold: bool = False) -> float:
    """The width of a line of text in inches, from the font's own outlines."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.3 * size / 72 * len(text)
    weight = "bold" if bold else "normal"
    outline = TextPath((0, 0), text, prop=FontProperties(family="DejaVu Sans", weight=weight, size=size))
    return float(outline.get_extents().width) / 72


def widest(texts: list[str], size: float = SIZE) -> float:
    """The width in inches of the widest of some lines; 0 for none."""
    return max((text_width(t, size) for t in texts), default=0.0)


def shortened(text: str, width: float, size: float = SIZE, bold: bool = False) -> str:
    """`text`, cut with an ellipsis where it is wider than `width` inches."""
    if text_width(text, size, bold) <= width:
        return text
    while text and text_width(text + "…", size, bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def log_axis(on: Axes, which: str, unit: str = "") -> None:
    """A logarithmic axis whose ticks read 1K, 10K, 100K."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis = on.xaxis if which == "x" else on.yaxis
    (on.set_xscale if which == "x" else on.set_yscale)("log")
    low, high = on.get_xlim() if which == "x" else on.get_ylim()
    decades = high / low if low > 0 else 10
    subs = (1.0, 2.0, 5.0) if decades < 500 else (1.0,)
    axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: units.brief(value, unit)))
    axis.set_minor_locator(LogLocator(base=10, subs=tuple(range(2, 10)), numticks=30))
    axis.set_minor_formatter(NullFormatter())


def ratio_axis(on: Axes, width: float) -> None:
    """A logarithmic horizontal axis of ratios, `width` inches wide: as many round ticks as have room."""
    from matplotlib.ticker import FixedLocator, NullLocator

    low, high = on.get_xlim()
    on.set_xscale("log")
    on.xaxis.set_major_locator(FixedLocator(ratio_ticks(low, high, width)))
    on.xaxis.set_minor_locator(NullLocator())
    on.xaxis.set_major_formatter(lambda value, _: f"{value:.4g}" if value < 1000 else units.brief(value))


def ratio_ticks(low: float, high: float, width: float) -> list[float]:
    """The densest of some ladders of round numbers whose steps are half an inch or more."""
    steps = (1, 2, 5, 10, 20, 50, 100)  # hundredths
    ladders = [[n * step / 100 for n in range(1, int(100 * high / step) + 1)] for step in steps if high < 50]
    for marks in ((1, 1.5, 2, 3, 4, 5, 7), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        ladders.append([m * 10.0**e for e in range(-6, 10) for m in marks])
    ladders.append([100.0**e for e in range(-3, 5)])
    densest: list[float] = []
    for ladder in ladders:
        ticks = [t for t in ladder if low <= t <= high]
        inches = [width * math.log(b / a) / math.log(high / low) for a, b in pairwise(ticks)]
        if len(ticks) > len(densest) and min(inches, default=1.0) >= 0.5:
            densest = ticks
    return densest
