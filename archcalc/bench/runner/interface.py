"""Measuring from Python: one network, or two against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.bench.runner import plan, session
from archcalc.errors import ArchcalcError

if TYPE_CHECKING:
    from archcalc.api import Architecture
    from archcalc.bench.records.record import Record


def measure(
    old: Architecture,
    new: Architecture | None = None,
    *,
    device: str = "cpu",
    batch: int = 1,
    precision: str | None = None,
    mode: str = "eager",
    layout: str | None = None,
    preset: str = "default",
    threads: int = 0,
) -> Record:
    """A record with one point: `old` alone, or `new` against it.

    Raises `ArchcalcError` where the device is missing, or a network was not read from a file: the measuring
    processes read it anew. Both must have the same variables set.
    """
    networks = (old,) if new is None else (old, new)
    settings = {name: str(value) for name, value in old.spec.settings.items()}
    sources = {}
    for each in networks:
        file = Path(each.spec.document.file)
        if not file.is_file():
            raise ArchcalcError(f"`{each.name}` was not read from a file", "save its spec and load that")
        if {name: str(value) for name, value in each.spec.settings.items()} != settings:
            raise ArchcalcError("the two networks have different variables set", "set the same in both")
        sources[each.name] = f"{file.resolve()}#{each.name}"
    where = plan.conditions(
        device, (batch,), (precision,) if precision else (), (mode,), (layout,) if layout else ()
    )
    keys = plan.points([tuple(n.name for n in networks)], where, [settings])
    return session.measure(session.Job(keys, sources, device, plan.protocol(preset, device), threads=threads))
