"""The lines between `---` at a document's head -> names and values, with their places.

YAML is read by PyYAML's safe loader; this file adds what a spec demands: no nesting, no anchors, no key
twice, and nothing cut off in silence. Lines that YAML can read in one way only, such as `name: googlenet`,
are read without it, since loading it takes a tenth of a table's time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archcalc.document.text import PLAIN_BLANKS, Scalar, clean, number
from archcalc.errors import Span, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FRONT = 10_000
_WORD = r"(?!(?:null|Null|NULL)(?![^ ,\]])|0[0-9])[A-Za-z0-9][A-Za-z0-9_.+-]*"
_LINE = re.compile(
    rf"(?P<name>[A-Za-z_]\w{{0,99}}): +"
    rf"(?:(?P<list>\[ *{_WORD}(?: *, *{_WORD})* *\])"
    r'|(?P<quoted>"[^"\\]*")'
    r"|(?P<text>(?!(?:null|Null|NULL) *$|0[0-9])[A-Za-z0-9](?:.*[^ ])?)) *",
    re.ASCII,
)
_SEPARATORS = re.compile("[\x85\u2028\u2029]")
_HIDDEN = re.compile(r":(?= |$)| #")  # what ends a plain value in YAML: a mapping, a comment
_FLAT = "front matter is flat: `name: value`, or `name: [value, value]`"


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a document says of itself. `spans` are the places of the values, `keys` of the names."""

    values: Mapping[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    keys: Mapping[str, Span] = field(default_factory=dict)


def parse(content: str, place: Callable[[int, int, int], Span]) -> FrontMatter:
    """The `FrontMatter` that `content` holds; `place` gives the span of a line and two columns of it.

    Raises `SpecError` where it is no YAML, not flat, or says something twice.
    """
    if len(content) > MAX_FRONT:
        raise SpecError(
            f"this front matter is longer than {MAX_FRONT:,} characters",
            place(0, 0, 1),
            "it holds names and numbers; prose and tables stand below it",
        )
    content = content.translate(PLAIN_BLANKS)
    lines = content.split("\n")
    for i, line in enumerate(lines):  # YAML would end a line here, and all places behind would be wrong
        if sign := _SEPARATORS.search(line):
            message = f"the line separator U+{ord(sign[0]):04X} in the front matter"
            raise SpecError(message, place(i, *sign.span()), "delete it, or write a line end in its place")
    return _simple(lines, place) or _yaml(content, place)


def _simple(lines: list[str], place: Callable[[int, int, int], Span]) -> FrontMatter | None:
    """What the lines say where each is `name: value` in its simplest form; None where one is not.

    Such a value is text that begins with a letter or digit, text in double quotes, or a list of words.
    """
    values: dict[str, Scalar | tuple[Scalar, ...]] = {}
    spans: dict[str, Span] = {}
    keys: dict[str, Span] = {}
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line) if line.isprintable() else None
        if match is None or match["name"] in values or _HIDDEN.search(match["text"] or ""):
            return None
        name = match["name"]
        if match["text"]:
            values[name] = _plain(match["text"])
        elif match["quoted"]:
            values[name] = clean(match["quoted"][1:-1])
        else:
            words = match["list"][1:-1].split(",")
            values[name] = tuple(_plain(word.strip(" ")) for word in words)
        keys[name] = place(i, 0, len(name))
        spans[name] = place(i, *match.span(match.lastgroup or 0))
    return FrontMatter(values, spans, keys)


def _plain(text: str) -> Scalar:
    value = number(text)
    return clean(text) if value is None else value


