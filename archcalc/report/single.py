"""The page of one network: the paper's table beside the computed one, costs and latency by row, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc import units
from archcalc.audit import Audit, AuditVerdict, Paper, audit_network
from archcalc.bench import results as measured
from archcalc.errors import ArchcalcError, SpecError
from archcalc.metrics import METRICS
from archcalc.plots import agreement, bars, diagram, roofline
from archcalc.report import audited, kinds, layers, words
from archcalc.report.counted import counts_of
from archcalc.report.page import Figure, Page, Sheet, file_name
from archcalc.spec import library, outline
from archcalc.views import costs as views
from archcalc.views import measured as measured_views
from archcalc.views import tables
from archcalc.views.scope import scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as Drawn

    from archcalc.bench.records.record import Point
    from archcalc.bench.results import Latency
    from archcalc.cost.counts import Counts, RowCount
    from archcalc.report.evidence import Evidence, EvidenceSource
    from archcalc.spec.outline import Outline
    from archcalc.spec.spec import Spec


def page(chosen: Outline, built: Spec, evidence: Evidence) -> Page:
    """The page of the network `chosen`, which `built` is."""
    counted = counts_of(built)
    source = (counted.graph.origin and counted.graph.origin.source) or "No source is given"
    lead = f"{source}; read from `{chosen.name}`, row by row."
    return of_counts(counted, evidence, chosen.name, lead, _audit(chosen), _notes(built))


def of_counts(
    counted: Counts,
    evidence: Evidence,
    name: str = "",
    lead: str = "A network that no document describes, row by row.",
    paper: Paper | None = None,
    notes: Sequence[str] = (),
) -> Page:
    """The page of a network that was counted, wherever its graph comes from.

    `paper` is its audit and `notes` are its document's footnotes, where there is a document.
    """
    if counted.batch != 1:
        raise ArchcalcError("a page is of one image", "count the network at batch 1")
    timed = evidence.rows(counted.graph.name)
    _, latencies = evidence.latencies([counted.graph.name])
    figures = [network_diagram(counted)]
    if counted.total.params or counted.total.macs:
        figures.append(cost_bars(counted))
    if paper is not None and len(compared := audited.points(paper.findings)) > 2:
        figures.append(_agreement(counted.graph.title, compared))
    printed = "The paper's table beside the computed one" if counted.graph.origin else "Costs by row"
    sheets = [Sheet("rows", printed, views.costs(counted))]
    if timed:
        source, point = timed[0]
        figures += _timed_figures(counted, source, point)
        beside = measured_views.rows_beside(views.costs(counted), counted, source.record, point)
        sheets.append(Sheet("latency", "Latency by row", beside.narrow()))
    if paper is not None:
        sheets.append(Sheet("published", "Published figures", audited.findings(Audit((paper,)))))
    sheets.append(Sheet("layers", "Every layer", views.costs(counted, expand=True), printed=False))
    keys = [p.key for _, p in timed[:1]] + [x.point.key for x in latencies.values()]
    findings = [*_costs(counted), *_published(paper)]
    findings += [_latency(x, evidence) for x in latencies.values()]
    findings += _slowest(*timed[0], counted) if timed else []
    findings += [words.NO_RECORD] if not keys else []
    return Page(
        slug(name or counted.graph.name),
        counted.graph.title,
        lead,
        tuple(findings),
        tuple(figures),
        tuple(sheets),
        (
            scope(counted),
            words.MACS,
            words.PARAMS,
            *notes,
            *words.environment(evidence, keys),
        ),
    )


def slug(name: str) -> str:
    """A network's name, or its file's, as a name for files: `nets/tiny.md#wide` gives `tiny-wide`."""
    path, inner = library.address(name)
    stem = path.stem if path.suffix == ".md" else path.name
    return file_name(f"{stem}-{inner}" if inner else stem)


def _audit(chosen: Outline) -> Paper | None:
    """What is claimed of the network; None where nothing is."""
    try:
        return audit_network(chosen, outline.networks(chosen.document))
    except SpecError:
        raise
    except ArchcalcError:
        return None


# -- sentences ------------------------------------------------------------------------------------


def _costs(counted: Counts) -> list[str]:
    total = counted.total
    lines = [
        f"{counted.graph.name} costs {words.human(total.macs)} MACs and {words.human(total.params)} params "
        f"for one image of {tables.shape(counted.graph.input)}; {words.count(total.depth, 'layer')} with "
        f"weights on the longest path, {units.ratio(total.intensity)} FLOPs per byte of traffic in "
        f"{counted.precision}, {units.human_bytes(int(total.peak))} of feature maps at once."
    ]
    for metric in ("macs", "params"):
        all_rows = int(getattr(total, metric))
        if not all_rows or len(counted.rows) < 2:
            continue
        row = max(counted.rows, key=lambda r, m=metric: int(getattr(r.cost, m)))  # type: ignore[misc]
        part = int(getattr(row.cost, metric))
        spent = kinds.sums((n for r in counted.rows for n in r.nodes), metric)
        kind = max(spent, key=lambda k: spent[k])
        lines.append(
            f"{words.share(part, all_rows)} of its {METRICS[metric].header} ({words.human(part)}) are in "
            f"the costliest row, `{label(row, counted)}`; {words.share(spent[kind], all_rows)} are in layers "
            f"of the kind {kind}."
        )
    return lines


def label(row: RowCount, counted: Counts) -> str:
    """A row's label, with its number where the table has several of that label."""
    same = [r for r in counted.rows if r.row.label == row.row.label]
    if len(same) == 1:
        return row.row.label
    return f"{row.row.label} ({same.index(row) + 1} of {len(same)})"


