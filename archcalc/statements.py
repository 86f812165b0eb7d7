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
pattern -> total macs = {f}e9        a row that claims a figure of the whole network, perhaps in a unit
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archcalc import grammar
from archcalc.document import ArchBlock
from archcalc.errors import Span, SpecError, suggest
from archcalc.grammar import Chain, Flag, SizeWord, Source
from archcalc.patterns import Pattern, compile_pattern
from archcalc.text import clean, key
from archcalc.vocabulary import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Column:
    """`header : pattern = metric`; `metric` is empty where the cell claims nothing."""

    header: str
    pattern: Pattern
    metric: str
    span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """A block's parameter; `default` is None where an argument is required."""

    name: str
    default: tuple[SizeWord, ...] | None


@dataclass(frozen=True, slots=True)
class Block:
    """`name(a b=1) = expression`."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Chain
    span: Span


@dataclass(frozen=True, slots=True)
class Total:
    """`total metric = {capture}unit`: the row claims a figure of the whole network.

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
    flags: tuple[Flag, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Header:
    """The value of `match`, `label`, `extends` or `append`, with its place."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Statements:
    """All that an `arch` block says. Rules are tried in order; the first that fits is the row's."""

    columns: tuple[Column, ...] = ()
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


_COMMENT = re.compile(r"(^|(?<=\s))#(?=\s|$).*$")
_BLOCK = re.compile(r"([A-Za-z_][\w-]*)\s*(?:\(([^()]*)\))?\s*=(?!=)")
_DEFAULT = re.compile(r"default\s+([A-Za-z_]\w*)\s*:")
_COLUMN = re.compile(r'\s*("[^"]*"|[^:]*?)\s*:')
_TOTAL = re.compile(r"\s*total\s+([A-Za-z_]+)\s*=\s*\{([^{}]*)\}\s*(e\d{1,2}|[KMG])?\s*$")
_SPECIAL = ("match", "label", "extends", "append")


def parse(blocks: Iterable[ArchBlock]) -> Statements:
    """The `Statements` of some `arch` blocks, read as one. Raises `SpecError` at the fault."""
    columns: list[Column] = []
    rules: list[Rule] = []
    defaults: dict[str, Default] = {}
    named: dict[str, Block] = {}
    special: dict[str, Header] = {}
    for block in blocks:
        for source in _logical_lines(block):
            text = source.text
            if "->" in text:
                rules.append(_rule(source))
            elif found := _DEFAULT.match(text):
                rest = _tail(source, found.end())
                spot = source.span(*found.span(1))
                if found[1] in defaults:
                    raise SpecError(f"`{found[1]}` has two defaults", spot, "write them on one line")
                defaults[found[1]] = Default(found[1], grammar.parse_flags(rest), spot)
            elif found := _BLOCK.match(text):
                made = _block(source, found)
                if made.name in named:
                    raise SpecError(f"`{made.name}` is defined twice", made.span, "rename one")
                named[made.name] = made
            elif found := _COLUMN.match(text):
                header = found[1]
                spot = source.span(*found.span(1))
                value = clean(text[found.end() :])
                if header in _SPECIAL:
                    if header in special:
                        raise SpecError(f"`{header}` stands twice", spot, "keep one")
                    if not value:
                        raise SpecError(f"`{header}` names nothing", spot, f"`{header} : name`")
                    lead = len(text) - len(text[found.end() :].lstrip())
                    special[header] = Header(value, source.span(lead, len(text)))
                else:
                    columns.append(_column(source, header.strip('"'), found.end(), spot))
            else:
                raise SpecError(
                    "this line is none of the statements",
                    source.span(0, len(text.rstrip())),
                    "`pattern -> expression`, `header : pattern = metric`, "
                    "`default op : flags`, or `name(args) = expression`",
                )
    return Statements(tuple(columns), tuple(rules), defaults, named, **special)


def _logical_lines(block: ArchBlock) -> list[Source]:
    """The statements' own lines: an indented line, or one inside open brackets, goes on the last."""
    texts = [_uncomment(line) for line in block.lines]
    filled = [t for t in texts if t.strip()]
    base = min((len(t) - len(t.lstrip()) for t in filled), default=0)
    starts: list[list[int]] = []
    depth = 0
    for i, text in enumerate(texts):
        if not text.strip():
            continue
        indented = len(text) - len(text.lstrip()) > base
        goes_on = indented or depth > 0 or text.lstrip()[0] in "|>]"
        if goes_on and starts:
            starts[-1].append(i)
        else:
            starts.append([i])
            depth = 0
        _, _, body = text.rpartition("->")
        depth = max(0, depth + body.count("[") - body.count("]"))
    sources = []
    for run in starts:
        first, last = run[0], run[-1]
        lines = tuple(texts[first : last + 1])
        full = block.lines[first : last + 1]
        sources.append(Source(block.file, block.line + first, 0, lines, full))
    return sources


def _uncomment(line: str) -> str:
    """`line` without its comment: a `#` with a blank on both sides. (`#3x3` is a column's name.)"""
    masked = re.sub(r"\{[^{}]*\}|\"[^\"]*\"", lambda m: "_" * len(m.group()), line)
    found = _COMMENT.search(masked)
    return line if found is None else line[: found.start()].rstrip()


def _tail(source: Source, start: int) -> Source:
    """`source` from character `start` on."""
    text = source.text
    skipped = text.count("\n", 0, start)
    column = start - (text.rfind("\n", 0, start) + 1)
    offset = column + (source.offset if skipped == 0 else 0)
    lines = source.lines[skipped:]
    return Source(
        source.file,
        source.line + skipped,
        offset,
        (lines[0][column:], *lines[1:]),
        source.full[skipped:],
    )


def _pattern(text: str, span: Span) -> Pattern:
    try:
        return compile_pattern(text)
    except ValueError as fault:
        raise SpecError(str(fault), span, "write `{name}`, `{}`, `…`, or the cell's own words") from None


def _column(source: Source, header: str, start: int, spot: Span) -> Column:
    rest = source.text[start:]
    metric = ""
    found = re.search(r"=\s*([A-Za-z_]+)\s*$", rest)
    template = rest
    if found:
        metric = found[1].lower()
        place = source.span(start + found.start(1), start + found.end(1))
        if metric not in METRICS:
            hint = suggest(metric, list(METRICS)) or "one of " + ", ".join(METRICS)
            raise SpecError(f"no metric is called `{found[1]}`", place, hint)
        template = rest[: found.start()]
    lead = start + len(template) - len(template.lstrip())
    where = source.span(lead, max(start + len(template.rstrip()), lead + 1))
    if not template.strip():
        raise SpecError("the pattern is missing here", where, f"`{header} : {{}}` reads the whole cell")
    return Column(clean(header), _pattern(template, where), metric, spot)


def _block(source: Source, found: re.Match[str]) -> Block:
    spot = source.span(*found.span(1))
    parameters: list[Parameter] = []
    for word in re.finditer(r"\S+", found[2] or ""):
        begin = found.start(2) + word.start()
        name, equals, default = word.group().rstrip(",").partition("=")
        where = source.span(begin, begin + len(word.group()))
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise SpecError(f"`{name}` is not a parameter's name", where, "`name(a b=1) = expression`")
        if any(p.name == name for p in parameters):
            raise SpecError(f"`{name}` is a parameter twice", where)
        values = (grammar.size_word(default, where.within(len(name) + 1, len(word.group()))),)
        parameters.append(Parameter(name, values if equals else None))
    body = grammar.parse(_tail(source, found.end()))
    return Block(found[1], tuple(parameters), body, spot)


def _rule(source: Source) -> Rule:
    text = source.text
    arrow = text.index("->")
    pieces = _top_level(text[:arrow])
    begin, end = pieces[0]
    lead = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
    spot = source.span(lead, max(begin + len(text[begin:end].rstrip()), lead + 1))
    pattern = _pattern(text[begin:end].replace("\n", " "), spot)
    conditions = []
    for begin, end in pieces[1:]:
        found = _COLUMN.match(text[begin:end])
        where = source.span(begin, end)
        if found is None:
            raise SpecError("a condition reads `header : pattern`", where)
        conditions.append(
            (clean(found[1].strip('"')), _pattern(text[begin:end][found.end() :], where), where)
        )
    total = _TOTAL.match(text, arrow + 2)
    if total is None:
        return Rule(pattern, tuple(conditions), grammar.parse(_tail(source, arrow + 2)), spot)
    metric = total[1].lower()
    if metric not in METRICS:
        hint = suggest(metric, list(METRICS)) or "one of " + ", ".join(METRICS)
        raise SpecError(f"no metric is called `{total[1]}`", source.span(*total.span(1)), hint)
    return Rule(pattern, tuple(conditions), Total(metric, clean(total[2]), total[3] or "", spot), spot)


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
