"""The `arch` block -> `Statements`: how to read columns, defaults, named blocks and row rules.

match : {column}                     the rules read this column instead of the first
label : layer name                   rows are named by this column
extends : googlenet                  the same network, except for what stands here
append : linear, softmax             rows that the table leaves out, behind its last one
patch size/stride : {k}/{s}          takes a cell apart
params : {} = weights                ... and says which metric the cell claims
default conv : same bias relu        flags that every such layer has unless it says otherwise
name(a b=1) = expression             a named block
pattern | header : pattern -> expression    what a row of that type is
pattern -> total macs = {f}e9        a row that claims a figure of the network, perhaps in a unit
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archcalc.document.model import ArchBlock
from archcalc.document.text import clean, key
from archcalc.errors import Span, SpecError, suggest
from archcalc.metrics import METRICS, SHAPES
from archcalc.spec import grammar, syntax
from archcalc.spec.patterns import Pattern, compile_pattern
from archcalc.spec.sizes import SizeWord, size_word
from archcalc.spec.source import SourceText, logical_lines, tail
from archcalc.spec.syntax import BlockCall, Chain, Layer, LayerFlag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archcalc.spec.arithmetic import Name


@dataclass(frozen=True, slots=True)
class ColumnStatement:
    """`header : pattern = metric`; `metric` is empty where the cell claims nothing."""

    header: str
    pattern: Pattern
    metric: str
    span: Span


@dataclass(frozen=True, slots=True)
class BlockParameter:
    """A block's parameter; `default` is None where an argument is required."""

    name: str
    default: tuple[SizeWord, ...] | None


@dataclass(frozen=True, slots=True)
class Block:
    """`name(a b=1) = expression`."""

    name: str
    parameters: tuple[BlockParameter, ...]
    body: Chain
    span: Span


