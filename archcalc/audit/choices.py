"""Readings that hold together: one value for each choice that the sentences of a paper leave open.

A sentence's reading may be `given` a choice (`stem: dense`). A paper that is read with a dense stem in one
sentence is read so in all: of the combinations of values the one is taken under which most sentences agree
(of equals, the one whose values stand first), and a sentence that agrees only under others does not agree.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from archcalc.audit.conventions import AuditVerdict
from archcalc.audit.findings import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archcalc.audit.findings import ReadingResult

#: Of a sentence's first reading that goes with a combination: an `agrees if` counts for half.
_SCORES: Final = {AuditVerdict.agrees: 2, AuditVerdict.conditional: 1}
#: Combinations that are tried; where there are more, each choice is settled by itself.
_MOST: Final = 256


def primary(results: Sequence[ReadingResult], taken: Mapping[str, str]) -> int:
    """The first of a sentence's readings that goes with the values taken; the first of all if none does."""
    return next((i for i, result in enumerate(results) if result.holds(taken)), 0)


def settle(sentences: Sequence[Sequence[ReadingResult]]) -> tuple[Choice, ...]:
    """The choices of a paper's sentences, each with the value that is taken."""
    values: dict[str, dict[str, None]] = {}
    for results in sentences:
        for name, value in (pair for result in results for pair in result.given):
            values.setdefault(name, {}).setdefault(value)
    if not values:
        return ()
    open_ones = [results for results in sentences if any(result.given for result in results)]
    taken = max(_combinations(values), key=lambda combination: _score(open_ones, combination))
    return tuple(_choice(name, list(of), open_ones, taken) for name, of in values.items())


def _combinations(values: Mapping[str, Iterable[str]]) -> list[dict[str, str]]:
    combinations = itertools.product(*values.values())
    return [dict(zip(values, c, strict=True)) for c in itertools.islice(combinations, _MOST)]


def _score(sentences: Sequence[Sequence[ReadingResult]], taken: Mapping[str, str]) -> int:
    firsts = (results[primary(results, taken)] for results in sentences)
    return sum(_SCORES.get(result.verdict, 0) for result in firsts if result.holds(taken))


def _choice(
    name: str, values: Sequence[str], sentences: Sequence[Sequence[ReadingResult]], taken: Mapping[str, str]
) -> Choice:
    depending = [results for results in sentences if any(name in dict(r.given) for r in results)]
    counts = []
    for value in values:
        other = {**taken, name: value}
        firsts = (results[primary(results, other)] for results in depending)
        verdicts = [r.verdict for r in firsts if r.holds(other)]
        counts.append((value, verdicts.count(AuditVerdict.agrees), verdicts.count(AuditVerdict.conditional)))
    return Choice(name, tuple(counts), len(depending), taken[name])
