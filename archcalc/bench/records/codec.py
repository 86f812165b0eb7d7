"""Frozen dataclasses <-> JSON values, strictly, by their own type hints.

One rule for each kind of type; a field that is missing, unknown or of another type is an error with
its place (`points[3].pair.runs[0].seed`), never guessed at. A field that is marked as optional is left out
where it has its default, and may be missing. Rendering is stable: sorted names, one line for a list of
plain values, so that a record is the same bytes each time and reads in a diff.
"""

from __future__ import annotations

import json
import math
import re
import types
import typing
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from archcalc.bench.stats.fields import is_optional

T = TypeVar("T")
_LEAST, _MOST = -(2**63), 2**63 - 1


class CodecError(ValueError):
    """A value that does not fit its type; `path` is its place in the document."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'the record'}: {problem}")
        self.path = path


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def encode(value: object) -> Any:
    """The JSON value of a frozen dataclass (or of any value that one may hold)."""
    if is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        kept = [f for f in fields(value) if not (is_optional(f) and getattr(value, f.name) == f.default)]
        return {f.name: _encode(hints[f.name], value, f.name) for f in kept}
    return value


def _encode(hint: Any, owner: object, name: str) -> Any:
    return _to_json(hint, getattr(owner, name), f"{type(owner).__name__}.{name}")


def _to_json(hint: Any, value: Any, path: str) -> Any:
    """Checks as strictly as `decode`, so that nothing is written that could not be read again."""
    option = _option(hint)
    if option is not None:
        return None if value is None else _to_json(option, value, path)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, tuple):
            raise CodecError(path, f"expected a tuple, got {_kind(value)}")
        if _all_whole(hint, value):
            return list(value)
        kinds = _tuple_kinds(hint, len(value), path)
        return [_to_json(k, v, f"{path}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True))]
    if is_dataclass(hint):
        if type(value) is not hint:
            raise CodecError(path, f"expected {hint}, got {_kind(value)}")
        return encode(value)
    if issubclass(hint, StrEnum):
        return str(hint(value))
    plain = _plain(hint, value, path)
    return float(plain) if hint is float else plain


def decode(hint: type[T], value: object, path: str = "") -> T:
    """The value of type `hint` that a JSON value stands for; `CodecError` where it does not fit."""
    return typing.cast(T, _from_json(hint, value, path))


def _from_json(hint: Any, value: Any, path: str) -> Any:
    option = _option(hint)
    if option is not None:
        return None if value is None else _from_json(option, value, path)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise CodecError(path, f"expected a list, got {_kind(value)}")
        if _all_whole(hint, value):
            return tuple(value)
        kinds = _tuple_kinds(hint, len(value), path)
        return tuple(
            _from_json(k, v, f"{path}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True))
        )
    if is_dataclass(hint):
        return _dataclass(typing.cast(type, hint), value, path)
    if issubclass(hint, StrEnum):
        try:
            return hint(_plain(str, value, path))
        except ValueError as error:
            if isinstance(error, CodecError):
                raise
            known = ", ".join(hint)
            raise CodecError(path, f"{value!r:.80} is none of {known}") from None
    return _plain(hint, value, path)


def _dataclass(hint: type, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise CodecError(path, f"expected an object, got {_kind(value)}")
    hints = _hints(hint)
    members = {f.name: is_optional(f) for f in fields(hint)}
    for name, may_be_missing in members.items():
        if name not in value and not may_be_missing:
            raise CodecError(path, f"`{name}` is missing")
    for name in value:
        if name not in members:
            raise CodecError(path, f"unknown field `{name[:80]}`")
    prefix = f"{path}." if path else ""
    parts = {name: _from_json(hints[name], value[name], prefix + name) for name in members if name in value}
    try:
        return hint(**parts)
    except CodecError:
        raise
    except (ValueError, TypeError) as error:  # the dataclass's own checks
        raise CodecError(path, str(error)) from error


def _plain(hint: Any, value: Any, path: str) -> Any:
    """str, int, float, bool; a bool is no number, and a whole number may stand for a float.

    Whole numbers are those of 64 bits: nothing that is counted or timed here comes near.
    """
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not hint and not (hint is str and isinstance(value, str)):
        raise CodecError(path, f"expected {_NAMES[hint]}, got {_kind(value)}")
    if hint is int and not _LEAST <= value <= _MOST:
        raise CodecError(path, "the number is too large")
    if hint is float and not math.isfinite(value):
        raise CodecError(path, f"{value} is not a finite number")
    return value


_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _kind(value: object) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return _NAMES.get(type(value), type(value).__name__)


def _option(hint: Any) -> Any:
    """X for a hint `X | None`, else None."""
    if not isinstance(hint, types.UnionType):
        return None
    (kind,) = (k for k in typing.get_args(hint) if k is not types.NoneType)
    return kind


@cache
def _whole_length(hint: Any) -> int | None:
    """The length of a tuple of whole numbers, -1 for any length, None for another tuple."""
    kinds = typing.get_args(hint)
    if kinds == (int, Ellipsis):
        return -1
    return len(kinds) if kinds and set(kinds) == {int} else None


def _all_whole(hint: Any, value: Sequence[Any]) -> bool:
    """True where a tuple of whole numbers is surely in order: most of a record is such tuples of times."""
    length = _whole_length(hint)
    if length is None or (length != len(value) and length != -1):
        return False
    return all(type(v) is int and _LEAST <= v <= _MOST for v in value)


def _tuple_kinds(hint: Any, length: int, path: str) -> list[Any]:
    kinds = list(typing.get_args(hint))
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return [kinds[0]] * length
    if len(kinds) != length:
        raise CodecError(path, f"expected {len(kinds)} values, got {length}")
    return kinds


# ---------------------------------------------------------------- text

_LINE = 100


class Rendered(str):
    """A JSON value that is text already: what `render` gave for it where it stands."""

    __slots__ = ()


def render(value: Any, indent: str = "") -> str:
    """A JSON value as ASCII text: sorted names, one space a level.

    A list of plain values takes one line, and so does a short object of plain values.
    """
    if isinstance(value, Rendered):
        return value
    inner = indent + " "
    if isinstance(value, dict) and value:
        if not any(isinstance(v, (dict, list, Rendered)) for v in value.values()):
            line = json.dumps(value, allow_nan=False, sort_keys=True)
            if len(indent) + len(line) <= _LINE:
                return line
        lines = [f"{inner}{json.dumps(k)}: {render(value[k], inner)}" for k in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(v, (dict, list, Rendered)) for v in value):
        return "[\n" + ",\n".join(inner + render(v, inner) for v in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)


def parse(text: str) -> Any:
    """The JSON value of `text`; doubled names and NaN are refused. Raises ValueError.

    A text that ends in the middle raises `TruncatedError`.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        body = text.rstrip()
        # The decoder stops at the end of a text that was cut off, or at the quote that never ends.
        started = body[:1] == "{"
        at_end = error.pos >= len(body) or error.msg.startswith("Unterminated")
        half_word = _HALF.fullmatch(body, error.pos) is not None
        if started and (at_end or half_word):
            raise TruncatedError(str(error)) from error
        raise
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


class TruncatedError(ValueError):
    """A JSON text that was cut off in the middle."""


# What a cut may leave of a word, a number or an escape, from where the decoder gave up.
_HALF = re.compile(r"t(r(u)?)?|f(a(l(s)?)?)?|n(u(l)?)?|-|\.|[eE][-+]?|\\?u[0-9a-fA-F]{0,3}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
