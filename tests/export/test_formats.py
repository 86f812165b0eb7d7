"""The registry of formats: every result in every format, and a new format as one file."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from console import archcalc

from archcalc import export
from archcalc.errors import ArchcalcError
from archcalc.views.tables import Column, Table

TABLE = Table(
    "a title",
    (Column("name", "name"), Column("macs", "MACs", "count"), Column("more", "more", "count", extra=True)),
    (("first", 163328, 1), ("second", None, 2)),
    (("total", 163328, 3),),
    ("a note",),
)

TSV = '''
"""Tabs between values."""

from archcalc.export import Format


def _tsv(table):
    return "".join("\\t".join(map(str, row)) + "\\n" for row in table.rows)


FORMAT = Format("TSV", "tsv", _tsv, raw=True, attached=True)
'''


def test_the_formats() -> None:
    assert set(export.names()) >= {"csv", "html", "json", "latex", "markdown", "plain"}
    for name in export.names():
        form = export.get(name)
        assert (form.table is None) != (form.data is None)
        assert form.title
        assert form.suffix.isalnum()


@pytest.mark.parametrize("name", export.names())
def test_every_format_holds_every_value(name: str) -> None:
    text = export.render(name, [TABLE], lambda: {"first": 163328, "second": None}, wide=True)
    assert "first" in text
    assert "163.3K" in text or "163328" in text
    assert text.endswith("\n")


def test_extra_columns_stand_in_raw_formats_and_in_wide_ones() -> None:
    for name in export.names():
        form = export.get(name)
        if form.table is not None:
            narrow = export.render(name, [TABLE], dict)
            assert ("more" in narrow) == form.raw
            assert "more" in export.render(name, [TABLE], dict, wide=True)


def test_several_tables_follow_one_another() -> None:
    text = export.render("plain", [TABLE, TABLE], dict)
    assert text.count("a title") == 2
    assert "\n\n" in text


def test_csv_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(export.render("csv", [TABLE], dict))))
    assert rows == [
        {"name": "first", "macs": "163328", "more": "1"},
        {"name": "second", "macs": "", "more": "2"},
    ]


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_holds_a_cell_for_each_value() -> None:
    reader = _Cells()
    reader.feed(export.render("html", [TABLE], dict, wide=True))
    assert reader.tags.count("td") == 6
    assert reader.tags.count("th") == 6  # headers and totals
    assert {"first", "163.3K", "a note", "a title"} <= {t.strip() for t in reader.texts}


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ArchcalcError, match="markdwon") as fault:
        export.get("markdwon")
    assert "did you mean `markdown`" in str(fault.value)
    with pytest.raises(ArchcalcError) as fault:
        export.get("../cli/options")
    assert "csv, html, json" in str(fault.value)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("list",), marks=pytest.mark.slow),
        ("table", "lenet"),
        ("compare", "5x5", "3x3"),
        ("audit", "lenet"),
    ],
)
@pytest.mark.parametrize("name", export.names())
def test_every_command_knows_every_format(command: tuple[str, ...], name: str, tmp_path: Path) -> None:
    printed = archcalc(*command, "--format", name)
    assert printed.status in (0, 1), printed.stderr
    if name == "json":
        assert json.loads(printed.stdout)["schema"] in (1, 2)
    path = tmp_path / "result"
    assert archcalc(*command, "--format", name, "--output", str(path)).status == printed.status
    assert path.read_text("utf-8") == printed.stdout


def test_a_new_format_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the package's folder is enough for `--format`, `emit` and the files beside a report."""
    (tmp_path / "tsv.py").write_text(TSV)
    monkeypatch.setattr(export, "__path__", [*export.__path__, str(tmp_path)])
    assert "tsv" in export.names()
    result = archcalc("table", "lenet", "--format", "tsv")
    assert result.status == 0, result.stderr
    assert result.stdout.splitlines()[0].startswith("C1\t")
    assert "TSV" in [form.title for form in export.attached()]
