"""What `make gpu` measures, in steps: which points, how, and how long each step should take.

The important first, since the machine may go at any moment: graph mode, where the device is measured and
not the host; narrow and wide maps, where the saving is lost and where it may show; v1 against v3 as deployed,
with normalisation folded. Each step is one session of three fresh processes, shorter than eight minutes. What
some record in the results has already is not measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archcalc.bench import work
from archcalc.bench.records import storage
from archcalc.bench.records.record import Key, Record
from archcalc.bench.records.recordfile import RecordFile, joined_records
from archcalc.bench.records.shards import remaining
from archcalc.bench.runner import estimate, plan, session
from archcalc.bench.runner.estimate import Speeds
from archcalc.bench.runner.session import Job, Progress
from archcalc.bench.runner.tasks import Runner
from archcalc.bench.stats.protocol import Protocol
from archcalc.errors import ArchcalcError

LIMIT_S = 480.0  # of a step
TESTS_S = 70.0  # the tests that are marked `cuda`
_BATCHES = (1, 32, 256)
#: Points follow each other on a device that is busy all the while, so that the first second of warm-up is
#: spared; two windows in a row must still agree.
_GRAPH = replace(plan.protocol("default", "cuda"), name="gpu-graph", warm_up_min_s=0.3, window_s=0.1)
#: Calls from the host scatter by 1%: 0.5% would take four times the rounds.
_CALLS = replace(_GRAPH, name="gpu-calls", half_width_gpu=0.01)


@dataclass(frozen=True)
class Step:
    """One session: its points in the order in which they are measured."""

    name: str
    what: str
    keys: tuple[Key, ...]
    protocol: Protocol
    rows: bool = False

    def job(self, command: Sequence[str] = (), seconds: float | None = None) -> Job:
        """The job of its points; what the record has is left out when it is measured."""
        sources = {name: name for key in self.keys for name in key.networks}
        device = self.keys[0].device
        return Job(
            self.keys, sources, device, self.protocol, rows=self.rows, command=tuple(command), seconds=seconds
        )


def _factorizations(widths: Sequence[int], modes: Sequence[str]) -> tuple[Key, ...]:
    where = [plan.conditions("cuda", _BATCHES, ("bf16", "tf32"), (mode,)) for mode in modes]
    axes = plan.grid({"width": [str(n) for n in widths], "grid": ["28"]})
    return tuple(key for each in where for key in plan.points(plan.FACTORIZATIONS, each, axes))


def _networks() -> tuple[Key, ...]:
    """v1 against v3: folded before unfolded, graphs before calls; 128 is the batch of the paper's claim."""
    keys: list[Key] = []
    for mode, folded in (("graph", True), ("graph", False), ("eager", True)):
        for precision, batches in (("bf16", (1, 32, 128)), ("tf32", (1, 32))):
            where = plan.conditions("cuda", batches, (precision,), (mode,), fused=folded)
            keys += plan.points([("v1", "v3")], where)
    return tuple(keys)


def steps() -> tuple[Step, ...]:
    """The plan, the important first."""
    alone = plan.conditions("cuda", (32,), ("bf16",), ("eager",), fused=True)
    same = plan.conditions("cuda", (32,), ("bf16",), ("graph",))
    others = tuple(
        key
        for where in (replace(same, layouts=("nchw",)), replace(same, caches="warm"))
        for key in plan.points(plan.FACTORIZATIONS[:1], where, [{"width": "256", "grid": "28"}])
    )
    return (
        Step("graphs", "factorizations at 64 and 768 channels, as CUDA graphs",
             _factorizations((64, 768), ("graph",)), _GRAPH),
        Step("networks", "v1 against v3, folded and unfolded, as graphs, then eager", _networks(), _GRAPH),
        Step("widths", "factorizations at 256 channels, as graphs, then eager; one channels-first, one warm",
             _factorizations((256,), ("graph", "eager")) + others, _CALLS),
        Step("eager", "factorizations at 64 and 768 channels, eager",
             _factorizations((64, 768), ("eager",)), _CALLS),
        Step("rows", "every row of v1 and v3 by itself and in place", plan.points([("v1",), ("v3",)], alone),
             _GRAPH, rows=True),
    )  # fmt: skip


def dry_steps() -> tuple[Step, ...]:
    """Two small steps for a CPU, to try what a GPU's plan does."""
    where = plan.conditions("cpu", (1,))
    quick = replace(
        plan.protocol("quick", "cpu"), max_seconds=1.0, null_seconds=2.0, warm_up_min_s=0.1, warm_up_max_s=0.5
    )
    small = plan.points([("3x3", "3x1-1x3")], where, [{"width": "8", "grid": "8"}])
    return (
        Step("pair", "one small factorization", small, quick),
        Step("rows", "every row of a small network", plan.points([("lenet-5",)], where), quick, rows=True),
    )


def named(plan_steps: Sequence[Step], name: str) -> Step:
    """The step called `name`; `ArchcalcError` where there is none."""
    for step in plan_steps:
        if step.name == name:
            return step
    known = ", ".join(step.name for step in plan_steps)
    raise ArchcalcError(f"no step is called `{name}`", f"known: {known}")


# -- what is there already --------------------------------------------------------------------------


def records(folders: Sequence[Path], device: str) -> list[Path]:
    """The records of a device (`h100.json`, `h100-2.json`: one for each host), the first folder's first."""
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob(f"{device}*.json"))]
    return [file for file in files if file.stem == device or file.stem.removeprefix(f"{device}-").isdigit()]


def todo(step: Step, folders: Sequence[Path], device: str) -> tuple[Key, ...]:
    """The points of a step that no record has."""
    belongs = work.Fingerprints(step.job().sources).belongs
    keys = step.keys
    for file in records(folders, device):
        keys = remaining(keys, storage.load(file), rows=step.rows, belongs=belongs)
    return keys


def seconds(step: Step, keys: Sequence[Key], speeds: Speeds) -> float:
    """How long the points `keys` of a step should take."""
    return estimate.seconds(step.job(), keys, speeds)


# -- measuring --------------------------------------------------------------------------------------


def measure(
    step: Step,
    keys: Sequence[Key],
    folders: Sequence[Path],
    device: str,
    command: Sequence[str] = (),
    limit: float | None = None,
    progress: Progress | None = None,
    runners: Callable[[], Sequence[Runner]] | None = None,
) -> Record:
    """Measure `keys` of a step into the device's record in every folder, with what any of them holds.

    Saved after every point. Where the record was begun on another host (driver, processor), the next number's
    is taken. `limit` seconds are the most before a further point is begun.
    """
    job = replace(step.job(command, limit), keys=tuple(keys))
    number = 1
    while True:
        name = f"{device}.json" if number == 1 else f"{device}-{number}.json"
        files = [_file(folder / name) for folder in folders]

        def save(record: Record, files: Sequence[RecordFile] = files) -> Record:
            saved = files[0].save(record)
            for other in files[1:]:
                other.save(saved)
            return saved

        try:
            before = Record()
            for file in files:
                before = joined_records(Record(), file.record, before)
            made = runners() if runners is not None else None
            return session.measure(job, before, save, progress, made)
        except ArchcalcError as fault:
            if "another environment" not in fault.message or number > 99:
                raise
            number += 1


def _file(path: Path) -> RecordFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    return RecordFile(path)
