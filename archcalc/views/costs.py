"""Results -> `Table`s and JSON: which columns a command shows, under which headers, with which scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.cost.compare import COMPARED
from archcalc.metrics import SHAPES
from archcalc.views import tables
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.cost.compare import Comparison
    from archcalc.cost.counts import Cost, Counts, RowCount
    from archcalc.nn.verify import Part, Verification

_COSTS = (
    Column("depth", "depth", "integer"),
    Column("weights", "weights", "count"),
    Column("params", "params", "count"),
    Column("macs", "MACs", "count"),
)
_MORE = (
    Column("activations", "activations", "count", extra=True),
    Column("traffic", "traffic", "bytes", extra=True),
    Column("peak", "peak memory", "bytes", extra=True),
    Column("intensity", "FLOPs/byte", "ratio", extra=True),
    Column("field", "receptive field", "shape", extra=True),
)


def scope(counts: Counts, name: str = "") -> str:
    """The conditions under which the figures hold (those of the network `name`), as one line."""
    heads = sum(row.row.head for row in counts.rows)
    left = len(counts.graph.spec.heads) - heads
    parts = [
        "inference",
        f"batch {counts.batch}",
        f"input {tables.shape(counts.graph.input)}",
        f"{counts.precision}, {'fused' if counts.fused else 'no fusion'}",
    ]
    if heads:
        parts.append(f"with {heads} side head{'s' * (heads > 1)}")
    elif left:
        parts.append(f"without {left} side head{'s' * (left > 1)}")
    parts += [f"{name} = {value}" for name, value in counts.graph.spec.settings.items()]
    return f"Scope{' of ' * bool(name)}{name}: " + "; ".join(parts) + "."


_MACS = "MACs are multiply-adds (FLOPs = 2 x MACs); weights leave out biases and normalisation."


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
        cells = {claim.header: claim.cell.text for claim in row.row.row.claims}
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
        for node in row.nodes if expand else ():
            name = node.node.name.partition(".")[2] or node.node.name
            rows.append(
                (
                    "",
                    name,
                    tables.describe(node.node),
                    node.node.shape,
                    *_values(node.cost, _COSTS),
                    *("" for _ in published),
                    *_values(node.cost, _MORE[:2]),
                    None,
                    node.cost.intensity,
                    None,
                )
            )
    blank = ("", "") if expand else ()
    total = (
        "total",
        *blank,
        None,
        *_values(counts.total, _COSTS),
        *("" for _ in published),
        *_values(counts.total, _MORE),
    )
    notes = [scope(counts), _MACS]
    if counts.graph.spec.source:
        notes.append(f"Source: {counts.graph.spec.source}")
    return Table(counts.graph.title, columns, tuple(rows), (total,), tuple(notes))


def _values(cost: Cost, columns: tuple[Column, ...]) -> tuple[Any, ...]:
    return tuple(getattr(cost, c.key) for c in columns)


def _published_headers(counts: Counts) -> list[str]:
    """The columns of cost that the paper prints: shapes and depth stand beside the computed ones."""
    found = (
        claim.header
        for row in counts.rows
        for claim in row.row.row.claims
        if claim.metric not in SHAPES and claim.metric != "depth"
    )
    return list(dict.fromkeys(found))


def costs_json(counts: Counts, expand: bool = False) -> dict[str, Any]:
    """The contract for scripts: schema 1. Counts are for the whole batch; shapes are of one image."""
    return {
        "schema": 1,
        "name": counts.graph.name,
        "title": counts.graph.title,
        "source": counts.graph.spec.source,
        "input": tables.plain(counts.graph.input),
        "batch": counts.batch,
        "precision": counts.precision,
        "fused": counts.fused,
        "heads": counts.heads,
        "variables": {k: tables.plain(v) for k, v in counts.graph.spec.variables.items()},
        "rows": [_row_json(row, expand) for row in counts.rows],
        "total": _cost_json(counts.total),
    }


def _row_json(row: RowCount, expand: bool) -> dict[str, Any]:
    found = {
        "row": row.row.label,
        "name": row.row.name,
        "type": row.row.type,
        "head": row.row.head,
        "input": tables.plain(row.input),
        "output": tables.plain(row.output),
        **_cost_json(row.cost),
        "published": {claim.header: claim.cell.text for claim in row.row.row.claims},
    }
    if expand:
        found["nodes"] = [
            {
                "layer": node.node.name,
                "op": node.node.op,
                "input": tables.plain(node.input),
                "output": tables.plain(node.node.shape),
                **{k: v for k, v in _cost_json(node.cost).items() if k not in ("peak", "receptive_field")},
            }
            for node in row.nodes
        ]
    return found


def _cost_json(cost: Cost) -> dict[str, Any]:
    return {
        "depth": cost.depth,
        "layers": cost.layers,
        "weights": tables.plain(cost.weights),
        "params": tables.plain(cost.params),
        "macs": tables.plain(cost.macs),
        "flops": tables.plain(cost.flops),
        "activations": tables.plain(cost.activations),
        "connections": tables.plain(cost.connections),
        "traffic": tables.plain(cost.traffic),
        "peak": tables.plain(cost.peak),
        "intensity": float(cost.intensity),
        "receptive_field": tables.plain(cost.field),
    }


# -- several networks -----------------------------------------------------------------------------

_KINDS = {
    "params": ("params", "count"),
    "weights": ("weights", "count"),
    "macs": ("MACs", "count"),
    "activations": ("activ.", "count"),
    "traffic": ("traffic", "bytes"),
    "peak": ("peak", "bytes"),
    "depth": ("depth", "integer"),
    "intensity": ("FLOPs/B", "ratio"),
}


def comparison(compared: Comparison) -> Table:
    """Networks as rows with their costs, and under them each one's ratios to the first."""
    columns = (
        Column("network", "network"),
        *(Column(name, *_KINDS[name]) for name in COMPARED),
    )
    rows = tuple((n.graph.name, *(getattr(n.total, name) for name in COMPARED)) for n in compared.networks)
    first = compared.networks[0].graph.name
    ratios = tuple(
        (
            f"{n.graph.name} / {first}",
            *(tables.Ratio(r) if (r := ratios[k]) is not None else None for k in COMPARED),
        )
        for n, ratios in zip(compared.networks[1:], compared.ratios[1:], strict=True)
    )
    scopes = dict.fromkeys(scope(n) for n in compared.networks)
    notes = (
        [next(iter(scopes))] if len(scopes) == 1 else [f"{scope(n, n.graph.name)}" for n in compared.networks]
    )
    return Table("", columns, rows, ratios, (*notes, _MACS, "Traffic and peak activation memory in bytes."))


