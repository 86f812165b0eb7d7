"""The Python interface: `load(name)` gives an `Architecture`, and everything follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.cost import counts
from archcalc.document import document
from archcalc.errors import ArchcalcError, requires
from archcalc.numbers import exact
from archcalc.spec import library, outline, spec
from archcalc.spec import lower as expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import torch

    from archcalc.bench.records.record import Record
    from archcalc.cost.counts import Counts
    from archcalc.document.text import Scalar
    from archcalc.graph.graph import Graph
    from archcalc.nn.network import Network
    from archcalc.nn.profiler import Profile
    from archcalc.nn.verify import Verification
    from archcalc.spec.inputs import GivenInput
    from archcalc.spec.outline import Outline
    from archcalc.spec.spec import Spec


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that a document describes: its spec, and from it the graph, counts and torch module.

    >>> import archcalc
    >>> archcalc.load("googlenet").counts().total.macs
    1582671872
    """

    spec: Spec

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
        precision: str = "fp32",
        heads: bool = False,
        fused: bool = False,
    ) -> Counts:
        """Exact costs by layer, row and in total; see `archcalc.cost.counts.count` for scope and units."""
        return counts.count(self.graph(input, heads), batch, precision, fused)

    def table(
        self,
        input: GivenInput | None = None,
        batch: int = 1,
        precision: str = "fp32",
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

        shown = views.costs(self.counts(input, batch, precision, heads), expand)
        return pd.DataFrame(list(shown.rows), columns=[c.key for c in shown.columns])

    def _repr_html_(self) -> str:
        """What a notebook shows: the table of costs."""
        from archcalc.export import html
        from archcalc.views import costs as views

        return html.html(views.costs(self.counts()))

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

    def measure(self, other: Architecture | None = None, **conditions: Any) -> Record:
        """Latency in fresh processes, alone or with `other` timed against it.

        For `conditions` (device, batch, precision, mode, layout, preset, threads) and faults see
        `archcalc.bench.runner.interface.measure`; `archcalc.bench.results` makes figures of the record.
        """
        requires("torch", purpose="measuring")
        from archcalc.bench.runner import interface

        return interface.measure(self, other, **conditions)


def load(name: str | Path, **variables: Any) -> Architecture:
    """The network called `name`: a shipped name or alias, the path of a spec, or `PATH#network`.

    Keywords set the network's variables: `load("mobilenet-v2", width=1.4)`. Raises `ArchcalcError` for an
    unknown name and `SpecError`, with the place of the fault, for a broken document.
    """
    return assemble(library.find(str(name)), variables)


def loads(text: str, network: str | None = None, file: str = "<text>", **variables: Any) -> Architecture:
    """The network that a spec's text describes; `network` names one where the text holds several."""
    parsed = document.parse(text, file)
    found = outline.networks(parsed)
    chosen = next((o for o in found if o.name == network), None) if network else found[0]
    if chosen is None:
        known = ", ".join(o.name for o in found)
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