@dataclass(frozen=True, slots=True)
class Total:
    """`total metric = {capture}unit`: the row claims a figure of the network.

    `unit` (`e10`, `K`, `M`, `G`) stands for what the paper prints in the row's label and not in its cells.
    """

    metric: str
    capture: str
    unit: str
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern | header : pattern -> expression`."""

    pattern: Pattern
    conditions: tuple[tuple[str, Pattern, Span], ...]
    body: Chain | Total
    span: Span


@dataclass(frozen=True, slots=True)
class Default:
    """`default op : flags`."""

    op: str
    flags: tuple[LayerFlag, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Header:
    """The value of `match`, `label`, `extends` or `append`, with its place."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Statements:
    """All that an `arch` block says. Rules are tried in order; the first that fits is the row's."""

    columns: tuple[ColumnStatement, ...] = ()
    rules: tuple[Rule, ...] = ()
    defaults: Mapping[str, Default] = field(default_factory=dict)
    blocks: Mapping[str, Block] = field(default_factory=dict)
    match: Header | None = None
    label: Header | None = None
    extends: Header | None = None
    append: Header | None = None

    def over(self, parent: Statements) -> Statements:
        """These statements laid over a parent's: same headers, ops, blocks and rows are replaced."""
        own = {key(column.header) for column in self.columns}
        kept = tuple(c for c in parent.columns if key(c.header) not in own)
        return replace(
            self,
            columns=self.columns + kept,
            rules=self.rules + parent.rules,
            defaults={**parent.defaults, **self.defaults},
            blocks={**parent.blocks, **self.blocks},
            match=self.match or parent.match,
            label=self.label or parent.label,
            append=self.append or parent.append,
        )

    def outer_names(self, body: object, known: dict[str, dict[str, Name]] | None = None) -> dict[str, Name]:
        """The names that `body`, and the blocks that it calls, read from their row, by `text.key`.

        `known` holds what was worked out of each block already.
        """
        known = {} if known is None else known
        names = {key(name.name): name for name in syntax.read_names(body)}
        for part in syntax.parts(body):
            block = self.blocks.get(part.name) if isinstance(part, BlockCall | Layer) else None
            if block is None:
                continue
            if block.name not in known:
                known[block.name] = {}  # a block that holds itself is reported elsewhere
                own = {key(parameter.name) for parameter in block.parameters}
                inner = self.outer_names(block.body, known)
                known[block.name] = {k: name for k, name in inner.items() if k not in own}
            names |= known[block.name]
            given = {flag.name for flag in part.arguments} if isinstance(part, BlockCall) else set()
            for parameter in block.parameters:
                if parameter.name not in given:
                    for word in parameter.default or ():
                        names |= {key(name.name): name for name in syntax.read_names(word)}
        return names


_ARROW = re.compile(r"=>|[→⇒⟶➔➜]|- >")
_BLOCK = re.compile(r"([A-Za-z_][\w-]*)\s*(?:\(([^()]*)\)\s*)?=(?!=)")
_DEFAULT = re.compile(r"default\s+([A-Za-z_]\w*)\s*:")
_COLUMN = re.compile(r'\s*("[^"]*"|[^:]*?)\s*:')
_TOTAL = re.compile(r"\s*total\s+([A-Za-z_]+)\s*=\s*\{([^{}]*)\}\s*(e\d{1,2}|[KMG])?\s*$")
MAX_STATEMENTS = 500
_SPECIAL = ("match", "label", "extends", "append")


def parse(blocks: Iterable[ArchBlock]) -> Statements:
    """The `Statements` of some `arch` blocks, read as one. Raises `SpecError` at the fault."""
    columns: list[ColumnStatement] = []
    rules: list[Rule] = []
    defaults: dict[str, Default] = {}
    named: dict[str, Block] = {}
    special: dict[str, Header] = {}
    for count, source in enumerate(s for block in blocks for s in logical_lines(block)):
        text = source.text
        if count >= MAX_STATEMENTS or len(text) > grammar.MAX_LENGTH:
            limit = "a statement too long" if count < MAX_STATEMENTS else "too many statements"
            hint = f"at most {MAX_STATEMENTS} statements of {grammar.MAX_LENGTH:,} characters each"
            raise SpecError(limit, source.span(0, 1), hint)
        if "->" in text:
            rules.append(_rule(source))
        elif match := _ARROW.search(text):
            spot = source.span(*match.span())
            raise SpecError(
                f"`{match.group()}` is not an arrow", spot, "a rule reads `pattern -> expression`"
            )
        elif match := _DEFAULT.match(text):
            rest = tail(source, match.end())
            spot = source.span(*match.span(1))
            if match[1] in defaults:
                raise SpecError(f"`{match[1]}` has two defaults", spot, "write them on one line")
            defaults[match[1]] = Default(match[1], grammar.parse_flags(rest), spot)
        elif match := _BLOCK.match(text):
            made = _block(source, match)
            if made.name in named:
                raise SpecError(f"`{made.name}` is defined twice", made.span, "rename one")
            named[made.name] = made
        elif match := _COLUMN.match(text):
            header = match[1]
            spot = source.span(*match.span(1))
            if header not in _SPECIAL:
                columns.append(_column(source, header.strip('"'), match.end(), spot))
                continue
            if header in special:
                raise SpecError(f"`{header}` stands twice", spot, "keep one")
            value = clean(text[match.end() :])
            if not value:
                raise SpecError(f"`{header}` names nothing", spot, f"`{header} : name`")
            lead = len(text) - len(text[match.end() :].lstrip())
            special[header] = Header(value, source.span(lead, len(text)))
        else:
            raise SpecError(
                "this line is none of the statements", source.span(0, len(text.rstrip())), _nearest(text)
            )
    return Statements(tuple(columns), tuple(rules), defaults, named, **special)


def stated(header: str) -> str:
    """How a statement about a column begins: in quotes where its header looks like something else."""
    odd = re.search(r"(^|\s)#(\s|$)|[:=]|->|^default\s", header) is not None or header in _SPECIAL
    return f'"{header}"' if odd else header


def _nearest(text: str) -> str:
    """Which statement a line that is none of them was perhaps meant to be."""
    if text.startswith("default"):
        return "`default op : flags`"
    if text.split()[0] in _SPECIAL:
        return f"`{text.split()[0]} : …`"
    if "{" in text:
        return "a column is taken apart by `header : pattern`; a rule reads `pattern -> expression`"
    if text.lstrip().startswith(("[", "(")):
        return "a rule reads `pattern -> expression`"
    return (
        "`pattern -> expression`, `header : pattern = metric`, `default op : flags`, "
        "or `name(args) = expression`"
    )


def _pattern(text: str, span: Span) -> Pattern:
    try:
        return compile_pattern(text)
    except ValueError as fault:
        hint = "a pattern holds the cell's own words, `{name}`, `{}` and `…`"
        raise SpecError(str(fault), span, hint) from None


def _metric(word: str, span: Span) -> str:
    metric = word.lower()
    if metric not in METRICS:
        hint = suggest(metric, list(METRICS)) or "one of " + ", ".join(METRICS)
        raise SpecError(f"no metric is called `{word}`", span, hint)
    return metric


def _column(source: SourceText, header: str, start: int, spot: Span) -> ColumnStatement:
    rest = source.text[start:]
    metric = ""
    claim = re.search(r"=\s*([A-Za-z_]+)\s*$", rest)
    template = rest
    if claim:
        metric = _metric(claim[1], source.span(start + claim.start(1), start + claim.end(1)))
        template = rest[: claim.start()]
    lead = start + len(template) - len(template.lstrip())
    where = source.span(lead, max(start + len(template.rstrip()), lead + 1))
    if not template.strip():
        raise SpecError("the pattern is missing here", where, f"`{header} : {{}}` reads all of the cell")
    pattern = _pattern(template, where)
    if metric in SHAPES and not {"h"} <= set(pattern.names) <= {"h", "w", "c"} and pattern.names != ("c",):
        hint = f"`{header} : {{h}}x{{w}}x{{c}} = {metric}`, of which `w` or `c` may be missing"
        raise SpecError("the parts of a shape are named `h`, `w` and `c`", where, hint)
    return ColumnStatement(clean(header), pattern, metric, spot)


def _block(source: SourceText, match: re.Match[str]) -> Block:
    spot = source.span(*match.span(1))
    if match[1] in (*_SPECIAL, "default"):
        raise SpecError(
            f"`{match[1]}` cannot be a block's name", spot, f"`{match[1]} : …` is written with a colon"
        )
    parameters: list[BlockParameter] = []
    places: list[Span] = []
    for word in re.finditer(r"\S+", match[2] or ""):
        begin = match.start(2) + word.start()
        name, equals, default = word.group().rstrip(",").partition("=")
        where = source.span(begin, begin + len(word.group()))
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise SpecError(
                f"`{word[0]}` is not a parameter", where, "`name(a b=1) = expression`, without other blanks"
            )
        if any(p.name == name for p in parameters):
            raise SpecError(f"`{name}` is a parameter twice", where, "rename one")
        value = None
        if equals:
            value = (size_word(default, where.within(len(name) + 1, len(name) + 1 + len(default))),)
        parameters.append(BlockParameter(name, value))
        places.append(where)
    body = grammar.parse(tail(source, match.end()))
    read = set(syntax.names(body))
    for parameter, where in zip(parameters, places, strict=True):
        if key(parameter.name) not in read:
            hint = f"use `{{{parameter.name}}}` in it, or drop the parameter"
            raise SpecError(f"`{match[1]}` never reads its parameter `{parameter.name}`", where, hint)
    return Block(match[1], tuple(parameters), body, spot)


def _rule(source: SourceText) -> Rule:
    text = source.text
    arrow = text.index("->")
    pieces = _top_level(text[:arrow])
    begin, end = pieces[0]
    lead = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
    spot = source.span(lead, max(begin + len(text[begin:end].rstrip()), lead + 1))
    pattern = _pattern(text[begin:end].replace("\n", " "), spot)
    conditions = []
    for begin, end in pieces[1:]:
        piece = text[begin:end]
        match = _COLUMN.match(piece)
        lead = begin + len(piece) - len(piece.lstrip())
        where = source.span(lead, max(begin + len(piece.rstrip()), lead + 1))
        if match is None:
            hint = "`pattern | header : pattern -> expression`"
            raise SpecError("a condition reads `header : pattern`", where, hint)
        header = source.span(begin + match.start(1), begin + match.end(1))
        conditions.append((clean(match[1].strip('"')), _pattern(piece[match.end() :], where), header))
    total = _TOTAL.match(text, arrow + 2)
    if total is None:
        _one_arrow(source, arrow)
        return Rule(pattern, tuple(conditions), grammar.parse(tail(source, arrow + 2)), spot)
    metric = _metric(total[1], source.span(*total.span(1)))
    return Rule(pattern, tuple(conditions), Total(metric, clean(total[2]), total[3] or "", spot), spot)


def _one_arrow(source: SourceText, arrow: int) -> None:
    """Complain where a rule goes on into the next: by its indentation, or by a bracket left open."""
    text = source.text
    second = text.find("->", arrow + 2)
    if second < 0:
        return
    line = text.rfind("\n", 0, second) + 1
    opened = grammar.unclosed(text[arrow + 2 : max(line, arrow + 2)])
    if opened is not None:
        at = arrow + 2 + opened
        raise SpecError(
            f"this `{text[at]}` is never closed", source.span(at, at + 1), "close it before the next rule"
        )
    hint = "one rule a line"
    if line > arrow:
        hint = "an indented line goes on with the one above; begin this rule at the margin"
    raise SpecError("a second `->` in one rule", source.span(second, second + 2), hint)


def _top_level(text: str) -> list[tuple[int, int]]:
    """The stretches of `text` between bars that stand outside all brackets and quotes."""
    cuts, depth, quoted = [-1], 0, False
    for i, c in enumerate(text):
        quoted ^= c == '"'
        depth += (c in "[({") - (c in "])}")
        if c == "|" and depth == 0 and not quoted:
            cuts.append(i)
    cuts.append(len(text))
    return [(a + 1, b) for a, b in itertools.pairwise(cuts)]
