"""`archcalc report`: pages of findings, figures and tables, written into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    topics: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC...]",
            help="audit, architectures, factorization, compare A B ..., or a network's NAME; none for all.",
        ),
    ] = None,
    record: Annotated[
        list[str] | None,
        typer.Option("--record", metavar="FILE", help="Saved measurements, or a shipped record's name."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write into.")
    ] = Path("reports"),
    png: Annotated[bool, typer.Option("--png", help="Also write figures as PNG.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that archcalc did not make.")] = False,
) -> None:
    """Write reports: findings in sentences, figures, tables, method and environment.

    Without --record the shipped records are used. The same inputs give the same bytes on any machine.
    """
    from archcalc import units
    from archcalc.cli import terminal
    from archcalc.errors import requires
    from archcalc.report import folder

    requires("matplotlib", purpose="`archcalc report`")
    for path, page in folder.write_report(topics or (), output, record, png, force):
        contents = ""
        if page is not None:
            figures = units.quantity(len(page.figures), "figure")
            contents = f": {figures}, {units.quantity(len(page.sheets), 'table')}"
        terminal.note(f"wrote {path}{contents}")
