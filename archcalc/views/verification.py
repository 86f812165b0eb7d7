"""A verification -> the table and JSON of the counters beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.views import tables
from archcalc.views.tables import Column, Table

if TYPE_CHECKING:
    from archcalc.nn.verify import Part, Verification


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
    check = next((check for check in part.checks if check.metric == metric), None)
    return None if check is None else check.figures[counter]


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
        "schema": 2,
        "name": result.network,
        "input": tables.plain(result.input),
        "batch": result.batch,
        "heads": result.heads,
        "agrees": result.agrees,
        "rows": [part_json(row) for row in result.rows],
        **({"layers": [part_json(layer) for layer in result.layers]} if expand else {}),
        "total": part_json(result.total),
    }
