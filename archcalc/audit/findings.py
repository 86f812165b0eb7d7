"""What an audit finds: one `Finding` for each published figure, and a summary for each paper and over all."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.audit.conventions import AuditVerdict
from archcalc.display import Displayed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archcalc.document.model import Cell, Footnote
    from archcalc.errors import Span
    from archcalc.units import Inference, PublishedInterval


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
class Finding:
    """One published figure beside the computed one.

    `kind` is `cell`, `total` (a cell about the whole network) or `claim` (a sentence). `row` is the row's
    label or the sentence, `column` the header or the claim's expression. `compared` are the parts of a shape
    that are claims: what builds the row is not. `intervals` holds one interval, or one for each such part.
    `computed` is an exact number, a shape (height, width, channels), or None where nothing could be computed.
    `alternative` is the interval under the convention that an `agrees if` names. `difference` is (computed -
    published) / published. `fault` says why the audit fails here; it is empty
    where it does not.
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
    explanation: str = ""
    note: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    fault: str = ""

    @property
    def words(self) -> str:
        """The verdict as a reader sees it: `agrees if truncated`, `differs by +12.3%`."""
        if self.verdict is AuditVerdict.conditional:
            return f"agrees if {self.condition}"
        if self.verdict is AuditVerdict.differs:
            return "differs" if self.difference is None else f"differs by {percent(self.difference)}"
        return str(self.verdict)


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
class Summary:
    """How many figures were checked, and what came of them; the four kinds add up to `checked`."""

    checked: int = 0
    agreeing: int = 0
    conditional: int = 0
    explained: int = 0
    failing: int = 0

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            self.checked + other.checked,
            self.agreeing + other.agreeing,
            self.conditional + other.conditional,
            self.explained + other.explained,
            self.failing + other.failing,
        )


def summarise(findings: Iterable[Finding]) -> Summary:
    """The counts of some findings."""
    found = list(findings)
    sound = [f.verdict for f in found if not f.fault]
    return Summary(
        checked=len(found),
        agreeing=sound.count(AuditVerdict.agrees),
        conditional=sound.count(AuditVerdict.conditional),
        explained=sound.count(AuditVerdict.differs),
        failing=len(found) - len(sound),
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
    audited: str = ""
    scope: str = ""

    @property
    def summary(self) -> Summary:
        """How many figures of this paper agree."""
        return summarise(self.findings)


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
        """How many figures of all papers agree."""
        total = Summary()
        for paper in self.papers:
            total += paper.summary
        return total

    @property
    def passed(self) -> bool:
        """Whether every difference is explained and every claim could be evaluated."""
        return self.summary.failing == 0


def explained(
    verdict: AuditVerdict, cell: Cell, footnotes: Mapping[str, Footnote], strict: bool = True
) -> tuple[str, str]:
    """The text of a cell's footnotes, and what is wrong with them where something is.

    `strict` also asks that no footnote stands on a cell that agrees.
    """
    text = " ".join(footnotes[name].text for name in cell.footnotes if name in footnotes)
    if verdict is AuditVerdict.differs and not text:
        return text, "no footnote explains this difference"
    if verdict is AuditVerdict.agrees and cell.footnotes and strict:
        return text, "a footnote explains a difference, and there is none"
    return text, ""
