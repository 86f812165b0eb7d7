"""The record: the same bytes every time, every way to be wrong told, nothing lost, shards merge."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.bench import shipped
from archcalc.bench.records import codec, storage
from archcalc.bench.records.adding import with_calibration, with_point, with_session, with_specs
from archcalc.bench.records.observed import (
    Calibration,
    CalibrationSample,
    DeviceSamples,
    HostCost,
    KernelTime,
)
from archcalc.bench.records.record import (
    Books,
    Environment,
    Key,
    MeasuredNetwork,
    PairResult,
    Point,
    Record,
    RowResult,
    Session,
    SoloResult,
    SpecHash,
    Status,
)
from archcalc.bench.records.recordfile import RecordFile
from archcalc.bench.records.shards import Shard, merge, parse_shard, remaining
from archcalc.bench.records.storage import check_specs, from_json, load, save, to_json
from archcalc.bench.stats.fields import is_optional
from archcalc.bench.stats.flags import Flag, FlagKind
from archcalc.bench.stats.nulltest import NullAttempt, NullTest
from archcalc.bench.stats.protocol import QUICK, Order, PairRun, SoloRun, StopReason, WarmUp
from archcalc.bench.stats.roofline import Ceilings, Work, WorkKind
from archcalc.errors import ArchcalcError

WARM = WarmUp(1.25, 4, 0.001, True)
HERE = Environment(
    device="cuda",
    device_name="NVIDIA H100 80GB HBM3",
    variant="80 GiB, 700 W",
    cpu="Some CPU × 2",
    threads=2,
    torch="2.6.0",
    cuda="12.4",
    cudnn="9.1.0",
    driver="550.54",
    python="3.11.9",
    platform="Linux",
)


def pair_run(process: int = 0, new: int = 7_000_000) -> PairRun:
    old = 10_000_000
    orders = (Order.ABBA, Order.BAAB) * 10
    slots = tuple(
        (old, new, new + i, old) if order is Order.ABBA else (new, old, old, new + i)
        for i, order in enumerate(orders)
    )
    flag = Flag(FlagKind.DRIFT, "times +1.2%")
    return PairRun(process, 17, (2, 3), orders, slots, WARM, StopReason.PRECISE, (flag,))


def solo_run() -> SoloRun:
    return SoloRun(0, 4, tuple(range(5_000_000, 5_000_020)), WARM, StopReason.MAX_ROUNDS)


def key(batch: int = 1, **changes: Any) -> Key:
    return replace(Key(("v1", "v3"), "cuda", batch, "bf16", "eager", "nhwc"), **changes)


def session(identity: str = "a", started: str = "2025-01-02T03:04:05Z", **changes: Any) -> Session:
    null = NullTest("v1", 0.003, (NullAttempt(pair_run(), pair_run(new=11_000_000)),))
    made = Session(
        identity=identity,
        started=started,
        archcalc="0.1.0",
        command=("archcalc", "measure", "v1"),
        seed=1,
        shard="",
        environment=HERE,
        protocol=QUICK,
        ceilings=(Ceilings("bf16", 6.5e14, 5e14, 2.9e12, 2100.0),),
        null_tests=(null,),
        flags=(Flag(FlagKind.OTHER_PROCESSES, "process 12"),),
    )
    return replace(made, **changes)


def done(point: Key, run_in: str = "a", **changes: Any) -> Point:
    old = MeasuredNetwork("v1", 1000, 2000, (Work(2000, 2000, WorkKind.MATMUL),), 10, 12)
    pair = PairResult(old, MeasuredNetwork("v3", 720, 4000), (pair_run(0), pair_run(1)))
    return replace(Point(point, run_in, Status.DONE, pair=pair), **changes)


def failed(point: Key, run_in: str = "a", message: str = "broke") -> Point:
    return Point(point, run_in, Status.FAILED, message)


def full() -> Record:
    row = RowResult(
        "v1",
        "inception (3a)",
        (192, 28, 28),
        (256, 28, 28),
        128_049_152,
        10**6,
        (Work(10, 10),),
        (solo_run(),),
        12_345,
        ("conv",),
        ("conv", "gemm"),
    )
    point = done(
        key(32, variables=(("width", "0.5"),)),
        rows=(row,),
        books=(Books("v1", 1000, 900, 90),),
    )
    alone = Point(
        key(1, networks=("v1",)),
        "a",
        Status.DONE,
        solo=SoloResult(MeasuredNetwork("v1", 1, 1), (solo_run(),)),
    )
    big = Point(key(256), "a", Status.OUT_OF_MEMORY, "needs 90 GiB")
    record = with_session(Record(), session())
    record = with_specs(record, [SpecHash("v3", "b" * 64), SpecHash("v1", "a" * 64)])
    for each in (big, point, alone):
        record = with_point(record, each)
    return record


# ---------------------------------------------------------------- there and back


def test_a_record_survives_and_stays_the_same_bytes(tmp_path: Path) -> None:
    record = full()
    path = tmp_path / "r.json"
    save(record, path)
    assert load(path) == record
    assert to_json(load(path)).encode() == path.read_bytes()
    save(load(path), path)
    assert path.read_bytes() == to_json(record).encode()


def test_the_text_is_json_sorted_ascii_and_readable() -> None:
    text = to_json(full())
    assert text.isascii()
    assert text.endswith("}\n")
    value = json.loads(text)
    assert text == codec.render(value) + "\n"
    assert text == storage.seal(value)
    assert value["schema"] == 2
    assert "[10000000, 7000000, 7000000, 10000000]" in text
    assert max(map(len, text.splitlines())) < 400

    def in_order(node: Any) -> bool:
        if isinstance(node, dict):
            return list(node) == sorted(node) and all(map(in_order, node.values()))
        return not isinstance(node, list) or all(map(in_order, node))

    assert in_order(value)


def test_points_and_specs_are_sorted_however_they_come() -> None:
    points = [done(key(b)) for b in (1, 32, 256, 8)]
    texts = set()
    for order in permutations(points):
        record = with_session(Record(), session())
        for point in order:
            record = with_point(record, point)
        texts.add(to_json(record))
    assert len(texts) == 1
    assert [p.key.batch for p in record.points] == [1, 8, 32, 256]


NAMES = st.text(min_size=1, max_size=12)
KEYS = st.builds(
    Key,
    networks=st.lists(NAMES, min_size=1, max_size=2).map(tuple),
    device=st.sampled_from(["cpu", "cuda"]),
    batch=st.integers(1, 10**6),
    precision=NAMES,
    mode=NAMES,
    layout=NAMES,
    fused=st.booleans(),
    variables=st.dictionaries(NAMES, NAMES, max_size=3).map(lambda d: tuple(sorted(d.items()))),
)
SLOT = st.integers(1, 2**62)
RUNS = st.lists(
    st.tuples(st.sampled_from(Order), st.tuples(SLOT, SLOT, SLOT, SLOT)), min_size=6, max_size=9
).map(
    lambda rounds: PairRun(
        0,
        1,
        (1, 2),
        tuple(r[0] for r in rounds),
        tuple(r[1] for r in rounds),
        WARM,
        StopReason.PRECISE,
    )
)


@given(st.lists(KEYS, max_size=5, unique=True), RUNS, st.text(), st.floats(0, 1e300))
def test_any_record_survives(keys: list[Key], run: PairRun, text: str, number: float) -> None:
    warm = WarmUp(number, 1, 0.0, False)
    pair = PairResult(MeasuredNetwork(text, 1, 1), MeasuredNetwork("x", 1, 1), (replace(run, warm_up=warm),))
    record = with_session(Record(), session(command=(text,)))
    for each in keys:
        record = with_point(record, Point(each, "a", Status.DONE, text, pair))
    assert from_json(to_json(record)) == record
    assert to_json(from_json(to_json(record))) == to_json(record)


@given(KEYS, KEYS)
def test_keys_are_told_apart(one: Key, other: Key) -> None:
    assert (one.digest == other.digest) == (one == other)


def test_a_key_is_a_line_for_people() -> None:
    told = key(32, fused=True, variables=(("width", "0.5"),)).text
    assert told == "v1 vs v3, cuda, batch 32, bf16, eager, nhwc, fused, width=0.5"


def test_whole_numbers_may_stand_for_floats() -> None:
    value = json.loads(to_json(full()))
    value["sessions"][0]["ceilings"][0]["bandwidth"] = 2_900_000_000_000
    assert storage.seal(value) != to_json(full())
    assert from_json(storage.seal(value)) == full()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: replace(s, seed=1.5),
        lambda s: replace(s, seed=True),
        lambda s: replace(s, command=["archcalc"]),
        lambda s: replace(s, protocol=None),
        lambda s: replace(s, shard=None),
    ],
)
def test_what_could_not_be_read_again_is_not_written(
    wrong: Callable[[Session], Session], tmp_path: Path
) -> None:
    record = with_session(Record(), wrong(session()))
    with pytest.raises(codec.CodecError, match="expected"):
        save(record, tmp_path / "r.json")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- what older records lack


def everything() -> Record:
    """A record in which every optional field has a value of its own."""
    host = HostCost(21_000, 4_000, 9_000)
    kernels = (KernelTime("conv", 3, 12_000), KernelTime("gemm", 1, 500))
    old = MeasuredNetwork("v1", 1000, 2000, (), 10, 12, kernels, host, 41.5)
    runs = (
        replace(pair_run(), algorithms=(("conv",), ("conv", "gemm"))),
        replace(pair_run(1), algorithms=((), ())),
    )
    (row,) = full().points[1].rows
    row = replace(row, kernels=kernels, host=host, isolated=(replace(solo_run(), algorithms=("conv",)),))
    point = Point(
        key(32, heap="default", caches="cold"),
        "a",
        Status.DONE,
        pair=PairResult(old, replace(old, name="v3"), runs),
        rows=(row,),
        specs=("a" * 64, "b" * 64),
        rows_session="b",
        samples=(DeviceSamples(0, (0, 210), (1980, 1965), (310_000, 640_000), (41, 44), (0, 4)),),
    )
    null = replace(session().null_tests[0], precision="bf16", mode="graph")
    ceilings = replace(session().ceilings[0], enqueue_ns=3.5, sync_ns=7.0)
    protocol = replace(QUICK, null_tolerance_gpu_calls=0.02, null_seconds=9.0)
    first = session(
        clocks_locked=False, load=1.5, null_tests=(null,), ceilings=(ceilings,), protocol=protocol
    )
    sample = CalibrationSample("convolution", (("channels", 64), ("kernel", 3)), Work(10, 10), solo_run())
    record = with_session(with_session(Record(), first), session("b", "2025-01-03T00:00:00Z"))
    record = with_specs(record, [SpecHash("v1", "a" * 64), SpecHash("v3", "b" * 64)])
    return with_calibration(with_point(record, point), Calibration("a", "bf16", "graph", "nhwc", (sample,)))


def test_every_optional_field_survives() -> None:
    record = everything()
    assert from_json(to_json(record)) == record
    text = to_json(record)
    optional = {
        f.name
        for kind in (Key, MeasuredNetwork, HostCost, RowResult, Point, Session, Record, PairRun, SoloRun)
        for f in fields(kind)
        if is_optional(f)
    }
    optional |= {"null_tolerance_gpu_calls", "null_seconds", "sync_ns", "clocks_mhz", "power_mw", "precision"}
    assert all(f'"{name}":' in text for name in optional)
    bare = to_json(full())
    assert {name for name in optional if f'"{name}":' in bare} == {
        "launch_ns",
        "precision",
        "specs",
    }  # of others


def test_a_record_of_schema_1_loads_and_says_what_it_measured() -> None:
    value = json.loads(to_json(full()))
    del value["checksum"]
    old = from_json(json.dumps({**value, "schema": 1}))
    assert old.schema == 2
    assert [point.specs for point in old.points] == [("a" * 64,), ("a" * 64, "b" * 64), ("a" * 64, "b" * 64)]
    assert replace(old, points=tuple(replace(p, specs=()) for p in old.points)) == full()
    assert {(p.key.heap, p.key.caches) for p in old.points} == {("steady", "warm")}
    assert not old.sessions[0].null_tests[0].mode  # it speaks for the session
    assert from_json(to_json(old)) == old


def test_the_shipped_records_load() -> None:
    for path in shipped.shipped().values():
        record = load(path)
        assert record.points
        assert all(point.specs for point in record.points)


def test_rows_that_are_added_drop_no_raw_times() -> None:
    """As `--quick --rows` on a thorough record does."""
    thorough = done(key(32))
    record = with_point(with_session(Record(), session()), thorough)
    record = with_session(record, session("b", "2025-01-03T00:00:00Z", protocol=QUICK))
    quick = PairResult(MeasuredNetwork("v1", 1000, 2000), MeasuredNetwork("v3", 720, 4000), (pair_run(),))
    rows = full().points[1].rows
    (point,) = with_point(record, done(key(32), "b", pair=quick, rows=rows)).points
    assert point == replace(thorough, rows=rows, rows_session="b")
    # and the other way about: the thorough times take the place of the quick ones
    few = with_point(with_session(Record(), session()), done(key(32), pair=quick))
    few = with_session(few, session("b", "2025-01-03T00:00:00Z"))
    (point,) = with_point(few, done(key(32), "b", rows=rows)).points
    assert (point.session, point.rows_session) == ("b", "")
    assert point.pair == thorough.pair
    with pytest.raises(ValueError, match="already in the record"):
        with_point(with_point(few, done(key(32), "b", rows=rows)), done(key(32), rows=rows))


# ---------------------------------------------------------------- damage


def edit(change: Callable[[Any], None]) -> str:
    """A record's text with a change in it, under a checksum that fits: as another program might write it."""
    value = json.loads(to_json(full()))
    change(value)
    return storage.seal(value)


