"""Records -> what they show: trials of two networks, latencies and rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.bench import results as measured
from archcalc.bench import shipped as records
from archcalc.bench.records.record import Status
from archcalc.errors import ArchcalcError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archcalc.bench.records.record import Key, Point, Record, Session
    from archcalc.bench.results import Latency, PairFigures


@dataclass(frozen=True, slots=True)
class EvidenceSource:
    """A record with the name of its file and the SHA-256 of its bytes."""

    name: str
    sha256: str
    record: Record


@dataclass(frozen=True, slots=True)
class Trial:
    """Two networks timed against each other under one set of conditions."""

    source: EvidenceSource
    figures: PairFigures

    @property
    def key(self) -> Key:
        """The conditions."""
        return self.figures.point.key

    @property
    def session(self) -> Session:
        """The session in which it was measured."""
        return self.source.record.session(self.figures.point)

    @property
    def old(self) -> str:
        """The network against which the other is measured."""
        return self.figures.old.network.name

    @property
    def new(self) -> str:
        """The other network."""
        return self.figures.new.network.name

    @property
    def regime(self) -> str:
        """The predicted regime in words: one, or from which to which; empty without ceilings."""
        return self.figures.regime.replace(" -> ", " to ")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All records at hand."""

    sources: tuple[EvidenceSource, ...] = ()

    def points(self) -> list[tuple[EvidenceSource, Point]]:
        """Every point that was measured."""
        return [(s, p) for s in self.sources for p in s.record.points if p.status is Status.DONE]

    def trials(self, pairs: Sequence[tuple[str, str]]) -> list[Trial]:
        """Every trial of these pairs (old, new), in the order of the pairs and then of conditions."""
        order = {pair: i for i, pair in enumerate(pairs)}
        trials = [
            Trial(source, measured.pair(source.record, point))
            for source, point in self.points()
            if point.pair is not None and point.key.networks in order
        ]
        return sorted(trials, key=lambda t: (order[t.key.networks], t.key.conditions))  # type: ignore[index]

    def latencies(self, names: Sequence[str]) -> tuple[Key | None, dict[str, Latency]]:
        """As many networks as were timed under the same conditions; the key shows these.

        Of conditions with equally many, the first. Only networks at their own input size.
        """
        timed = [
            (point.key.conditions, latency)
            for source, point in self.points()
            if not point.key.variables
            for latency in measured.latencies(source.record, point)
            if latency.network.name in names
        ]
        most = Counter(c for c, _ in dict.fromkeys((c, x.network.name) for c, x in timed))
        if not most:
            return None, {}
        best = max(sorted(most), key=lambda c: most[c])
        chosen = [x for c, x in timed if c == best]
        return chosen[0].point.key, {x.network.name: x for x in reversed(chosen)}

    def rows(self, name: str) -> list[tuple[EvidenceSource, Point]]:
        """The points that hold rows of a network at its own input size."""
        pairs = [
            (source, point)
            for source in self.sources
            for point in measured.with_rows(source.record, name)
            if not point.key.variables
        ]
        return sorted(pairs, key=lambda pair: pair[1].key.conditions)

    def session(self, key: Key) -> Session:
        """The session in which the first point with this key was measured."""
        return next(s.record.session(p) for s, p in self.points() if p.key == key)

    def failed(self, pairs: Sequence[tuple[str, str]]) -> list[Point]:
        """Points of these pairs that were tried and gave no figure."""
        return [
            p
            for s in self.sources
            for p in s.record.points
            if p.status is not Status.DONE and p.key.networks in pairs
        ]


def load(names: Sequence[str], own: Mapping[str, str] | None = None) -> Evidence:
    """The records in these files, or of these short names; `own` gives the files of specs not shipped.

    Raises `ArchcalcError` where a record cannot be read, or was measured with other specs.
    """
    sources = []
    for name in names:
        path = records.find(name)
        record = records.load(name, own)
        sources.append(EvidenceSource(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), record))
    if len({s.name for s in sources}) != len(sources):
        raise ArchcalcError("two records of the same name", "rename one of the files, or give it once")
    return Evidence(tuple(sources))
