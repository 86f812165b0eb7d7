"""A printed size that the network does not give is marked in its table, as the audit would."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from console import archcalc

import archcalc as package
from archcalc.metrics import METRICS
from archcalc.views import sizes

DOCUMENT = """---
name: sizes
input: 32x32x3
---
| layer | k | s | c | output |
|---|---|---|---|---|
| conv | 3x3 | 2 | 8 | {first} |
| pool | 2x2 | 2 | | {second} |
| linear | | | 10 | 1x1x10 |

```arch
output : {{h}}x{{w}}x{{c}} = output
default conv : same

conv   -> conv {{k}}/{{s}} {{c}}
pool   -> maxpool {{k}}/{{s}}
linear -> linear {{c}}
```
"""


def document(folder: Path, first: str = "16x16x8", second: str = "8x8x8") -> str:
    path = folder / "sizes.md"
    path.write_text(DOCUMENT.format(first=first, second=second))
    return str(path)


def test_a_right_table_has_no_marks(tmp_path: Path) -> None:
    printed = archcalc("table", document(tmp_path)).stdout
    assert "paper: size" not in printed
    assert "Not as printed" not in printed


def test_a_wrong_size_stands_beside_the_computed_one(tmp_path: Path) -> None:
    path = document(tmp_path, first="15x15x8")
    result = archcalc("table", path)
    assert result.status == 0
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("conv")]
    assert row.split()[:3] == ["conv", "8x16x16", "15x15x8"]
    assert "Not as printed: conv gives 16x16x8, not 15x15x8 (`output`)." in result.stdout
    assert "pool gives" not in result.stdout


def test_every_format_has_it(tmp_path: Path) -> None:
    path = document(tmp_path, second="7x7x8")
    assert json.loads(archcalc("table", path, "-f", "json").stdout)["wrong_sizes"] == [
        {"row": "pool", "column": "output", "printed": "7x7x8", "computed": "8x8x8"}
    ]
    rows = list(csv.DictReader(io.StringIO(archcalc("table", path, "-f", "csv").stdout)))
    assert [row["printed_size"] for row in rows] == ["", "7x7x8", ""]
    for name in ("markdown", "html", "latex", "plain"):
        assert "7x7x8" in archcalc("table", path, "-f", name).stdout
    expanded = archcalc("table", path, "--expand").stdout
    (row,) = [line for line in expanded.splitlines() if line.startswith("pool ")]
    assert "7x7x8" in row


def test_a_network_that_was_altered_is_not_accused(tmp_path: Path) -> None:
    path = document(tmp_path, first="15x15x8")
    assert "Not as printed" not in archcalc("table", path, "--input", "64").stdout
    assert json.loads(archcalc("table", path, "--input", "64", "-f", "json").stdout)["wrong_sizes"] == []


@pytest.mark.parametrize("name", package.networks())
def test_shipped_tables_agree_with_the_audit(name: str) -> None:
    """Every shipped network: what `table` marks is what `audit` calls different, and nothing else."""
    network = package.load(name)
    counted = network.counts()
    marked = {(size.label, size.printed) for size in sizes.wrong(network.spec, counted)}
    try:
        (paper,) = package.audit(network).papers
    except package.ArchcalcError:
        assert not marked  # nothing is claimed of it
        return
    cells = (f for f in paper.findings if f.kind == "cell" and f.compared)
    shapes = (f for f in cells if METRICS[f.metric].kind == "shape")
    assert marked == {(f.row, f.published) for f in shapes if str(f.verdict) == "differs"}