def reseal(text: str) -> str:
    """The text under a checksum that fits it."""
    empty = re.sub(r'"checksum": "\w+"', '"checksum": "' + "0" * 64 + '"', text)
    return empty.replace('"' + "0" * 64 + '"', f'"{hashlib.sha256(empty.encode()).hexdigest()}"', 1)


def setter(*path: Any, to: Any) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


def dropper(*path: Any) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        del value[path[-1]]

    return change


CALIBRATION = {"session": "a", "precision": "bf16", "mode": "graph", "layout": "nhwc", "samples": []}
FIRST_PAIR = ("points", 1, "pair")
CORRUPTED = {
    "another schema": (edit(setter("schema", to=3)), "schema version 3, this archcalc reads"),
    "an old schema": (edit(setter("schema", to=0)), "measure again with this version"),
    "no schema": (edit(dropper("schema")), "does not say its schema"),
    "schema of text": (edit(setter("schema", to="1")), "does not say its schema"),
    "schema of truth": (edit(setter("schema", to=True)), "does not say its schema"),
    "not an object": ("[1, 2]", "does not say its schema"),
    "a bare number": ("17", "does not say its schema"),
    "not JSON": ("# a table\n", "not a record"),
    "JSON and more": (to_json(full()) + "x", "not a record"),
    "a comma too many": ('{"schema": 1,, "points": []}', "not a record"),
    "a name twice": ('{"schema": 1, "schema": 1}', "a name occurs twice"),
    "not a number": ('{"schema": NaN}', "NaN is not JSON"),
    "too deep": ("[" * 100_000, "not a record"),
    "too many digits": ('{"schema": ' + "9" * 5000 + "}", "not a record"),
    "a missing field": (edit(dropper("points")), "`points` is missing"),
    "a missing field inside": (
        edit(dropper(*FIRST_PAIR, "runs", 0, "seed")),
        "points[1].pair.runs[0]: `seed` is missing",
    ),
    "an unknown field": (edit(setter("sessions", 0, "x", to=1)), "sessions[0]: unknown field `x`"),
    "text for a number": (
        edit(setter(*FIRST_PAIR, "old", "macs", to="5")),
        "points[1].pair.old.macs: expected a whole number, got a text",
    ),
    "truth for a number": (
        edit(setter(*FIRST_PAIR, "old", "macs", to=True)),
        "expected a whole number, got true or false",
    ),
    "a fraction for a whole": (edit(setter("sessions", 0, "seed", to=1.5)), "got a number"),
    "null for a number": (edit(setter("sessions", 0, "seed", to=None)), "got nothing (null)"),
    "an object for a list": (edit(setter("points", to={})), "expected a list, got an object"),
    "a list for an object": (edit(setter("points", 0, to=[])), "expected an object, got a list"),
    "infinity": (
        reseal(to_json(full()).replace("2900000000000.0", "1e999")),
        "ceilings[0].bandwidth: inf is not a finite number",
    ),
    "a status of its own": (edit(setter("points", 0, "status", to="lost")), "is none of done"),
    "a status of no type": (edit(setter("points", 0, "status", to=3)), "expected a text"),
    "three slots": (
        edit(setter(*FIRST_PAIR, "runs", 0, "slots_ns", 3, to=[1, 2, 3])),
        "slots_ns[3]: expected 4 values, got 3",
    ),
    "a slot of nothing": (
        edit(setter(*FIRST_PAIR, "runs", 0, "slots_ns", 3, 0, to=0)),
        "start at 1",
    ),
    "orders without slots": (edit(setter(*FIRST_PAIR, "runs", 0, "orders", to=[])), "rounds"),
    "done without a result": (
        edit(lambda v: v["points"][1].update(pair=None, rows=[])),
        "holds a result",
    ),
    "failed without a word": (
        edit(setter("points", 2, "message", to="")),
        "says why",
    ),
    "no such session": (edit(setter("points", 0, "session", to="b")), "no session 'b'"),
    "points out of order": (edit(lambda v: v["points"].reverse()), "in sorted order"),
    "a point twice": (edit(lambda v: v["points"].append(v["points"][-1])), "occur once"),
    "a hash of nothing": (edit(setter("specs", 0, "sha256", to="?")), "not a SHA-256"),
    "no batch": (edit(setter("points", 0, "key", "batch", to=0)), "a batch starts at 1"),
    "three networks": (
        edit(setter("points", 0, "key", "networks", to=["a", "b", "c"])),
        "one network or two",
    ),
    "variables unsorted": (
        edit(setter("points", 0, "key", "variables", to=[["b", "1"], ["a", "1"]])),
        "must be sorted",
    ),
    "a negative ceiling": (
        edit(setter("sessions", 0, "ceilings", 0, "matmul", to=-1)),
        "must be positive",
    ),
    "a protocol of nonsense": (
        edit(setter("sessions", 0, "protocol", "min_rounds", to=1)),
        "cannot be followed",
    ),
    "a process twice": (
        edit(setter(*FIRST_PAIR, "runs", 1, "process", to=0)),
        "two runs of the same process",
    ),
    "no runs": (edit(setter(*FIRST_PAIR, "runs", to=[])), "without runs"),
    "no runs alone": (edit(setter("points", 0, "solo", "runs", to=[])), "without runs"),
    "no runs of a row": (edit(setter("points", 1, "rows", 0, "isolated", to=[])), "without runs"),
    "a number of 400 digits": (
        edit(setter(*FIRST_PAIR, "old", "macs", to=10**399)),
        "points[1].pair.old.macs: the number is too large",
    ),
    "a slot of 400 digits": (
        edit(setter(*FIRST_PAIR, "runs", 0, "slots_ns", 3, 0, to=10**399)),
        "slots_ns[3][0]: the number is too large",
    ),
    "a heap of its own": (edit(setter("points", 0, "key", "heap", to="large")), "a heap is one of"),
    "hashes for other networks": (edit(setter("points", 1, "specs", to=["a" * 64])), "a hash for each"),
    "rows of no session": (edit(setter("points", 1, "rows_session", to="b")), "no session 'b'"),
    "a calibration of no session": (
        edit(lambda v: v.update(calibrations=[{**CALIBRATION, "session": "b"}])),
        "named by a calibration",
    ),
    "no checksum": (to_json(full()).replace(' "checksum"', ' "checksums"', 1), "its checksum is not that"),
    "a checksum of no text": (
        reseal(to_json(full())).replace('"checksum": "', '"checksum": 7, "x": "', 1),
        "",
    ),
    "an old record with a wrong checksum": (
        to_json(full()).replace('"schema": 2', '"schema": 1'),
        "its checksum is not that",
    ),
}


