"""A claims table is read with its places, and what is wrong with one is said where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.audit import AuditVerdict, Finding, audit
from archcalc.document import document
from archcalc.errors import SpecError
from archcalc.metrics import METRICS, SHAPES
from archcalc.spec import arithmetic, claims, outline, queries
from archcalc.spec.arithmetic import Reference, Size
from archcalc.spec.inputs import InputSize

NETWORK = """\
---
name: my-net
aliases: [mine]
input: 32x32x3
classes: 10
---
| layer | c |
|---|---|
| conv, first | 64 |
| conv, again | 128 |
| pool | |
| pool | |
| classifier | |

```arch
conv, … -> conv 3x3/2 {c} same bn relu
pool -> maxpool 2x2/2
classifier -> linear {classes}
probe -> avgpool 4x4/4 > linear 5
```

| head | from |
|---|---|
| probe | conv, again |
"""
HEADER = "| claim | published | computed | reading |\n|---|---|---|---|\n"


def text(*rows: str, header: str = HEADER) -> str:
    return NETWORK + "\n" + header + "\n".join(f"| {row} |" for row in rows) + "\n"


def findings(*rows: str, file: str = "<text>") -> list[Finding]:
    parsed = document.parse(text(*rows), file)
    return list(audit(parsed, outline.networks(parsed)).findings)


def finding(published: str, computed: str, reading: str = "") -> Finding:
    (found,) = findings(f"a sentence | {published} | {computed} | {reading}")
    return found


CONV_1, CONV_2, LINEAR = 27 * 64, 9 * 64 * 128, 2 * 2 * 128 * 10


def test_a_row_becomes_a_claim_with_its_places() -> None:
    parsed = document.parse(
        text("a bound | <=1.5G[^why] | 2 * macs(my-net) | FLOPs") + "\n[^why]: so.\n", "mine.md"
    )
    (claim,) = claims.read(parsed)
    (reading,) = claim.readings
    assert (claim.sentence, claim.published.text, reading.words) == ("a bound", "<=1.5G", "FLOPs")
    assert claim.published.footnotes == ("why",)
    assert reading.text == "2 * macs(my-net)"
    (reference,) = arithmetic.references(reading.parts[0])
    assert isinstance(reference, Reference)
    assert (reference.metric, reference.target) == ("macs", "my-net")
    line = parsed.sections[0].tables[2].row_spans[0].line
    assert claim.span.line == claim.published.span.line == reference.span.line == line
    assert reference.span.source[reference.span.start : reference.span.end] == "macs(my-net)"


def test_a_document_may_hold_several_claims_tables_or_none() -> None:
    assert claims.read(document.parse(NETWORK)) == ()
    two = text("a | 1 | 1 |") + "\nand\n\n" + HEADER + "| b | 2 | 2 | |\n"
    assert [c.sentence for c in claims.read(document.parse(two))] == ["a", "b"]


@pytest.mark.parametrize(
    ("header", "row", "message", "marked"),
    [
        ("| claim | printed | computed |", "| a | 1 | 1 |", "no column `printed`", "printed"),
        ("| claim | published | computed | computed |", "| a | 1 | 1 | 1 |", "second column", "computed"),
        ("| claim | published |", "| a | 1 |", "no column `computed`", "| claim | published |"),
        ("| claim | published | computed |", "| a | 1 |", "this row has 2 cells, the header 3", None),
        ("| claim | published | computed |", "| a | | 1 |", "the published is blank", " "),
        ("| claim | published | computed |", "| | 1 | 1 |", "the claim is blank", " "),
        ("| claim | published | computed |", "| a | 1 | macs( |", "`(` does not belong here", "("),
        ("| claim | published | computed |", "| a | 1 | 2 ** 3 |", "`*` does not belong here", "*"),
    ],
)
def test_a_broken_table_says_what_is_wrong_and_where(
    header: str, row: str, message: str, marked: str | None
) -> None:
    rule = "|" + "---|" * (header.count("|") - 1)
    parsed = document.parse(f"{NETWORK}\n{header}\n{rule}\n{row}\n", "mine.md")
    with pytest.raises(SpecError) as caught:
        claims.read(parsed)
    assert message in caught.value.message
    span = caught.value.span
    assert span is not None
    assert span.file == "mine.md"
    if marked is not None:
        assert span.source[span.start : span.end].startswith(marked)


# ------------------------------------------------------------------------------------- references


def reference(target: str, metric: str = "macs") -> Reference:
    parsed = document.parse(text("x | 1 | 1 |"))
    return Reference(metric, target, claims.read(parsed)[0].span)


def test_a_reference_is_taken_apart() -> None:
    query = queries.parse(reference("my-net, row=conv, first, heads=1, input=3x64x64, batch=2, width=1.5"))
    assert (query.metric, query.network, query.row) == ("macs", "my-net", "conv, first")
    assert (query.heads, query.input, query.batch) == (True, InputSize((3, 64, 64)), 2)
    assert [(n, str(v)) for n, v in query.settings] == [("width", "3/2")]
    assert queries.parse(reference("a, input=151, precision=bf16, fused=1")).input == 151


@pytest.mark.parametrize(
    ("metric", "target", "message"),
    [
        ("parms", "my-net", "no metric is called `parms`"),
        ("macs", "", "this names no network"),
        ("macs", "row=conv", "this names no network"),
        ("macs", "my-net, conv", "`conv` is no `key=value`"),
        ("macs", "my-net, row=", "`row` has no value"),
        ("macs", "my-net, heads=1, heads=0", "`heads` is given twice"),
        ("macs", "my-net, heads=yes", "`heads=yes`"),
        ("macs", "my-net, input=big", "`big` is not an input size"),
        ("macs", "my-net, batch=0", "`batch=0` is no number of images"),
    ],
)
def test_a_wrong_reference_is_told(metric: str, target: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        queries.parse(reference(target, metric))
    assert message in caught.value.message


def test_a_near_metric_is_suggested() -> None:
    with pytest.raises(SpecError) as caught:
        queries.parse(reference("my-net", "parms"))
    assert "`params`" in caught.value.hint


# ------------------------------------------------------------------------------------- evaluation


@pytest.mark.parametrize(
    ("computed", "value"),
    [
        ("weights(my-net)", CONV_1 + CONV_2 + LINEAR),
        ("weights(mine)", CONV_1 + CONV_2 + LINEAR),
        ("params(my-net)", CONV_1 + 2 * 64 + CONV_2 + 2 * 128 + LINEAR),
        ("macs(my-net)", CONV_1 * 16 * 16 + CONV_2 * 8 * 8 + LINEAR),
        ("flops(my-net) / macs(my-net)", 2),
        ("macs(my-net, batch=3) / macs(my-net)", 3),
        ("weights(my-net, row=conv, again)", CONV_2),
        ("weights(my-net, row=conv_again.conv)", CONV_2),
        ("weights(my-net, row=classifier)", LINEAR),
        ("weights(my-net, heads=1) - weights(my-net)", 2 * 2 * 128 * 5),
        ("weights(my-net, row=probe)", 2 * 2 * 128 * 5),
        ("weights(my-net, row=probe.linear)", 2 * 2 * 128 * 5),
        ("macs(my-net, row=conv, first, input=64)", CONV_1 * 32 * 32),
        ("depth(my-net)", 3),
        ("layers(my-net, row=conv, first)", 1),
        ("depth_with_pools(my-net)", 5),
        ("height(my-net, row=conv, again)", 8),
        ("width(my-net, row=conv, again)", 8),
        ("channels(my-net, row=conv, again)", 128),
        ("channels(my-net, row=conv_first.bn)", 64),
        ("activations(my-net, row=conv, first)", 16 * 16 * 64),
        ("field(my-net, row=conv, again)", 3 + 2 * 2),
        ("traffic(my-net, row=classifier)", 4 * (2 * 2 * 128 + LINEAR + 10)),
        ("traffic(my-net, row=classifier, precision=bf16)", 2 * (2 * 2 * 128 + LINEAR + 10)),
        ("max(classes, 3) * 7", 70),
        ("weights(googlenet, row=inception (3a))", 163328),
        ("macs(googlenet, row=inception_3a.branch_1)", 192 * 64 * 28 * 28),
        ("params(mobilenet-v2, width=1.4)", 6_108_776),
    ],
)
def test_expressions_come_to_what_the_arithmetic_says(computed: str, value: int) -> None:
    found = finding(f"{value:,}" if value > 999 else str(value), computed)
    assert found.computed == value
    assert found.verdict is AuditVerdict.agrees


def test_shapes_are_compared_as_papers_print_them() -> None:
    whole = finding("8x8x128", "output(my-net, row=conv, again)")
    assert (whole.verdict, whole.computed, whole.compared) == (
        AuditVerdict.agrees,
        Size((8, 8, 128)),
        ("h", "w", "c"),
    )
    assert finding("8×8", "output(my-net, row=conv, again)").verdict is AuditVerdict.agrees
    assert finding("16x16x64", "input(my-net, row=conv, again)").verdict is AuditVerdict.agrees
    wrong = finding("8x8x64", "output(my-net, row=conv, again)")
    assert (wrong.verdict, wrong.difference) == (AuditVerdict.differs, 1)


@pytest.mark.parametrize(
    ("published", "computed", "message"),
    [
        ("5", "params(my-ned)", "no network is called `my-ned`"),
        ("5", "params(no/such.md)", "no file"),
        ("5", "params(my-net, row=classifer)", "no row or layer `classifer`"),
        ("5", "params(my-net, row=pool)", "2 rows `pool`"),
        ("5", "params(my-net, depth=3)", "no variable `depth`"),
        ("5", "peak(my-net, row=conv_first.conv)", "`peak` is a figure of rows and networks"),
        ("5", "macs", "`macs` is no figure"),
        ("5", "traffic(my-net, precision=fp31)", "no precision is called `fp31`"),
        ("5", "parms(my-net)", "no metric is called `parms`"),
        ("5", "1 / 0", "divides by zero"),
        ("5", "output(my-net) + 1", "is a size, not a number"),
        ("5", "output(my-net)", "compared with a shape"),
        ("8x8", "macs(my-net)", "compared with a number"),
        ("lots", "macs(my-net)", "`lots` is no figure"),
        ("1,50", "macs(my-net)", "groups of three digits"),
    ],
)
def test_what_cannot_be_evaluated_fails_with_its_reason(published: str, computed: str, message: str) -> None:
    found = finding(published, computed)
    assert found.verdict is AuditVerdict.failed
    assert message in found.fault
    assert found.computed is None


def test_one_bad_claim_hides_no_other() -> None:
    bad, good = findings("a | 5 | params(nowhere) |", "b | 3 | depth(my-net) |")
    assert (bad.verdict, good.verdict) == (AuditVerdict.failed, AuditVerdict.agrees)


def test_a_network_of_the_document_comes_before_a_shipped_one_and_files_stand_beside_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "other.md").write_text(NETWORK.replace("my-net", "other").replace("| 64 |", "| 32 |"))
    own = tmp_path / "own.md"
    own.write_text(
        text(
            "x | 1 | channels(googlenet, row=conv, first) |", "y | 1 | channels(other.md, row=conv, first) |"
        ).replace("name: my-net", "name: googlenet")
    )
    parsed = document.parse(own.read_text(), str(own))
    found = audit(parsed, outline.networks(parsed)).findings
    assert [f.computed for f in found] == [64, 32]


# ------------------------------------------------------------------------------- bounds and K


@pytest.mark.parametrize(
    ("published", "computed", "reading", "words"),
    [
        ("<=3", "depth(my-net)", "", "agrees"),
        ("<3", "depth(my-net)", "", "differs by 0%"),
        (">2", "depth(my-net)", "", "agrees"),
        ("<=1.5G", "macs(my-net)", "", "agrees"),
        ("<=1M", "macs(my-net) * 10", "", "differs"),
        ("1K", "1024", "K = 1024", "agrees"),
        ("1.00K", "1024", "", "agrees if K = 1024"),
        ("1.02K", "1024", "", "agrees"),
        ("1.58", "1.589", "", "agrees if truncated"),
        ("1", "1.9", "", "differs by +90.0%"),  # a single digit that was cut covers a factor of two
        ("about 30", "27", "", "agrees"),
        ("about 30", "26.9", "", "differs by -10.3%"),
        ("28%", "7 / 25", "", "agrees"),
        ("1/4", "0.25", "", "agrees"),
        ("0", "1", "", "differs"),
    ],
)
def test_figures_are_intervals(published: str, computed: str, reading: str, words: str) -> None:
    assert finding(published, computed, reading).verdict_text.startswith(words)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_told_of_a_network_and_of_a_row(metric: str) -> None:
    shape = metric in SHAPES
    for target in ("my-net", "my-net, row=conv, again"):
        found = finding("2x3" if shape else "-1", f"{metric}({target})")
        assert found.verdict is AuditVerdict.differs
        assert isinstance(found.computed, Size) == shape
        assert shape or found.computed > 0