def comparison_json(compared: Comparison) -> dict[str, Any]:
    """Costs and ratios for scripts."""
    return {
        "schema": 1,
        "networks": [
            {
                "name": n.graph.name,
                "input": tables.plain(n.graph.input),
                "batch": n.batch,
                "precision": n.precision,
                "heads": n.heads,
                "total": _cost_json(n.total),
                "ratios": {k: None if v is None else float(v) for k, v in ratios.items()},
                "exact": {k: None if v is None else str(v) for k, v in ratios.items()},
            }
            for n, ratios in zip(compared.networks, compared.ratios, strict=True)
        ],
    }


def listing(networks: list[tuple[Any, Counts]]) -> Table:
    """Every shipped network with its names and totals."""
    columns = (
        Column("name", "name"),
        Column("aliases", "aliases"),
        Column("input", "input", "shape"),
        Column("params", "params", "count"),
        Column("macs", "MACs", "count"),
        Column("depth", "depth", "integer"),
        Column("title", "title", extra=True),
        Column("source", "source", extra=True),
    )
    rows = tuple(
        (
            outline.name,
            ", ".join(outline.aliases),
            counts.graph.input,
            counts.total.params,
            counts.total.macs,
            counts.total.depth,
            outline.title,
            counts.graph.spec.source,
        )
        for outline, counts in networks
    )
    notes = ("Inference, batch 1, without side heads. MACs are multiply-adds (FLOPs = 2 x MACs).",)
    return Table("", columns, rows, (), notes)


def records(table: Table) -> dict[str, Any]:
    """A table's rows as JSON objects under the columns' keys."""
    keys = [c.key for c in table.columns]
    return {
        "schema": 1,
        "rows": [dict(zip(keys, map(tables.plain, row), strict=True)) for row in table.rows],
    }


# -- counters beside each other -------------------------------------------------------------------