@pytest.mark.parametrize("case", CORRUPTED)
def test_damage_is_told(case: str, tmp_path: Path) -> None:
    text, message = CORRUPTED[case]
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ArchcalcError) as caught:
        load(path)
    told = caught.value.render()
    assert message in told
    assert str(path) in told
    assert caught.value.hint


def test_a_record_cut_anywhere_is_told_as_such() -> None:
    text = to_json(full()).rstrip()
    step = 7
    for end in range(1, len(text), step):
        with pytest.raises(ArchcalcError, match="cut off in the middle"):
            from_json(text[:end])


@pytest.mark.parametrize(
    "cut", ['{"a": tr', '{"a": -', '{"a": 1.', '{"a": 1e', '{"a": 1e+', '{"a": "\\', '{"a": "\\u12']
)
def test_cut_within_a_word(cut: str) -> None:
    with pytest.raises(ArchcalcError, match="cut off in the middle"):
        from_json(cut)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe\x00", "not text"), (b"\0" * 9, "not a")],
)
def test_files_that_are_no_text(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(data)
    with pytest.raises(ArchcalcError, match=message):
        load(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ArchcalcError, match="there is no record"):
        load(tmp_path / "none.json")
    with pytest.raises(ArchcalcError, match="cannot read"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(ArchcalcError, match="not a plain file"):
            load(path)
        with pytest.raises(ArchcalcError, match="not a plain file"):
            RecordFile(path)


def test_a_file_of_200_mb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with path.open("wb") as stream:
        stream.truncate(200_000_000)  # a sparse file, which takes no room on the disk
    tracemalloc.start()
    with pytest.raises(ArchcalcError, match="larger than 100 MB"):
        load(path)
    assert tracemalloc.get_traced_memory()[1] < 250_000_000
    tracemalloc.stop()


@given(st.binary(max_size=200))
def test_no_bytes_bring_anything_but_our_error(data: bytes) -> None:
    with pytest.raises(ArchcalcError):
        from_json(data.decode(errors="replace"))


@given(st.data())
def test_a_wrong_value_anywhere_is_told(data: st.DataObject) -> None:
    value = json.loads(to_json(full()))
    del value["checksum"]
    node: Any = value
    while True:
        steps = list(node) if isinstance(node, dict) else list(range(len(node)))
        step = data.draw(st.sampled_from(steps))
        inner = node[step]
        if isinstance(inner, (dict, list)) and inner and data.draw(st.booleans()):
            node = inner
            continue
        node[step] = {"nowhere": object.__name__}
        break
    with pytest.raises(ArchcalcError):
        from_json(storage.seal(value))


# ---------------------------------------------------------------- all at once or not at all


def test_a_failed_write_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.json"
    save(full(), path)
    before = path.read_bytes()

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ArchcalcError, match="No space left"):
        save(with_point(full(), done(key(64))), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "r.json", tmp_path / "link.json"
    link.symlink_to(target)
    save(full(), link)
    assert link.is_symlink()
    assert load(target) == full()
    RecordFile(link).save(with_point(full(), done(key(64))))
    assert link.is_symlink()
    assert len(load(link).points) == 4


def test_a_record_too_large_to_be_read_again_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "LARGEST", 1000)
    with pytest.raises(ArchcalcError, match="too large to read again"):
        save(full(), tmp_path / "r.json")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- specs


def test_specs_that_are_known_pass() -> None:
    check_specs(full(), {"v1": "a" * 64, "v3": "b" * 64, "v4": "c" * 64})


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"v1": "a" * 64}, "not known here: `v3`"),
        ({"v1": "a" * 64, "v3": "c" * 64}, "another version of `v3`"),
    ],
)
def test_foreign_specs(expected: dict[str, str], message: str) -> None:
    with pytest.raises(ArchcalcError, match=message):
        check_specs(full(), expected, "r.json")


