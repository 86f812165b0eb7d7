"""The claims table of a document -> `Claim`s: sentences with a published figure and how to compute it.

| claim | published | computed | reading |
|---|---|---|---|
| 12x fewer parameters than AlexNet | 12x[^alexnet] | params(alexnet) / params(googlenet) | no side heads |

`computed` is the language's own arithmetic over references `metric(network, key=value, …)`: `row` names a
row of its table, a layer or a block; `heads=1` counts side heads; `input`, `batch`, `precision` and `fused`
mean what the options of those names do; any other key sets a variable of the network. No network is looked
up here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archcalc import units
from archcalc.document.model import Cell, Document, MarkdownTable
from archcalc.document.text import key, number
from archcalc.errors import ArchcalcError, Span, SpecError, suggest
from archcalc.metrics import METRICS
from archcalc.shapes import BYTES
from archcalc.spec import arithmetic_parser
from archcalc.spec.arithmetic import Reference, Value
from archcalc.spec.inputs import GivenInput, parse_input
from archcalc.spec.outline import ragged
from archcalc.spec.sizes import numbers

if TYPE_CHECKING:
    from archcalc.document.text import Scalar
    from archcalc.units import Published

COLUMNS: Final = ("claim", "published", "computed", "reading")
_REQUIRED: Final = COLUMNS[:3]
_FORMS = "write a figure as papers print it (2.7K, 1.5 billion, 12x, 28%, <25M) or a shape (14x14x512)"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the paper, the figure that it prints, the expression that gives it, and the choice made.

    `text` is the expression as written.
    """

    sentence: str
    published: Cell
    expression: Value
    text: str
    reading: str
    span: Span


@dataclass(frozen=True, slots=True)
class Query:
    """What a reference asks for: a metric of a network in some scope, or of a row, layer or block of it."""

    metric: str
    network: str
    row: str = ""
    heads: bool = False
    input: GivenInput | None = None
    batch: int = 1
    precision: str = "fp32"
    fused: bool = False
    settings: tuple[tuple[str, Scalar], ...] = ()


def read(document: Document) -> tuple[Claim, ...]:
    """The claims of `document`, in its order.

    Raises `SpecError` for wrong columns, a blank or missing cell, or an expression that cannot be read.
    """
    return tuple(
        claim
        for section in document.sections
        for table in section.tables
        if key(table.header[0].text) == COLUMNS[0]
        for claim in _table(table)
    )


def _table(table: MarkdownTable) -> list[Claim]:
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
    claims = []
    for row, span in zip(table.rows, table.row_spans, strict=True):
        if len(row) != len(names):
            raise ragged(row, len(names), span)
        cells = dict(zip(names, row, strict=True))
        for name in _REQUIRED:
            if cells[name].blank:
                raise SpecError(f"the {name} is blank", cells[name].span, "fill it in, or drop the row")
        computed = cells["computed"]
        claims.append(
            Claim(
                sentence=cells["claim"].text,
                published=cells["published"],
                expression=arithmetic_parser.parse(computed.text, computed.span),
                text=computed.text,
                reading=cells["reading"].text if "reading" in cells else "",
                span=span,
            )
        )
    return claims


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


def query(reference: Reference) -> Query:
    """A reference taken apart. Raises `SpecError` for an unknown metric, and for a key without a value."""
    if reference.metric not in METRICS:
        hint = suggest(reference.metric, list(METRICS)) or "one of " + ", ".join(METRICS)
        raise SpecError(f"no metric is called `{reference.metric}`", reference.span, hint)
    network, pairs = _arguments(reference)
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise SpecError(f"`{name}` is given twice", reference.span, "keep one")
        values[name] = value
    try:
        return Query(
            metric=reference.metric,
            network=network,
            row=values.pop("row", ""),
            heads=_switch("heads", values.pop("heads", "0")),
            input=parse_input(values.pop("input")) if "input" in values else None,
            batch=_positive("batch", values.pop("batch", "1")),
            precision=_precision(values.pop("precision", "fp32")),
            fused=_switch("fused", values.pop("fused", "0")),
            settings=tuple((name, _scalar(value)) for name, value in values.items()),
        )
    except ArchcalcError as fault:
        raise SpecError(fault.message, reference.span, fault.hint) from None


def _arguments(reference: Reference) -> tuple[str, list[tuple[str, str]]]:
    """The network's name and the pairs behind it. A row's label may itself hold commas."""
    network, *pieces = (piece.strip() for piece in reference.target.split(","))
    if not network or "=" in network:
        raise SpecError(
            "this names no network", reference.span, f"write `{reference.metric}(googlenet, row=linear)`"
        )
    pairs: list[tuple[str, str]] = []
    for piece in pieces:
        name, equals, value = piece.partition("=")
        if equals and re.fullmatch(r"[\w #-]+", name.strip()):
            pairs.append((name.strip(), value.strip()))
        elif pairs and pairs[-1][0] == "row":
            pairs[-1] = ("row", f"{pairs[-1][1]}, {piece}")
        else:
            raise SpecError(f"`{piece}` is no `key=value`", reference.span, "as in `row=inception (3a)`")
    for name, value in pairs:
        if not value:
            raise SpecError(f"`{name}` has no value", reference.span, "as in `input=3x299x299`, `heads=1`")
    return network, pairs


def _switch(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise ArchcalcError(f"`{name}={text}` is neither 0 nor 1", f"write `{name}=1`, or leave it out")
    return text == "1"


def _positive(name: str, text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", text):
        raise ArchcalcError(f"`{name}={text}` is no number of images", f"write `{name}=8`")
    return int(text)


def _precision(text: str) -> str:
    if text not in BYTES:
        known = "one of " + ", ".join(BYTES)
        raise ArchcalcError(f"no precision is called `{text}`", suggest(text, list(BYTES)) or known)
    return text


def _scalar(text: str) -> Scalar:
    value = number(text)
    return text if value is None else value
