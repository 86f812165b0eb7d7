"""What a table does not print where it is needed: `{next c}`, `append`, and side heads inside a row."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.errors import SpecError

INPUTS = """---
name: printed-inputs
input: 32x32x3
---
| type | kernel | input size |
|---|---|---|
| conv | 3x3/2 | 32x32x3 |
| conv | 3x3/1 | 16x16x8 |
| modules | | 16x16x24 |
| linear | | 1x1x24 |

```arch
kernel     : {k}/{s}
input size : {h}x{w}x{c} = input
default conv : same

conv    -> conv {k}/{s} {next c}
twin    = concat[ conv 3x3 8 | conv 1x1 16 ]
modules -> 3 x twin > avgpool global
linear  -> linear 10
```
"""


def shapes(text: str, heads: bool = False) -> list[tuple[int, ...]]:
    return [tuple(row.output) for row in archcalc.loads(text).counts(heads=heads).rows]


def test_a_row_gives_what_the_next_one_reads() -> None:
    assert shapes(INPUTS) == [(8, 16, 16), (24, 16, 16), (24, 1, 1), (10,)]


def test_what_was_read_ahead_is_used_by_the_row_that_prints_it() -> None:
    used = [row.origin.built_from for row in archcalc.loads(INPUTS).graph().rows]
    assert used == [frozenset(), {"c"}, {"c"}, frozenset()]


def test_a_next_row_may_be_blank_there() -> None:
    text = INPUTS.replace("| modules | | 16x16x24 |", "| modules | | |")
    # no width, no layer: and a row that builds nothing is an error with its place
    with pytest.raises(SpecError, match="the row `conv` builds no layer") as caught:
        shapes(text)
    assert caught.value.span is not None
    assert caught.value.span.line == 8


def test_the_last_row_has_no_next() -> None:
    text = INPUTS.replace("linear  -> linear 10", "linear  -> linear {next c}")
    with pytest.raises(SpecError, match="no column, capture or variable is called `next c`") as caught:
        shapes(text)
    assert "in the row `linear`" in str(caught.value)


def test_next_reads_another_column_of_its_own() -> None:
    text = """---
name: t
input: 8x8x3
---
| type | maps |
|---|---|
| conv | 4 |
| conv | 6 |
| pool | 7 |

```arch
conv -> conv 1x1 {next maps}
pool -> avgpool global
```
"""
    assert shapes(text) == [(6, 8, 8), (7, 8, 8), (7, 1, 1)]


# -- append ----------------------------------------------------------------------------------------

SHORT = """---
name: short
input: 8x8x3
---
| type | size | depth |
|---|---|---|
| conv | 3x3 | 1 |
| pool | | 0 |

```arch
depth : {} = depth
conv  -> conv {size} 16 same
pool  -> avgpool global
append : linear, softmax
linear  -> linear 10
softmax -> softmax
```
"""


def test_appended_rows_stand_behind_the_table_s_and_claim_nothing() -> None:
    network = archcalc.loads(SHORT)
    rows = network.counts().rows
    assert [row.row.label for row in rows] == ["conv", "pool", "linear", "softmax"]
    assert rows[-1].output == (10,)
    assert [len(row.claims) for row in network.spec.rows] == [1, 1, 0, 0]


def test_an_extension_inherits_or_replaces_what_is_appended() -> None:
    text = SHORT + "\n## kept\n```arch\nextends : short\nlinear -> linear 20\n```\n"
    text += "\n## bare\n```arch\nextends : short\nappend : linear\n```\n"
    assert archcalc.loads(text, "kept").counts().rows[-1].output == (20,)
    assert [r.row.label for r in archcalc.loads(text, "bare").counts().rows] == ["conv", "pool", "linear"]


def test_an_appended_row_needs_a_rule() -> None:
    text = SHORT.replace("append : linear, softmax", "append : linear, softmix").replace(
        "softmax -> softmax", ""
    )
    with pytest.raises(SpecError, match="no rule reads `softmix`") as caught:
        archcalc.loads(text)
    assert caught.value.span is not None
    assert caught.value.span.line == 14


def test_append_names_something() -> None:
    with pytest.raises(SpecError, match="`append` names nothing"):
        archcalc.loads(SHORT.replace("append : linear, softmax", "append :"))


def test_an_appended_blank_is_an_error() -> None:
    with pytest.raises(SpecError, match="the cell that the rules read is blank"):
        archcalc.loads(SHORT.replace("append : linear, softmax", "append : linear,"))


# -- side heads ------------------------------------------------------------------------------------


def with_head(source: str) -> str:
    return (
        INPUTS.replace("linear  -> linear 10", "linear  -> linear 10\naux -> conv 1x1 5")
        + f"\n| head | from |\n|---|---|\n| aux | {source} |\n"
    )


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        ("modules", (5, 1, 1)),  # the row's output
        ("modules.twin_3", (5, 16, 16)),  # a block of it: its concat
        ("Modules.Twin_1", (5, 16, 16)),
        ("modules.twin_2.branch_1", (5, 16, 16)),
        ("modules.avgpool", (5, 1, 1)),
    ],
)
def test_a_side_head_reads_a_row_or_a_place_in_it(source: str, shape: tuple[int, ...]) -> None:
    network = archcalc.loads(with_head(source))
    assert network.counts(heads=True).rows[-1].output == shape
    assert len(network.counts().rows) == 4


def test_a_side_head_reads_the_block_s_own_output() -> None:
    graph = archcalc.loads(with_head("modules.twin_2")).graph(heads=True)
    head = graph.rows[-1]
    assert graph.nodes[head.source].name == "modules.twin_2.concat"
    assert graph.nodes[head.nodes[0]].inputs == (head.source,)
    assert graph.nodes[head.source].shape == (24, 16, 16)


def test_a_place_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SpecError, match="the row `modules` holds no `twin_4`") as caught:
        archcalc.loads(with_head("modules.twin_4")).graph(heads=True)
    assert "twin_3" in caught.value.hint
    assert caught.value.span is not None
    assert caught.value.span.source[caught.value.span.start :].startswith("modules.twin_4")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("module", "no row is called `module`"),
        ("module.twin_1", "no row is called `module.twin_1`"),
        ("modules twin_1", "no row is called `modules twin_1`"),
        ("conv", "2 rows are called `conv`"),
        ("conv.conv", "2 rows are called `conv.conv`"),
    ],
)
def test_a_row_that_is_not_there_or_not_alone_is_an_error(source: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        archcalc.loads(with_head(source))
