"""Warm-up, slots, rounds, the stop rule and the null test, on a device with a fake clock."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from archcalc.bench.stats.flags import FlagKind
from archcalc.bench.stats.nulltest import (
    NullSubjects,
    NullTest,
    null_problem,
    null_test,
    padded,
    verdicts_refused,
)
from archcalc.bench.stats.protocol import (
    DEFAULT,
    PRESETS,
    QUICK,
    THOROUGH,
    Order,
    PairRun,
    Protocol,
    SoloRun,
    StopReason,
    WarmUp,
    pair_flags,
    pair_latency_ns,
    rho_of,
    solo_latency_ns,
)
from archcalc.bench.stats.rounds import calibrate, looks, measure_pair, measure_solo, stops, warm_up
from archcalc.bench.stats.simulate import THROTTLED, SimulatedDevice, Weather
from archcalc.bench.stats.statistics import MeasuredInterval
from archcalc.errors import ArchcalcError

SHORT = replace(DEFAULT, warm_up_min_s=0.0, warm_up_max_s=0.5)


class Script:
    """A subject that takes the times it is told (ns for a run), then the last one for ever."""

    def __init__(self, *times: float) -> None:
        self.times = list(times)
        self.slots: list[int] = []

    def slot(self, repeats: int) -> int:
        self.slots.append(repeats)
        each = self.times.pop(0) if len(self.times) > 1 else self.times[0]
        return round(each * repeats)


def kinds(run: PairRun | SoloRun) -> set[FlagKind]:
    return {flag.kind for flag in run.flags}


# ---------------------------------------------------------------- the numbers


def test_the_numbers_of_the_protocol() -> None:
    assert (DEFAULT.warm_up_min_s, DEFAULT.warm_up_max_s) == (1.0, 10.0)
    assert (DEFAULT.window_agreement, DEFAULT.slot_s) == (0.005, 0.005)
    assert (DEFAULT.min_rounds, DEFAULT.max_rounds, DEFAULT.processes) == (20, 80, 3)
    assert (DEFAULT.half_width("cuda"), DEFAULT.half_width("cuda:1")) == (0.005, 0.005)
    assert DEFAULT.half_width("cpu") == 0.01
    assert (DEFAULT.null_tolerance("cuda"), DEFAULT.null_tolerance("cpu")) == (0.003, 0.01)


def test_presets_bracket_the_default() -> None:
    assert set(PRESETS) == {"quick", "default", "thorough"}
    assert (QUICK.processes, THOROUGH.processes) == (1, 5)
    assert looks(QUICK) == (20,)
    assert looks(DEFAULT) == (20, 40, 80)
    assert looks(replace(DEFAULT, max_rounds=50)) == (20, 40, 50)


@pytest.mark.parametrize(
    "change",
    [
        {"min_rounds": 5},
        {"max_rounds": 19},
        {"warm_up_min_s": 11.0},
        {"warm_up_min_s": -1.0},
        {"slot_s": 0.0},
        {"half_width_cpu": math.nan},
        {"half_width_gpu": math.inf},
        {"stop_confidence": 0.9},
        {"processes": 0},
        {"null_attempts": 0},
        {"max_seconds": 0.0},
        {"window_slots": 2},
        {"window_s": 0.0},
    ],
)
def test_numbers_that_cannot_be_followed(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cannot be followed"):
        replace(DEFAULT, **change)  # type: ignore[arg-type]


def test_importing_all_of_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, archcalc.bench.records.storage\n"
        "import archcalc.bench.records.shards, archcalc.bench.stats.simulate\n"
        "heavy = {'torch', 'numpy', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- slots


@pytest.mark.parametrize("base", [50.0, 3e3, 1e5, 4.9e6])
def test_slots_are_filled(base: float) -> None:
    repeats = calibrate(Script(base), DEFAULT)
    assert 5e6 <= base * repeats <= 5e7


def test_a_long_run_is_a_slot_by_itself() -> None:
    assert calibrate(Script(6e6), DEFAULT) == 1


def test_the_first_run_does_not_mislead() -> None:
    assert calibrate(Script(2e9, 1e6), DEFAULT) >= 5


def test_a_clock_that_stands_still_is_an_error() -> None:
    with pytest.raises(ArchcalcError, match="clock did not advance"):
        calibrate(Script(0.0), DEFAULT)


def test_a_clock_that_does_not_see_the_work_is_an_error() -> None:
    class Blind(Script):
        def slot(self, repeats: int) -> int:
            return 1000

    with pytest.raises(ArchcalcError, match="does not see the work"):
        calibrate(Blind(1.0), DEFAULT)


def test_repeats_follow_the_speed_after_the_warm_up() -> None:
    fast = Script(*[4e6] * 10, 1e6)
    _, filled = warm_up((fast,), (2,), DEFAULT)
    assert filled == (6,)
    assert warm_up((Script(6e6),), (1,), DEFAULT)[1] == (1,)


# ---------------------------------------------------------------- warm-up


def test_a_steady_device_is_warm_after_the_least_time() -> None:
    seen, _ = warm_up((Script(10e6), Script(10e6)), (1, 1), DEFAULT)
    assert seen.steady
    assert seen.seconds == pytest.approx(1.0, abs=0.2)
    assert seen.change == 0.0


def test_a_ramp_is_waited_for() -> None:
    device = SimulatedDevice(Weather(noise=0.002, ramp=0.3, ramp_s=1.0))
    seen, _ = warm_up((device.subject(6e6),), (1,), DEFAULT)
    assert seen.steady
    assert seen.seconds > 2.0


def test_a_device_that_never_settles_is_flagged() -> None:
    device = SimulatedDevice(Weather(drift=0.5))
    run = measure_solo(device.subject(6e6), replace(DEFAULT, warm_up_max_s=3.0), "cpu")
    assert not run.warm_up.steady
    assert 3.0 <= run.warm_up.seconds < 3.3
    assert FlagKind.SLOW_WARM_UP in kinds(run)


def test_one_restless_subject_of_two_holds_the_pair_back() -> None:
    restless = Script(*[6e6 * 1.003**i for i in range(3000)])
    seen, _ = warm_up((Script(6e6), restless), (1, 1), replace(DEFAULT, warm_up_max_s=2.0))
    assert not seen.steady


def test_noise_alone_does_not_hold_the_warm_up_back() -> None:
    device = SimulatedDevice(Weather(noise=0.03), seed=3)
    seen, _ = warm_up((device.subject(6e6),), (1,), DEFAULT)
    assert seen.steady
    assert seen.seconds < 3


def test_runs_of_seconds_do_not_outlive_the_allowance() -> None:
    seen, _ = warm_up((Script(4e9),), (1,), DEFAULT)
    assert seen.seconds == pytest.approx(12.0)
    assert (seen.windows, seen.steady, seen.change) == (1, False, 1.0)


# ---------------------------------------------------------------- rounds


def test_a_perfect_device_gives_the_planted_ratio() -> None:
    device = SimulatedDevice()
    run = measure_pair(device.subject(1e6), device.subject(0.72e6), SHORT, "cpu", seed=1)
    assert run.log_rho.exp().point == pytest.approx(0.72, rel=1e-6)
    assert (len(run.orders), run.stop, run.flags) == (20, StopReason.PRECISE, ())
    assert min(min(slots) for slots in run.slots_ns) >= 5e6
    assert pair_latency_ns([run], 0).point == pytest.approx(1e6)
    assert pair_latency_ns([run], 1).point == pytest.approx(0.72e6)


def test_orders_are_drawn_from_the_seed() -> None:
    def orders(seed: int) -> tuple[Order, ...]:
        device = SimulatedDevice()
        return measure_pair(device.subject(6e6), device.subject(6e6), SHORT, "cpu", seed).orders

    assert orders(1) == orders(1)
    assert len({orders(seed) for seed in range(8)}) == 8
    drawn = [order for seed in range(50) for order in orders(seed)]
    assert 0.45 < drawn.count(Order.ABBA) / len(drawn) < 0.55


def test_slots_are_kept_in_the_order_in_which_they_ran() -> None:
    old, new = Script(6e6), Script(9e6)
    run = measure_pair(old, new, SHORT, "cpu", seed=1)
    assert {Order.ABBA, Order.BAAB} == set(run.orders)
    for order, slots in zip(run.orders, run.slots_ns, strict=True):
        assert slots == tuple(6_000_000 if which == "A" else 9_000_000 for which in order)


def test_the_watch_sees_every_round_from_the_sixth_on() -> None:
    seen: list[int] = []
    device = SimulatedDevice()
    subject = device.subject(6e6)
    measure_pair(subject, subject, SHORT, "cpu", 1, watch=lambda n, interval: seen.append(n))
    assert seen == list(range(6, 21))


def test_one_network_alone() -> None:
    device = SimulatedDevice(Weather(noise=0.004), seed=2)
    runs = [measure_solo(device.subject(2e6), SHORT, "cuda", process=p) for p in range(3)]
    latency = solo_latency_ns(runs).scaled(1e-6)
    assert latency.contains(2.0)
    assert latency.label == "over 3 processes"
    assert latency.half_width < 0.02


def test_ratios_over_processes_and_their_flags() -> None:
    def process(number: int, rho: float) -> PairRun:
        device = SimulatedDevice(Weather(noise=0.004), seed=number)
        pair = device.subject(6e6), device.subject(6e6 * rho)
        return measure_pair(*pair, SHORT, "cuda", seed=number, process=number)

    alike = [process(n, 0.8) for n in range(3)]
    assert rho_of(alike).contains(0.8)
    assert rho_of(alike[:1]).label == "within-process"
    assert pair_flags(alike, 0.02) == ()
    apart = [process(n, rho) for n, rho in enumerate((0.8, 0.9, 0.8))]
    assert {f.kind for f in pair_flags(apart, 0.02)} == {
        FlagKind.BIMODAL,
        FlagKind.WIDE_INTERVAL,
    }


def test_an_error_of_the_subject_is_not_swallowed() -> None:
    class Breaks(Script):
        def slot(self, repeats: int) -> int:
            if len(self.slots) > 30:
                raise KeyboardInterrupt
            return super().slot(repeats)

    with pytest.raises(KeyboardInterrupt):
        measure_pair(Script(6e6), Breaks(6e6), SHORT, "cpu", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"orders": (Order.ABBA,) * 5},
        {"orders": (), "slots_ns": ()},
        {"repeats": (0, 1)},
        {"slots_ns": ((1, 1, 1, 0),) * 6},
    ],
)
def test_a_run_that_makes_no_sense(wrong: dict[str, object]) -> None:
    warm = WarmUp(1.0, 2, 0.0, True)
    good = PairRun(0, 1, (1, 1), (Order.ABBA,) * 6, ((1, 1, 1, 1),) * 6, warm, StopReason.PRECISE)
    with pytest.raises(ValueError, match=r"rounds|start at 1"):
        replace(good, **wrong)  # type: ignore[arg-type]


def test_a_solo_run_that_makes_no_sense() -> None:
    warm = WarmUp(1.0, 2, 0.0, True)
    with pytest.raises(ValueError, match="slots or more"):
        SoloRun(0, 1, (1,) * 5, warm, StopReason.PRECISE)
    with pytest.raises(ValueError, match="start at 1"):
        SoloRun(0, 0, (1,) * 6, warm, StopReason.PRECISE)


# ---------------------------------------------------------------- the stop rule


def spread(rounds: int, half: float) -> list[float]:
    """So many values with medians' interval of about +-half: half of them there, half there."""
    return [half if i % 2 else -half for i in range(rounds)]


