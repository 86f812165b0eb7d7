"""Every flag: raised where it should be, silent where it should be, and each with a remedy."""

from __future__ import annotations

import math
import random

import pytest

from archcalc.bench.stats import flags
from archcalc.bench.stats.flags import Flag, FlagKind
from archcalc.bench.stats.statistics import MeasuredInterval


def near(point: float, half: float = 0.002) -> MeasuredInterval:
    return MeasuredInterval(point - half, point, point + half)


RISING = [0.001 * i for i in range(30)]
RAISED = [
    (flags.wide_interval(MeasuredInterval(0.7, 0.72, 0.74), 0.01), FlagKind.WIDE_INTERVAL, "2.78%"),
    (flags.max_rounds(80, 0.012, 0.01), FlagKind.MAX_ROUNDS, "1.20% after 80 rounds"),
    (flags.drifting(RISING), FlagKind.DRIFT, "times +2.0%"),
    (flags.drifting([-x for x in RISING], "ratio"), FlagKind.DRIFT, "ratio -2.0%"),
    (flags.slow_warm_up(False, 10.0, 0.02), FlagKind.SLOW_WARM_UP, "2.0% after 10.0 s"),
    (flags.throttling([0, 0x20, 0x1]), FlagKind.THROTTLING, "thermal slowdown (software)"),
    (flags.throttling([0x4, 0x80]), FlagKind.THROTTLING, "power cap, power brake"),
    (flags.throttling([], [1980, 1980, 1700]), FlagKind.THROTTLING, "from 1980 to 1700 MHz"),
    (flags.host_bound(2e6, 1e6), FlagKind.HOST_BOUND, "2.00 ms, the device 1.00 ms"),
    (flags.bimodal([near(0.0), near(0.1), near(0.001)]), FlagKind.BIMODAL, "2 processes near 1.00"),
    (flags.other_processes([10, 30, 20], [10]), FlagKind.OTHER_PROCESSES, "process 20, 30"),
    (flags.collapsed(False, 1.0, 1.0), FlagKind.COLLAPSED, "not finite"),
    (flags.collapsed(True, 0.0, 0.0), FlagKind.COLLAPSED, "constant"),
    (flags.collapsed(True, 1e-9, 1.0), FlagKind.COLLAPSED, "constant"),
    (flags.collapsed(True, math.nan, 1.0), FlagKind.COLLAPSED, "constant"),
    (flags.null_test_failed(True, "copies differ"), FlagKind.NULL_TEST, "copies differ"),
]
SILENT = {
    "narrow": flags.wide_interval(MeasuredInterval(0.717, 0.72, 0.723), 0.01),
    "precise": flags.max_rounds(80, 0.01, 0.01),
    "small drift": flags.drifting([0.0004 * i for i in range(30)]),
    "few rounds": flags.drifting([0.0, 1.0, 2.0]),
    "steady": flags.slow_warm_up(True, 1.0, 0.1),
    "idle, locked clocks, display": flags.throttling([0x1, 0x2, 0x100, 0x0]),
    "a breathing clock": flags.throttling([0], [1980, 1965, 1950, 1980, 1965]),
    "nothing sampled": flags.throttling([]),
    "device-bound": flags.host_bound(1e6, 1e6),
    "one group": flags.bimodal([near(0.0), near(0.004), near(0.002)]),
    "one process": flags.bimodal([near(0.0)]),
    "only us": flags.other_processes([10], [10, 11]),
    "real outputs": flags.collapsed(True, 0.1, 3.0),
    "passed": flags.null_test_failed(False, ""),
}


@pytest.mark.parametrize(("flag", "kind", "seen"), RAISED)
def test_raised(flag: Flag | None, kind: FlagKind, seen: str) -> None:
    assert flag is not None
    assert flag.kind is kind
    assert seen in flag.detail


@pytest.mark.parametrize("case", SILENT)
def test_silent(case: str) -> None:
    assert SILENT[case] is None


def test_every_kind_has_a_remedy_and_is_tested() -> None:
    assert set(flags.REMEDIES) == set(FlagKind)
    assert {kind for _, kind, _ in RAISED} == set(FlagKind)
    for kind in FlagKind:
        remedy = Flag(kind, "").remedy
        assert remedy
        assert not remedy.endswith(".")


def test_noise_is_no_drift() -> None:
    rng = random.Random(0)
    raised = sum(flags.drifting([rng.gauss(0, 0.03) for _ in range(20)]) is not None for _ in range(1000))
    assert raised / 1000 <= 0.02


def test_only_what_was_raised_is_kept() -> None:
    one = Flag(FlagKind.DRIFT, "x")
    assert flags.present(None, one, None) == (one,)
