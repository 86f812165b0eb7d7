"""Whole-process time and memory of `archcalc table googlenet` against two peers, side by side in one run.

    python benchmarks/startup.py [ROUNDS]

The peers count torchvision's GoogLeNet: torch's own FLOP counter on `meta`, and fvcore. Each round runs the
three commands one after the other; ratios are taken round by round, so that a drifting machine does not
matter. Time is wall-clock, memory the peak resident size of the process as the operating system reports it.
Then, inside this process, the time to count an already parsed inception-v3 and to parse and count every
shipped spec. Needs torchvision (`pip install --no-deps torchvision`).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

TESTS = str(Path(__file__).resolve().parents[1] / "tests")
PRELUDE = f"""
import sys
sys.path.append({TESTS!r})
import torch
import torchvision_import
googlenet = torchvision_import.models(define_first=DEFINE_FIRST).googlenet
"""
TORCH = """
from torch.utils.flop_counter import FlopCounterMode
with torch.device("meta"):
    network = googlenet(weights=None, init_weights=False, aux_logits=False).eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, 224, 224))
print(counter.get_total_flops() // 2)
"""
FVCORE = """
from fvcore.nn import FlopCountAnalysis
network = googlenet(weights=None, init_weights=False, aux_logits=False).eval()
counter = FlopCountAnalysis(network, torch.zeros(1, 3, 224, 224)).unsupported_ops_warnings(False)
print(counter.total())
"""


def commands() -> dict[str, list[str]]:
    """What is timed. Whether torchvision fits this torch is found out before, so that no peer pays for it."""
    sys.path.append(TESTS)
    import torchvision_import

    prelude = PRELUDE.replace("DEFINE_FIRST", str(not torchvision_import.matches()))
    return {
        "archcalc table googlenet": [sys.executable, "-m", "archcalc", "table", "googlenet"],
        "torch FlopCounterMode on meta": [sys.executable, "-c", prelude + TORCH],
        "fvcore FlopCountAnalysis": [sys.executable, "-c", prelude + FVCORE],
    }


def once(command: list[str]) -> tuple[float, float]:
    """Wall-clock seconds and peak resident MiB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:3]} failed with {process.returncode}")
    return seconds, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def best(action: object, rounds: int = 20) -> float:
    """The least of some timings, in milliseconds."""
    assert callable(action)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main() -> None:
    """Print the table of medians and ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    timed = commands()
    for command in timed.values():
        once(command)  # warm the file cache
    runs = [{name: once(command) for name, command in timed.items()} for _ in range(rounds)]
    ours = next(iter(timed))
    print(f"{'whole process':<32}{'seconds':>9}{'MiB':>8}{'time of it':>12}{'memory of it':>14}")
    for name in timed:
        seconds = statistics.median(run[name][0] for run in runs)
        memory = statistics.median(run[name][1] for run in runs)
        faster = statistics.median(run[ours][0] / run[name][0] for run in runs)
        leaner = statistics.median(run[ours][1] / run[name][1] for run in runs)
        print(f"{name:<32}{seconds:>9.3f}{memory:>8.1f}{faster:>12.3f}{leaner:>14.3f}")

    from archcalc import api
    from archcalc.document import document, textfile
    from archcalc.spec import library, outline

    graph = api.load("inception-v3").graph()
    from archcalc.cost import counts

    print(f"\ncount a parsed inception-v3: {best(lambda: counts.count(graph)):.2f} ms")

    def everything() -> None:
        for path in library.paths():
            parsed = document.parse(textfile.read(path), str(path))
            for found in outline.networks(parsed):
                api.assemble(found, {}).counts()

    print(f"parse and count every shipped spec: {best(everything, 3):.0f} ms")


if __name__ == "__main__":
    main()