@pytest.mark.parametrize(
    ("rounds", "half", "stop"),
    [
        (19, 0.0, None),  # never before the least number
        (20, 0.009, StopReason.PRECISE),
        (20, 0.011, None),
        (21, 0.0, None),  # between looks
        (39, 0.0, None),
        (40, 0.009, StopReason.PRECISE),
        (40, 0.011, None),
        (79, 0.0, None),
        (80, 0.009, StopReason.PRECISE),
        (80, 0.011, StopReason.MAX_ROUNDS),
    ],
)
def test_the_stop_rule(rounds: int, half: float, stop: StopReason | None) -> None:
    assert stops(spread(rounds, half), DEFAULT, 0.01) is stop


def test_a_narrow_middle_is_not_enough_before_the_last_look() -> None:
    # Ranks 6 and 15 lie at +-0.5%, but ranks 4 and 17 at +-2%: narrow by luck, go on.
    logs = [-0.02] * 5 + [-0.005] * 5 + [0.005] * 5 + [0.02] * 5
    assert stops(logs, DEFAULT, 0.01) is None
    assert stops(logs, replace(DEFAULT, max_rounds=20), 0.01) is StopReason.PRECISE


def test_too_few_rounds_for_the_stop_confidence() -> None:
    assert stops([0.0] * 6, replace(DEFAULT, min_rounds=6), 0.01) is None
    assert stops([0.0] * 6, replace(DEFAULT, min_rounds=6, max_rounds=6), 0.01) is not None


