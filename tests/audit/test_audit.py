"""The audit of published cells: conventions are inferred, differences explained, and nothing else is."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
from by_hand import MODULES, macs, module, weights
from console import archcalc
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archcalc.audit import AuditVerdict, Finding, Outcome, Paper, audit, audit_network
from archcalc.document import document
from archcalc.errors import ArchcalcError
from archcalc.spec import library, outline
from archcalc.spec.arithmetic import Size

GOLDEN = Path(__file__).parents[1] / "golden"
SHIPPED = [path.stem for path in library.paths()]


def shipped(name: str) -> Paper:
    outlines = library.networks(library.folder() / f"{name}.md")
    return audit(outlines[0].document, outlines)


@pytest.fixture(scope="module")
def papers() -> dict[str, Paper]:
    return {name: shipped(name) for name in SHIPPED}


def audited(text: str, file: str = "<text>") -> Paper:
    parsed = document.parse(text, file)
    return audit(parsed, outline.networks(parsed))


def cell(paper: Paper, row: str, column: str) -> Finding:
    (found,) = [f for f in paper.findings if (f.row, f.column) == (row, column)]
    return found


# ------------------------------------------------------------------------------------ the shipped specs


def test_every_published_figure_is_audited_and_explained(papers: dict[str, Paper]) -> None:
    assert sum(len(paper.findings) for paper in papers.values()) >= 90
    assert sum(bool(paper.findings) for paper in papers.values()) >= 10
    assert [f.fault for paper in papers.values() for f in paper.findings if f.fault] == []


def test_every_verdict_can_be_derived_from_what_is_printed(papers: dict[str, Paper]) -> None:
    for finding in (f for paper in papers.values() for f in paper.findings):
        assert finding.computed is not None
        if finding.outcome is Outcome.unprinted:
            assert (finding.published, finding.intervals) == ("", ())
            continue
        assert finding.published
        assert finding.convention
        assert finding.intervals
        if isinstance(finding.computed, Size):
            places = ["hwc".index(part) for part in finding.compared]
            values = [finding.computed.parts[place] for place in places]
        else:
            values = [finding.computed]
        inside = all(i.contains(v) for i, v in zip(finding.intervals, values, strict=True))
        assert inside == (finding.verdict is AuditVerdict.agrees)


#: (paper, row or sentence, published): what an `agrees if` departs in
CONDITIONS = {
    ("alexnet", "The neural network has 60 million parameters", "60 million"): "truncated",
    ("googlenet", "inception (4a)", "73M"): "truncated",
    ("alexnet", "and 650,000 neurons", "650,000"): "cut to 2 digits",
    ("factorization", "3x1 and 1x3 cost 0.66 of a 3x3", "0.66"): "truncated",
    ("googlenet", "a fully connected layer instead of average pooling", "51.3M"): "truncated",
    ("inception-v2", "AlexNet used 60 million parameters", "60 million"): "truncated",
    (
        "mobilenet-v2",
        "The primary network has a computational cost of 300 million multiply-adds",
        "300 million",
    ): "truncated",
    ("prelu-nets", "complexity (ops., x10^10)", "1.90"): "truncated",
    ("resnet", "FLOPs", "3.6x10^9"): "truncated",
    ("resnet", "FLOPs", "3.8x10^9"): "truncated",
    ("resnet", "which is only 18% of VGG-19", "18%"): "truncated",
}


def test_every_agrees_if_names_its_convention(papers: dict[str, Paper]) -> None:
    found = {
        (name, f.row, f.published): f.condition
        for name, paper in papers.items()
        for f in paper.findings
        if f.verdict is AuditVerdict.conditional
    }
    assert found == CONDITIONS
    for finding in (f for paper in papers.values() for f in paper.findings):
        if finding.condition in ("truncated", "cut to 2 digits"):
            assert finding.alternative is not None
            assert finding.alternative.contains(finding.computed)
            assert finding.alternative.lo == finding.intervals[0].nominal


def test_no_explanation_is_offered_where_none_is_needed(papers: dict[str, Paper]) -> None:
    for finding in (f for paper in papers.values() for f in paper.findings):
        if finding.verdict is not AuditVerdict.differs:
            assert finding.suggestions == ()


# ------------------------------------------------------------------------------------ GoogLeNet's table


def test_the_conventions_of_googlenets_columns_are_found(papers: dict[str, Paper]) -> None:
    columns = {column.header: column.inference for column in papers["googlenet"].columns}
    assert str(columns["params"].reading) == "weights, K = 1024, rounded to nearest"
    assert columns["params"].departs
    assert str(columns["ops"].reading) == "macs, K = 1000, rounded to nearest"


def test_the_exact_tie_of_3a_agrees(papers: dict[str, Paper]) -> None:
    found = cell(papers["googlenet"], "inception (3a)", "params")
    assert found.computed == weights(module("3a")) == Fraction("159.5") * 1024
    assert (found.published, found.verdict) == ("159K", AuditVerdict.agrees)


def test_the_first_convolution_is_found_to_be_separable(papers: dict[str, Paper]) -> None:
    for finding in papers["googlenet"].findings:
        if finding.row == "convolution" and finding.published in ("2.7K", "34M"):
            (found,) = finding.suggestions
            assert (found.kind, found.fits) == ("separable", ("params", "ops"))
            assert "multiplier 8" in found.change
            assert found.values == {"weights": 49 * 24 + 24 * 64, "macs": (49 * 24 + 24 * 64) * 112 * 112}


def test_5a_is_found_to_read_928_channels(papers: dict[str, Paper]) -> None:
    wide = [
        (area, 928 if inside == 832 else inside, out, places) for area, inside, out, places in module("5a")
    ]
    for column in ("params", "ops"):
        (found,) = cell(papers["googlenet"], "inception (5a)", column).suggestions
        assert (found.kind, found.change) == ("input", "928 input channels instead of 832")
        assert found.values == {"weights": weights(wide), "macs": macs(wide)}
        assert found.condition == ""


@pytest.mark.parametrize("label", ["4c", "4d", "4e", "5b"])
def test_figures_that_contradict_each_other_are_told_and_not_explained(
    label: str, papers: dict[str, Paper]
) -> None:
    found = cell(papers["googlenet"], f"inception ({label})", "params")
    assert "contradict each other" in found.note
    assert found.suggestions == ()


@pytest.mark.parametrize("label", ["3b", "4a", "4b"])
def test_a_last_digit_needs_no_far_fetched_explanation(label: str, papers: dict[str, Paper]) -> None:
    found = cell(papers["googlenet"], f"inception ({label})", "params")
    assert found.suggestions == ()
    assert "contradict" not in found.note


def test_what_builds_a_row_is_not_a_claim_of_it(papers: dict[str, Paper]) -> None:
    sizes = [f for f in papers["googlenet"].findings if f.column == "output size"]
    assert [f.compared for f in sizes if f.row == "convolution"] == [("h", "w")] * 2
    assert [f.compared for f in sizes if f.row == "linear"] == [("h", "w")]
    assert all(f.compared == ("h", "w", "c") for f in sizes if f.row.startswith(("inception", "max pool")))
    assert len([f for f in sizes if f.row.startswith("inception")]) == len(MODULES)


# ------------------------------------------------------------------------------------ shared tables


def test_a_cell_that_several_variants_share_is_counted_once(papers: dict[str, Paper]) -> None:
    places = [(f.span.line, f.span.start) for f in papers["resnet"].findings]
    assert len(places) == len(set(places))
    (first,) = [f for f in papers["resnet"].findings if f.row == "conv1"]
    assert first.networks == (
        "resnet-18",
        "resnet-34",
        "resnet-50-v1",
        "resnet-101-v1",
        "resnet-152-v1",
    )


SHARED = """\
---
name: pair
input: 8x8x3
---
| layer | size | A | B |
|---|---|---|---|
| one | 8x8x16 | 16 | {b} |
| costs | | {macs} | 27,648 |

