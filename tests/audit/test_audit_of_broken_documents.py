"""Documents that cannot be resolved or built fail their audit as they fail `table`; rows with shortcuts, side
heads with figures and text under a bare table are audited, not crashed on.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from console import archcalc

from archcalc.audit import AuditVerdict, audit, suspects
from archcalc.document import document
from archcalc.spec import library, outline

EXTENDS = "---\nname: mine\nextends: {}\n---\n"


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        ("googlenett", "did you mean `googlenet`"),
        ("mine", "`extends` goes round in a circle"),
        ("no/such.md", "no file"),
        ("/etc/passwd", "no front matter"),
        ("resnet", "is a family of networks"),
    ],
)
def test_a_parent_that_cannot_be_resolved_fails_as_in_table(parent: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.md"
    path.write_text(EXTENDS.format(parent))
    result = archcalc("audit", str(path))
    assert (result.status, result.stdout) == (2, "")
    assert words in result.stderr
    assert archcalc("table", str(path)).stderr == result.stderr


BESIDE = """\
---
name: small
input: 8x8x3
---
| layer | c | params |
|---|---|---|
| conv | 16 | 432 |

```arch
params : {{}} = weights
conv -> conv 3x3 {{c}} same
```

## other

```arch
extends : {parent}

conv -> conv 3x3 {{c}} {flag}
```
"""


@pytest.mark.parametrize(
    ("parent", "flag", "words"),
    [
        ("smal", "same", "no network is called `smal`"),
        ("small", "smae", "smae"),
        ("small", "groups=2", "groups"),
    ],
)
def test_a_second_network_that_cannot_be_built_fails_the_whole_audit(
    parent: str, flag: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "small.md"
    path.write_text(BESIDE.format(parent=parent, flag=flag))
    result = archcalc("audit", str(path))
    assert (result.status, result.stdout) == (2, "")
    assert words in result.stderr
    path.write_text(BESIDE.format(parent="small", flag="same"))
    assert archcalc("audit", str(path)).status == 0


PROJECTED = """\
---
name: projected
input: 16x16x16
---
| layer | c | params | ops |
|---|---|---|---|
| block | 32 | {params} | {macs} |

```arch
params : {{}} = weights
ops    : {{}} = macs
block -> add[ conv 3x3/2 {{c}} same | project ]
```

[^why]: They counted something else.
"""


def test_a_row_with_a_projection_is_audited() -> None:
    own = 9 * 16 * 32 + 16 * 32
    parsed = document.parse(PROJECTED.format(params=f"{own:,}", macs=f"{own * 64:,}") + "[^why]\n")
    paper = audit(parsed, outline.networks(parsed))
    assert {f.verdict for f in paper.findings} == {AuditVerdict.agrees}


def test_a_changed_kernel_beside_a_projection_is_suggested_and_the_projection_is_left_alone() -> None:
    wide = 25 * 16 * 32 + 16 * 32
    parsed = document.parse(PROJECTED.format(params=f"{wide:,}[^why]", macs=f"{wide * 64:,}[^why]"))
    paper = audit(parsed, outline.networks(parsed))
    for finding in paper.findings:
        assert finding.verdict is AuditVerdict.differs
        kinds = {s.kind: s.change for s in finding.suggestions}
        assert "a 5x5 kernel instead of 3x3" in kinds["kernel"]


HEADED = """\
---
name: headed
input: 16x16x16
---
| layer | c | params |
|---|---|---|
| conv | 32 | 4,608 |
| linear | 10 | |

```arch
params : {{}} = weights
conv   -> conv 3x3 {{c}} same
linear -> linear {{c}}
probe  -> conv 1x1 8 same
```

| head | from | params |
|---|---|---|
| probe | conv | {params} |

[^why]: They counted something else.
"""


def test_the_figures_of_a_side_head_are_audited() -> None:
    parsed = document.parse(HEADED.format(params="256") + "[^why]\n")
    (_, head) = audit(parsed, outline.networks(parsed)).findings
    assert (head.row, head.computed, head.verdict) == ("probe", 32 * 8, AuditVerdict.agrees)


def test_a_difference_in_a_side_head_is_searched_in_its_own_row() -> None:
    parsed = document.parse(HEADED.format(params=f"{9 * 32 * 8:,}[^why]"))
    (_, head) = audit(parsed, outline.networks(parsed)).findings
    assert (head.row, head.verdict) == ("probe", AuditVerdict.differs)
    assert "a 3x3 kernel instead of 1x1" in [s.change for s in head.suggestions]


@pytest.mark.parametrize("name", ["googlenet", "alexnet-torchvision", "resnet-50", "vgg-16"])
def test_text_right_under_a_bare_table_is_a_row_that_cannot_be_right(name: str, tmp_path: Path) -> None:
    table = library.find(name).table
    assert table is not None
    lines = [table.header, *table.rows[:2]]
    rows = ["| " + " | ".join(cell.text for cell in line) + " |" for line in lines]
    rows.insert(1, "|" + "---|" * len(table.header))
    text = "\n".join([*rows, "Some text right under it.", ""])
    match = suspects.alike(document.parse(text, "bare.md"))
    assert match is not None
    last = suspects.inspect(*match).suspects[-1]
    assert last.span.source == "Some text right under it."
    path = tmp_path / "bare.md"
    path.write_text(text)
    result = archcalc("audit", str(path))
    assert (result.status, result.stderr) == (1, "")
    assert "Some text right under it" in result.stdout
