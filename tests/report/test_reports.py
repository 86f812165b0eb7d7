"""Reports: the same bytes every time, sentences that follow from verdicts, figures that are linked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import made_record
import pytest
from console import archcalc

from archcalc.bench import results as measured
from archcalc.bench.records import storage
from archcalc.bench.records.record import Record
from archcalc.bench.stats.statistics import SavingVerdict
from archcalc.report import build, evidence, kinds, page, words
from archcalc.report.page import Page

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "reports"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#]+)\)")
#: How many figures each page has: with the shipped records, and with the made one.
FIGURES = {"audit": 2, "architectures": 2, "factorization": 4, "v1-vs-v3": 4, "googlenet": 5}


def tree(folder: Path, skip: str = "records") -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != skip
    }


def pinned_matplotlib() -> bool:
    """Whether matplotlib is the version with which the committed figures were drawn."""
    import matplotlib

    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return f"matplotlib=={matplotlib.__version__}\n" in pins


@pytest.fixture(scope="module")
def record() -> Record:
    return made_record.record()


@pytest.fixture(scope="module")
def record_file(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "made.json"
    storage.save(record, path)
    return path


@pytest.fixture(scope="module")
def made(record_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report and the page of one network, from a made record."""
    folder = tmp_path_factory.mktemp("made")
    for topics in ([], ["googlenet"]):
        result = archcalc("report", *topics, "--record", str(record_file), "--output", str(folder))
        assert result.status == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def pages(record_file: Path) -> list[Page]:
    asked = [*build.everything(), build.ReportRequest("", ("googlenet",))]
    return list(build.pages(asked, evidence.load([str(record_file)])))


# -- the same bytes -------------------------------------------------------------------------------


@pytest.mark.slow
def test_committed_reports_are_what_the_command_writes(tmp_path: Path) -> None:
    """`make reports` renews them. The figures' bytes belong to the pinned matplotlib."""
    result = archcalc("report", "--output", str(tmp_path))
    assert result.status == 0, result.stderr
    fresh, committed = tree(tmp_path), tree(SHIPPED)
    assert set(fresh) == set(committed)
    compare_figures = pinned_matplotlib()
    assert compare_figures or not os.environ.get("CI"), "CI installs what constraints.txt pins"
    stale = [n for n in fresh if fresh[n] != committed[n] and (compare_figures or not n.endswith(".svg"))]
    assert stale == []


