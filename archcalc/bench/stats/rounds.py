"""How a figure is taken: slots, warm-up, interleaved rounds, and when to stop.

One loop measures real and simulated devices alike, so that what is tested without hardware is what
runs on it. Two departures from the plain protocol are argued at `_settled` and `looks`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import median

from archcalc.bench.stats.flags import drifting, max_rounds, present, slow_warm_up
from archcalc.bench.stats.protocol import (
    Order,
    PairRun,
    Protocol,
    Slots,
    SoloRun,
    StopReason,
    Subject,
    WarmUp,
)
from archcalc.bench.stats.statistics import (
    SMALLEST_SAMPLE,
    MeasuredInterval,
    log_ratio,
    median_interval,
    median_ranks,
)
from archcalc.errors import ArchcalcError

_MOST_REPEATS = 10**6  # nothing that runs takes under 5 ns
Watch = Callable[[int, MeasuredInterval], None]  # rounds done so far, the interval of the logarithm

# ---------------------------------------------------------------- before the rounds


def calibrate(subject: Subject, protocol: Protocol) -> int:
    """How many runs fill a slot, with a tenth to spare for a device that is still speeding up."""
    wanted = protocol.slot_s * 1e9
    _timed(subject, 1)  # the first run pays for allocation and autotuning; it would mislead
    repeats = 1
    while (took := _timed(subject, repeats)) < wanted:
        if repeats >= _MOST_REPEATS:
            raise ArchcalcError(
                f"{repeats} runs seem to take {took / 1e6:.3f} ms: the timer does not see the work",
                "the device's timer is too coarse or broken; measure on another device",
            )
        # A short slot is mostly overhead, so it is not trusted for more than tenfold.
        enough = math.ceil(1.1 * wanted * repeats / took)
        repeats = min(10 * repeats, max(repeats + 1, enough), _MOST_REPEATS)
    return repeats


def warm_up(
    subjects: Sequence[Subject], repeats: Sequence[int], protocol: Protocol
) -> tuple[WarmUp, tuple[int, ...]]:
    """Run the subjects in turn until steady; also the repeats that now fill a slot.

    Steady: two windows in a row whose medians agree, for every subject, after the least time.
    """
    elapsed, windows, change = 0.0, 0, math.inf
    before: list[list[int]] | None = None
    while True:
        now: list[list[int]] = [[] for _ in subjects]
        ends = elapsed + protocol.window_s
        while len(now[0]) < protocol.window_slots or elapsed < ends:
            for times, subject, count in zip(now, subjects, repeats, strict=True):
                times.append(_timed(subject, count))
                elapsed += times[-1] * 1e-9
            # A slot may last for seconds: then a window must not outlast what is allowed.
            if elapsed >= protocol.warm_up_max_s and len(now[0]) >= 3:
                break
        windows += 1
        steady = False
        if before is not None:
            pairs = list(zip(before, now, strict=True))
            change = max(abs(median(b) / median(a) - 1) for a, b in pairs)
            steady = all(_settled(a, b, protocol.window_agreement) for a, b in pairs)
        if (steady and elapsed >= protocol.warm_up_min_s) or elapsed >= protocol.warm_up_max_s:
            break
        before = now
    wanted = protocol.slot_s * 1e9
    runs = [median(times) / count for times, count in zip(now, repeats, strict=True)]
    filled = tuple(1 if run >= wanted else math.ceil(1.1 * wanted / run) for run in runs)
    return WarmUp(elapsed, windows, change if math.isfinite(change) else 1.0, steady), filled


def _settled(before: Sequence[int], after: Sequence[int], agreement: float) -> bool:
    """The medians differ by under `agreement`, or by under their own standard error.

    The second half departs from the plain rule: on a shared CPU medians of ten slots never agree
    to 0.5%, so that every warm-up would take its longest time and raise a flag, though nothing
    trends. A real trend soon exceeds the standard error and is still waited for.
    """
    a, b = median(before), median(after)
    # 1.4826 MAD estimates sigma; the median's standard error is 1.2533 sigma / sqrt(n).
    error = math.hypot(
        *(1.2533 * 1.4826 * _mad(w, m) / math.sqrt(len(w)) / m for w, m in ((before, a), (after, b)))
    )
    return abs(b / a - 1) < max(agreement, error)


def _mad(values: Sequence[int], middle: float) -> float:
    return median(abs(v - middle) for v in values)


def _timed(subject: Subject, repeats: int) -> int:
    took = subject.slot(repeats)
    if took < 1:
        raise ArchcalcError(
            f"the clock did not advance during {repeats} runs",
            "the device's timer is too coarse or broken; measure on another device",
        )
    return took


# ---------------------------------------------------------------- the rounds


def looks(protocol: Protocol) -> tuple[int, ...]:
    """The numbers of rounds after which the interval may stop the run: 20, 40, 80.

    Doubling, and not after every round: sixty chances to be narrow by luck bring the coverage of
    the interval from 96% to 93% in simulation, three do not.
    """
    at = [protocol.min_rounds]
    while at[-1] < protocol.max_rounds:
        at.append(min(2 * at[-1], protocol.max_rounds))
    return tuple(at)


def stops(logs: Sequence[float], protocol: Protocol, target: float) -> StopReason | None:
    """The stop rule after each round; None to go on. `logs` are logarithms, in order.

    Before the last look the interval at `stop_confidence` must be within the target; at the last
    one only the reported interval counts, since there is nothing left to wait for.
    """
    rounds = len(logs)
    if rounds >= protocol.max_rounds:
        precise = median_interval(logs).half_width <= target
        return StopReason.PRECISE if precise else StopReason.MAX_ROUNDS
    if rounds not in looks(protocol):
        return None
    try:
        low, high = median_ranks(rounds, protocol.stop_confidence)
    except ValueError:  # too few rounds for that confidence
        return None
    ordered = sorted(logs)
    within = (ordered[high - 1] - ordered[low - 1]) / 2 <= target
    return StopReason.PRECISE if within else None


def measure_pair(
    old: Subject,
    new: Subject,
    protocol: Protocol,
    device: str,
    seed: int,
    process: int = 0,
    target: float | None = None,
    watch: Watch | None = None,
) -> PairRun:
    """Time A (`old`) against B (`new`) in interleaved rounds, each ABBA or BAAB by a fair coin.

    The coin is seeded, so that the orders can be drawn again from the record. `target` is the
    relative half-width to reach, by default the protocol's for this device. `watch` is called
    after every round from the sixth on.
    """
    target = protocol.half_width(device) if target is None else target
    subjects = (old, new)
    first = tuple(calibrate(subject, protocol) for subject in subjects)
    warm, filled = warm_up(subjects, first, protocol)
    repeats = (filled[0], filled[1])
    coin = random.Random(seed)
    orders: list[Order] = []
    rounds: list[Slots] = []
    ratios: list[float] = []
    spent = 0

    def step() -> float:
        nonlocal spent
        order = Order.ABBA if coin.random() < 0.5 else Order.BAAB
        which = (0, 1, 1, 0) if order is Order.ABBA else (1, 0, 0, 1)
        a, b, c, d = (_timed(subjects[i], repeats[i]) for i in which)
        orders.append(order)
        rounds.append((a, b, c, d))
        ratios.append(log_ratio(order, rounds[-1], repeats))
        spent += a + b + c + d
        return spent * 1e-9

    stop = _until_stopped(step, ratios, protocol, target, watch)
    run = PairRun(process, seed, repeats, tuple(orders), tuple(rounds), warm, stop)
    level = [(a + b) / 2 for a, b in zip(run.log_times(0), run.log_times(1), strict=True)]
    flags = present(
        slow_warm_up(warm.steady, warm.seconds, warm.change),
        max_rounds(len(rounds), run.log_rho.half_width, target),
        drifting(level, "times"),
        drifting(ratios, "ratio"),
    )
    return PairRun(process, seed, repeats, run.orders, run.slots_ns, warm, stop, flags)


def measure_solo(
    subject: Subject,
    protocol: Protocol,
    device: str,
    process: int = 0,
    watch: Watch | None = None,
) -> SoloRun:
    """Time one network alone; for a ratio always use `measure_pair`, which cancels what this feels.

    Each slot is a value of its own; the stop rule and the target are those of a pair.
    """
    target = protocol.half_width(device)
    warm, (repeats,) = warm_up((subject,), (calibrate(subject, protocol),), protocol)
    slots: list[int] = []
    logs: list[float] = []
    spent = 0

    def step() -> float:
        nonlocal spent
        slots.append(_timed(subject, repeats))
        logs.append(math.log(slots[-1] / repeats))
        spent += slots[-1]
        return spent * 1e-9

    stop = _until_stopped(step, logs, protocol, target, watch)
    flags = present(
        slow_warm_up(warm.steady, warm.seconds, warm.change),
        max_rounds(len(slots), median_interval(logs).half_width, target),
        drifting(logs, "times"),
    )
    return SoloRun(process, repeats, tuple(slots), warm, stop, flags)


def _until_stopped(
    step: Callable[[], float],
    logs: Sequence[float],
    protocol: Protocol,
    target: float,
    watch: Watch | None,
) -> StopReason:
    """Call `step` (it adds to `logs` and gives the seconds spent) until it is time to stop."""
    while True:
        spent = step()
        if len(logs) < SMALLEST_SAMPLE:
            continue
        if watch is not None:
            watch(len(logs), median_interval(logs))
        stop = stops(logs, protocol, target)
        if stop is not None:
            return stop
        if protocol.max_seconds is not None and spent >= protocol.max_seconds:
            return StopReason.OUT_OF_TIME
