"""stdout and stderr closed, full, or without a reader: one line, and the right status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line of bash in which `archcalc` is this checkout's."""
    call = command.replace("archcalc", f"{sys.executable} -m archcalc")
    return subprocess.run(
        ["bash", "-c", call],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def one_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


COMMANDS = ["table v1", "list -f json", "audit lenet", "compare v1 v3 -f csv", "show lenet --as graph"]


@needs_full
@pytest.mark.parametrize("command", [*COMMANDS, "--help", "table --help", "--version"])
def test_a_full_disk(command: str) -> None:
    done = shell(f"archcalc {command} > /dev/full")
    assert done.returncode == 2
    assert one_line(done.stderr) == "error: cannot write to stdout: No space left on device"


@pytest.mark.parametrize("command", [*COMMANDS, "--help"])
def test_stdout_closed(command: str) -> None:
    done = shell(f"archcalc {command} >&-")
    assert done.returncode == 2
    assert one_line(done.stderr) == "error: cannot write to stdout: it is closed"


def test_a_file_is_written_though_stdout_is_closed(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    done = shell(f"archcalc table v1 -f csv -o {target} >&-")
    assert (done.returncode, one_line(done.stderr)) == (0, f"wrote {target}")
    assert target.read_text().startswith("row,")


@pytest.mark.parametrize("to", ["2>&-", pytest.param("2>/dev/full", marks=needs_full)])
@pytest.mark.parametrize(
    ("command", "status"), [("table v1", 0), ("table nosuch", 2), ("nosuch", 2), ("table", 2)]
)
def test_stderr_gone(to: str, command: str, status: int) -> None:
    done = shell(f"archcalc {command} {to}")
    assert done.returncode == status
    assert ("inception (3a)" in done.stdout) == (status == 0)


def test_both_closed() -> None:
    assert shell("archcalc table nosuch >&- 2>&-").returncode == 2
    assert shell("archcalc audit lenet >&- 2>&-").returncode == 2


BROKEN = """---
name: broken-promise
input: 8x8x3
---
| layer | c | params |
|---|---|---|
| conv | 4 | 999 |

```arch
params : {} = weights
conv -> conv 3x3 {c} same
```
"""


@pytest.mark.parametrize("reader", ["true", "head -n 1"])
def test_a_reader_that_has_gone_changes_no_status(reader: str, tmp_path: Path) -> None:
    """A check that failed has failed, whoever reads on: CI asks for the status with `pipefail`."""
    path = tmp_path / "broken-promise.md"
    path.write_text(BROKEN)
    failing = shell(f"set -o pipefail; sleep 0; archcalc audit {path} | {reader}")
    assert (failing.returncode, failing.stderr) == (1, "")
    fine = shell(f"set -o pipefail; archcalc list -f json | {reader}")
    assert (fine.returncode, fine.stderr) == (0, "")


def test_an_encoding_without_the_character() -> None:
    done = shell("archcalc audit googlenet", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
