"""Template text -> expression tree: `concat[ conv 1x1 {#1x1} | maxpool 3x3/1 > conv 1x1 {pool proj} ]`."""

from __future__ import annotations

import re
from typing import Final

from archcalc.errors import Span, SpecError
from archcalc.spec.scanner import Scanner, UnexpectedTokenError
from archcalc.spec.sizes import SIZE, SizeWord, size_word
from archcalc.spec.source import SourceText
from archcalc.spec.syntax import BlockCall, Chain, Expression, Join, Layer, LayerFlag, Repeat

MAX_DEPTH: Final = 40
MAX_LENGTH: Final = 5_000

_JOIN: Final = re.compile(r"[A-Za-z_][\w-]*(?=\s*\[)")
_CALL: Final = re.compile(r"[A-Za-z_][\w-]*(?=\()")
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
_SIGN: Final = re.compile(r"[>\[\]|()=,]")
_TOKENS: Final = (_JOIN, _CALL, SIZE, _NAME, _SIGN)


def parse(source: SourceText) -> Chain:
    """The expression that `source` spells. Raises `SpecError` at the first character that does not fit."""
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
        return _Parser(source, text).expression()
    except UnexpectedTokenError as fault:
        raise _unexpected(text, source, fault.at, fault.word) from None


def _unexpected(text: str, source: SourceText, at: int, word: str) -> SpecError:
    """What is wrong where the parser stopped, in the words of the language."""
    if not word:
        opened = unclosed(text)
        if opened is not None:
            c = text[opened]
            hint = f"end it with `{_PARTNER[c]}`"
            return SpecError(f"this `{c}` is never closed", source.span(opened, opened + 1), hint)
        at = len(text.rstrip())
        return SpecError("this ends too soon", source.span(at, at + 1), "a layer or a block is missing here")
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


class _Parser(Scanner):
    """Reads an expression by recursive descent.

    chain: item (">" item)*
    item: [size "x"] atom
    atom: join "[" chain ("|" chain)* "]" | "(" chain ")" | block "(" (name "=" values)* ")" | layer
    layer: name (size | flag)*
    flag: name ["=" values]
    values: size ("," size)*
    """

    __slots__ = ("source",)

    def __init__(self, source: SourceText, text: str) -> None:
        super().__init__(text, _TOKENS)
        self.source = source

    def since(self, start: int) -> Span:
        return self.source.span(start, self.end)

    def expression(self) -> Chain:
        """The chain that the entire text spells."""
        chain = self.chain()
        self.finish()
        return chain

    def chain(self) -> Chain:
        start = self.at
        items = [self.item()]
        while self.sign(">"):
            items.append(self.item())
        return Chain(tuple(items), self.since(start))

    def item(self) -> Expression:
        start = self.at
        count = self.size()
        if count is None:
            return self.atom()
        self.expect("x")
        return Repeat(count, self.atom(), self.since(start))

    def atom(self) -> Expression:
        start = self.at
        if name := self.take(_JOIN):
            spot = self.since(start)
            self.expect("[")
            branches = [self.chain()]
            while self.sign("|"):
                branches.append(self.chain())
            self.expect("]")
            return Join(name, tuple(branches), spot)
        if name := self.take(_CALL):
            spot = self.since(start)
            return BlockCall(name, self.arguments(), spot)
        if name := self.take(_NAME):
            return self.layer(name, start)
        self.expect("(")
        chain = self.chain()
        self.expect(")")
        return chain

    def arguments(self) -> tuple[LayerFlag, ...]:
        self.expect("(")
        arguments = []
        while not self.sign(")"):
            start = self.at
            name = self.take(_NAME)
            if not name:
                raise self.unexpected()
            self.expect("=")
            values = self.values()
            arguments.append(LayerFlag(name, values, self.since(start)))
        return tuple(arguments)

    def layer(self, name: str, start: int) -> Layer:
        spot = self.since(start)
        sizes: list[SizeWord] = []
        flags: list[LayerFlag] = []
        while True:
            at = self.at
            if size := self.size():
                sizes.append(size)
            elif word := self.take(_NAME):
                values = self.values() if self.sign("=") else ()
                flags.append(LayerFlag(word, values, self.since(at)))
            else:
                return Layer(name, tuple(sizes), tuple(flags), self.since(start), spot)

    def values(self) -> tuple[SizeWord, ...]:
        values = []
        while True:
            value = self.size()
            if value is None:
                raise self.unexpected()
            values.append(value)
            if not self.sign(","):
                return tuple(values)

    def size(self) -> SizeWord | None:
        start = self.at
        word = self.take(SIZE)
        return size_word(word, self.since(start)) if word else None


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
