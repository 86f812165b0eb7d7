"""The Python interface: `load(name)` gives an `Architecture`, and everything follows from it.

`compare`, `audit` and `report` are the commands of the same names; results show themselves as tables in a
notebook.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from archcalc import display
from archcalc.cost import counts
from archcalc.document import document
from archcalc.errors import ArchcalcError, requires, suggest
from archcalc.numbers import Array, exact
from archcalc.shapes import BYTES
from archcalc.spec import library, outline, spec
from archcalc.spec import lower as expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    import torch
    from matplotlib.figure import Figure

    from archcalc.audit import Audit
    from archcalc.bench.records.record import Record
    from archcalc.cost.compare import Comparison
    from archcalc.cost.counts import Counts
    from archcalc.document.text import Scalar
    from archcalc.graph.graph import Graph
    from archcalc.nn.network import Network
    from archcalc.nn.profiler import Profile
    from archcalc.nn.verify import Verification
    from archcalc.spec.inputs import GivenInput
    from archcalc.spec.outline import Outline
    from archcalc.spec.spec import Spec
    from archcalc.views.tables import Table

#: What counts bytes at a precision, and what measures at one: `tf32` stores what `fp32` does.
Precision = Literal["fp64", "fp32", "fp32-ieee", "tf32", "bf16", "fp16", "int8"]
MeasuredPrecision = Literal["fp32", "fp32-ieee", "tf32", "bf16", "fp16"]
Device = Literal["cpu", "cuda"]
Mode = Literal["eager", "graph", "compile"]
Layout = Literal["nchw", "nhwc"]
Preset = Literal["quick", "default", "thorough"]


@dataclass(frozen=True, slots=True, repr=False)
class Architecture:
    """A network that a document describes: its spec, and from it the graph, counts and torch module.

    >>> import archcalc
    >>> archcalc.load("googlenet").counts().total.macs
    1582671872
    """

    spec: Spec

    def __repr__(self) -> str:
        settings = "".join(f", {name} = {value}" for name, value in self.spec.settings.items())
        return f"Architecture({self.spec.name!r}{settings})"

    @property
    def name(self) -> str:
        """The name under which the network is known."""
        return self.spec.name

    def graph(self, input: GivenInput | None = None, heads: bool = False) -> Graph:
        """Every layer as a node, on `input` = (channels, height, width), or one side of a square."""
        return expand.build(self.spec, input, heads)

    def counts(
        self,
        input: GivenInput | None = None,
        batch: int = 1,
        precision: Precision = "fp32",
        heads: bool = False,
        fused: bool = False,
    ) -> Counts:
        """Exact costs by layer, row and in total; see `archcalc.cost.counts.count` for scope and units.

        `heads` counts side heads too, `fused` leaves out the traffic of normalisation and activations.
        Raises `ArchcalcError` for an unknown precision or an input that does not fit.
        """
        return counts.count(self.graph(input, heads), batch, known_precision(precision), fused)

    def table(
        self,
        input: GivenInput | None = None,
        batch: int = 1,
        precision: Precision = "fp32",
        heads: bool = False,
        expand: bool = False,
    ) -> pd.DataFrame:
        """The cost of each row (of each layer too, with `expand`) as a pandas DataFrame of raw values.

        Columns are those of `archcalc table --format csv`; published cells are text. Shapes are tuples of
        (channels, height, width), `traffic` and `peak` are bytes.
        """
        requires("pandas", purpose="a table as a DataFrame")
        import pandas as pd

        from archcalc.views import costs as views

        table = views.costs(self.counts(input, batch, precision, heads), expand)
        return pd.DataFrame(list(table.rows), columns=[c.key for c in table.columns])

    def _repr_html_(self) -> str:
        """What a notebook shows: the table of costs."""
        return _costs_html(self.counts())

    def diagram(self, input: GivenInput | None = None, heads: bool = False) -> Figure:
        """The network row by row, each layer shaded by its share of the MACs, as a matplotlib figure.

        A notebook shows it; `savefig` writes SVG, PNG or PDF.
        """
        requires("matplotlib", purpose="a diagram")
        from archcalc.plots import style
        from archcalc.report import single

        return style.drawn(single.network_diagram(self.counts(input, heads=heads)).draw)

    def plot_costs(self, input: GivenInput | None = None, heads: bool = False) -> Figure:
        """MACs and params of each row, stacked by kind of layer, as a matplotlib figure."""
        requires("matplotlib", purpose="a figure")
        from archcalc.plots import style
        from archcalc.report import single

        return style.drawn(single.cost_bars(self.counts(input, heads=heads)).draw)

    def network(
        self,
        input: GivenInput | None = None,
        heads: bool = False,
        *,
        probabilities: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        memory_format: torch.memory_format | None = None,
    ) -> Network:
        """The network as a torch module that gives logits; see `archcalc.nn.network.build`."""
        requires("torch", purpose="a torch module")
        from archcalc.nn import network

        return network.build(
            self.graph(input, heads),
            probabilities=probabilities,
            device=device,
            dtype=dtype,
            memory_format=memory_format,
        )

    def profile(self, input: GivenInput | None = None, batch: int = 1, heads: bool = False) -> Profile:
        """What fvcore and torch count in the built network; see `archcalc.nn.profiler.profile`."""
        requires("torch", "fvcore", purpose="profiling")
        from archcalc.nn import network, profiler
        from archcalc.nn.fixed import fixed_shape

        graph = self.graph(input, heads)
        return profiler.profile(network.build(graph), fixed_shape(graph.input), batch)

    def verify(self, input: GivenInput | None = None, batch: int = 1, heads: bool = False) -> Verification:
        """The counts beside those of three independent counters; see `archcalc.nn.verify.verify`."""
        requires("torch", "fvcore", purpose="verification")
        from archcalc.nn import verify

        return verify.verify(self.graph(input, heads), batch)

    def measure(
        self,
        other: Architecture | None = None,
        *,
        device: Device = "cpu",
        batch: int = 1,
        precision: MeasuredPrecision | None = None,
        mode: Mode = "eager",
        layout: Layout | None = None,
        preset: Preset = "default",
        threads: int = 0,
    ) -> Record:
        """Latency in fresh processes, alone or with `other` timed against it, as a record with one point.

        `precision` None is `fp32-ieee` on a CPU and `tf32` on CUDA; `layout` None is NCHW on a CPU, channels
        last on CUDA; `threads` 0 leaves torch its own choice. `archcalc.bench.results` makes figures of the
        record. Raises `ArchcalcError` where the device is missing or the networks were not read from files.
        """
        requires("torch", purpose="measuring")
        from archcalc.bench.runner import interface

        return interface.measure(
            self,
            other,
            device=device,
            batch=batch,
            precision=precision,
            mode=mode,
            layout=layout,
            preset=preset,
            threads=threads,
        )


def load(name: str | Path, **variables: Any) -> Architecture:
    """The network called `name`: a shipped name or alias, the path of a spec, or `PATH#network`.

    Keywords set the network's variables: `load("mobilenet-v2", width=1.4)`. Raises `ArchcalcError` for an
    unknown name and `SpecError`, with the place of the fault, for a broken document.
    """
    return assemble(library.find(str(name)), variables)


def loads(text: str, network: str | None = None, file: str = "<text>", **variables: Any) -> Architecture:
    """The network that a spec's text describes; `network` names one where the text holds several."""
    outlines = outline.networks(document.parse(text, file))
    chosen = next((o for o in outlines if o.name == network), None) if network else outlines[0]
    if chosen is None:
        known = ", ".join(o.name for o in outlines)
        raise ArchcalcError(f"the text holds no network called `{network}`", f"it holds: {known}")
    return assemble(chosen, variables)


