"""Names -> values: what `{c}`, `{#3x3 reduce}` or `{in}` is where an expression of a row is built."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.arithmetic import BLANK, Name, Reference, Size, evaluate, holds, whole
from archcalc.errors import Span, SpecError, suggest
from archcalc.text import key, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.arithmetic import Number
    from archcalc.grammar import SizeWord
    from archcalc.ops import Shape
    from archcalc.spec import Bound

_SIZE = re.compile(r"\d{1,9}(x\d{1,9})+")
MAX_SIZE = 10**9


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up: a block's parameters, the row's captures and cells, the variables.

    `turn` is the number of the repetition, `calls` the blocks that are being expanded. `used` gathers the
    claimed names that were read: what builds a row is no longer checked there.
    """

    names: Mapping[str, Bound]
    variables: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    turn: int | None = None
    calls: tuple[str, ...] = ()
    used: set[str] = field(default_factory=set)

    def inside(self, block: str, parameters: Mapping[str, Any]) -> Scope:
        """The scope of a block's body."""
        known = {key(k): v for k, v in parameters.items()}
        return replace(self, parameters=known, turn=None, calls=(*self.calls, block))

    def at_turn(self, turn: int) -> Scope:
        """The scope of one repetition."""
        return replace(self, turn=turn)

    def value(self, name: Name | Reference, source: Shape | None) -> Any:
        """What `name` is. Raises `SpecError` for an unknown name or a cell that is no number."""
        if isinstance(name, Reference):
            raise SpecError(
                f"`{name.metric}({name.target})` is a figure of a network",
                name.span,
                "only claims may ask for one; a network is built from its own table",
            )
        wanted = key(name.name)
        if wanted in self.parameters:
            return self.parameters[wanted]
        if wanted in self.names:
            bound = self.names[wanted]
            if bound.claimed:
                self.used.add(wanted)
            return self.read(bound.text, bound.span, name.name)
        if source is not None and wanted in ("in", "in_h", "in_w"):
            return source[("in", "in_h", "in_w").index(wanted)]
        for variable, value in self.variables.items():
            if key(variable) == wanted:
                return self.read(value, name.span, name.name) if isinstance(value, str) else value
        known = [*self.parameters, *self.names, *self.variables, "in"]
        shown = ", ".join(f"`{k}`" for k in known if k)
        raise SpecError(
            f"no column, capture or variable is called `{name.name}`",
            name.span,
            suggest(wanted, known) or f"known here: {shown}",
        )

    def read(self, text: str, span: Span, name: str) -> Any:
        """The value of a cell's text: blank, a number, a size such as `7x7`, or a variable's name."""
        if text in ("", "-", "--"):
            return BLANK
        plain = number(text)
        if plain is not None:
            return plain
        if _SIZE.fullmatch(text):
            return Size(tuple(int(p) for p in text.split("x")))
        for variable, value in self.variables.items():
            if key(variable) == key(text):
                if not isinstance(value, str):
                    return value
                # A variable may be another one's name (`middle: width`); each is followed once.
                others = {n: v for n, v in self.variables.items() if n != variable}
                return replace(self, variables=others).read(value, span, name)
        raise SpecError(
            f"`{text}` is not a number",
            span,
            f"take the cell apart (`{name} : … {{n}} …`), or define a variable of that name",
        )


def parts(word: SizeWord, scope: Scope, source: Shape | None) -> tuple[Any, Any]:
    """The numbers before and behind a word's slash; BLANK in place of the first where one is blank."""
    sizes = _flat(word.parts, word, scope, source)
    strides = _flat(word.stride, word, scope, source)
    if BLANK in (sizes, strides):
        return BLANK, BLANK
    return sizes, strides


def _flat(values: tuple[Any, ...], word: SizeWord, scope: Scope, source: Shape | None) -> Any:
    found: list[Number] = []
    for tree in values:
        value = evaluate(tree, lambda name: scope.value(name, source))
        if value is BLANK:
            return BLANK
        for part in value.parts if isinstance(value, Size) else (value,):
            found.append(checked(part, word.span))
    return tuple(found)


def checked(value: Number, span: Span) -> Number:
    """`value` where it is a number of a sensible size; raises `SpecError` where not."""
    if isinstance(value, str):
        raise SpecError(f"`{value}` is not a number", span)
    if not holds(value >= 0) or not holds(value <= MAX_SIZE):
        raise SpecError(f"{value} is out of range", span, f"sizes lie between 0 and {MAX_SIZE:,}")
    return value


def integer(value: Number, span: Span, what: str) -> Number:
    """`value` where it is whole; raises `SpecError` where not."""
    if not whole(value):
        shown = float(value) if isinstance(value, Fraction) else value
        raise SpecError(f"{what} comes to {shown}, which is not whole", span, "use `//`, or `round(…)`")
    return value