| variant | column | wide |
|---|---|---|
| a | A | 0 |
| a-wide | A | 1 |
| b | B | 0 |

```arch
match : {{column}}
size : {{h}}x{{w}}x{{c}} = output
{{}} | layer : costs -> total macs = {{}}
{{n}} -> conv 3x3 {{n * (1 + wide)}} same
```
"""


def test_a_shared_cell_is_right_only_if_it_is_right_for_all() -> None:
    right = audited(SHARED.format(b=16, macs="27,648"))
    assert cell(right, "one", "size").networks == ("a", "b")
    assert cell(right, "one", "size").verdict is AuditVerdict.agrees
    wrong = cell(audited(SHARED.format(b=24, macs="27,648")), "one", "size")
    assert (wrong.networks, wrong.verdict, wrong.note) == (("b",), AuditVerdict.differs, "not so for a")
    assert wrong.computed == Size((8, 8, 24))


def test_another_reading_of_the_same_cells_is_named() -> None:
    found = cell(audited(SHARED.format(b=16, macs="55,296")), "costs", "A")
    assert found.verdict_text == "agrees if read as a-wide"
    assert found.computed == 9 * 3 * 16 * 64
    assert found.note == "a-wide gives 55,296"
    assert found.alternative is None


# ------------------------------------------------------------------------------------ footnotes


def small(params: str, note: str = "") -> str:
    return f"""\
