"""Tables of papers that are not shipped, read without a line of new Python, against published counts."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc

DATA = Path(__file__).parents[1] / "data"

# torchvision's efficientnet_b0 has 5,288,548 params; SqueezeNet's own table sums to 1,248,424.
KNOWN = {"efficientnet-b0": 5288548, "squeezenet": 1248424}


@pytest.mark.parametrize("name", KNOWN)
def test_params(name: str) -> None:
    assert archcalc.load(DATA / f"{name}.md").counts().total.params == KNOWN[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_three_counters_agree(name: str) -> None:
    result = archcalc.load(DATA / f"{name}.md").verify()
    assert result.agrees, result.disagreements


def test_published_cells_of_squeezenet_sum_to_its_total() -> None:
    rows = archcalc.load(DATA / "squeezenet.md").counts().rows
    printed = [c.text for r in rows for c in r.row.origin.published if c.metric == "params"]
    assert sum(int(text.replace(",", "")) for text in printed) == 1248424
    for row in rows:
        for claim in row.row.origin.published:
            if claim.metric == "params":
                assert row.cost.params == int(claim.text.replace(",", "")), row.row.label
