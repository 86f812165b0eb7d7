"""The order of archcalc's stages, in one list, and what may be loaded where."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "archcalc"

#: One way through the code: a module or package imports only what stands before it.
LAYERS = (
    # text
    "errors", "units", "vocabulary", "text", "textfile", "frontmatter", "document",
    # language
    "patterns", "arithmetic", "ops", "grammar", "statements", "outline", "columns", "rows", "wording", "spec",
    # networks and their costs
    "scope", "sizing", "graph", "places", "expand", "counts", "library", "claims",
    # networks in torch
    "layers", "network", "profiler", "verify",
    # results as tables
    "compare", "tables", "markdown", "terminal", "files", "audit",
    # the Python interface; measuring
    "timing", "api", "show", "views", "latency", "records", "measured", "measured_views",
    # reports and commands
    "plots", "report", "cli", "__main__",
)  # fmt: skip

#: Imports against the order, inside functions: the table of ops names the layers that torch lacks, and the
#: Python interface, which all that follows may use, shows itself in a notebook and measures itself.
LAZY = {("ops", "layers"), ("api", "views"), ("api", "latency")}

#: What a table is answered without: each takes longer to load than the answer.
HEAVY = ("torch", "fvcore", "pandas", "matplotlib", "numpy", "torchvision", "iopath")


def _modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(tree: ast.AST, lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """Every imported name as `module` or `module.name`, and whether a function imports it."""
    for node in ast.iter_child_nodes(tree):
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(node, ast.Import):
            yield from ((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from ((f"{node.module}.{alias.name}", inside) for alias in node.names)
        yield from _imports(node, inside)


def _top(name: str) -> str:
    """`timing` for `archcalc.bench.records.record`; empty for the package itself."""
    return [*name.split("."), ""][1]


MODULES = _modules()


def test_every_module_has_its_place() -> None:
    assert {_top(name) for name in MODULES} - {""} == set(LAYERS)
    assert len(set(LAYERS)) == len(LAYERS)


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_to_earlier_stages(name: str) -> None:
    own = _top(name)
    if not own:
        return  # the package's door opens lazily on all of it
    for imported, lazy in _imports(ast.parse(MODULES[name].read_text("utf-8"))):
        if not imported.startswith("archcalc."):
            continue
        other = _top(imported)
        if other not in LAYERS or other == own or (lazy and (own, other) in LAZY):
            continue  # `from archcalc import __version__`; a package's own modules
        assert LAYERS.index(other) < LAYERS.index(own), f"{name} imports {imported}, which is a later stage"


def test_lazy_exceptions_are_still_needed() -> None:
    found = {
        (_top(n), _top(i))
        for n, p in MODULES.items()
        for i, lazy in _imports(ast.parse(p.read_text()))
        if lazy
    }
    assert found >= LAZY


def _loaded(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after `code`."""
    ask = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_archcalc_costs_next_to_nothing() -> None:
    loaded = _loaded("import archcalc")
    assert {name for name in loaded if name.startswith("archcalc")} == {"archcalc"}


@pytest.mark.parametrize(
    "code",
    [
        "import archcalc, archcalc.api, archcalc.spec.library, archcalc.cost.counts",
        "import archcalc\narchcalc.load('googlenet').counts(heads=True)",
        "import archcalc\nfor name in ('mobilenet-v2', 'resnet-50', 'vgg-16'): archcalc.load(name).counts()",
        "from archcalc import library\nlibrary.shipped()",
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
        n
        for n, p in MODULES.items()
        if any(i.startswith("fvcore") for i, _ in _imports(ast.parse(p.read_text())))
    ]
    assert users == ["archcalc.nn.profiler"]
