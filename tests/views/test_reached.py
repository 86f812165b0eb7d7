"""Rates, kernels, host costs and the device's samples beside latencies and rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import made_record
import pytest

import archcalc
from archcalc.bench import results
from archcalc.bench.records.observed import DeviceSamples, HostCost, KernelTime
from archcalc.bench.records.record import Point, Record
from archcalc.views import costs, measured
from archcalc.views.tables import Table

CONVOLUTION = KernelTime("sm90_xmma_fprop_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc", 2, 5000)
PLAIN = KernelTime("void at::native::vectorized_elementwise_kernel<4>", 1, 900)


@pytest.fixture(scope="module")
def record() -> Record:
    return made_record.record(pairs=(), batches=(1,), whole=(("lenet-5", "5x5"),))


def column(table: Table, key: str) -> list[Any]:
    (at,) = [i for i, c in enumerate(table.columns) if c.key == key]
    return [row[at] for row in table.rows]


def beside(record: Record, point: Point) -> Table:
    counted = archcalc.load("lenet-5").counts()
    return measured.rows_beside(costs.costs(counted), counted, record, point)


def test_a_record_without_kernels_has_rates_alone(record: Record) -> None:
    table = beside(record, record.points[0])
    extra = [c.key for c in table.columns if c.extra]
    rates = ["gflops_per_second", "arithmetic_share", "gbytes_per_second", "bandwidth_share"]
    assert extra[-4:] == rates
    assert "gflops_per_second" not in [c.key for c in table.narrow().columns]
    shares = [s for s in column(table, "arithmetic_share") if s is not None]
    assert all(0 <= s < 1 for s in shares)
    assert any(s > 0 for s in shares)
    assert [len(row) for row in table.rows] == [len(table.columns)] * len(table.rows)
    assert [len(row) for row in table.totals] == [len(table.columns)] * len(table.totals)


def test_kernels_and_host_costs_stand_beside_their_row(record: Record) -> None:
    (point,) = record.points
    first, *others = point.rows
    with_kernels = replace(first, kernels=(CONVOLUTION, PLAIN), host=HostCost(21_400, None, 9_000))
    table = beside(record, replace(point, rows=(with_kernels, *others)))
    assert column(table, "kernels_launched")[0] == 3
    assert column(table, "kernels_counted")[0] == len(first.work)
    assert column(table, "tensor_cores")[:2] == ["yes", None]
    assert column(table, "enqueue_us")[:2] == ["21.4", None]
    assert column(table, "launch_us")[0] is None
    assert column(table, "sync_us")[0] == "9.00"


def test_energy_is_of_an_image(record: Record) -> None:
    (point,) = record.points
    assert point.pair is not None
    key = replace(point.key, batch=4)
    pair = replace(point.pair, new=replace(point.pair.new, energy_mj=164.0))
    held = replace(record, points=(replace(point, key=key, pair=pair),))
    table = measured.latencies(held, held.points)
    assert column(table, "mj_per_image") == [None, "41.0"]
    assert "mj_per_image" not in [c.key for c in measured.latencies(record, record.points).columns]


def test_what_the_device_said_is_a_note(record: Record) -> None:
    (point,) = record.points
    taken = DeviceSamples(0, (0, 200, 400), (1980, 1965, 1950), (310_000, 640_000, 655_400))
    held = replace(
        record,
        sessions=(replace(record.sessions[0], clocks_locked=False),),
        points=(replace(point, samples=(taken,)),),
    )
    notes = measured.notes(held, held.points)
    assert any("clocks not locked" in note for note in notes)
    expected = "While measuring: clock 1950 to 1980 MHz (median 1965), power 310 to 655 W (median 640)."
    assert expected in notes
    silent = measured.notes(record, record.points)
    assert not any("locked;" in note or "While measuring" in note for note in silent)


def test_conditions_that_are_not_the_usual_ones_are_shown_like_the_precision(record: Record) -> None:
    (point,) = record.points
    key = replace(point.key, heap="default", caches="cold", fused=True)
    held = replace(record, points=(replace(point, key=key),))
    assert column(measured.savings(held, held.points), "mode") == ["eager, fused, default heap, cold caches"]
    assert column(measured.savings(record, record.points), "mode") == ["eager"]
    (shown,) = measured.measured_json(held, held.points)
    assert (shown["heap"], shown["caches"]) == ("default", "cold")


def test_rows_of_another_session_bring_its_conditions(record: Record) -> None:
    (point,) = record.points
    other = replace(record.sessions[0], identity="rows", started="2026-02-03T00:00:00Z", ceilings=())
    held = replace(record, sessions=(*record.sessions, other), points=(replace(point, rows_session="rows"),))
    assert any("2026-02-03" in note for note in measured.notes(held, held.points))
    assert all(f.prediction is None for f in results.rows(held, held.points[0], "lenet-5"))