def _yaml(content: str, place: Callable[[int, int, int], Span]) -> FrontMatter:
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            # An alias can double a document at each line; a flat spec has no use for one.
            event = self.peek_event()  # type: ignore[no-untyped-call]
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                mark = event.start_mark
                raise SpecError(
                    "anchors (`&`) and aliases (`*`) are not allowed in front matter",
                    place(mark.line, mark.column, event.end_mark.column),
                    "write the value out, or put it in quotes",
                )
            return super().compose_node(parent, index)

    try:
        node = Loader(content).get_single_node()
        return _mapping(node, content.split("\n"), place)
    except yaml.MarkedYAMLError as fault:
        raise _explained(fault, content.split("\n"), place) from None
    except yaml.reader.ReaderError as fault:
        before = content[: fault.position]
        line = before.count("\n")
        column = len(before) - (before.rfind("\n") + 1)
        raise SpecError(
            "a control character in the front matter", place(line, column, column + 1), "delete it"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SpecError("this front matter cannot be read", place(0, 0, 1), _FLAT) from None


def _mapping(node: Any, lines: list[str], place: Callable[[int, int, int], Span]) -> FrontMatter:
    import yaml

    values: dict[str, Scalar | tuple[Scalar, ...]] = {}
    spans: dict[str, Span] = {}
    keys: dict[str, Span] = {}
    if node is None:
        return FrontMatter()
    if not isinstance(node, yaml.MappingNode):
        raise SpecError("front matter must be lines of `name: value`", _place(node, place), _FLAT)
    for k, v in node.value:
        spot, where = _place(k, place), _place(v, place)
        if not isinstance(k, yaml.ScalarNode):
            raise SpecError("a name is one word, not a list or mapping", spot, _FLAT)
        name = str(k.value)
        if name in values:
            raise SpecError(f"`{name}` stands twice in the front matter", spot, "keep one of them")
        if isinstance(v, yaml.ScalarNode):
            values[name] = _scalar(v, where, lines)
        elif isinstance(v, yaml.SequenceNode) and all(isinstance(i, yaml.ScalarNode) for i in v.value):
            values[name] = tuple(_scalar(item, _place(item, place), lines) for item in v.value)
        else:
            spot = where if where.line == spot.line else spot
            raise SpecError(f"`{name}` is nested; a spec's front matter is flat", spot, _FLAT)
        spans[name], keys[name] = where, spot
    return FrontMatter(values, spans, keys)


def _place(node: Any, place: Callable[[int, int, int], Span]) -> Span:
    """A node's span, as much of it as stands on its first line."""
    start, end = node.start_mark, node.end_mark
    return place(start.line, start.column, end.column if end.line == start.line else 10**9)


def _scalar(node: Any, span: Span, lines: list[str]) -> Scalar:
    """A YAML scalar as an exact number or text; its date, truth value and null have no meaning here."""
    text = str(node.value).strip()
    kind = str(node.tag).rsplit(":", 1)[-1]
    if node.style is None:
        end = node.end_mark
        rest = lines[end.line][end.column :] if end.line < len(lines) else ""
        if re.match(r"\s*#\S", rest):
            raise SpecError(
                f"YAML takes `{rest.strip()}` for a comment",
                span,
                'put the value in quotes: `"…"`; a comment has a blank behind its `#`',
            )
        if kind == "null":
            raise SpecError("this has no value", span, "write a value after the colon, or drop the line")
        value = number(text) if kind in ("int", "float") else None
        if value is not None:
            return value
    return clean(text)


def _explained(fault: Any, lines: list[str], place: Callable[[int, int, int], Span]) -> SpecError:
    """PyYAML's complaint in the words of somebody who has never read its source."""
    problem, context = str(fault.problem or ""), str(fault.context or "")
    mark = fault.problem_mark or fault.context_mark
    line = mark.line if mark else 0
    column = mark.column if mark else 0
    at = lines[line][column : column + 1] if line < len(lines) else ""
    if "quoted scalar" in context and fault.context_mark:
        start = fault.context_mark
        return SpecError(
            "this quote is never closed, or something follows it",
            place(start.line, start.column, start.column + 1),
            'close it on the same line: `title: "…"`',
        )
    if "mapping values are not allowed" in problem and lines[line][:1].isspace():
        return SpecError(
            "this line is indented, and so goes on with the one above",
            place(line, len(lines[line]) - len(lines[line].lstrip()), 10**9),
            "begin it at the margin",
        )
    if "mapping values are not allowed" in problem:
        return SpecError(
            "a value that holds `: ` needs quotes",
            place(line, column, column + 1),
            'write `title: "… : …"`',
        )
    if "could not find expected ':'" in problem and fault.context_mark:
        start = fault.context_mark
        return SpecError(
            "this line has no `name:`", place(start.line, start.column, 10**9), "write `name: value`"
        )
    if "cannot start any token" in problem and at:
        return SpecError(
            f"a value or name cannot begin with `{at}`" if at.isprintable() else "this sign is not allowed",
            place(line, column, column + 1),
            'put the value in quotes: `"…"`',
        )
    hint = _FLAT + '; a value with odd signs goes in quotes: `"…"`'
    return SpecError(f"front matter: {problem or context}", place(line, column, column + 1), hint)
