"""Everything that needs a GPU, in one go: `make gpu`; `--dry` does it on a CPU.

1. Installs into `.gpu-site`, without network, the wheels of `wheels/` whose packages this Python lacks.
2. Runs the tests that are marked `cuda`.
3. Measures v1 against v3 and every factorization pair at batch 1, 32 and 256 in tf32 and bf16, eager and as
   CUDA graphs, in three processes; then inception-v3 alone, rows, and wider maps as far as the time goes.

The record is `reports/records/<device>.json`, saved after every point: the same command goes on where the
last one stopped. Only the standard library is imported before step 1.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / ".gpu-site"


def missing(folder: Path) -> list[Path]:
    """The wheels in `folder` whose packages are not installed here."""
    found = []
    for wheel in sorted(folder.glob("*.whl")):
        try:
            importlib.metadata.version(wheel.name.split("-")[0])
        except importlib.metadata.PackageNotFoundError:
            found.append(wheel)
    return found


def install(folder: Path) -> None:
    """Install what is missing, from the folder alone."""
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


def run(arguments: list[str]) -> int:
    """Run a Python module and show how long it took."""
    print("$ python -m", *arguments, flush=True)
    begun = time.monotonic()
    status = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, env=environment()).returncode
    print(f"  status {status}, {time.monotonic() - begun:.0f} s", flush=True)
    return status


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
    found = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    if found.returncode:
        sys.exit(2)
    return found.stdout.strip()


def measurements(dry: bool) -> list[list[str]]:
    """The commands of step 3, what must be there first; each gets `--output` and `--minutes`."""
    if dry:
        where = ["--device", "cpu", "--threads", "1", "--quick", "--batch", "1", "--precision", "fp32"]
        small = ["--channels", "8", "--grid", "8"]
        return [
            ["measure", "lenet-5", *where, "--rows"],
            ["sweep", "3x3", "3x1-1x3", *where, *small],
        ]
    where = ["--device", "cuda", "--precision", "tf32,bf16", "--mode", "eager,graph", "--batch", "1,32,256"]
    alone = ["--device", "cuda", "--precision", "bf16", "--layout", "nhwc"]
    return [
        ["measure", "v1", "v3", "--pair", *where],
        ["sweep", *where],
        ["measure", "v3", *alone, "--batch", "1,128", "--mode", "eager,graph"],
        ["measure", "v1", *alone, "--batch", "32", "--rows"],
        ["sweep", *where, "--channels", "192,768"],
    ]


def main() -> int:
    """All three steps; the exit status is 0 only where each went well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dry", action="store_true", help="on the CPU, in a tiny setting")
    parser.add_argument("--minutes", type=float, default=20.0, help="for the measuring")
    parser.add_argument("--wheels", type=Path, default=ROOT / "wheels")
    parser.add_argument("--output", type=Path, help="the record")
    options = parser.parse_args()
    install(options.wheels)
    default = "build/gpu-dry.json" if options.dry else f"reports/records/{short_name(device_name())}.json"
    output = options.output or ROOT / default
    failed = run(["pytest", "-q", "-m", "cuda", "tests/test_latency_cuda.py"]) != 0
    deadline = time.monotonic() + 60 * options.minutes
    for command in measurements(options.dry):
        left = (deadline - time.monotonic()) / 60
        if left <= 0:
            print("the time is up before:", *command)
            break
        status = run(["archcalc", *command, "--output", str(output), "--minutes", f"{left:.2f}"])
        failed = failed or status != 0
    print(f"the record is {output}" if output.exists() else "there is no record")
    return int(failed or not output.exists())


if __name__ == "__main__":
    sys.exit(main())