def test_the_targets_of_cpu_and_gpu_differ() -> None:
    def rounds(device: str) -> int:
        simulated = SimulatedDevice(Weather(noise=0.01), seed=4)
        pair = simulated.subject(6e6), simulated.subject(6e6)
        return len(measure_pair(*pair, SHORT, device, 1).orders)

    assert rounds("cpu") < rounds("cuda")


def test_a_noisy_pair_goes_on_to_the_end_and_is_flagged() -> None:
    device = SimulatedDevice(Weather(noise=0.1), seed=5)
    run = measure_pair(device.subject(6e6), device.subject(6e6), SHORT, "cuda", 1)
    assert len(run.orders) == 80
    assert run.stop is StopReason.MAX_ROUNDS
    assert FlagKind.MAX_ROUNDS in kinds(run)


def test_time_may_run_out() -> None:
    device = SimulatedDevice(Weather(noise=0.1), seed=5)
    limited = replace(SHORT, max_seconds=0.3)
    run = measure_pair(device.subject(6e6), device.subject(6e6), limited, "cuda", 1)
    assert run.stop is StopReason.OUT_OF_TIME
    assert len(run.orders) == pytest.approx(0.3 / 0.024, abs=2)
    assert FlagKind.MAX_ROUNDS in kinds(run)
    tiny = replace(SHORT, max_seconds=0.001)
    assert len(measure_pair(device.subject(6e6), device.subject(6e6), tiny, "cpu", 1).orders) == 6


