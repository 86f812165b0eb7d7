"""The Python interface: what there is, one line for each result, tables in a notebook, figures."""

from __future__ import annotations

import inspect
import io
import re
import subprocess
import sys
import typing
from fractions import Fraction
from pathlib import Path

import pytest

import archcalc
from archcalc import api
from archcalc.bench.runner import interface, plan
from archcalc.errors import ArchcalcError, SpecError
from archcalc.shapes import BYTES

ROOT = Path(__file__).parent.parent


def test_dir_shows_what_there_is() -> None:
    assert set(dir(archcalc)) == set(archcalc.__all__)
    for name in dir(archcalc):
        assert getattr(archcalc, name) is not None
    with pytest.raises(AttributeError, match="nosuch"):
        archcalc.nosuch  # noqa: B018


def test_networks_can_be_loaded() -> None:
    names = archcalc.networks()
    assert {"googlenet", "inception-v3", "lenet-5"} <= set(names)
    assert all(archcalc.load(name).name == name for name in names)


# -- one line each --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results() -> dict[str, object]:
    googlenet = archcalc.load("googlenet")
    return {
        "Architecture": googlenet,
        "Graph": googlenet.graph(),
        "Counts": googlenet.counts(heads=True),
        "Comparison": archcalc.compare(googlenet, "v3", "vgg-16"),
        "Verification": archcalc.load("lenet").verify(),
        "Record": archcalc.load_record("cpu"),
        "Audit": archcalc.audit("googlenet"),
    }


KINDS = ("Architecture", "Graph", "Counts", "Comparison", "Verification", "Record", "Audit")


@pytest.mark.parametrize("kind", KINDS)
def test_repr_is_one_line(kind: str, results: dict[str, object]) -> None:
    text = repr(results[kind])
    assert text.startswith(kind + "(")
    assert len(text) <= 110
    assert "\n" not in text


def test_repr_says_what_it_is() -> None:
    wide = archcalc.load("mobilenet-v2", width=1.4)
    assert repr(wide) == "Architecture('mobilenet-v2', width = 7/5)"
    assert "macs" not in repr(wide)
    assert (
        repr(archcalc.compare("5x5", "3x3-3x3")) == "Comparison(MACs to the first: 5x5 1.000, 3x3-3x3 0.720)"
    )
    assert "all agree" in repr(archcalc.load("lenet").verify())


@pytest.mark.parametrize("kind", KINDS)
def test_a_notebook_shows_a_table(kind: str, results: dict[str, object]) -> None:
    html = results[kind]._repr_html_()  # type: ignore[attr-defined]
    assert html.startswith("<table>")
    assert html.count("<tr>") > 2
    assert "<script" not in html


def test_tables_in_a_notebook_hold_the_numbers(results: dict[str, object]) -> None:
    assert "1.591G" in results["Counts"]._repr_html_()  # type: ignore[attr-defined]
    assert "3.610" in results["Comparison"]._repr_html_()  # type: ignore[attr-defined]
    assert "All counters agree" in results["Verification"]._repr_html_()  # type: ignore[attr-defined]
    assert "Realized saving" in results["Record"]._repr_html_()  # type: ignore[attr-defined]


