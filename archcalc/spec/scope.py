"""Names -> values: what `{c}`, `{#3x3 reduce}` or `{in}` is where an expression of a row is built."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.document.text import key, number
from archcalc.errors import Span, SpecError, suggest
from archcalc.numbers import every, is_whole
from archcalc.shapes import as_image, channels
from archcalc.spec.arithmetic import BLANK, PLAIN, Name, Reference, Size, evaluate, names
from archcalc.spec.columns import NEXT
from archcalc.spec.sizes import MAX_SIZE, SizeWord, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archcalc.numbers import Number
    from archcalc.shapes import Shape
    from archcalc.spec.rows import Bound


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up: a block's parameters, the row's captures and cells, the variables.

    All are spelt as `text.key` spells them. `cells` are the places of the cells from which parameters got
    their values, `turn` is the number of the repetition, `calls` the blocks that are being expanded. `used`
    gathers the claimed names that were read: what builds a row is no longer checked there.
    """

    names: Mapping[str, Bound]
    variables: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cells: Mapping[str, Span | None] = field(default_factory=dict)
    turn: int | None = None
    calls: tuple[str, ...] = ()
    used: set[str] = field(default_factory=set)

    def inside(self, block: str, parameters: Mapping[str, Any], cells: Mapping[str, Span | None]) -> Scope:
        """The scope of a block's body."""
        calls = (*self.calls, block)
        return Scope(self.names, self.variables, parameters, cells, None, calls, self.used)

    def at_turn(self, turn: int) -> Scope:
        """The scope of one repetition."""
        return Scope(self.names, self.variables, self.parameters, self.cells, turn, self.calls, self.used)

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
            return self.incoming(wanted, source, name.span)
        if wanted in self.variables:
            value = self.variables[wanted]
            return self.read(value, name.span, name.name) if isinstance(value, str) else value
        own = [name for name in self.names if not name.startswith(NEXT)]  # not what the row below holds
        known = [*self.parameters, *own, *self.variables, *(("in",) if source is not None else ())]
        listed = ", ".join(f"`{k}`" for k in known if k) or "none; front matter may set some"
        hint = suggest(wanted, known) or f"known here: {listed}"
        if any(k.startswith(wanted) and PLAIN.fullmatch(k) is None for k in known):
            hint = 'a name with other signs than letters, digits, `_` and `#` goes in quotes: `{"…"}`'
        raise SpecError(f"no column, capture or variable is called `{name.name}`", name.span, hint)

    def incoming(self, wanted: str, source: Shape, span: Span) -> Number:
        """`{in}`, `{in_h}` and `{in_w}`: the channels and the grid of what comes in."""
        if wanted == "in":
            return channels(source)
        if len(source) == 2:
            raise SpecError(f"`{{{wanted}}}` is the side of an image", span, "a sequence comes in here")
        return as_image(source)[("in", "in_h", "in_w").index(wanted)]

    def read(self, text: str, span: Span, name: str) -> Any:
        """The value of a cell's text: blank, a number, a size such as `7x7`, or a variable's name."""
        if text in ("", "-", "--"):
            return BLANK
        plain = number(text)
        if plain is not None:
            return plain
        size = numbers(text)
        if size is not None:
            return Size(size)
        wanted = key(text)
        if wanted in self.variables:
            value = self.variables[wanted]
            if not isinstance(value, str):
                return value
            # A variable may be another one's name (`middle: width`); each is followed once.
            others = {n: v for n, v in self.variables.items() if n != wanted}
            return replace(self, variables=others).read(value, span, name)
        if text.isascii() and text.isdigit():
            raise SpecError(f"`{text}` is too large", span, "numbers have at most 15 digits")
        hint = f"take the cell apart (`{name} : … {{n}} …`), or define a variable called `{text}`"
        if key(name) in self.variables:
            hint = f"the variable `{name}` must be a number, or the name of another variable"
        raise SpecError(f"`{text}` is not a number", span, hint)

    def cell(self, word: SizeWord, within: Span | None = None) -> Span | None:
        """The one cell from which a word, or the stretch `within` it, has its value; None where not one."""
        cells: set[Span] = set()
        for tree in (*word.parts, *word.stride):
            for name in names(tree):
                if within is not None and not _inside(name.span, within):
                    continue
                wanted = key(name.name)
                place = self.cells.get(wanted)
                if wanted not in self.parameters and wanted in self.names:
                    place = self.names[wanted].span
                if place is not None:
                    cells.add(place)
        return cells.pop() if len(cells) == 1 else None

    def blamed(self, fault: SpecError, words: Iterable[SizeWord]) -> SpecError:
        """`fault` at the cell from which the faulty word has its value, and the word as its second place."""
        if fault.span is None or fault.also is not None:
            return fault
        for word in words:
            here = _inside(fault.span, word.span)
            cell = self.cell(word, fault.span if here else None)
            if cell is not None and (here or fault.span == cell):
                return SpecError(fault.message, cell, fault.hint, ("read here", word.span))
        return fault


def _inside(inner: Span, outer: Span) -> bool:
    same = (inner.file, inner.line) == (outer.file, outer.line)
    return same and outer.start <= inner.start <= inner.end <= outer.end


def parts(word: SizeWord, scope: Scope, source: Shape | None) -> tuple[Any, Any]:
    """The numbers before and behind a word's slash; BLANK in place of the first where one is blank."""
    if word.constant is not None:
        return word.constant
    sizes = _flat(word.parts, word, scope, source)
    strides = _flat(word.stride, word, scope, source)
    if BLANK in (sizes, strides):
        return BLANK, BLANK
    return sizes, strides


def _flat(values: tuple[Any, ...], word: SizeWord, scope: Scope, source: Shape | None) -> Any:
    sizes: list[Number] = []
    for tree in values:
        if isinstance(tree, Name):
            value = scope.value(tree, source)
        else:
            value = evaluate(tree, lambda name: scope.value(name, source))
        if value is BLANK:
            return BLANK
        for part in value.parts if isinstance(value, Size) else (value,):
            sizes.append(checked(part, word.span))
    return tuple(sizes)


def checked(value: Number, span: Span) -> Number:
    """`value` where it is a number of a sensible size; raises `SpecError` where not."""
    if type(value) is int and 0 <= value <= MAX_SIZE:
        return value
    if isinstance(value, str):
        raise SpecError(f"`{value}` is not a number", span, "a size is a whole number")
    if not every(value >= 0) or not every(value <= MAX_SIZE):
        raise SpecError(f"{value} is out of range", span, f"sizes lie between 0 and {MAX_SIZE:,}")
    return value


def integer(value: Number, span: Span, what: str) -> Number:
    """`value` where it is whole; raises `SpecError` where not."""
    if type(value) is not int and not is_whole(value):
        exact = float(value) if isinstance(value, Fraction) else value
        raise SpecError(f"{what} comes to {exact}, which is not whole", span, "use `//`, or `round(…)`")
    return value
