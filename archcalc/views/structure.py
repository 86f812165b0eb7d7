"""The built network as text: torch's own view of it, the graph's nodes, or the code that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.views import tables
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.graph.graph import Graph


def module(graph: Graph) -> str:
    """What `print(network)` prints: rows, branches and layers, without allocating a weight."""
    from archcalc.nn import network

    return str(network.build(graph, device="meta"))


def source(graph: Graph) -> str:
    """The Python code that torch runs: the network's own forward, then each row's."""
    from torch import fx

    from archcalc.nn import network

    built = network.build(graph, device="meta")
    parts = [f"# {graph.name}\n{built.code.strip()}"]
    for name, child in built.named_children():
        if isinstance(child, fx.GraphModule):
            parts.append(f"# {graph.name}.{name}\n{child.code.strip()}")
    return "\n\n\n".join(parts) + "\n"


def graph(built: Graph) -> Table:
    """Every node with its inputs, op and shape."""
    columns = (
        Column("index", "node", "integer"),
        Column("name", "name"),
        Column("op", "op"),
        Column("inputs", "reads"),
        Column("output", "output", "shape"),
    )
    rows = tuple(
        (
            node.index,
            node.name,
            tables.describe(node),
            ", ".join(_read(built, i) for i in node.inputs),
            node.shape,
        )
        for node in built.nodes
    )
    return Table(built.title, columns, rows)


def _read(built: Graph, value: int) -> str:
    """The node that gives a value, with its position where the node gives several."""
    node = built.producer(value)
    return str(node.index) if len(node.outputs) == 1 else f"{node.index}[{built.values[value].position}]"
