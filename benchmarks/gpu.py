"""Everything that needs a GPU, step by step: `make gpu`; `--dry` does small steps on a CPU.

    python benchmarks/gpu.py [--results FOLDER ...] [--minutes 9] [--plan] [--only STEP ...]

First installs into `.gpu-site`, without network, the wheels of `wheels/` whose packages this Python lacks.
Then prints what each step should take, and does as many as fit into the minutes: the tests that are marked
`cuda` (once), then the steps of `gpu_plan`. The record is `FOLDER/<device>.json`, saved after every point;
the same command goes on where the last one stopped, also after it was killed, and measures nothing twice.
With several folders each holds all: one may be emptied between two calls. Only the standard library is
imported before the wheels are there.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / ".gpu-site"
RESULTS = ROOT / "build" / "gpu"
LEAST_S = 120.0  # with less a session is not begun: its start, ceilings and null tests take 45 s
GRACE_S = 120.0  # how much longer than its limit a step may take before it is ended


# -- what is needed --------------------------------------------------------------------------------


def missing(folder: Path) -> list[Path]:
    """The wheels in `folder` whose packages are not installed here."""
    wheels = []
    for wheel in sorted(folder.glob("*.whl")):
        try:
            importlib.metadata.version(wheel.name.split("-")[0])
        except importlib.metadata.PackageNotFoundError:
            wheels.append(wheel)
    return wheels


def install(folder: Path) -> None:
    """Install what is missing, from the folder alone, and put it and this checkout on the path."""
    sys.path[:0] = [str(ROOT), str(SITE)]
    wheels = missing(folder)
    if not wheels:
        return
    print("installing:", ", ".join(w.name.split("-")[0] for w in wheels), flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--upgrade"]
    subprocess.run([*command, "--target", str(SITE), *map(str, wheels)], check=True)


def environment() -> dict[str, str]:
    """The environment of what is run: this checkout and what was installed beside it."""
    paths = [str(ROOT), str(SITE), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def short_name(device: str) -> str:
    """`NVIDIA H100 80GB HBM3` -> `h100`: the word with the model's number."""
    words = re.findall(r"\b(?:[A-Za-z]{1,2}[0-9]{1,4}[A-Za-z]?|[0-9]{3,4}[A-Za-z]*)\b", device)
    slug = words[0] if words else re.sub(r"\W+", "-", device).strip("-")
    return slug.lower() or "cuda"


def device_name() -> str:
    """The GPU's name; exits where there is none."""
    code = (
        "import torch, sys; sys.exit('no CUDA device: `make gpu-dry` runs on a CPU') if not"
        " torch.cuda.is_available() else print(torch.cuda.get_device_name())"
    )
    result = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(2)
    return result.stdout.strip()


# -- the tests, once --------------------------------------------------------------------------------


def tested(folders: Sequence[Path], device: str) -> bool | None:
    """Did the CUDA tests pass on this device? None where they have not run."""
    for folder in folders:
        file = folder / f"{device}-tests.json"
        if file.is_file():
            return bool(json.loads(file.read_text())["passed"])
    return None


def test(folders: Sequence[Path], device: str, limit: float) -> bool:
    """Run the tests that are marked `cuda`; their output and result go into every folder."""
    print("\n== tests", flush=True)
    begun = time.monotonic()
    arguments = [
        "-m",
        "pytest",
        "-q",
        "-m",
        "cuda",
        "-p",
        "no:cacheprovider",
        "tests/bench/test_latency_cuda.py",
    ]
    try:
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment(),
            timeout=limit + GRACE_S,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output, passed = result.stdout, result.returncode == 0
    except subprocess.TimeoutExpired as fault:
        output, passed = f"{fault}", False
    seconds = time.monotonic() - begun
    print(output[-3000:], flush=True)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{device}-tests.txt").write_text(output)
        (folder / f"{device}-tests.json").write_text(
            json.dumps({"passed": passed, "seconds": round(seconds)})
        )
    return passed


# -- the steps --------------------------------------------------------------------------------------


class Lines:
    """Progress as lines: a step's points as they end, with the time."""

    def __init__(self, points: int) -> None:
        self.points, self.ended, self.begun = points, 0, time.monotonic()

    def begin(self, steps: int) -> None:
        """Nothing to prepare."""

    def show(self, what: str) -> None:
        """Rounds are not printed."""

    def advance(self) -> None:
        """Nor is each process."""

    def finish(self, what: str) -> None:
        """A point is saved."""
        self.ended += 1
        print(f"  {self.ended} of {self.points}, {time.monotonic() - self.begun:.0f} s {what}", flush=True)


