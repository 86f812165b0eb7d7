"""Hints know the field's words, suggest nothing that means something else, and help when followed."""

from __future__ import annotations

import contextlib
import re

import pytest
from bad_documents import FRONT, Case, build, cases, refused
from written import ops

import archcalc
from archcalc.errors import ArchcalcError, SpecError
from archcalc.ops.joins import JOINS
from archcalc.ops.table import WRITTEN
from archcalc.spec.checks import SHORTCUTS
from archcalc.spec.synonyms import _CONCEPTS, written_as


def document(rule: str, header: str = "n", cell: str = "3") -> str:
    return f"{FRONT}| type | {header} |\n|---|---|\n| a | {cell} |\n\n```arch\n{rule}\n```\n"


def quoted(hint: str) -> list[str]:
    return re.findall(r"`([^`]*)`", hint)


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("fc", "linear 1000"),
        ("dense", "linear 1000"),
        ("conv2d", "conv 3x3 64"),
        ("sepconv", "dwconv 3x3 > conv 1x1 64"),
        ("BatchNorm", "bn"),
        ("global_avg_pool", "avgpool global"),
        ("GAP", "avgpool global"),
        ("swish", "silu"),
        ("h-swish", "hardswish"),
        ("identity", "pass"),
        ("residual", "add[ … | skip ]"),
        ("cat", "concat[ … | … ]"),
        ("se", "multiply[ skip | avgpool global > linear {r} relu > linear {c} sigmoid ]"),
    ],
)
def test_a_word_of_the_field_is_answered_with_what_is_written_here(word: str, written: str) -> None:
    fault = refused(document(f"a -> {word} {{n}}"))
    assert fault.message == f"no op or block is called `{word}`"
    assert quoted(fault.hint) == [written]


@pytest.mark.parametrize(
    ("word", "misled"),
    [("ln", "lrn"), ("attention", "flatten"), ("upsample", "scale"), ("deconv", "dwconv"), ("lstm", "lrn")],
)
def test_no_op_is_suggested_that_means_something_else(word: str, misled: str) -> None:
    """Where there is an op for it by now, that one is named; where not, the hint says so."""
    with pytest.raises(ArchcalcError) as caught:
        archcalc.loads(document(f"a -> conv 1x1 {{n}} > {word}")).graph()
    assert f"`{misled}`" not in caught.value.hint
    if "is called" in caught.value.message:
        assert caught.value.hint.startswith("there is no op for ")


@pytest.mark.parametrize("concept", _CONCEPTS, ids=lambda concept: concept.words.split()[0])
def test_what_a_hint_writes_is_in_the_language(concept: object) -> None:
    words = {*WRITTEN, *JOINS, *SHORTCUTS}
    word, op = concept.words.split()[0], concept.op  # type: ignore[attr-defined]
    hint = written_as(word, words)
    if op not in words:
        assert hint.startswith("there is no op for ")
        return
    text = concept.written.replace("…", "conv 1x1 3").replace("{r}", "2").replace("{c}", "3")  # type: ignore[attr-defined]
    before = "conv 3x3 4 same > " if op == "shuffle" else ""
    made = archcalc.loads(document(f"a -> {before}{text} > conv 1x1 {{n}}")).graph()
    assert op in ops(made) or op in ("pass", "flatten")


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("stride=2", "a stride stands behind the kernel: `conv 3x3/2 64`"),
        ("padding=1", "padding is written `same`, `valid` or `pad=1`"),
        ("batch_norm", "batch normalisation is written `bn`"),
        ("swish", "this activation is written `silu`"),
        ("kernel_size=3", "a kernel stands behind the op: `conv 3x3 64`"),
    ],
)
def test_flags_of_other_tools_are_known(flag: str, hint: str) -> None:
    assert refused(document(f"a -> conv 3x3 {{n}} {flag}")).hint == hint


@pytest.mark.parametrize("header", ["# bits", "x:y", "a=b", "match", "default x", "bits #"])
def test_setting_a_column_aside_as_the_hint_says_sets_it_aside(header: str) -> None:
    text = document("a -> conv 1x1 8", header)
    hint = refused(text).hint
    aside = next(line for line in quoted(hint) if line.endswith(" : …"))
    claim = next(line for line in quoted(hint) if line.endswith(" = params"))
    for line in (aside, claim):
        archcalc.loads(text.replace("```arch\n", f"```arch\n{line}\n")).graph()


def test_what_is_known_in_a_row_leaves_out_the_row_below() -> None:
    text = document("a -> conv 1x1 {n} > conv 1x1 {qqq}").replace("| a | 3 |\n", "| a | 3 |\n| a | 4 |\n")
    assert refused(text).hint == "known here: `type`, `n`, `in`"


_NAMED = [case for case in cases() if case.hint.startswith("did you mean ")]


@pytest.mark.parametrize("case", _NAMED, ids=[case.name for case in _NAMED])
def test_what_a_hint_means_in_place_of_what_stands_there_is_another_document(case: Case) -> None:
    """The fault is gone, whatever else the document may lack."""
    line, start, end = case.place
    for name in quoted(case.hint):
        lines = case.text.split("\n")
        lines[line - 1] = lines[line - 1][:start] + name + lines[line - 1][end:]
        assert _fault("\n".join(lines)) != case.message, name


def _fault(text: str) -> str:
    """The message with which a text is refused; empty where it is counted."""
    with contextlib.suppress(SpecError):
        build(text)
        return ""
    message = refused(text).message
    assert "does not belong here" not in message
    return message
