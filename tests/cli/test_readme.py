"""What the README prints is what the commands print. `pytest tests/test_readme.py --overwrite` renews it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from console import archcalc

from archcalc.cli import COMMANDS
from archcalc.cli.options import FORMATS

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"```console\n\$ archcalc (?P<command>[^\n]*)\n(?P<output>.*?)```", re.DOTALL)


def blocks() -> list[re.Match[str]]:
    return list(BLOCK.finditer(README.read_text(encoding="utf-8")))


def shown(command: str) -> str:
    """What a command prints; `| head -n N` is understood, since some outputs are long."""
    command, _, head = command.partition(" | head -n ")
    result = archcalc(*shlex.split(command))
    lines = (result.stdout + result.stderr).splitlines(keepends=True)
    return "".join(lines[: int(head)] if head else lines)


def test_printed_output_is_what_the_commands_print(request: pytest.FixtureRequest) -> None:
    assert len(blocks()) >= 4
    if request.config.getoption("--overwrite"):
        text = README.read_text(encoding="utf-8")
        renewed = BLOCK.sub(
            lambda m: f"```console\n$ archcalc {m['command']}\n{shown(m['command'])}```", text
        )
        README.write_text(renewed, encoding="utf-8")
    for block in blocks():
        assert block["output"] == shown(block["command"]), block["command"]


def test_every_command_is_documented() -> None:
    text = README.read_text(encoding="utf-8")
    assert [n for n in COMMANDS if f"archcalc {n}" not in text] == []


def test_every_format_is_documented() -> None:
    listed = re.search(r"`--format ([a-z|]+)`", README.read_text(encoding="utf-8"))
    assert listed is not None
    assert set(listed[1].split("|")) == set(FORMATS)


def test_python_examples_run() -> None:
    import doctest

    text = README.read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    assert ">>>" in examples
    test = doctest.DocTestParser().get_doctest(examples, {}, "README", str(README), 0)
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert outcome.failed == 0
