"""Options and names that nearly mean something: one message that says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from console import archcalc

SPEC = """---
name: tiny
input: 8x8x3
---
| layer | c |
|---|---|
| conv | 4 |

```arch
conv -> conv 3x3 {c} same
```
"""


@pytest.mark.parametrize("command", ["measure lenet", "sweep"])
@pytest.mark.parametrize("minutes", ["nan", "inf", "-inf", "-1", "x"])
def test_minutes_are_a_number(command: str, minutes: str) -> None:
    result = archcalc(*command.split(), f"--minutes={minutes}")
    assert (result.status, result.stdout) == (2, "")
    assert "--minutes" in result.stderr


@pytest.mark.parametrize("command", ["measure lenet", "sweep", "device", "compare 5x5 3x3"])
@pytest.mark.parametrize("device", ["gpu", "GPU", "gpu:0", "cuda:1", "nvidia"])
def test_a_gpu_is_cuda(command: str, device: str) -> None:
    result = archcalc(*command.split(), "--device", device)
    assert (result.status, result.stdout) == (2, "")
    assert f"no device is called `{device}`" in result.stderr
    assert "is `cuda`" in result.stderr
    assert "`cpu`" not in result.stderr


@pytest.mark.parametrize("name", ["a#b.md", "folder#1/net.md", "#.md"])
@pytest.mark.parametrize("command", ["table {}", "audit {}", "compare {} lenet", "show {} --as graph"])
def test_names_of_files_with_a_hash(command: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(SPEC)
    for target in (str(path), f"{path}#tiny"):
        result = archcalc(*command.format(target).split())
        assert result.status == 0 or "claims nothing" in result.stderr, result.stderr
    wrong = archcalc("table", f"{path}#tinyy")
    assert wrong.status == 2
    assert "did you mean `tiny`" in wrong.stderr


def test_a_hash_without_a_file(tmp_path: Path) -> None:
    for name in ("#", "v1#", "#v1", f"{tmp_path}/none.md#x"):
        result = archcalc("table", name)
        assert result.status == 2
        assert "hint:" in result.stderr
