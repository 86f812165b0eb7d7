"""Text -> `Document`: front matter, headings, tables of cells with their places, `arch` blocks, footnotes.

Markdown is read by markdown-it (CommonMark and its tables); this room adds what it does not give: the column
of every cell, so that an error can point at it, and limits, so that hostile text is harmless. Nothing here
knows what a network is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archcalc.document import frontmatter
from archcalc.document.frontmatter import FrontMatter
from archcalc.document.model import ArchBlock, Cell, Document, Footnote, MarkdownTable, Section
from archcalc.document.tables import TableReader
from archcalc.document.text import INVISIBLE, LOOKALIKES, clean
from archcalc.document.textfile import MAX_BYTES, split, too_large
from archcalc.errors import Span, SpecError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markdown_it.token import Token

MAX_LINES: Final = 5_000
MAX_ARCH: Final = 50_000

_DEFINITION = re.compile(r"\s*\[\^[^\]\s]+\]:")
_DASHES = re.compile(r"\s*\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?\s*)?\|?\s*")


def parse(text: str, file: str = "<text>") -> Document:
    """The `Document` that `text` holds; `file` is the name that errors print.

    Raises `SpecError` where the text breaks a limit, or where a table, front matter or fence is broken.
    """
    from markdown_it import MarkdownIt
    from mdit_py_plugins.footnote import footnote_plugin
    from mdit_py_plugins.front_matter import front_matter_plugin

    if len(text) > MAX_BYTES:
        raise too_large(file)
    lines = split(text.removeprefix("\ufeff"))
    if len(lines) > MAX_LINES:
        spot = Span(file, MAX_LINES + 1, 0, max(len(lines[MAX_LINES]), 1), lines[MAX_LINES])
        raise SpecError(f"a document of more than {MAX_LINES:,} lines", spot, "split the document")
    # Blocks only: what stands within a line is read here, and hostile emphasis costs nothing.
    reader = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    reader.use(front_matter_plugin).use(footnote_plugin, inline=False, move_to_end=False)
    reader.core.ruler.enableOnly(["normalize", "block"])
    return _Reader(file, lines).document(reader.parse("\n".join(lines)))


class _Reader(TableReader):
    """Gathers sections from markdown-it's tokens."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        super().__init__(file, lines)
        self.fenced = 0  # characters of `arch` blocks so far

    def document(self, tokens: Sequence[Token]) -> Document:
        front = FrontMatter()
        sections: list[Section] = []
        footnotes: dict[str, Footnote] = {}
        heading: Cell | None = None
        tables: list[MarkdownTable] = []
        arch: list[ArchBlock] = []
        if not tokens or tokens[0].type != "front_matter":
            self.unclosed_front()
        for i, token in enumerate(tokens):
            at = token.map[0] if token.map else 0
            if token.type == "front_matter":
                front = frontmatter.parse(token.content, lambda line, a, b: self.span(1 + line, a, b))
            elif token.type == "heading_open":
                sections.append(Section(heading, tuple(tables), tuple(arch)))
                tables, arch = [], []
                heading = self.heading(at, tokens[i + 1].content)
            elif token.type == "table_open":
                self.outermost(token, "a table")
                tables.append(self.table(tokens, i))
            elif token.type == "fence" and token.info.strip().split(" ")[0].casefold() == "arch":
                self.outermost(token, "an `arch` block")
                arch.append(self.arch(token))
            elif token.type == "footnote_reference_open":
                note = self.footnote(tokens, i)
                if note.name in footnotes:
                    raise SpecError(f"the footnote `{note.name}` is defined twice", note.span, "rename one")
                footnotes[note.name] = note
            elif token.type == "paragraph_open" and token.map:
                after = tables[-1] if tables and tokens[i - 1].type == "table_close" else None
                self.paragraph(token.map[0], token.map[1], after)
            elif token.type == "code_block" and token.content.lstrip().startswith("|"):
                raise SpecError(
                    "this line is indented so far that Markdown takes it for code, not for a table",
                    self.span(at),
                    "begin it at the margin",
                )
        sections.append(Section(heading, tuple(tables), tuple(arch)))
        self.notes(footnotes)
        return Document(
            self.file, front.values, front.spans, tuple(sections), self.span(0), footnotes, front.keys
        )

    def unclosed_front(self) -> None:
        """Complain where the document begins as front matter does, but markdown-it sees none."""
        first = next((i for i, line in enumerate(self.lines) if line.strip()), 0)
        if not re.fullmatch(r"-{3,}\s*", self.lines[first]):
            return
        if first:
            raise SpecError(
                "front matter begins on the document's first line", self.span(first), "remove what is above"
            )
        raise SpecError(
            "this front matter is never closed", self.span(0), "end it with a line that holds only `---`"
        )

    def outermost(self, token: Token, what: str) -> None:
        if token.level > 0:
            at = token.map[0] if token.map else 0
            raise SpecError(
                f"{what} inside a list, quotation or footnote", self.span(at), "begin it at the margin"
            )

    def notes(self, footnotes: Mapping[str, Footnote]) -> None:
        """Every footnote must be defined, and every definition be referred to."""
        for name, span in self.marks.items():
            if name not in footnotes:
                hint = suggest(name, list(footnotes)) or f"write it below the table: `[^{name}]: …`"
                below = [i for i, line in enumerate(self.lines) if line.lstrip().startswith(f"[^{name}]:")]
                if below:
                    hint = f"line {below[0] + 1} stands right under a table: leave a blank line between them"
                raise SpecError(f"no footnote is called `{name}`", span, hint)
        for name, note in footnotes.items():
            if name not in self.marks:
                raise SpecError(
                    f"nothing refers to the footnote `{name}`",
                    note.span,
                    suggest(name, list(self.marks)) or f"put `[^{name}]` behind the cell that it explains",
                )

    def prose(self, first: int, last: int) -> None:
        """Note the footnotes to which some lines of text refer, outside of `code`."""
        code = ""
        for line in range(first, last):
            definition = _DEFINITION.match(self.lines[line])
            start = definition.end() if definition else 0
            for tick in re.finditer(r"`+", self.lines[line]):
                if not code:
                    self.mark(line, start, tick.start())
                    code = tick.group()
                elif code == tick.group():
                    code, start = "", tick.end()
            if not code:
                self.mark(line, start, len(self.lines[line]))

    def heading(self, line: int, text: str) -> Cell:
        if text.startswith("|"):  # dashes without bars under a header make it a heading
            raise self.mismatched(line + 1)
        self.prose(line, line + 1)
        start = max(self.lines[line].find(text), 0)
        return Cell(clean(text), text, self.span(line, start, start + max(len(text), 1)))

    def arch(self, token: Token) -> ArchBlock:
        first, last = token.map or [0, 0]
        fence = self.lines[last - 1].strip()
        if last - 1 == first or not fence.startswith(token.markup):
            raise SpecError(
                "this `arch` block is never closed",
                self.span(first),
                f"end it with a line that holds only {token.markup}",
            )
        self.fenced += sum(len(line) + 1 for line in self.lines[first:last])
        if self.fenced > MAX_ARCH:
            raise SpecError(
                f"the `arch` blocks are longer than {MAX_ARCH:,} characters",
                self.span(first),
                "published tables need a few dozen lines; split the document",
            )
        inside = range(first + 1, last - 1)
        lines, raw = tuple(self.plain(i) for i in inside), tuple(self.lines[i] for i in inside)
        return ArchBlock(lines, raw, first + 2, self.file)

    def plain(self, line: int) -> str:
        """A line of an `arch` block, cleaned one character for one, so that columns stay true."""
        text = self.lines[line].translate(LOOKALIKES)
        for match in INVISIBLE.finditer(text):
            at = match.start()
            if text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum():
                raise SpecError(
                    f"an invisible character (U+{ord(text[at]):04X}) splits this word",
                    self.span(line, at, at + 1),
                    "delete it, or write the word anew",
                )
        return INVISIBLE.sub(" ", text)

    def footnote(self, tokens: Sequence[Token], at: int) -> Footnote:
        label = str(tokens[at].meta["label"])
        words: list[str] = []
        for token in tokens[at + 1 :]:
            if token.type == "footnote_reference_close":
                break
            if token.type == "inline":
                words.append(" ".join(token.content.split()))
        span = tokens[at].map
        line = span[0] if span else 0
        start = max(self.lines[line].find("["), 0)
        return Footnote(label, " ".join(words), self.span(line, start, start + len(label) + 3))

    def paragraph(self, first: int, last: int, after: MarkdownTable | None) -> None:
        """Read text for footnotes; complain where it is a table that Markdown does not see as one."""
        for line in range(first + 1, last):
            if _DASHES.fullmatch(self.lines[line]) and "|" in self.lines[line - 1]:
                raise self.mismatched(line)
        row = self.lines[first].strip()
        stray = row.startswith("|") and row.count("|") > 1
        if stray or (after is not None and "|" in row and len(self.cells(first)) == len(after.header)):
            raise SpecError(
                "this row belongs to no table",
                self.span(first),
                "a table is a header, a line of dashes `|---|---|` and rows, without a blank line in it",
            )
        self.prose(first, last)
