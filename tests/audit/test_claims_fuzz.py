"""Claims and footnotes of any text: an answer or an error with its place, never a crash."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.audit import Known, Outcome, Paper, audit
from archcalc.document import document
from archcalc.errors import SpecError
from archcalc.spec import outline

TABLE = """\
---
name: small
input: 8x8x3
width: 2
---
| layer | c | size |
|---|---|---|
| conv | 2 | 8x8x2[^note] |
| conv | 4 | 8x8x4 |

```arch
size : {h}x{w}x{c} = output
conv -> conv 3x3 {c * width // 2} same
```

"""
PIECES = st.sampled_from(
    [
        "macs(small)", "output(small)", "weights(small, row=conv_1, in=5)", "small", "width", "first a", "a",
        "in=", "row=", "(", ")", " x ", " * ", " / ", " - ", "1", "0", "2.5", "1e9", "8x8x2", "`", "= ", ";",
        "K = 1024", "truncated", ",", "stem: dense", "|", "-", "12x", "<5", "about 5", "28%", "é", "\\", '"',
        "intensity(small)", "field(small)", "output(small, row=conv_1, in=9)", "max(1, 2)", "1/4", "650,000",
    ]
)  # fmt: skip
TEXT = st.lists(PIECES, max_size=5).map("".join)
KNOWN = Known()


def answered(text: str) -> Paper | None:
    """The audit of a document; None where it is refused at a place."""
    try:
        parsed = document.parse(text)
        return audit(parsed, outline.networks(parsed), KNOWN)
    except SpecError as fault:
        if fault.span is None:
            raise
        return None


def test_the_document_itself_is_answered() -> None:
    paper = answered(TABLE.replace("[^note]", ""))
    assert paper is not None
    assert paper.summary.agreeing == 2


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT), min_size=1, max_size=4),
    note=TEXT,
    header=st.sampled_from(
        ["claim | published | computed | reading | given | source", "claim | a | b = a * 2 | c | d | e"]
    ),
)
def test_any_text_is_answered_or_refused_with_its_place(
    rows: list[tuple[str, ...]], note: str, header: str
) -> None:
    lines = [f"| {header} |", "|" + "---|" * 6, *("| " + " | ".join(row) + " |" for row in rows)]
    text = TABLE + "\n".join(lines) + f"\n\n[^note]: so `= {note}`\n"
    paper = answered(text)
    if paper is None:
        return
    for finding in paper.findings:
        assert finding.outcome in Outcome
        assert (finding.outcome is Outcome.failing) == bool(finding.fault)
    total = paper.summary + paper.elsewhere
    unprinted = sum(f.outcome is Outcome.unprinted for f in paper.findings)
    assert total.checked == len(paper.findings) - unprinted
