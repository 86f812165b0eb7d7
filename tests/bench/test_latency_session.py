"""Points -> record: saved after each, resumed, and every failure kept apart; on a simulated device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from latency_fakes import HERE, TINY, FakeRunner, out_of_memory

from archcalc.bench import results as measured
from archcalc.bench import work
from archcalc.bench.records import storage
from archcalc.bench.records.record import Point, Record, Status
from archcalc.bench.runner import plan, pool, session
from archcalc.bench.runner.session import Job
from archcalc.bench.runner.tasks import Answer, Task, TaskKind
from archcalc.bench.stats.statistics import SavingVerdict
from archcalc.errors import ArchcalcError
from archcalc.views import measured as measured_views

SIMULATED = replace(TINY, min_rounds=20, max_rounds=40, processes=1)
PAIR = ("5x5", "3x3-3x3")
SOURCES = {name: name for name in PAIR}


def job(batches: tuple[int, ...] = (1, 32, 4), **changes: object) -> Job:
    keys = plan.points([PAIR], plan.conditions("cpu", batches))
    return replace(Job(keys, SOURCES, "cpu", SIMULATED), **changes)  # type: ignore[arg-type]


def statuses(record: Record) -> dict[int, Status]:
    return {p.key.batch: p.status for p in record.points}


def test_a_pair_becomes_a_verdict() -> None:
    record = session.measure(job((1,)), runners=[FakeRunner()])
    figures = measured.pair(record, record.points[0])
    assert figures.saving.mu == pytest.approx(0.72)
    assert 0.71 < figures.saving.rho.low < figures.saving.rho.high < 0.73
    assert figures.saving.verdict is SavingVerdict.REALIZED
    assert figures.predicted is not None
    assert figures.difference == pytest.approx(figures.saving.rho.point / figures.predicted - 1)
    assert record.sessions[0].null_tests[0].passed
    assert record.sessions[0].ceilings[0].precision == "fp32-ieee"


def test_out_of_memory_is_a_point_and_the_rest_goes_on() -> None:
    told: list[str] = []

    class Telling(session.Silent):
        def finish(self, what: str) -> None:
            told.append(what)

    record = session.measure(job(), runners=[FakeRunner(out_of_memory)], progress=Telling())
    assert statuses(record) == {1: Status.DONE, 4: Status.DONE, 32: Status.OUT_OF_MEMORY}
    assert any("90 GiB" in line for line in told)
    shown = measured_views.latencies(record, record.points)
    assert any("out-of-memory" in map(str, row) for row in shown.rows)
    assert any("90 GiB" in note for note in shown.notes)


def test_ctrl_c_keeps_what_is_finished_and_resumes(tmp_path: Path) -> None:
    path = tmp_path / "record.json"

    def interrupt(task: Task) -> Answer | None:
        if task.kind is TaskKind.MEASURE and task.key is not None and task.key.batch == 4:
            raise KeyboardInterrupt
        return None

    first = FakeRunner(interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.measure(job(), save=lambda r: storage.save(r, path), runners=[first])
    assert first.closed
    kept = storage.load(path)
    assert statuses(kept) == {1: Status.DONE, 32: Status.DONE}
    second = FakeRunner()
    record = session.measure(job(), kept, lambda r: storage.save(r, path), runners=[second])
    again = [t.key.batch for t in second.asked if t.kind is TaskKind.MEASURE and t.key is not None]
    assert again == [4]
    assert statuses(storage.load(path)) == statuses(record) == dict.fromkeys((1, 4, 32), Status.DONE)
    assert len(record.sessions) == 2
    assert kept.points[0] in record.points


def test_a_finished_record_asks_nothing() -> None:
    record = session.measure(job((1,)), runners=[FakeRunner()])
    idle = FakeRunner()
    assert session.measure(job((1,)), record, runners=[idle]) == record
    assert idle.asked == []


def test_a_lost_device_stops_and_keeps_what_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "record.json"

    def vanish(task: Task) -> Answer | None:
        if task.kind is TaskKind.MEASURE and task.key is not None and task.key.batch == 32:
            return Answer(Status.FAILED, "the device no longer answers: CUDA error", "try again", lost=True)
        return None

    with pytest.raises(ArchcalcError, match="no longer answers"):
        session.measure(job(), save=lambda r: storage.save(r, path), runners=[FakeRunner(vanish)])
    assert statuses(storage.load(path)) == {1: Status.DONE}


def test_unsupported_is_recorded_and_not_tried_again() -> None:
    def refuse(task: Task) -> Answer | None:
        known = task.key is None or task.key.precision == "fp32-ieee"
        return None if known else Answer(Status.UNSUPPORTED, "this device has no bf16")

    keys = plan.points([PAIR], plan.conditions("cpu", (1,), ("fp32", "bf16")))
    wanted = job(keys=keys)
    record = session.measure(wanted, runners=[FakeRunner(refuse)])
    assert {p.key.precision: p.status for p in record.points} == {
        "fp32-ieee": Status.DONE,
        "bf16": Status.UNSUPPORTED,
    }
    idle = FakeRunner()
    session.measure(wanted, record, runners=[idle])
    assert idle.asked == []


def test_a_failure_is_tried_again() -> None:
    def fail(task: Task) -> Answer | None:
        return Answer(Status.FAILED, "broke") if task.kind is TaskKind.MEASURE else None

    record = session.measure(job((1,)), runners=[FakeRunner(fail)])
    assert statuses(record) == {1: Status.FAILED}
    assert statuses(session.measure(job((1,)), record, runners=[FakeRunner()])) == {1: Status.DONE}


def test_no_device_is_an_error_with_advice() -> None:
    def absent(task: Task) -> Answer | None:
        return Answer(Status.FAILED, "there is no CUDA device here", "use `--record FILE`")

    with pytest.raises(ArchcalcError, match="no CUDA device") as fault:
        session.measure(job((1,)), runners=[FakeRunner(absent)])
    assert "--record" in fault.value.hint


def test_another_environment_is_refused() -> None:
    record = session.measure(job((1,)), runners=[FakeRunner()])
    other = FakeRunner(environment=replace(HERE, torch="2.1"))
    with pytest.raises(ArchcalcError, match="another environment"):
        session.measure(job(), record, runners=[other])


def test_an_edited_spec_is_measured_anew_beside_the_old_times(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "specs" / "factorization.md").read_text(encoding="utf-8")
    path = tmp_path / "f.md"
    path.write_text(text, encoding="utf-8")
    mine = job((1,), sources={name: f"{path}#{name}" for name in PAIR})
    record = session.measure(mine, runners=[FakeRunner()])
    assert session.measure(mine, record, runners=[FakeRunner()]) == record
    path.write_text(text.replace("width: 64", "width: 128"), encoding="utf-8")
    both = session.measure(mine, record, runners=[FakeRunner()])
    assert len(both.points) == 2
    assert record.points[0] in both.points
    (new,) = work.current(both, mine.keys, mine.sources)
    assert new.pair is not None
    assert record.points[0].pair is not None
    assert new.pair.old.macs == 4 * record.points[0].pair.old.macs
    assert storage.from_json(storage.to_json(both)) == both
    path.write_text(text, encoding="utf-8")
    assert work.current(both, mine.keys, mine.sources) == record.points


def test_a_variable_that_only_some_points_set_is_seen_in_an_edited_spec(tmp_path: Path) -> None:
    """The spec at its defaults stays the same; what was measured does not."""
    text = (Path(__file__).parents[2] / "specs" / "factorization.md").read_text(encoding="utf-8")
    path = tmp_path / "f.md"
    path.write_text(text, encoding="utf-8")
    keys = plan.points([("5x5",)], plan.conditions("cpu"), [{"norm": "1"}])
    mine = Job(keys, {"5x5": f"{path}#5x5"}, "cpu", SIMULATED)
    record = session.measure(mine, runners=[FakeRunner()])
    assert session.measure(mine, record, runners=[FakeRunner()]) == record
    edited = text.replace("{norm} x (bn > relu)", "{norm} x (relu)")
    assert edited != text
    path.write_text(edited, encoding="utf-8")
    assert work.fingerprint(f"{path}#5x5") == record.specs[0].sha256
    assert len(session.measure(mine, record, runners=[FakeRunner()]).points) == 2


def test_points_of_networks_that_are_not_known_here_are_left_alone(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "specs" / "factorization.md").read_text(encoding="utf-8")
    path = tmp_path / "f.md"
    path.write_text(text.replace("5x5", "mine"), encoding="utf-8")
    keys = plan.points([("mine",)], plan.conditions("cpu"), [{"width": "8"}])
    mine = Job(keys, {"mine": f"{path}#mine"}, "cpu", SIMULATED)
    record = session.measure(mine, runners=[FakeRunner()])
    more = session.measure(job((1,)), record, runners=[FakeRunner()])
    assert len(more.points) == 2
    path.write_text(path.read_text("utf-8").replace("width", "breadth"), encoding="utf-8")
    assert work.current(more, keys, mine.sources) == ()


def test_processes_are_combined_and_memory_is_the_first_ones() -> None:
    runners = [FakeRunner(), FakeRunner(), FakeRunner()]
    record = session.measure(job((1,)), runners=runners)
    pair = record.points[0].pair
    assert pair is not None
    assert [run.process for run in pair.runs] == [0, 1, 2]
    assert measured.pair(record, record.points[0]).saving.rho.label == "over 3 processes"
    assert [t.first for r in runners for t in r.asked if t.kind is TaskKind.MEASURE] == [True, False, False]


def test_a_failed_null_test_refuses_the_verdict() -> None:
    record = session.measure(job((1,)), runners=[FakeRunner(broken_copy=True)])
    figures = measured.pair(record, record.points[0])
    assert len(record.sessions[0].null_tests[0].attempts) == 2
    assert figures.saving.verdict is SavingVerdict.REFUSED
    shown = measured_views.savings(record, record.points)
    assert "refused" in [str(v) for v in shown.rows[0]]
    assert any("verdicts are refused" in n for n in measured_views.notes(record, record.points))


def test_time_is_up_before_a_further_point() -> None:
    record = session.measure(job(seconds=0.0), runners=[FakeRunner()])
    assert record.points == ()


def test_the_record_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    record = session.measure(job((1, 4)), save=lambda r: storage.save(r, path), runners=[FakeRunner()])
    assert storage.load(path) == record
    tables = [measured_views.savings(r, r.points) for r in (record, storage.load(path))]
    assert tables[0] == tables[1]


# -- counted on the instance ------------------------------------------------------------------------


def instance(name: str, mode: str = "eager", fused: bool = False, batch: int = 1) -> work.Instance:
    keys = plan.points([(name,)], plan.conditions("cpu", (batch,), modes=(mode,), fused=fused))
    return work.instance(name, keys[0])


def test_kernels_are_the_layers_that_move_data() -> None:
    eager, folded, compiled = (
        instance("googlenet-torchvision", *options) for options in ((), ("eager", True), ("compile",))
    )
    convolutions = 57
    assert len(eager.network.work) - len(folded.network.work) == convolutions  # normalisations
    assert len(folded.network.work) - len(compiled.network.work) == convolutions  # ReLUs
    flops = {sum(w.flops for w in each.network.work) for each in (eager, folded, compiled)}
    assert flops == {2 * eager.network.macs}


def test_kernels_of_a_pair_by_hand() -> None:
    old, new = instance("5x5", batch=8).network, instance("3x3-3x3", batch=8).network
    values = 8 * 28 * 28 * 64
    assert [w.bytes for w in old.work] == [4 * (2 * values + 25 * 64 * 64)]
    assert [w.bytes for w in new.work] == [4 * (2 * values + 9 * 64 * 64)] * 2
    assert new.macs * 25 == old.macs * 18


def test_a_fingerprint_sees_what_is_built_and_no_prose(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "specs" / "factorization.md").read_text(encoding="utf-8")
    path = tmp_path / "f.md"
    path.write_text(text + "\nMore prose.\n", encoding="utf-8")
    assert work.fingerprint(f"{path}#5x5") == work.fingerprint("5x5")
    other = tmp_path / "g.md"
    other.write_text(text.replace("width: 64", "width: 65"), encoding="utf-8")
    assert work.fingerprint(f"{other}#5x5") != work.fingerprint("5x5")
    assert work.fingerprint("5x5") != work.fingerprint("3x3")


# -- the plan ---------------------------------------------------------------------------------------


def test_plain_fp32_is_ieee_on_a_cpu_and_refused_on_cuda() -> None:
    assert plan.precision("fp32", "cpu") == "fp32-ieee"
    with pytest.raises(ArchcalcError, match="TF32"):
        plan.precision("fp32", "cuda")


def test_defaults_are_explicit() -> None:
    cpu, cuda = plan.conditions("cpu"), plan.conditions("cuda")
    assert (cpu.precisions, cpu.layouts, cpu.modes) == (("fp32-ieee",), ("nchw",), ("eager",))
    assert (cuda.precisions, cuda.layouts, cuda.modes) == (("tf32",), ("nhwc",), ("eager",))


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "tpu"},
        {"device": "cpu", "modes": ("graph",)},
        {"device": "cpu", "precisions": ("fp31",)},
        {"device": "cpu", "layouts": ("nhcw",)},
        {"device": "cpu", "batches": (0,)},
    ],
)
def test_unknown_conditions_are_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(ArchcalcError):
        plan.conditions(**wrong)  # type: ignore[arg-type]


def test_every_combination_is_a_point() -> None:
    where = plan.conditions("cuda", (1, 32), ("tf32", "bf16"), ("eager", "graph"), ("nchw", "nhwc"))
    keys = plan.points(plan.FACTORIZATIONS, where, plan.grid({"width": ("32", "64"), "grid": ("28",)}))
    assert len(keys) == len(set(keys)) == 6 * 2 * 2 * 2 * 2 * 2


def test_a_point_that_is_no_pair_has_no_saving() -> None:
    keys = plan.points([("5x5",)], plan.conditions("cpu"))
    record = session.measure(job(keys=keys), runners=[FakeRunner()])
    point: Point = record.points[0]
    assert point.solo is not None
    assert measured_views.savings(record, [point]).rows == ()
    (latency,) = measured.latencies(record, point)
    assert latency.throughput.point == pytest.approx(1e9 / latency.ns.point)


# -- the heap ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("heap", "set_by_us"), [("steady", True), ("default", False)])
def test_processes_get_the_heap_of_their_points(
    monkeypatch: pytest.MonkeyPatch, heap: str, set_by_us: bool
) -> None:
    environments: list[dict[str, str]] = []

    class StoppedError(Exception):
        pass

    def popen(command: list[str], env: dict[str, str], **options: object) -> None:
        environments.append(env)
        raise StoppedError

    for name in pool.STEADY_HEAP:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pool.subprocess, "Popen", popen)
    keys = plan.points([PAIR], plan.conditions("cpu", heap=heap))
    with pytest.raises(StoppedError):
        session.measure(job(keys=keys))
    assert (set(pool.STEADY_HEAP) <= set(environments[0])) is set_by_us


def test_a_session_has_one_heap() -> None:
    keys = [plan.points([PAIR], plan.conditions("cpu", heap=heap))[0] for heap in ("steady", "default")]
    with pytest.raises(ArchcalcError, match="one heap"):
        session.measure(job(keys=tuple(keys)))
