"""The registry of metrics, and what follows from it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from fractions import Fraction

import pytest
from console import archcalc

import archcalc as package
from archcalc import metrics
from archcalc.cost import counts
from archcalc.metrics import COMPARED, COSTS, METRICS, SHAPES, SUMMED
from archcalc.views import comparison, costs


@pytest.fixture(scope="module")
def googlenet() -> counts.Counts:
    return package.load("googlenet").counts()


def test_every_name_is_there_once_and_means_something() -> None:
    assert len(METRICS) == len(metrics._ENTRIES)
    assert len({m.key for m in METRICS.values()}) == len(METRICS)
    assert all(m.name == name and m.description for name, m in METRICS.items())
    assert {"output", "input"} == SHAPES


def test_every_cost_is_in_the_registry() -> None:
    held = {f.name for f in fields(counts.Cost)} | {"flops", "intensity"}
    assert held == {m.name for m in COSTS}


def test_sums_add_up_over_rows_and_layers(googlenet: counts.Counts) -> None:
    for name in SUMMED:
        metric = METRICS[name]
        assert sum(metric.get(row.cost) for row in googlenet.rows) == metric.get(googlenet.total)
        layers = sum(metric.get(node.cost) for row in googlenet.rows for node in row.nodes)
        assert layers == metric.get(googlenet.total)


def test_what_does_not_add_up_says_so(googlenet: counts.Counts) -> None:
    total = googlenet.total
    assert METRICS["peak"].total == "maximum"
    assert total.peak == max(row.cost.peak for row in googlenet.rows)
    assert METRICS["intensity"].total == "quotient"
    assert METRICS["intensity"].get(total) == Fraction(total.flops, total.traffic)
    assert METRICS["depth"].total == "longest path"
    assert total.depth == 22 < sum(row.cost.depth for row in googlenet.rows) + 1


def test_columns_keys_and_comparisons_follow_from_it(googlenet: counts.Counts) -> None:
    table = costs.costs(googlenet)
    shown = {c.key: c for c in table.columns}
    for metric in COSTS:
        assert (metric.name in shown) == (metric.column != "never")
        if metric.name in shown:
            assert shown[metric.name].header == metric.header
            assert shown[metric.name].kind == metric.kind
            assert shown[metric.name].extra == (metric.column == "wide")
    assert list(costs.cost_json(googlenet.total)) == [m.key for m in COSTS]
    compared = [c.key for c in comparison.comparison(package_comparison(googlenet)).columns[1:]]
    assert compared == list(COMPARED)


def package_comparison(counted: counts.Counts) -> object:
    from archcalc.cost.compare import compare

    return compare([counted, counted])


def test_a_metric_is_one_entry(monkeypatch: pytest.MonkeyPatch, googlenet: counts.Counts) -> None:
    """A metric added to the registry reaches tables, JSON and CSV without another line."""
    made = metrics.Metric(
        "biases", "learnable values that are added", "count", "sum", unit="values",
        label="added values", getter=lambda cost: cost.params - cost.weights, column="wide",
    )  # fmt: skip
    monkeypatch.setitem(METRICS, "biases", made)
    monkeypatch.setattr(metrics, "COSTS", (*COSTS, made))
    monkeypatch.setattr(costs, "_MORE", costs.columns_of("wide"))
    assert "added values" in archcalc("table", "googlenet", "--wide").stdout
    found = json.loads(archcalc("table", "googlenet", "--format", "json").stdout)
    assert found["total"]["biases"] == 6998552 - 6990272
    rows = csv.DictReader(io.StringIO(archcalc("table", "googlenet", "--format", "csv").stdout))
    assert sum(int(row["biases"]) for row in rows) == 6998552 - 6990272


def test_a_metric_of_a_graph_is_no_attribute_of_a_cost(googlenet: counts.Counts) -> None:
    with pytest.raises(LookupError, match="depth_with_pools"):
        METRICS["depth_with_pools"].get(googlenet.total)