def test_a_spec_that_was_edited_stands_beside_the_old_one() -> None:
    record = with_specs(full(), [SpecHash("v1", "c" * 64), SpecHash("v1", "a" * 64)])
    assert [(s.name, s.sha256[0]) for s in record.specs] == [("v1", "a"), ("v1", "c"), ("v3", "b")]
    assert from_json(to_json(record)) == record


# ---------------------------------------------------------------- adding and resuming


def test_a_failed_point_is_replaced_and_others_are_not() -> None:
    record = with_point(with_session(Record(), session()), failed(key()))
    record = with_point(record, done(key()))
    assert [p.status for p in record.points] == [Status.DONE]
    with pytest.raises(ValueError, match="already in the record"):
        with_point(record, done(key()))


def test_a_resumed_sweep_skips_what_it_has() -> None:
    wanted = [key(b) for b in (256, 1, 32, 8, 1)]
    record = with_session(Record(), session())
    record = with_point(record, done(key(1)))
    record = with_point(record, failed(key(8)))
    record = with_point(record, Point(key(256), "a", Status.OUT_OF_MEMORY, "too big"))
    assert [k.batch for k in remaining(wanted, record)] == [32, 8]
    assert [k.batch for k in remaining(wanted, record, retry_failed=False)] == [32]
    assert [k.batch for k in remaining(wanted, None)] == [256, 1, 32, 8]