def verification(result: Verification, expand: bool = False) -> Table:
    """What archcalc counts beside what fvcore, torch and the network's own tensors say, exact integers."""
    columns = (
        Column("row", "row"),
        *((Column("layer", "layer"),) if expand else ()),
        Column("output", "output", "shape", extra=True),
        Column("params", "params", "integer"),
        Column("network_params", "in network", "integer", extra=True),
        Column("macs", "MACs", "integer"),
        Column("fvcore_macs", "fvcore", "integer"),
        Column("torch_macs", "torch", "integer"),
        Column("activations", "activations", "integer", extra=True),
        Column("fvcore_activations", "fvcore activations", "integer", extra=True),
        Column("agrees", "agree"),
    )

    def line(part: Part, *lead: str) -> tuple[Any, ...]:
        return (
            *lead,
            *(_figure(part, *where) for where in _VERIFIED),
            "yes" if part.agrees else "NO",
        )

    rows: list[tuple[Any, ...]] = []
    marks: dict[int, str] = {}
    for row in result.rows:
        inside = [layer for layer in result.layers if layer.name.split(".")[0] == row.name]
        parts = [(row, row.label, ""), *((i, "", i.name.partition(".")[2] or i.name) for i in inside)]
        for part, *lead in parts if expand else parts[:1]:
            if not part.agrees:
                marks[len(rows)] = "bad"
            rows.append(line(part, *(lead if expand else lead[:1])))
    totals = (line(result.total, *(("total", "") if expand else ("total",))),)
    return Table(result.network, columns, tuple(rows), totals, _verdict(result), marks)


_VERIFIED = (
    ("output", "symbolic"),
    ("params", "symbolic"),
    ("params", "network"),
    ("macs", "symbolic"),
    ("macs", "fvcore"),
    ("macs", "torch"),
    ("activations", "symbolic"),
    ("activations", "fvcore"),
)


def _figure(part: Part, metric: str, counter: str) -> Any:
    found = next((check for check in part.checks if check.metric == metric), None)
    return None if found is None else found.figures[counter]


def _verdict(result: Verification) -> tuple[str, ...]:
    """The outcome in sentences: agreement, or each place where counters part; then what none knows."""
    size = f"{len(result.rows)} rows and {len(result.layers)} layers"
    checks = sum(len(part.checks) for part in result.parts)
    if result.agrees:
        notes = [f"All counters agree exactly: {checks} checks over {size}."]
    else:
        parting = result.disagreements
        notes = [f"Counters part in {len(parting)} of {checks} checks over {size}:"]
        for d in parting[:20]:
            figures = ", ".join(
                f"{k} {tables.shape(v) if isinstance(v, tuple) else v}" for k, v in d.figures.items()
            )
            notes.append(f"  {d.name or 'total'}: {d.metric}: {figures}")
        if len(parting) > 20:
            notes.append(f"  and {len(parting) - 20} more")
    for counter, operators in result.unknown.items():
        if operators:
            names = ", ".join(f"{name} ({count})" for name, count in sorted(operators.items()))
            notes.append(f"{counter} has no formula for: {names}.")
    if result.beside:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(result.beside.items()))
        notes.append(f"fvcore counts in other units, left out of MACs: {names}.")
    notes += [f"Note: {note}" for note in result.notes]
    heads = ", with side heads" if result.heads else ""
    notes.append(
        f"Scope: inference; batch {result.batch}; input {tables.shape(result.input)}{heads}. "
        "MACs are multiply-adds; torch is its FLOP counter / 2."
    )
    return tuple(notes)


def verification_json(result: Verification, expand: bool = False) -> dict[str, Any]:
    """Every check for scripts."""

    def part_json(part: Part) -> dict[str, Any]:
        return {
            "name": part.name,
            "row": part.label,
            "agrees": part.agrees,
            **{check.metric: {k: tables.plain(v) for k, v in check.figures.items()} for check in part.checks},
            "unknown": {k: dict(v) for k, v in part.unknown.items() if v},
        }

    return {
        "schema": 1,
        "name": result.network,
        "input": tables.plain(result.input),
        "batch": result.batch,
        "heads": result.heads,
        "agrees": result.agrees,
        "rows": [part_json(row) for row in result.rows],
        **({"layers": [part_json(layer) for layer in result.layers]} if expand else {}),
        "total": part_json(result.total),
    }