def test_a_result_made_without_the_interface_has_its_repr_alone() -> None:
    code = (
        "from archcalc.graph import graph; from archcalc.display import Displayed\n"
        "assert issubclass(graph.Graph, Displayed)\n"
        "print(Displayed._repr_html_(object.__new__(graph.Graph)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"


# -- compare, audit, report -----------------------------------------------------------------------


def test_compare_takes_names_files_and_networks(tmp_path: Path) -> None:
    compared = archcalc.compare("5x5", archcalc.load("3x3-3x3"))
    assert compared.ratios[1]["macs"] == Fraction(18, 25)
    batch = archcalc.compare("5x5", "3x3-3x3", batch=4, precision="bf16", input=14)
    assert batch.networks[0].batch == 4
    assert batch.networks[0].precision == "bf16"
    assert batch.networks[0].graph.input[1:] == (14, 14)
    with pytest.raises(ArchcalcError, match="two networks"):
        archcalc.compare("5x5")
    with pytest.raises(ArchcalcError, match="did you mean `bf16`"):
        archcalc.compare("5x5", "3x3", precision="bf61")  # type: ignore[arg-type]


def test_audit_is_a_function_and_a_room() -> None:
    from archcalc.audit.findings import Audit

    assert isinstance(archcalc.audit("lenet"), Audit)
    assert archcalc.audit("googlenet").passed
    assert archcalc.audit("googlenet").summary.checked > 50
    both = archcalc.audit("googlenet", ROOT / "specs" / "lenet-5.md")
    assert [paper.name for paper in both.papers] == ["googlenet", "lenet-5"]


def test_audit_without_names_is_of_all_documents() -> None:
    assert len(archcalc.audit().papers) == len(list((ROOT / "specs").glob("*.md"))) - 1


def test_an_altered_network_is_audited_as_it_is() -> None:
    audits = archcalc.audit(archcalc.load("mobilenet-v2", width=2))
    assert not audits.passed
    with pytest.raises(ArchcalcError, match="no network is called"):
        archcalc.audit("nosuch-network")


def test_an_unreadable_table_raises_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "broken.md"
    head = "---\nname: broken\ninput: 8x8x3\n---\n"
    path.write_text(head + "| a |\n|---|\n| b |\n\n```arch\nb -> nosuch 3x3\n```\n")
    with pytest.raises(SpecError, match="nosuch"):
        archcalc.audit(path)


@pytest.mark.parametrize(
    "order", ["import archcalc.audit.findings", "archcalc.load", "from archcalc import api", ""]
)
def test_rooms_can_be_called_in_whatever_order_they_are_imported(order: str) -> None:
    code = f"import archcalc\n{order}\nprint(archcalc.audit('lenet').passed, callable(archcalc.report))"
    code += "\nimport archcalc.audit.findings\nprint(archcalc.audit.findings.Audit.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\nAudit\n"


def test_signatures_spell_out_their_options() -> None:
    for function in (archcalc.compare, archcalc.audit, archcalc.report, api.Architecture.measure):
        parameters = inspect.signature(function).parameters.values()
        assert all(p.kind is not p.VAR_KEYWORD for p in parameters)
        assert all(p.annotation is not p.empty for p in parameters if p.name != "self")
    assert "force" in inspect.signature(archcalc.report).parameters


def test_options_of_measuring_are_those_of_the_runner() -> None:
    ours = inspect.signature(api.Architecture.measure).parameters
    theirs = inspect.signature(interface.measure).parameters
    assert {n for n in ours if ours[n].kind is inspect.Parameter.KEYWORD_ONLY} == {
        n for n in theirs if theirs[n].kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert set(typing.get_args(api.Device)) == set(plan.DEVICES)
    assert set(typing.get_args(api.Layout)) == set(plan.LAYOUTS)
    assert set(typing.get_args(api.Mode)) == {m for modes in plan.MODES.values() for m in modes}
    assert set(typing.get_args(api.MeasuredPrecision)) == {*plan.PRECISIONS, "fp32"}
    assert set(typing.get_args(api.Precision)) == set(BYTES)


def test_report_writes_pages_and_says_where(tmp_path: Path) -> None:
    (path,) = archcalc.report("lenet-5", output=tmp_path / "out", records=[])
    assert path == tmp_path / "out" / "lenet-5.md"
    assert "LeNet" in path.read_text("utf-8")
    assert (tmp_path / "out" / "lenet-5" / "rows.csv").is_file()
    path.write_text("mine")
    with pytest.raises(ArchcalcError, match="was not made by"):
        archcalc.report("lenet-5", output=tmp_path / "out", records=[])
    archcalc.report("lenet-5", output=tmp_path / "out", records=[], force=True)
    assert "LeNet" in path.read_text("utf-8")


# -- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["diagram", "plot_costs"])
def test_figures_are_matplotlibs_and_show_themselves(name: str, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = getattr(archcalc.load("lenet"), name)()
    assert isinstance(figure, Figure)
    svg = figure._repr_svg_()  # type: ignore[attr-defined]
    assert svg.lstrip().startswith("<?xml")
    assert "<svg" in svg
    assert svg == figure._repr_svg_()  # type: ignore[attr-defined]
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    stream = io.BytesIO()
    figure.savefig(stream, format="pdf")
    assert stream.getvalue().startswith(b"%PDF")


def test_figures_leave_the_users_style_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    archcalc.load("lenet").plot_costs()._repr_svg_()  # type: ignore[attr-defined]
    assert dict(mpl.rcParams) == before


def test_a_family_shows_its_range() -> None:
    """Arrays of values count many networks at once: tables print the least and the largest."""
    family = archcalc.load("3x3-3x3", width=[8, 16])
    assert "1.152K to 4.608K" in family._repr_html_()
    compared = archcalc.compare("5x5", family)
    one, other = (archcalc.compare("5x5", archcalc.load("3x3-3x3", width=w)) for w in (8, 16))
    assert compared.ratios[1]["macs"].flat() == [one.ratios[1]["macs"], other.ratios[1]["macs"]]
    assert " to " in compared._repr_html_()
    with pytest.raises(ArchcalcError, match="one network"):
        archcalc.audit(family)


def test_variables_are_exact() -> None:
    assert archcalc.load("mobilenet-v2", width=1.4).spec.variables["width"] == Fraction(7, 5)
    with pytest.raises(ArchcalcError, match="cannot be set"):
        archcalc.load("mobilenet-v2", width=object())


def test_loads_names_what_the_text_holds() -> None:
    text = (ROOT / "specs" / "resnet.md").read_text("utf-8")
    assert archcalc.loads(text, "resnet-34").name == "resnet-34"
    with pytest.raises(ArchcalcError, match="no network called `resnet-33`"):
        archcalc.loads(text, "resnet-33")


def test_the_readme_names_every_function() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for name in ("networks", "compare", "audit", "report", "load", "diagram", "plot_costs"):
        assert re.search(rf"\.{name}\(", text), name
