"""The page `factorization`: pairs of networks that do the same job, and whether the saving is realized."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from archcalc.bench.runner.plan import FACTORIZATIONS
from archcalc.bench.stats.roofline import Regime
from archcalc.bench.stats.statistics import SavingVerdict
from archcalc.plots import forest, heatmap
from archcalc.report import sheets, versus, words
from archcalc.report.counted import counts_of, spec_of
from archcalc.report.page import Figure, Page, Sheet
from archcalc.spec import library
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.cost.counts import Cost
    from archcalc.report.evidence import Evidence, Trial

    Group = tuple[str, list[Trial]]

#: The variable that a sweep calls channels, and the marks of verdicts in maps.
CHANNELS: Final = "width"
MARKS: Final = {
    SavingVerdict.REALIZED: " r",
    SavingVerdict.PARTIAL: " p",
    SavingVerdict.NONE: " n",
    SavingVerdict.REVERSED: " v",
    SavingVerdict.UNRESOLVED: " u",
    SavingVerdict.REFUSED: "",
}
_FOREST: Final = 40  # lines that a forest plot can hold and be read


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair at the document's own width and grid: nominal ratios, and how traffic and kernels change."""

    old: str
    new: str
    before: Cost
    after: Cost

    @property
    def mu(self) -> Fraction:
        """MACs(new) / MACs(old)."""
        return Fraction(int(self.after.macs), int(self.before.macs))

    @property
    def limit(self) -> float:
        """R where time follows the counted traffic alone."""
        rho = Fraction(int(self.after.traffic), int(self.before.traffic))
        return float((1 - rho) / (1 - self.mu))


def page(evidence: Evidence) -> Page:
    """The page, of every pair whose saving the paper argues."""
    pairs = [_pair(old, new) for old, new in FACTORIZATIONS]
    trials = evidence.trials(FACTORIZATIONS)
    findings = [_nominal(p) for p in pairs]
    findings += _measured(trials) if trials else [words.NO_RECORD]
    figures = [_ratios(pairs)]
    figures += _maps(trials)
    figures += _forests(trials)
    tables = [Sheet("pairs", "Nominal ratios", _table(pairs))]
    if trials:
        tables.append(Sheet("trials", "Measured", sheets.savings(trials)))
    failed = [
        f"Not measured: {p.key.text}: {p.status}: {p.message}." for p in evidence.failed(FACTORIZATIONS)
    ]
    return Page(
        "factorization",
        "Factorization",
        "Small networks that read and give the same maps, the cheaper against the costlier: the arithmetic "
        "fell; did the time?",
        tuple(findings),
        tuple(figures),
        tuple(tables),
        (
            "Nominal ratios: one image, each network at its document's own width and grid, fp32 traffic "
            "without fusion. What was timed is counted anew at its own width, grid and batch.",
            words.MACS,
            *((words.SAVING, words.PREDICTION) if trials else ()),
            *words.environment(evidence, [t.key for t in trials]),
            *words.flags(trials),
            *failed,
        ),
    )


def _pair(old: str, new: str) -> Pair:
    before, after = (counts_of(spec_of(library.find(n))).total for n in (old, new))
    return Pair(old, new, before, after)


def _nominal(p: Pair) -> str:
    moved = int(p.after.traffic) / int(p.before.traffic)
    return (
        f"{p.new} costs {float(p.mu):.3f} of {p.old} in MACs ({p.mu} exactly), with {moved:.2f} of the "
        f"traffic and {p.after.layers} in place of {words.count(p.before.layers, 'convolution')}; if "
        f"traffic alone set the time, R would be {p.limit:.1f}."
    )


def _measured(trials: Sequence[Trial]) -> list[str]:
    """What came of each pair on each device, then its best and its worst trial in full."""
    lines = [f"{words.count(len(trials), 'comparison')} measured: {words.tally(trials)}."]
    for where, own in _groups(trials):
        for old, new in FACTORIZATIONS:
            trials_here = [t for t in own if (t.old, t.new) == (old, new)]
            if not trials_here:
                continue
            ranked = sorted((t for t in trials_here if t.figures.saving.interval), key=_r)
            lines.append(f"{old} against {new} on {where}: {words.tally(trials_here)} of {len(trials_here)}.")
            chosen = ranked[-1:] if len(ranked) < 2 else [ranked[-1], ranked[0]]
            lines += [f"  {words.trial(t)}" for t in chosen]
    return lines


def _r(t: Trial) -> float:
    return t.figures.saving.interval.point if t.figures.saving.interval else math.nan


def _groups(trials: Sequence[Trial]) -> list[Group]:
    """Trials by device, precision, mode and layout: figures of different modes are never merged."""
    groups: dict[str, list[Trial]] = {}
    for t in trials:
        key = t.key
        parts = [words.device(t.session), key.precision, key.mode, key.layout]
        parts += ["folded"] if key.fused else []
        groups.setdefault(", ".join(parts), []).append(t)
    return list(groups.items())


# -- tables and figures ---------------------------------------------------------------------------