---
name: small
input: 8x8x3
---
| layer | c | params |
|---|---|---|
| conv | 16 | {params} |

```arch
params : {{}} = weights
conv -> conv 3x3 {{c}} same
```
{note}
"""


WHY = "\n[^why]: They counted something else.\n"


@pytest.mark.parametrize(
    ("params", "note", "status", "words"),
    [
        ("432", "", 0, "passed: every difference is explained"),
        ("433[^why]", WHY, 0, "They counted something else."),
        ("433", "", 1, "no footnote explains this difference"),
        ("432[^why]", WHY, 1, "a footnote explains a difference, and there is none"),
        ("many", "", 1, "cannot be evaluated"),
    ],
)
def test_the_exit_status_says_whether_every_difference_is_explained(
    params: str, note: str, status: int, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "small.md"
    path.write_text(small(params, note))
    result = archcalc("audit", str(path))
    assert (result.status, result.stderr) == (status, "")
    assert words in " ".join(result.stdout.split())


def test_a_budget_gates_ones_own_network(tmp_path: Path) -> None:
    claims = "\n| claim | published | computed |\n|---|---|---|\n| the budget | {} | macs(small) |\n"
    path = tmp_path / "small.md"
    path.write_text(small("432", claims.format("<=30K")))
    assert archcalc("audit", str(path)).status == 0
    path.write_text(small("432", claims.format("<=27K")))
    result = archcalc("audit", str(path))
    assert result.status == 1
    assert "<=27K is printed, 27,648 computed: differs by +2.4%" in result.stdout
    assert "at most 27,000" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audit",), "name what to audit, or ask for `--all`"),
        (("audit", "googlenet", "--all"), "name what to audit, or ask for `--all`"),
        (("audit", "--all", "--set", "width=2"), "`--all` audits the documents as they are"),
        (("audit", "googlenett"), "no network is called `googlenett`"),
        (("audit", "no/such.md"), "no/such.md"),
        (("audit", "plain-18"), "claims nothing of `plain-18`"),
        (("audit", "googlenet", "--input", "big"), "`big` is not an input size"),
        (("audit", "googlenet", "--set", "widht=2"), "no variable `widht`"),
    ],
)
def test_wrong_usage_is_told_once_with_status_2(arguments: tuple[str, ...], words: str) -> None:
    result = archcalc(*arguments)
    assert (result.status, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


# ------------------------------------------------------------------------------------ one network


def test_one_network_of_a_document_is_audited_by_its_name() -> None:
    outlines = library.networks(library.folder() / "resnet.md")
    (chosen,) = [o for o in outlines if o.name == "resnet-50"]
    paper = audit_network(chosen, outlines)
    assert {f.kind for f in paper.findings} == {"cell", "total", "claim"}
    assert [f.published for f in paper.findings if f.kind == "total"] == ["3.8x10^9"]
    assert all("resnet-50" in f.networks for f in paper.findings)
    assert paper.summary.failing == 0


def test_other_settings_are_audited_as_they_are_asked_for() -> None:
    result = archcalc("audit", "mobilenet-v2", "--set", "width=2", "--format", "json")
    found = json.loads(result.stdout)
    (paper,) = found["papers"]
    assert (paper["audited"], paper["scope"]) == ("mobilenet-v2", "width = 2")
    sizes = [f for f in paper["findings"] if f["row"] == "bottleneck" and f["column"] == "Input"]
    assert sizes[0]["computed"] == [112, 112, 64]
    assert sizes[0]["verdict"] == "differs by +100.0%"
    assert result.status == 1


def test_a_network_of_which_nothing_is_claimed_is_no_success() -> None:
    outlines = library.networks(library.folder() / "resnet.md")
    (chosen,) = [o for o in outlines if o.name == "plain-18"]
    with pytest.raises(ArchcalcError, match="claims nothing"):
        audit_network(chosen, outlines)


# ------------------------------------------------------------------------------------ synthetic tables

READINGS = [
    (metric, kilo, rounding)
    for metric in ("weights", "params")
    for kilo in (1000, 1024)
    for rounding in ("nearest", "truncated", "up")
]
PLAIN = READINGS[0]


def tenths(value: int, kilo: int, rounding: str) -> set[int]:
    """What may be printed for `value` in tenths of K; a tie may be rounded either way."""
    exact = Fraction(10 * value, kilo)
    if rounding == "nearest":
        return {floor(exact + Fraction(1, 2)), ceil(exact - Fraction(1, 2))}
    return {floor(exact) if rounding == "truncated" else ceil(exact)}


def departures(reading: tuple[str, int, str]) -> int:
    return sum(a != b for a, b in zip(reading, PLAIN, strict=True))


def convolutions(widths: list[int], figures: list[int]) -> str:
    rows = "\n".join(f"| conv | {c} | {f // 10}.{f % 10}K |" for c, f in zip(widths, figures, strict=True))
    return f"""\
