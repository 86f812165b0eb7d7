"""Measured figures -> `Table`s and JSON. No bare speed-up: every ratio has its interval and verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archcalc.bench import results as measured
from archcalc.bench.records.record import Point, Record, Session, Status
from archcalc.units import lowest_to_highest, percent, significant
from archcalc.views import pairs, reached, tables
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.audit.findings import Finding
    from archcalc.bench.results import Latency, PairFigures, RowFigures
    from archcalc.bench.stats.flags import Flag
    from archcalc.bench.stats.roofline import Ceilings
    from archcalc.bench.stats.statistics import MeasuredInterval
    from archcalc.cost.counts import Counts

_WHERE = (
    Column("batch", "batch", "integer"),
    Column("precision", "precision"),
    Column("mode", "mode"),
    Column("layout", "layout"),
)


def _where(point: Point) -> tuple[Any, ...]:
    key = point.key
    conditions = [key.mode]
    conditions += ["fused"] if key.fused else []
    conditions += [f"{key.heap} heap"] if key.heap != "steady" else []
    conditions += [f"{key.caches} caches"] if key.caches != "warm" else []
    return key.batch, key.precision, ", ".join(conditions), key.layout


def spread(interval: MeasuredInterval, digits: int = 3) -> str:
    """The bounds of an interval."""
    return lowest_to_highest(interval.low, interval.high, digits=digits)


def _bounds(interval: MeasuredInterval, decimals: int = 3) -> str:
    return lowest_to_highest(interval.low, interval.high, decimals)


# -- latency ----------------------------------------------------------------------------------------


def latencies(record: Record, points: Sequence[Point]) -> Table:
    """Each network of each point: latency and throughput with intervals, memory, and the roofline."""
    variables = _varying(points)
    columns = (
        Column("network", "network"),
        *_WHERE,
        *(Column(name, name) for name in variables),
        Column("ms", "ms", "printed"),
        Column("ms_interval", "95%", "printed"),
        Column("images_per_second", "images/s", "printed"),
        Column("images_interval", "95%", "printed"),
        Column("roofline_ms", "roofline ms", "printed"),
        Column("achieved", "reached", "percent"),
        Column("regime", "regime"),
        Column("peak", "peak: counted", "bytes", extra=True),
        Column("peak_measured", "peak: measured", "bytes", extra=True),
    )
    figures = [measured.latencies(record, point) for point in points]
    extra = reached.latency_columns(x for each in figures for x in each)
    rows: list[tuple[Any, ...]] = []
    marks: dict[int, str] = {}
    for point, each in zip(points, figures, strict=True):
        settings = _settings(point, variables)
        if point.status is not Status.DONE:
            marks[len(rows)] = "bad"
            name = " vs ".join(point.key.networks)
            rows.append((name, *_where(point), *settings, str(point.status), *[None] * (8 + len(extra))))
        rows += [(*_latency(x, settings), *reached.latency_values(record, x, extra)) for x in each]
    return Table("Latency", (*columns, *extra), tuple(rows), (), notes(record, points), marks)


def _latency(latency: Latency, settings: tuple[str, ...]) -> tuple[Any, ...]:
    ms, images, prediction = latency.milliseconds, latency.throughput, latency.prediction
    return (
        latency.network.name,
        *_where(latency.point),
        *settings,
        significant(ms.point, 4),
        spread(ms, 4),
        significant(images.point, 4),
        spread(images, 4),
        None if prediction is None else significant(prediction.total_ns * 1e-6),
        latency.achieved,
        "" if prediction is None else str(prediction.regime),
        latency.network.memory_counted,
        latency.network.memory_peak,
    )


def _varying(points: Iterable[Point]) -> tuple[str, ...]:
    return tuple(sorted({name for point in points for name, _ in point.key.variables}))


def _settings(point: Point, names: Sequence[str]) -> tuple[str, ...]:
    values = dict(point.key.variables)
    return tuple(values.get(name, "") for name in names)


# -- savings ----------------------------------------------------------------------------------------


def savings(record: Record, points: Sequence[Point]) -> Table:
    """Each finished pair: did the time follow the arithmetic, how surely, and what the roofline says."""
    timed = [measured.pair(record, point) for point in points if point.pair is not None]
    variables = _varying(points)
    columns = (
        Column("pair", "new / old"),
        *_WHERE,
        *(Column(name, name) for name in variables),
        Column("mu", "MACs (mu)", "printed"),
        Column("rho", "time (rho)", "printed"),
        Column("rho_interval", "95%", "printed"),
        Column("saving", "saving realized (R)", "printed"),
        Column("saving_interval", "95%", "printed"),
        Column("verdict", "verdict"),
        Column("regime", "regime: old, new"),
        Column("predicted", "roofline rho", "printed"),
        Column("difference", "measured over it", "printed"),
    )
    marks = {i: _MARKS.get(str(p.saving.verdict), "") for i, p in enumerate(timed)}
    rows = tuple(_saving(p, _settings(p.point, variables)) for p in timed)
    remarks = tuple(dict.fromkeys(f"{p.saving.note}." for p in timed if p.saving.note))
    legend = (
        "mu and rho are new / old; R = (1 - rho) / (1 - mu), where 1 is a saving realized in full."
        " Intervals: 95%, " + ", ".join(sorted({p.saving.rho.label for p in timed})) + "."
        if timed
        else ""
    )
    return Table("Realized saving", columns, rows, (), tuple(n for n in (legend, *remarks) if n), marks)


_MARKS = {"realized": "good", "reversed": "bad", "refused": "warn"}


def _saving(figures: PairFigures, settings: tuple[str, ...]) -> tuple[Any, ...]:
    v = pairs.values(figures)
    return (
        f"{v['new']} / {v['old']}",
        *_where(figures.point),
        *settings,
        f"{v['mu']:.3f}",
        f"{v['rho']:.3f}",
        lowest_to_highest(v["rho_low"], v["rho_high"], 3),
        "undefined" if v["r"] is None else f"{v['r']:.2f}",
        "" if v["r"] is None else lowest_to_highest(v["r_low"], v["r_high"], 2),
        v["verdict"],
        v["regime"],
        "" if v["predicted"] is None else f"{v['predicted']:.3f}",
        "" if v["difference"] is None else percent(v["difference"], signed=True),
    )


# -- notes ------------------------------------------------------------------------------------------


def notes(record: Record, points: Sequence[Point]) -> tuple[str, ...]:
    """On what and how it was measured, the null tests, and every flag with its remedy."""
    used = {name for p in points for name in (p.session, p.rows_session)}
    sessions = [s for s in record.sessions if s.identity in used]
    lines: list[str] = []
    for session in sessions:
        lines += [_measured_on(session), _null_tests(session)]
    lines += [line for line in (reached.samples(points),) if line]
    failures = [p for p in points if p.status is not Status.DONE]
    lines += [f"{p.key.text}: {p.status}: {p.message}" for p in failures]
    flags: dict[str, Flag] = {}
    for point in points:
        raised = measured.pair(record, point).flags if point.pair is not None else point.flags
        for flag in raised:
            flags.setdefault(flag.kind, flag)
    lines += [f"Flag {flag.kind}: {flag.detail}; {flag.remedy}." for flag in flags.values()]
    return tuple(dict.fromkeys(lines))


def _measured_on(session: Session) -> str:
    e = session.environment
    cuda = [f"CUDA {e.cuda}", f"cuDNN {e.cudnn}", f"driver {e.driver}"] if e.device == "cuda" else []
    threads = f"{e.threads} thread{'s' * (e.threads != 1)}"
    protocol = session.protocol
    processes = f"{protocol.processes} process{'es' * (protocol.processes != 1)}"
    parts = [e.device_name, e.variant, threads, f"torch {e.torch}", *cuda, reached.clocks(session)]
    where = ", ".join(part for part in parts if part)
    return f"Measured on {where}; protocol {protocol.name}, {processes}; {session.started}."


def _null_tests(session: Session) -> str:
    if not session.null_tests:
        return "No null test was made: verdicts are refused."
    parts = []
    for test in session.null_tests:
        where = f"{test.precision}, {test.mode}: " if test.mode and len(session.null_tests) > 1 else ""
        problem = test.problems[-1] if test.attempts else "no attempt was made"
        if test.passed:
            copy = test.attempts[-1].copy.log_rho.exp()
            extra = test.attempts[-1].extra.log_rho.exp()
            parts.append(
                f"{where}{test.network} against its copy {_bounds(copy)},"
                f" with extra work {_bounds(extra)}: passed"
            )
        else:
            parts.append(f"{where}{test.network}: failed {len(test.attempts)} times ({problem})")
    failed = session.failed_null_tests
    refused = "; verdicts are refused" if failed else ""
    if failed and len(failed) < len(session.null_tests) and all(test.mode for test in failed):
        refused += " in " + "; ".join(f"{test.precision}, {test.mode}" for test in failed)
    return "Null test: " + "; ".join(parts) + refused + "."


# -- rows -------------------------------------------------------------------------------------------


def rows_beside(table: Table, counted: Counts, record: Record, point: Point) -> Table:
    """A network's table of costs with ms alone, share in situ, roofline reached and regime beside it.

    Rates, kernels and host costs are extra columns.
    `table` is what `views.costs` made of `counted`: a line with a label for each row, in its order.
    """
    figures = {f.row.row: f for f in measured.rows(record, point, counted.graph.name)}
    labels = iter(counted.rows)
    more = (
        Column("ms", "ms alone", "printed"),
        Column("share", "share in situ", "percent"),
        Column("achieved", "roofline reached", "percent"),
        Column("row_regime", "regime"),
    )
    extra = reached.row_columns(figures.values())
    rows = []
    for row in table.rows:
        measured_row = figures.get(next(labels).row.name) if row[0] else None
        rows.append((*row, *_row(measured_row), *reached.row_values(record, point, measured_row, extra)))
    total = sum(f.isolated.point for f in figures.values()) * 1e-6
    blank = (None,) * len(extra)
    totals = tuple((*t, significant(total), None, None, "", *blank) for t in table.totals[:1])
    lines = [*table.notes, f"Rows measured at: {point.key.text}.", *_books(point, counted.graph.name)]
    return replace(
        table,
        columns=(*table.columns, *more, *extra),
        rows=tuple(rows),
        totals=totals,
        notes=(*lines, *notes(record, [point])),
    )


def _row(figures: RowFigures | None) -> tuple[Any, ...]:
    if figures is None:
        return None, None, None, ""
    regime = "" if figures.prediction is None else str(figures.prediction.regime)
    if not figures.row.same_kernels:
        regime += " (other kernels in situ: no verdict)"
    return significant(figures.isolated.point * 1e-6), figures.share, figures.achieved, regime


def _books(point: Point, network: str) -> list[str]:
    books = next((b for b in point.books if b.network == network), None)
    if books is None:
        return ["Shares are of the rows' isolated sum: this mode leaves no rows in situ."]
    total, rest = books.total_ns, books.unattributed_ns
    closed = "closed" if books.closed else "not closed: the rest is unattributed"
    return [
        f"In situ: {significant(total * 1e-6)} ms = rows {books.kernels_ns / total:.1%}"
        f" + gaps {books.gaps_ns / total:.1%} + unattributed {rest / total:.1%} (books {closed})."
    ]


# -- ceilings ---------------------------------------------------------------------------------------


def ceilings(limits: Sequence[Ceilings], environment: Any) -> Table:
    """What a device reached: P of products and convolutions, B, t0."""
    columns = (
        Column("precision", "precision"),
        Column("mode", "mode"),
        Column("matmul", "P: matmul, GFLOP/s", "printed"),
        Column("convolution", "P: convolution, GFLOP/s", "printed"),
        Column("bandwidth", "B, GB/s", "printed"),
        Column("launch", "t0, us", "printed"),
    )
    rows = tuple(
        (
            c.precision,
            c.mode,
            significant(c.matmul * 1e-9),
            significant(c.convolution * 1e-9),
            significant(c.bandwidth * 1e-9),
            significant(c.launch_ns * 1e-3),
        )
        for c in limits
    )
    e = environment
    where = f"{e.device_name}, {e.variant}, {e.threads} threads, torch {e.torch}"
    return Table(where, columns, rows, (), ("FLOPs count a multiply and an add each. B: read plus written.",))


# -- claims -----------------------------------------------------------------------------------------


def claims(findings: Sequence[Finding]) -> Table:
    """What papers claim about a pair, counted: the sentence, the published figure, and what comes out."""
    from archcalc.views.audit import figure

    columns = (
        Column("claim", "claim"),
        Column("published", "published", "printed"),
        Column("computed", "computed", "printed"),
        Column("verdict", "verdict"),
    )
    rows = tuple((f.row, f.published, figure(f.computed, f.published), f.verdict_text) for f in findings)
    return Table("What is claimed", columns, rows, (), ("Claims are about counts, not about time.",))


def claims_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The same for scripts."""
    return [
        {
            "claim": f.row,
            "expression": f.column,
            "published": f.published,
            "computed": tables.plain(f.computed),
            "verdict": f.verdict_text,
        }
        for f in findings
    ]


