"""Names -> documents: the shipped specs, their aliases and variants, and files of the user's own."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.document import document, textfile
from archcalc.errors import ArchcalcError, suggest
from archcalc.files import shipped_folder
from archcalc.spec import outline, spec
from archcalc.spec.outline import Outline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.document.document import Document
    from archcalc.document.text import Scalar
    from archcalc.spec.spec import Spec


def folder() -> Path:
    """Where the shipped specs lie: inside an installed package, or beside it in a checkout."""
    return shipped_folder("specs", "specs")


def paths() -> list[Path]:
    """The shipped documents, by name."""
    return sorted(path for path in folder().glob("*.md") if path.stem != "README")


def _document(path: Path) -> Document:
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
    except (OSError, ValueError):
        stamp = (0, 0)  # reading it says what is wrong
    return _parsed(path, stamp)


@lru_cache(maxsize=256)
def _parsed(path: Path, stamp: tuple[int, int]) -> Document:
    """The document at `path` as of `stamp`: a file that was edited meanwhile is read again."""
    return document.parse(textfile.read(path), str(path))


@lru_cache(maxsize=256)
def _networks(parsed: Document) -> tuple[Outline, ...]:
    return outline.networks(parsed)


def _outlines(path: Path) -> tuple[Outline, ...]:
    return _networks(_document(path))


def shipped() -> tuple[Outline, ...]:
    """Every shipped network, document by document. Raises `SpecError` where a spec is broken."""
    return tuple(o for path in paths() for o in _outlines(path))


def networks(path: Path) -> tuple[Outline, ...]:
    """The networks of one document. Raises `SpecError` where it is broken or holds none."""
    return _outlines(path)


def family(name: str) -> Path | None:
    """The shipped document that is itself called `name`, whatever its networks are called."""
    return next((p for p in paths() if str(_document(p).front.get("name")) == name), None)


def find(name: str) -> Outline:
    """The network called `name`: a shipped name or alias, `FILE`, or `FILE#network`.

    A file that holds several networks answers with the one called as the document is. Raises
    `ArchcalcError` where there is none, and `SpecError` where its document is broken.
    """
    return _from_file(name) if is_path(name) else _from_library(name)


def beside(name: str, asking: Outline) -> Outline:
    """The network that `asking` means by `name`: of its own document, of a file beside it, or shipped."""
    for found in _networks(asking.document):
        if name == found.name or name in found.aliases:
            return found
    return find(str(Path(asking.document.file).parent / name) if is_path(name) else name)


def is_path(name: str) -> bool:
    """Whether `name` is meant as a file's path, not as a shipped network."""
    return "/" in name or "\\" in name or ".md" in name or name in (".", "..") or "\0" in name


def _from_file(name: str) -> Outline:
    base, _, wanted = name.partition("#")
    path = Path(base)
    outlines = _outlines(path)
    if wanted:
        for found in outlines:
            if wanted == found.name or wanted in found.aliases:
                return found
        known = [o.name for o in outlines]
        raise ArchcalcError(
            f"`{base}` holds no network called `{wanted}`",
            suggest(wanted, known) or "it holds: " + ", ".join(known),
        )
    if len(outlines) == 1:
        return outlines[0]
    own = str(_document(path).front.get("name"))
    for found in outlines:
        if found.name == own:
            return found
    raise ArchcalcError(
        f"`{base}` holds several networks",
        f"name one, as in `{base}#{outlines[0].name}`: " + ", ".join(o.name for o in outlines),
    )


def _from_library(name: str) -> Outline:
    """Look first where the name is written at all: parsing every document would take a second."""
    word = re.compile(rf"(?<![\w.+-]){re.escape(name)}(?![\w+-])", re.IGNORECASE)
    everything = paths()
    likely = [p for p in everything if p.stem == name]
    likely += [p for p in everything if p not in likely and word.search(textfile.read(p))]
    likely += [p for p in everything if p not in likely]
    for path in likely:
        for found in _outlines(path):
            if name == found.name or name in found.aliases:
                return found
    families = {str(_document(p).front.get("name")): p for p in everything}
    if name in families:
        members = ", ".join(o.name for o in _outlines(families[name]))
        raise ArchcalcError(f"`{name}` is a family of networks", f"choose one: {members}")
    known = [n for o in shipped() for n in (o.name, *o.aliases)]
    hint = suggest(name, known) or "`archcalc list` prints the names; a file's name ends in `.md`"
    raise ArchcalcError(f"no network is called `{name}`", hint)


def load_spec(name: str, settings: Mapping[str, Scalar] | None = None) -> Spec:
    """The spec of the network called `name` (as `find` takes it), with some of its variables set anew.

    Raises `ArchcalcError` for an unknown name, and `SpecError` for a broken document or a setting that
    does not fit it.
    """
    return spec.build(find(name), beside, settings)
