"""Templates on cells: what each capture holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.document.text import clean
from archcalc.spec.patterns import compile_pattern


@pytest.mark.parametrize(
    ("template", "cell", "captures"),
    [
        ("{k}/{s}", "7x7/2", {"k": "7x7", "s": "2"}),
        ("{k}/{s}", "7x7 / 2", {"k": "7x7", "s": "2"}),
        ("{k}/{s}", "7x7", None),
        ("{h}x{w}x{c}", "112x112x64", {"h": "112", "w": "112", "c": "64"}),
        ("{h}x{w}x{c}", "112 x 112 x 64", {"h": "112", "w": "112", "c": "64"}),
        ("{h}x{w}x{c}", "112x112", None),
        ("{h}x{w}", "112x112x64", None),
        ("{h}²x{c}", "224²x3", {"h": "224", "c": "3"}),
        ("{c}@{h}x{w}", "6@28x28", {"c": "6", "h": "28", "w": "28"}),
        ("conv{k}-{c}", "conv3-64", {"k": "3", "c": "64"}),
        ("conv{k}-{c}", "CONV3-64", {"k": "3", "c": "64"}),
        ("conv{k}-{c}", "conv3-", None),
        ("{a}{b}", "xyz", {"a": "x", "b": "yz"}),
        ("{}", "anything at all, even [this]", {"": "anything at all, even [this]"}),
        ("{}", "", None),
        ("…", "", {}),
        ("…", "whatever it is", {}),
        ("...", "whatever it is", {}),
        ("inception (…)", "inception (3a)", {}),
        ("inception (…)", "inception(3a)", {}),
        ("inception (…)", "Inception (3a)", {}),
        ("inception (…)", "inception", None),
        ("inception …", "inception", {}),
        ("dropout (…)", "dropout (40%)", {}),
        ("max pool", "max pool", {}),
        ("max pool", "maxpool", None),
        ("maxpool", "max pool", None),
        ("7x7 conv, stride 2", "7 x 7 conv, stride 2", {}),
        ("7x7, {c}, stride {s}", "7x7, 64, stride 2", {"c": "64", "s": "2"}),
        ("{n}x Inception", "3xInception", {"n": "3"}),
        ("3x Inception, As in figure 5", "3xInception, As in figure 5", {}),
        ("[1x1, {a}; 3x3, {a}]x{n}", "[1x1, 64; 3x3, 64]x3", {"a": "64", "n": "3"}),
        ("[1x1, {a}; 3x3, {a}] x {n}", "[1x1, 64; 3x3, 64]x3", {"a": "64", "n": "3"}),
        ("[1x1, {a}; 3x3, {a}]x{n}", "[1x1, 64; 3x3, 128]x3", None),
        ("{a}, {a}", "X, x", {"a": "X"}),
        ("FC-{n}", "FC-4096", {"n": "4096"}),
        ("FC-{n}", "FC-4096 x", None),
        ("{a} … {b}", "1 2 3 4", {"a": "1", "b": "4"}),
        ("{k}-d fc", "1000-d fc", {"k": "1000"}),
        ("a.b*c+", "a.b*c+", {}),
        ("a.b", "axb", None),
        ("ß", "ß", {}),
        ("İx{a}", "İx3", {"a": "3"}),
        ("a", "a\n", None),
    ],
)
def test_patterns(template: str, cell: str, captures: dict[str, str] | None) -> None:
    assert compile_pattern(template).match(cell) == captures


@pytest.mark.parametrize("template", ["", "   ", "{", "a{", "}", "{a}}", "{{a}", "\u200b", "a" * 501])
def test_bad_patterns(template: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|without its partner"):
        compile_pattern(template)


@given(st.lists(st.text("abc3-/ ", min_size=1, max_size=4), min_size=1, max_size=5))
def test_a_capture_between_commas_takes_what_stands_there(words: list[str]) -> None:
    values = [clean(word).replace(" ", "") or "z" for word in words]
    template = ", ".join(f"{{v{i}}}" for i in range(len(values)))
    found = compile_pattern(template).match(", ".join(values))
    assert found == {f"v{i}": value for i, value in enumerate(values)}