def _published(paper: Paper | None) -> list[str]:
    if paper is None:
        return ["No published figure is claimed of it."]
    different = [f for f in paper.findings if f.verdict is AuditVerdict.differs or f.fault]
    lines = [audited.summary_sentence(Audit((paper,)))]
    lines += [f"  {audited.sentence(f)}" for f in different[:6]]
    if len(different) > 6:
        lines.append(f"  {len(different) - 6} more that differ stand in the table of published figures.")
    return lines


def _latency(x: Latency, evidence: Evidence) -> str:
    session = evidence.session(x.point.key)
    refused = (
        " **The session failed its null test**: this figure is not to be relied on."
        if session.refuses(x.point.key)
        else ""
    )
    return (
        f"It takes {words.milliseconds(x.milliseconds)} at {words.conditions(x.point.key)} on "
        f"{words.device(session)}, {words.plus_minus(x.throughput)} images a second; intervals at 95%, "
        f"{x.ns.label}.{refused}"
    )


def _slowest(source: EvidenceSource, point: Point, counted: Counts) -> list[str]:
    figures = measured.rows(source.record, point, counted.graph.name)
    names = {r.row.name: label(r, counted) for r in counted.rows}
    shares = [f for f in figures if f.share is not None]
    if not shares:
        return []
    most = max(shares, key=lambda f: f.share or 0)
    regimes = [f for f in figures if f.prediction is not None]
    lines = [
        f"{words.share(most.share or 0, 1)} of the time at {words.conditions(point.key)} is spent in the row "
        f"`{names.get(most.row.row, most.row.row)}`, which has "
        f"{words.share(most.row.macs, int(counted.total.macs) * point.key.batch)} of the MACs."
    ]
    for regime in dict.fromkeys(f.prediction.regime for f in regimes if f.prediction):
        inside = [f for f in regimes if f.prediction and f.prediction.regime is regime]
        lines.append(
            f"{words.count(len(inside), 'row')} of {len(figures)} "
            f"{'is' if len(inside) == 1 else 'are'} {regime} by the roofline, with "
            f"{words.share(sum(f.isolated.point for f in inside), sum(f.isolated.point for f in figures))} "
            "of the rows' time alone."
        )
    return lines


def _notes(built: Spec) -> list[str]:
    """The footnotes of the document, as it has them."""
    return [f"Footnote `{name}`: {note.text}" for name, note in built.footnotes.items()]


# -- figures --------------------------------------------------------------------------------------


def network_diagram(counted: Counts) -> Figure:
    """The network row by row, its layers shaded by their share of the MACs."""
    return Figure(
        "diagram",
        f"Diagram of {counted.graph.title}: {words.count(len(counted.rows), 'row')} from top to bottom, "
        "branches side by side, each layer with its channels and MACs and shaded by its share of them.",
        "The network row by row. In a box: kernel and stride, channels, and below them MACs; normalisation, "
        "activations and views are not drawn. ×3 marks blocks of one form, whose costs are added.",
        lambda: diagram.diagram(layers.rows(counted), int(counted.total.macs)),
    )


