"""`extends`: an `Outline` with all that the networks which it extends give it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from archcalc.errors import ArchcalcError, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from archcalc.document.model import Document
    from archcalc.spec.outline import Outline

MAX_ANCESTORS: Final = 20


def resolve(
    outline: Outline,
    find: Callable[[str, Outline], Outline],
    seen: tuple[Outline, ...] = (),
) -> Outline:
    """`outline` with all that the networks it extends give it.

    `find` gives the network that an outline, its second argument, means by a name.
    """
    parent = outline.extends
    if parent is None:
        return outline
    if any(_same(outline, other) for other in seen):
        chain = " -> ".join(o.name for o in (*seen, outline))
        hint = "break the circle: one of them needs a table of its own"
        raise SpecError(f"`extends` goes round in a circle: {chain}", parent.span, hint)
    if len(seen) >= MAX_ANCESTORS:
        hint = "extend a network nearer to the one with the table"
        raise SpecError(f"`extends` goes over more than {MAX_ANCESTORS} networks", parent.span, hint)
    try:
        above = find(parent.text, outline)
    except ArchcalcError as fault:
        if isinstance(fault, SpecError) and fault.span is not None:  # in the other document
            also = fault.also or ("extended here", parent.span)
            raise SpecError(fault.message, fault.span, fault.hint, also) from None
        raise SpecError(fault.message, parent.span, fault.hint) from None
    above = resolve(above, find, (*seen, outline))
    return replace(
        outline,
        statements=replace(outline.statements.over(above.statements), extends=None),
        table=outline.table or above.table,
        heads=outline.heads or above.heads,
        variables={**above.variables, **outline.variables},
        input=above.input if outline.input is None else outline.input,
        input_span=outline.input_span or above.input_span,
        alternatives=outline.alternatives or above.alternatives,
        document=_with_notes(outline.document, above.document),
    )


def _same(a: Outline, b: Outline) -> bool:
    return a.name == b.name and a.document.file == b.document.file


def _with_notes(own: Document, above: Document) -> Document:
    if own is above:
        return own
    front = {**own.front}
    front.setdefault("source", above.front.get("source", ""))
    return replace(own, front=front, footnotes={**above.footnotes, **own.footnotes})