def assemble(chosen: Outline, variables: Mapping[str, Any]) -> Architecture:
    """An outline as an `Architecture`, with some of its variables set anew."""
    return Architecture(spec.build(chosen, library.beside, _scalars(variables)))


def _scalars(variables: Mapping[str, Any]) -> dict[str, Scalar]:
    """Python values as the exact values of the language: 1.4 is 14/10, not its nearest double."""
    return {name: _scalar(name, value) for name, value in variables.items()}


def _scalar(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    number = exact(value)
    if number is None:
        given = repr(value)[:60]
        raise ArchcalcError(
            f"`{name}` cannot be set to `{given}`", "give a number, or a name of the document"
        )
    return number


def known_precision(name: str) -> Precision:
    """The name of a precision. Raises `ArchcalcError` where none is called so."""
    if name not in BYTES:
        hint = suggest(name, list(BYTES)) or ", ".join(BYTES)
        raise ArchcalcError(f"no precision is called `{name}`", hint)
    return cast("Precision", name)


# -- several networks -----------------------------------------------------------------------------


def networks() -> tuple[str, ...]:
    """The names of the shipped networks; `load` takes each of them, and `archcalc list` their aliases too."""
    return tuple(entry.name for entry in library.shipped())


def compare(
    *networks: Architecture | str | Path,
    input: GivenInput | None = None,
    batch: int = 1,
    precision: Precision = "fp32",
    heads: bool = False,
    fused: bool = False,
) -> Comparison:
    """Networks (or names that `load` takes) side by side: their costs, and exact ratios to the first.

    Raises `ArchcalcError` for fewer than two networks, and as `load` and `Architecture.counts` do.
    """
    from archcalc.cost import compare as comparison

    if len(networks) < 2:
        raise ArchcalcError("a comparison needs two networks", '`archcalc.compare("v1", "v3")`')
    return comparison.compare(
        [_architecture(n).counts(input, batch, precision, heads, fused) for n in networks]
    )


def audit(*networks: Architecture | str | Path, input: GivenInput | None = None) -> Audit:
    """Every published figure of some networks or documents against the counts; of all shipped, if none.

    A document's own name or file audits all of it, the name of one of its networks that network, and an
    `Architecture` that network with its variables as they are set. Raises `SpecError` for a table that cannot
    be read, and `ArchcalcError` where nothing is claimed of a network.
    """
    from archcalc.audit import Audit, Known, audit_network, named

    known = Known()
    papers = []
    for network in networks or library.paths():
        if isinstance(network, Architecture):
            own = network.spec
            if any(isinstance(value, Array) for value in own.settings.values()):
                raise ArchcalcError("an audit is of one network", "give single numbers for its variables")
            outlines = outline.networks(own.document)
            chosen = next(o for o in outlines if o.name == own.name)
            papers.append(audit_network(chosen, outlines, own.settings, input))
        else:
            papers.append(named.paper(str(network), None, input, known))
    return Audit(tuple(papers))


def load_record(name: str | Path) -> Record:
    """A saved measurement: a file, or a shipped record's name. Raises `ArchcalcError` for a damaged one."""
    from archcalc.bench import shipped

    return shipped.load(str(name))


def report(
    *topics: str,
    output: str | Path = "reports",
    records: Sequence[str | Path] | None = None,
    png: bool = False,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write the pages of some topics into the folder `output`, with figures and tables; all pages if none.

    Topics are those of `archcalc report`: `audit`, `architectures`, `factorization`, a network's name, or
    `compare` with names behind it. `records` are saved measurements, the shipped ones if None. Returns the
    pages' files. Raises `ArchcalcError` rather than replace what archcalc did not make, unless `force`.
    """
    requires("matplotlib", purpose="a report")
    from archcalc.report import folder

    names = None if records is None else [str(name) for name in records]
    return tuple(path for path, _ in folder.write_report(topics, Path(output), names, png, force))


def _architecture(network: Architecture | str | Path) -> Architecture:
    return network if isinstance(network, Architecture) else load(network)


# -- in a notebook --------------------------------------------------------------------------------


def _html(tables: Iterable[Table]) -> str:
    from archcalc.export import html

    return "".join(html.html(table.narrow()) for table in tables)


def _costs_html(counted: Counts) -> str:
    from archcalc.views import costs

    return _html([costs.costs(counted)])


def _graph_html(graph: Graph) -> str:
    from archcalc.views import structure

    return _html([structure.graph(graph)])


def _comparison_html(compared: Comparison) -> str:
    from archcalc.views import comparison

    return _html([comparison.comparison(compared)])


def _verification_html(verification: Verification) -> str:
    from archcalc.views import verification as views

    return _html([views.verification(verification)])


def _record_html(record: Record) -> str:
    from archcalc.views import records

    return _html(records.tables(record))


def _audit_html(audits: Audit) -> str:
    from archcalc.views import audit as views

    return _html([views.summary(audits), views.findings(audits)])


display.register("Counts", _costs_html)
display.register("Graph", _graph_html)
display.register("Comparison", _comparison_html)
display.register("Verification", _verification_html)
display.register("Record", _record_html)
display.register("Audit", _audit_html)
