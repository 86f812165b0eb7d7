"""What could be read in two ways is refused: a name captured twice, a projection that fits no stride."""

from __future__ import annotations

import pytest
from small import spec

import archcalc
from archcalc.errors import SpecError

DOCUMENT = """---
name: tiny
input: 8x8x4
---
| type | maps | n |
|---|---|---|
| a k3 | 16 | 5 |

```arch
{columns}
{rule}
```
"""


def refused(columns: str, rule: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        archcalc.loads(DOCUMENT.replace("{columns}", columns).replace("{rule}", rule)).graph()
    return caught.value


def test_a_name_is_captured_from_one_column() -> None:
    fault = refused("maps : {c}\nn : {c}", "a … -> conv 3x3 {c} same")
    assert fault.message == "`{c}` is captured from two columns, `maps` and `n`"


def test_a_rule_and_a_column_do_not_capture_the_same_name() -> None:
    fault = refused("maps : {k}\nn : …", "a k{k} -> conv {k}x{k} {k} same")
    assert fault.message == "`{k}` is captured by this rule and from the column `maps`"


def test_two_names_are_two_names() -> None:
    text = DOCUMENT.replace("{columns}", "maps : {c}\nn : {times}").replace(
        "{rule}", "a k{k} -> {times} x conv {k}x{k} {c} same"
    )
    graph = archcalc.loads(text).graph()
    assert [node.attrs.channels for node in graph.nodes[1:]] == [16] * 5


@pytest.mark.parametrize(("branch", "side"), [("conv 3x3/2 8", 7), ("conv 3x3 8 > maxpool 3x3/2", 9)])
def test_project_takes_the_branchs_stride_or_says_why_not(branch: str, side: int) -> None:
    with pytest.raises(SpecError, match="`project` with the branch's stride of 2x2 gives") as caught:
        spec(f"a -> add[ {branch} | project ]", input=f"{side}x{side}x4").graph()
    assert "`same`" in caught.value.hint


def test_project_has_the_stride_of_all_layers_of_its_branch() -> None:
    graph = spec("a -> add[ conv 3x3/2 8 same > conv 3x3/2 8 same | project ]", input="9x9x4").graph()
    (project,) = (node for node in graph.nodes if "project" in node.name)
    assert project.attrs.stride == (4, 4)
