"""Results -> sentences. Numbers come first and each carries its scope; none of it is written by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.bench.stats.statistics import SavingVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archcalc.bench.records.record import Key, Session
    from archcalc.bench.stats.statistics import MeasuredInterval
    from archcalc.report.evidence import Evidence, Trial

NO_RECORD: Final = "No measurement is at hand: every figure here is counted, none was timed."
MACS: Final = "MACs are multiply-adds of convolutions, linear layers and matrix products; FLOPs = 2 x MACs."
PARAMS: Final = (
    "params are all learnable values (weights, biases, normalisation); weights are the multiplicative ones."
)
SCOPE: Final = (
    "Counts: inference, batch 1, each network at its own input size, without side heads, unless said."
)
SAVING: Final = (
    "mu = MACs(new) / MACs(old), counted on what was timed; rho = time(new) / time(old) with its 95% "
    "interval; realized saving R = (1 - rho) / (1 - mu). Realized: R's lower bound is 0.8 or more; partial: "
    "it is above 0 and the upper one below 0.8; none: the interval holds 0; reversed: the upper bound is "
    "below 0; unresolved: anything else, or mu within 5% of 1; refused: the session failed its null test."
)
PREDICTION: Final = (
    "The prediction is the roofline's: the sum over kernels of max(FLOPs / P, bytes / B) + t0 with the "
    "ceilings measured in the same session; the regime is where most of that time goes."
)


def plus_minus(interval: MeasuredInterval) -> str:
    """`0.81 ± 0.01`, or `12 (3.3 to 35)` where the interval is wide; see `units.plus_minus`."""
    return units.plus_minus(interval.low, interval.point, interval.high)


def bounds(interval: MeasuredInterval, digits: int = 3) -> str:
    """`0.810 (0.802 to 0.818)`."""
    return units.interval_text(interval.low, interval.point, interval.high, digits)


def conditions(key: Key) -> str:
    """`batch 32, fp32-ieee, eager, nchw, width = 64`."""
    parts = [f"batch {key.batch}", key.precision, key.mode, key.layout]
    parts += ["normalisation folded"] if key.fused else []
    return ", ".join([*parts, *(f"{n} = {v}" for n, v in key.variables)])


def device(session: Session) -> str:
    """What a session measured on: the GPU's name, or the CPU's with its threads."""
    e = session.environment
    if e.device == "cpu":
        return f"{e.cpu or e.device_name} ({count(e.threads, 'thread')})"
    return e.device_name


def count(number: int, noun: str) -> str:
    """`1 thread`, `2 threads`, `12 networks`."""
    return units.quantity(number, noun)


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def share(part: float, total: float) -> str:
    """`61%` of something; a decimal where it is under 10%."""
    return units.share(part, total)


def human(value: object) -> str:
    """A count with four digits: `1.583G`; small integers as they are."""
    return units.human(value)  # type: ignore[arg-type]


def rate(value: float, unit: str) -> str:
    """`1.6 TFLOP/s`."""
    return units.brief(value, unit)


def milliseconds(interval: MeasuredInterval) -> str:
    """`12.3 ± 0.1 ms`, `12 ms (3.3 to 35)`."""
    point, bracket, rest = plus_minus(interval).partition(" (")
    return f"{point} ms{bracket}{rest}"


# -- trials ---------------------------------------------------------------------------------------


def trial(t: Trial) -> str:
    """The answer to: the arithmetic fell, did the time?"""
    s = t.figures.saving
    expected = f"; the roofline predicts {t.figures.predicted:.3f}" if t.figures.predicted is not None else ""
    return (
        f"{t.new} costs {s.mu:.3f} {'times' if s.costlier else 'of'} {t.old} in MACs; on "
        f"{device(t.session)} it took {plus_minus(s.rho)} of its time at {conditions(t.key)}: "
        f"{outcome(t)}{expected}. The interval is at 95%, {s.rho.label}.{remarks(t)}"
    )


def outcome(t: Trial) -> str:
    """`**partial** (R = 0.68, 0.60 to 0.75), memory-bound`."""
    s = t.figures.saving
    regime = f", {t.regime}" if t.regime else ""
    if s.interval is None:
        return f"**{s.verdict}**{regime}"
    said = f"R = {s.interval.point:.2f}, {s.interval.low:.2f} to {s.interval.high:.2f}"
    return f"**{s.verdict}**{_costlier(t)} ({said}){regime}"


def _costlier(t: Trial) -> str:
    """What the bare word hides where the new network is the costlier one."""
    if not t.figures.saving.costlier:
        return ""
    texts = {
        SavingVerdict.REALIZED: ", the rise paid in full",
        SavingVerdict.PARTIAL: ", the time rising by less than the arithmetic",
        SavingVerdict.REVERSED: ", the time falling all the same",
    }
    return texts.get(t.figures.saving.verdict, "")


def remarks(t: Trial) -> str:
    """The note of the verdict and the kinds of flags, as a sentence."""
    notes = [t.figures.saving.note] if t.figures.saving.note else []
    kinds = sorted({str(flag.kind) for flag in t.figures.flags})
    notes += ["flagged " + listed(kinds)] if kinds else []
    return f" Note: {'; '.join(notes)}." if notes else ""


def tally(trials: Iterable[Trial]) -> str:
    """`4 realized, 2 partial and 1 reversed`, in the order of the verdicts."""
    seen = Counter(t.figures.saving.verdict for t in trials)
    return listed([f"{seen[v]} {v}" for v in SavingVerdict if seen[v]])


# -- method and environment -----------------------------------------------------------------------


def environment(evidence: Evidence, keys: Sequence[Key]) -> list[str]:
    """A line for each record that measured one of `keys`, and for each of its sessions that did."""
    lines: list[str] = []
    for source in evidence.sources:
        used = {p.session for p in source.record.points if p.key in keys}
        if used:
            lines.append(f"Record `{source.name}`, SHA-256 `{source.sha256[:16]}…`.")
        lines += [_session(s) for s in source.record.sessions if s.identity in used]
    return lines


def _session(session: Session) -> str:
    e = session.environment
    versions = [f"torch {e.torch}", f"Python {e.python}"]
    versions += [f"{n} {v}" for n, v in (("CUDA", e.cuda), ("cuDNN", e.cudnn), ("driver", e.driver)) if v]
    where = [device(session), e.variant, e.platform]
    processes = "process" if session.protocol.processes == 1 else "processes"
    parts = [
        f"Session of {session.started} on " + ", ".join(w for w in where if w),
        ", ".join(versions),
        f"archcalc {session.archcalc}, protocol `{session.protocol.name}` with {session.protocol.processes} "
        f"{processes}, seed {session.seed}",
    ]
    for c in session.ceilings:
        parts.append(
            f"ceilings in {c.precision}, {c.mode}: convolution {rate(c.convolution, 'FLOP/s')}, matrix "
            f"product {rate(c.matmul, 'FLOP/s')}, copy {rate(c.bandwidth, 'B/s')}, trivial kernel "
            f"{c.launch_ns / 1000:.3g} µs"
        )
    passed = sum(test.passed for test in session.null_tests)
    null = f"null tests passed: {passed} of {len(session.null_tests)}"
    failed = [f"{test.precision}, {test.mode}".strip(", ") for test in session.failed_null_tests]
    refused = " in " + "; ".join(failed) if all(failed) and passed else ""
    parts.append(null + (f", so no verdict is given{refused}" if failed or not passed else ""))
    command = " ".join(session.command)
    return "; ".join(parts) + (f"; command `{command}`." if command else ".")


def flags(trials: Sequence[Trial]) -> list[str]:
    """A line for each kind of flag among some trials: how often, and what helps."""
    seen = Counter(flag.kind for t in trials for flag in {f.kind: f for f in t.figures.flags}.values())
    remedies = {flag.kind: flag.remedy for t in trials for flag in t.figures.flags}
    return [
        f"Flag `{kind}` on {number} of {count(len(trials), 'comparison')}: {remedies[kind]}."
        for kind, number in sorted(seen.items())
    ]
