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
    from collections.abc import Mapping, Sequence

    from archcalc.audit import Audit, Inspection, Known, Paper
    from archcalc.document.text import Scalar
    from archcalc.export.lines import Line
    from archcalc.spec.inputs import GivenInput


def audit(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Names, aliases or files of specs.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Audit every shipped document.")] = False,
    how: As = RICH,
    input: options.Input = None,
    settings: options.Settings = None,
    output: options.Output = None,
    force: options.Force = False,
) -> None:
    """Check every published figure against the counts; fail where a difference is not explained.

    A document's own name or file audits all of it, the name of one of its networks that network. A
    table that cannot be read is inspected row by row instead. Exit status: 1 where something is wrong.
    """
    from archcalc.audit import Audit, Inspection, Known
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
        result = _audit(name, shape, values, known)
        if isinstance(result, Inspection):
            _deliver_inspection(result, how, output, force)
            raise typer.Exit(1)
        papers.append(result)
    audits = Audit(tuple(papers))
    _deliver(audits, how, output, force)
    if not audits.passed:
        raise typer.Exit(1)


def _audit(
    name: str, shape: GivenInput | None, values: Mapping[str, Scalar], known: Known
) -> Paper | Inspection:
    """A whole document, one network of it, or the inspection of a table that cannot be read."""
    from archcalc import audit
    from archcalc.document import document, textfile
    from archcalc.spec import library

    path = library.find_document(name)
    altered = bool(values) or shape is not None
    if path is None or altered:
        network = library.find(name)
        own = str(network.document.front.get("name"))
        if altered or network.name != own:
            outlines = library.networks(Path(network.document.file))
            return audit.audit_network(network, outlines, values, shape)
        path = Path(network.document.file)
    try:
        outlines = library.networks(path)
    except SpecError as fault:
        parsed = document.parse(textfile.read(path), str(path))
        inspection = audit.inspect(parsed, fault)
        if inspection is None:
            raise
        return inspection
    try:
        return audit.audit(outlines[0].document, outlines, known)
    except SpecError as fault:
        inspection = audit.inspect(outlines[0].document, fault, outlines)
        if inspection is None or not inspection.suspects:
            raise
        return inspection


def _deliver(audits: Audit, how: str, output: Path | None, force: bool) -> None:
    from archcalc.cli import terminal
    from archcalc.export.lines.audit import report
    from archcalc.views import audit as views

    if how == RICH:
        _deliver_lines(report(audits, terminal.width() if output is None else 80), output, force)
        return
    form = export.get(how)
    tables = [] if form.raw else [views.summary(audits)]
    if not form.typeset:
        tables.append(views.findings(audits, form.raw))
    options.emit_all(tables, lambda: views.as_json(audits), how, output, force, wide=True)


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
