"""Small networks for tests, written as briefly as they can be."""

from __future__ import annotations

import re

import archcalc


def spec(rows: str, heads: str = "", input: str = "8x8x3") -> archcalc.Architecture:
    """A network from lines `label -> expression`, with heads from lines `label from row -> expression`."""
    labels, rules, sources = [], [], []
    for line in rows.strip().splitlines():
        label, _, body = line.partition("->")
        labels.append(f"| {label.strip()} |")
        rules.append(f"{label.strip()} -> {body.strip()}")
    for line in heads.strip().splitlines():
        found = re.fullmatch(r"\s*(\S+) from (.*?) -> (.*)", line)
        assert found is not None, line
        sources.append(f"| {found[1]} | {found[2]} |")
        rules.append(f"{found[1]} -> {found[3]}")
    table = "\n".join(["| layer |", "|---|", *labels])
    if sources:
        table += "\n\n" + "\n".join(["| head | from |", "|---|---|", *sources])
    block = "\n".join(["```arch", *dict.fromkeys(rules), "```"])  # a label that stands twice has one rule
    return archcalc.loads(f"---\nname: tiny\ninput: {input}\n---\n{table}\n\n{block}\n")
