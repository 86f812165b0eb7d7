"""What is counted on the very instance that is measured: multiply-adds, bytes, kernels; no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.bench.records.record import Key, MeasuredNetwork, Point, Record
from archcalc.bench.stats.roofline import Work, WorkKind
from archcalc.cost import counts
from archcalc.document.text import number
from archcalc.errors import ArchcalcError
from archcalc.shapes import as_image
from archcalc.spec import library, lower
from archcalc.spec.inputs import parse_input

if TYPE_CHECKING:
    from archcalc.cost.counts import Counts, NodeCount
    from archcalc.graph.graph import Graph

#: The key under which a point's variables keep the input's size, where it was given.
INPUT = "input"


@dataclass(frozen=True, slots=True)
class Instance:
    """A network as a point sets it: its graph and its counts at the point's batch and precision."""

    name: str
    graph: Graph
    counted: Counts
    folded: frozenset[int]

    @property
    def network(self) -> MeasuredNetwork:
        """What the record keeps of it."""
        total = self.counted.total
        kernels = self.kernels(range(len(self.graph.nodes)))
        moved = sum(work.bytes for work in kernels)
        return MeasuredNetwork(self.name, int(total.macs), moved, kernels, memory_counted=int(total.peak))

    def kernels(self, nodes: Iterable[int]) -> tuple[Work, ...]:
        """The kernels of some nodes: one for each that moves data and was not folded away."""
        counted = {c.node.index: c for row in self.counted.rows for c in row.nodes}
        return tuple(_work(counted[i]) for i in nodes if i in counted and self._runs(counted[i]))

    def _runs(self, counted: NodeCount) -> bool:
        return bool(counted.cost.traffic) and counted.node.index not in self.folded


def _work(counted: NodeCount) -> Work:
    op = counted.node.entry
    kind = WorkKind.OTHER
    if op.weighted:
        kind = WorkKind.MATMUL if op.window is None else WorkKind.CONVOLUTION
    return Work(int(counted.cost.flops), int(counted.cost.traffic), kind)


def load_graph(source: str, variables: Mapping[str, str]) -> Graph:
    """The graph of the network that a source names, as a point's variables set it.

    Raises `ArchcalcError` where there is no such network, and `SpecError` where a setting does not fit it.
    """
    exact = {name: number(text) for name, text in variables.items() if name != INPUT}
    settings = {name: variables[name] if value is None else value for name, value in exact.items()}
    size = parse_input(variables[INPUT]) if INPUT in variables else None
    return lower.build(library.load_spec(source, settings), size)


def instance(source: str, key: Key) -> Instance:
    """The network that `source` names as `key` sets it; compiled code is counted with its fusion."""
    graph = load_graph(source, dict(key.variables))
    folded = graph.foldable() if key.fused else frozenset[int]()
    counted = counts.count(graph, key.batch, key.precision, fused=key.mode == "compile")
    return Instance(graph.name, graph, counted, folded | graph.final_probabilities())


def fingerprint(source: str, variables: Mapping[str, str] | None = None) -> str:
    """SHA-256 (hex) of what a spec builds: every layer with its sizes, inputs and row.

    `variables` are a point's; without them the spec is taken at its defaults.
    Not of the document's text: prose, footnotes and claims may be corrected without orphaning a
    measurement, while a change in what is built is seen also where it comes from a parent document or
    from archcalc itself.
    """
    graph = load_graph(source, variables or {})
    # spelt as before vectors had a shape of their own, so that older records still match
    digest = hashlib.sha256(repr(graph.input).encode())
    for node in graph.nodes:
        a = node.attrs
        sizes = (a.kernel, a.stride, a.pad, a.dilation, a.groups, a.channels, a.bias, a.ceil)
        line = (
            node.name,
            node.op,
            sizes,
            sorted(a.options.items()),
            node.inputs,
            as_image(node.shape),
            max(node.row, 0),
        )
        digest.update(repr(line).encode())
    return digest.hexdigest()


class Fingerprints:
    """The fingerprints of what points measure, as the specs are now; each is computed once.

    `sources` gives the name or file of each network.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}

    def spec(self, name: str) -> str:
        """The fingerprint of a network at its spec's defaults. Raises as `load_graph` does."""
        return self._of(name, ())

    def key(self, key: Key) -> tuple[str, ...]:
        """The fingerprints of a point's networks, its variables set. Raises as `load_graph` does."""
        return tuple(self._of(name, key.variables) for name in key.networks)

    def belongs(self, point: Point) -> bool:
        """True where a point was measured on what its networks are now.

        A point of an older record gives its networks' fingerprints at their defaults, whatever its variables.
        """
        try:
            now = self.key(point.key)
        except ArchcalcError:  # the network is not known here, or has lost a variable
            return False
        return point.specs in (now, tuple(self.spec(name) for name in point.key.networks))

    def _of(self, name: str, variables: tuple[tuple[str, str], ...]) -> str:
        identity = (name, variables)
        if identity not in self._known:
            self._known[identity] = fingerprint(self._sources.get(name, name), dict(variables))
        return self._known[identity]


def current(record: Record, keys: Iterable[Key], sources: Mapping[str, str]) -> tuple[Point, ...]:
    """The record's points with these keys, without those that were measured before a spec was edited."""
    wanted, now = set(keys), Fingerprints(sources)
    return tuple(point for point in record.points if point.key in wanted and now.belongs(point))


def cheaper(instances: Sequence[Instance]) -> int:
    """The index of the one with the least arithmetic; a null test should not take long."""
    return min(range(len(instances)), key=lambda i: int(instances[i].counted.total.macs))
