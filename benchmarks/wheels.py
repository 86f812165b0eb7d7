"""Fill a folder with what archcalc needs beside torch: `benchmarks/wheels.py FOLDER [PYTHON]`.

For Linux on x86-64 and another machine's Python (3.12 unless given), in the versions of `constraints.txt`.
What is published only as source (fvcore, iopath) is built here; it is plain Python.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("fvcore", "iopath")
# What measuring and its tests import; tables, plots and the other tests need more.
NEEDED = (
    "markdown-it-py", "mdurl", "mdit-py-plugins", "typer", "annotated-doc", "shellingham", "rich",
    "pygments", "pyyaml", "yacs", "tabulate", "termcolor", "portalocker", "tqdm",
    "pytest", "iniconfig", "pluggy", "packaging", "hypothesis", "sortedcontainers", "nvidia-ml-py",
)  # fmt: skip
# What comes with torch and torchvision.
THERE = frozenset({
    "torch", "torchvision", "numpy", "pillow", "triton", "setuptools", "typing-extensions", "filelock",
    "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "sympy", "pip",
})  # fmt: skip
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
)


def main() -> int:
    """Build and download; the exit status of the first step that failed."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "wheels")
    version = sys.argv[2] if len(sys.argv) > 2 else "3.12"
    pip = [sys.executable, "-m", "pip"]
    pinned = ["-c", str(ROOT / "constraints.txt")]
    status = subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", *pinned, "-w", str(folder), *SOURCES]
    ).returncode
    target = ["--python-version", version, "--implementation", "cp", "--only-binary=:all:"]
    for platform in PLATFORMS:
        target += ["--platform", platform]
    return (
        status
        or subprocess.run(
            [*pip, "download", "--quiet", "--no-deps", *pinned, *target, "-d", str(folder), *NEEDED]
        ).returncode
    )


if __name__ == "__main__":
    sys.exit(main())
