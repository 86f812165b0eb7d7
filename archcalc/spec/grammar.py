"""Template text -> expression tree: `concat[ conv 1x1 {#1x1} | maxpool 3x3/1 > conv 1x1 {pool proj} ]`.

One frozen dataclass for each case of the syntax. Which words are ops, flags and blocks is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from archcalc.document.text import key
from archcalc.errors import Span, SpecError, suggest
from archcalc.metrics import METRICS
from archcalc.spec import arithmetic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archcalc.spec.arithmetic import Name, Value

MAX_DEPTH = 40
MAX_LENGTH = 5_000
MAX_SIZE = 10**9

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
SIZE.2: (DECIMAL | PART) ("x" PART)* ("/" PART ("x" PART)?)?
PART: /([0-9]+|\{[^{}\n]*\})/
DECIMAL: /[0-9]+\.[0-9]+/
JOIN.4: /[A-Za-z_][\w-]*(?=\s*\[)/
CALL.3: /[A-Za-z_][\w-]*(?=\()/
NAME.1: /[A-Za-z_][\w-]*/
%ignore /\s+/
"""


@dataclass(frozen=True, slots=True)
class SizeWord:
    """`3x3/2`, `64`, `{k}/{s}`: the parts before the slash and those behind it.

    `constant` holds both as numbers where all of them are numbers of a sensible size.
    """

    parts: tuple[Value, ...]
    stride: tuple[Value, ...]
    text: str
    span: Span
    constant: tuple[tuple[Any, ...], tuple[Any, ...]] | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        before = [v.value for v in self.parts if isinstance(v, arithmetic.Literal)]
        behind = [v.value for v in self.stride if isinstance(v, arithmetic.Literal)]
        plain = len(before) == len(self.parts) and len(behind) == len(self.stride)
        sensible = plain and all(value <= MAX_SIZE for value in (*before, *behind))
        object.__setattr__(self, "constant", (tuple(before), tuple(behind)) if sensible else None)