---
name: synthetic
input: 16x16x3
---
| layer | c | params |
|---|---|---|
{rows}

```arch
params : {{}} = weights
conv -> conv 3x3 {{c}} same bias
```
"""


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9), planted=st.sampled_from(READINGS), wrong=st.integers(0, 2))
def test_a_planted_convention_is_inferred_in_spite_of_noise(
    seed: int, planted: tuple[str, int, str], wrong: int
) -> None:
    chance = random.Random(seed)
    widths = [chance.randint(10, 300) for _ in range(14)]
    inputs = [3, *widths[:-1]]
    values = [{"weights": 9 * a * b, "params": 9 * a * b + b} for a, b in zip(inputs, widths, strict=True)]
    metric, kilo, rounding = planted
    figures = [max(tenths(v[metric], kilo, rounding)) for v in values]
    noise = set(chance.sample(range(14), wrong))
    figures = [f + chance.randint(40, 90) if i in noise else f for i, f in enumerate(figures)]
    scores = {
        r: sum(f in tenths(v[r[0]], r[1], r[2]) for f, v in zip(figures, values, strict=True)) - departures(r)
        for r in READINGS
    }
    assume(all(scores[planted] > score for r, score in scores.items() if r != planted))
    paper = audited(convolutions(widths, figures))
    (column,) = paper.columns
    reading = column.inference.reading
    assert (reading.metric, reading.convention.kilo, reading.convention.rounding) == planted
    for i, finding in enumerate(paper.findings):
        if i not in noise:  # an interval contains what was rounded into it
            assert finding.verdict is AuditVerdict.agrees
        if finding.verdict is not AuditVerdict.differs:
            assert finding.suggestions == ()


WIDTHS = [32, 48, 80, 64, 112, 96]


def costed(widths: list[int], at: int, params: int, ops: int) -> str:
    rows = []
    for i, (a, b) in enumerate(zip([3, *widths], widths, strict=False)):
        own = 9 * a * b
        figures = (params, ops) if i == at else (own, own * 256)
        rows.append(f"| conv {i} | 3x3 | {b} | {figures[0]:,} | {figures[1]:,} |")
    return """\
---
name: synthetic
input: 16x16x3
---
| layer | kernel | c | params | ops |
|---|---|---|---|---|
{}

