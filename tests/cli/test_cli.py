"""Commands as a user types them: statuses, streams, formats, files."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from console import archcalc

TINY = """---
name: tiny
input: 8x8x3
---
| type | k | c |
|---|---|---|
| conv | 3x3 | 4 |

```arch
conv -> conv {k} {c} same
```
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.md"
    path.write_text(TINY)
    return path


def test_json_is_the_contract() -> None:
    found = json.loads(archcalc("table", "googlenet", "--format", "json").stdout)
    assert found["schema"] == 2
    assert (found["name"], found["input"], found["batch"]) == ("googlenet", [3, 224, 224], 1)
    row = next(r for r in found["rows"] if r["row"] == "inception (3a)")
    assert row["type"] == "inception"
    assert row["output"] == [256, 28, 28]
    assert (row["depth"], row["weights"], row["params"], row["macs"]) == (2, 163328, 163696, 128049152)
    assert (row["published"]["params"], row["published"]["ops"]) == ("159K", "128M")
    total = found["total"]
    assert (total["params"], total["macs"], total["depth"]) == (6998552, 1582671872, 22)
    assert total["flops"] == 2 * total["macs"]


@pytest.mark.parametrize("metric", ["weights", "params", "macs", "flops", "activations", "traffic"])
@pytest.mark.parametrize("options", [[], ["--heads"], ["--batch", "4", "--expand"]])
def test_rows_sum_to_the_total(metric: str, options: list[str]) -> None:
    found = json.loads(archcalc("table", "v1", "--format", "json", *options).stdout)
    assert sum(row[metric] for row in found["rows"]) == found["total"][metric]
    for row in found["rows"]:
        if "nodes" in row:
            assert sum(layer[metric] for layer in row["nodes"]) == row[metric]


def test_csv_holds_raw_integers() -> None:
    rows = list(csv.DictReader(io.StringIO(archcalc("table", "v1", "--format", "csv").stdout)))
    assert len(rows) == 19
    assert sum(int(row["macs"]) for row in rows) == 1582671872
    assert sum(int(row["params"]) for row in rows) == 6998552


def test_every_format_has_every_row() -> None:
    for how in ("rich", "markdown", "csv", "latex", "json"):
        assert archcalc("table", "v1", "--format", how).stdout.count("inception (") >= 9, how


def test_batch_scales_what_it_should() -> None:
    one = json.loads(archcalc("table", "v1", "-f", "json").stdout)["total"]
    four = json.loads(archcalc("table", "v1", "-f", "json", "--batch", "4").stdout)["total"]
    assert four["macs"] == 4 * one["macs"]
    assert four["activations"] == 4 * one["activations"]
    assert four["peak"] == 4 * one["peak"]
    assert four["params"] == one["params"]
    assert one["traffic"] < four["traffic"] < 4 * one["traffic"]  # weights are read once for all images


def test_precision_halves_bytes() -> None:
    full = json.loads(archcalc("table", "v1", "-f", "json").stdout)["total"]
    half = json.loads(archcalc("table", "v1", "-f", "json", "--precision", "bf16").stdout)["total"]
    assert full["traffic"] == 2 * half["traffic"]
    assert full["peak"] == 2 * half["peak"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table", "inceptoin-v3"], "did you mean `inception-v3`"),
        (["table", "no/such/file.md"], "there is no file"),
        (["table", "."], "is a folder"),
        (["table", "v1", "--set", "depth=2"], "has no variable `depth`"),
        (["table", "v1", "--set", "depth"], "sets nothing"),
        (["table", "v1", "--input", "0"], "not an input size"),
        (["table", "v1", "--input", "3x2"], "not an input size"),
        (["table", "vgg-16", "--input", "20"], "does not fit"),
        (["table", "v1", "--precision", "fp31"], "did you mean"),
        (["table", "v1", "--batch", "0"], "--batch"),
        (["table", "v1", "--format", "yaml"], "--format"),
        (["table"], "NAME"),
        (["compare", "v1"], "needs two networks"),
        (["tabel", "v1"], "No such command"),
        (["table", "resnet"], "resnet-50"),
    ],
)
def test_bad_usage_is_told_once_on_stderr(arguments: list[str], said: str) -> None:
    result = archcalc(*arguments)
    assert result.status == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_fault_of_archcalc_itself_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("archcalc.views.costs.costs", broken)
    result = archcalc("table", "v1")
    assert result.status == 2
    assert "RuntimeError: boom" in result.stderr
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    with pytest.raises(RuntimeError, match="boom"):
        archcalc("table", "v1", "--debug")


def test_output_is_written_whole_and_never_over_a_file(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "tiny.json"
    first = archcalc("table", str(tiny), "--format", "json", "--output", str(target))
    assert (first.status, first.stdout) == (0, "")
    assert json.loads(target.read_text())["name"] == "tiny"
    target.write_text("mine")
    refused = archcalc("table", str(tiny), "--output", str(target))
    assert refused.status == 2
    assert "exists" in refused.stderr
    assert target.read_text() == "mine"
    assert archcalc("table", str(tiny), "--output", str(target), "--force").status == 0
    assert target.read_text() != "mine"
    assert [p.name for p in target.parent.iterdir()] == ["tiny.json"]


def test_a_spec_given_as_output_is_safe(tiny: Path) -> None:
    assert archcalc("table", str(tiny), "--output", str(tiny)).status == 2
    assert tiny.read_text() == TINY


def test_verify_fails_where_counters_part(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    from dataclasses import replace

    from archcalc.ops.table import OPS, WRITTEN

    wrong = replace(OPS["conv"], macs=lambda a, i, o: 1)
    for table in (OPS, WRITTEN):
        monkeypatch.setitem(table, "conv", wrong)  # type: ignore[arg-type]
    result = archcalc("verify", str(tiny))
    assert result.status == 1
    assert "Counters part" in result.stdout
    assert "symbolic 1, fvcore 6912, torch 6912" in result.stdout


@pytest.mark.parametrize("form", ["module", "graph", "source"])
def test_show(form: str, tiny: Path) -> None:
    result = archcalc("show", str(tiny), "--as", form)
    assert result.status == 0
    assert "conv" in result.stdout


def test_a_closed_pipe_is_no_fault() -> None:
    command = f"{sys.executable} -m archcalc list --format json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "{\n"
    assert done.stderr == ""


@pytest.mark.parametrize("width", [80, 200])
def test_a_table_fits_the_terminal(width: int) -> None:
    """On a real (pseudo) terminal no line is longer than the terminal is wide, and no row is cut."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "archcalc", "table", "v1"], stdout=follower, env=environment
    ) as process:
        os.close(follower)
        chunks = []
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(leader)
    assert process.returncode == 0
    import re

    text = re.sub(r"\x1b\[[0-9;]*m", "", b"".join(chunks).decode())
    lines = text.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    row = next(line for line in lines if line.startswith("inception (3a)"))
    assert "128.0M" in row
    assert "159K" in row
    assert ("receptive" in text) == (width == 200)
