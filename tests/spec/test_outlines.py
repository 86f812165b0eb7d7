"""Documents of several networks: headings, `extends`, variants and side heads."""

from __future__ import annotations

from written import build, ops, outlines, shapes

import archcalc

SEVERAL = """---
name: paper
aliases: [p]
title: A paper
source: somebody 2020
input: 8x8x4
width: 1
---
```arch
default conv : same
conv -> conv 3x3 {c*width}
```

# Net One

| type | c |
|---|---|
| conv | 3 |

# Net Two

| type | c |
|---|---|
| conv | 5 |
| pool | |

```arch
pool -> maxpool 2x2/2
```

# Net Three

```arch
extends : net-two
conv -> conv 1x1 {c}
```

| variant | of | width | input | aliases | title |
|---|---|---|---|---|---|
| wide-one | net-one | 2 | | w1 | Wide |
| small-two | net-two | | 4x4x4 | | |
"""


def test_headings_name_networks_and_share_rules() -> None:
    found = outlines(SEVERAL)
    assert list(found) == ["net-one", "net-two", "net-three", "wide-one", "small-two"]
    assert shapes(build(SEVERAL, "net-one")) == [(3, 8, 8)]
    assert shapes(build(SEVERAL, "net-two")) == [(5, 8, 8), (5, 4, 4)]


def test_extends_is_the_same_network_except_for_what_stands_there() -> None:
    made = build(SEVERAL, "net-three")
    assert [node.attrs.kernel for node in made.nodes if node.op == "conv"] == [(1, 1)]
    assert shapes(made) == shapes(build(SEVERAL, "net-two"))


def test_variants_set_variables_input_and_names() -> None:
    found = outlines(SEVERAL)
    assert (found["wide-one"].aliases, found["wide-one"].title) == (("w1",), "Wide")
    assert shapes(build(SEVERAL, "wide-one")) == [(6, 8, 8)]
    assert shapes(build(SEVERAL, "small-two")) == [(5, 4, 4), (5, 2, 2)]


def test_extends_a_shipped_network() -> None:
    text = "---\nname: mine\nextends: googlenet\n---\n```arch\ndropout (…) -> pass\n```\n"
    mine, theirs = archcalc.loads(text), archcalc.load("googlenet")
    assert mine.counts().total.macs == theirs.counts().total.macs
    assert "dropout" not in ops(mine.graph())
    assert "dropout" in ops(theirs.graph())
    assert mine.spec.source == theirs.spec.source


def test_a_child_may_change_variables_blocks_and_table() -> None:
    text = SEVERAL + (
        "\n# Four\n\n| type | c |\n|---|---|\n| conv | 9 |\n| pool | |\n\n```arch\nextends : net-two\n```\n"
    )
    assert shapes(build(text, "four")) == [(9, 8, 8), (9, 4, 4)]


HEADS = """---
name: net
input: 8x8x4
---
| type | c |
|---|---|
| stem | 3 |
| body | 5 |
| fc | 10 |

| type | from | c |
|---|---|---|
| head | stem | 7 |

```arch
stem -> conv 3x3 {c} same
body -> conv 3x3/2 {c} same
fc   -> linear {c}
head -> avgpool global > linear {c}
```
"""


def test_side_heads_read_the_row_that_they_name() -> None:
    network = archcalc.loads(HEADS)
    assert [row.label for row in network.graph().rows] == ["stem", "body", "fc"]
    made = network.graph(heads=True)
    head = made.rows[-1]
    assert (head.label, head.head) == ("head", True)
    assert head.source == made.rows[0].output
    assert shapes(made) == [(3, 8, 8), (5, 4, 4), (10,), (7,)]
    assert made.shape(made.output) == (10,)  # the trunk's
    trunk, both = network.counts(), network.counts(heads=True)
    assert both.total.params - trunk.total.params == 3 * 7
    assert both.total.depth == trunk.total.depth