def test_points_stand_in_the_order_of_their_numbers() -> None:
    keys = [replace(key(batch), variables=(("width", w),)) for w in ("256", "16", "64") for batch in (8, 1)]
    ordered = sorted(keys, key=lambda k: k.conditions)
    assert [(dict(k.variables)["width"], k.batch) for k in ordered] == [
        ("16", 1),
        ("16", 8),
        ("64", 1),
        ("64", 8),
        ("256", 1),
        ("256", 8),
    ]


def test_a_session_is_brought_up_to_date() -> None:
    record = with_session(full(), session(seed=2))
    assert [s.seed for s in record.sessions] == [2]
    record = with_session(record, session("b", "2024-01-01T00:00:00Z"))
    assert [s.identity for s in record.sessions] == ["b", "a"]
    assert record.session(record.points[0]).identity == "a"


def test_another_environment_does_not_join_a_record() -> None:
    other = session("b", environment=replace(HERE, torch="2.7.0", python="3.12"))
    with pytest.raises(ArchcalcError, match=r"torch: 2\.6\.0, 2\.7\.0\)"):
        with_session(full(), other)
    with pytest.raises(ValueError, match="different environments"):
        Record(sessions=(session(), other))
    same = session("b", environment=replace(HERE, python="3.12", platform="another kernel"))
    assert len(with_session(full(), same).sessions) == 2


