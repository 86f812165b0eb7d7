"""Template text -> expression tree: `concat[ conv 1x1 {#1x1} | maxpool 3x3/1 > conv 1x1 {pool proj} ]`.

One frozen dataclass for each case of the syntax. Which words are ops, flags and blocks is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from archcalc import arithmetic
from archcalc.errors import Span, SpecError

if TYPE_CHECKING:
    from archcalc.arithmetic import Value

MAX_DEPTH = 40

_GRAMMAR = r"""
start: chain
chain: item (">" item)*
?item: repeat | atom
repeat: SIZE TIMES atom
?atom: join | group | call | layer
join: JOIN "[" chain ("|" chain)* "]"
group: "(" chain ")"
call: CALL "(" argument* ")"
argument: NAME "=" values
layer: NAME word*
?word: size | flag
size: SIZE
flag: NAME ("=" values)?
values: SIZE ("," SIZE)*
TIMES: "x"
SIZE.2: /(\d+(\.\d+)?|\{[^{}\n]*\})(x(\d+|\{[^{}\n]*\}))*(\/(\d+|\{[^{}\n]*\})(x(\d+|\{[^{}\n]*\}))?)?/
JOIN.4: /[A-Za-z_][\w-]*(?=\s*\[)/
CALL.3: /[A-Za-z_][\w-]*(?=\()/
NAME.1: /[A-Za-z_][\w-]*/
%ignore /\s+/
"""


@dataclass(frozen=True, slots=True)
class SizeWord:
    """`3x3/2`, `64`, `{k}/{s}`: the parts before the slash and those behind it."""

    parts: tuple[Value, ...]
    stride: tuple[Value, ...]
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Flag:
    """`same`, or `pad=1`, or `maps=0,1,2`."""

    name: str
    values: tuple[SizeWord, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Layer:
    """An op with its sizes and flags, or a bare name that may be a block without parameters."""

    name: str
    sizes: tuple[SizeWord, ...]
    flags: tuple[Flag, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A named block with its arguments; an argument of several values spreads over repetitions."""

    name: str
    arguments: tuple[Flag, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Join:
    """`concat[ … ]`, `add[ … ]` or `multiply[ … ]`: branches that read the same input."""

    kind: str
    branches: tuple[Chain, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """`n x body`."""

    count: SizeWord
    body: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Chain:
    """`a > b`: each reads what the one before it gives."""

    items: tuple[Expression, ...]
    span: Span


Expression = Chain | Repeat | Join | Call | Layer


@dataclass(frozen=True, slots=True)
class Source:
    """A stretch of a file that may run over several lines; `lines[0]` is already cut at its start.

    `offset` is the number of characters cut from the first line. `full` holds the lines uncut.
    """

    file: str
    line: int
    offset: int
    lines: tuple[str, ...]
    full: tuple[str, ...]

    @property
    def text(self) -> str:
        """The stretch as one text."""
        return "\n".join(self.lines)

    def span(self, start: int, end: int) -> Span:
        """The span of characters `start` to `end` of `text`, as much of it as stands on one line."""
        for i, line in enumerate(self.lines):
            if start <= len(line) or i == len(self.lines) - 1:
                shift = self.offset if i == 0 else 0
                stop = max(min(end, len(line)), start + 1)
                return Span(self.file, self.line + i, start + shift, stop + shift, self.full[i])
            start, end = start - len(line) - 1, end - len(line) - 1
        raise AssertionError("a source has at least one line")


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


def parse(source: Source) -> Chain:
    """The expression that `source` spells. Raises `SpecError` at the first character that does not fit."""
    from lark.exceptions import LarkError, UnexpectedInput

    text = source.text
    if not text.strip():
        raise SpecError("an expression is missing here", source.span(0, 1), "write a layer or a block")
    depth = 0
    for at, c in enumerate(text):
        depth += (c in "[(") - (c in "])")
        if depth > MAX_DEPTH:
            raise SpecError(f"nested deeper than {MAX_DEPTH}", source.span(at, at + 1))
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as fault:
        raise _unexpected(text, source, fault) from None
    except (LarkError, RecursionError):
        raise SpecError("this expression cannot be read", source.span(0, 1)) from None
    return _Builder(source).chain(tree.children[0])


def _unexpected(text: str, source: Source, fault: Any) -> SpecError:
    at = getattr(fault, "pos_in_stream", None)
    token = getattr(fault, "token", None)
    if token is not None and token.type == "$END":
        at = len(text.rstrip())
        missing = "`]`" if text.count("[") > text.count("]") else "a layer or a block"
        return SpecError(f"this ends too soon: {missing} is missing", source.span(at, at + 1))
    at = len(text) if at is None or at < 0 else at
    word = str(token) if token is not None else text[at : at + 1]
    before = text[:at].rstrip()
    hint = "layers are chained with `>`, branches stand in `concat[ a | b ]`"
    if word == "," and re.search(r"\([^)]*$", before):
        hint = "arguments are separated by blanks: `block(a=1 b=2)`"
    elif word == "|":
        hint = "branches stand inside `concat[ … | … ]`, `add[ … ]` or `multiply[ … ]`"
    elif word == "[":
        hint = "say how the branches are joined: `concat[ … ]`, `add[ … ]` or `multiply[ … ]`"
    elif word.startswith("{") or word == "}":
        hint = "a `{` needs its `}` on the same line"
    elif re.search(r"\d\s*$", before) and word.lower().startswith("x"):
        hint = "write a repetition with blanks: `3 x block`"
    elif re.search(r"(^|>|\||\[)\s*\d+x$", before + word) or word[:1].isdigit():
        hint = "an op's name comes first: `conv 3x3 64`; a repetition has blanks: `3 x block`"
    return SpecError(f"`{word}` does not belong here", source.span(at, at + max(len(word), 1)), hint)


class _Builder:
    """Turns lark's tree into the dataclasses above, with spans of the user's file."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def extent(self, node: Any) -> Span:
        return self.source.span(node.meta.start_pos, node.meta.end_pos)

    def chain(self, node: Any) -> Chain:
        return Chain(tuple(self.item(child) for child in node.children), self.extent(node))

    def item(self, node: Any) -> Expression:
        children = node.children
        if node.data == "repeat":
            return Repeat(self.size(children[0]), self.item(children[2]), self.extent(node))
        if node.data == "group":
            return self.chain(children[0])
        if node.data == "join":
            token = children[0]
            spot = self.source.span(token.start_pos, token.end_pos)
            branches = tuple(self.chain(child) for child in children[1:])
            return Join(str(token), branches, spot)
        if node.data == "call":
            arguments = tuple(self.flag(child) for child in children[1:])
            token = children[0]
            spot = self.source.span(token.start_pos, token.end_pos)
            return Call(str(token), arguments, spot)
        name, *words = children
        sizes = tuple(self.size(w.children[0]) for w in words if w.data == "size")
        flags = tuple(self.flag(w) for w in words if w.data == "flag")
        spot = self.source.span(name.start_pos, name.end_pos)
        return Layer(str(name), sizes, flags, self.extent(node), spot)

    def flag(self, node: Any) -> Flag:
        name, *rest = node.children
        values = tuple(self.size(token) for token in rest[0].children) if rest else ()
        return Flag(str(name), values, self.extent(node))

    def size(self, token: Any) -> SizeWord:
        return size_word(str(token), self.source.span(token.start_pos, token.end_pos))


_PART = re.compile(r"\{([^{}]*)\}|([0-9.]+)")


def size_word(text: str, span: Span) -> SizeWord:
    """The `SizeWord` that `text` spells, such as `{k}/{s}` or `3x3/2`; it stands at `span`."""
    depth, slash = 0, len(text)
    for i, c in enumerate(text):
        depth += (c == "{") - (c == "}")
        if c == "/" and depth == 0:
            slash = i
            break
    parts: list[Value] = []
    stride: list[Value] = []
    for found in _PART.finditer(text):
        inside, literal = found.groups()
        begin, end = found.start(), found.end()
        if literal is None:
            value = arithmetic.parse(inside, span.within(begin + 1, end - 1))
        elif len(literal) > 15:
            raise SpecError("this number is past all sense", span.within(begin, end))
        else:
            value = arithmetic.parse(literal, span.within(begin, end))
        (parts if begin < slash else stride).append(value)
    return SizeWord(tuple(parts), tuple(stride), text, span)


def parse_flags(source: Source) -> tuple[Flag, ...]:
    """The flags of a `default op : flags` line."""
    shifted = Source(source.file, source.line, source.offset - 2, ("x " + source.text,), source.full)
    expression = parse(shifted).items
    if len(expression) != 1 or not isinstance(expression[0], Layer) or expression[0].sizes:
        raise SpecError("a default is a list of flags", source.span(0, len(source.text)))
    return expression[0].flags
