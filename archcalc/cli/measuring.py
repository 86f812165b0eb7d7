"""What the measuring commands share: their options, and how a record is begun, resumed and kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli import options, terminal
from archcalc.errors import ArchcalcError, requires

if TYPE_CHECKING:
    from archcalc.audit.findings import Finding
    from archcalc.bench.records.record import Key, Point, Record
    from archcalc.bench.runner.plan import Conditions


def _finite(minutes: float | None) -> float | None:
    """A number of minutes. Raises `ArchcalcError` for `nan` and `inf`."""
    if minutes is not None and not math.isfinite(minutes):
        raise ArchcalcError(f"`--minutes {minutes}` is no time", "write a number, as `--minutes 8`")
    return minutes


Device = Annotated[str | None, typer.Option("--device", help="Measure on cpu or cuda.")]
Batches = Annotated[str, typer.Option("--batch", metavar="N,N", help="Images at once; several by commas.")]
Precisions = Annotated[
    str | None,
    typer.Option("--precision", metavar="P,P", help="fp32-ieee, tf32, bf16, fp16 (fp32: CPU only)."),
]
Modes = Annotated[str | None, typer.Option("--mode", metavar="M,M", help="eager, graph (CUDA), compile.")]
Layouts = Annotated[
    str | None, typer.Option("--layout", metavar="L,L", help="nchw or nhwc; default nhwc on CUDA.")
]
Fuse = Annotated[bool, typer.Option("--fuse", help="Fold batch normalisation, as when deployed.")]
Heap = Annotated[
    str, typer.Option("--heap", help="steady or default: how measuring processes manage their memory.")
]
Caches = Annotated[
    str | None,
    typer.Option("--caches", help="cold: inputs rotate through more than the last cache; warm: one input."),
]
Quick = Annotated[bool, typer.Option("--quick", help="One process, fewest rounds.")]
Thorough = Annotated[bool, typer.Option("--thorough", help="Five processes, more rounds.")]
Threads = Annotated[int, typer.Option("--threads", min=0, help="CPU threads; 0: as torch chooses.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of weights, inputs and orders.")]
Saved = Annotated[
    str | None,
    typer.Option("--record", metavar="FILE", help="A saved record: a file, or a shipped one's name."),
]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=0, callback=_finite, help="Begin no further point after so long."),
]


def listed(text: str | None) -> tuple[str, ...]:
    """`1,32` as its parts, each once."""
    return tuple(dict.fromkeys(p.strip() for p in (text or "").split(",") if p.strip()))


def numbers(text: str, what: str) -> tuple[int, ...]:
    """`1,32,256` as numbers; anything else is an error."""
    parts = listed(text)
    if not parts or not all(p.isdecimal() and 0 < int(p) <= 1_000_000 for p in parts):
        raise ArchcalcError(f"`{text}` is no {what}", "write numbers with commas, as `1,32,256`")
    return tuple(int(p) for p in parts)


def preset(quick: bool, thorough: bool) -> str:
    """The name of the protocol that was asked for."""
    if quick and thorough:
        raise ArchcalcError("`--quick` and `--thorough` exclude one another", "leave one of them out")
    return "quick" if quick else "thorough" if thorough else "default"


@dataclass(frozen=True)
class Chosen:
    """Networks by their own names, where their specs come from, and the variables that were set."""

    names: tuple[str, ...]
    sources: Mapping[str, str]
    variables: Mapping[str, str]

    def pairs(self) -> tuple[tuple[str, ...], ...]:
        """Each further network against the first."""
        return tuple((self.names[0], name) for name in self.names[1:])


def choose(names: Sequence[str], settings: Sequence[str] | None, input: str | None = None) -> Chosen:
    """The networks called `names`. Raises `ArchcalcError` where two different ones share a name."""
    from archcalc.spec import library

    sources: dict[str, str] = {}
    chosen = []
    for typed in names:
        name = options.load(typed, settings).name
        source = _source(typed)
        if library.is_path(typed) and sources.setdefault(name, source) != source:
            raise ArchcalcError(f"two networks are called `{name}`", "rename one in its spec")
        sources.setdefault(name, source)
        chosen.append(name)
    parts = (text.partition("=") for text in settings or ())
    variables = {n.strip(): v.strip() for n, _, v in parts}
    if input is not None:
        options.size(input)  # a fault in it is raised here
        variables["input"] = input
    return Chosen(tuple(chosen), sources, variables)


def _source(typed: str) -> str:
    """A name as another process finds it, whatever its working folder."""
    from archcalc.spec import library

    if not library.is_path(typed):
        return typed
    file, network = library.address(typed)
    return f"{file.resolve()}#{network}" if network else str(file.resolve())


def conditions(
    device: str,
    batches: Sequence[int],
    precision: str | None,
    mode: str | None,
    layout: str | None,
    fuse: bool,
    heap: str = "steady",
    caches: str | None = None,
) -> Conditions:
    """The axes that the options span."""
    from archcalc.bench.runner import plan

    axes = listed(precision), listed(mode), listed(layout)
    return plan.conditions(device, batches, *axes, fuse, heap, caches or "")


@dataclass(frozen=True)
class Wanted:
    """How to measure: the options that do not say what."""

    device: str
    preset: str = "default"
    threads: int = 0
    seed: int = 0
    rows: bool = False
    shard: str = ""
    minutes: float | None = None
    workers: int = 0


def obtain(keys: Sequence[Key], sources: Mapping[str, str], wanted: Wanted, path: Path | None) -> Record:
    """The record with `keys` measured, resumed from and kept in `path` where there is one.

    Every finished point is saved at once. On Ctrl-C says what is kept, and lets it through.
    """
    from archcalc.bench import work
    from archcalc.bench.records import shards
    from archcalc.bench.records.recordfile import RecordFile
    from archcalc.bench.runner import cluster, plan, session

    kept = RecordFile(path) if path is not None else None
    before = kept.record if kept is not None else None
    if wanted.shard:
        keys = shards.parse_shard(wanted.shard).select(keys)
    job = session.Job(
        keys=tuple(keys),
        sources=sources,
        device=wanted.device,
        protocol=plan.protocol(wanted.preset, wanted.device),
        seed=wanted.seed,
        threads=wanted.threads,
        rows=wanted.rows,
        command=("archcalc", *sys.argv[1:]),
        shard=wanted.shard,
        seconds=None if wanted.minutes is None else 60 * wanted.minutes,
    )
    belongs = work.Fingerprints(sources).belongs
    todo = shards.remaining(job.keys, before, rows=wanted.rows, belongs=belongs)
    if before is not None and len(todo) < len(job.keys):
        terminal.note(f"{path}: {len(job.keys) - len(todo)} of {len(job.keys)} points are there already")

    if todo and not wanted.workers:
        requires("torch", purpose="measuring")

    def save(record: Record) -> Record | None:
        return kept.save(record) if kept is not None else None

    measure: Callable[..., Record] = session.measure
    try:
        with terminal.ProgressBar() as progress:
            if wanted.workers:
                return cluster.measure(job, wanted.workers, before, save, progress)
            return measure(job, before, save, progress)
    except KeyboardInterrupt:
        _kept(path)
        raise


def _kept(path: Path | None) -> None:
    """After Ctrl-C: where the finished points are."""
    if path is None:
        terminal.note("nothing is kept, since no file was named: `--record FILE` keeps each finished point")
    elif path.exists():
        terminal.note(f"finished points are kept in {path}; the same command goes on from there")


Axes = tuple[str, str | None, str | None, str | None, bool]  # batch, precision, mode, layout, fuse


def pairs(chosen: Chosen, wanted: Wanted, axes: Axes, name: str | None) -> tuple[Record, tuple[Point, ...]]:
    """The record and its points for each further network against the first: measured, or read.

    Without a device the record called `name` is read, and every axis left out stands for all that it holds.
    """
    from archcalc.bench import shipped as records
    from archcalc.bench import work
    from archcalc.bench.runner import plan

    batch, precision, mode, layout, fuse = axes
    if wanted.device:
        where = conditions(wanted.device, numbers(batch, "batch"), precision, mode, layout, fuse)
        keys = plan.points(chosen.pairs(), where, [chosen.variables])
        record = obtain(keys, chosen.sources, wanted, Path(name) if name else None)
        return record, work.current(record, keys, chosen.sources)
    assert name is not None
    record = records.load(name, chosen.sources)
    return record, held(record, chosen, axes)


def held(record: Record, chosen: Chosen, axes: Axes) -> tuple[Point, ...]:
    """The record's points for these pairs and conditions. Raises `ArchcalcError` where it has none."""
    batch, precision, mode, layout, fuse = axes
    precisions = {"fp32-ieee" if p == "fp32" else p for p in listed(precision)}
    batches = set(numbers(batch, "batch")) if batch != "1" else set()
    points = [
        point
        for point in record.points
        if (key := point.key).networks in set(chosen.pairs())
        and (not batches or key.batch in batches)
        and (not precisions or key.precision in precisions)
        and (not mode or key.mode in listed(mode))
        and (not layout or key.layout in listed(layout))
        and (not fuse or key.fused)
        and set(chosen.variables.items()) <= set(key.variables)
    ]
    if not points:
        there = dict.fromkeys(" ".join(p.key.networks) for p in record.points if len(p.key.networks) == 2)
        names = " or ".join(" ".join(pair) for pair in chosen.pairs())
        raise ArchcalcError(
            f"the record holds no measurement of {names} under these conditions",
            "it holds the pairs: " + ("; ".join(there) or "none"),
        )
    return tuple(points)


def claims(chosen: Chosen) -> tuple[Finding, ...]:
    """What the specs of these networks claim about a pair of them, with what comes out."""
    from archcalc.audit import sentences as audited
    from archcalc.audit.figures import Known, Ledger
    from archcalc.audit.readings import Footnotes
    from archcalc.spec import claims as sentences
    from archcalc.spec import library

    known = Known()
    names = {name: chosen.names.index(name) for name in chosen.names}
    outlines = {name: library.find(source) for name, source in chosen.sources.items()}
    for name, outline in outlines.items():
        names |= dict.fromkeys(outline.aliases, names[name])
    documents = {outline.document.file: outline.document for outline in outlines.values()}
    findings: list[Finding] = []
    for file, document in documents.items():
        ledger = Ledger(document, library.networks(Path(file)), known=known)
        for finding in audited.audit(ledger, sentences.read(document), Footnotes(ledger))[0]:
            about = {names[n] for n in finding.networks if n in names}
            if 0 in about and len(about) > 1:
                findings.append(finding)
    return tuple(findings)
