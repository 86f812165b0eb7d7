"""stdout and stderr as they are handed over: closed, full, without a reader, or of a poor encoding."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING

from archcalc.errors import ArchcalcError

if TYPE_CHECKING:
    from collections.abc import Iterator


class OutputError(ArchcalcError):
    """stdout cannot be written: the disk is full, or it was closed."""


class _ClosedStream(io.TextIOBase):
    """What stands for a stream that was closed before the start: only writing to it is an error."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")


def prepare() -> None:
    """Make the standard streams safe to use; a character that their encoding lacks is replaced."""
    if sys.stdout is None:
        _point_to_nothing(1)  # or else the next file that is opened takes its place
        sys.stdout = _ClosedStream()
    if sys.stderr is None:
        _point_to_nothing(2)
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (for as long as the process lives)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="replace")


@contextlib.contextmanager
def writing_results() -> Iterator[None]:
    """Write to stdout. A reader that has gone (`| head`) is no fault: what follows is dropped.

    Raises `OutputError` where stdout cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        drop_results()
    except OSError as fault:
        drop_results()
        raise OutputError(f"cannot write to stdout: {fault.strerror or fault}") from None


def flush_results() -> None:
    """Write what is left of the results; raises as `writing_results` does."""
    with writing_results():
        sys.stdout.flush()


def drop_results() -> None:
    """From here on stdout leads nowhere, so that neither a further write nor Python's last flush fails."""
    _drop(sys.stdout, 1)


@contextlib.contextmanager
def writing_remarks() -> Iterator[None]:
    """Write to stderr; where that cannot be written, nobody would read it."""
    try:
        yield
        sys.stderr.flush()
    except (OSError, ValueError):
        _drop(sys.stderr, 2)


def _drop(stream: object, own: int) -> None:
    """Let the file behind a stream lead nowhere, if it is the process's own."""
    try:
        number = stream.fileno()  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return
    if number == own:
        _point_to_nothing(number)


def _point_to_nothing(number: int) -> None:
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
