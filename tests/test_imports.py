"""The order of the rooms, in one list, and what may be loaded where."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "archcalc"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
ROOMS = list(reversed(next(c["layers"] for c in CONTRACTS if c["name"] == "rooms")))

#: What a table is answered without: each takes longer to load than the answer.
HEAVY = ("torch", "fvcore", "pandas", "matplotlib", "numpy", "torchvision", "iopath", "lark", "yaml")


def _modules() -> dict[str, Path]:
    modules = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def _imports(tree: ast.AST) -> Iterator[str]:
    """Every imported name as `module` or `module.name`, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = _modules()


def test_contributing_prints_the_order_that_is_held() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    printed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert printed == [room for room in ROOMS if room != "__main__"]


def test_the_root_holds_ten_modules_at_most() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 10


def test_no_type_is_defined_twice() -> None:
    places: dict[str, str] = {}
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert node.name not in places, f"{node.name} is defined in {places[node.name]} and {name}"
                places[node.name] = name


def test_nothing_but_their_tables_switches_on_an_ops_name() -> None:
    """What another room asks of an op stands in its entry."""
    names = "|".join(("conv", "dwconv", "linear", "maxpool", "avgpool", "bn", "relu", "softmax", "concat"))
    compared = re.compile(rf'\.op (?:==|!=|in) \(?"(?:{names})"|\.(?:op|family) in (?:OPS|JOINS)')
    users = [name for name, path in MODULES.items() if compared.search(path.read_text("utf-8"))]
    assert users == []


def _loaded(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after `code`."""
    ask = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_archcalc_costs_next_to_nothing() -> None:
    loaded = _loaded("import archcalc")
    assert {name for name in loaded if name.startswith("archcalc")} == {"archcalc", "archcalc.version"}


@pytest.mark.parametrize(
    "code",
    [
        "import archcalc, archcalc.api, archcalc.spec.library, archcalc.cost.counts",
        "import archcalc\narchcalc.load('googlenet').counts(heads=True)",
        "import archcalc\nfor name in ('mobilenet-v2', 'resnet-50', 'vgg-16'): archcalc.load(name).counts()",
        "from archcalc.spec import library\nlibrary.shipped()",
        "from archcalc.cli import run\nassert run(['list']) == 0",
        "from archcalc.cli import run\nassert run(['table', 'googlenet']) == 0",
        "from archcalc.cli import run\nassert run(['table', 'googlenet', '--format', 'json']) == 0",
        "from archcalc.cli import run\nassert run(['compare', 'v1', 'v3']) == 0",
        "from archcalc.cli import run\nassert run(['audit', 'googlenet']) == 0",
        "from archcalc.cli import run\nassert run(['table', 'nosuch']) == 2",
    ],
)
def test_a_table_is_answered_without_what_loads_slowly(code: str) -> None:
    loaded = {name.split(".")[0] for name in _loaded(code)}
    assert not loaded & set(HEAVY)


def test_one_module_knows_fvcore() -> None:
    """Its last release is old and traces through a private interface of torch."""
    users = [
        name
        for name, path in MODULES.items()
        if any(i.startswith("fvcore") for i in _imports(ast.parse(path.read_text("utf-8"))))
    ]
    assert users == ["archcalc.nn.profiler"]
