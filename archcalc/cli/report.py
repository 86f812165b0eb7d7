"""`archcalc report`: pages of findings, figures and tables, written into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archcalc.report.build import ReportRequest


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
    force: Annotated[bool, typer.Option("--force", help="Replace pages that archcalc did not make.")] = False,
) -> None:
    """Write reports: findings in sentences, figures, tables, method and environment.

    Without --record the shipped records are used. The same inputs give the same bytes on any machine.
    """
    from archcalc.bench.records import shipped as records
    from archcalc.cli import terminal
    from archcalc.report import build, evidence, page, words

    asked = build.requests(topics or ()) or build.everything()
    names = record if record is not None else list(records.shipped())
    found = evidence.load(names, _own(asked))
    made = []
    for one in build.pages(asked, found):
        _write(output, one.file, page.files(one, png), force)
        made.append(one)
        what = f"{words.count(len(one.figures), 'figure')}, {words.count(len(one.sheets), 'table')}"
        terminal.note(f"wrote {output / one.file}: {what}")
    if not topics:
        _write(output, "README.md", build.index(made, found), force)
        terminal.note(f"wrote {output / 'README.md'}")


def _own(asked: Sequence[ReportRequest]) -> dict[str, str]:
    """The files of specs that are not shipped, by the names of their networks."""
    from archcalc.spec import library

    names = [name for request in asked for name in request.names]
    return {library.find(name).name: name for name in names if library.is_path(name)}


def _write(folder: Path, main: str, made: Mapping[str, str | bytes], force: bool) -> None:
    """Write a page's files. Its folder is its own; the page is replaced only where archcalc made it."""
    from archcalc import files
    from archcalc.errors import ArchcalcError
    from archcalc.report.page import MARK

    page = folder / main
    if page.is_file() and not force and MARK not in page.read_text(encoding="utf-8", errors="replace"):
        raise ArchcalcError(
            f"`{page}` exists and was not made by `archcalc report`",
            "give another folder with `--output`, or replace it with `--force`",
        )
    # The page comes last: until then the old one stands, with its mark.
    for name in sorted(made, key=lambda n: (n == main, n)):
        files.write(folder / name, made[name], force=True)
