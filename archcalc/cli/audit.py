"""`archcalc audit`: what papers claim beside what their tables come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli import options
from archcalc.cli.options import As, Format
from archcalc.errors import ArchcalcError, SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.audit import Audit, Inspection, Known, Paper
    from archcalc.document.text import Scalar
    from archcalc.ops.table import Shape


def audit(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Names, aliases or files of specs.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Audit every shipped document.")] = False,
    how: As = Format.rich,
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
        found = _audit(name, shape, values, known)
        if isinstance(found, Inspection):
            _deliver_inspection(found, how, output, force)
            raise typer.Exit(1)
        papers.append(found)
    audits = Audit(tuple(papers))
    _deliver(audits, how, output, force, strict)
    if not audits.passed or (strict and audits.unknown):
        raise typer.Exit(1)


def _audit(
    name: str, shape: Shape | int | None, values: Mapping[str, Scalar], known: Known
) -> Paper | Inspection:
    """A whole document, one network of it, or the inspection of a table that cannot be read."""
    from archcalc import audit
    from archcalc.document import document, textfile
    from archcalc.spec import library

    path = Path(name) if library.is_path(name) and "#" not in name else library.family(name)
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
        found = audit.inspect(parsed, fault)
        if found is None:
            raise
        return found
    try:
        return audit.audit(outlines[0].document, outlines, known)
    except SpecError as fault:
        found = audit.inspect(outlines[0].document, fault, outlines)
        if found is None or not found.suspects:
            raise
        return found


def _deliver(audits: Audit, how: Format, output: Path | None, force: bool, strict: bool) -> None:
    from archcalc.audit.conventions import RULE
    from archcalc.cli import terminal
    from archcalc.export import markdown
    from archcalc.views import audit as views
    from archcalc.views.audit_report import report

    if how is Format.rich and output is None:
        terminal.print_lines(report(audits, terminal.width(), strict))
        return
    match how:
        case Format.rich:
            text = "".join(f"{line}\n" for line, _ in report(audits, strict=strict))
        case Format.markdown:
            text = "\n".join(
                (
                    markdown.markdown(views.summary(audits)),
                    RULE,
                    "",
                    markdown.markdown(views.findings(audits)),
                )
            )
        case Format.latex:
            text = markdown.latex(views.summary(audits))
        case Format.csv:
            text = markdown.csv_text(views.findings(audits, raw=True))
        case Format.json:
            text = markdown.json_text(views.as_json(audits, strict))
    options.deliver(text, output, force)


def _deliver_inspection(found: Inspection, how: Format, output: Path | None, force: bool) -> None:
    from archcalc.cli import terminal
    from archcalc.views import inspection as views

    if how is Format.rich:
        lines = views.report(found, terminal.width() if output is None else 80)
        if output is None:
            terminal.print_lines(lines)
        else:
            options.deliver("".join(f"{line}\n" for line, _ in lines), output, force)
        return
    options.emit(views.table(found), lambda: views.as_json(found), how, output, force, wide=True)