def steps(dry: bool) -> Any:
    """The steps of the plan."""
    import gpu_plan

    return gpu_plan.dry_steps() if dry else gpu_plan.steps()


def plan(chosen: Sequence[Any], folders: Sequence[Path], device: str) -> list[tuple[Any, int, float]]:
    """Each step with the points that it lacks and the seconds that they should take."""
    import gpu_plan

    from archcalc.bench.runner.estimate import Speeds

    rows = []
    for step in chosen:
        keys = gpu_plan.todo(step, folders, device)
        seconds = gpu_plan.seconds(step, keys, Speeds()) if step.keys[0].device == "cuda" else 60.0
        rows.append((step, len(keys), seconds if keys else 0.0))
    return rows


def show(rows: Sequence[tuple[Any, int, float]], test_s: float) -> None:
    """Print the plan."""
    print(f"{'step':<10}{'points':>8}{'left':>6}{'min':>7}")
    print(f"{'tests':<10}{'':>8}{'':>6}{test_s / 60:>7.1f}  the tests that are marked cuda")
    for step, left, seconds in rows:
        print(f"{step.name:<10}{len(step.keys):>8}{left:>6}{seconds / 60:>7.1f}  {step.what}")
    total = test_s + sum(seconds for *_, seconds in rows)
    print(f"{'all':<10}{'':>8}{sum(n for _, n, _ in rows):>6}{total / 60:>7.1f}", flush=True)


def inside(step: Any, folders: Sequence[Path], device: str, limit: float) -> int:
    """In the step's own process: measure what it lacks."""
    import gpu_plan

    from archcalc.errors import ArchcalcError

    keys = gpu_plan.todo(step, folders, device)
    try:
        command = ("benchmarks/gpu.py", *sys.argv[1:])
        gpu_plan.measure(step, keys, folders, device, command, limit, Lines(len(keys)))
    except ArchcalcError as fault:
        print(f"error: {fault.message}\n  {fault.hint}", file=sys.stderr)
        return 1
    return 0


def outside(name: str, arguments: Sequence[str], limit: float) -> int:
    """A step in a process of its own, so that whatever ends it ends nothing else."""
    print(f"\n== {name}", flush=True)
    begun = time.monotonic()
    command = [sys.executable, __file__, *arguments, "--step", name, "--limit", f"{limit:.0f}"]
    try:
        status = subprocess.run(command, cwd=ROOT, env=environment(), timeout=limit + GRACE_S).returncode
    except subprocess.TimeoutExpired:
        status = 1
    print(f"  status {status}, {time.monotonic() - begun:.0f} s", flush=True)
    return status


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, nargs="+", default=[RESULTS], help="where records are kept")
    parser.add_argument("--minutes", type=float, default=9.0, help="begin no further point after so long")
    parser.add_argument("--plan", action="store_true", help="print the plan, measure nothing")
    parser.add_argument("--only", nargs="+", metavar="STEP", help="these steps and no tests")
    parser.add_argument("--dry", action="store_true", help="small steps on a CPU")
    parser.add_argument("--device", help="the record's name; the GPU's by default")
    parser.add_argument("--wheels", type=Path, default=ROOT / "wheels")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """What fits into the minutes; 0 where all of it went well, whether or not more is left."""
    begun = time.monotonic()
    given = options()
    install(given.wheels)
    import gpu_plan

    folders = [folder.resolve() for folder in given.results]
    chosen = steps(given.dry)
    if given.only:
        chosen = tuple(gpu_plan.named(chosen, name) for name in given.only)
    device = given.device or ("dry" if given.dry else "h100" if given.plan else short_name(device_name()))
    if given.step:
        return inside(gpu_plan.named(chosen, given.step), folders, device, given.limit)
    known = tested(folders, device)
    test_s = gpu_plan.TESTS_S if known is None and not given.only and not given.dry else 0.0
    rows = plan(chosen, folders, device)
    show(rows, test_s)
    if given.plan:
        return 0

    def left() -> float:
        return 60 * given.minutes - (time.monotonic() - begun)

    passed = known is not False
    if test_s:
        passed = test(folders, device, left())
    arguments = ["--results", *map(str, folders), "--device", device, *(["--dry"] if given.dry else [])]
    for step, points, _ in rows:
        if not points:
            continue
        if left() < LEAST_S:
            print(f"\nthe time is up before `{step.name}`: the same command goes on there")
            break
        passed = outside(step.name, arguments, min(left(), gpu_plan.LIMIT_S)) == 0 and passed
    after = plan(chosen, folders, device)
    print(f"\nleft: {sum(points for _, points, _ in after)} points; records are in {folders[0]}")
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
