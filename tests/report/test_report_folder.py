"""Where a report's files go: never over what somebody made, never outside of the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from console import archcalc

from archcalc.errors import ArchcalcError
from archcalc.report import folder
from archcalc.report.page import MARK, file_name

PAGE = f"# x\n\n{MARK}\n\n![a](x/one.svg) [CSV](x/two.csv)\n"


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["rows.csv", "rows.tex", "diagram.svg", "layers.csv"])
def test_files_of_the_user_stay(name: str, tmp_path: Path) -> None:
    mine = tmp_path / "lenet-5" / name
    mine.parent.mkdir()
    mine.write_text("mine")
    result = archcalc("report", "lenet-5", "--output", str(tmp_path))
    assert (result.status, result.stdout) == (2, "")
    assert name in result.stderr
    assert "--force" in result.stderr
    assert snapshot(tmp_path) == {f"lenet-5/{name}": b"mine"}  # nothing at all was written
    assert archcalc("report", "lenet-5", "--output", str(tmp_path), "--force").status == 0
    assert mine.read_text() != "mine"


def test_what_archcalc_made_is_made_again(tmp_path: Path) -> None:
    assert archcalc("report", "lenet-5", "--output", str(tmp_path)).status == 0
    before = snapshot(tmp_path)
    assert archcalc("report", "lenet-5", "--output", str(tmp_path)).status == 0
    assert snapshot(tmp_path) == before
    (tmp_path / "lenet-5" / "rows.csv").write_text("old figures of a former version")
    assert archcalc("report", "lenet-5", "--output", str(tmp_path), "--png").status == 0
    assert archcalc("report", "lenet-5", "--output", str(tmp_path), "--png").status == 0
    assert (tmp_path / "lenet-5" / "diagram.png").is_file()
    assert snapshot(tmp_path)["lenet-5/rows.csv"] == before["lenet-5/rows.csv"]


def test_links_devices_and_folders_stay(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("mine")
    (tmp_path / "x").mkdir()
    (tmp_path / "x.md").write_text(PAGE)
    os.symlink(other, tmp_path / "x" / "two.csv")
    with pytest.raises(ArchcalcError, match=r"two\.csv"):
        folder.write(tmp_path, "x.md", {"x.md": PAGE, "x/two.csv": "new"})
    assert other.read_text() == "mine"
    (tmp_path / "x" / "two.csv").unlink()
    (tmp_path / "x" / "two.csv").mkdir()
    with pytest.raises(ArchcalcError, match=r"two\.csv"):
        folder.write(tmp_path, "x.md", {"x.md": PAGE, "x/two.csv": "new"})


@pytest.mark.parametrize("name", ["../x.csv", "/tmp/x.csv", "x/../../y.csv", "..", "../../etc/x"])
def test_nothing_is_written_outside(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "inside"
    with pytest.raises(ArchcalcError):
        folder.write(inside, "x.md", {"x.md": PAGE, name: "new"}, force=True)
    assert snapshot(tmp_path) == {}


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    os.symlink(outside, inside / "x")
    with pytest.raises(ArchcalcError, match="outside"):
        folder.write(inside, "x.md", {"x.md": PAGE, "x/two.csv": "new"}, force=True)
    assert list(outside.iterdir()) == []


DOCUMENT = """---
name: "{name}"
input: 8x8x3
---
| layer | c |
|---|---|
| conv | 4 |

```arch
conv -> conv 3x3 {{c}} same
```
"""


@pytest.mark.parametrize("name", ["..", ".", "../up", "a/b", "..hidden", "a\\b", "/etc/x", "~"])
def test_a_heading_names_a_file_of_the_folder(name: str, tmp_path: Path) -> None:
    """Two networks under headings such as `# ..`, whose names become names of files."""
    spec = tmp_path / "spec.md"
    spec.write_text(DOCUMENT.format(name=name.replace("\\", "\\\\")))
    output = tmp_path / "deep" / "pages"
    result = archcalc("report", str(spec), "--output", str(output))
    assert result.status in (0, 2), result.stderr
    assert "Traceback" not in result.stderr
    written = {p for p in tmp_path.rglob("*") if p.is_file()} - {spec}
    assert all(p.is_relative_to(output) for p in written)
    assert bool(written) == (result.status == 0)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("..", "network"),
        ("", "network"),
        ("a b", "a-b"),
        (".hidden", "hidden"),
        ("v1.2+x", "v1.2+x"),
        ("x/../y", "x-..-y"),
    ],
)
def test_names_of_files(name: str, file: str) -> None:
    assert file_name(name) == file
