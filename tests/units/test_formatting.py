"""Numbers as text: what tables, reports and figures print."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import units
from archcalc.units import formatting

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (Fraction(18, 25), "0.720"), (9.9994, "9.999"), (28.06, "28.1"), (1500, "1.500K")],
)
def test_ratio(value: float, text: str) -> None:
    assert units.ratio(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.012345, 3, "0.0123"),
        (45.64, 3, "45.6"),
        (1234.5, 3, "1,230"),
        (1234.5, 4, "1,234"),
        (0, 3, "0"),
        (math.inf, 3, "inf"),
        (-0.5, 2, "-0.50"),
    ],
)
def test_significant(value: float, digits: int, text: str) -> None:
    assert units.significant(value, digits) == text


@given(st.floats(1e-9, 1e12), st.integers(2, 8))
def test_significant_digits_are_within_half_a_unit_of_the_last(value: float, digits: int) -> None:
    printed = float(units.significant(value, digits).replace(",", ""))
    unit = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    assert abs(printed - value) <= 0.5001 * unit
    assert "e" not in units.significant(value, digits)


@pytest.mark.parametrize(
    ("part", "total", "text"),
    [(61, 100, "61%"), (5, 100, "5.0%"), (1, 10**6, "under 0.1%"), (0, 5, "0%"), (1, 0, "0%")],
)
def test_share(part: float, total: float, text: str) -> None:
    assert units.share(part, total) == text


@pytest.mark.parametrize(
    ("value", "published", "text"),
    [
        (1582671872, "1.5G", "1,582,671,872"),
        (Fraction(18, 25), "18/25", "0.72"),
        (Fraction(7, 25), "28%", "28%"),
        (Fraction(2, 3), "0.66", "0.666667"),
    ],
)
def test_a_figure_beside_a_published_one(value: object, published: str, text: str) -> None:
    assert formatting.exact(value, published) == text


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("2.7K", "2,650 to 2,750"),
        ("<25M", "less than 25,000,000"),
        (">=3", "at least 3"),
        ("1/4", ""),
        ("28%", "27.5% to 28.5%"),
    ],
)
def test_what_a_printed_figure_stands_for(printed: str, text: str) -> None:
    assert formatting.published_interval(units.parse(printed).interval(), printed) == text


def test_signed_percentages_show_their_sign() -> None:
    assert units.percent(0.348, signed=True) == "+34.8%"
    assert units.percent(-0.05411, signed=True, decimals=2) == "-5.41%"
    assert units.percent(0.281) == "28.1%"


def test_no_other_room_rounds_counts_by_itself() -> None:
    """K, M and G are spelt in one place."""
    pattern = re.compile(r"""["'](k|K)["'],\s*["']M["'],\s*["']G["']""")
    others = [
        path
        for path in (ROOT / "archcalc").rglob("*.py")
        if pattern.search(path.read_text("utf-8")) and path.name != "formatting.py"
    ]
    assert others == []
