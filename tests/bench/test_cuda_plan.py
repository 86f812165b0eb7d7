"""The plan of `make gpu` on a simulated H100: what it takes, what it forgets, and where it goes on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from simulated_h100 import H100, Clock, H100Runner, Killed

from archcalc.bench.records import storage
from archcalc.bench.records.record import Key, Status
from archcalc.bench.runner import session
from archcalc.bench.runner.estimate import Speeds

ROOT = Path(__file__).parents[2]
MINUTES = 28


@pytest.fixture
def gpu_plan(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import gpu_plan

    return gpu_plan


class Machine:
    """A machine that measures steps, is killed, and starts again with what lies in its folder."""

    def __init__(self, gpu_plan: ModuleType, folder: Path, clock: Clock, patch: pytest.MonkeyPatch) -> None:
        self.plan, self.folders, self.clock = gpu_plan, [folder], clock
        self.done: list[Key] = []
        self.environment = H100
        patch.setattr(session, "time", SimpleNamespace(monotonic=lambda: clock.seconds))

    def runners(self) -> list[H100Runner]:
        return [H100Runner(self.clock, self.done, self.environment) for _ in range(3)]

    def step(self, step: Any, keys: Sequence[Key]) -> float:
        """Measure, and return the seconds that it took."""
        begun = self.clock.seconds
        self.plan.measure(step, keys, self.folders, "h100", runners=self.runners)
        return self.clock.seconds - begun


@pytest.mark.slow
@pytest.mark.parametrize(("host", "seed"), [(1.0, 0), (0.8, 1), (1.1, 2)])
def test_the_plan_fits_and_takes_what_it_says(
    gpu_plan: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: float, seed: int
) -> None:
    """Autotuning is counted in; a host that is slower or faster than was guessed changes it by as much."""
    machine = Machine(gpu_plan, tmp_path, Clock(seed, host), monkeypatch)
    total = gpu_plan.TESTS_S
    for step in gpu_plan.steps():
        keys = gpu_plan.todo(step, machine.folders, "h100")
        said = gpu_plan.seconds(step, keys, Speeds())
        took = machine.step(step, keys)
        print(f"{step.name}: said {said:.0f} s, took {took:.0f} s")
        assert said < gpu_plan.LIMIT_S
        assert took < gpu_plan.LIMIT_S
        assert 0.7 * said < took < 1.1 * said
        assert gpu_plan.todo(step, machine.folders, "h100") == ()
        total += took
    assert total < MINUTES * 60 * max(1.0, host)


def test_the_plan_says_under_28_minutes_and_eight_for_a_step(gpu_plan: ModuleType) -> None:
    said = [gpu_plan.seconds(step, step.keys, Speeds()) for step in gpu_plan.steps()]
    assert max(said) < gpu_plan.LIMIT_S
    assert sum(said) + gpu_plan.TESTS_S < MINUTES * 60


def test_autotuning_is_counted(gpu_plan: ModuleType) -> None:
    """v1 and v3 together: each process tunes at each precision and batch, once for all modes."""
    step = gpu_plan.named(gpu_plan.steps(), "networks")
    free, dear = (gpu_plan.seconds(step, step.keys, Speeds(tune=tune)) for tune in (0.0, 1.0))
    pairs = len({(key.precision, key.batch) for key in step.keys})
    tuned = (dear - free) / (3 * pairs)
    assert tuned == pytest.approx(92, abs=3)


def test_everything_that_is_owed_is_in_the_plan(gpu_plan: ModuleType) -> None:
    keys = [key for step in gpu_plan.steps() for key in step.keys]
    assert len(keys) == len(set(keys))
    for width in ("64", "256", "768"):
        for mode in ("graph", "eager"):
            points = [k for k in keys if dict(k.variables).get("width") == width and k.mode == mode]
            assert {(k.precision, k.batch) for k in points} == {
                (p, b) for p in ("bf16", "tf32") for b in (1, 32, 256)
            }
            assert len({k.networks for k in points}) == 6
            assert len([k for k in points if k.layout == "nhwc" and k.caches == "cold"]) == 36
    networks = [k for k in keys if k.networks == ("v1", "v3")]
    assert {(k.mode, k.fused) for k in networks} == {("graph", True), ("graph", False), ("eager", True)}
    assert any(k.batch == 128 and k.precision == "bf16" for k in networks)
    assert all(step.protocol.processes == 3 for step in gpu_plan.steps())
    usual = [key for key in keys if key.caches == "cold" and key.layout == "nhwc"]
    others = [key for key in keys if key not in usual]
    assert {(key.layout, key.caches) for key in others} == {("nchw", "cold"), ("nhwc", "warm")}
    assert {replace(key, layout="nhwc", caches="cold") for key in others} <= set(usual)


def test_the_important_comes_first(gpu_plan: ModuleType) -> None:
    names = [step.name for step in gpu_plan.steps()]
    assert names == ["graphs", "networks", "widths", "eager", "rows"]
    networks = gpu_plan.named(gpu_plan.steps(), "networks").keys
    assert (networks[0].mode, networks[0].precision, networks[0].fused) == ("graph", "bf16", True)


def small(gpu_plan: ModuleType) -> list[Any]:
    """The plan's steps with every seventh point."""
    return [replace(step, keys=step.keys[::7]) for step in gpu_plan.steps()[:4]]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_fifty_kills_lose_nothing(
    gpu_plan: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(f"kills {seed}")
    clock = Clock(seed)
    machine = Machine(gpu_plan, tmp_path, clock, monkeypatch)
    saved: Counter[Key] = Counter()
    real = gpu_plan.RecordFile.save

    def save(file: Any, record: Any) -> Any:
        clock.host(0.02)  # killed before it is written, or after
        before = {p.key for p in file.record.points}
        result = real(file, record)
        saved.update({p.key for p in result.points} - before)
        clock.host(0.02)
        return result

    monkeypatch.setattr(gpu_plan.RecordFile, "save", save)
    steps, kills = small(gpu_plan), 0
    while True:
        clock.kill_at = clock.seconds + rng.uniform(0.0, 60.0) if kills < 50 else None
        try:
            for step in steps:
                keys = gpu_plan.todo(step, machine.folders, "h100")
                assert not set(keys) & set(saved)  # nothing that was saved is asked for again
                if keys:
                    machine.step(step, keys)
            break
        except Killed:
            kills += 1
            kept = [p for file in tmp_path.glob("*.json") for p in storage.load(file).points]
            assert {p.key for p in kept} == set(saved)
    assert kills == 50
    wanted = {key for step in steps for key in step.keys}
    record = storage.load(tmp_path / "h100.json")
    assert {p.key for p in record.points} == wanted
    assert {p.status for p in record.points} == {Status.DONE}
    assert set(saved.values()) == {1}
    # each process measured each point once, but for the point in which a kill struck
    assert len(machine.done) <= 3 * (len(wanted) + kills)
    assert list(tmp_path.glob(".*tmp*")) == []


def test_another_host_begins_a_record_of_its_own_and_repeats_nothing(
    gpu_plan: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (replace(step, keys=step.keys[:2]) for step in gpu_plan.steps()[:2])
    machine = Machine(gpu_plan, tmp_path, Clock(), monkeypatch)
    machine.step(first, gpu_plan.todo(first, machine.folders, "h100"))
    machine.environment = replace(H100, driver="590", cpu="another")
    assert gpu_plan.todo(first, machine.folders, "h100") == ()
    machine.step(second, gpu_plan.todo(second, machine.folders, "h100"))
    assert sorted(file.name for file in tmp_path.glob("*.json")) == ["h100-2.json", "h100.json"]
    assert {p.key for p in storage.load(tmp_path / "h100-2.json").points} == set(second.keys)


@pytest.mark.parametrize("emptied", ["a", "b"])
def test_every_folder_gets_the_record(
    gpu_plan: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emptied: str
) -> None:
    """One folder may be emptied between two calls: what the other has is not measured again."""
    step = replace(gpu_plan.steps()[0], keys=gpu_plan.steps()[0].keys[:2])
    machine = Machine(gpu_plan, tmp_path / "a", Clock(), monkeypatch)
    machine.folders = [tmp_path / "a", tmp_path / "b"]
    machine.step(step, step.keys[:1])
    (tmp_path / emptied / "h100.json").unlink()
    keys = gpu_plan.todo(step, machine.folders, "h100")
    assert keys == step.keys[1:]
    machine.step(step, keys)
    records = [storage.load(tmp_path / name / "h100.json") for name in "ab"]
    assert records[0] == records[1]
    assert {p.key for p in records[0].points} == set(step.keys)


def test_a_step_ends_in_time(gpu_plan: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(gpu_plan, tmp_path, Clock(), monkeypatch)
    step = gpu_plan.steps()[0]
    gpu_plan.measure(step, step.keys, machine.folders, "h100", limit=60.0, runners=machine.runners)
    assert machine.clock.seconds < 70
    assert 5 < len(storage.load(tmp_path / "h100.json").points) < len(step.keys)


def test_records_of_other_devices_do_not_count(gpu_plan: ModuleType, tmp_path: Path) -> None:
    for name in ("h100.json", "h100-2.json", "h100-new.json", "h1000.json", "cpu.json"):
        (tmp_path / name).touch()
    assert [file.name for file in gpu_plan.records([tmp_path], "h100")] == ["h100-2.json", "h100.json"]
