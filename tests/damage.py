"""Damage to documents, blocks and expressions, seeded; and what became of a damaged text.

Half of the damage keeps the shape of the text: a number becomes another number, a name another name, a cell
another cell. Such texts get past the parser, where the faults that matter lie.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator

from archcalc import api
from archcalc.document import document
from archcalc.document.textfile import split
from archcalc.errors import ArchcalcError, Span, SpecError
from archcalc.ops.table import OPS
from archcalc.spec import arithmetic, claims, library, outline, queries

SECONDS = 1.0  # of CPU time, for one text

SHIPPED = tuple(path.read_text("utf-8") for path in library.paths())

#: Small documents whose blocks hold every construct of the language.
_TABLE = (
    "| a | n | k | s | w | out |\n|---|---|---|---|---|---|\n"
    "| x | 8 | 3x3 | 2 | - | 8x8x8 |\n| y | 6 | 1 | 1 | u | |\n"
)
_FRONT = "---\nname: fuzz\ninput: 16x16x4\nu: 5\nv: 1.5\n---\n"
_BLOCKS = (
    "w : …\nout : {h}x{w}x{c} = output\ndefault conv : same bn relu\nf(a b=2) = conv {a} {b*n} > relu\n"
    "x -> f(a={k} b=1) > maxpool 3x3/{s} ceil\ny | k : 1 -> add[ conv 1x1 {n} | project ] > linear {n}\n",
    "k : {}\ns : {}\nw : …\nout : …\n"
    "g(c s=1) = add[ conv 1x1 {2*in} > dwconv 3x3/{s} same > conv 1x1 {c} linear | skip ]\n"
    "x -> 2 x g(c={n} s={s},1)\n"
    "y -> concat[ conv 1x1 {n} | conv 3x3 {max(n, u)} pad=1 > conv 1x1 {in//2} ]\n",
    "k : {}\nw : …\nout : …\nappend : z\nlabel : a\ndefault maxpool : same\n"
    "se(r) = multiply[ skip | avgpool global > conv 1x1 {r} relu > conv 1x1 {4*r} sigmoid ]\n"
    "x -> conv {k}/{s} {where(n > 4, 8, 4)} > se(r=2)\ny -> {n//3} x (conv 3x3 {v*4} groups=2 same > prelu)\n"
    "z -> avgpool global > dropout p=0.4 > linear {u} > softmax\n",
)
_EXPRESSIONS = (
    "concat[ conv 1x1 {n} | conv 1x1 {n//2} > conv 3x3/1 {n} same | maxpool 3x3/1 same > conv 1x1 {u} ]",
    "add[ conv 1x1 {n} bn relu > conv 3x3 {n} pad=1 bn | project ] > relu",
    "3 x add[ dwconv 3x3 same bn relu6 > conv 1x1 {in} linear | skip ]",
    "{s} x (conv 1x7 {n} pad=0x3 > conv 7x1 {n} pad=3x0) > avgpool global > linear {u*2}",
    "conv {k}/{s} {divisible(n*v, 4)} dilation=2 groups={min(2, s)} > shuffle groups=2 > select maps=0,1,2",
    "multiply[ skip | avgpool global > linear {n//2} relu > linear {u-1} sigmoid ]",
    "maxpool 2x2/2 > lrn size=5 > scale bias > flatten > dropout p=0.5 > linear 10 > softmax",
)

_NUMBERS = (
    *("0", "1", "2", "3", "4", "5", "7", "8", "16", "63", "64", "1000", "99999", "1000000000", "1.5", "-1"),
)
_WORDS = (
    *(name for name in OPS if name != "input"),
    *("same", "valid", "bias", "nobias", "bn", "nobn", "linear", "ceil", "global", "skip", "project", "in"),
    *("n", "k", "s", "w", "u", "v", "a", "x", "f", "pad", "groups", "adaptive", "dilation", "multiplier"),
    *("next n", "in_h", "where", "max", "min", "round", "divisible", "total", "macs", "params", "output"),
    *("depth", "match", "label"),
)
_SIGNS = (
    *"|-:#>[](){}=,;/x*`~\\\"'…&!<%+\n \t²",
    *("->", "{n}", "[^a]", "\u00a0", "\u200b", "\x85", "\x00"),
)
_TOKEN = re.compile(r"\{[^{}\n]*\}|[0-9]+(?:\.[0-9]+)?|[A-Za-z_][\w]*|\s+|.")


def damaged(text: str, chance: random.Random, within: tuple[int, int] | None = None) -> str:
    """`text` with one to four places changed, all of them in the stretch `within` where one is given."""
    first, last = within or (0, len(text))
    before, inside, after = text[:first], text[first:last], text[last:]
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        inside = chance.choice((_like_for_like, _like_for_like, _moved, _spoilt))(inside, chance)
    return before + inside + after


def _like_for_like(text: str, chance: random.Random) -> str:
    """A number, name, or braces in place of another."""
    tokens = [m for m in _TOKEN.finditer(text) if m[0][0].isalnum() or m[0][0] == "{"]
    if not tokens:
        return text
    token = chance.choice(tokens)
    if token[0][0].isdigit():
        new = chance.choice(_NUMBERS)
    elif token[0][0] == "{":
        others = [m[0] for m in tokens if m[0][0] == "{"]
        new = chance.choice((*others, "{" + chance.choice(_WORDS) + "}", "{" + chance.choice(_NUMBERS) + "}"))
    else:
        new = chance.choice((*_WORDS, *(m[0] for m in tokens if m[0][0].isalpha())))
    return text[: token.start()] + new + text[token.end() :]


def _moved(text: str, chance: random.Random) -> str:
    """A cell, line or token dropped, doubled or swapped with another."""
    parts = re.split(chance.choice((r"(\||\n)", r"(\n)", r"( )")), text)
    here, there = chance.randrange(len(parts)), chance.randrange(len(parts))
    how = chance.randrange(3)
    if how == 0:
        parts[here], parts[there] = parts[there], parts[here]
    elif how == 1:
        del parts[here]
    else:
        parts.insert(here, parts[there])
    return "".join(parts)


def _spoilt(text: str, chance: random.Random) -> str:
    """A few characters in place of others."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(_SIGNS) * chance.choice((0, 1, 1, 2)) + text[at + chance.randrange(3) :]


