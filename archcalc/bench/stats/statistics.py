"""Intervals, ratios and verdicts from raw slot times; pure functions, nothing is printed here.

Everything is computed in logarithms of times, so that a ratio and its inverse are treated alike,
and every interval is at 95% unless said. Definitions: mu is the ratio of multiply-adds new / old,
rho the ratio of times new / old, R = (1 - rho) / (1 - mu) the realized saving.

Why the median of interleaved rounds. In a round ABBA the four slots meet the device in states
e1..e4 (clock, heat, neighbours), so x = log((B1 + B2) / (A1 + A2)) is log(rho) plus
log((e2 + e3) / (e1 + e4)); in a round BAAB the second term changes its sign. A linear drift cancels
in either. What does not cancel (a bend, a spike, throttling that lasts for many rounds) is given a
random sign by the coin that chose the order, independently of every other round. So each x lies
above log(rho) with probability 1/2, whatever the device does, and the interval of order statistics
keeps its binomial coverage without any assumption on the noise; a t interval assumes that the
rounds are independent and nearly normal, which throttling and spikes make false.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from statistics import fmean, median, stdev

CONFIDENCE = 0.95
SMALLEST_SAMPLE = 6  # min to max of 5 values covers the median with 93.75% only
UNDEFINED_BELOW = 0.05  # |1 - mu| under which a quotient by it says nothing
REALIZED_FROM = 0.8  # the share of the saved arithmetic that must show as saved time


@dataclass(frozen=True, slots=True)
class MeasuredInterval:
    """A point and its 95% interval; `label` says over what it was taken."""

    low: float
    point: float
    high: float
    label: str = "within-process"

    def __post_init__(self) -> None:
        if not self.low <= self.point <= self.high:
            raise ValueError(f"not an interval: {self.low}, {self.point}, {self.high}")

    def contains(self, value: float) -> bool:
        """True where `value` lies in the interval, its bounds included."""
        return self.low <= value <= self.high

    @property
    def half_width(self) -> float:
        """Half of the interval's width, in the unit of its bounds."""
        return (self.high - self.low) / 2

    def exp(self) -> MeasuredInterval:
        """The same interval of the quantity whose logarithm this one is about."""
        return MeasuredInterval(math.exp(self.low), math.exp(self.point), math.exp(self.high), self.label)

    def log(self) -> MeasuredInterval:
        """The inverse of `exp`; the half-width of a logarithm is a relative one."""
        return MeasuredInterval(math.log(self.low), math.log(self.point), math.log(self.high), self.label)

    def scaled(self, factor: float) -> MeasuredInterval:
        """The interval in another unit (`factor` > 0), as 1e-6 for ns to ms."""
        return MeasuredInterval(self.low * factor, self.point * factor, self.high * factor, self.label)

    def inverse(self, numerator: float = 1.0) -> MeasuredInterval:
        """`numerator` / this interval, as the throughput batch / latency; needs low > 0."""
        return MeasuredInterval(
            numerator / self.high, numerator / self.point, numerator / self.low, self.label
        )


# ---------------------------------------------------------------- order statistics


