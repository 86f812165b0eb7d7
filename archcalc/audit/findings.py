"""The results of an audit: a `Finding` for each published figure, a summary for each paper and over all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.audit.conventions import AuditVerdict
from archcalc.display import Displayed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archcalc.errors import Span
    from archcalc.units import Inference, PublishedInterval


class Outcome(StrEnum):
    """What a figure counts as; each figure is one of these."""

    agrees = "agrees"
    conditional = "agrees under a convention"
    explained = "differs, explained"
    unknown = "differs, cause unknown"
    failing = "unexplained"
    unprinted = "not printed"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change to a row that would give what is printed.

    `fits` are the headers of the cells that it explains, `condition` the convention that this takes, and
    `values` what the row would then cost.
    """

    change: str
    kind: str
    fits: tuple[str, ...]
    condition: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReadingResult:
    """One reading of a figure and what it gives.

    `text` is its expression, `words` the choice that it makes, `given` the same as `(choice, value)` pairs.
    `gives` says whether the printed figure follows from it, and no figure that is one unit off. `note` names
    the footnote that holds it; "" where it is a line of the claims table.
    """

    text: str
    words: str
    given: tuple[tuple[str, str], ...]
    computed: Any
    verdict: AuditVerdict
    gives: bool
    condition: str = ""
    difference: Fraction | None = None
    note: str = ""

    def holds(self, taken: Mapping[str, str]) -> bool:
        """Whether the reading goes with the values taken."""
        return all(taken.get(name, value) == value for name, value in self.given)

    @property
    def verdict_text(self) -> str:
        """The verdict as a reader sees it."""
        return "gives it" if self.gives else self.compared

    @property
    def compared(self) -> str:
        """How the figure compares, whether it is given or only near."""
        return _verdict_text(self.verdict, self.condition, self.difference)


@dataclass(frozen=True, slots=True)
class Finding:
    """One published figure beside the computed one.

    `kind` is `cell`, `total` (a cell about the network) or `claim` (a sentence). `row` is the row's label or
    the sentence, `column` the header or the expression of the reading that is compared. `compared` are the
    parts of a shape that are claims: what builds the row is not. `intervals` holds one interval, or one for
    each such part. `computed` is an exact number, a shape (height, width, channels), or None where nothing
    could be computed. `alternative` is the interval under the convention that an `agrees if` names.
    `difference` is (computed - published) / published.

    `source` says whose the figure is; "" is the paper that the document is about. `lines` are the readings of
    a sentence in their order; `readings` are all but the one that is compared, with those of the footnotes,
    and `cause` is the one of them that gives the printed figure. `notes` are the names of the footnotes and
    `explanation` is their text. `fault` says why the audit fails here; it is empty where it does not.
    """

    kind: str
    networks: tuple[str, ...]
    span: Span
    row: str
    column: str
    metric: str
    published: str
    computed: Any
    intervals: tuple[PublishedInterval, ...]
    convention: str
    verdict: AuditVerdict
    condition: str = ""
    alternative: PublishedInterval | None = None
    difference: Fraction | None = None
    compared: tuple[str, ...] = ()
    source: str = ""
    lines: tuple[ReadingResult, ...] = ()
    readings: tuple[ReadingResult, ...] = ()
    cause: ReadingResult | None = None
    notes: tuple[str, ...] = ()
    explanation: str = ""
    note: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    fault: str = ""

    @property
    def verdict_text(self) -> str:
        """The verdict as a reader sees it: `agrees if truncated`, `differs by +12.3%`."""
        return _verdict_text(self.verdict, self.condition, self.difference)

    @property
    def outcome(self) -> Outcome:
        """What the figure counts as."""
        if self.fault or self.verdict is AuditVerdict.failed:
            return Outcome.failing
        if self.verdict is AuditVerdict.unprinted:
            return Outcome.unprinted
        if self.verdict is AuditVerdict.differs:
            return Outcome.explained if self.cause else Outcome.unknown
        return Outcome.agrees if self.verdict is AuditVerdict.agrees else Outcome.conditional

    def by(self, choice: str, taken: Mapping[str, str]) -> dict[str, ReadingResult]:
        """What the sentence comes to by each value of a choice, the other choices being as `taken`."""
        values = dict.fromkeys(value for line in self.lines for name, value in line.given if name == choice)
        result = {}
        for value in values:
            other = {**taken, choice: value}
            line = next((r for r in self.lines if r.holds(other)), None)
            if line is not None:
                result[value] = line
        return result


