"""A table as LaTeX with booktabs rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.export import Format
from archcalc.views import tables

if TYPE_CHECKING:
    from archcalc.views.tables import Table

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


def _caption(table: Table) -> str:
    return " ".join(([f"{table.title}."] if table.title else []) + list(table.notes))


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
        rf"  \caption{{{_latex_escape(_caption(table))}}}",
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


FORMAT = Format("LaTeX", "tex", latex, typeset=True, attached=True)