def test_verdicts_follow_the_null_tests_of_the_session() -> None:
    assert session(null_tests=()).refuses(key())
    slow = NullTest("v1", 0.003, (NullAttempt(pair_run(), pair_run()),) * 2)
    assert session(null_tests=(slow,)).refuses(key())
    equal = pair_run(new=14_999_995)  # 2 runs in 10 ms, 3 in 15 ms
    fine = NullTest("v1", 0.003, (NullAttempt(equal, pair_run(new=16_000_000)),))
    assert not session(null_tests=(fine,)).refuses(key())
    one_mode = session(null_tests=(replace(slow, mode="eager"), replace(fine, mode="graph")))
    assert [one_mode.refuses(key(mode=mode)) for mode in ("eager", "graph")] == [True, False]
    assert [test.mode for test in one_mode.failed_null_tests] == ["eager"]


def test_mu_and_books() -> None:
    pair = done(key()).pair
    assert pair is not None
    assert pair.mu == 0.72
    with pytest.raises(ArchcalcError, match="no multiply-adds"):
        _ = replace(pair, old=MeasuredNetwork("x", 0, 1)).mu
    assert Books("v1", 1000, 900, 80).closed
    assert not Books("v1", 1000, 900, 79).closed
    assert Books("v1", 1000, 900, 79).unattributed_ns == 21


