"""A record made without a device: times that follow the roofline of an imaginary machine, with noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archcalc.bench import work
from archcalc.bench.records.record import (
    Books,
    Environment,
    Key,
    PairResult,
    Point,
    Record,
    RowResult,
    Session,
    SpecHash,
    Status,
)
from archcalc.bench.runner.plan import FACTORIZATIONS
from archcalc.bench.stats.nulltest import NullSubjects, null_test
from archcalc.bench.stats.protocol import QUICK, SoloRun
from archcalc.bench.stats.roofline import Ceilings, Work, predict
from archcalc.bench.stats.rounds import measure_pair, measure_solo
from archcalc.bench.stats.simulate import SimulatedDevice, Weather

CEILINGS = Ceilings("fp32-ieee", matmul=2.4e12, convolution=1.6e12, bandwidth=4.0e10, launch_ns=6000.0)
NOW = work.Fingerprints({})
PROTOCOL = replace(QUICK, processes=2, warm_up_min_s=0.02, warm_up_max_s=0.1, window_s=0.005)
MACHINE = Environment(
    device="cpu",
    device_name="Imaginary CPU",
    variant="2 cores",
    cpu="Imaginary CPU",
    threads=2,
    torch="2.13.0",
    cuda="",
    cudnn="",
    driver="",
    python="3.11.0",
    platform="Nowhere 1.0",
)


def record(
    pairs: Sequence[tuple[str, str]] = FACTORIZATIONS,
    batches: Sequence[int] = (1, 8, 32),
    widths: Sequence[int] = (16, 64, 256),
    whole: Sequence[tuple[str, str]] = (("googlenet", "inception-v3"),),
) -> Record:
    """A sweep of small pairs over batch and width, and pairs of whole networks with their rows."""
    keys = [
        Key(pair, "cpu", batch, "fp32-ieee", "eager", "nchw", variables=(("width", str(width)),))
        for pair in pairs
        for batch in batches
        for width in widths
    ]
    keys += [Key(pair, "cpu", batch, "fp32-ieee", "eager", "nchw") for pair in whole for batch in batches[:2]]
    names = sorted({name for key in keys for name in key.networks})
    device = SimulatedDevice(Weather(noise=0.01), seed=1)
    subject = device.subject(2e6)
    subjects = NullSubjects("5x5", subject, device.subject(2e6), device.subject(2e4))
    null = null_test(subjects, PROTOCOL, "cpu", "fp32-ieee", "eager", seed=3)
    session = Session(
        identity="made",
        started="2026-01-02T03:04:05Z",
        archcalc="0.1.0",
        command=("archcalc", "sweep"),
        seed=0,
        shard="",
        environment=MACHINE,
        protocol=PROTOCOL,
        ceilings=(CEILINGS,),
        null_tests=(null,),
    )
    return Record(
        specs=tuple(SpecHash(name, work.fingerprint(name)) for name in names),
        sessions=(session,),
        points=tuple(sorted((_point(key, i) for i, key in enumerate(keys)), key=lambda p: p.key)),
    )


def _nanoseconds(kernels: Sequence[Work]) -> float:
    """The roofline's time and a fifth more, which no roofline knows of."""
    return 1.2 * predict(kernels, CEILINGS).total_ns


def _point(key: Key, seed: int) -> Point:
    old, new = (work.instance(name, key) for name in key.networks)
    runs = []
    for process in range(2):
        device = SimulatedDevice(Weather(noise=0.008), seed=10 * seed + process)
        subjects = [device.subject(_nanoseconds(i.network.work)) for i in (old, new)]
        runs.append(measure_pair(*subjects, PROTOCOL, "cpu", seed=seed, process=process))
    rows = () if key.variables or key.batch > 1 else (*_rows(old, seed), *_rows(new, seed))
    books = tuple(
        Books(i.name, round(1.02 * _nanoseconds(i.network.work)), round(_nanoseconds(i.network.work)), 1000)
        for i in (old, new)
        if rows
    )
    return Point(
        key=key,
        session="made",
        status=Status.DONE,
        pair=PairResult(old.network, new.network, tuple(runs)),
        rows=rows,
        books=books,
        specs=NOW.key(key),
    )


def _rows(instance: work.Instance, seed: int) -> list[RowResult]:
    found = []
    for row in instance.counted.rows:
        kernels = instance.kernels(row.row.nodes)
        if not kernels:
            continue
        device = SimulatedDevice(Weather(noise=0.01), seed=seed)
        run: SoloRun = measure_solo(device.subject(_nanoseconds(kernels)), PROTOCOL, "cpu")
        found.append(
            RowResult(
                network=instance.name,
                row=row.row.name,
                input_shape=tuple(int(n) for n in row.input),
                output_shape=tuple(int(n) for n in row.output),
                macs=int(row.cost.macs),
                bytes=sum(w.bytes for w in kernels),
                work=kernels,
                isolated=(run,),
                in_situ_ns=round(_nanoseconds(kernels)),
            )
        )
    return found