@dataclass(frozen=True, slots=True)
class LayerFlag:
    """`same`, or `pad=1`, or `maps=0,1,2`."""

    name: str
    values: tuple[SizeWord, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Layer:
    """An op with its sizes and flags, or a bare name that may be a block without parameters."""

    name: str
    sizes: tuple[SizeWord, ...]
    flags: tuple[LayerFlag, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class BlockCall:
    """A named block with its arguments; an argument of several values spreads over repetitions."""

    name: str
    arguments: tuple[LayerFlag, ...]
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


Expression = Chain | Repeat | Join | BlockCall | Layer


@dataclass(frozen=True, slots=True)
class SourceText:
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


def parse(source: SourceText) -> Chain:
    """The expression that `source` spells. Raises `SpecError` at the first character that does not fit."""
    from lark.exceptions import LarkError, UnexpectedInput

    text = source.text
    if not text.strip():
        raise SpecError("an expression is missing here", source.span(0, 1), "write a layer or a block")
    if len(text) > MAX_LENGTH:
        raise SpecError(
            f"an expression longer than {MAX_LENGTH:,} characters",
            source.span(len(text) - len(text.lstrip()), MAX_LENGTH),
            "name its parts: `block(a b) = …`",
        )
    depth = 0
    for at, c in enumerate(text):
        depth += (c in "[({") - (c in "])}")
        if depth > MAX_DEPTH:
            hint = "name its parts: `block(a b) = …`"
            raise SpecError(f"nested deeper than {MAX_DEPTH}", source.span(at, at + 1), hint)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as fault:
        raise _unexpected(text, source, fault) from None
    except (LarkError, RecursionError):
        raise SpecError("this expression cannot be read", source.span(0, 1), "simplify it") from None
    return _Builder(source).chain(tree.children[0])


def _unexpected(text: str, source: SourceText, fault: Any) -> SpecError:
    """What is wrong where the parser stopped, in the words of the language."""
    token = getattr(fault, "token", None)
    at = getattr(fault, "pos_in_stream", None)
    if (token is not None and token.type == "$END") or at is None or not 0 <= at < len(text):
        opened = unclosed(text)
        if opened is not None:
            c = text[opened]
            hint = f"end it with `{_PARTNER[c]}`"
            return SpecError(f"this `{c}` is never closed", source.span(opened, opened + 1), hint)
        at = len(text.rstrip())
        return SpecError("this ends too soon", source.span(at, at + 1), "a layer or a block is missing here")
    word = str(token) if token is not None else text[at]
    before = text[:at].rstrip()
    message = f"`{word}` does not belong here"
    hint = "layers are chained with `>`, branches stand in `concat[ a | b ]`"
    opened = unclosed(before)
    line = text.rfind("\n", 0, at) + 1
    if opened is not None and opened < line and text[line] not in " \t|>])":
        hint = f"end it with `{_PARTNER[text[opened]]}`"
        return SpecError(f"this `{text[opened]}` is never closed", source.span(opened, opened + 1), hint)
    if text[at] in "{}":
        what = "is never closed" if text[at] == "{" else "closes nothing"
        message, hint = f"this `{text[at]}` {what}", "a `{` has its `}` on the same line"
    elif word in "])" and (opened is None or _PARTNER[before[opened]] != word):
        message, hint = f"this `{word}` closes nothing", "each `[` and each `(` has its own partner"
    elif before.endswith("="):
        hint = "a value is missing here: `a=64`, `a={name}`"
    elif (
        opened is not None and re.search(r"[\w-]\($", before[: opened + 1]) and "," not in (word, before[-1:])
    ):
        hint = "arguments are written `a=1 b={name}`; branches stand in `[ … | … ]`"
    elif opened is not None and before[opened] == "(" and "," in (word, before[-1:]):
        hint = "arguments are separated by blanks: `block(a=1 b=2)`"
    elif "," in (word, before[-1:]):
        hint = "sizes and flags are separated by blanks; a list of values is a block's argument: `f(c=64,32)`"
    elif word == "|":
        hint = "branches stand inside `concat[ … | … ]`, `add[ … ]` or `multiply[ … ]`"
    elif word == "[":
        hint = "say how the branches are joined: `concat[ … ]`, `add[ … ]` or `multiply[ … ]`"
    elif word == "/":
        hint = "a kernel and its stride are one word: `3x3/2`"
    elif word == "=":
        hint = "a flag and its value are written `pad=1`"
    elif word[:1].isdigit():
        hint = "an op's name comes first: `conv 3x3 64`; a repetition reads `3 x block`"
    return SpecError(message, source.span(at, at + max(len(word), 1)), hint)


_PARTNER = {"[": "]", "(": ")"}


def unclosed(text: str) -> int | None:
    """Where the last bracket opens that `text` does not close; braces and what they hold do not count."""
    opened: list[int] = []
    braced = False
    for at, c in enumerate(text):
        braced = c == "{" or (braced and c != "}")
        if not braced and c in "[(":
            opened.append(at)
        elif not braced and c in "])" and opened:
            opened.pop()
    return opened[-1] if opened else None


class _Builder:
    """Turns lark's tree into the dataclasses above, with spans of the user's file."""

    def __init__(self, source: SourceText) -> None:
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
            return BlockCall(str(token), arguments, spot)
        name, *words = children
        sizes = tuple(self.size(w.children[0]) for w in words if w.data == "size")
        flags = tuple(self.flag(w) for w in words if w.data == "flag")
        spot = self.source.span(name.start_pos, name.end_pos)
        return Layer(str(name), sizes, flags, self.extent(node), spot)

    def flag(self, node: Any) -> LayerFlag:
        name, *rest = node.children
        values = tuple(self.size(token) for token in rest[0].children) if rest else ()
        return LayerFlag(str(name), values, self.extent(node))

    def size(self, token: Any) -> SizeWord:
        return size_word(str(token), self.source.span(token.start_pos, token.end_pos))


_PART = re.compile(r"\{([^{}]*)\}|([0-9.]+)")
_WORD = re.compile(r"([0-9]+(\.[0-9]+)?|\{[^{}\n]*\})([x/]([0-9]+|\{[^{}\n]*\}))*")


def size_word(text: str, span: Span) -> SizeWord:
    """The `SizeWord` that `text` spells, such as `{k}/{s}` or `3x3/2`; it stands at `span`."""
    if not text:
        raise SpecError("a value is missing here", span, "a value reads `64`, `3x3` or `{name}`")
    if not _WORD.fullmatch(text):
        raise SpecError(f"`{text}` is not a size", span, "a size reads `64`, `3x3/2` or `{name}`")
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
            _own_figures(value)
        elif len(literal) > 15:
            raise SpecError("this number is past all sense", span.within(begin, end), "15 digits at most")
        else:
            value = arithmetic.parse(literal, span.within(begin, end))
        (parts if begin < slash else stride).append(value)
    return SizeWord(tuple(parts), tuple(stride), text, span)


def _own_figures(value: Value) -> None:
    """Complain where a size asks for a network's figure, as only claims may."""
    for reference in arithmetic.references(value):
        name = reference.metric
        if name in METRICS:
            raise SpecError(
                f"`{name}({reference.target})` is a figure of a network",
                reference.span,
                "only claims may ask for one; a network is built from its own table",
            )
        hint = suggest(name, list(arithmetic.FUNCTIONS)) or "there are: " + " ".join(arithmetic.FUNCTIONS)
        raise SpecError(f"no function is called `{name}`", reference.span, hint)


def parse_flags(source: SourceText) -> tuple[LayerFlag, ...]:
    """The flags of a `default op : flags` line."""
    lines = ("x " + source.lines[0], *source.lines[1:])
    shifted = SourceText(source.file, source.line, source.offset - 2, lines, source.full)
    expression = parse(shifted).items
    lead = len(source.text) - len(source.text.lstrip())
    spot = source.span(lead, len(source.text))
    if len(expression) != 1 or not isinstance(expression[0], Layer):
        raise SpecError("a default is a list of flags", spot, "`default conv : same bias relu`")
    layer = expression[0]
    if layer.sizes:
        hint = "a default holds flags only: `default conv : same bias relu`"
        raise SpecError("a size cannot be a default", layer.sizes[0].span, hint)
    if not layer.flags:
        raise SpecError("the flags are missing here", spot, "`default conv : same bias relu`")
    return layer.flags


def spans(node: object) -> Iterator[Name]:
    """Every name that an expression's braces hold, with its place."""
    if isinstance(node, Chain):
        for item in node.items:
            yield from spans(item)
    elif isinstance(node, Join):
        for branch in node.branches:
            yield from spans(branch)
    elif isinstance(node, Repeat):
        yield from spans(node.count)
        yield from spans(node.body)
    elif isinstance(node, BlockCall):
        for flag in node.arguments:
            yield from spans(flag)
    elif isinstance(node, Layer):
        for part in (*node.sizes, *node.flags):
            yield from spans(part)
    elif isinstance(node, LayerFlag):
        for word in node.values:
            yield from spans(word)
    elif isinstance(node, SizeWord):
        for value in (*node.parts, *node.stride):
            yield from arithmetic.names(value)


def names(node: object) -> Iterator[str]:
    """Every name that an expression's braces hold, as `text.key` spells it."""
    return (key(name.name) for name in spans(node))


def braced(name: str) -> str:
    """How an expression refers to the column `name`: in quotes where it holds odd signs."""
    plain = arithmetic.PLAIN.fullmatch(name) is not None
    return f"{{{name}}}" if plain else f'{{"{name}"}}'