# -- JSON -------------------------------------------------------------------------------------------


def measured_json(record: Record, points: Sequence[Point]) -> list[dict[str, Any]]:
    """Every point for scripts: figures with their bounds, raw numbers."""
    return [_point_json(record, point) for point in points]


def _point_json(record: Record, point: Point) -> dict[str, Any]:
    key = point.key
    value: dict[str, Any] = {
        "networks": list(key.networks),
        "device": key.device,
        "batch": key.batch,
        "precision": key.precision,
        "mode": key.mode,
        "layout": key.layout,
        "fused": key.fused,
        "heap": key.heap,
        "caches": key.caches,
        "variables": dict(key.variables),
        "status": str(point.status),
        "message": point.message,
        "latency_ms": [_interval(x.milliseconds) for x in measured.latencies(record, point)],
        "images_per_second": [_interval(x.throughput) for x in measured.latencies(record, point)],
        "memory_peak": [x.network.memory_peak for x in measured.latencies(record, point)],
        "memory_counted": [x.network.memory_counted for x in measured.latencies(record, point)],
        "flags": [{"kind": str(f.kind), "detail": f.detail} for f in point.flags],
    }
    if point.pair is not None:
        figures = measured.pair(record, point)
        saving = figures.saving
        regimes = [
            None if x.prediction is None else str(x.prediction.regime) for x in (figures.old, figures.new)
        ]
        value |= {
            "mu": saving.mu,
            "rho": _interval(saving.rho),
            "realized_saving": None if saving.interval is None else _interval(saving.interval),
            "verdict": str(saving.verdict),
            "note": saving.note,
            "regimes": regimes,
            "predicted_rho": figures.predicted,
            "flags": [{"kind": str(f.kind), "detail": f.detail} for f in figures.flags],
        }
    return value


def _interval(interval: MeasuredInterval) -> dict[str, Any]:
    return {
        "low": interval.low,
        "point": interval.point,
        "high": interval.high,
        "over": interval.label,
    }
