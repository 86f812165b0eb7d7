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
    from collections.abc import Mapping, Sequence

    from archcalc.document.model import Document
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
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
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


def networks(path: Path) -> tuple[Outline, ...]:
    """The networks of one document. Raises `SpecError` where it is broken or holds none."""
    return _networks(_document(path))


def shipped() -> tuple[Outline, ...]:
    """Every shipped network, document by document. Raises `SpecError` where a spec is broken."""
    return tuple(o for path in paths() for o in networks(path))


# -- names ----------------------------------------------------------------------------------------


def is_path(name: str) -> bool:
    """Whether `name` is meant as a file's path, not as a shipped network."""
    return "/" in name or "\\" in name or ".md" in name or name in (".", "..") or "\0" in name


def named(name: str, outlines: Sequence[Outline]) -> Outline | None:
    """The network of some outlines that is called `name`, by its name or an alias."""
    return next((o for o in outlines if name == o.name or name in o.aliases), None)


def find(name: str) -> Outline:
    """The network called `name`: a shipped name or alias, `FILE`, or `FILE#network`.

    A file that holds several networks answers with the one called as the document is. Raises
    `ArchcalcError` where there is none, and `SpecError` where its document is broken.
    """
    return _from_file(name) if is_path(name) else _from_library(name)


def find_from(document: Document, name: str) -> Outline:
    """The network that `document` means by `name`: one of its own, of a file beside it, or a shipped one.

    Raises as `find` does.
    """
    path = str(Path(document.file).parent / name) if is_path(name) else name
    return named(name, _networks(document)) or find(path)


def beside(name: str, asking: Outline) -> Outline:
    """The network that `asking` means by `name`; see `find_from`."""
    return find_from(asking.document, name)


def find_document(name: str) -> Path | None:
    """The document that `name` means in full: a file, or a shipped document that is itself called so.

    None where `name` is that of a network, such as `resnet-50` or `FILE#network`.
    """
    if is_path(name):
        path, network = address(name)
        return None if network else path
    return next((p for p in paths() if str(_document(p).front.get("name")) == name), None)


def address(name: str) -> tuple[Path, str]:
    """The file and the network (or "") that `FILE#network` names. A file's own name may hold a `#`."""
    base, mark, network = name.rpartition("#")
    if not mark or network.endswith(".md") or _is_file(name):
        return Path(name), ""
    return Path(base), network


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _from_file(name: str) -> Outline:
    path, wanted = address(name)
    outlines = networks(path)
    known = [o.name for o in outlines]
    if wanted:
        if match := named(wanted, outlines):
            return match
        raise ArchcalcError(
            f"`{path}` holds no network called `{wanted}`",
            suggest(wanted, known) or "it holds: " + ", ".join(known),
        )
    if len(outlines) == 1:
        return outlines[0]
    own = str(_document(path).front.get("name"))
    for candidate in outlines:
        if candidate.name == own:
            return candidate
    raise ArchcalcError(
        f"`{path}` holds several networks", f"name one, as in `{path}#{known[0]}`: " + ", ".join(known)
    )


def _from_library(name: str) -> Outline:
    """Look first where the name is written at all: parsing every document would take a second."""
    word = re.compile(rf"(?<![\w.+-]){re.escape(name)}(?![\w+-])", re.IGNORECASE)
    everything = paths()
    likely = [p for p in everything if p.stem == name]
    likely += [p for p in everything if p not in likely and word.search(textfile.read(p))]
    likely += [p for p in everything if p not in likely]
    for path in likely:
        if match := named(name, networks(path)):
            return match
    family = find_document(name)
    if family is not None:
        members = ", ".join(o.name for o in networks(family))
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
