"""The page `architectures`: every shipped network side by side, and where its arithmetic goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.metrics import METRICS
from archcalc.plots import bars, bubbles
from archcalc.report import kinds, sheets, words
from archcalc.report.counted import counts_of, spec_of
from archcalc.report.page import Figure, Page, Sheet
from archcalc.spec import library
from archcalc.views import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure as Drawn

    from archcalc.bench.results import Latency
    from archcalc.cost.counts import Counts
    from archcalc.plots.style import Draw
    from archcalc.report.evidence import Evidence
    from archcalc.spec.outline import Outline

    Counted = tuple[Outline, Counts]

#: This document's networks are parts of networks, and have a page of their own.
PARTS: Final = "factorization"


def page(evidence: Evidence) -> Page:
    """The page, of all shipped networks."""
    everything = [(o, counts_of(spec_of(o))) for o in library.shipped()]
    networks = [(o, c) for o, c in everything if Path(o.document.file).stem != PARTS]
    main = [(o, c) for o, c in networks if o.table is not None and not _twin(o, networks)]
    key, latencies = evidence.latencies([o.name for o, _ in networks])
    timed = f"{words.conditions(key)} on {words.device(evidence.session(key))}" if key else ""
    area = {name: x.milliseconds.point for name, x in latencies.items()}
    documents = len({o.document.file for o, _ in everything})
    figures = [
        _params_and_macs(networks, main, area, timed),
        Figure(
            "macs-by-kind",
            f"Stacked bars: the MACs and the params of {words.count(len(main), 'network')}, each by kind of "
            "layer, in percent of its total.",
            "Where the MACs and the params of each network are, by kind of layer; the totals stand behind "
            "the bars.",
            lambda: _kinds([c for _, c in main]),
        ),
    ]
    spare = [words.NO_RECORD] if not area else []
    listed = [
        Sheet(
            "networks",
            "Every network",
            sheets.networks([(Path(o.document.file).stem, c) for o, c in everything]),
        )
    ]
    return Page(
        "architectures",
        "Architectures",
        f"{words.count(len(everything), 'network')} from {words.count(documents, 'document')}, each built "
        "from its paper's own table and counted exactly.",
        (*_findings(main), *_timed(latencies, timed), *spare),
        tuple(figures),
        tuple(listed),
        (
            words.SCOPE,
            words.MACS,
            words.PARAMS,
            *(words.environment(evidence, [x.point.key for x in latencies.values()])),
        ),
    )


def _params_and_macs(
    networks: Sequence[Counted], main: Sequence[Counted], area: dict[str, float], timed: str
) -> Figure:
    """Params against MACs; the area is the latency in milliseconds, `timed` says where and how."""
    near, aside = _within_reach(networks)
    caption = (
        "Params and MACs of each network, logarithmic; `+2` stands for two more variants in the same place."
    )
    if aside:
        left = words.listed([f"{o.name} ({_costs(c)})" for o, c in aside])
        caption += f" Left out, for it lies far below: {left}."
    if area:
        caption += f" The area is the measured latency at {timed}; small dots were not timed."
    return Figure(
        "params-macs",
        f"Scatter plot of MACs against params for {words.count(len(near), 'network')}, both logarithmic"
        + (f", with the latency at {timed} as area" if area else "")
        + ".",
        caption,
        _scatter(near, main, area, f"area: latency, {timed}" if area else ""),
    )


def _twin(outline: Outline, others: Sequence[Counted]) -> bool:
    """Whether another network with a shorter name is the same table read a little differently."""
    return any(
        outline.name.startswith(f"{o.name}-") and o.document.file == outline.document.file for o, _ in others
    )


def _within_reach(networks: Sequence[Counted]) -> tuple[list[Counted], list[Counted]]:
    """Networks to draw, and those over a decade below all others, which would squeeze them together."""
    ordered = sorted(networks, key=lambda pair: int(pair[1].total.macs))
    if len(ordered) > 2 and ordered[0][1].total.macs * 10 < ordered[1][1].total.macs:
        return [pair for pair in networks if pair is not ordered[0]], [ordered[0]]
    return list(networks), []


def _costs(counted: Counts) -> str:
    return f"{words.human(counted.total.params)} params, {words.human(counted.total.macs)} MACs"


def _scatter(
    networks: Sequence[Counted], main: Sequence[Counted], area: dict[str, float], label: str
) -> Draw:
    names = {o.name for o, _ in main}
    ordered = sorted(networks, key=lambda pair: (pair[0].name not in area, pair[0].name not in names))
    dots = [
        bubbles.Bubble(o.name, float(c.total.params), float(c.total.macs), area.get(o.name))
        for o, c in ordered
    ]
    return lambda: bubbles.scatter(dots, label)


def _kinds(counted: Sequence[Counts]) -> Drawn:
    panels = []
    for metric in ("macs", "params"):
        values, texts = [], []
        for c in counted:
            sums = kinds.sums((n for row in c.rows for n in row.nodes), metric)
            total = sum(sums.values())
            values.append({k: 100 * v / total for k, v in sums.items()})
            texts.append(words.human(total))
        panels.append(bars.Panel(f"{METRICS[metric].header}, % of the total", values, texts))
    return bars.stacked([c.graph.name for c in counted], kinds.KINDS, panels)


def _findings(main: Sequence[Counted]) -> list[str]:
    counted = [c for _, c in main]
    by = {
        metric: sorted(counted, key=lambda c, m=metric: int(getattr(c.total, m)))  # type: ignore[misc]
        for metric in ("macs", "params", "peak")
    }
    low, high = by["macs"][0], by["macs"][-1]
    lines = [
        f"The networks span {words.human(low.total.macs)} to {words.human(high.total.macs)} MACs an image, "
        f"from {_named(low)} to {_named(high)}.",
    ]
    lines += _disagreement(counted)
    full = [
        (c, kinds.sums((n for r in c.rows for n in r.nodes), "params").get(kinds.FULL, 0)) for c in counted
    ]
    heavy = [c for c, part in full if 2 * part > int(c.total.params)]
    if heavy:
        most, part = max(full, key=lambda pair: pair[1] / int(pair[0].total.params))
        spent = kinds.sums((n for r in most.rows for n in r.nodes), "macs").get(kinds.FULL, 0)
        lines.append(
            f"{words.share(part, int(most.total.params))} of the params of {most.graph.name}, but "
            f"{words.share(spent, int(most.total.macs))} of its MACs, are in fully connected layers; "
            f"{words.count(len(heavy), 'network')} of {len(counted)} have over half of their params there."
        )
    points = [
        (c, kinds.sums((n for r in c.rows for n in r.nodes), "macs").get(kinds.POINT, 0)) for c in counted
    ]
    most, part = max(points, key=lambda pair: pair[1] / int(pair[0].total.macs))
    lines.append(
        f"{words.share(part, int(most.total.macs))} of the MACs of {most.graph.name} are in 1x1 "
        "convolutions, the largest share."
    )
    peak = by["peak"][-1]
    lines.append(
        f"The largest peak of feature maps at once is {units.human_bytes(int(peak.total.peak))}, of "
        f"{_named(peak)}, batch 1, fp32."
    )
    return lines


def _named(counted: Counts) -> str:
    return f"{counted.graph.name} (input {tables.shape(counted.graph.input)})"


def _disagreement(counted: Sequence[Counts]) -> list[str]:
    """The two networks for which params and MACs say the most different things."""
    pairs = [
        (int(a.total.params) / int(b.total.params) * (int(b.total.macs) / int(a.total.macs)), a, b)
        for a in counted
        for b in counted
        if a is not b and a.graph.input == b.graph.input and a.total.macs < b.total.macs
    ]
    if not pairs:
        return []
    _, a, b = max(pairs, key=lambda pair: pair[0])
    if a.total.params <= b.total.params:
        return []
    return [
        f"Params do not give the arithmetic: {a.graph.name} has "
        f"{int(a.total.params) / int(b.total.params):.1f} times the params of {b.graph.name} and "
        f"{int(a.total.macs) / int(b.total.macs):.2f} of its MACs."
    ]


def _timed(latencies: Mapping[str, Latency], timed: str) -> list[str]:
    if not latencies:
        return []
    rates = sorted(latencies.values(), key=lambda x: 2 * x.network.macs / x.ns.point)
    lines = []
    for word, x in (("most", rates[-1]), ("least", rates[0]))[: len(rates)]:
        lines.append(
            f"{words.rate(2e9 * x.network.macs / x.ns.point, 'FLOP/s')} is the {word} that was reached, by "
            f"{x.network.name}, in {words.milliseconds(x.milliseconds)} at {timed}."
        )
    return lines if len(rates) > 1 else lines[:1]
