"""A spec's file -> its text. Whatever the path leads to, the answer is text or one clear error."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

from archcalc.errors import Span, SpecError, suggest

MAX_BYTES: Final = 300_000


def read(path: Path) -> str:
    """The text of the file at `path`, without a byte-order mark.

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
    except FileNotFoundError:
        raise SpecError(f"there is no file `{path}`", hint=_beside(path) or hint) from None
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise SpecError(f"cannot read `{path}`: {reason}", hint=hint) from None
    except ValueError as fault:  # a NUL byte in the name itself
        raise SpecError(f"cannot read that path: {fault}", hint=hint) from None
    if len(data) > MAX_BYTES:
        raise too_large(str(path))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SpecError(f"`{path}` is UTF-16 text", hint="save the file as UTF-8")
    if b"\0" in data:
        raise SpecError(f"`{path}` is a binary file", hint=hint)
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        lines = split(data[: fault.start].decode("utf-8"))
        line, column = len(lines), len(lines[-1])
        source = split(data.decode("utf-8", "replace"))[line - 1]
        raise SpecError(
            f"the byte 0x{data[fault.start]:02x} is not UTF-8 text",
            Span(str(path), line, column, column + 1, source),
            "save the file as UTF-8",
        ) from None


def _beside(path: Path) -> str:
    """`did you mean …?` for the specs in the folder of a file that is not there."""
    try:
        return suggest(path.name, [p.name for p in itertools.islice(path.parent.glob("*.md"), 500)])
    except OSError:
        return ""


def too_large(name: str) -> SpecError:
    """The error for a document over `MAX_BYTES`."""
    return SpecError(
        f"`{name}` is larger than {MAX_BYTES:,} bytes",
        hint="a spec holds a paper's tables, not data; split the document",
    )


def split(text: str) -> list[str]:
    """The lines of `text`, ended as on Unix, Windows or old Macs; nothing else ends a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
