"""Rows, their rules and conditions, items of cells, and what their cells claim."""

from __future__ import annotations

from written import build, channels, graph, ops, outlines, shapes, spec

import archcalc

# -- rows: rules, conditions, items, merged cells --------------------------------------------------


def test_the_first_rule_that_fits_reads_the_row() -> None:
    table = "| type |\n|---|\n| FC-1000 |\n| FC-64 |"
    made = graph(table, "FC-1000 -> linear 1000\nFC-{n} -> linear {n} relu")
    assert ops(made) == ["linear", "linear", "relu"]


def test_conditions_read_other_columns() -> None:
    table = "| type | name | n |\n|---|---|---|\n| conv | first | 3 |\n| conv | x7 | 5 |\n| conv | | 6 |"
    arch = (
        "conv | name : first -> conv 1x1 {n}\n"
        "conv | name : x{k} | n : {m} -> conv 1x1 {k+m}\n"
        "conv -> conv 1x1 {10*n}"
    )
    assert channels(graph(table, arch)) == [3, 12, 60]


def test_items_of_a_cell_are_chained() -> None:
    table = "| A |\n|---|\n| conv3-8 conv3-8 conv1-16 |\n| [1x1, 4; 3x3, 6] |\n| maxpool |"
    arch = "conv{k}-{c} -> conv {k}x{k} {c} same\n{k}, {c} -> conv {k} {c} same\nmaxpool -> maxpool 2x2/2"
    made = graph(table, arch)
    assert channels(made) == [8, 8, 16, 4, 6]
    assert [len(row.nodes) for row in made.rows] == [3, 2, 1]


def test_the_longest_item_wins() -> None:
    made = graph("| A |\n|---|\n| max pool max pool relu |", "max pool -> maxpool 2x2/2\nrelu -> relu")
    assert ops(made) == ["maxpool", "maxpool", "relu"]


MERGED = """---
name: family
input: 8x8x4
---
| layer | size | small | large |
|---|---|---|---|
| one | 8x8 | conv-3 | conv-5 |
| two | 4x4 | max pool |
| three | 1x1 | fc-7 | fc-9 |

| variant | column |
|---|---|
| net-s | small |
| net-l | large |

```arch
match : {column}
size : {h}x{w} = output
conv-{c} -> conv 3x3 {c} same
max pool -> maxpool 2x2/2
fc-{n}   -> linear {n}
```
"""


def test_variants_read_their_own_column_and_share_merged_cells() -> None:
    assert list(outlines(MERGED)) == ["net-s", "net-l"]
    assert shapes(build(MERGED, "net-s")) == [(3, 8, 8), (3, 4, 4), (7,)]
    assert shapes(build(MERGED, "net-l")) == [(5, 8, 8), (5, 4, 4), (9,)]
    assert [row.label for row in build(MERGED, "net-l").rows] == ["one", "two", "three"]


def test_label_names_the_rows() -> None:
    table = "| type | name |\n|---|---|\n| conv | c1 |\n| conv | c2 |"
    made = graph(table, "label : name\nconv -> conv 1x1 3")
    assert [(row.label, row.name) for row in made.rows] == [("c1", "c1"), ("c2", "c2")]


def test_match_reads_another_column() -> None:
    made = graph("| in | op |\n|---|---|\n| 8x8 | conv |", "match : op\nin : …\nconv -> conv 1x1 3")
    assert ops(made) == ["conv"]


def test_a_cell_may_name_a_variable() -> None:
    table = "| type | c |\n|---|---|\n| conv | k |\n| conv | middle |"
    arch, front = "conv -> conv 1x1 {c}", "input: 8x8x4\nk: 12\nmiddle: k"
    assert channels(graph(table, arch, front)) == [12, 12]
    assert channels(graph(table, arch, front, k=3)) == [3, 3]
    assert channels(graph(table, arch, front, middle=5)) == [12, 5]


def test_variables_of_the_input() -> None:
    table = "| type |\n|---|\n| conv |"
    front = 'input: "{grid}x{grid}x{width}"\ngrid: 6\nwidth: 4'
    assert graph(table, "conv -> conv 1x1 1", front).input == (4, 6, 6)
    assert graph(table, "conv -> conv 1x1 1", front, grid=3).input == (4, 3, 3)


# -- claims ----------------------------------------------------------------------------------------


CLAIMS = """
| type | output size | c | params |
|---|---|---|---|
| conv | 8x8x6 | | 24 |
| conv | 8x8x7 | 7 | 42[^n] |
| total | | | 66 |
"""
CLAIMS_ARCH = """
output size : {h}x{w}x{c} = output
params : {} = weights
conv -> conv 1x1 {c}
total | params : {p} -> total weights = {p}
"""


def test_a_claim_is_never_an_input_to_its_own_check() -> None:
    table = CLAIMS.replace("| c ", "| width ")
    arch = CLAIMS_ARCH.replace(
        "conv -> conv 1x1 {c}", "conv | width : {x} -> conv 1x1 {x}\nconv -> conv 1x1 {c}"
    )
    text = spec(table, arch) + "\n[^n]: a note\n"
    first, second = archcalc.loads(text).graph().rows
    assert first.origin.built_from == {"c"}  # the width came from the size cell: only its grid is checked
    assert second.origin.built_from == frozenset()


def test_a_column_of_its_own_goes_before_a_part_of_a_claim() -> None:
    text = spec(CLAIMS.replace("| 8x8x6 | |", "| 8x8x6 | 5 |"), CLAIMS_ARCH) + "\n[^n]: a note\n"
    made = archcalc.loads(text).graph()
    assert channels(made) == [5, 7]
    assert [row.origin.built_from for row in made.rows] == [frozenset(), frozenset()]


def test_claims_keep_what_is_printed_and_where() -> None:
    text = spec(CLAIMS.replace("| 8x8x6 | |", "| 8×8×6 | 6 |"), CLAIMS_ARCH) + "\n[^n]: a note\n"
    loaded = archcalc.loads(text).spec
    shape, params = loaded.rows[1].claims
    assert (shape.metric, dict(shape.parts)) == ("output", {"h": "8", "w": "8", "c": "7"})
    assert (params.metric, params.text, params.cell.raw) == ("weights", "42", "42[^n]")
    assert params.cell.footnotes == ("n",)
    assert loaded.footnotes["n"].text == "a note"
    assert loaded.rows[0].claims[0].cell.raw == "8×8×6"
    (total,) = loaded.totals
    assert (total.metric, total.text) == ("weights", "66")
    assert [row.label for row in loaded.rows] == ["conv", "conv"]  # a total builds nothing


def test_a_total_may_carry_its_unit() -> None:
    table = "| layer | a |\n|---|---|\n| conv | 3 |\n| FLOPs (10^9) | 3.8 |"
    arch = "match : a\nlabel : layer\n3 -> conv 1x1 3\n{f} | layer : FLOPs … -> total macs = {f}e9"
    (total,) = archcalc.loads(spec(table, arch)).spec.totals
    assert (total.text, total.header) == ("3.8e9", "FLOPs (10^9)")
