"""Order statistics, processes, drift and verdicts against what they should be by other means."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.bench.stats import statistics as stats
from archcalc.bench.stats.statistics import MeasuredInterval, SavingVerdict, realized_saving, verdict_of

LOGS = st.floats(-3, 3, allow_nan=False)


def brute_coverage(n: int, low: int, high: int) -> float:
    """P(the median lies between these ranks): every way that n values fall to its two sides."""
    held = 0
    for sides in itertools.product((0, 1), repeat=n):
        below = sum(sides)
        held += low <= below < high
    return held / 2**n


@pytest.mark.parametrize("n", range(6, 15))
def test_ranks_against_every_arrangement(n: int) -> None:
    low, high = stats.median_ranks(n)
    assert low + high == n + 1
    assert brute_coverage(n, low, high) >= 0.95
    assert brute_coverage(n, low, high) == pytest.approx(stats.median_coverage(n))
    assert brute_coverage(n, low + 1, high - 1) < 0.95  # the narrowest that will do


@pytest.mark.parametrize(("n", "ranks"), [(6, (1, 6)), (20, (6, 15)), (40, (14, 27)), (80, (31, 50))])
def test_the_ranks_of_the_protocol(n: int, ranks: tuple[int, int]) -> None:
    assert stats.median_ranks(n) == ranks


def test_ranks_at_another_confidence() -> None:
    assert stats.median_ranks(20, 0.99) == (4, 17)
    with pytest.raises(ValueError, match="cannot enclose"):
        stats.median_ranks(6, 0.99)


@pytest.mark.parametrize("n", [1, 5])
def test_too_few_values_have_no_interval(n: int) -> None:
    with pytest.raises(ValueError, match="cannot enclose"):
        stats.median_interval([1.0] * n)


def test_no_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        stats.median_interval([])


def test_ranks_of_many_values_stay_near_the_normal_ones() -> None:
    low, _ = stats.median_ranks(5000)
    assert low == pytest.approx(2500 - 1.96 * math.sqrt(5000) / 2, abs=1.5)


@given(st.lists(LOGS, min_size=6, max_size=60))
def test_the_interval_is_of_values_and_holds_the_median(values: list[float]) -> None:
    interval = stats.median_interval(values)
    assert interval.low in values
    assert interval.high in values
    assert interval.low <= interval.point <= interval.high


def test_a_backward_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="not an interval"):
        MeasuredInterval(2.0, 1.0, 3.0)


def test_units_of_an_interval() -> None:
    interval = MeasuredInterval(1e6, 2e6, 4e6)
    assert interval.scaled(1e-6) == MeasuredInterval(1.0, 2.0, 4.0)
    assert interval.scaled(1e-9).inverse(8) == MeasuredInterval(2000.0, 4000.0, 8000.0)
    assert interval.log().exp().high == pytest.approx(4e6)


# ---------------------------------------------------------------- rounds


def test_the_round_is_read_in_its_order() -> None:
    assert stats.log_ratio("ABBA", (10, 20, 22, 12)) == math.log(42 / 22)
    assert stats.log_ratio("BAAB", (20, 10, 12, 22)) == math.log(42 / 22)
    assert stats.log_ratio("ABBA", (10, 20, 22, 12), (2, 1)) == math.log(42 / 11)
    with pytest.raises(ValueError, match="ABBA or BAAB"):
        stats.log_ratio("ABAB", (1, 1, 1, 1))


@given(
    st.integers(1000, 10**9),
    st.floats(0.5, 2),
    st.floats(0.0, 0.2),
    st.sampled_from(["ABBA", "BAAB"]),
)
def test_linear_drift_cancels(base: int, rho: float, slope: float, order: str) -> None:
    slots = [base * (rho if name == "B" else 1) * (1 + slope * place) for place, name in enumerate(order)]
    whole = tuple(round(1000 * s) for s in slots)
    x = stats.log_ratio(order, whole)  # type: ignore[arg-type]
    assert x == pytest.approx(math.log(rho), abs=1e-5)


# ---------------------------------------------------------------- processes


@pytest.mark.parametrize(
    ("df", "expected"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (9, 2.26216), (100, 1.98397)],
)
def test_t_quantiles_against_the_tables(df: int, expected: float) -> None:
    assert stats.t_quantile(df) == pytest.approx(expected, rel=1e-5)


def test_t_needs_a_degree_of_freedom() -> None:
    with pytest.raises(ValueError, match="degrees"):
        stats.t_quantile(0)


def test_one_process_is_labelled_so() -> None:
    only = MeasuredInterval(-0.1, 0.0, 0.1)
    assert stats.over_processes([only]) is only
    assert only.label == "within-process"
    with pytest.raises(ValueError, match="no processes"):
        stats.over_processes([])


def test_three_processes_by_hand() -> None:
    points = (0.01, 0.02, 0.03)
    over = stats.over_processes([MeasuredInterval(p - 0.001, p, p + 0.001) for p in points])
    assert over.label == "over 3 processes"
    assert over.point == pytest.approx(0.02)
    assert over.half_width == pytest.approx(4.30265 * 0.01 / math.sqrt(3), rel=1e-5)


def test_processes_that_agree_by_luck_do_not_deny_their_noise() -> None:
    over = stats.over_processes([MeasuredInterval(-0.01, 0.0, 0.01)] * 4)
    assert over.half_width == pytest.approx(0.01 / math.sqrt(4) / 2)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [3, 5])
@pytest.mark.parametrize("effect", [0.0, 0.003, 0.01])
def test_intervals_over_processes_cover(processes: int, effect: float) -> None:
    rng = random.Random(processes)
    sessions, held = 2000, 0
    for _ in range(sessions):
        each = []
        for _ in range(processes):
            centre = rng.gauss(0, effect)
            each.append(stats.median_interval([rng.gauss(centre, 0.01) for _ in range(20)]))
        held += stats.over_processes(each).contains(0)
    assert 0.94 <= held / sessions <= 0.98


def test_processes_in_two_groups() -> None:
    near = [MeasuredInterval(p - 0.004, p, p + 0.004) for p in (0.0, 0.1, 0.001, 0.101)]
    found = stats.split(near)
    assert found is not None
    assert (found.lower, found.upper) == ((0, 2), (1, 3))
    assert found.gap == pytest.approx(0.099)


@pytest.mark.parametrize(
    ("points", "half"),
    [
        ((0.0, 0.005), 0.001),  # apart, but by too little to matter
        ((0.0, 0.05), 0.03),  # the intervals overlap
        ((0.0,), 0.001),
    ],
)
def test_processes_that_are_one_group(points: tuple[float, ...], half: float) -> None:
    assert stats.split([MeasuredInterval(p - half, p, p + half) for p in points]) is None


# ---------------------------------------------------------------- drift


def test_drift_is_the_last_third_against_the_first() -> None:
    moved = stats.drift([0.001 * i for i in range(30)])
    assert moved.change == pytest.approx(0.020)
    assert moved.z > 3
    back = stats.drift([-0.001 * i for i in range(30)])
    assert (back.change, back.z) == (pytest.approx(-0.020), -moved.z)


def test_drift_of_too_few_or_of_constant_values() -> None:
    assert stats.drift([1.0, 2.0, 3.0]) == stats.Drift(0.0, 0.0)
    assert stats.drift([1.0] * 20) == stats.Drift(0.0, 0.0)


# ---------------------------------------------------------------- the realized saving


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.8, 1.2, SavingVerdict.REALIZED),
        (0.8, 0.8, SavingVerdict.REALIZED),
        (1.5, 2.0, SavingVerdict.REALIZED),
        (math.nextafter(0.8, 0), 1.2, SavingVerdict.UNRESOLVED),
        (0.1, 0.8, SavingVerdict.UNRESOLVED),
        (0.1, math.nextafter(0.8, 0), SavingVerdict.PARTIAL),
        (5e-324, 0.5, SavingVerdict.PARTIAL),
        (0.0, 0.5, SavingVerdict.NONE),
        (-0.5, 0.5, SavingVerdict.NONE),
        (-0.5, 0.0, SavingVerdict.NONE),
        (-0.5, 2.0, SavingVerdict.NONE),
        (0.0, 0.0, SavingVerdict.NONE),
        (-0.5, -5e-324, SavingVerdict.REVERSED),
        (-3.6, -3.0, SavingVerdict.REVERSED),
    ],
)
def test_verdicts(low: float, high: float, verdict: SavingVerdict) -> None:
    assert verdict_of(low, high) is verdict


def test_a_backward_interval_has_no_verdict() -> None:
    with pytest.raises(ValueError, match="not an interval"):
        verdict_of(0.5, 0.4)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_exactly_one_definition_holds(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    holds = {
        SavingVerdict.REALIZED: low >= 0.8,
        SavingVerdict.PARTIAL: low > 0 and high < 0.8,
        SavingVerdict.NONE: low <= 0 <= high,
        SavingVerdict.REVERSED: high < 0,
    }
    assert sum(holds.values()) <= 1
    expected = next((v for v, true in holds.items() if true), SavingVerdict.UNRESOLVED)
    assert verdict_of(low, high) is expected


def test_a_saving_by_hand() -> None:
    saving = realized_saving(0.72, MeasuredInterval(0.70, 0.73, 0.76))
    assert saving.interval is not None
    assert saving.interval.low == pytest.approx(0.24 / 0.28)
    assert saving.interval.point == pytest.approx(0.27 / 0.28)
    assert saving.interval.high == pytest.approx(0.30 / 0.28)
    assert saving.verdict is SavingVerdict.REALIZED
    assert not saving.costlier


def test_the_label_of_the_ratio_is_kept() -> None:
    saving = realized_saving(0.5, MeasuredInterval(0.5, 0.5, 0.5, "over 3 processes"))
    assert saving.interval is not None
    assert saving.interval.label == "over 3 processes"


@pytest.mark.parametrize(
    ("rho", "verdict"),
    [
        ((1.7, 1.8, 1.9), SavingVerdict.REALIZED),  # the rise was paid in full
        ((1.1, 1.2, 1.3), SavingVerdict.PARTIAL),
        ((0.9, 1.0, 1.1), SavingVerdict.NONE),
        ((0.7, 0.8, 0.9), SavingVerdict.REVERSED),  # faster, although it does more
        ((1.2, 1.6, 1.9), SavingVerdict.UNRESOLVED),
    ],
)
def test_more_arithmetic(rho: tuple[float, float, float], verdict: SavingVerdict) -> None:
    saving = realized_saving(1.8, MeasuredInterval(*rho))
    assert saving.costlier
    assert saving.verdict is verdict


@pytest.mark.parametrize("mu", [0.95, 1.05, 0.0, 2.0])
def test_a_saving_is_defined_from_five_percent_on(mu: float) -> None:
    assert realized_saving(mu, MeasuredInterval(0.8, 0.9, 1.0)).interval is not None


@pytest.mark.parametrize("mu", [0.9501, 1.0, 1.0499])
def test_no_saving_without_a_difference(mu: float) -> None:
    saving = realized_saving(mu, MeasuredInterval(0.8, 0.9, 1.0))
    assert saving.interval is None
    assert saving.verdict is SavingVerdict.UNRESOLVED
    assert "less than 5%" in saving.note


@pytest.mark.parametrize("mu", [-0.1, math.inf, math.nan])
def test_a_ratio_of_macs_must_make_sense(mu: float) -> None:
    with pytest.raises(ValueError, match="multiply-adds"):
        realized_saving(mu, MeasuredInterval(0.8, 0.9, 1.0))


@pytest.mark.parametrize("mu", [0.72, 1.0])
def test_a_refused_verdict_keeps_its_numbers(mu: float) -> None:
    open_ = realized_saving(mu, MeasuredInterval(0.70, 0.73, 0.76))
    refused = realized_saving(mu, MeasuredInterval(0.70, 0.73, 0.76), refused=True)
    assert refused.verdict is SavingVerdict.REFUSED
    assert refused.interval == open_.interval


def test_an_interval_that_is_too_wide_says_so() -> None:
    saving = realized_saving(0.72, MeasuredInterval(0.7, 0.9, 1.1))
    assert saving.verdict is SavingVerdict.NONE
    assert "too wide" in saving.note


@given(
    st.floats(0, 3).filter(lambda mu: abs(1 - mu) >= 0.05),
    st.lists(st.floats(0.1, 5), min_size=3, max_size=3).map(sorted),
)
def test_bounds_of_a_saving_are_those_of_the_ratio(mu: float, rho: list[float]) -> None:
    saving = realized_saving(mu, MeasuredInterval(*rho))
    assert saving.interval is not None
    ends = {(1 - rho[0]) / (1 - mu) + 0.0, (1 - rho[2]) / (1 - mu) + 0.0}
    assert {saving.interval.low, saving.interval.high} == ends
    assert saving.interval.low <= saving.interval.point <= saving.interval.high
