"""The page `compare A B …`: costs side by side, and where they were timed whether the time followed."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from archcalc import units
from archcalc.audit import Audit, Finding, audit
from archcalc.bench import results as measured
from archcalc.cost.compare import compare
from archcalc.metrics import COMPARED, METRICS
from archcalc.plots import bars, forest, ratios, roofline
from archcalc.report import audited, kinds, sheets, single, words
from archcalc.report.counted import counts_of
from archcalc.report.page import Figure, Page, Sheet
from archcalc.spec import outline
from archcalc.views import comparison as views
from archcalc.views.scope import scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as Drawn

    from archcalc.cost.compare import Comparison
    from archcalc.cost.counts import Counts
    from archcalc.report.evidence import Evidence, Trial
    from archcalc.spec.outline import Outline
    from archcalc.spec.spec import Spec


def page(asked: Sequence[str], chosen: Sequence[tuple[Outline, Spec]], evidence: Evidence) -> Page:
    """The page of some networks, the others against the first; `asked` are their names as they were typed."""
    counted = [counts_of(built) for _, built in chosen]
    names = [c.graph.name for c in counted]
    compared = compare(counted)
    trials = evidence.trials(list(permutations(names, 2)))
    claims = _claims(chosen)
    figures = [_ratios(compared), _kinds(counted)]
    figures += _forest(trials)
    figures += _roofline(counted, evidence)
    tables = [Sheet("costs", "Costs", views.comparison(compared))]
    if trials:
        tables.append(Sheet("trials", "Measured", sheets.savings(trials, device=len(evidence.sources) > 1)))
    if claims.papers:
        tables.append(Sheet("claims", "What the papers claim of them", audited.findings(claims)))
    findings = [*_ratio_sentences(compared), *_claim_sentences(claims)]
    findings += [words.trial(t) for t in trials] or [words.NO_RECORD]
    return Page(
        "-vs-".join(single.slug(name) for name in asked),
        " against ".join(c.graph.title for c in counted),
        "Exact costs of "
        + words.listed([f"{c.graph.title} ({c.graph.name})" for c in counted])
        + ", each at its own input size; ratios are to the first.",
        tuple(findings),
        tuple(figures),
        tuple(tables),
        (
            *dict.fromkeys(f"{c.graph.name}: {scope(c)}" for c in counted),
            words.MACS,
            words.PARAMS,
            *((words.SAVING, words.PREDICTION) if trials else ()),
            *words.environment(evidence, [t.key for t in trials]),
            *words.flags(trials),
        ),
    )


# -- sentences ------------------------------------------------------------------------------------


def _ratio_sentences(compared: Comparison) -> list[str]:
    first = compared.networks[0]
    lines = []
    for c, ratio in zip(compared.networks[1:], compared.ratios[1:], strict=True):
        macs, params = ratio["macs"], ratio["params"]
        if macs is None or params is None:
            continue
        lines.append(
            f"{c.graph.name} costs {float(macs):.2f} times the MACs ({words.human(c.total.macs)} against "
            f"{words.human(first.total.macs)}) and {float(params):.2f} times the params "
            f"({words.human(c.total.params)} against {words.human(first.total.params)}) of "
            f"{first.graph.name}."
        )
        traffic, peak = ratio["traffic"], ratio["peak"]
        if traffic is not None and peak is not None:
            lines.append(
                f"{c.graph.name} moves {float(traffic):.2f} times the bytes of {first.graph.name} in "
                f"{c.precision} without fusion, and holds {float(peak):.2f} times its feature maps at once "
                f"({units.human_bytes(int(c.total.peak))} against "
                f"{units.human_bytes(int(first.total.peak))})."
            )
    return lines


def _claims(chosen: Sequence[tuple[Outline, Spec]]) -> Audit:
    """The claims of the networks' documents that name two of them or more."""
    aliases = [{o.name, *o.aliases} for o, _ in chosen]
    papers = []
    for document in {o.document.file: o.document for o, _ in chosen}.values():
        paper = audit(document, outline.networks(document))
        kept = tuple(f for f in paper.findings if f.kind == "claim" and _names(f, aliases) > 1)
        if kept:
            papers.append(replace(paper, findings=kept))
    return Audit(tuple(papers))


def _names(finding: Finding, aliases: Sequence[set[str]]) -> int:
    return sum(bool(own & set(finding.networks)) for own in aliases)


def _claim_sentences(claims: Audit) -> list[str]:
    return [audited.sentence(f) for p in claims.papers for f in p.findings]


