"""The claims of a document -> `Claim`s: sentences with a published figure, and the ways to compute it.

| claim | published | computed | reading | given | source |
|---|---|---|---|---|---|
| 12x fewer parameters than AlexNet | 12x | params(alexnet) / params(googlenet) | no side heads | | |
| | | 60e6 / 5e6 | the rounded figures that arXiv:1512.00567 gives | | |

A line whose `claim` is blank is another reading of the sentence above it. `computed` is the language's own
arithmetic over references `metric(network, key=value, …)`: `row` names a row of its table, a layer or a
block; `in=928` counts that row by itself behind 928 channels; `heads=1` counts side heads; `input`, `batch`,
`precision` and `fused` mean what the options of those names do; any other key sets a variable of the network.
A footnote's reading, `= EXPRESSION` in a code span, is computed in the same way. No network is looked up
here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.document.model import Cell, Document, MarkdownTable
from archcalc.document.text import clean, key
from archcalc.errors import Span, SpecError, suggest
from archcalc.spec import arithmetic_parser
from archcalc.spec.arithmetic import Literal, Value
from archcalc.spec.outline import ragged
from archcalc.spec.sizes import numbers
from archcalc.units import Convention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.document.model import Footnote
    from archcalc.units import Published

COLUMNS: Final = ("claim", "published", "computed", "reading", "given", "source")
_REQUIRED: Final = COLUMNS[:3]
_FORMS = "write a figure as papers print it (2.7K, 1.5 billion, 12x, 28%, <25M) or a shape (14x14x512)"
_GIVEN = re.compile(r"([\w][\w -]*?)\s*:\s*(\S.*?)")
_EXECUTED = re.compile(r"`=\s*([^`]+)`")
_DASHES: Final = ("-", "--")
#: `first Cost` is the first line's value of the column `Cost`.
_FIRST: Final = "first "


@dataclass(frozen=True, slots=True)
class ClaimReading:
    """One way to compute a published figure.

    `parts` are the expressions (several where a shape is written `a x b x c`), `text` is how they are
    written, `words` says which choice was made, and `given` names it as `choice: value`, so that readings of
    one paper can be held together. `convention` is what the words state about K and
    digits; None where they state nothing. `cells` are the columns that names in the expression mean.
    """

    parts: tuple[Value, ...]
    text: str
    words: str
    given: tuple[tuple[str, str], ...]
    convention: Convention | None
    span: Span
    cells: tuple[tuple[str, Cell], ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, the figure that it prints, and the readings of it, the plainest first.

    `published` is the cell with the figure and all footnotes of its lines; `printed` is False where the
    paper prints no figure and one is only computed. `source` names whose the figure is; "" is the paper that
    the document is about.
    """

    sentence: str
    published: Cell
    readings: tuple[ClaimReading, ...]
    source: str
    span: Span

    @property
    def printed(self) -> bool:
        """Whether a figure is printed at all, or a dash stands in its place."""
        return self.published.text not in _DASHES


def read(document: Document) -> tuple[Claim, ...]:
    """The claims of `document`, in its order.

    Raises `SpecError` for wrong columns, a blank or missing cell, an expression that cannot be read, or a
    sentence that stands in two places.
    """
    claims: list[Claim] = []
    for section in document.sections:
        for table in section.tables:
            if key(table.header[0].text) == COLUMNS[0]:
                computed = any("=" in cell.text for cell in table.header[1:])
                claims += _figures(table) if computed else _sentences(table)
    seen: dict[str, Claim] = {}
    for claim in claims:
        first = seen.setdefault(key(claim.sentence), claim)
        if first is not claim:
            raise SpecError(
                f"this sentence stands in line {first.span.line} already",
                claim.span,
                "put its readings below each other: a line with a blank `claim` belongs to the one above it",
            )
    return tuple(claims)


# -- sentences -------------------------------------------------------------------------------------


def _sentences(table: MarkdownTable) -> list[Claim]:
    """The claims of a table that has a line for each reading of a sentence."""
    names = _names(table)
    claims: list[Claim] = []
    for row, span in zip(table.rows, table.row_spans, strict=True):
        if len(row) != len(names):
            raise ragged(row, len(names), span)
        cells = dict(zip(names, row, strict=True))
        sentence = cells["claim"].text
        if claims and (not sentence or sentence == claims[-1].sentence):
            claims[-1] = _continued(claims[-1], cells, span)
            continue
        if not sentence:
            raise SpecError("the claim is blank", cells["claim"].span, "fill it in, or drop the row")
        if not cells["published"].text:
            raise SpecError(
                "the published is blank", cells["published"].span, "a dash says that no figure is printed"
            )
        source = cells["source"].text if "source" in cells else ""
        claims.append(Claim(sentence, cells["published"], (_reading(cells, span),), source, span))
    return claims


def _continued(claim: Claim, cells: Mapping[str, Cell], span: Span) -> Claim:
    """The claim with one more reading, whose line repeats the figure or leaves it blank."""
    published = cells["published"]
    if published.text and published.text != claim.published.text:
        raise SpecError(
            f"the sentence prints `{claim.published.text}` above and `{published.text}` here",
            published.span,
            "leave the figure of a further reading blank, or write another sentence",
        )
    if "source" in cells and cells["source"].text not in ("", claim.source):
        raise SpecError("one figure has one source", cells["source"].span, "leave it blank here")
    notes = (*claim.published.footnotes, *published.footnotes)
    return replace(
        claim,
        published=replace(claim.published, footnotes=tuple(dict.fromkeys(notes))),
        readings=(*claim.readings, _reading(cells, span)),
    )


