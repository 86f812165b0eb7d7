"""Names in a spec: columns before captures, variables that name variables, claims apart from inputs."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.errors import SpecError

SIZES = """---
name: sizes
input: 8x8x3
---
| Input | c |
|---|---|
| 8²×3 | 5 |
| 8²×5 | 7 |

```arch
match : Input
Input : {h}²x{c} = input
… -> conv 3x3 {c} same
```
"""


GIVEN = """---
name: given
input: 8x8x3
---
| type | output size |
|---|---|
| conv | 8x8x5 |
| conv | 8x8x7 |

```arch
output size : {h}x{w}x{c} = output
conv -> conv 3x3 {c} same
```
"""


def test_a_column_keeps_its_name_where_a_size_captures_the_same() -> None:
    network = archcalc.loads(SIZES)
    graph = network.graph()
    assert [row.claims[0].parts for row in network.spec.rows] == [{"h": "8", "c": "3"}, {"h": "8", "c": "5"}]
    assert [graph.shape(row.output) for row in graph.rows] == [(5, 8, 8), (7, 8, 8)]


def test_a_claimed_part_is_used_only_where_it_builds_the_row() -> None:
    assert [row.origin.built_from for row in archcalc.loads(SIZES).graph().rows] == [frozenset()] * 2
    assert [row.origin.built_from for row in archcalc.loads(GIVEN).graph().rows] == [frozenset({"c"})] * 2


CHAIN = """---
name: chain
input: "{grid}x{grid}x{width}"
grid: 3
width: 64
middle: width
last: middle
---
| layer | filters |
|---|---|
| 1×1 | middle |
| 1×1 | last |

```arch
{k}x{l} -> conv {k}x{l} {filters}
```
"""


def test_a_variable_may_be_another_ones_name() -> None:
    def widths(**variables: int) -> list[int]:
        return [node.shape[0] for node in archcalc.loads(CHAIN, **variables).graph().nodes]

    assert widths() == [64, 64, 64]
    assert widths(width=8) == [8, 8, 8]
    assert widths(middle=5) == [64, 5, 5]
    assert widths(middle=5, last=7) == [64, 5, 7]


@pytest.mark.parametrize("middle", ["middle", "last", "nothing"])  # itself, a circle, no variable
def test_names_that_lead_to_no_number_are_an_error(middle: str) -> None:
    with pytest.raises(SpecError, match="is not a number") as fault:
        archcalc.loads(CHAIN.replace("middle: width", f"middle: {middle}")).graph()
    assert fault.value.span is not None
    assert fault.value.span.source == "| 1×1 | middle |"


@pytest.mark.parametrize("grid", [1, 3, 4, 5])
def test_an_input_of_variables_is_height_width_channels_at_any_value(grid: int) -> None:
    """As numbers, 3x3x64 would be read as torch writes sizes: three channels."""
    assert archcalc.loads(CHAIN, grid=grid).graph().input == (64, grid, grid)


TOTAL = """---
name: total
input: 4x4x1
---
| layer | net |
|---|---|
| conv | 3x3, 2 |
| ops (×10^2) | 2.88 |

```arch
match : net
label : layer
3x3, {c} -> conv 3x3 {c} same
{n} | layer : ops (…) -> total macs = {n}UNIT
```
"""


@pytest.mark.parametrize(("unit", "text"), [("e2", "2.88e2"), ("", "2.88"), ("K", "2.88K")])
def test_a_total_may_have_the_unit_that_its_label_prints(unit: str, text: str) -> None:
    architecture = archcalc.loads(TOTAL.replace("UNIT", unit))
    (claim,) = architecture.spec.totals
    assert (claim.text, claim.header, claim.metric) == (text, "ops (x10^2)", "macs")
    assert architecture.counts().total.macs == 288


LINEAR = """---
name: linear-flag
input: 4x4x1
---
| layer |
|---|
| first |
| second |

```arch
default conv : same relu
first  -> conv 3x3 2
second -> conv 3x3 2 linear
```
"""


def test_the_flag_linear_takes_the_activation_away_and_adds_no_layer() -> None:
    assert [node.op for node in archcalc.loads(LINEAR).graph().nodes] == ["input", "conv", "relu", "conv"]
