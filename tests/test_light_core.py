"""The core runs on three small packages; a command that lacks an extra says in one line which to install."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from archcalc.errors import EXTRAS, MissingExtraError, missing_extra, requires

ROOT = Path(__file__).parent.parent
CORE = ("markdown_it", "mdit_py_plugins", "mdurl", "yaml", "_yaml")
OPTIONAL = ("torch", "fvcore", "iopath", "torchvision", "numpy", "pandas", "matplotlib", "ray", "pynvml")

#: Refuses every import but those of a list (or, with `deny`, only those of the list).
HOOK = """
import sys

class Gate:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        allowed = top not in {names!r} if {deny!r} else (
            top in {names!r} or top == "archcalc" or top in sys.stdlib_module_names)
        if not allowed:
            raise ModuleNotFoundError(f"No module named {{top!r}}", name=top)
        return None

sys.meta_path.insert(0, Gate())
"""

CORE_WORK = '''
import json, archcalc
from archcalc import export
from archcalc.audit import Audit, audit
from archcalc.cost.compare import compare
from archcalc.spec import library, outline
from archcalc.document import document
from archcalc.views import audit as audit_views, comparison, costs
from archcalc.export.lines.audit import report

TEXT = """---
name: tiny
input: 8x8x3
---
| type | k | c | params |
|---|---|---|---|
| conv | 3x3 | 4 | 108 |

```arch
params : {} = weights
conv -> conv {k} {c} same
```
"""
tiny = archcalc.loads(TEXT)
results = {"macs": tiny.counts().total.macs, "googlenet": archcalc.load("googlenet").counts().total.macs}
parsed = document.parse(TEXT, "tiny.md")
audits = Audit((audit(parsed, outline.networks(parsed)),))
results["passed"] = audits.passed
results["lines"] = [line for line, _ in report(audits)]
counted = [archcalc.load(name).counts() for name in ("v1", "v3")]
for name in export.names():
    results[name] = [
        export.render(name, [costs.costs(counted[0])], lambda: costs.costs_json(counted[0])),
        export.render(name, [comparison.comparison(compare(counted))],
                      lambda: comparison.comparison_json(compare(counted))),
        export.render(name, [audit_views.summary(audits), audit_views.findings(audits)],
                      lambda: audit_views.as_json(audits)),
    ]
results["listed"] = len([o for o in library.shipped()])
import sys
results["loaded"] = sorted({m.partition(".")[0] for m in sys.modules})
print(json.dumps(results))
'''


def python(code: str, names: tuple[str, ...], deny: bool) -> subprocess.CompletedProcess[str]:
    source = HOOK.format(names=names, deny=deny) + code
    return subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_text_to_counts_audits_and_every_format_on_three_packages() -> None:
    done = python(CORE_WORK, CORE, deny=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["macs"] == 8 * 8 * 3 * 3 * 3 * 4
    assert results["googlenet"] == 1582671872
    assert results["passed"] is True
    assert any("1 checked: 1 agree" in line for line in results["lines"])
    for name in ("markdown", "html", "json", "csv", "latex", "plain"):
        table, comparison, audits = results[name]
        assert "inception (3a)" in table
        assert "inception-v3" in comparison
        assert "tiny" in audits
    assert json.loads(results["json"][0])["total"]["macs"] == 1582671872
    assert not set(results["loaded"]) & {*OPTIONAL, "rich", "typer", "click"}


def test_the_hook_blocks() -> None:
    done = python("import rich", CORE, deny=False)
    assert "ModuleNotFoundError" in done.stderr


def test_the_base_install_is_the_core_and_the_command() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base = {re.split(r"[<>=]", d)[0].lower() for d in project["dependencies"]}
    assert base == {"markdown-it-py", "mdit-py-plugins", "pyyaml", "rich", "typer"}
    extras = project["optional-dependencies"]
    for package, extra in EXTRAS.items():
        distribution = {"pynvml": "nvidia-ml-py", "numpy": "pandas"}.get(package, package)
        assert any(d.startswith(distribution) for d in extras[extra]), package
    everything = set(re.findall(r"[\w-]+", extras["all"][0].partition("[")[2]))
    assert everything == set(EXTRAS.values())


RUN = "import sys\nfrom archcalc.cli import run\nsys.exit(run({arguments!r}))"


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (["verify", "lenet"], "torch"),
        (["show", "lenet"], "torch"),
        (["show", "lenet", "--as", "source"], "torch"),
        (["device"], "torch"),
        (["measure", "lenet", "--quick"], "torch"),
        (["sweep", "--quick"], "torch"),
        (["compare", "5x5", "3x3", "--device", "cpu"], "torch"),
        (["sweep", "--quick", "--ray", "2"], "ray"),
        (["report", "lenet"], "matplotlib"),
        (["report"], "matplotlib"),
    ],
)
def test_a_command_without_its_extra_says_which(arguments: list[str], package: str, tmp_path: Path) -> None:
    code = f"import os\nos.chdir({str(tmp_path)!r})\n" + RUN.format(arguments=arguments)
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n" + code
    done = python(code, OPTIONAL, deny=True)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = [x for x in done.stderr.splitlines() if x.strip()]
    assert line.startswith("error: ")
    assert f"needs {package}, which is not installed: `pip install 'archcalc[{EXTRAS[package]}]'`" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["table", "v1", "--format", "html"],
        ["compare", "v1", "v3"],
        ["compare", "5x5", "3x3-3x3", "--record", "cpu", "--set", "width=64"],
        ["audit", "v1"],
        ["show", "lenet", "--as", "graph"],
    ],
)
def test_other_commands_need_no_extra(arguments: list[str]) -> None:
    done = python(RUN.format(arguments=arguments), OPTIONAL, deny=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("call", "package"),
    [
        ("table()", "pandas"),
        ("network()", "torch"),
        ("profile()", "torch"),
        ("verify()", "torch"),
        ("measure()", "torch"),
    ],
)
def test_python_says_the_same(call: str, package: str) -> None:
    code = (
        "import archcalc\n"
        f"try:\n    archcalc.load('lenet').{call}\n"
        "except archcalc.ArchcalcError as fault:\n    print(type(fault).__name__, fault.package)"
    )
    done = python(code, OPTIONAL, deny=True)
    assert done.stdout == f"MissingExtraError {package}\n", done.stderr


def test_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    requires("pytest")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="`x` needs ray"):
        requires("ray", purpose="`x`")


def test_an_import_that_fails_within_names_its_extra() -> None:
    fault = missing_extra(ModuleNotFoundError("no", name="matplotlib.figure"), "`archcalc report`")
    assert fault is not None
    assert "archcalc[plots]" in str(fault)
    assert missing_extra(ModuleNotFoundError("no", name="nosuch")) is None