```arch
params : {{}} = weights
ops    : {{}} = macs
conv … -> conv {{kernel}} {{c}} same
```
""".format("\n".join(rows))


def suggestions(text: str, row: str) -> list[tuple[str, str]]:
    found = [f for f in audited(text).findings if f.row == row and f.verdict is AuditVerdict.differs]
    assert {f.column for f in found} == {"params", "ops"}
    assert found[0].suggestions == found[1].suggestions
    assert all(s.fits == ("params", "ops") for s in found[0].suggestions)
    return [(s.kind, s.change) for s in found[0].suggestions]


@settings(max_examples=25, deadline=None)
@given(at=st.integers(1, 5), steps=st.integers(1, 12))
def test_planted_input_channels_are_found(at: int, steps: int) -> None:
    before = WIDTHS[at - 1]
    assume(16 * steps != before and steps <= 4 * before // 16)
    wrong = 9 * 16 * steps * WIDTHS[at]
    found = suggestions(costed(WIDTHS, at, wrong, wrong * 256), f"conv {at}")
    assert ("input", f"{16 * steps} input channels instead of {before}") in found


@pytest.mark.parametrize("multiplier", [1, 2, 4, 8])
@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_planted_separable_convolution_is_found(multiplier: int, at: int) -> None:
    a, b = [3, *WIDTHS][at], WIDTHS[at]
    wrong = 9 * a * multiplier + a * multiplier * b
    found = suggestions(costed(WIDTHS, at, wrong, wrong * 256), f"conv {at}")
    assert any(kind == "separable" and f"multiplier {multiplier} " in change for kind, change in found)


@pytest.mark.parametrize("kernel", [1, 5, 7])
@pytest.mark.parametrize("at", [0, 3])
def test_a_planted_kernel_is_found(kernel: int, at: int) -> None:
    wrong = kernel * kernel * [3, *WIDTHS][at] * WIDTHS[at]
    found = suggestions(costed(WIDTHS, at, wrong, wrong * 256), f"conv {at}")
    assert ("kernel", f"a {kernel}x{kernel} kernel instead of 3x3") in found


@pytest.mark.parametrize("groups", [2, 4])
def test_planted_groups_are_found(groups: int) -> None:
    wrong = 9 * 112 * 96 // groups
    found = suggestions(costed(WIDTHS, 5, wrong, wrong * 256), "conv 5")
    assert ("groups", f"{groups} groups") in found


def test_an_inner_width_is_found_and_no_outer_one() -> None:
    rows = "".join(f"| block {i} | {r} | 64 | {{{i}}} |\n" for i, r in enumerate((16, 32, 48, 32)))
    text = (
        "---\nname: blocks\ninput: 16x16x64\n---\n| layer | reduce | c | params |\n|---|---|---|---|\n"
        + rows
        + "\n```arch\nparams : {{}} = weights\nblock … -> conv 1x1 {{reduce}} > conv 3x3 {{c}} same\n```\n"
    )
    own = [64 * r + 9 * r * 64 for r in (16, 32, 48, 32)]
    own[1] = 64 * 64 + 9 * 64 * 64
    paper = audited(text.format(*own))
    (found,) = [f for f in paper.findings if f.verdict is AuditVerdict.differs]
    kinds = {s.kind: s.change for s in found.suggestions}
    assert kinds["width"] == "64 channels instead of 32 in conv_1"


def test_a_stride_is_found_where_the_printed_grid_asks_for_it() -> None:
    text = """\
---
name: strided
input: 16x16x16
---
| layer | output | ops |
|---|---|---|
| conv | 8x8x32 | 294,912 |