def documents(count: int, seed: int) -> Iterator[str]:
    """Shipped documents, damaged anywhere."""
    chance = random.Random(seed)
    for _ in range(count):
        yield damaged(chance.choice(SHIPPED), chance)


def blocks(count: int, seed: int) -> Iterator[str]:
    """Small documents, damaged anywhere behind their front matter."""
    chance = random.Random(seed)
    for _ in range(count):
        text = f"{_FRONT}{_TABLE}\n```arch\n# u, v\n{chance.choice(_BLOCKS)}```\n"
        yield damaged(text, chance, (len(_FRONT), len(text) - 4))


def expressions(count: int, seed: int) -> Iterator[str]:
    """A document whose one rule is damaged."""
    chance = random.Random(seed)
    for _ in range(count):
        rule = damaged(chance.choice(_EXPRESSIONS), chance)
        if chance.random() < 0.3:
            rule += " > " + damaged(chance.choice(_EXPRESSIONS), chance)
        aside = "".join(f"{name} : {{}}\n" for name in "nksw")
        yield f"{_FRONT}{_TABLE}\n```arch\n# u, v\n{aside}out : …\nx -> {rule}\ny -> pass\n```\n"


def outcome(text: str) -> str:
    """What comes of a text: `counted`, `refused` behind the parser, or `unread` by it.

    Fails where anything but an error of archcalc's own comes of it, where that has no hint or a place outside
    of the text, and where it takes more than `SECONDS` of CPU time.
    """
    started = time.process_time()
    parsed = False
    try:
        contents = document.parse(text, "fuzz.md")
        networks = outline.networks(contents)
        parsed = True
        for claim in claims.read(contents):
            if claim.printed:
                claims.figure(claim.published)
            for part in (part for reading in claim.readings for part in reading.parts):
                for reference in arithmetic.references(part):
                    queries.parse(reference)
        for note in contents.footnotes.values():
            claims.executed(note)
        for network in networks[:3]:
            counted = api.assemble(network, {}).counts(heads=True)
            assert counted.total.macs >= 0
            assert counted.total.params >= 0
        return "counted"
    except ArchcalcError as fault:
        check_fault(fault, text)
        return "refused" if parsed else "unread"
    finally:
        spent = time.process_time() - started
        assert spent < SECONDS, f"{spent:.1f} s"


def check_fault(fault: ArchcalcError, text: str) -> None:
    """An error has a message and a hint that a terminal can print, and places that lie inside the text."""
    shown = fault.render()
    assert all(line.isprintable() for line in shown.split("\n"))
    assert fault.message
    assert fault.hint
    if isinstance(fault, SpecError) and fault.span is not None:
        _check_place(fault.span, text)
        if fault.also is not None:
            _check_place(fault.also[1], text)


def _check_place(span: Span, text: str) -> None:
    """A span lies inside the text that it names, and quotes it."""
    if span.file != "fuzz.md":
        return  # in a shipped document that the text extends
    lines = split(text.removeprefix("\ufeff"))
    assert 1 <= span.line <= len(lines)
    source = lines[span.line - 1]
    assert span.source == source
    assert 0 <= span.start <= len(source)
    assert span.start <= span.end <= len(source) + 1
