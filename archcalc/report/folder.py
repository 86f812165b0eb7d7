"""Pages -> files in a folder. What archcalc did not make is not replaced, and nothing is written outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archcalc import files
from archcalc.bench import shipped
from archcalc.errors import ArchcalcError
from archcalc.report import build, evidence
from archcalc.report.page import MARK
from archcalc.report.page import files as files_of
from archcalc.spec import library

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from archcalc.report.build import ReportRequest
    from archcalc.report.page import Page

_HINT: Final = "give another folder with `--output`, or replace it with `--force`"
_LINK: Final = re.compile(r"\]\(([^()\s]+)\)")


def write_report(
    topics: Sequence[str],
    folder: Path,
    records: Sequence[str] | None = None,
    png: bool = False,
    force: bool = False,
) -> Iterator[tuple[Path, Page | None]]:
    """Write the pages of some topics, all pages if none; each page's file once it is written.

    The last of all pages is the index, for which there is no `Page`. `records` None means the shipped ones.
    Raises `ArchcalcError` for an unknown topic or record, and as `write` does.
    """
    requests = build.requests(topics) or build.everything()
    held = evidence.load(list(shipped.shipped()) if records is None else records, _own(requests))
    made = []
    for page in build.pages(requests, held):
        write(folder, page.file, files_of(page, png), force)
        made.append(page)
        yield folder / page.file, page
    if not topics:
        write(folder, "README.md", build.index(made, held), force)
        yield folder / "README.md", None


def _own(requests: Sequence[ReportRequest]) -> dict[str, str]:
    """The files of specs that are not shipped, by the names of their networks."""
    names = [name for request in requests for name in request.names]
    return {library.find(name).name: name for name in names if library.is_path(name)}


def write(folder: Path, main: str, made: Mapping[str, str | bytes], force: bool = False) -> None:
    """Write a page `main` and the files that belong to it.

    A page is replaced where it bears archcalc's mark, another file where the page that stands there links to
    it (a PNG, where it links to the SVG beside it). Raises `ArchcalcError` for any other file that is there,
    before anything is written, unless `force` is set; and always for a path that leads out of the folder.
    """
    root = folder.resolve()
    for name in made:
        if not (folder / name).resolve().is_relative_to(root):
            raise ArchcalcError(f"`{name}` would lie outside of `{folder}`", "rename the network in its spec")
    page = folder / main
    before = page.read_text(encoding="utf-8", errors="replace") if page.is_file() else ""
    own = set(_LINK.findall(before)) if MARK in before else set()
    for name, content in made.items():
        if not force and not _replaceable(folder / name, name, content, main, before, own):
            raise ArchcalcError(f"`{folder / name}` exists and was not made by `archcalc report`", _HINT)
    # The page comes last: until then the old one stands, with its mark.
    for name in sorted(made, key=lambda n: (n == main, n)):
        files.write(folder / name, made[name], force=True)


def _replaceable(path: Path, name: str, content: str | bytes, main: str, before: str, own: set[str]) -> bool:
    if not path.exists() and not path.is_symlink():
        return True
    if not path.is_file() or path.is_symlink():
        return False
    if name == main:
        return MARK in before
    linked = name.removesuffix(".png") + ".svg" if name.endswith(".png") else name
    new = content if isinstance(content, bytes) else content.encode()
    return linked in own or path.read_bytes() == new
