"""The README's tutorial, followed as a new user would: its file is saved, its commands are typed in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIVE_MINUTES = 300.0


def tutorial() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^## Tutorial: from a table to a report\n(.*?)^## Development", text, re.M | re.S)
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_the_tutorial_leads_to_a_report(tmp_path: Path) -> None:
    text = tutorial()
    saved = re.search(r"Save it as `([\w.-]+)`:\n\n````markdown\n(.*?)````\n", text, re.S)
    assert saved is not None
    (tmp_path / saved[1]).write_text(saved[2], encoding="utf-8")
    rest = text[saved.end() :]
    commands = [line for block in re.findall(r"```sh\n(.*?)```", rest, re.S) for line in block.splitlines()]
    assert [shlex.split(c)[1] for c in commands] == ["table", "audit", "verify", "measure", "report"]
    begun = time.monotonic()
    printed = {}
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "archcalc"
        done = subprocess.run(
            [sys.executable, "-m", "archcalc", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=FIVE_MINUTES,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        printed[arguments[0]] = done.stdout
    assert time.monotonic() - begun < FIVE_MINUTES
    assert "passed: no difference is unexplained, but 1 of" in " ".join(printed["audit"].split())
    folder = tmp_path / "blinknet-report"
    page = (folder / "blinknet.md").read_text(encoding="utf-8")
    assert "blinknet costs 5.973M MACs and 17.09K params" in page
    assert "It takes " in page
    for figure in ("diagram", "cost-by-row", "agreement", "latency-by-row", "roofline"):
        assert f"(blinknet/{figure}.svg)" in page
        assert (folder / "blinknet" / f"{figure}.svg").stat().st_size > 5_000


@pytest.mark.slow
def test_without_its_footnote_the_audit_fails_as_the_tutorial_says(tmp_path: Path) -> None:
    saved = re.search(r"````markdown\n(.*?)````\n", tutorial(), re.S)
    assert saved is not None
    spec = re.sub(r"^\[\^fire4\]:.*\n", "", saved[1].replace("9.7K[^fire4]", "9.7K"), flags=re.M)
    assert spec != saved[1]
    (tmp_path / "blinknet.md").write_text(spec, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "archcalc", "audit", "blinknet.md"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