def test_a_drifting_device_is_flagged_and_its_ratio_still_right() -> None:
    device = SimulatedDevice(Weather(noise=0.002, drift=0.05))
    run = measure_pair(device.subject(6e6), device.subject(9e6), SHORT, "cpu", 1)
    assert FlagKind.DRIFT in kinds(run)
    assert run.log_rho.exp().point == pytest.approx(1.5, rel=0.003)


# ---------------------------------------------------------------- the null test


def subjects(device: SimulatedDevice, one: float, other: float) -> NullSubjects:
    return NullSubjects("v1", device.subject(one), device.subject(other), device.subject(2e4))


def test_a_quiet_device_passes() -> None:
    device = SimulatedDevice(Weather(noise=0.003), seed=6)
    result = null_test(subjects(device, 6e6, 6e6), SHORT, "cuda", "bf16", "graph", 1)
    assert result.passed
    assert len(result.attempts) == 1
    assert result.flag is None
    assert not verdicts_refused([result], "bf16", "graph")


def test_a_copy_that_differs_fails_twice() -> None:
    device = SimulatedDevice(Weather(noise=0.003), seed=7)
    result = null_test(subjects(device, 6e6, 6.1e6), SHORT, "cuda", "bf16", "graph", 1)
    assert len(result.attempts) == 2
    assert not result.passed
    assert all("its own copy" in problem for problem in result.problems)
    assert result.flag is not None
    assert result.flag.kind is FlagKind.NULL_TEST
    assert verdicts_refused([result], "bf16", "graph")


def test_a_blind_timer_fails() -> None:
    class Blind(Script):
        """Its short slots are lost, as of work on a stream that nobody waits for."""

        def slot(self, repeats: int) -> int:
            return 1 if 1 < repeats < 100 else super().slot(repeats)

    noisy = SimulatedDevice(Weather(noise=0.001), seed=8).subject(6e6)
    result = null_test(NullSubjects("v1", noisy, noisy, Blind(2e4)), SHORT, "cpu", "bf16", "eager", 1)
    assert len(result.attempts) == 2
    assert "not noticed" in result.problems[0]


def test_a_second_attempt_may_pass() -> None:
    filler = Script(2e4)

    class Once(Script):
        """Disturbed until the first attempt has come to the extra work."""

        def slot(self, repeats: int) -> int:
            return super().slot(repeats) if filler.slots else round(6.3e6 * repeats)

    result = null_test(NullSubjects("v1", Script(6e6), Once(6e6), filler), SHORT, "cpu", "bf16", "eager", 1)
    assert [bool(problem) for problem in result.problems] == [True, False]
    assert result.passed
    assert not verdicts_refused([result], "bf16", "eager")


@pytest.mark.parametrize(
    ("copy", "extra", "problem"),
    [
        ((0.998, 1.0, 1.002), (1.04, 1.05, 1.06), ""),
        ((0.9972, 0.9985, 0.9999), (1.04, 1.05, 1.06), "not 1"),
        ((1.0, 1.001, 1.002), (1.04, 1.05, 1.06), ""),
        ((0.99, 1.0, 1.01), (1.04, 1.05, 1.06), "wider than"),
        ((0.998, 1.0, 1.0031), (1.04, 1.05, 1.06), "wider than"),
        ((0.998, 1.0, 1.002), (1.0, 1.05, 1.06), "not noticed"),
        ((0.998, 1.0, 1.002), (0.9, 0.95, 0.97), "not noticed"),
    ],
)
def test_what_fails_a_null_test(
    copy: tuple[float, float, float], extra: tuple[float, float, float], problem: str
) -> None:
    found = null_problem(MeasuredInterval(*copy), MeasuredInterval(*extra), 0.003)
    assert problem in found
    assert bool(problem) == bool(found)