def _names(table: MarkdownTable) -> list[str]:
    names = [key(cell.text) for cell in table.header]
    for cell, name in zip(table.header, names, strict=True):
        if name not in COLUMNS or names.count(name) > 1:
            hint = suggest(name, [c for c in COLUMNS if c not in names]) or "the columns of a claims table: "
            raise SpecError(
                f"a claims table has no {'second ' * (name in COLUMNS)}column `{cell.text}`",
                cell.span,
                hint if hint.endswith("?") else hint + ", ".join(COLUMNS),
            )
    for name in _REQUIRED:
        if name not in names:
            raise SpecError(
                f"this claims table has no column `{name}`", table.span, "its columns: " + ", ".join(COLUMNS)
            )
    return names


def _reading(cells: Mapping[str, Cell], span: Span) -> ClaimReading:
    computed = cells["computed"]
    if not computed.text or computed.blank:
        raise SpecError("the computed is blank", computed.span, "fill it in, or drop the row")
    words = cells["reading"].text if "reading" in cells else ""
    given = _given(cells["given"]) if "given" in cells else ()
    return ClaimReading(
        _parts(computed.text, computed.span), computed.text, words, given, _convention(words), span
    )


def _given(cell: Cell) -> tuple[tuple[str, str], ...]:
    """`stem: dense; classifier: counted` as pairs."""
    pairs: dict[str, str] = {}
    for piece in filter(None, (piece.strip() for piece in cell.text.split(";"))):
        match = _GIVEN.fullmatch(piece)
        if match is None or match[1] in pairs:
            raise SpecError(
                f"`{piece}` is no choice and its value",
                cell.span,
                "write `stem: dense`, several with `;` between them",
            )
        pairs[match[1]] = match[2]
    return tuple(pairs.items())


def _convention(words: str) -> Convention | None:
    """What the words of a reading state about K and cut digits; None where they state neither."""
    binary, decimal = "K = 1024" in words, "K = 1000" in words
    truncated = re.search(r"\btruncated\b", words) is not None
    if not (binary or decimal or truncated):
        return None
    return Convention(1024 if binary else 1000, "truncated" if truncated else "nearest")


def _parts(text: str, span: Span) -> tuple[Value, ...]:
    """The expressions of `text`: one, or those of a shape's parts, with ` x ` between them."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and text[at : at + 3] == " x ":
            parts.append((start, at))
            start = at + 3
    pieces = [*parts, (start, len(text))]
    return tuple(arithmetic_parser.parse(text[a:b], span.within(a, b)) for a, b in pieces)


# -- tables of figures -----------------------------------------------------------------------------


def _figures(table: MarkdownTable) -> list[Claim]:
    """The claims of a paper's own table of figures: a column `Cost = A * B` prints what others give."""
    headers = [cell.text.partition("=")[0].strip() for cell in table.header]
    formulas = {i: cell for i, cell in enumerate(table.header) if i and "=" in cell.text}
    claims: list[Claim] = []
    for row, span in zip(table.rows, table.row_spans, strict=True):
        if len(row) != len(headers):
            raise ragged(row, len(headers), span)
        if not row[0].text:
            raise SpecError("the claim is blank", row[0].span, "name the line of the table")
        cells = [(key(h), c) for h, c in zip(headers[1:], row[1:], strict=True)]
        cells += [(key(_FIRST + h), c) for h, c in zip(headers[1:], table.rows[0][1:], strict=True)]
        for i, header in formulas.items():
            if row[i].blank or not re.search(r"\d", row[i].text):  # as `base`, to which others are compared
                continue
            name, _, formula = header.text.partition("=")
            others = tuple((n, c) for n, c in cells if n != key(name))
            place = header.span.within(len(name) + 1, len(header.text))
            reading = ClaimReading(
                (arithmetic_parser.parse(formula, place),), formula.strip(), "", (), None, span, others
            )
            claims.append(Claim(f"{row[0].text}: {name.strip()}", row[i], (reading,), "", span))
    return claims


# -- footnotes -------------------------------------------------------------------------------------


def executed(note: Footnote) -> tuple[ClaimReading, ...]:
    """The readings that a footnote holds: its code spans that begin with `=`.

    Behind a `;` stand conventions: "`= weights(googlenet, row=linear); K = 1000`". Raises `SpecError` where
    one cannot be read, or is a number alone.
    """
    return tuple(_executed(match[1], note) for match in _EXECUTED.finditer(note.text))


def _executed(text: str, note: Footnote) -> ClaimReading:
    expression, _, words = clean(text).partition(";")
    at = note.span.source.find(text)
    span = replace(note.span, start=at, end=at + len(text)) if at >= 0 else note.span
    if words.strip() and _convention(words) is None:
        raise SpecError(
            f"`{words.strip()}` is no convention", span, "write `K = 1000`, `K = 1024` or `truncated`"
        )
    parts = _parts(expression.strip(), span)
    if len(parts) == 1 and isinstance(parts[0], Literal):
        raise SpecError(
            f"`{expression.strip()}` repeats a figure and computes nothing",
            span,
            "a reading is an expression; without one the cause counts as unknown",
        )
    return ClaimReading(parts, expression.strip(), words.strip(), (), _convention(words), span)


def figure(cell: Cell, text: str | None = None) -> Published | tuple[int, ...]:
    """What a cell prints: a figure, or a shape as height, width and perhaps channels.

    `text` is the part of the cell that holds it. Raises `SpecError` where it is neither.
    """
    printed = cell.text if text is None else text
    shape = numbers(printed)
    if shape is not None and 2 <= len(shape) <= 3:
        return shape
    try:
        return units.parse(printed)
    except ValueError as fault:
        raise SpecError(str(fault), cell.span, _FORMS) from None