def test_rows_with_other_kernels_are_known() -> None:
    (row,) = full().points[1].rows
    assert not row.same_kernels
    assert replace(row, in_situ_kernels=("conv",)).same_kernels


# ---------------------------------------------------------------- shards


@given(st.lists(KEYS, max_size=30, unique=True), st.integers(1, 9))
def test_shards_are_every_point_once_and_even(keys: list[Key], count: int) -> None:
    parts = [Shard(i + 1, count).select(keys) for i in range(count)]
    assert sorted(k for part in parts for k in part) == sorted(keys)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for part in parts:
        assert list(part) == [k for k in keys if k in set(part)]
    backward = [Shard(i + 1, count).select(reversed(keys)) for i in range(count)]
    assert [set(p) for p in parts] == [set(p) for p in backward]


def test_the_deal_is_pinned() -> None:
    """Another digest would deal the points of a sweep anew, half-way through it."""
    keys = [key(b) for b in range(1, 9)]
    deal = [[k.batch for k in Shard(i, 3).select(keys)] for i in (1, 2, 3)]
    assert deal == [[1, 4, 7], [2, 5, 8], [3, 6]]


@pytest.mark.parametrize("text", ["3/8", " 3/8 ", "03/8"])
def test_a_shard_is_read(text: str) -> None:
    assert parse_shard(text) == Shard(3, 8)
    assert str(parse_shard(text)) == "3/8"


