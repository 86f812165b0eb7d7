"""A page of a report before it is text: findings first, then figures, tables, method and environment.

A page `audit` becomes `audit.md` and a folder `audit/` with its figures (SVG, on demand PNG) and its tables
(CSV with raw values, LaTeX for booktabs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archcalc import export
from archcalc.errors import one_line
from archcalc.export import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.plots.style import Draw
    from archcalc.views.tables import Table

#: Every page bears this line, so that a later run knows what it may replace.
MARK: Final = "<!-- Made by `archcalc report`; change the specs or the records, not this file. -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: `name` is its file, `alt` says what it shows to those who do not see it."""

    name: str
    alt: str
    caption: str
    draw: Draw


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table under a heading. `lines` stand in its place where cells would be too long for a page.

    `printed` False leaves it to its files alone.
    """

    name: str
    heading: str
    table: Table
    printed: bool = True
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """`slug` names the files, `lead` says in a sentence what the page is about."""

    slug: str
    title: str
    lead: str
    findings: tuple[str, ...]
    figures: tuple[Figure, ...]
    sheets: tuple[Sheet, ...]
    method: tuple[str, ...]

    @property
    def file(self) -> str:
        """The page's own file."""
        return f"{self.slug}.md"


def text(page: Page) -> str:
    """The page as Markdown."""
    lines = [f"# {page.title}", "", MARK, "", page.lead, "", "## Findings", ""]
    lines += [item(finding) for finding in page.findings]
    if page.figures:
        lines += ["", "## Figures"]
    for figure in page.figures:
        lines += [
            "",
            f"![{_one_line(figure.alt)}]({page.slug}/{file_name(figure.name)}.svg)",
            "",
            f"*{figure.caption}*",
        ]
    if page.sheets:
        lines += ["", "## Tables"]
    for sheet in page.sheets:
        files = " · ".join(
            f"[{form.title}]({page.slug}/{file_name(sheet.name)}.{form.suffix})" for form in export.attached()
        )
        lines += ["", f"### {sheet.heading}", ""]
        if sheet.lines:
            lines += [*map(item, sheet.lines), ""]
        elif sheet.printed:
            lines += [markdown.markdown(sheet.table.narrow()).rstrip("\n"), ""]
        lines += [f"All columns: {files}"]
    lines += ["", "## Method and environment", "", *map(item, page.method)]
    return markdown.inert("\n".join(lines)) + "\n"


def file_name(name: str) -> str:
    """A name as it may stand in a file's: letters, digits and `._+-`, and no dot in front."""
    return re.sub(r"[^\w.+-]+", "-", name).lstrip(".") or "network"


def item(line: str) -> str:
    """A line as an item of a list; one that is indented belongs to the item above it."""
    text = line.strip().replace("*", r"\*").replace(r"\*\*", "**")
    return ("  - " if line.startswith("  ") else "- ") + text


def _one_line(alt: str) -> str:
    return " ".join(alt.replace("[", "(").replace("]", ")").split())


def files(page: Page, png: bool = False) -> Mapping[str, str | bytes]:
    """Every file of the page by its path from the report's folder."""
    from archcalc.plots import style

    made: dict[str, str | bytes] = {page.file: text(page)}
    for figure in page.figures:
        path = f"{page.slug}/{file_name(figure.name)}"
        made[f"{path}.svg"] = style.svg(figure.draw, one_line(figure.alt))
        if png:
            made[f"{path}.png"] = style.png(figure.draw, one_line(figure.alt))
    for sheet in page.sheets:
        for form in export.attached():
            if form.table is not None:
                table = sheet.table if form.raw else sheet.table.narrow()
                made[f"{page.slug}/{file_name(sheet.name)}.{form.suffix}"] = form.table(table)
    return made
