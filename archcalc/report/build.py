"""Words of the command line -> pages, and the index of those that make up the full report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archcalc.errors import ArchcalcError
from archcalc.report import architectures, audited, factorization, page, single, versus, words
from archcalc.report.counted import spec_of
from archcalc.spec import library

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archcalc.report.evidence import Evidence
    from archcalc.report.page import Page

COMPARE: Final = "compare"
TOPICS: Final = ("audit", "architectures", "factorization")
#: What `archcalc report` makes without a topic.
DEFAULT: Final = (("audit",), ("architectures",), ("factorization",), (COMPARE, "v1", "v3"))


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """One page that is asked for: `audit`, or `compare` with names, or a network's name alone."""

    topic: str
    names: tuple[str, ...] = ()


def requests(asked: Sequence[str]) -> list[ReportRequest]:
    """The pages that some words ask for; `compare` takes all words behind it. Raises `ArchcalcError`."""
    requests: list[ReportRequest] = []
    for i, word in enumerate(asked):
        if word == COMPARE:
            names = tuple(asked[i + 1 :])
            if len(names) < 2:
                raise ArchcalcError("a comparison needs two networks", "`archcalc report compare v1 v3`")
            topics = [n for n in names if n in (*TOPICS, COMPARE)]
            if topics:
                raise ArchcalcError(
                    f"`compare` takes all words behind it for networks, also `{topics[0]}`",
                    f"write `{topics[0]}` before `compare`, or run two commands",
                )
            return [*requests, ReportRequest(COMPARE, names)]
        requests.append(ReportRequest(word) if word in TOPICS else ReportRequest("", (word,)))
    return list(dict.fromkeys(requests))


def everything() -> list[ReportRequest]:
    """The pages of the full report."""
    return [request for asked in DEFAULT for request in requests(asked)]


def pages(asked: Sequence[ReportRequest], evidence: Evidence) -> Iterator[Page]:
    """The pages, one after the other; no two may have the same name."""
    seen: set[str] = set()
    for request in asked:
        made = _page(request, evidence)
        if made.slug in seen:
            raise ArchcalcError(f"two pages would be called `{made.file}`", "ask for one, or use two folders")
        seen.add(made.slug)
        yield made


def _page(request: ReportRequest, evidence: Evidence) -> Page:
    if request.topic == "audit":
        return audited.page()
    if request.topic == "architectures":
        return architectures.page(evidence)
    if request.topic == "factorization":
        return factorization.page(evidence)
    chosen = [(network, spec_of(network)) for network in map(library.find, request.names)]
    if request.topic == COMPARE:
        return versus.page(request.names, chosen, evidence)
    return single.page(*chosen[0], evidence)


def index(made: Sequence[Page], evidence: Evidence) -> Mapping[str, str | bytes]:
    """`README.md`: each page with its first findings, and the records behind them."""
    lines = [
        "# Reports",
        "",
        page.MARK,
        "",
        "What papers print beside what their own tables come to, what the networks cost, and what was "
        "measured. `archcalc report` makes all of it again, byte for byte, from the specs and the records.",
    ]
    for one in made:
        lines += ["", f"## [{one.title}]({one.file})", "", one.lead, ""]
        lines += [page.item(f) for f in _first(one)]
        lines += ["", f"{words.count(len(one.figures), 'figure')}, {words.count(len(one.sheets), 'table')}."]
    lines += ["", "## Records", ""]
    if not evidence.sources:
        lines.append(words.NO_RECORD)
    for source in evidence.sources:
        devices = words.listed(list(dict.fromkeys(words.device(s) for s in source.record.sessions)))
        done = len([p for s, p in evidence.points() if s is source])
        lines.append(
            f"- `{source.name}`: {words.count(done, 'point')} measured on {devices}; "
            f"SHA-256 `{source.sha256[:16]}…`."
        )
    return {"README.md": "\n".join(lines) + "\n"}


def _first(one: Page, most: int = 4) -> list[str]:
    """The findings that stand by themselves, up to `most`."""
    return [f for f in one.findings if not f.startswith("  ") and not f.endswith(":")][:most]
