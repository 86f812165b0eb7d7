"""Bad documents, each with marks that say where the caret must land and what must be said.

A case of `tests/bad/*.txt` reads

    %% name
    the document
      ^^^^          under its faulty line: where the caret lands
      ::::          under another line: the second place that the error shows, if any
    %% error: the message
    %% also: what is said of the second place
    %% hint: the hint; one that ends in ` ...` is only the beginning

A document that does not begin with front matter gets some, unless its name ends in `[bare]`. A name that
ends in `[start]` has its fault on an empty first line, where no caret can be drawn. `\\u00a0` stands for
that character; a caret's column counts it as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import archcalc
from archcalc import api
from archcalc.document import document
from archcalc.errors import ArchcalcError, SpecError
from archcalc.spec import outline

FOLDER = Path(__file__).parent / "bad"
FRONT = "---\nname: bad\ninput: 32x32x3\n---\n"
TABLE = "| type | n |\n|---|---|\n| a | 3 |\n"
ARCH = "```arch\na -> conv 1x1 {n}\n```\n"
GOOD = FRONT + TABLE + ARCH

Place = tuple[int, int, int]  # line from 1, columns from 0


@dataclass(frozen=True)
class Case:
    """A document and the one error with which it must be refused."""

    name: str
    text: str
    place: Place
    message: str
    hint: str
    second: Place | None
    also: str

    def says(self, hint: str) -> bool:
        """Whether `hint` is the expected one, or begins as expected."""
        if self.hint.endswith(" ..."):
            return hint.startswith(self.hint.removesuffix(" ..."))
        return hint == self.hint


def cases() -> list[Case]:
    """Every case of every file."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        blocks = re.split(r"^%% (?!error:|also:|hint:)", path.read_text("utf-8"), flags=re.MULTILINE)
        found += [_case(path.stem, block) for block in blocks if block.strip()]
    return found


def _case(stem: str, block: str) -> Case:
    block = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), block)
    name, _, rest = block.partition("\n")
    body, *told = re.split(r"^%% (?=error:|also:|hint:)", rest, flags=re.MULTILINE)
    said = {line.partition(":")[0]: line.partition(":")[2].strip("\n").removeprefix(" ") for line in told}
    text = "" if body.startswith("---") or "[bare]" in name else FRONT
    lines = text.split("\n")[:-1]
    places: dict[str, Place] = {}
    for line in body.removesuffix("\n").split("\n"):
        mark = line.strip(" ")
        if mark and set(mark) in ({"^"}, {":"}):
            start = len(line) - len(line.lstrip(" "))
            places[mark[0]] = (len(lines), start, len(line))
        else:
            lines.append(line)
    if "[start]" in name:
        places["^"] = (1, 0, 1)
    return Case(
        f"{stem}: {name}",
        "\n".join(lines).rstrip("\n") + "\n",
        places["^"],
        said["error"].rstrip("\n"),
        said["hint"].rstrip("\n"),
        places.get(":"),
        said.get("also", "").rstrip("\n"),
    )


def build(text: str, file: str = "bad.md") -> list[int]:
    """MACs of every network of a document, with side heads."""
    found = outline.networks(document.parse(text, file))
    return [api.assemble(o, {}).counts(heads=True).total.macs for o in found]


def refused(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        build(text)
    return caught.value


def refused_file(path: Path | str) -> ArchcalcError:
    with pytest.raises(ArchcalcError) as caught:
        archcalc.load(path)
    return caught.value