def test_without_a_null_test_there_is_no_verdict() -> None:
    assert verdicts_refused([], "bf16", "graph")
    unfinished = NullTest("v1", 0.01, ())
    assert verdicts_refused([unfinished], "bf16", "graph")
    assert unfinished.flag is not None


def test_a_null_test_speaks_for_its_precision_and_mode() -> None:
    device = SimulatedDevice(Weather(noise=0.003), seed=7)
    passed = null_test(subjects(device, 6e6, 6e6), SHORT, "cuda", "bf16", "graph", 1)
    failed = null_test(subjects(device, 6e6, 6.4e6), SHORT, "cuda", "bf16", "eager", 1)
    assert (passed.tolerance, failed.tolerance) == (0.003, 0.01)
    assert (passed.passed, failed.passed) == (True, False)
    assert not verdicts_refused([passed, failed], "bf16", "graph")
    assert verdicts_refused([passed, failed], "bf16", "eager")
    assert verdicts_refused([passed, failed], "tf32", "graph")
    older = replace(failed, precision="", mode="")  # did not say for what it was made
    assert verdicts_refused([passed, older], "bf16", "graph")


def test_a_null_test_ends_by_the_clock() -> None:
    device = SimulatedDevice(Weather(noise=0.2), seed=7)
    bounded = replace(SHORT, null_rounds=1280, null_seconds=0.5)
    result = null_test(subjects(device, 6e6, 6e6), bounded, "cpu", "fp32-ieee", "eager", 1)
    assert not result.passed
    for attempt in result.attempts:
        assert attempt.copy.stop is StopReason.OUT_OF_TIME
        assert sum(map(sum, attempt.copy.slots_ns)) < 0.6e9


def test_extra_work_is_a_little() -> None:
    device = SimulatedDevice()
    more = padded(device.subject(1e6), device.subject(1e4), Protocol())
    assert more.slot(10) == pytest.approx(1.05 * 10e6)
    large = padded(device.subject(1e6), device.subject(1e7), Protocol())
    assert large.slot(1) == pytest.approx(11e6)  # one run of the filler is the least


# ---------------------------------------------------------------- the simulated device


def test_the_weather_is_the_same_for_the_same_seed() -> None:
    storm = Weather(0.01, 0.1, 0.2, 1.0, 0.1, 0.5, 0.2, 0.1, 0.1, 0.05, 0.2)

    def times(seed: int) -> list[int]:
        subject = SimulatedDevice(storm, seed).subject(5e6)
        return [subject.slot(1) for _ in range(100)]

    assert times(1) == times(1)
    assert times(1) != times(2)


def test_each_kind_of_weather_does_what_it_says() -> None:
    def times(weather: Weather, slots: int = 400) -> list[int]:
        subject = SimulatedDevice(weather, 1).subject(5e6)
        return [subject.slot(1) for _ in range(slots)]

    assert set(times(Weather())) == {5_000_000}
    drifting = times(Weather(drift=0.1))
    assert drifting[-1] / drifting[0] == pytest.approx(1.2, abs=0.03)
    ramped = times(Weather(ramp=0.5, ramp_s=0.2))
    assert (ramped[0], ramped[-1]) == (7_500_000, pytest.approx(5_000_000, rel=1e-3))
    spiky = times(Weather(spikes=0.1))
    assert 0.05 < sum(t > 5_000_000 for t in spiky) / 400 < 0.2
    held = times(Weather(throttle=0.2, throttle_on_s=0.3, throttle_off_s=0.3))
    assert set(held) == {5_000_000, 6_000_000}
    changes = sum(a != b for a, b in pairwise(held))
    assert changes < 20  # long spells, not noise
    slow = times(Weather(wander=0.05, wander_s=0.5))
    steps = [abs(b / a - 1) for a, b in pairwise(slow)]
    assert max(slow) / min(slow) > 1.05
    assert sorted(steps)[200] < 0.02


def test_throttling_is_reported_as_by_nvml() -> None:
    device = SimulatedDevice(Weather(throttle=0.2, throttle_off_s=0.05))
    assert device.throttle_reasons == 0
    subject = device.subject(5e6)
    for _ in range(200):
        subject.slot(1)
    assert device.throttle_reasons == THROTTLED