```arch
output : {h}x{w}x{c} = output
ops    : {} = macs
conv -> conv 3x3 {c} same
```
"""
    found = cell(audited(text), "conv", "ops")
    assert found.computed == 9 * 16 * 32 * 256
    assert ("stride", "stride 2 instead of 1") in [(s.kind, s.change) for s in found.suggestions]


def test_figures_that_nothing_explains_are_left_alone() -> None:
    prime = 1_000_003
    assert suggestions(costed(WIDTHS, 3, prime, prime * 256), "conv 3") == []


def test_a_change_that_spoils_an_agreeing_figure_is_no_explanation() -> None:
    own = 9 * 80 * 64
    separable = 9 * 80 + 80 * 64
    paper = audited(costed(WIDTHS, 3, separable, own * 256))
    found = cell(paper, "conv 3", "params")
    assert found.suggestions == ()
    assert "contradict each other" in found.note
    assert cell(paper, "conv 3", "ops").verdict is AuditVerdict.agrees


# ------------------------------------------------------------------------------------ output

FIELDS = {
    "file", "line", "position", "row", "column", "published", "interval", "computed", "convention",
    "verdict", "relative_difference", "explanation", "kind", "networks", "metric", "compared", "outcome",
    "condition", "interval_if", "note", "suggestions", "fault", "source", "cause", "readings",
}  # fmt: skip


def test_json_holds_every_field_of_every_finding() -> None:
    result = archcalc("audit", "googlenet", "--format", "json")
    assert result.status == 0
    found = json.loads(result.stdout)
    assert (found["schema"], found["passed"]) == (2, True)
    (paper,) = found["papers"]
    assert all(set(f) == FIELDS for f in paper["findings"])
    (first,) = [f for f in paper["findings"] if f["published"] == "2.7K" and f["kind"] == "cell"]
    source = (library.folder() / "googlenet.md").read_text().split("\n")[first["line"] - 1]
    assert source[first["position"] - 1 :].startswith("2.7K")
    assert first["file"] == "specs/googlenet.md"
    assert first["interval"] == [2713.6, 2816]
    assert (first["computed"], first["verdict"]) == (9408, "differs by +240.3%")
    assert first["relative_difference"] == pytest.approx((9408 - 2.7 * 1024) / (2.7 * 1024))
    assert first["suggestions"][0]["values"] == {"weights": 2712, "macs": 34_019_328}
    assert found["summary"] == paper["summary"]
    assert sum(v for k, v in paper["summary"].items() if k != "checked") == paper["summary"]["checked"]


def test_csv_holds_numbers_and_markdown_words() -> None:
    rows = list(csv.DictReader(io.StringIO(archcalc("audit", "googlenet", "--format", "csv").stdout)))
    (first,) = [r for r in rows if r["published"] == "2.7K" and r["column"] == "params"]
    assert (first["computed"], float(first["low"]), first["high"]) == ("9408", 2713.6, "2816")
    text = archcalc("audit", "googlenet", "--format", "markdown").stdout
    assert "differs by +240.3%" in text
    assert text.startswith("| paper")


def test_all_has_a_line_for_each_paper_and_one_for_all() -> None:
    result = archcalc("audit", "--all")
    assert result.status == 0
    lines = result.stdout.splitlines()
    for name in SHIPPED:
        assert any(line.split()[:1] == [name] for line in lines)
    total = next(line.split()[1:] for line in lines if line.split()[:1] == ["all"])
    rows = [line.split()[1:] for line in lines if line.split() and line.split()[0] in SHIPPED]
    counts = [[int(x) for x in row[:6]] for row in rows]
    assert [int(x) for x in total[:6]] == [sum(column) for column in zip(*counts, strict=True)]
    others = [[int(x) for x in row[6].split("/")] for row in rows if len(row) > 6]
    assert [int(x) for x in total[6].split("/")] == [sum(column) for column in zip(*others, strict=True)]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", SHIPPED)
def test_reports_fit_80_columns_and_give_every_verdict_in_words(name: str) -> None:
    result = archcalc("audit", str(library.folder() / f"{name}.md"))
    assert result.status == 0
    long = [line for line in result.stdout.splitlines() if len(line) > 80]
    assert all(len(line.split()) == 1 or len(line) < 100 for line in long), long


def test_the_audit_of_everything_imports_nothing_heavy() -> None:
    code = (
        "import sys; from archcalc import cli; status = cli.run(['audit', '--all']); "
        "heavy = {'torch', 'numpy', 'pandas', 'fvcore', 'matplotlib'} & set(sys.modules); "
        "sys.exit(status or (f'imported {heavy}' if heavy else 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("audit_googlenet", ("googlenet",), 0),
        ("audit_resnet_50", ("resnet-50",), 0),
        ("audit_all", ("--all",), 0),
    ],
)
def test_output_is_as_stored(
    name: str, arguments: tuple[str, ...], status: int, request: pytest.FixtureRequest
) -> None:
    result = archcalc("audit", *arguments)
    assert (result.status, result.stderr) == (status, "")
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--overwrite"):
        path.write_text(result.stdout, encoding="utf-8")
    assert result.stdout == path.read_text(encoding="utf-8")
