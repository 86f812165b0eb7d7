"""Characters made plain, names as they are compared, numbers as they are written."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc.document.text import clean, key, number


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("3×3", "3x3"),
        ("  a   b ", "a b"),
        ("a\u00a0b", "a b"),
        ("a\tb", "a b"),
        ("–", "-"),
        ("1\u200b28", "128"),
        ("“Pool”", '"Pool"'),
        ("−4", "-4"),
    ],
)
def test_what_a_pdf_prints_is_made_plain(raw: str, plain: str) -> None:
    assert clean(raw) == plain


def test_names_are_compared_without_blanks_and_case() -> None:
    assert key("Patch  Size/ Stride") == key("patch size/stride") == "patchsize/stride"
    assert key("#3×3") == "#3x3"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        ("-4", -4),
        ("+4", 4),
        ("1.4", Fraction(7, 5)),
        ("2.0", 2),
        ("007", 7),
        ("", None),
        ("x", None),
        ("1e3", None),
        ("3²", None),
        ("٣", None),
        ("1.", None),
        (".5", None),
        ("1 000", None),
        ("9" * 16, None),
        ("0x10", None),
    ],
)
def test_numbers(text: str, value: object) -> None:
    assert number(text) == value
