"""Text -> `Document`: front matter, headings, tables of cells with their places, `arch` blocks, footnotes.

Markdown is read by markdown-it (CommonMark and its tables) and front matter by PyYAML; this file adds
what neither gives: the column of every cell, so that an error can point at it, and limits, so that
hostile text is harmless. Nothing here knows what a network is.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.errors import Span, SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markdown_it.token import Token

MAX_BYTES = 1_000_000
MAX_ROWS = 2_000
MAX_COLUMNS = 200
MAX_CELL = 1_000

# What a PDF leaves behind, one character for one so that columns stay true.
_LOOKALIKES = str.maketrans(
    {"×": "x", "✕": "x", "⨯": "x", "∗": "*", "“": '"', "”": '"'}
    | dict.fromkeys("\u00a0\u2007\u2009\u202f\u2002\u2003\u2008\u200a\u3000\t\v\f", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_FOOTNOTE = re.compile(r"\[\^([^\]\s]+)\]")

Scalar = int | Fraction | str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: `text` is cleaned of lookalikes and footnote marks, `raw` is what the author wrote."""

    text: str
    raw: str
    span: Span
    footnotes: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether the cell holds nothing, or only the dash that papers print for nothing."""
        return self.text in ("", "-", "--")


@dataclass(frozen=True, slots=True)
class Table:
    """A Markdown table. Rows may be ragged: whether a short row is a fault is the spec's to say."""

    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    row_spans: tuple[Span, ...]
    span: Span

    def column(self, name: str) -> int | None:
        """The index of the column whose header reads `name`, blanks and case aside."""
        wanted = key(name)
        for i, cell in enumerate(self.header):
            if key(cell.text) == wanted:
                return i
        return None


@dataclass(frozen=True, slots=True)
class ArchBlock:
    """The lines of a fenced `arch` block; `line` is the number of the first of them."""

    lines: tuple[str, ...]
    line: int
    file: str

    def span(self, index: int, start: int, end: int) -> Span:
        """Columns `start` to `end` of the block's line `index`."""
        return Span(self.file, self.line + index, start, end, self.lines[index])


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (none for what stands before the first) with its tables and `arch` blocks."""

    heading: Cell | None
    tables: tuple[Table, ...]
    arch: tuple[ArchBlock, ...]


@dataclass(frozen=True, slots=True)
class Footnote:
    """A footnote's text and the place of its definition."""

    name: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Document:
    """A spec's text, taken apart but not yet understood."""

    file: str
    front: Mapping[str, Scalar | tuple[Scalar, ...]]
    front_spans: Mapping[str, Span]
    sections: tuple[Section, ...]
    footnotes: Mapping[str, Footnote] = field(default_factory=dict)


def key(text: str) -> str:
    """A header or name as it is compared: blanks and case do not count."""
    return re.sub(r"\s+", "", clean(text)).casefold()


def clean(text: str) -> str:
    """`text` with a PDF's lookalike characters made plain and runs of blanks made one."""
    return re.sub(r" +", " ", _INVISIBLE.sub("", text.translate(_LOOKALIKES))).strip()


def number(text: str) -> int | Fraction | None:
    """The exact number that `text` spells, such as `64` or `1.4`; None where it spells none."""
    if re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", text, re.ASCII) is None:
        return None
    value = Fraction(text)
    return value.numerator if value.denominator == 1 else value


def read(path: Path) -> str:
    """The text of the file at `path`, without a byte-order mark and with `\\n` line ends.

    Raises `SpecError` for a folder, a missing or unreadable file, one over `MAX_BYTES`, or binary data.
    """
    hint = "a spec is a Markdown document that holds the paper's table"
    try:
        if path.is_dir():
            raise SpecError(f"`{path}` is a folder, not a spec", hint=hint)
        if path.exists() and not path.is_file():
            raise SpecError(f"`{path}` is not a plain file", hint=hint)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as fault:
        raise SpecError(f"cannot read `{path}`: {fault.strerror or fault}", hint=hint) from None
    except ValueError as fault:  # a NUL byte in the name itself
        raise SpecError(f"cannot read that path: {fault}", hint=hint) from None
    if len(data) > MAX_BYTES:
        raise SpecError(
            f"`{path}` is larger than {MAX_BYTES:,} bytes",
            hint="a spec holds a paper's tables, not data; split the document",
        )
    if b"\0" in data:
        raise SpecError(f"`{path}` is a binary file", hint=hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        before = data[: fault.start].decode("utf-8-sig", "replace")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1)
        raise SpecError(
            "this is not UTF-8 text",
            Span(str(path), line, column, column + 1),
            hint="save the file as UTF-8",
        ) from None
    return text