def _table(pairs: Sequence[Pair]) -> Table:
    columns = (
        Column("old", "old"),
        Column("new", "new"),
        Column("old_macs", "old MACs", "count"),
        Column("new_macs", "new MACs", "count"),
        Column("mu", "mu", "ratio"),
        Column("exact", "exact", "printed"),
        Column("params", "params ratio", "ratio"),
        Column("traffic", "traffic ratio", "ratio"),
        Column("limit", "R by traffic alone", "ratio"),
    )
    rows = tuple(
        (
            p.old,
            p.new,
            p.before.macs,
            p.after.macs,
            sheets.rounded(float(p.mu)),
            str(p.mu),
            sheets.rounded(int(p.after.params) / int(p.before.params)),
            sheets.rounded(int(p.after.traffic) / int(p.before.traffic)),
            sheets.rounded(p.limit),
        )
        for p in pairs
    )
    note = (
        "One image, fp32, no fusion, each network at its document's own width and grid. Ratios are new / old."
    )
    return Table("", columns, rows, (), (note, words.MACS))


def _ratios(pairs: Sequence[Pair]) -> Figure:
    from archcalc.plots import ratios

    bars = [
        ratios.Bar(
            f"{p.old} → {p.new}",
            (float(p.mu), int(p.after.traffic) / int(p.before.traffic), p.after.layers / p.before.layers),
        )
        for p in pairs
    ]
    return Figure(
        "ratios",
        f"Grouped bars: ratios of MACs, of traffic and of convolutions, new over old, for {len(pairs)} "
        f"pairs; MACs fall to between {min(b.values[0] for b in bars):.2f} and "
        f"{max(b.values[0] for b in bars):.2f}.",
        "What falls and what rises: MACs, bytes of traffic (fp32, one image, no fusion) and convolutions, "
        "new over old.",
        lambda: ratios.grouped(bars, ("MACs", "traffic", "convolutions"), "ratio, new / old"),
    )


def _maps(trials: Sequence[Trial]) -> list[Figure]:
    """A figure of maps for each group that spans batches and channels."""
    figures = []
    for n, (where, own) in enumerate(_groups(trials), 1):
        maps = [m for pair in FACTORIZATIONS if (m := _map(pair, own)) is not None]
        if not maps:
            continue
        alt = "; ".join(f"{m.name} from {_span(m)}" for m in maps)
        figures.append(
            Figure(
                f"realized-{n}",
                f"Maps of the realized saving R over batch and channels on {where}: {alt}.",
                f"Realized saving R over batch and channels on {where}, for other variables as in the "
                "table. r: realized, p: partial, n: none, v: reversed, u: unresolved.",
                lambda maps=maps: heatmap.heatmaps(maps, "realized saving R"),  # type: ignore[misc]
            )
        )
    return figures


def _span(m: heatmap.Map) -> str:
    values = [f.value for f in m.fields.values()]
    return f"{min(values):.2f} to {max(values):.2f}"


def _map(pair: tuple[str, str], trials: Sequence[Trial]) -> heatmap.Map | None:
    """The map of a pair, for the setting of other variables that has most trials; None for a single cell."""
    settings: dict[tuple[tuple[str, str], ...], dict[tuple[int, int], heatmap.Field]] = {}
    for t in trials:
        variables = dict(t.key.variables)
        s = t.figures.saving
        if (t.old, t.new) != pair or CHANNELS not in variables or s.interval is None:
            continue
        rest = tuple(v for v in t.key.variables if v[0] != CHANNELS)
        compute = [
            x.prediction is not None and x.prediction.regime is Regime.COMPUTE
            for x in (t.figures.old, t.figures.new)
        ]
        field = heatmap.Field(s.interval.point, MARKS[s.verdict], *compute)
        settings.setdefault(rest, {})[t.key.batch, int(variables[CHANNELS])] = field
    if not settings:
        return None
    rest, fields = max(settings.items(), key=lambda item: len(item[1]))
    if len(fields) < 2:
        return None
    setting = ", ".join(f"{n} {v}" for n, v in rest)
    batches, channels = (sorted({cell[i] for cell in fields}) for i in (0, 1))
    return heatmap.Map(f"{pair[0]} → {pair[1]}", setting, batches, channels, fields)


def _forests(trials: Sequence[Trial]) -> list[Figure]:
    figures = []
    for n, (where, own) in enumerate(_groups(trials), 1):
        parts = [own[i : i + _FOREST] for i in range(0, len(own), _FOREST)]
        for k, part in enumerate(parts, 1):
            more = f", part {k} of {len(parts)}" if len(parts) > 1 else ""
            figures.append(
                Figure(
                    f"intervals-{n}" + (f"-{k}" if len(parts) > 1 else ""),
                    f"Forest plot of rho with 95% intervals for {words.count(len(part), 'comparison')} on "
                    f"{where}{more}, beside the ratio of MACs and the roofline's prediction: "
                    f"{words.tally(part)}.",
                    f"Time of the new network over that of the old on {where}{more}. Left of 1 the new one "
                    "is faster; a saving is realized where the interval reaches the diamond.",
                    lambda part=part: forest.forest(  # type: ignore[misc]
                        versus.lines(part), "rho = time(new) / time(old)"
                    ),
                )
            )
    return figures
