"""The command line: reads arguments, writes files, and turns every failure into one clear message.

Exit status: 0 fine, 1 a check failed, 2 bad input or usage, 130 interrupted.
"""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Any, Final

import typer

#: Each command's module and function: only the one that is called is imported, since a table should come at
#: once, and measuring or reports need a great deal more.
COMMANDS: Final = {
    "list": ("costs", "list_networks"),
    "table": ("costs", "table"),
    "compare": ("costs", "compare"),
    "verify": ("costs", "verify"),
    "show": ("costs", "show"),
    "audit": ("audit", "audit"),
    "device": ("measure", "device"),
    "measure": ("measure", "measure"),
    "sweep": ("measure", "sweep"),
    "merge": ("measure", "merge"),
    "report": ("report", "report"),
}

# typer carries its own copy of click in some releases and asks for click in others; its BadParameter is a
# UsageError, and that a ClickException, in both.
_Usage: type[Any] = typer.BadParameter.__mro__[2]


def _version(wanted: bool) -> None:
    if wanted:
        from archcalc.version import __version__

        typer.echo(f"archcalc {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of faults in archcalc.")] = False,
) -> None:
    """Costs are exact; every printed header says what is counted."""


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with the commands called `names`."""
    app = typer.Typer(
        name="archcalc",
        help="Read a paper's layer table, build the network, count it exactly, and check what is claimed.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in names:
        module, function = COMMANDS[name]
        app.command(name)(getattr(import_module(f"archcalc.cli.{module}"), function))
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    # ended from outside, measuring must end the processes that it started, as on Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command line; the exit status. Prints one message for any failure."""
    from archcalc.cli import streams, terminal

    debug = "--debug" in arguments
    # `--debug` is understood wherever it stands, since it is added once something has gone wrong.
    arguments = [a for a in arguments if a != "--debug"]
    called = [a for a in arguments[:1] if a in COMMANDS]
    streams.prepare()
    try:
        _refuse_nul(arguments)
        app = application(called or COMMANDS)
        status = app(args=arguments, prog_name="archcalc", standalone_mode=False)
        streams.flush_results()
        return status if isinstance(status, int) else 0
    except _Usage as fault:
        with streams.writing_remarks():
            fault.show()
        return 2
    except (KeyboardInterrupt, typer.Abort):
        terminal.note("interrupted")
        return 130
    except BrokenPipeError:
        streams.drop_results()
        return 0
    except Exception as fault:
        if debug:
            raise
        return _failed(fault, "".join(called))


def _refuse_nul(arguments: list[str]) -> None:
    """Raise `ArchcalcError` for a NUL byte, with which no file's name can be looked up."""
    from archcalc.errors import ArchcalcError

    for argument in arguments:
        if "\0" in argument:
            raise ArchcalcError(f"`{argument}` holds a NUL byte", "no name of a file or network does")


def _failed(fault: Exception, command: str) -> int:
    """Say what went wrong; the exit status."""
    from archcalc.cli import streams, terminal
    from archcalc.errors import ArchcalcError, missing_extra

    if isinstance(fault, ModuleNotFoundError):
        fault = missing_extra(fault, f"`archcalc {command}`") or fault
    if isinstance(fault, ArchcalcError):
        terminal.print_error(fault)
        return 2
    if isinstance(fault, OSError) and fault.filename is None and fault.errno in (errno.ENOSPC, errno.EBADF):
        streams.drop_results()  # the help text, which typer prints by itself
        terminal.note(f"error: cannot write to stdout: {fault.strerror}")
        return 2
    terminal.note(f"error: {type(fault).__name__}: {fault}")
    terminal.note("  hint: this is a fault in archcalc; run again with `--debug` and report what it prints")
    return 2
