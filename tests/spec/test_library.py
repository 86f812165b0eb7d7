"""Names of networks, variables and inputs, and `extends` over files."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_documents import ARCH, FRONT, GOOD, refused_file

import archcalc
from archcalc.errors import ArchcalcError, SpecError, suggest

# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("inception-v33", "no network is called `inception-v33`", "did you mean `inception-v3`"),
        ("Googlenet", "no network is called `Googlenet`", "did you mean `googlenet`"),
        ("", "no network is called ``", "`archcalc list`"),
        ("qqqqqqqq", "no network is called `qqqqqqqq`", "`archcalc list`"),
        ("resnet", "`resnet` is a family of networks", "choose one: "),
        ("x" * 10_000, "no network is called", "`archcalc list`"),
        ("a\nb", "no network is called", ""),
        ("\x1b[2J", "no network is called", ""),
        (".*", "no network is called", ""),
    ],
)
def test_unknown_networks(name: str, message: str, hint: str) -> None:
    fault = refused_file(name)
    assert message in fault.message
    assert hint in fault.hint
    assert all(line.isprintable() for line in fault.render().split("\n"))


def test_a_network_of_a_file_is_named_behind_a_sharp(tmp_path: Path) -> None:
    path = tmp_path / "two.md"
    network = "| type | n |\n|---|---|\n| a | 3 |\n\n"
    path.write_text(FRONT + f"# one\n{network}# two\n{network}# rules\n{ARCH}")
    assert archcalc.load(f"{path}#two").name == "two"
    several = refused_file(path)
    assert "holds several networks" in several.message
    assert several.hint.endswith("one, two")
    unknown = refused_file(f"{path}#tow")
    assert "holds no network called `tow`" in unknown.message
    assert unknown.hint == "did you mean `two`?"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, True, object()])
def test_a_variable_must_be_a_number_or_a_name(value: object) -> None:
    with pytest.raises(ArchcalcError, match="`width` cannot be set to"):
        archcalc.load("mobilenet-v2", width=value)


def test_unknown_variables_are_told() -> None:
    with pytest.raises(ArchcalcError, match="`mobilenet-v2` has no variable `widht`") as caught:
        archcalc.load("mobilenet-v2", widht=1)
    assert caught.value.hint == "did you mean `width`?"


@pytest.mark.parametrize("side", [0, -1, (3, 0, 5), (1, 2), 10**12, (3, 224.5, 224), "224"])
def test_an_impossible_input_is_refused(side: object) -> None:
    with pytest.raises(ArchcalcError, match="input") as caught:
        archcalc.load("googlenet").counts(input=side)  # type: ignore[arg-type]
    assert caught.value.hint


def test_a_hint_needs_a_near_name() -> None:
    assert suggest("inception-v33", ["inception-v3", "vgg-16"]) == "did you mean `inception-v3`?"
    assert suggest("CONV", ["conv"]) == "did you mean `conv`?"
    assert suggest("convolution", ["conv", "pool"]) == "did you mean `conv`?"
    assert suggest("zebra", ["conv", "pool"]) == ""
    assert suggest("x", []) == ""


# -- circles over files ----------------------------------------------------------------------------


def _extending(name: str, parent: str) -> str:
    return f"---\nname: {name}\nextends: {parent}\n---\n"


def test_extends_goes_round_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(_extending("a", "b.md"))
    (tmp_path / "b.md").write_text(_extending("b", "c.md"))
    (tmp_path / "c.md").write_text(_extending("c", "a.md"))
    fault = refused_file(tmp_path / "a.md")
    assert isinstance(fault, SpecError)
    assert fault.message == "`extends` goes round in a circle: a -> b -> c -> a"
    assert fault.span is not None
    assert (Path(fault.span.file).name, fault.span.line, fault.span.start) == ("a.md", 3, 9)


def test_two_files_may_hold_networks_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "parent.md").write_text(GOOD)
    (tmp_path / "child.md").write_text(
        _extending("bad", "parent.md") + "```arch\na -> conv 3x3 {n} same\n```\n"
    )
    assert archcalc.load(tmp_path / "child.md").counts().total.macs == 32 * 32 * 81


def test_a_parent_looks_for_its_own_parent_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "child.md").write_text(_extending("child", "inner/parent.md"))
    (tmp_path / "inner" / "parent.md").write_text(_extending("parent", "base.md"))
    (tmp_path / "inner" / "base.md").write_text(GOOD)
    assert archcalc.load(tmp_path / "child.md").counts().total.macs == 32 * 32 * 9


def test_a_fault_in_a_parent_points_into_the_parents_file(tmp_path: Path) -> None:
    (tmp_path / "parent.md").write_text(GOOD.replace("{n}", "{n} smae"))
    (tmp_path / "child.md").write_text(_extending("child", "parent.md"))
    fault = refused_file(tmp_path / "child.md")
    assert isinstance(fault, SpecError)
    assert fault.span is not None
    assert fault.span.file == str(tmp_path / "parent.md")


def test_a_missing_parent_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "child.md").write_text(_extending("child", "parent.md"))
    fault = refused_file(tmp_path / "child.md")
    assert isinstance(fault, SpecError)
    assert str(fault.span) == f"{tmp_path / 'child.md'}:3:10"
    assert "there is no file" in fault.message
