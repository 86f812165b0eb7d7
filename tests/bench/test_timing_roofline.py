"""The roofline, by hand and at its limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.bench.stats.roofline import (
    Ceilings,
    Regime,
    Work,
    WorkKind,
    achieved,
    chain,
    predict,
    predicted_rho,
)

DEVICE = Ceilings("bf16", matmul=600e12, convolution=500e12, bandwidth=3e12, launch_ns=2000.0)
SLOW_MEMORY = Ceilings("fp32-ieee", 1e18, 1e18, 1e9, 0.0)
SLOW_LAUNCH = Ceilings("fp32-ieee", 1e18, 1e18, 1e18, 1e6)
SLOW_FLOPS = Ceilings("fp32-ieee", 1e9, 1e9, 1e18, 0.0)

FIVE = ((5, 5),)
TWO_THREES = ((3, 3), (3, 3))
THREE = ((3, 3),)
ASYMMETRIC = ((3, 1), (1, 3))


def convolutions(
    kernels: tuple[tuple[int, int], ...], channels: int = 64, size: int = 512
) -> tuple[Work, ...]:
    return chain(kernels, (channels,) * (len(kernels) + 1), size, batch=64, width=2)


def test_a_kernel_by_hand() -> None:
    compute = predict([Work(5 * 10**11, 3 * 10**6)], DEVICE)
    assert compute.compute_ns == pytest.approx(1e6)
    assert (compute.memory_ns, compute.launch_ns) == (0.0, 2000.0)
    assert compute.total_ns == pytest.approx(1.002e6)
    assert compute.regime is Regime.COMPUTE
    memory = predict([Work(10**6, 3 * 10**9)], DEVICE)
    assert memory.total_ns == pytest.approx(1.002e6)
    assert memory.regime is Regime.MEMORY
    launch = predict([Work(10**6, 10**6)] * 3, DEVICE)
    assert launch.launch_ns == 6000.0
    assert launch.regime is Regime.LAUNCH


def test_each_kind_has_its_ceiling() -> None:
    work = 6 * 10**11
    assert predict([Work(work, 0, WorkKind.MATMUL)], DEVICE).compute_ns == pytest.approx(1e6)
    assert predict([Work(work, 0)], DEVICE).compute_ns == pytest.approx(1.2e6)
    assert predict([Work(work, 0, WorkKind.OTHER)], DEVICE).compute_ns == pytest.approx(1e6)


def test_nothing_takes_no_time() -> None:
    assert predict([], DEVICE).total_ns == 0
    with pytest.raises(ValueError, match="empty"):
        predicted_rho([], [Work(1, 1)], DEVICE)


@pytest.mark.parametrize(
    ("old", "new", "mu", "limit"),
    [(FIVE, TWO_THREES, 18 / 25, -25 / 7), (THREE, ASYMMETRIC, 6 / 9, -3.0)],
)
@pytest.mark.parametrize("ceilings", [SLOW_MEMORY, SLOW_LAUNCH])
def test_the_limits_without_compute_bound_work(
    old: tuple[tuple[int, int], ...],
    new: tuple[tuple[int, int], ...],
    mu: float,
    limit: float,
    ceilings: Ceilings,
) -> None:
    before, after = convolutions(old), convolutions(new)
    assert sum(w.flops for w in after) / sum(w.flops for w in before) == pytest.approx(mu)
    rho = predicted_rho(before, after, ceilings)
    assert rho == pytest.approx(2.0, rel=0.01)
    assert (1 - rho) / (1 - mu) == pytest.approx(limit, rel=0.01)


@pytest.mark.parametrize(("old", "new"), [(FIVE, TWO_THREES), (THREE, ASYMMETRIC)])
def test_compute_bound_work_saves_what_the_arithmetic_saves(
    old: tuple[tuple[int, int], ...], new: tuple[tuple[int, int], ...]
) -> None:
    before, after = convolutions(old), convolutions(new)
    mu = sum(w.flops for w in after) / sum(w.flops for w in before)
    assert predicted_rho(before, after, SLOW_FLOPS) == pytest.approx(mu)


def test_traffic_of_a_chain() -> None:
    (work,) = chain(((3, 1),), (4, 8), size=10, batch=2, width=2)
    assert work.flops == 2 * 2 * 100 * 3 * 4 * 8
    assert work.bytes == 2 * (200 * (4 + 8) + 3 * 4 * 8)
    with pytest.raises(ValueError, match="one more"):
        chain(((3, 3),), (4,), 10, 1, 2)


def test_the_fraction_of_the_roofline() -> None:
    work = [Work(5 * 10**11, 0)]
    assert achieved(work, DEVICE, 2.004e6) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="positive"):
        achieved(work, DEVICE, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        (0.0, 1.0, 1.0, 1.0),
        (1.0, -1.0, 1.0, 1.0),
        (1.0, 1.0, math.inf, 1.0),
        (1.0, 1.0, 1.0, -1.0),
        (1.0, 1.0, 1.0, math.nan),
    ],
)
def test_ceilings_that_make_no_sense(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Ceilings("bf16", *wrong)


def test_work_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        Work(-1, 0)


WORK = st.builds(Work, st.integers(0, 10**13), st.integers(0, 10**11))


@given(st.lists(WORK, max_size=8), st.lists(WORK, max_size=8))
def test_times_add_up(first: list[Work], second: list[Work]) -> None:
    parts = predict(first, DEVICE).total_ns + predict(second, DEVICE).total_ns
    assert predict(first + second, DEVICE).total_ns == pytest.approx(parts)


@given(WORK)
def test_no_kernel_beats_a_ceiling(work: Work) -> None:
    seconds = predict([work], DEVICE).total_ns * 1e-9
    assert work.flops <= DEVICE.convolution * seconds * (1 + 1e-9)
    assert work.bytes <= DEVICE.bandwidth * seconds * (1 + 1e-9)
