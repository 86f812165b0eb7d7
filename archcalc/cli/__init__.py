"""The command line: reads arguments, writes files, and turns every failure into one clear message.

Exit status: 0 fine, 1 a check failed, 2 bad input or usage, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from archcalc.cli import audit, costs, measure, report

app = typer.Typer(
    name="archcalc",
    help="Read a paper's layer table, build the network, count it exactly, and check what is claimed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# typer carries its own copy of click in some releases and asks for click in others; its BadParameter is a
# UsageError, and that a ClickException, in both.
_Usage: type[Any] = typer.BadParameter.__mro__[2]

app.command("list")(costs.list_networks)
app.command("table")(costs.table)
app.command("compare")(costs.compare)
app.command("verify")(costs.verify)
app.command("show")(costs.show)
app.command("audit")(audit.audit)
app.command("device")(measure.device)
app.command("measure")(measure.measure)
app.command("sweep")(measure.sweep)
app.command("merge")(measure.merge)
app.command("report")(report.report)


def _version(wanted: bool) -> None:
    if wanted:
        from archcalc import __version__

        typer.echo(f"archcalc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of faults in archcalc.")] = False,
) -> None:
    """Costs are exact; every printed header says what is counted."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command line; the exit status. Prints one message for any failure."""
    from archcalc import terminal
    from archcalc.errors import ArchcalcError

    debug = "--debug" in arguments
    # `--debug` is understood wherever it stands, since it is added once something has gone wrong.
    arguments = [a for a in arguments if a != "--debug"]
    try:
        status = app(args=arguments, prog_name="archcalc", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except ArchcalcError as fault:
        if debug:
            raise
        terminal.print_error(fault)
        return 2
    except _Usage as fault:
        fault.show()
        return 2
    except (KeyboardInterrupt, typer.Abort):
        terminal.note("interrupted")
        return 130
    except BrokenPipeError:
        # The reader has gone (`| head`): stay quiet, also when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as fault:
        if debug:
            raise
        terminal.note(f"error: {type(fault).__name__}: {fault}")
        terminal.note(
            "  hint: this is a fault in archcalc; run again with `--debug` and report what it prints"
        )
        return 2