@pytest.mark.slow
def test_another_process_with_other_settings_writes_the_same_bytes(
    made: Path, record_file: Path, tmp_path: Path
) -> None:
    """Another locale, time zone, hash seed, style and instruction set must leave no trace."""
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nsvg.fonttype: none\nfigure.dpi: 30\n")
    environment = {
        **os.environ,
        "MPLCONFIGDIR": str(tmp_path),
        "MPLBACKEND": "svg",
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "60",
        "SOURCE_DATE_EPOCH": "1",
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    folder = tmp_path / "out"
    for topics in ([], ["googlenet"]):
        command = [sys.executable, "-m", "archcalc", "report", *topics]
        command += ["--record", str(record_file), "--output", str(folder)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
    first, second = tree(made), tree(folder)
    assert len(first) > 40
    assert [n for n in first if first[n] != second.get(n)] == []
    assert set(first) == set(second)


def test_a_page_holds_no_date_but_the_records(made: Path) -> None:
    dates = re.compile(rb"20\d\d-\d\d-\d\d")
    found = {date for content in tree(made).values() for date in dates.findall(content)}
    assert found == {b"2026-01-02"}


def test_no_path_of_this_machine(made: Path) -> None:
    content = b"".join(tree(made).values())
    assert str(ROOT).encode() not in content
    assert str(made).encode() not in content


# -- figures --------------------------------------------------------------------------------------


def test_every_figure_is_there_full_and_linked_with_alternative_text(made: Path, pages: list[Page]) -> None:
    for one in pages:
        assert len(one.figures) == FIGURES[one.slug], one.slug
        links = {target: alt for mark, alt, target in LINK.findall((made / one.file).read_text()) if mark}
        assert set(links) == {f"{one.slug}/{figure.name}.svg" for figure in one.figures}
        for target, alt in links.items():
            assert len(alt) > 40
            assert_full(made / target)


def assert_full(path: Path) -> None:
    """A figure has a title, labels (outlines of text are reused), and marks within its frame."""
    root = ElementTree.parse(path).getroot()
    space = {"s": "http://www.w3.org/2000/svg"}
    title = root.find("s:title", space)
    assert title is not None
    assert title.text
    assert len(root.findall(".//s:use", space)) > 20, path
    assert len(root.findall(".//s:path", space)) > 20, path
    assert "nan" not in path.read_text().lower().replace("covenant", "")


def test_axes_hold_their_labels_and_data(pages: list[Page]) -> None:
    """Nothing reaches beyond the figure, and no axes are empty."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from archcalc.plots import style

    for one in pages:
        for figure in one.figures:
            with style.styled():
                drawn = figure.draw()
                FigureCanvasAgg(drawn)
                drawn.canvas.draw()
                width, height = drawn.get_size_inches() * drawn.dpi
                assert drawn.axes
                for axes in drawn.axes:
                    assert axes.has_data(), (one.slug, figure.name)
                    shown = [t for t in axes.texts if t.get_visible() and t.get_text()]
                    assert_apart(axes.get_xticklabels())
                    labels = [axes.xaxis.label, axes.yaxis.label]
                    for text in [*shown, *(label for label in labels if label.get_text())]:
                        box = text.get_window_extent()
                        inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
                        assert inside, (one.slug, figure.name, text.get_text())


def assert_apart(labels: list[Any]) -> None:
    """No label of an axis touches the next."""
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    for one, two in pairwise(sorted((box for box in boxes if box.width > 0), key=lambda box: box.x0)):
        assert one.x1 < two.x0


def test_png_on_demand(tmp_path: Path) -> None:
    assert archcalc("report", "5x5", "--output", str(tmp_path), "--png").status == 0
    found = sorted(path.name for path in (tmp_path / "5x5").glob("*.png"))
    assert found == ["agreement.png", "cost-by-row.png", "diagram.png"]
    assert all((tmp_path / "5x5" / name).read_bytes().startswith(b"\x89PNG") for name in found)


# -- text -----------------------------------------------------------------------------------------


def test_links_lead_somewhere(made: Path) -> None:
    for path in made.glob("*.md"):
        for _, _, target in LINK.findall(path.read_text(encoding="utf-8")):
            assert (made / target).is_file(), (path.name, target)


def test_findings_come_before_figures_tables_and_method(made: Path) -> None:
    for path in made.glob("*.md"):
        heads = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if path.name != "README.md":
            assert heads == ["Findings", "Figures", "Tables", "Method and environment"]


def test_sentences_follow_from_the_verdicts(record: Record, record_file: Path) -> None:
    found = evidence.load([str(record_file)])
    trials = found.trials(build.factorization.FACTORIZATIONS)
    assert len(trials) == 54
    seen = {t.figures.saving.verdict for t in trials}
    assert {SavingVerdict.REALIZED, SavingVerdict.REVERSED, SavingVerdict.PARTIAL} <= seen
    for t in trials:
        again = measured.pair(record, t.figures.point)
        sentence = words.trial(t)
        assert f"**{again.saving.verdict}**" in sentence
        assert sentence.startswith(
            f"{t.new} costs {again.saving.mu:.3f} of {t.old} in MACs; on Imaginary CPU"
        )
        assert f"batch {t.key.batch}" in sentence
        assert "over 2 processes" in sentence
        assert f"predicts {again.predicted:.3f}" in sentence
    assert words.tally(trials).startswith(
        f"{sum(t.figures.saving.verdict is SavingVerdict.REALIZED for t in trials)} "
    )


def test_without_a_record_the_page_says_so(tmp_path: Path) -> None:
    one = build.factorization.page(evidence.Evidence())
    assert words.NO_RECORD in one.findings
    assert "rho =" not in page.text(one)


@pytest.mark.parametrize(
    ("low", "point", "high", "text"),
    [
        (0.80, 0.81, 0.82, "0.810 ± 0.010"),
        (0.802, 0.81, 0.818, "0.810 ± 0.008"),
        (1.2, 1.5, 1.8, "1.5 (1.2 to 1.8)"),
        (120.0, 123.4, 130.0, "123 ± 5"),
        (3.3, 12.0, 35.0, "12 (3.3 to 35)"),
        (2.0, 2.0, 2.0, "2"),
    ],
)
def test_plus_minus(low: float, point: float, high: float, text: str) -> None:
    from archcalc.bench.stats.statistics import MeasuredInterval

    assert words.plus_minus(MeasuredInterval(low, point, high)) == text


def test_a_page_of_a_network_has_its_table_costs_and_footnotes(made: Path) -> None:
    text = (made / "googlenet.md").read_text(encoding="utf-8")
    for expected in (
        "googlenet costs 1.583G MACs and 6.999M params",
        "| inception (3a) |",
        "159K",
        "Footnote `conv1`",
        "roofline reached",
    ):
        assert expected in text


def test_the_audit_counts_what_the_audit_counts(made: Path) -> None:
    from archcalc.report import audited

    s = audited.shipped().summary
    text = (made / "audit.md").read_text(encoding="utf-8")
    assert f"{s.checked} published figures checked: {s.agreeing} agree" in text
    assert s.failing == 0


def test_kinds_share_out_every_mac() -> None:
    import archcalc as package

    counted = package.load("mobilenet-v2").counts()
    found = kinds.sums((n for row in counted.rows for n in row.nodes), "macs")
    assert sum(found.values()) == counted.total.macs
    assert set(found) <= set(kinds.KINDS)
    assert found[kinds.GROUPED] > 0


# -- the command ----------------------------------------------------------------------------------


def test_words_as_topics() -> None:
    assert build.requests(["audit", "v3", "compare", "v1", "v3"]) == [
        build.ReportRequest("audit"),
        build.ReportRequest("", ("v3",)),
        build.ReportRequest("compare", ("v1", "v3")),
    ]


@pytest.mark.parametrize(
    ("topics", "message", "hint"),
    [
        (["compare", "v1"], "a comparison needs two networks", "report compare v1 v3"),
        (["compare", "v1", "audit"], "also `audit`", "before `compare`"),
        (["gogglenet"], "no network is called `gogglenet`", "did you mean `googlenet`"),
        (["5x5", "--record", "nowhere.json"], "there is no record nowhere.json", "check the path"),
    ],
)
def test_bad_topics(topics: list[str], message: str, hint: str, tmp_path: Path) -> None:
    result = archcalc("report", *topics, "--output", str(tmp_path))
    assert result.status == 2
    assert message in result.stderr
    assert hint in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_somebody_wrote_is_not_replaced(tmp_path: Path) -> None:
    own = tmp_path / "5x5.md"
    own.write_text("my notes\n")
    refused = archcalc("report", "5x5", "--output", str(tmp_path))
    assert refused.status == 2
    assert "was not made by `archcalc report`" in refused.stderr
    assert own.read_text() == "my notes\n"
    assert not (tmp_path / "5x5").exists()
    assert archcalc("report", "5x5", "--output", str(tmp_path), "--force").status == 0
    assert archcalc("report", "5x5", "--output", str(tmp_path)).status == 0


def test_a_record_of_another_spec_is_refused(record: Record, tmp_path: Path) -> None:
    from dataclasses import replace

    changed = tuple(replace(s, sha256="0" * 64) if s.name == "5x5" else s for s in record.specs)
    storage.save(replace(record, specs=changed), tmp_path / "old.json")
    result = archcalc("report", "5x5", "--record", str(tmp_path / "old.json"), "--output", str(tmp_path))
    assert result.status == 2
    assert "another version of `5x5`" in result.stderr


# -- LaTeX ----------------------------------------------------------------------------------------


def latex_tables() -> Iterator[tuple[str, str]]:
    for path in sorted(SHIPPED.rglob("*.tex")):
        yield str(path.relative_to(SHIPPED)), path.read_text(encoding="utf-8")
    yield "table", archcalc("table", "googlenet", "--format", "latex").stdout
    yield "wide", archcalc("table", "resnet-50", "--format", "latex", "--wide").stdout
    yield "compare", archcalc("compare", "v1", "v3", "--format", "latex").stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
def test_tables_compile_with_booktabs(tmp_path: Path) -> None:
    tables = list(latex_tables())
    assert len(tables) > 20
    body = "\n\\clearpage\n".join(text for _, text in tables)
    assert "\\toprule" in body
    source = (
        "\\documentclass{article}\n\\usepackage[a0paper,landscape]{geometry}\n\\usepackage{booktabs}\n"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )
    (tmp_path / "all.tex").write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, [line for line in log.splitlines() if line.startswith("!")]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000


def test_latex_spells_out_what_it_cannot_set() -> None:
    from archcalc.export import latex
    from archcalc.views.tables import Column, Table

    made = latex.latex(Table("a → b", (Column("x", "π & co"),), (("5×5",),)))
    assert r"a $\to$ b" in made
    assert r"[U+03C0] \& co" in made
    assert r"5$\times$5" in made


def test_a_network_without_arithmetic_has_no_empty_figure(tmp_path: Path) -> None:
    spec = tmp_path / "odd.md"
    spec.write_text(
        "---\nname: odd\ninput: 8x8x3\n---\n| a |\n|---|\n| $pool$ *x* 卷积 on and on and on and on |\n"
        "| p_q^2 |\n\n```arch\n$pool… -> maxpool 2x2/2\np… -> relu\n```\n"
    )
    result = archcalc("report", str(spec), "--output", str(tmp_path / "out"))
    assert result.status == 0, result.stderr
    assert result.stderr.splitlines() == [f"wrote {tmp_path / 'out' / 'odd.md'}: 1 figure, 2 tables"]
