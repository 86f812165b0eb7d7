"""`archcalc list`, `table`, `compare`, `verify` and `show`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc import files
from archcalc.cli import measuring, options
from archcalc.cli.options import RICH, As

if TYPE_CHECKING:
    from archcalc.cost.counts import Counts
    from archcalc.views.tables import Table


def list_networks(
    how: As = RICH,
    output: options.Output = None,
    force: options.Force = False,
    wide: options.Wide = False,
) -> None:
    """List the shipped networks with their aliases and totals."""
    from archcalc import api
    from archcalc.spec import library
    from archcalc.views import listing as views
    from archcalc.views import tables

    networks = [(outline, api.assemble(outline, {}).counts()) for outline in library.shipped()]
    table = views.listing(networks)
    options.emit(table, lambda: tables.records(table), how, output, force, wide)


def table(
    name: options.Name,
    how: As = RICH,
    input: options.Input = None,
    batch: options.Batch = 1,
    settings: options.Settings = None,
    precision: options.Precision = "fp32",
    heads: options.Heads = False,
    fused: options.Fused = False,
    expand: Annotated[bool, typer.Option("--expand", help="Show each layer, not only rows.")] = False,
    record: measuring.Saved = None,
    output: options.Output = None,
    force: options.Force = False,
    wide: options.Wide = False,
) -> None:
    """Print a network's table with the exact cost of every row beside what the paper prints."""
    from archcalc.views import costs as views
    from archcalc.views import sizes, tables

    chosen = options.load(name, settings)
    counted = chosen.counts(options.size(input), batch, options.precision(precision), heads, fused)
    wrong = sizes.wrong(chosen.spec, counted) if input is None else ()
    costs = sizes.beside(views.costs(counted, expand), counted, wrong)

    def as_json() -> object:
        return {**views.costs_json(counted, expand), "wrong_sizes": sizes.as_json(wrong)}

    if record is None:
        options.emit(costs, as_json, how, output, force, wide)
        return
    beside = _with_rows(costs, counted, record, name)
    options.emit(beside, lambda: tables.records(beside), how, output, force, wide)


def _with_rows(costs: Table, counted: Counts, record: str, source: str) -> Table:
    """The table with the rows' latencies from a record beside them."""
    from archcalc.bench import results as measured
    from archcalc.bench import shipped as records
    from archcalc.errors import ArchcalcError
    from archcalc.views import measured as measured_views

    name = counted.graph.name
    held = records.load(record, {name: source})
    points = list(measured.with_rows(held, name))
    if not points:
        raise ArchcalcError(
            f"the record holds no rows of {name}", f"measure them: `archcalc measure {name} --rows`"
        )
    wanted = [p for p in points if p.key.batch == counted.batch]
    if not wanted:
        batches = ", ".join(dict.fromkeys(str(p.key.batch) for p in points))
        raise ArchcalcError(
            f"the record holds no rows of {name} at batch {counted.batch}", f"it has: --batch {batches}"
        )
    return measured_views.rows_beside(costs, counted, held, wanted[0])


def compare(
    names: options.Names,
    how: As = RICH,
    input: options.Input = None,
    batch: measuring.Batches = "1",
    settings: options.Settings = None,
    precision: Annotated[
        str | None,
        typer.Option("--precision", metavar="P,P", help="Counted: bytes of a value; measured: what runs."),
    ] = None,
    heads: options.Heads = False,
    fused: options.Fused = False,
    device: measuring.Device = None,
    record: measuring.Saved = None,
    mode: measuring.Modes = None,
    layout: measuring.Layouts = None,
    fuse: measuring.Fuse = False,
    quick: measuring.Quick = False,
    thorough: measuring.Thorough = False,
    threads: measuring.Threads = 0,
    seed: measuring.Seed = 0,
    output: options.Output = None,
    force: options.Force = False,
    wide: options.Wide = False,
) -> None:
    """Compare networks: costs, exact ratios and, with a device or a record, what became of them in time.

    With --device the pairs are measured (and kept in --record FILE, if given); with --record alone
    they are read.
    """
    from archcalc.cost.compare import compare as compared
    from archcalc.errors import ArchcalcError
    from archcalc.views import comparison as views
    from archcalc.views import measured as measured_views
    from archcalc.views.records import tables as record_tables

    if len(names) < 2:
        raise ArchcalcError("a comparison needs two networks", "`archcalc compare v1 v3`")
    shape, batches = options.size(input), measuring.numbers(batch, "batch")
    of_counts = options.precision((measuring.listed(precision) or ("fp32",))[0])
    counted = [
        options.load(name, settings).counts(shape, batches[0], of_counts, heads, fused) for name in names
    ]
    result = compared(counted)
    costs = views.comparison(result)
    if device is None and record is None:
        if len(batches) > 1:
            raise ArchcalcError("costs are counted at one batch", "measure at several with `--device`")
        options.emit(costs, lambda: views.comparison_json(result), how, output, force, wide)
        return
    if heads:
        raise ArchcalcError("side heads are not run in inference", "leave out `--heads` to measure")
    if output is not None:
        files.refuse(output, force)
    chosen = measuring.choose(names, settings, input)
    wanted = measuring.Wanted(device or "", measuring.preset(quick, thorough), threads, seed)
    axes = (batch, precision, mode, layout, fuse)
    held, points = measuring.pairs(chosen, wanted, axes, record)
    claims = measuring.claims(chosen)

    def as_json() -> object:
        return {
            **views.comparison_json(result),
            "measured": measured_views.measured_json(held, points),
            "claims": measured_views.claims_json(claims),
        }

    tables = [costs, *record_tables(held, points), *([measured_views.claims(claims)] if claims else [])]
    options.emit_all(tables, as_json, how, output, force, wide)


def verify(
    name: options.Name,
    how: As = RICH,
    input: options.Input = None,
    batch: options.Batch = 1,
    settings: options.Settings = None,
    heads: options.Heads = False,
    expand: Annotated[bool, typer.Option("--expand", help="Show each layer, not only rows.")] = False,
    output: options.Output = None,
    force: options.Force = False,
    wide: options.Wide = False,
) -> None:
    """Build the network, run it, and demand that three counters agree on every row."""
    from archcalc.errors import requires
    from archcalc.views import verification as views

    requires("torch", "fvcore", purpose="`archcalc verify`")

    chosen = options.load(name, settings)
    result = chosen.verify(options.size(input), batch, heads)
    table = views.verification(result, expand)
    options.emit(table, lambda: views.verification_json(result, expand), how, output, force, wide)
    if not result.agrees:
        raise typer.Exit(1)


class Form(StrEnum):
    """What `show` prints."""

    module = "module"
    graph = "graph"
    source = "source"


def show(
    name: options.Name,
    form: Annotated[Form, typer.Option("--as", help="The torch module, the graph, or its Python source.")] = (
        Form.module
    ),
    input: options.Input = None,
    settings: options.Settings = None,
    heads: options.Heads = False,
    output: options.Output = None,
    force: options.Force = False,
) -> None:
    """Show the network as built: its torch module, its graph, or the code that runs it."""
    from archcalc.errors import requires
    from archcalc.views import structure

    if form is not Form.graph:
        requires("torch", purpose=f"`archcalc show --as {form}`")
    graph = options.load(name, settings).graph(options.size(input), heads)
    if form is Form.graph:
        options.emit(structure.graph(graph), dict, RICH, output, force, wide=True)
        return
    text = structure.module(graph) if form is Form.module else structure.source(graph)
    options.deliver(text, output, force)