@pytest.mark.parametrize("text", ["", "3", "3/", "/8", "0/8", "9/8", "0/0", "-1/8", "a/b", "3/8/1"])
def test_no_shard(text: str) -> None:
    with pytest.raises(ArchcalcError, match="shard"):
        parse_shard(text)


def test_a_shard_that_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="no shard"):
        Shard(0, 3)


def shard_record(name: str, *points: Point, specs: tuple[str, ...] = ("v1",)) -> Record:
    record = with_session(Record(), session(name, f"2025-01-0{ord(name) - 96}T00:00:00Z"))
    record = with_specs(record, [SpecHash(spec, "a" * 64) for spec in specs])
    for point in points:
        record = with_point(record, replace(point, session=name))
    return record


def test_shards_merge_in_any_order_to_the_same_bytes() -> None:
    parts = [
        shard_record("a", done(key(1)), failed(key(8))),
        shard_record("b", done(key(32)), specs=("v3",)),
        shard_record("c", done(key(8))),
    ]
    merged = {to_json(merge(order)) for order in permutations(parts)}
    assert len(merged) == 1
    record = from_json(merged.pop())
    assert [(p.key.batch, p.status) for p in record.points] == [
        (1, Status.DONE),
        (8, Status.DONE),
        (32, Status.DONE),
    ]
    assert [s.name for s in record.specs] == ["v1", "v3"]
    assert [s.identity for s in record.sessions] == ["a", "b", "c"]


def test_merging_again_changes_nothing() -> None:
    one, two = shard_record("a", done(key(1))), shard_record("b", done(key(2)))
    once = merge([one, two])
    assert merge([once, one, two, once]) == once
    assert merge([once]) == once


def test_two_failures_merge_to_one() -> None:
    parts = [shard_record("a", failed(key(), message="x")), shard_record("b", failed(key()))]
    assert merge(parts) == merge(parts[::-1])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "nothing to merge"),
        (
            [shard_record("a", done(key())), shard_record("b", done(key()))],
            "two different measurements of one point: v1 vs v3, cuda, batch 1",
        ),
        (
            [
                shard_record("a"),
                with_session(Record(), session("b", environment=replace(HERE, threads=4))),
            ],
            "different environments do not merge (threads: 2, 4)",
        ),
        (
            [shard_record("a"), with_session(Record(), session("a", seed=5))],
            "session a is in two records with different contents",
        ),
    ],
)
def test_what_does_not_merge(parts: list[Record], message: str) -> None:
    with pytest.raises(ArchcalcError) as caught:
        merge(parts)
    assert message in caught.value.message
    assert caught.value.hint
