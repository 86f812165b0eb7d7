"""`archcalc list`, `table`, `compare`, `verify` and `show`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from archcalc.cli import options
from archcalc.cli.options import As, Format


def list_networks(
    how: As = Format.rich,
    output: options.Output = None,
    force: options.Force = False,
    wide: options.Wide = False,
) -> None:
    """List the shipped networks with their aliases and totals."""
    from archcalc import api, library, views

    networks = [(outline, api.assemble(outline, {}).counts()) for outline in library.shipped()]
    table = views.listing(networks)
    options.emit(table, lambda: views.records(table), how, output, force, wide)


def table(
    name: options.Name,
    how: As = Format.rich,
    input: options.Input = None,
    batch: options.Batch = 1,
    settings: options.Settings = None,
    precision: options.Precision = "fp32",
    heads: options.Heads = False,
    fused: options.Fused = False,
    expand: Annotated[bool, typer.Option("--expand", help="Show each layer, not only rows.")] = False,
    output: options.Output = None,
    force: options.Force = False,
    wide: options.Wide = False,
) -> None:
    """Print a network's table with the exact cost of every row beside what the paper prints."""
    from archcalc import views

    chosen = options.load(name, settings)
    counted = chosen.counts(options.size(input), batch, options.precision(precision), heads, fused)
    shown = views.costs(counted, expand)
    options.emit(shown, lambda: views.costs_json(counted, expand), how, output, force, wide)


def compare(
    names: options.Names,
    how: As = Format.rich,
    input: options.Input = None,
    batch: options.Batch = 1,
    settings: options.Settings = None,
    precision: options.Precision = "fp32",
    heads: options.Heads = False,
    fused: options.Fused = False,
    output: options.Output = None,
    force: options.Force = False,
    wide: options.Wide = False,
) -> None:
    """Compare networks' costs: the figures of each, and their ratios to the first."""
    from archcalc import views
    from archcalc.compare import compare as compared
    from archcalc.errors import ArchcalcError

    if len(names) < 2:
        raise ArchcalcError("a comparison needs two networks", "`archcalc compare v1 v3`")
    shape = options.size(input)
    counted = [
        options.load(name, settings).counts(shape, batch, options.precision(precision), heads, fused)
        for name in names
    ]
    result = compared(counted)
    options.emit(views.comparison(result), lambda: views.comparison_json(result), how, output, force, wide)


def verify(
    name: options.Name,
    how: As = Format.rich,
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
    from archcalc import views

    chosen = options.load(name, settings)
    result = chosen.verify(options.size(input), batch, heads)
    shown = views.verification(result, expand)
    options.emit(shown, lambda: views.verification_json(result, expand), how, output, force, wide)
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
    from archcalc import show as shown

    graph = options.load(name, settings).graph(options.size(input), heads)
    if form is Form.graph:
        options.emit(shown.graph(graph), dict, Format.rich, output, force, wide=True)
        return
    text = shown.module(graph) if form is Form.module else shown.source(graph)
    options.deliver(text, output, force)
