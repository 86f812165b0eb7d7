"""Networks of a report: their specs, and their counts at the scope of all reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.cost.counts import count
from archcalc.spec import library, lower, spec

if TYPE_CHECKING:
    from archcalc.cost.counts import Counts
    from archcalc.spec.outline import Outline
    from archcalc.spec.spec import Spec


def spec_of(outline: Outline) -> Spec:
    """The spec of a network as its document has it. Raises `SpecError` where it cannot be read."""
    return spec.build(outline, library.beside)


def counts_of(described: Spec) -> Counts:
    """The costs of a network on its own input, without side heads, for one image in fp32."""
    return count(lower.build(described))
