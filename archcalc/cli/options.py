"""The options that commands share, read once and the same way everywhere."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from archcalc import export, files
from archcalc.cli import terminal
from archcalc.errors import ArchcalcError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archcalc.api import Architecture
    from archcalc.api import Precision as PrecisionName
    from archcalc.document.text import Scalar
    from archcalc.spec.inputs import GivenInput
    from archcalc.views.tables import Table


#: How a table is written: `rich` is the terminal's own form, plain text in a file; others are files of
#: `archcalc.export`.
RICH: Final = "rich"
PLAIN: Final = "plain"
FORMATS: Final = (RICH, *export.names())


def _known_format(name: str) -> str:
    """The format's name. Raises `ArchcalcError` where there is none of that name."""
    if name != RICH:
        export.get(name)
    return name


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A shipped name or alias, a spec's FILE, or FILE#network.")
]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names, aliases or files of specs.")]
Input = Annotated[
    str | None, typer.Option("--input", metavar="SIZE", help="Input size: 3x299x299, or 299 for a square.")
]
Batch = Annotated[int, typer.Option("--batch", min=1, max=1_000_000, help="Images at once.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a variable of the spec.")
]
Precision = Annotated[
    str, typer.Option("--precision", help="fp64, fp32, tf32, bf16, fp16 or int8: bytes of one value.")
]
Heads = Annotated[bool, typer.Option("--heads/--no-heads", help="Count side heads too.")]
Fused = Annotated[bool, typer.Option("--fused", help="Leave out traffic of normalisation and activations.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output file where it exists.")]
Wide = Annotated[bool, typer.Option("--wide", help="Show every column, whatever the width.")]
As = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        metavar=f"[{'|'.join(FORMATS)}]",
        callback=_known_format,
        help="How to write the table.",
    ),
]


def load(name: str, settings: Sequence[str] | None) -> Architecture:
    """The network called `name` with its variables set."""
    from archcalc import api
    from archcalc.spec import library

    return api.assemble(library.find(name), variables(settings))


def variables(settings: Sequence[str] | None) -> dict[str, Scalar]:
    """`name=value` pairs as exact values. Raises `ArchcalcError` for anything else."""
    from archcalc.document.text import number

    values: dict[str, Scalar] = {}
    for text in settings or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ArchcalcError(f"`--set {text}` sets nothing", "write `--set width=64`")
        exact: int | Fraction | None = number(value.strip())
        values[name.strip()] = value.strip() if exact is None else exact
    return values


def size(text: str | None) -> GivenInput | None:
    """`--input` as it is written: a side, or three sizes whose order the network decides."""
    from archcalc.spec import inputs

    if text is None:
        return None
    return inputs.parse_input(text)


def precision(text: str) -> PrecisionName:
    """A precision that archcalc knows."""
    from archcalc import api

    return api.known_precision(text)


def emit(
    table: Table,
    as_json: Callable[[], object],
    how: str,
    output: Path | None,
    force: bool,
    wide: bool = False,
) -> None:
    """Write a result in the format asked for, to a file or to stdout."""
    emit_all((table,), as_json, how, output, force, wide)


def emit_all(
    tables: Sequence[Table],
    as_json: Callable[[], object],
    how: str,
    output: Path | None,
    force: bool,
    wide: bool = False,
) -> None:
    """Write several tables in the format asked for, one after the other; JSON is one object."""
    if how == RICH and output is None:
        for i, table in enumerate(tables):
            if i:
                terminal.print_text("")
            terminal.print_table(table, wide)
        return
    deliver(export.render(PLAIN if how == RICH else how, tables, as_json, wide), output, force)


def deliver(text: str, output: Path | None, force: bool) -> None:
    """Text to a file, or to stdout."""
    if output is None:
        terminal.print_text(text)
        return
    files.write(output, printable(text), force)
    terminal.note(f"wrote {output}")
