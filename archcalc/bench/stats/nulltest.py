"""The null test of a precision and mode: can this machine tell equal from different today?

A against a second copy of A must come out equal: an interval that holds 1.0 and does not reach
beyond the tolerance (an interval that holds 1.0 because it is wide shows nothing). And A against A
plus a little extra work must come out slower. Each alone is easy to pass: the first by a timer
that always says the same, the second by noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from archcalc.bench.stats.fields import OPTIONAL
from archcalc.bench.stats.flags import Flag, null_test_failed
from archcalc.bench.stats.protocol import PairRun, Protocol, Subject
from archcalc.bench.stats.rounds import Watch, calibrate, measure_pair
from archcalc.bench.stats.statistics import MeasuredInterval


class Padded:
    """A subject plus a little extra work; a run of it is a run of both."""

    def __init__(self, subject: Subject, filler: Subject, filler_runs: float) -> None:
        self.subject = subject
        self.filler = filler
        self.filler_runs = filler_runs

    def slot(self, repeats: int) -> int:
        """ns for `repeats` runs and for the filler's share, at least one run of it."""
        extra = max(1, round(self.filler_runs * repeats))
        return self.subject.slot(repeats) + self.filler.slot(extra)


def padded(subject: Subject, filler: Subject, protocol: Protocol) -> Padded:
    """`subject` made slower by the fraction `protocol.extra_work` with runs of a small `filler`.

    The filler should take well under that fraction of a run of `subject`; a single run of it is
    the least that can be added.
    """
    per_run = []
    for one in (subject, filler):
        repeats = calibrate(one, protocol)
        per_run.append(min(one.slot(repeats) for _ in range(3)) / repeats)
    return Padded(subject, filler, protocol.extra_work * per_run[0] / per_run[1])


@dataclass(frozen=True, slots=True)
class NullAttempt:
    """One attempt: A against its copy, and against itself with extra work."""

    copy: PairRun
    extra: PairRun


@dataclass(frozen=True, slots=True)
class NullTest:
    """The null test of `network` at a precision and mode: all its attempts, the passed one last.

    `tolerance` is the bound that was used: how far from 1 the interval of the copy might reach. Older records
    do not say the precision and the mode (both empty): such a test speaks for all of its session.
    """

    network: str
    tolerance: float
    attempts: tuple[NullAttempt, ...]
    precision: str = field(default="", metadata=OPTIONAL)
    mode: str = field(default="", metadata=OPTIONAL)

    def concerns(self, precision: str, mode: str) -> bool:
        """True where the test speaks for points at this precision and mode."""
        return self.precision in ("", precision) and self.mode in ("", mode)

    @property
    def problems(self) -> tuple[str, ...]:
        """What was wrong with each attempt; an empty string for one that passed."""
        return tuple(
            null_problem(a.copy.log_rho.exp(), a.extra.log_rho.exp(), self.tolerance) for a in self.attempts
        )

    @property
    def passed(self) -> bool:
        """True where an attempt passed."""
        return "" in self.problems

    @property
    def flag(self) -> Flag | None:
        """The flag that a failed null test raises, with the last attempt's problem."""
        why = self.problems[-1] if self.attempts else "no null test was made"
        return null_test_failed(not self.passed, why)


def null_problem(copy: MeasuredInterval, extra: MeasuredInterval, tolerance: float) -> str:
    """Why an attempt failed, as a phrase; an empty string where it passed."""
    if not copy.contains(1.0):
        return f"a network against its own copy gives {copy.low:.4f} to {copy.high:.4f}, not 1"
    if max(abs(math.log(copy.low)), abs(math.log(copy.high))) > tolerance:
        reach = f"{copy.low:.4f} to {copy.high:.4f}"
        return f"a network against its own copy gives {reach}, wider than 1 ± {tolerance}"
    if extra.low <= 1.0:
        return f"extra work was not noticed: {extra.low:.4f} to {extra.high:.4f}"
    return ""


@dataclass(frozen=True, slots=True)
class NullSubjects:
    """What a null test times: a network, a second instance of it with its own memory, and small work
    on the same device (`filler`)."""

    network: str
    subject: Subject
    copy: Subject
    filler: Subject


def null_test(
    subjects: NullSubjects,
    protocol: Protocol,
    device: str,
    precision: str,
    mode: str,
    seed: int,
    process: int = 0,
    watch: Watch | None = None,
) -> NullTest:
    """Make attempts until one passes or `protocol.null_attempts` have failed.

    A against its copy is timed to half the tolerance, since an interval with a half-width of the
    tolerance itself would nearly always reach beyond it.
    """
    tolerance = protocol.null_tolerance(device, mode)
    protocol = replace(protocol, max_rounds=protocol.null_rounds, max_seconds=protocol.null_seconds)
    attempts: list[NullAttempt] = []
    for attempt in range(protocol.null_attempts):
        drawn = seed + 2 * attempt
        same = measure_pair(
            subjects.subject, subjects.copy, protocol, device, drawn, process, tolerance / 2, watch
        )
        more = padded(subjects.subject, subjects.filler, protocol)
        # To notice the extra work takes less than to weigh it: a third of it for a half-width will do.
        enough = max(protocol.half_width(device), protocol.extra_work / 3)
        extra = measure_pair(subjects.subject, more, protocol, device, drawn + 1, process, enough, watch)
        attempts.append(NullAttempt(same, extra))
        result = NullTest(subjects.network, tolerance, tuple(attempts), precision, mode)
        if result.passed:
            break
    return result


def verdicts_refused(tests: Sequence[NullTest], precision: str, mode: str) -> bool:
    """True where verdicts at a precision and mode must be withheld.

    That is where a null test that speaks for them failed, or none was made. One that failed at another
    precision or mode says nothing about these.
    """
    concerned = [test for test in tests if test.concerns(precision, mode)]
    return not concerned or any(not test.passed for test in concerned)