def parse(text: str, file: str = "<text>") -> Document:
    """The `Document` that `text` holds; `file` is the name that errors print.

    Raises `SpecError` where the text breaks a limit, or where a table, front matter or fence is broken.
    """
    from markdown_it import MarkdownIt
    from mdit_py_plugins.footnote import footnote_plugin
    from mdit_py_plugins.front_matter import front_matter_plugin

    if len(text) > MAX_BYTES:
        raise SpecError(f"`{file}` is larger than {MAX_BYTES:,} characters")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    # markdown-it would read other separators as text; str.splitlines would break lines at them.
    lines = text.split("\n")
    reader = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    reader.use(front_matter_plugin).use(footnote_plugin, inline=False)
    tokens = reader.parse(text)
    return _Reader(file, lines).document(tokens)


class _Reader:
    """Gathers sections from markdown-it's tokens; holds the source lines for spans."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        self.file = file
        self.lines = lines

    def span(self, line: int, start: int = 0, end: int | None = None) -> Span:
        source = self.lines[line] if line < len(self.lines) else ""
        return Span(self.file, line + 1, start, len(source) if end is None else end, source)

    def document(self, tokens: Sequence[Token]) -> Document:
        front: dict[str, Scalar | tuple[Scalar, ...]] = {}
        front_spans: dict[str, Span] = {}
        sections: list[Section] = []
        footnotes: dict[str, Footnote] = {}
        heading: Cell | None = None
        tables: list[Table] = []
        arch: list[ArchBlock] = []
        for i, token in enumerate(tokens):
            at = token.map[0] if token.map else 0
            if token.type == "front_matter":
                front, front_spans = self.front(token.content, at + 1)
            elif token.type == "heading_open":
                sections.append(Section(heading, tuple(tables), tuple(arch)))
                tables, arch = [], []
                heading = self.heading(at, tokens[i + 1].content)
            elif token.type == "table_open":
                tables.append(self.table(tokens, i))
            elif token.type == "fence" and token.info.strip().split(" ")[0] == "arch":
                arch.append(self.arch(token))
            elif token.type == "footnote_reference_open":
                note = self.footnote(tokens, i)
                footnotes[note.name] = note
            elif token.type == "paragraph_open" and token.map:
                self.broken_table(token.map[0], token.map[1])
        sections.append(Section(heading, tuple(tables), tuple(arch)))
        return Document(self.file, front, front_spans, tuple(sections), footnotes)

    def heading(self, line: int, text: str) -> Cell:
        start = max(self.lines[line].find(text), 0)
        return Cell(clean(text), text, self.span(line, start, start + max(len(text), 1)))

    def arch(self, token: Token) -> ArchBlock:
        first, last = token.map or [0, 0]
        fence = self.lines[last - 1].strip()
        if last - 1 == first or not fence.startswith(token.markup[:3]):
            raise SpecError(
                "this `arch` block is never closed",
                self.span(first),
                hint=f"end it with a line that holds only {token.markup}",
            )
        lines = tuple(line.translate(_LOOKALIKES) for line in self.lines[first + 1 : last - 1])
        return ArchBlock(lines, first + 2, self.file)

    def footnote(self, tokens: Sequence[Token], at: int) -> Footnote:
        label = str(tokens[at].meta["label"])
        words: list[str] = []
        line = 0
        for token in tokens[at + 1 :]:
            if token.type == "footnote_reference_close":
                break
            if token.type == "inline":
                words.append(" ".join(token.content.split()))
                line = line or (token.map[0] if token.map else 0)
        return Footnote(label, " ".join(words), self.span(line))

    # -- tables ---------------------------------------------------------------------------------

    def table(self, tokens: Sequence[Token], at: int) -> Table:
        rows: list[tuple[Cell, ...]] = []
        spans: list[Span] = []
        for token in tokens[at + 1 :]:
            if token.type == "table_close":
                break
            if token.type == "tr_open" and token.map:
                rows.append(self.cells(token.map[0]))
                spans.append(self.span(token.map[0]))
                if len(rows) > MAX_ROWS + 1:
                    raise SpecError(f"this table has more than {MAX_ROWS:,} rows", spans[-1])
        return Table(rows[0], tuple(rows[1:]), tuple(spans[1:]), spans[0])

    def cells(self, line: int) -> tuple[Cell, ...]:
        """The cells of a table's line, split as GitHub splits them: at each `|` not escaped."""
        source = self.lines[line]
        bars = [i for i, c in enumerate(source) if c == "|" and _escapes(source, i) % 2 == 0]
        edges = [-1, *bars, len(source)]
        pieces = [(a + 1, b) for a, b in itertools.pairwise(edges)]
        if pieces and not source[slice(*pieces[0])].strip():
            pieces = pieces[1:]
        if len(pieces) > 1 and not source[slice(*pieces[-1])].strip():
            pieces = pieces[:-1]
        if len(pieces) > MAX_COLUMNS:
            raise SpecError(f"this row has more than {MAX_COLUMNS} cells", self.span(line))
        return tuple(self.cell(line, start, end) for start, end in pieces)

    def cell(self, line: int, start: int, end: int) -> Cell:
        raw = self.lines[line][start:end]
        if len(raw) > MAX_CELL:
            raise SpecError(f"this cell is longer than {MAX_CELL:,} characters", self.span(line, start, end))
        lead = len(raw) - len(raw.lstrip())
        stripped = raw.strip()
        begin = start + (lead if stripped else 0)
        text = clean(_FOOTNOTE.sub("", stripped.replace("\\|", "|")))
        span = self.span(line, begin, max(begin + len(stripped), begin + 1))
        return Cell(text, stripped, span, tuple(_FOOTNOTE.findall(stripped)))

    def broken_table(self, first: int, last: int) -> None:
        """Complain where lines look like a table but its second line does not fit its header."""
        for line in range(first + 1, last):
            if re.fullmatch(r"\s*\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?\s*)?\|?\s*", self.lines[line]):
                header, rule = len(self.cells(line - 1)), len(self.cells(line))
                raise SpecError(
                    f"this table's header has {header} cells and the line under it {rule}",
                    self.span(line),
                    hint="give the line of dashes one `---` for each column",
                )

    # -- front matter ---------------------------------------------------------------------------

    def front(
        self, content: str, first: int
    ) -> tuple[dict[str, Scalar | tuple[Scalar, ...]], dict[str, Span]]:
        import yaml

        class Loader(yaml.SafeLoader):
            def compose_node(self, parent: Any, index: Any) -> Any:
                # An alias can double a document at each line; a flat spec has no use for one.
                if self.check_event(yaml.AliasEvent):
                    raise _alias(self.peek_event().start_mark)  # type: ignore[no-untyped-call]
                return super().compose_node(parent, index)

        def place(mark: Any, width: int = 1) -> Span:
            return self.span(first + mark.line, mark.column, mark.column + max(width, 1))

        hint = "front matter is flat: `name: value`, or `name: [value, value]`"
        loader: Any = None
        try:
            loader = Loader(content)
            node = loader.get_single_node()
            values: dict[str, Scalar | tuple[Scalar, ...]] = {}
            spans: dict[str, Span] = {}
            if node is None:
                return values, spans
            if not isinstance(node, yaml.MappingNode):
                raise SpecError("front matter must be lines of `name: value`", self.span(first), hint)
            for k, v in node.value:
                name = str(k.value) if isinstance(k, yaml.ScalarNode) else "?"
                spot = place(k.start_mark, len(name))
                if name in values:
                    raise SpecError(f"`{name}` stands twice in the front matter", spot, hint)
                if isinstance(v, yaml.ScalarNode):
                    values[name] = _scalar(v, place(v.start_mark, len(v.value)))
                elif isinstance(v, yaml.SequenceNode) and all(
                    isinstance(item, yaml.ScalarNode) for item in v.value
                ):
                    values[name] = tuple(_scalar(item, spot) for item in v.value)
                else:
                    raise SpecError(f"`{name}` is nested; a spec's front matter is flat", spot, hint)
                spans[name] = place(v.start_mark, len(str(v.value)))
        except yaml.MarkedYAMLError as fault:
            mark = fault.problem_mark or fault.context_mark
            spot = place(mark) if mark else self.span(first)
            raise SpecError(f"front matter: {fault.problem or fault.context}", spot, hint) from None
        except (yaml.YAMLError, ValueError, RecursionError) as fault:
            reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
            raise SpecError(f"front matter: {reason}", self.span(first), hint) from None
        return values, spans


def _alias(mark: Any) -> Exception:
    import yaml

    return yaml.MarkedYAMLError(problem="anchors and aliases are not allowed", problem_mark=mark)


def _escapes(source: str, at: int) -> int:
    """How many backslashes stand right before position `at`."""
    count = 0
    while at - count - 1 >= 0 and source[at - count - 1] == "\\":
        count += 1
    return count


def _scalar(node: Any, span: Span) -> Scalar:
    """A YAML scalar as an exact number or text; its date, truth value and null have no meaning here."""
    text = str(node.value).strip()
    kind = str(node.tag).rsplit(":", 1)[-1]
    value = number(text) if node.style is None and kind in ("int", "float") else None
    if value is not None:
        return value
    if node.style is None and kind == "null":
        raise SpecError("this has no value", span, "write a value after the colon, or drop the line")
    return clean(text)
