"""Counts -> the table and JSON of one network: the cost of each row beside what the paper prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc import metrics
from archcalc.metrics import SHAPES
from archcalc.numbers import Array
from archcalc.views import tables
from archcalc.views.scope import MACS, left_out, scope
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archcalc.cost.counts import Cost, Counts, NodeCount, RowCount
    from archcalc.graph.origin import PublishedCell


def columns_of(where: str, short: bool = False) -> tuple[Column, ...]:
    """The columns of the registry's metrics that tables have `always`, or in `wide` ones alone."""
    return tuple(column(m.name, short, extra=where == "wide") for m in metrics.COSTS if m.column == where)


def column(name: str, short: bool = False, extra: bool = False) -> Column:
    """The column of the metric called `name`, under its long or its short label."""
    metric = metrics.METRICS[name]
    return Column(name, metric.short or metric.header if short else metric.header, metric.kind, extra)


_COSTS = columns_of("always")
_MORE = columns_of("wide")
#: What a layer by itself does not have: memory that others hold, and a field that builds up along a path.
_OF_PATHS = ("peak", "field")


def costs(counts: Counts, expand: bool = False) -> Table:
    """Each row of the paper's table with its computed cost and, beside it, what the paper prints.

    `expand` adds each layer under its row.
    """
    published = _published_headers(counts)
    columns = (
        Column("row", "row"),
        *((Column("layer", "layer"), Column("op", "op")) if expand else ()),
        Column("output", "output", "shape"),
        *_COSTS,
        *(Column(f"published_{h.replace(' ', '_')}", f"paper: {h}", "printed") for h in published),
        *_MORE,
    )
    rows: list[tuple[Any, ...]] = []
    for row in counts.rows:
        cells = {cell.header: cell.text for cell in _published(row)}
        label = row.row.label + (" (side head)" if row.row.head else "")
        lead = (label, "", "") if expand else (label,)
        rows.append(
            (
                *lead,
                row.output,
                *_values(row.cost, _COSTS),
                *(cells.get(h, "") for h in published),
                *_values(row.cost, _MORE),
            )
        )
        rows += [_layer(node, published) for node in row.nodes] if expand else []
    blank = ("", "") if expand else ()
    total = (
        "total",
        *blank,
        None,
        *_values(counts.total, _COSTS),
        *("" for _ in published),
        *_values(counts.total, _MORE),
    )
    notes = [line for line in (scope(counts), MACS, left_out(counts)) if line]
    origin = counts.graph.origin
    if origin is not None and origin.source:
        notes.append(f"Source: {origin.source}")
    return Table(counts.graph.title, columns, tuple(rows), (total,), tuple(notes))


def _layer(counted: NodeCount, published: Sequence[str]) -> tuple[Any, ...]:
    """The line of a layer under its row."""
    node = counted.node
    return (
        "",
        node.name.partition(".")[2] or node.name,
        tables.describe(node),
        node.shape,
        *_values(counted.cost, _COSTS),
        *("" for _ in published),
        *(None if c.key in _OF_PATHS else metrics.METRICS[c.key].get(counted.cost) for c in _MORE),
    )


def _values(cost: Cost, columns: tuple[Column, ...]) -> tuple[Any, ...]:
    return tuple(metrics.METRICS[c.key].get(cost) for c in columns)


def _published(row: RowCount) -> tuple[PublishedCell, ...]:
    """The cells of the row's paper that claim a metric; none where a row comes from no paper."""
    return row.row.origin.published if row.row.origin else ()


def _left_out(row: RowCount) -> int:
    return row.row.origin.skips_left_out if row.row.origin else 0


def _variables(counts: Counts) -> Mapping[str, object]:
    return counts.graph.origin.variables if counts.graph.origin else {}


def _published_headers(counts: Counts) -> list[str]:
    """The columns of cost that the paper prints: shapes and depth stand beside the computed ones."""
    headers = (
        cell.header
        for row in counts.rows
        for cell in _published(row)
        if cell.metric not in SHAPES and cell.metric != "depth"
    )
    return list(dict.fromkeys(headers))


def costs_json(counts: Counts, expand: bool = False) -> dict[str, Any]:
    """The contract for scripts: schema 2. Counts are for the batch; shapes are of one image."""
    return {
        "schema": 2,
        "name": counts.graph.name,
        "title": counts.graph.title,
        "source": counts.graph.origin.source if counts.graph.origin else "",
        "input": tables.plain(counts.graph.input),
        "batch": counts.batch,
        "precision": counts.precision,
        "fused": counts.fused,
        "heads": counts.heads,
        "variables": {k: tables.plain(v) for k, v in _variables(counts).items()},
        "skips_left_out": {row.row.name: n for row in counts.rows if (n := _left_out(row))},
        "rows": [_row_json(row, expand) for row in counts.rows],
        "total": cost_json(counts.total),
    }


def _row_json(row: RowCount, expand: bool) -> dict[str, Any]:
    record = {
        "row": row.row.label,
        "name": row.row.name,
        "type": row.row.type,
        "head": row.row.head,
        "input": tables.plain(row.input),
        "output": tables.plain(row.output),
        **cost_json(row.cost),
        "published": {cell.header: cell.text for cell in _published(row)},
    }
    if expand:
        own = [metrics.METRICS[name].key for name in _OF_PATHS]
        record["nodes"] = [
            {
                "layer": node.node.name,
                "op": node.node.op,
                "input": tables.plain(node.input),
                "output": tables.plain(node.node.shape),
                **{k: v for k, v in cost_json(node.cost).items() if k not in own},
            }
            for node in row.nodes
        ]
    return record


def cost_json(cost: Cost) -> dict[str, Any]:
    """Every metric of a cost under its JSON key, raw."""
    return {metric.key: _raw(metric, cost) for metric in metrics.COSTS}


def _raw(metric: metrics.Metric, cost: Cost) -> Any:
    value = metric.get(cost)
    if metric.kind == "ratio" and not isinstance(value, Array):
        return float(value)
    return tables.plain(value)
