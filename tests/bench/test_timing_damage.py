"""Damaged records: none loads with other values, and nothing but archcalc's own errors comes of one.

`ARCHCALC_DAMAGED` sets how many are tried; some thousands by default, the same ones each time.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from test_timing_record import everything, full

from archcalc.bench import results
from archcalc.bench.records import storage
from archcalc.bench.records.record import Record
from archcalc.errors import ArchcalcError
from archcalc.views import measured

COUNT = int(os.environ.get("ARCHCALC_DAMAGED", "3000"))

# -- bytes ------------------------------------------------------------------------------------------


def flip(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at] ^= 1 << draw.randrange(8)


def other_byte(data: bytearray, draw: random.Random) -> None:
    data[draw.randrange(len(data))] = draw.randrange(256)


def other_digit(data: bytearray, draw: random.Random) -> None:
    digits = [i for i, byte in enumerate(data) if byte in b"0123456789"]
    data[draw.choice(digits or [0])] = draw.choice(b"0123456789")


def cut_out(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    del data[at : at + draw.choice((1, 2, 40, 4000))]


def cut_off(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


def double(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at:at] = data[at : at + draw.choice((1, 8, 400))]


def zeros(data: bytearray, draw: random.Random) -> None:
    """A block that never reached the disk."""
    at = draw.randrange(len(data))
    end = min(len(data), at + draw.choice((1, 16, 512)))
    data[at:end] = bytes(end - at)


def lines(data: bytearray, draw: random.Random) -> None:
    """A line left out, doubled or in another place."""
    kept = bytes(data).split(b"\n")
    line = kept.pop(draw.randrange(len(kept)))
    for _ in range(draw.randrange(3)):
        kept.insert(draw.randrange(len(kept) + 1), line)
    data[:] = b"\n".join(kept)


DAMAGE: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip, other_byte, other_digit, cut_out, cut_off, double, zeros, lines,
)  # fmt: skip


def test_no_damaged_record_loads_with_other_values() -> None:
    draw = random.Random(11)
    records = [full(), everything()]
    texts = [storage.to_json(record).encode() for record in records]
    refused = without_hint = 0
    for _ in range(COUNT):
        which = draw.randrange(len(texts))
        data = bytearray(texts[which])
        for _ in range(draw.choice((1, 1, 1, 2, 5))):
            draw.choice(DAMAGE)(data, draw)
            if not data:
                break
        try:
            loaded = storage.from_bytes(bytes(data))
        except ArchcalcError as fault:
            without_hint += not fault.hint
            refused += 1
        else:
            assert loaded == records[which]
    assert refused > 0.9 * COUNT
    assert not without_hint


# -- values, where nothing guards them --------------------------------------------------------------

STRANGE: tuple[Any, ...] = (
    0, 1, -1, 2**31, 2**63 - 1, 2**63, 10**400, 0.0, -0.5, 1e-320, 1e308, True, None, "", "x", "a" * 64,
    "\ud800", "eager", [], {}, [1], [[1, 2]], [1, 2, 3, 4],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a JSON value; of a long list the first few."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))[:3]
    return [p for k, v in inner for p in ((*path, k), *places(v, (*path, k)))]


def change(value: Any, path: tuple[Any, ...], draw: random.Random) -> None:
    """Another value at a place, none at all, or that of another place."""
    *way, last = path
    for step in way:
        value = value[step]
    how = draw.randrange(8)
    if how == 0:
        del value[last]
    elif how == 1 and isinstance(value, list):
        value.append(copy.deepcopy(draw.choice(value)))
    elif how == 2 and isinstance(value[last], int):
        value[last] += draw.choice((-1, 1, 10))
    else:
        value[last] = copy.deepcopy(draw.choice(STRANGE))


def look(record: Record) -> None:
    """Everything that is computed of a record and printed."""
    measured.savings(record, record.points)
    measured.latencies(record, record.points)
    measured.measured_json(record, record.points)
    for point in record.points:
        for name in {row.network for row in point.rows}:
            results.rows(record, point, name)


@pytest.mark.parametrize("sealed", [True, False])
def test_strange_values_are_refused_or_can_be_looked_at(sealed: bool) -> None:
    """Under a checksum that fits, as another program might write it, or in a record older than checksums."""
    draw = random.Random(12)
    original = json.loads(storage.to_json(everything() if sealed else full()))
    del original["checksum"]
    if not sealed:
        original["schema"] = 1
    everywhere = places(original)
    loaded, tries = 0, COUNT // 6
    for _ in range(tries):
        value = copy.deepcopy(original)
        change(value, draw.choice(everywhere), draw)
        try:
            text = storage.seal(value) if sealed else json.dumps(value)
            record = storage.from_json(text)
            loaded += 1
            look(record)
        except ArchcalcError:
            continue
    assert loaded > 0.05 * tries