@lru_cache(maxsize=1024)
def median_ranks(n: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Ranks (from 1) of the two sorted values that enclose the median with `confidence` or more.

    The narrowest symmetric pair: (6, 15) for n = 20, (14, 27) for n = 40. Exact integer arithmetic
    on the binomial(n, 1/2); see David and Nagaraja, Order Statistics (2003), section 7.1.
    """
    if n < 1:
        raise ValueError("no values")
    tail = (1 - Fraction(confidence).limit_denominator(10**6)) / 2
    allowed = tail * 2**n
    below, low, ways = 0, 0, 1  # ways = n over low
    while below + ways <= allowed:
        below += ways
        ways = ways * (n - low) // (low + 1)
        low += 1
    if low == 0:
        raise ValueError(f"{n} values cannot enclose their median with {confidence:.0%} confidence")
    return low, n + 1 - low


def median_coverage(n: int, confidence: float = CONFIDENCE) -> float:
    """The probability that `median_ranks(n)` encloses the median of a continuous distribution."""
    low, _ = median_ranks(n, confidence)
    missed = sum(math.comb(n, k) for k in range(low))
    return float(1 - Fraction(2 * missed, 2**n))


def median_interval(values: Sequence[float], label: str = "within-process") -> MeasuredInterval:
    """The median with its interval of order statistics; needs at least 6 values."""
    ordered = sorted(values)
    low, high = median_ranks(len(ordered))
    return MeasuredInterval(ordered[low - 1], median(ordered), ordered[high - 1], label)


# ---------------------------------------------------------------- rounds


def log_ratio(order: str, slots: tuple[int, int, int, int], repeats: tuple[int, int] = (1, 1)) -> float:
    """x = log((B1 + B2) / (A1 + A2)) of one round, per single run of A and of B.

    `slots` are in the order in which they ran (ns); `repeats` are the runs in a slot of A and B.
    """
    old, new = round_times(order, slots)
    return math.log((new * repeats[0]) / (old * repeats[1]))


def round_times(order: str, slots: tuple[int, int, int, int]) -> tuple[int, int]:
    """A1 + A2 and B1 + B2 of one round, in ns."""
    outer, inner = slots[0] + slots[3], slots[1] + slots[2]
    if order == "ABBA":
        return outer, inner
    if order == "BAAB":
        return inner, outer
    raise ValueError(f"a round is ABBA or BAAB, not {order!r}")


# ---------------------------------------------------------------- processes


def over_processes(processes: Sequence[MeasuredInterval]) -> MeasuredInterval:
    """One interval from the intervals of fresh processes (all of logarithms).

    With one process that interval is returned as it is, label `within-process`: what another
    process would find (other algorithms from autotuning, another memory layout) is not in it.

    With k >= 2 the processes are the sample: the point is the mean of their points m_i, the
    half-width t(k - 1) * s / sqrt(k). Order statistics cannot serve: the range of 3 values covers
    the median with 75%, of 5 with 94%. Student's t may be used for so few because m_i is a median
    of 20 rounds or more and so near normal; the price is t = 4.30 at k = 3, which is what three
    processes are worth. When s is small by luck (at k = 3 it is under a fifth of the true value in
    4% of sessions) the interval would deny the noise that was seen within each process; so the
    half-width is never less than sqrt(sum h_i^2) / k / 2, about one standard error of the mean if
    the processes did not differ at all. The idea is the modified Hartung-Knapp interval that
    meta-analysis uses for few studies (Roever, Knapp and Friede, BMC Med. Res. Methodol. 15:99,
    2015); its full floor would cover 99% of equal processes, half of it covers 95 to 96% whether
    they differ or not. Where processes fall into two groups no one number is right: see `split`.
    """
    if not processes:
        raise ValueError("no processes")
    if len(processes) == 1:
        return processes[0]
    k = len(processes)
    points = [p.point for p in processes]
    spread = t_quantile(k - 1) * stdev(points) / math.sqrt(k)
    floor = math.sqrt(sum(p.half_width**2 for p in processes)) / k / 2
    half, point = max(spread, floor), fmean(points)
    return MeasuredInterval(point - half, point, point + half, f"over {k} processes")


@lru_cache(maxsize=256)
def t_quantile(df: int, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t for a whole number of degrees of freedom."""
    if df < 1:
        raise ValueError("degrees of freedom start at 1")
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        if _t_within(middle, df) < confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_within(t: float, df: int) -> float:
    """P(|T| <= t) by the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(df))
    cos2, sin = math.cos(angle) ** 2, math.sin(angle)
    odd = df % 2 == 1
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(3 if odd else 2, df + 1, 2):
        total += term
        term *= cos2 * (k - 1) / k
    return 2 / math.pi * (angle + sin * total) if odd else sin * total


@dataclass(frozen=True, slots=True)
class Split:
    """Two groups of processes that disagree; `gap` is between their nearest points (log ratio)."""

    lower: tuple[int, ...]
    upper: tuple[int, ...]
    gap: float


def split(processes: Sequence[MeasuredInterval], smallest: float = 0.01) -> Split | None:
    """The processes as two groups that do not overlap, if they fall into two; else None.

    Cut at the widest gap between sorted points. The groups count as two only when every interval
    of the lower ends under every interval of the upper (so noise seldom makes them) and the gap
    exceeds `smallest` (a difference under 1% is not worth a warning).
    """
    if len(processes) < 2:
        return None
    order = sorted(range(len(processes)), key=lambda i: processes[i].point)
    points = [processes[i].point for i in order]
    gap, cut = max((points[i + 1] - points[i], i + 1) for i in range(len(points) - 1))
    lower, upper = order[:cut], order[cut:]
    apart = max(processes[i].high for i in lower) < min(processes[i].low for i in upper)
    if not apart or gap <= smallest:
        return None
    return Split(tuple(lower), tuple(upper), gap)


# ---------------------------------------------------------------- drift


@dataclass(frozen=True, slots=True)
class Drift:
    """The last third against the first: `change` in log (0.01 is 1%), `z` its significance."""

    change: float
    z: float


def drift(logs: Sequence[float]) -> Drift:
    """How far the median of the last third lies from that of the first, and how surely.

    `z` is the normal score of the Mann-Whitney rank test between the thirds: with noisy rounds two
    medians of 7 differ by 1% from luck alone, and a warning that luck raises is soon ignored.
    """
    third = len(logs) // 3
    if third < 2:
        return Drift(0.0, 0.0)
    first, last = logs[:third], logs[-third:]
    wins = sum((b > a) + 0.5 * (b == a) for a in first for b in last)
    away = wins - third * third / 2
    sigma = math.sqrt(third * third * (2 * third + 1) / 12)
    z = math.copysign(max(0.0, abs(away) - 0.5) / sigma, away)
    return Drift(median(last) - median(first), z)


# ---------------------------------------------------------------- the realized saving


class SavingVerdict(StrEnum):
    """Did the time follow the arithmetic? `refused` where the session failed its null test."""

    REALIZED = "realized"
    PARTIAL = "partial"
    NONE = "none"
    REVERSED = "reversed"
    UNRESOLVED = "unresolved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Saving:
    """The realized saving R with the interval that rho's gives, and the verdict.

    `interval` is None where R is undefined (|1 - mu| < 0.05). `costlier` marks mu > 1: the new
    network does more arithmetic, and R is the share of that rise which shows in the time, so
    `realized` says that the rise was paid in full and `reversed` that the time fell all the same.
    `note` says what the bare word would hide; it is empty where nothing needs saying.
    """

    mu: float
    rho: MeasuredInterval
    interval: MeasuredInterval | None
    verdict: SavingVerdict
    costlier: bool
    note: str = ""


def realized_saving(mu: float, rho: MeasuredInterval, refused: bool = False) -> Saving:
    """R = (1 - rho) / (1 - mu) with its interval and verdict; `refused` withholds the verdict.

    R falls with rho where mu < 1 and rises with it where mu > 1, so the bounds swap in one case.
    """
    if not (math.isfinite(mu) and mu >= 0):
        raise ValueError(f"a ratio of multiply-adds cannot be {mu}")
    costlier = mu > 1
    if abs(1 - mu) < UNDEFINED_BELOW:
        verdict = SavingVerdict.REFUSED if refused else SavingVerdict.UNRESOLVED
        note = f"the arithmetic differs by less than {UNDEFINED_BELOW:.0%}: no saving to realize"
        return Saving(mu, rho, None, verdict, costlier, note)
    # Adding 0.0 turns the -0.0 that (1 - 1) / negative gives into 0.0.
    at_low, point, at_high = ((1 - r) / (1 - mu) + 0.0 for r in (rho.low, rho.point, rho.high))
    interval = MeasuredInterval(min(at_low, at_high), point, max(at_low, at_high), rho.label)
    if refused:
        note = "the session's null test failed twice"
        return Saving(mu, rho, interval, SavingVerdict.REFUSED, costlier, note)
    verdict = verdict_of(interval.low, interval.high)
    note = ""
    if verdict is SavingVerdict.NONE and interval.high >= REALIZED_FROM:
        note = "the interval holds both 0 and a realized saving: too wide to say"
    return Saving(mu, rho, interval, verdict, costlier, note)


def verdict_of(low: float, high: float) -> SavingVerdict:
    """The verdict for the bounds of R; the cases exclude one another, so their order is free.

    Boundaries: a lower bound of exactly 0.8 is realized, a bound of exactly 0 contains 0, an upper
    bound of exactly 0.8 over a positive lower one is unresolved (it may be realized or partial).
    """
    if low > high:
        raise ValueError(f"not an interval: {low}, {high}")
    if low >= REALIZED_FROM:
        return SavingVerdict.REALIZED
    if high < 0:
        return SavingVerdict.REVERSED
    if low <= 0:
        return SavingVerdict.NONE
    if high < REALIZED_FROM:
        return SavingVerdict.PARTIAL
    return SavingVerdict.UNRESOLVED
