"""Printed sizes that a network does not give, for tables that print the computed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.audit import entries
from archcalc.audit.figures import CountedSpec
from archcalc.metrics import SHAPES

if TYPE_CHECKING:
    from archcalc.cost.counts import Counts
    from archcalc.spec.outline import Outline
    from archcalc.spec.spec import Spec


@dataclass(frozen=True, slots=True)
class WrongSize:
    """A row (by its index in the graph) whose cell under `header` prints a size that is not computed.

    `computed` is in the order in which papers print a shape.
    """

    row: int
    label: str
    header: str
    printed: str
    computed: str


def wrong_sizes(outline: Outline, spec: Spec, counted: Counts) -> tuple[WrongSize, ...]:
    """The sizes of a network's own table that differ from its counts, as the audit finds them.

    `counted` is on the network's own input. None where a variable is set anew or the network reads another
    one's table: there the printed sizes are not meant for it.
    """
    if outline.table is None or spec.settings:
        return ()
    built = CountedSpec(spec, counted)
    wrong = []
    for row in counted.rows:
        for claim in built.table_row(row).claims:
            if claim.metric not in SHAPES or claim.cell.span.file != spec.document.file:
                continue
            entry = entries.of_row(built, claim, row)
            if entry is not None and entry.sizes is not None and entry.sizes != entry.values:
                where = (row.row.index, row.row.label, claim.header)
                wrong.append(WrongSize(*where, claim.cell.text, str(entry.computed)))
    return tuple(wrong)
