"""Run a command of archcalc inside the test process, as a pipe would see it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from archcalc import cli


@dataclass(frozen=True)
class Result:
    status: int
    stdout: str
    stderr: str


def archcalc(*arguments: str) -> Result:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.run(list(arguments))
    return Result(status, out.getvalue(), err.getvalue())
