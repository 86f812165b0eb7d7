"""`Record` -> figures: latency, ratio, realized saving, verdict and the roofline beside it; no torch.

Everything is computed again from raw times, so that a record read on another machine gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.bench.records.record import MeasuredNetwork, Point, Record, RowResult, Session, Status
from archcalc.bench.stats.flags import Flag
from archcalc.bench.stats.protocol import pair_flags, pair_latency_ns, rho_of, solo_latency_ns
from archcalc.bench.stats.roofline import Ceilings, Prediction, predict
from archcalc.bench.stats.statistics import MeasuredInterval, Saving, realized_saving

if TYPE_CHECKING:
    from archcalc.bench.records.record import Key


@dataclass(frozen=True, slots=True)
class Latency:
    """One network at a point: ns of a run, and what the roofline says (None without ceilings)."""

    point: Point
    network: MeasuredNetwork
    ns: MeasuredInterval
    prediction: Prediction | None

    @property
    def milliseconds(self) -> MeasuredInterval:
        """ms of a run."""
        return self.ns.scaled(1e-6)

    @property
    def throughput(self) -> MeasuredInterval:
        """Images a second."""
        return self.ns.inverse(self.point.key.batch * 1e9)

    @property
    def achieved(self) -> float | None:
        """The fraction of the roofline that was reached."""
        return None if self.prediction is None else self.prediction.total_ns / self.ns.point

    @property
    def millijoules(self) -> float | None:
        """mJ an image, where the energy was measured."""
        energy = self.network.energy_mj
        return None if energy is None else energy / self.point.key.batch


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Two networks at a point. `predicted` is the roofline's rho; `flags` are the point's and its runs'."""

    point: Point
    old: Latency
    new: Latency
    saving: Saving
    predicted: float | None
    flags: tuple[Flag, ...]

    @property
    def difference(self) -> float | None:
        """Measured over predicted rho, less one: what the roofline does not explain."""
        return None if self.predicted is None else self.saving.rho.point / self.predicted - 1

    @property
    def verdict(self) -> str:
        """The verdict in words, which says where the new network does more arithmetic than the old one."""
        return str(self.saving.verdict) + (" (costlier)" if self.saving.costlier else "")

    @property
    def regime(self) -> str:
        """The predicted regime in words: one, or from which to which; empty without ceilings."""
        regimes = [str(x.prediction.regime) for x in (self.old, self.new) if x.prediction is not None]
        return " -> ".join(dict.fromkeys(regimes))


@dataclass(frozen=True, slots=True)
class RowFigures:
    """One row at a point: isolated latency, ns in situ with its share of the total, the roofline."""

    row: RowResult
    isolated: MeasuredInterval
    share: float | None
    prediction: Prediction | None

    @property
    def achieved(self) -> float | None:
        """The fraction of the roofline that the row reached by itself."""
        return None if self.prediction is None else self.prediction.total_ns / self.isolated.point


def ceilings(session: Session, key: Key) -> Ceilings | None:
    """The ceilings of the session at a point's precision and mode."""
    same = (c for c in session.ceilings if c.precision == key.precision and c.mode == key.mode)
    return next(same, None)


def pair(record: Record, point: Point) -> PairFigures:
    """The figures of a point that is a finished pair."""
    result, session = point.pair, record.session(point)
    assert result is not None
    rho = rho_of(result.runs)
    old, new = (
        _latency(point, session, network, pair_latency_ns(result.runs, i))
        for i, network in enumerate((result.old, result.new))
    )
    predicted = None
    if old.prediction is not None and new.prediction is not None and old.prediction.total_ns > 0:
        predicted = new.prediction.total_ns / old.prediction.total_ns
    target = session.protocol.half_width(point.key.device)
    flags = (*point.flags, *(f for run in result.runs for f in run.flags), *pair_flags(result.runs, target))
    return PairFigures(
        point=point,
        old=old,
        new=new,
        saving=realized_saving(result.mu, rho, session.refuses(point.key)),
        predicted=predicted,
        flags=_distinct(flags),
    )


def latencies(record: Record, point: Point) -> tuple[Latency, ...]:
    """Each network of a finished point."""
    if point.pair is not None:
        figures = pair(record, point)
        return figures.old, figures.new
    if point.solo is not None:
        session = record.session(point)
        return (_latency(point, session, point.solo.network, solo_latency_ns(point.solo.runs)),)
    return ()


def _latency(point: Point, session: Session, network: MeasuredNetwork, ns: MeasuredInterval) -> Latency:
    limits = ceilings(session, point.key)
    return Latency(point, network, ns, predict(network.work, limits) if limits and network.work else None)


def rows(record: Record, point: Point, network: str) -> tuple[RowFigures, ...]:
    """The rows of `network` at a point, as far as they were measured.

    A share is of the total in situ, gaps and the rest included; without figures in situ, of the isolated sum.
    """
    results = [row for row in point.rows if row.network == network]
    limits = ceilings(record.rows_session(point), point.key)
    books = next((b for b in point.books if b.network == network), None)
    alone = [solo_latency_ns(row.isolated) for row in results]
    total = sum(a.point for a in alone)
    figures = []
    for row, isolated in zip(results, alone, strict=True):
        share: float | None = isolated.point / total
        if books is not None:
            share = None if row.in_situ_ns is None else row.in_situ_ns / books.total_ns
        prediction = predict(row.work, limits) if limits and row.work else None
        figures.append(RowFigures(row, isolated, share, prediction))
    return tuple(figures)


def points(record: Record, networks: Sequence[str]) -> Iterator[Point]:
    """The points of a pair (old, new), or of one network alone."""
    return (point for point in record.points if point.key.networks == tuple(networks))


def with_rows(record: Record, network: str) -> Iterator[Point]:
    """The finished points that hold rows of `network`."""
    return (
        point
        for point in record.points
        if point.status is Status.DONE and any(row.network == network for row in point.rows)
    )


def _distinct(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """One flag of each kind, the first: five processes with a drift each are one warning."""
    first: dict[str, Flag] = {}
    for flag in flags:
        first.setdefault(flag.kind, flag)
    return tuple(first.values())
