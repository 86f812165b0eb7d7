"""References in claims -> `Query`s: which figure of which network, in what scope. No network is looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.document.text import number
from archcalc.errors import ArchcalcError, SpecError, suggest
from archcalc.metrics import METRICS
from archcalc.shapes import BYTES
from archcalc.spec.inputs import GivenInput, parse_input

if TYPE_CHECKING:
    from archcalc.document.text import Scalar
    from archcalc.spec.arithmetic import Reference


@dataclass(frozen=True, slots=True)
class Query:
    """What a reference asks for: a metric of a network in some scope, or of a row, layer or block of it.

    `channels` is the number of channels behind which the row is counted by itself.
    """

    metric: str
    network: str
    row: str = ""
    channels: int | None = None
    heads: bool = False
    input: GivenInput | None = None
    batch: int = 1
    precision: str = "fp32"
    fused: bool = False
    settings: tuple[tuple[str, Scalar], ...] = ()


def parse(reference: Reference) -> Query:
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
            channels=_channels(values),
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


def _channels(values: dict[str, str]) -> int | None:
    if "in" not in values:
        return None
    text = values.pop("in")
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise ArchcalcError(f"`in={text}` is no number of channels", "write `in=928`")
    if "row" not in values:
        raise ArchcalcError(f"`in={text}` is for one row", "name it, as in `row=inception (3a)`")
    return int(text)


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