# -- figures --------------------------------------------------------------------------------------


def _ratios(compared: Comparison) -> Figure:
    first = compared.networks[0].graph.name
    others = compared.networks[1:5]

    def draw() -> Drawn:
        drawn = [
            ratios.Bar(METRICS[k].header, tuple(float(r[k] or 0) for r in compared.ratios[1:5]))
            for k in COMPARED
            if all(r[k] for r in compared.ratios[1:5])
        ]
        return ratios.grouped(drawn, [c.graph.name for c in others], f"ratio to {first}")

    said = ", ".join(
        f"{c.graph.name} {float(r['macs'] or 0):.2f} in MACs"
        for c, r in zip(others, compared.ratios[1:5], strict=True)
    )
    return Figure(
        "ratios",
        f"Bars: each cost as a ratio to {first}: {said}.",
        f"Each cost as a ratio to that of {first}; batch 1, {compared.networks[0].precision}, no fusion.",
        draw,
    )


def _kinds(counted: Sequence[Counts]) -> Figure:
    def draw() -> Drawn:
        panels = []
        for metric, scale in (("macs", ", one image"), ("params", "")):
            name = METRICS[metric].header + scale
            values = [
                {k: float(v) for k, v in kinds.sums((n for r in c.rows for n in r.nodes), metric).items()}
                for c in counted
            ]
            panels.append(bars.Panel(name, values, [words.human(getattr(c.total, metric)) for c in counted]))
        return bars.stacked([c.graph.name for c in counted], kinds.KINDS, panels)

    return Figure(
        "kinds",
        "Stacked bars: MACs and params of "
        + words.listed([c.graph.name for c in counted])
        + " by kind of layer.",
        "MACs and params by kind of layer.",
        draw,
    )


def lines(trials: Sequence[Trial]) -> list[forest.Group]:
    """Trials as lines of a forest plot, under a heading for each pair."""
    groups: dict[str, list[forest.Line]] = {}
    for t in trials:
        rho, key = t.figures.saving.rho, t.key
        settings = "".join(f", {n} {v}" for n, v in key.variables)
        line = forest.Line(
            f"batch {key.batch}{settings}",
            rho.low,
            rho.point,
            rho.high,
            t.figures.saving.mu,
            t.figures.predicted,
            f"{t.figures.saving.verdict}{', ' + t.regime if t.regime else ''}",
        )
        groups.setdefault(f"{t.new} / {t.old}", []).append(line)
    return [forest.Group(heading, own) for heading, own in groups.items()]


def _forest(trials: Sequence[Trial]) -> list[Figure]:
    if not trials:
        return []
    groups: dict[str, list[Trial]] = {}
    for t in trials:
        where = f"{words.device(t.session)}, {t.key.precision}, {t.key.mode}, {t.key.layout}"
        groups.setdefault(where, []).append(t)
    return [
        Figure(
            f"intervals-{n}",
            f"Forest plot of rho with 95% intervals for {words.count(len(own), 'comparison')} on {where}, "
            f"beside the ratio of MACs and the roofline's prediction: {words.tally(own)}.",
            f"Time of one network over that of the other on {where}.",
            lambda own=own: forest.forest(lines(own), "rho = time(new) / time(old)"),  # type: ignore[misc]
        )
        for n, (where, own) in enumerate(groups.items(), 1)
    ]


def _roofline(counted: Sequence[Counts], evidence: Evidence) -> list[Figure]:
    """The rows of all networks where one point has them all, under its session's ceilings."""
    for source, point in evidence.rows(counted[0].graph.name):
        ceilings = measured.ceilings(source.record.session(point), point.key)
        series = [(c.graph.name, single.spots(c, source, point)) for c in counted]
        if ceilings is not None and all(spots for _, spots in series):
            roof = roofline.Roof(ceilings.convolution, ceilings.matmul, ceilings.bandwidth)
            return [_under(roof, series, words.conditions(point.key))]
    return []


def _under(roof: roofline.Roof, series: list[tuple[str, list[roofline.RooflinePoint]]], where: str) -> Figure:
    return Figure(
        "roofline",
        f"Roofline: FLOP/s that each row of {words.listed([name for name, _ in series])} reached against its "
        "FLOPs per byte, under the measured ceilings.",
        f"Rows by themselves at {where} under the ceilings of the same session; the slowest are named.",
        lambda: roofline.roofline(roof, series, named=4),
    )
