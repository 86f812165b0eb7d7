"""`archcalc device`, `measure`, `sweep` and `merge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc import files
from archcalc.cli import measuring, options, terminal
from archcalc.cli.options import RICH, As
from archcalc.errors import ArchcalcError, requires

if TYPE_CHECKING:
    from archcalc.bench.records.record import Point, Record

Kept = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="The record; one that is there is added to."),
]


def device(
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    precision: measuring.Precisions = None,
    mode: measuring.Modes = None,
    threads: measuring.Threads = 0,
    how: As = RICH,
    output: options.Output = None,
    force: options.Force = False,
) -> None:
    """Measure what the device reaches at best: arithmetic, memory, and the cost of a trivial kernel."""
    from archcalc.bench.runner import plan, session
    from archcalc.views import measured as measured_views
    from archcalc.views import tables

    if output is not None:
        files.refuse(output, force)
    requires("torch", purpose="`archcalc device`")
    default = "fp32-ieee,bf16" if device == "cpu" else "fp32-ieee,tf32,bf16,fp16"
    modes = mode or ("eager" if device == "cpu" else "eager,graph")
    where = measuring.conditions(device, (1,), precision or default, modes, None, False)
    with terminal.ProgressBar() as progress:
        reached, environment, problems = session.ceilings(
            where, plan.protocol("quick", where.device), threads, progress
        )
    for problem in problems:
        terminal.note(problem)
    table = measured_views.ceilings(reached, environment)
    options.emit(table, lambda: tables.records(table), how, output, force)


def measure(
    names: options.Names,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    batch: measuring.Batches = "1",
    precision: measuring.Precisions = None,
    mode: measuring.Modes = None,
    layout: measuring.Layouts = None,
    input: options.Input = None,
    settings: options.Settings = None,
    pair: Annotated[bool, typer.Option("--pair", help="Time each against the first, interleaved.")] = False,
    rows: Annotated[bool, typer.Option("--rows", help="Time each row too, alone and in situ.")] = False,
    fuse: measuring.Fuse = False,
    heap: measuring.Heap = "steady",
    caches: measuring.Caches = None,
    quick: measuring.Quick = False,
    thorough: measuring.Thorough = False,
    threads: measuring.Threads = 0,
    seed: measuring.Seed = 0,
    minutes: measuring.Minutes = None,
    output: Kept = None,
    wide: options.Wide = False,
) -> None:
    """Measure latency and keep every raw time in a record; the same command again goes on from there."""
    from archcalc.bench import work
    from archcalc.bench.runner import plan

    chosen = measuring.choose(names, settings, input)
    batches = measuring.numbers(batch, "batch")
    where = measuring.conditions(device, batches, precision, mode, layout, fuse, heap, caches)
    if pair and len(chosen.names) < 2:
        raise ArchcalcError("a pair needs two networks", "`archcalc measure v1 v3 --pair`")
    networks = chosen.pairs() if pair else tuple((name,) for name in dict.fromkeys(chosen.names))
    keys = plan.points(networks, where, [chosen.variables])
    path = output or Path(f"archcalc-{where.device}.json")
    wanted = measuring.Wanted(
        where.device, measuring.preset(quick, thorough), threads, seed, rows, "", minutes
    )
    record = measuring.obtain(keys, chosen.sources, wanted, path)
    _print(record, work.current(record, keys, chosen.sources), wide)
    terminal.note(f"the record is {path}")


def sweep(
    networks: Annotated[
        list[str] | None, typer.Argument(metavar="[OLD NEW]...", help="Pairs; the factorizations if none.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    batch: measuring.Batches = "1,32",
    channels: Annotated[str, typer.Option("--channels", metavar="N,N", help="Widths of the maps.")] = "64",
    grid: Annotated[str, typer.Option("--grid", metavar="N,N", help="Sides of the maps.")] = "28",
    precision: measuring.Precisions = None,
    mode: measuring.Modes = None,
    layout: measuring.Layouts = None,
    fuse: measuring.Fuse = False,
    heap: measuring.Heap = "steady",
    caches: measuring.Caches = None,
    quick: measuring.Quick = False,
    thorough: measuring.Thorough = False,
    threads: measuring.Threads = 0,
    seed: measuring.Seed = 0,
    minutes: measuring.Minutes = None,
    shard: Annotated[str, typer.Option("--shard", metavar="I/N", help="Only part I of N, as 3/8.")] = "",
    ray: Annotated[
        int, typer.Option("--ray", metavar="N", min=0, help="Run N shards on a Ray cluster (archcalc[ray]).")
    ] = 0,
    output: Kept = None,
    wide: options.Wide = False,
) -> None:
    """Measure pairs over batch, channels, grid, precision and layout: where is the saving realized?

    What the record has is skipped, so that an interrupted sweep goes on by the same command.
    """
    from archcalc.bench import work
    from archcalc.bench.runner import plan

    names = list(networks or [n for pair in plan.FACTORIZATIONS for n in pair])
    if len(names) % 2:
        raise ArchcalcError("a sweep takes pairs: old new, old new", "`archcalc sweep 5x5 3x3-3x3`")
    if shard and ray:
        raise ArchcalcError("`--shard` and `--ray` exclude one another", "Ray deals the shards by itself")
    chosen = measuring.choose(names, None)
    pairs = tuple(dict.fromkeys(zip(chosen.names[::2], chosen.names[1::2], strict=True)))
    batches = measuring.numbers(batch, "batch")
    where = measuring.conditions(device, batches, precision, mode, layout, fuse, heap, caches)
    axes = {
        "width": [str(n) for n in measuring.numbers(channels, "number of channels")],
        "grid": [str(n) for n in measuring.numbers(grid, "grid")],
    }
    keys = plan.points(pairs, where, plan.grid(axes))
    path = output or Path(f"archcalc-sweep-{where.device}.json")
    wanted = measuring.Wanted(
        where.device, measuring.preset(quick, thorough), threads, seed, False, shard, minutes, ray
    )
    record = measuring.obtain(keys, chosen.sources, wanted, path)
    _print(record, work.current(record, keys, chosen.sources), wide)
    terminal.note(f"the record is {path}")


def merge(
    records: Annotated[list[str], typer.Argument(metavar="RECORD...", help="Records of one sweep's shards.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The merged record.")],
    force: options.Force = False,
) -> None:
    """Merge the records of a sweep's shards into one."""
    from archcalc.bench.records import shards, storage

    files.refuse(output, force)
    merged = shards.merge([storage.load(name) for name in records])
    storage.save(merged, output)
    terminal.note(f"wrote {output}: {len(merged.points)} points of {len(merged.sessions)} sessions")


def _print(record: Record, points: Sequence[Point], wide: bool) -> None:
    """What was measured, to the terminal; the record holds it in full."""
    from archcalc.views.records import tables

    options.emit_all(tables(record, points), dict, RICH, None, False, wide)