def _verdict_text(verdict: AuditVerdict, condition: str, difference: Fraction | None) -> str:
    if verdict is AuditVerdict.conditional:
        return f"agrees if {condition}"
    if verdict is AuditVerdict.differs:
        return "differs" if difference is None else f"differs by {percent(difference)}"
    return str(verdict)


def percent(value: Fraction) -> str:
    """A signed percentage with as many decimals as it takes not to read as zero: `+12.3%`, `-0.05%`."""
    number = float(100 * value)
    if number == 0 or abs(number) >= 1000:
        return f"{number:+,.0f}%" if number else "0%"
    places = next((p for p in (1, 2, 3) if abs(number) >= 10**-p), 4)
    return f"{number:+.{places}f}%"


@dataclass(frozen=True, slots=True)
class AuditedColumn:
    """How a column of figures was read: the inferred reading, and how many cells it explains."""

    header: str
    declared: str
    inference: Inference


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice that sentences of one paper leave open, and how many of them agree by each value of it.

    `values` are the values in the order of the document, each with how many of the `sentences` that depend
    on the choice agree by it, and how many agree under a convention. `taken` is the value by which the paper
    is read.
    """

    name: str
    values: tuple[tuple[str, int, int], ...]
    sentences: int
    taken: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How many figures were checked, and what came of them; the five kinds add up to `checked`."""

    checked: int = 0
    agreeing: int = 0
    conditional: int = 0
    explained: int = 0
    unknown: int = 0
    failing: int = 0

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            self.checked + other.checked,
            self.agreeing + other.agreeing,
            self.conditional + other.conditional,
            self.explained + other.explained,
            self.unknown + other.unknown,
            self.failing + other.failing,
        )


def summarise(findings: Iterable[Finding]) -> Summary:
    """The counts of some findings; those of which no figure is printed are left out."""
    counts = Counter(finding.outcome for finding in findings)
    return Summary(
        checked=counts.total() - counts[Outcome.unprinted],
        agreeing=counts[Outcome.agrees],
        conditional=counts[Outcome.conditional],
        explained=counts[Outcome.explained],
        unknown=counts[Outcome.unknown],
        failing=counts[Outcome.failing],
    )


@dataclass(frozen=True, slots=True)
class Paper:
    """One document's audit. `audited` names the one network that was asked for, if any."""

    name: str
    title: str
    source: str
    file: str
    columns: tuple[AuditedColumn, ...]
    findings: tuple[Finding, ...]
    choices: tuple[Choice, ...] = ()
    audited: str = ""
    scope: str = ""

    @property
    def summary(self) -> Summary:
        """How many of the paper's own figures agree."""
        return summarise(f for f in self.findings if not f.source)

    @property
    def elsewhere(self) -> Summary:
        """How many of the figures agree that stand elsewhere: in notes, released models, other papers."""
        return summarise(f for f in self.findings if f.source)


@dataclass(frozen=True, slots=True, repr=False)
class Audit(Displayed):
    """The audits of some documents."""

    papers: tuple[Paper, ...]

    def __repr__(self) -> str:
        total = self.summary
        names = ", ".join(paper.audited or paper.name for paper in self.papers[:3])
        more = f" and {len(self.papers) - 3} more" if len(self.papers) > 3 else ""
        return f"Audit({names}{more}: {total.checked} checked, {total.failing} unexplained)"

    @property
    def summary(self) -> Summary:
        """How many of the papers' own figures agree."""
        return sum((paper.summary for paper in self.papers), Summary())

    @property
    def elsewhere(self) -> Summary:
        """How many of the figures from elsewhere agree."""
        return sum((paper.elsewhere for paper in self.papers), Summary())

    @property
    def passed(self) -> bool:
        """Whether every difference has a footnote or a reading, and every claim could be evaluated."""
        return (self.summary + self.elsewhere).failing == 0

    @property
    def unknown(self) -> int:
        """How many figures differ for no known cause, wherever they stand."""
        return (self.summary + self.elsewhere).unknown
