"""Documents of one small table, and the graphs that are built from them."""

from __future__ import annotations

from typing import Any

import archcalc
from archcalc import api
from archcalc.document import document
from archcalc.graph.graph import Graph
from archcalc.spec import outline


def spec(table: str, arch: str, front: str = "input: 8x8x4") -> str:
    return f"---\nname: net\n{front}\n---\n{table.strip()}\n\n```arch\n{arch.strip()}\n```\n"


def graph(table: str, arch: str, front: str = "input: 8x8x4", **variables: Any) -> Graph:
    return archcalc.loads(spec(table, arch, front), **variables).graph(heads=True)


def ops(made: Graph) -> list[str]:
    return [node.op for node in made.nodes[1:]]


def shapes(made: Graph) -> list[tuple[int, ...]]:
    return [tuple(made.nodes[row.output].shape) for row in made.rows]


def one(arch: str, source: str = "8x8x4", cells: str = "| a |\n|---|\n| a |") -> Graph:
    """A network of one row."""
    return graph(cells, arch, f"input: {source}")


def channels(made: Graph, op: str = "conv") -> list[int]:
    return [node.shape[0] for node in made.nodes if node.op == op]


def outlines(text: str) -> dict[str, outline.Outline]:
    return {o.name: o for o in outline.networks(document.parse(text))}


def build(text: str, name: str) -> Graph:
    return api.assemble(outlines(text)[name], {}).graph(heads=True)
