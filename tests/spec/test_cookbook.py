"""The documents of the cookbook in specs/README.md, with parameters worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archcalc
from archcalc import api
from archcalc.document import document
from archcalc.spec import outline

README = Path(__file__).parents[2] / "specs" / "README.md"
RECIPES = {
    text.split("name: ")[1].split("\n")[0]: text
    for text in re.findall(r"````markdown\n(.*?)````", README.read_text(encoding="utf-8"), re.DOTALL)
}


def conv(k: int, source: int, channels: int) -> int:
    """Weights and biases."""
    return k * k * source * channels + channels


PARAMS = {
    "rows": {"rows": conv(3, 3, 16) + conv(1, 16, 8) + conv(3, 8, 24) + 24 * 8 * 8 * 10},
    "columns": {
        "columns-a": conv(3, 3, 16) + conv(1, 16, 16) + 2 * conv(3, 16, 32) + conv(1, 32, 16) + 32 * 256 * 10,
        "columns-b": conv(3, 3, 16)
        + conv(3, 16, 16)
        + conv(1, 16, 16)
        + 3 * conv(3, 16, 32)
        + 2 * conv(1, 32, 16)
        + 32 * 256 * 10,
    },
    "sizes": {
        "sizes-small": conv(3, 3, 8) + conv(3, 8, 8) + 8 * 10,
        "sizes-large": conv(3, 3, 16) + 3 * conv(3, 16, 16) + 16 * 10,
    },
    "inputs": {
        "inputs": conv(3, 3, 8)
        + (conv(1, 8, 16) + conv(3, 16, 12) + conv(1, 8, 12))
        + (conv(1, 12, 24) + conv(3, 24, 12))
        + conv(1, 12, 20),
    },
    "text": {"text": conv(11, 3, 96) + 96 * 55 * 55 * 1000},
}


def test_every_recipe_is_worked_out_here() -> None:
    assert set(PARAMS) == set(RECIPES)


@pytest.mark.parametrize("name", PARAMS)
def test_a_recipe_as_it_stands(name: str) -> None:
    networks = outline.networks(document.parse(RECIPES[name]))
    assert {o.name: api.assemble(o, {}).counts().total.params for o in networks} == PARAMS[name]


def test_a_condition_leaves_a_layer_out() -> None:
    small, large = outline.networks(document.parse(RECIPES["sizes"]))
    pools = [sum(n.op == "maxpool" for n in api.assemble(o, {}).graph().nodes) for o in (small, large)]
    assert pools == [0, 1]


@pytest.mark.parametrize("parent", ["rows.md", "rows.md#rows"])
def test_a_document_extends_another_file(tmp_path: Path, parent: str) -> None:
    (tmp_path / "rows.md").write_text(RECIPES["rows"])
    child = f"---\nname: child\n---\n```arch\nextends : {parent}\nlinear -> avgpool global > linear 5\n```\n"
    (tmp_path / "child.md").write_text(child)
    params = archcalc.load(tmp_path / "child.md").counts().total.params
    assert params == PARAMS["rows"]["rows"] - 24 * 8 * 8 * 10 + 24 * 5


def test_project_takes_the_defaults_of_conv_and_its_own_flags_but_no_activation() -> None:
    made = archcalc.loads(
        "---\nname: p\ninput: 8x8x4\n---\n| a |\n|---|\n| b |\n\n```arch\ndefault conv : bias relu\n"
        "b -> add[ conv 1x1 6 linear | project bn ]\n```\n"
    ).graph()
    assert [(n.op, n.attrs.bias) for n in made.nodes[1:]] == [
        ("conv", True),
        ("conv", True),
        ("bn", False),
        ("add", False),
    ]
