"""The statements of an `arch` block."""

from __future__ import annotations

import pytest

from archcalc.document import document
from archcalc.spec import statements
from archcalc.spec.syntax import Chain, Join


def read(arch: str) -> statements.Statements:
    text = f"---\nname: a\n---\n```arch\n{arch}\n```\n"
    (section,) = document.parse(text).sections
    return statements.parse(section.arch)


def test_every_kind_of_statement() -> None:
    found = read(
        "match : {column}\n"
        "label : layer name\n"
        "extends : other\n"
        "append : linear, softmax\n"
        "patch size/stride : {k}/{s}\n"
        "params : {} = weights  # K is 1024 here\n"
        "default conv : same bias relu\n"
        "block(a b=1) = conv 1x1 {a} > conv 1x1 {b}\n"
        "plain = relu\n"
        "pool | size : {k} -> maxpool {k}\n"
        "FLOPs {f} -> total macs = {f}e9\n"
    )
    assert found.match is not None
    assert found.match.text == "{column}"
    assert found.label is not None
    assert found.label.text == "layer name"
    assert found.extends is not None
    assert found.append is not None
    assert [(c.header, c.pattern.text, c.metric) for c in found.columns] == [
        ("patch size/stride", "{k}/{s}", ""),
        ("params", "{}", "weights"),
    ]
    assert [flag.name for flag in found.defaults["conv"].flags] == ["same", "bias", "relu"]
    assert [(p.name, p.default is None) for p in found.blocks["block"].parameters] == [
        ("a", True),
        ("b", False),
    ]
    assert found.blocks["plain"].parameters == ()
    rule, total = found.rules
    assert [(header, pattern.text) for header, pattern, _ in rule.conditions] == [("size", "{k}")]
    assert isinstance(total.body, statements.Total)
    assert (total.body.metric, total.body.capture, total.body.unit) == ("macs", "f", "e9")


def test_comments_have_a_blank_on_both_sides() -> None:
    found = read(
        "# a line\n#1x1 : {} = params # and more -> than = that :\na -> conv 1x1 {#1x1} # {\n# b -> relu"
    )
    assert [c.header for c in found.columns] == ["#1x1"]
    assert len(found.rules) == 1


@pytest.mark.parametrize(
    "arch",
    [
        "a -> concat[ relu\n           | relu ]",
        "a -> concat[ relu\n  | relu ]",
        "a -> concat[\nrelu\n|\nrelu\n]",
        "a ->\n  concat[ relu | relu ]",
        "a\n  -> concat[ relu | relu ]",
        "  a -> concat[ relu\n    | relu ]",
        "a -> concat[ relu # one\n# between\n\n  | relu ] # two",
    ],
)
def test_a_statement_goes_on_over_lines(arch: str) -> None:
    (rule,) = read(arch).rules
    assert isinstance(rule.body, Chain)
    (join,) = rule.body.items
    assert isinstance(join, Join)
    assert len(join.branches) == 2
