"""Command lines put together at random, seeded: an answer or one clear message, never a fault of archcalc."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from console import archcalc

from archcalc.bench.runner import pool
from archcalc.errors import ArchcalcError

COMMANDS = (
    "list", "table", "compare", "verify", "show", "audit", "device", "measure", "sweep", "merge",
    "report", "tabel", "", "--help", "--version", "-h",
)  # fmt: skip
NAMES = (
    "lenet", "lenet-5", "v1", "5x5", "3x3-3x3", "nosuch", "", " ", ".", "..", "/", "x.md", "#",
    "lenet#", "#lenet", "lenet-5#lenet-5", "-", "--", "\0", "\x1b[31m", "ü", "漢字", "a" * 300, "*", "~",
    "http://x/y.md", "/dev/null", "/dev/zero", "lenet\n", "compare", "audit", "all",
)  # fmt: skip
OPTIONS = (
    "--input", "--batch", "--set", "--precision", "--heads", "--no-heads", "--fused", "--output", "-o",
    "--force", "--wide", "--format", "-f", "--expand", "--record", "--device", "--mode", "--layout",
    "--fuse", "--heap", "--caches", "--quick", "--thorough", "--threads", "--seed", "--minutes", "--pair",
    "--rows", "--channels", "--grid", "--shard", "--ray", "--all", "--as", "--png",
    "--debugg", "-x", "--", "---",
)  # fmt: skip
VALUES = (
    "0", "1", "-1", "2", "1.5", "1e3", "1e999", "nan", "inf", "-inf", "", " ", "x", "224", "3x224x224",
    "224x224x3", "3x0x3", "1x1", "9" * 50, "32x32x32", "a=1", "width=2", "width=", "=2", "width=1/3",
    "width=1/0", "width=nan", "fp32", "bf16", "tf32", "fp31", "cpu", "gpu", "cuda", "json", "csv",
    "html", "latex", "markdown", "plain", "rich", "yaml", "module", "graph", "source", "eager",
    "compile", "nchw", "1,2", "1,,2", ",", "3/8", "0/0", "9/3", "\0", "\x1b[2J", "ü", "/dev/full",
    "/dev/null", "/", ".", "..", "no/such/record.json",
)  # fmt: skip


#: Lines that are right, to be damaged a little: of such, many get past the parser of options.
RIGHT = (
    "table lenet", "table v1 --batch 4 --precision bf16 --heads", "table lenet --input 28 --format json",
    "table mobilenet-v2 --set width=1.4 --expand", "table v1 --fused --wide -f csv", "compare 5x5 3x3-3x3",
    "compare v1 lenet --format markdown", "compare 5x5 3x3-3x3 --record cpu --set width=64",
    "compare 5x5 3x3 --input 14 --batch 2 -f latex", "show lenet --as graph", "audit lenet -f html",
    "audit lenet --output audit.txt", "table lenet -o table.csv -f csv --force", "table 3x3 --set width=8",
    "measure lenet --quick --minutes 1", "sweep 5x5 3x3-3x3 --channels 16,64 --shard 1/2",
    "verify lenet --batch 2", "merge a.json b.json -o c.json", "report compare v1 v3 --output pages",
    "device --device cpu --mode eager",
)  # fmt: skip


def line(chance: random.Random) -> list[str]:
    return damaged(chance) if chance.random() < 0.8 else heap(chance)


def damaged(chance: random.Random) -> list[str]:
    """A right line with up to two words replaced, left out, doubled or put in."""
    words = chance.choice(RIGHT).split()
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(words) + 1)
        other = chance.choice(chance.choice((NAMES, OPTIONS, VALUES, VALUES)))
        words[at : at + chance.randrange(2)] = chance.choice(([other], [], words[at : at + 1] * 2))
    return words


def heap(chance: random.Random) -> list[str]:
    """Words of all kinds in any order."""
    words = [chance.choice(COMMANDS)]
    for _ in range(chance.randrange(6)):
        kind = chance.random()
        if kind < 0.4:
            words.append(chance.choice(NAMES))
        elif kind < 0.75:
            words += [chance.choice(OPTIONS), chance.choice(VALUES)]
        elif kind < 0.9:
            words.append(f"{chance.choice(OPTIONS)}={chance.choice(VALUES)}")
        else:
            words.append(chance.choice(VALUES))
    if chance.random() < 0.1:
        chance.shuffle(words)
    return words


class _NoMeasuringError(ArchcalcError):
    """Stands for the measuring processes, which no random command line may start."""


@pytest.fixture(autouse=True)
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, no measuring processes, and no building of networks (it takes seconds)."""

    def refuse(*_: object, **__: object) -> None:
        raise _NoMeasuringError("not here")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "start", refuse)
    monkeypatch.setattr("archcalc.bench.runner.session.ceilings", refuse)
    monkeypatch.setattr("archcalc.bench.runner.cluster.measure", refuse)
    monkeypatch.setattr("archcalc.api.Architecture.verify", refuse)
    monkeypatch.setattr("archcalc.views.structure.module", refuse)
    monkeypatch.setattr("archcalc.views.structure.source", refuse)
    monkeypatch.setattr("archcalc.report.folder.write_report", refuse)


def check(words: list[str]) -> int:
    result = archcalc(*words)
    assert result.status in (0, 1, 2), words
    assert "fault in archcalc" not in result.stderr, (words, result.stderr)
    assert "Traceback" not in result.stderr, words
    assert "\x1b" not in result.stdout + result.stderr, words
    if result.status == 2:
        assert result.stderr.strip(), words
    return result.status


@pytest.mark.parametrize("seed", range(3))
def test_random_command_lines(seed: int) -> None:
    chance = random.Random(seed)
    outcomes = [check(line(chance)) for _ in range(100)]
    assert outcomes.count(0) >= 20  # many get past the parser
    assert outcomes.count(2) >= 25


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_more_random_command_lines(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(1000):
        check(line(chance))
