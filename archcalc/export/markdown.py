"""`Table` -> Markdown, HTML, LaTeX, CSV or JSON text. The terminal has a file of its own."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table


def markdown(table: Table) -> str:
    """A Markdown table, its columns padded so that it reads well raw, with its notes under it."""
    header = [_escape(c.header) for c in table.columns]
    body = [
        [_escape(tables.text(v, c)) for v, c in zip(row, table.columns, strict=True)]
        for row in (*table.rows, *table.totals)
    ]
    widths = [max(3, *(len(line[i]) for line in (header, *body))) for i in range(len(header))]
    right = [c.numeric for c in table.columns]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        ]
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * (width - 1) + ":" if to_right else "-" * width
        for width, to_right in zip(widths, right, strict=True)
    ]
    lines = [line(header), "| " + " | ".join(rule) + " |", *map(line, body)]
    if table.title:
        lines = [f"**{table.title}**", "", *lines]
    for note in table.notes:
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    # A star within a word, as in 28*28*64, would begin emphasis.
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


def html(table: Table) -> str:
    """An HTML table for notebooks."""
    from html import escape

    def line(tag: str, cells: list[str]) -> str:
        shown = (
            f'<{tag} style="text-align:{"right" if c.numeric else "left"}">{escape(cell)}</{tag}>'
            for cell, c in zip(cells, table.columns, strict=True)
        )
        return f"<tr>{''.join(shown)}</tr>"

    def texts(row: tuple[Any, ...]) -> list[str]:
        return [tables.text(v, c) for v, c in zip(row, table.columns, strict=True)]

    head = line("th", [c.header for c in table.columns])
    body = "".join(line("td", texts(row)) for row in table.rows)
    foot = "".join(line("th", texts(row)) for row in table.totals)
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>{notes}"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "–": "--",
    "…": r"\ldots{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "→": r"$\to$",
    "≈": r"$\approx$",
    "−": "$-$",
    "µ": r"$\mu$",
}
_TYPESET = frozenset("–—‘’“”•€™")  # beyond Latin letters, what pdflatex sets without a package
_LONG = 40  # characters from which a column of text wraps


def _latex_escape(text: str) -> str:
    return "".join(
        _LATEX.get(c) or (c if ord(c) < 0x180 or c in _TYPESET else f"[U+{ord(c):04X}]") for c in text
    )


def latex(table: Table) -> str:
    """A LaTeX table with booktabs rules; `\\usepackage{booktabs}` is all that it needs."""

    def line(values: tuple[Any, ...]) -> str:
        cells = (_latex_escape(tables.text(v, c)) for v, c in zip(values, table.columns, strict=True))
        return " & ".join(cells) + r" \\"

    def place(i: int) -> str:
        long = any(len(tables.text(row[i], table.columns[i])) > _LONG for row in (*table.rows, *table.totals))
        return r"p{0.35\linewidth}" if long else "r" if table.columns[i].numeric else "l"

    spec = "".join(map(place, range(len(table.columns))))
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_latex_escape(' '.join((table.title + '.', *table.notes)))}}}",
        rf"  \begin{{tabular}}{{{spec}}}",
        r"    \toprule",
        "    " + " & ".join(_latex_escape(c.header) for c in table.columns) + r" \\",
        r"    \midrule",
        *("    " + line(row) for row in table.rows),
    ]
    if table.totals:
        lines += [r"    \midrule", *("    " + line(row) for row in table.totals)]
    lines += [r"    \bottomrule", r"  \end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def csv_text(table: Table) -> str:
    """Rows as CSV with raw values under the columns' keys; totals are left to whoever sums them."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(c.key for c in table.columns)
    for row in table.rows:
        writer.writerow(_flat(v, c.kind) for v, c in zip(row, table.columns, strict=True))
    return stream.getvalue()


def _flat(value: Any, kind: str) -> Any:
    if value is None:
        return ""
    return tables.shape(value) if kind == "shape" else tables.plain(value)


def json_text(value: Any) -> str:
    """JSON in a stable order with raw values."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=tables.plain) + "\n"
