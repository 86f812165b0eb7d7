"""`archcalc audit`: what papers claim beside what their tables come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc import export
from archcalc.cli import options
from archcalc.cli.options import RICH, As
from archcalc.errors import ArchcalcError, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archcalc.audit import Audit, Inspection, Paper
    from archcalc.export.lines import Line


def audit(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Names, aliases or files of specs.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Audit every shipped document.")] = False,
    how: As = RICH,
    input: options.Input = None,
    settings: options.Settings = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail too where a difference has no known cause.")
    ] = False,
    output: options.Output = None,
    force: options.Force = False,
) -> None:
    """Check every published figure against the counts; fail where a difference is not explained.

    A difference is explained by a reading that is computed and gives what is printed; a footnote without
    one leaves its cause unknown, which `--strict` fails.

    A document's own name or file audits all of it, the name of one of its networks that network. A
    table that cannot be read is inspected row by row instead. Exit status: 1 where something is wrong.
    """
    from archcalc.audit import Audit, Known, named
    from archcalc.spec import library

    chosen = [str(path) for path in library.paths()] if everything else list(names or ())
    if bool(names) == everything:
        raise ArchcalcError("name what to audit, or ask for `--all`", "`archcalc audit googlenet`")
    shape, values = options.size(input), options.variables(settings)
    if everything and (values or shape is not None):
        raise ArchcalcError("`--all` audits the documents as they are", "name the network to alter")
    known = Known()
    papers: list[Paper] = []
    for name in chosen:
        try:
            papers.append(named.paper(name, values, shape, known))
        except SpecError as fault:
            altered = bool(values) or shape is not None
            inspection = None if altered else named.inspection(name, fault)
            if inspection is None:
                raise
            _deliver_inspection(inspection, how, output, force)
            raise typer.Exit(1) from None
    audits = Audit(tuple(papers))
    _deliver(audits, how, output, force, strict)
    if not audits.passed or (strict and audits.unknown):
        raise typer.Exit(1)


def _deliver(audits: Audit, how: str, output: Path | None, force: bool, strict: bool) -> None:
    from archcalc.cli import terminal
    from archcalc.export.lines.audit import report
    from archcalc.views import audit as views

    if how == RICH:
        lines = report(audits, terminal.width() if output is None else 80, strict)
        _deliver_lines(lines, output, force)
        return
    form = export.get(how)
    tables = [] if form.raw else [views.summary(audits)]
    if not form.typeset:
        tables.append(views.findings(audits, form.raw))
    options.emit_all(tables, lambda: views.as_json(audits, strict), how, output, force, wide=True)


def _deliver_lines(lines: Sequence[Line], output: Path | None, force: bool) -> None:
    from archcalc.cli import terminal

    if output is None:
        terminal.print_lines(lines)
    else:
        options.deliver("".join(f"{line}\n" for line, _ in lines), output, force)


def _deliver_inspection(inspection: Inspection, how: str, output: Path | None, force: bool) -> None:
    from archcalc.cli import terminal
    from archcalc.export.lines.inspection import report
    from archcalc.views import inspection as views

    if how == RICH:
        _deliver_lines(report(inspection, terminal.width() if output is None else 80), output, force)
        return
    options.emit(views.table(inspection), lambda: views.as_json(inspection), how, output, force, wide=True)