def cost_bars(counted: Counts) -> Figure:
    """MACs and params of each row, stacked by kind of layer."""

    def draw() -> Drawn:
        panels = [
            bars.Panel(
                METRICS[metric].header + (", one image" if metric == "macs" else ""),
                [{k: float(v) for k, v in kinds.sums(row.nodes, metric).items()} for row in counted.rows],
                [
                    words.human(getattr(row.cost, metric)) if getattr(row.cost, metric) else ""
                    for row in counted.rows
                ],
            )
            for metric in ("macs", "params")
            if getattr(counted.total, metric)
        ]
        return bars.stacked([row.row.label for row in counted.rows], kinds.KINDS, panels)

    return Figure(
        "cost-by-row",
        f"Stacked bars: MACs and params of each row of {counted.graph.title} by kind of layer.",
        "MACs and params of each row, stacked by kind of layer.",
        draw,
    )


def _agreement(title: str, spots: Sequence[agreement.AgreementPoint]) -> Figure:
    return Figure(
        "agreement",
        f"Scatter plot of {words.count(len(spots), 'published figure')} of {title}: relative difference of "
        "the computed value over the published one, with bands of 1% and 10%.",
        "Each published figure with the relative difference of what is computed, on a scale that is "
        "logarithmic on either side of 0.1%.",
        lambda: agreement.agreement(spots),
    )


def _timed_figures(counted: Counts, source: EvidenceSource, point: Point) -> list[Figure]:
    """Time beside MACs by row, and the rows under the roofline."""
    figures = measured.rows(source.record, point, counted.graph.name)
    names = {r.row.name: r.row.label for r in counted.rows}
    ceilings = measured.ceilings(source.record.session(point), point.key)
    where = words.conditions(point.key)
    labels = [names.get(f.row.row, f.row.row) for f in figures]

    def by_row() -> Drawn:
        total = sum(f.isolated.point for f in figures)
        macs = sum(f.row.macs for f in figures)
        panels = [
            bars.Panel(
                "time alone, % of all rows",
                [{"time": 100 * f.isolated.point / total} for f in figures],
                [f"{f.isolated.point * 1e-6:.3g} ms" for f in figures],
            ),
            bars.Panel(
                "MACs, % of all rows",
                [{"MACs": 100 * f.row.macs / macs} for f in figures],
                [words.share(f.row.macs, macs) if f.row.macs else "" for f in figures],
            ),
        ]
        return bars.stacked(labels, ("time", "MACs"), panels)

    drawn = [
        Figure(
            "latency-by-row",
            f"Bars: the time of each row of {counted.graph.title} by itself at {where}, beside its share of "
            "the MACs.",
            f"Time of each row by itself at {where}, beside its share of the MACs.",
            by_row,
        )
    ]
    dots = spots(counted, source, point)
    if ceilings is not None and dots:
        roof = roofline.Roof(ceilings.convolution, ceilings.matmul, ceilings.bandwidth)
        drawn.append(
            Figure(
                "roofline",
                f"Roofline: FLOP/s that each row of {counted.graph.title} reached against its FLOPs per "
                "byte, under the measured ceilings.",
                f"Rows by themselves at {where} under the ceilings of the same session; the slowest are "
                "named.",
                lambda: roofline.roofline(roof, [(counted.graph.title, dots)]),
            )
        )
    return drawn


def spots(counted: Counts, source: EvidenceSource, point: Point) -> list[roofline.RooflinePoint]:
    """The rows with arithmetic as points under a roofline."""
    names = {r.row.name: r.row.label for r in counted.rows}
    return [
        roofline.RooflinePoint(
            names.get(f.row.row, f.row.row),
            2 * f.row.macs / f.row.bytes,
            2e9 * f.row.macs / f.isolated.point,
            f.isolated.point * 1e-6,
        )
        for f in measured.rows(source.record, point, counted.graph.name)
        if f.row.macs and f.row.bytes
    ]
