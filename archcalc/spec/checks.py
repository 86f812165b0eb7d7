"""The words of rules, blocks and defaults against the table of ops, before any row is built.

Reported here is what is wrong whatever a row's cells hold: an unknown op, join, flag or block, a size too
many, a flag without its number. What depends on cells is reported where they are read, in `lower`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from archcalc.errors import Span, SpecError, suggest
from archcalc.ops import table as ops
from archcalc.ops.joins import JOINS
from archcalc.ops.op import Op
from archcalc.ops.table import RESERVED, WRITTEN
from archcalc.spec import arithmetic
from archcalc.spec.sizes import SizeWord
from archcalc.spec.synonyms import flag_written_as, op_called, written_as
from archcalc.spec.syntax import BlockCall, Chain, Expression, Join, Layer, LayerFlag, Repeat

if TYPE_CHECKING:
    from archcalc.spec.statements import Block, Default, Statements

SHORTCUTS: Final = ("skip", "project")
_RESERVED: Final = (*RESERVED, *SHORTCUTS, "total", "x")


_THE_OPS: Final = "the ops are: " + ", ".join(WRITTEN)


def check(statements: Statements) -> None:
    """Raise `SpecError` at the first word that no network could be built from."""
    for block in statements.blocks.values():
        if block.name in _RESERVED:
            raise SpecError(f"`{block.name}` has a meaning of its own", block.span, "rename the block")
    for default in statements.defaults.values():
        _default(default)
    for rule in statements.rules:
        if isinstance(rule.body, Chain):
            _chain(rule.body, statements.blocks)
    for block in statements.blocks.values():
        _chain(block.body, statements.blocks)


def _default(default: Default) -> None:
    op = WRITTEN.get(default.op)
    if op is None:
        hint = op_called(default.op, WRITTEN) or suggest(default.op, list(WRITTEN)) or _THE_OPS
        raise SpecError(f"no op is called `{default.op}`", default.span, hint)
    _flags(op, default.flags)


def _chain(chain: Chain, blocks: Mapping[str, Block]) -> None:
    for item in chain.items:
        _item(item, blocks)


def _item(item: Expression, blocks: Mapping[str, Block]) -> None:
    if isinstance(item, Layer):
        _layer(item, blocks)
    elif isinstance(item, BlockCall):
        if item.name not in blocks:
            raise _unknown(item.name, item.span, blocks)
    elif isinstance(item, Join):
        _join(item, blocks)
    elif isinstance(item, Repeat):
        _item(item.body, blocks)
    else:
        _chain(item, blocks)


def _unknown(name: str, span: Span, blocks: Mapping[str, Block]) -> SpecError:
    words = (*WRITTEN, *JOINS)
    hint = (
        suggest(name, list(blocks))
        or written_as(name, words)
        or suggest(name, [*WRITTEN, *blocks, *SHORTCUTS])
        or _THE_OPS
    )
    if name in WRITTEN:
        hint = f"`{name}` is an op: its words follow without parentheses"
    elif name in JOINS:
        hint = f"its branches stand in square brackets: `{name}[ … | … ]`"
    what = "block" if name in WRITTEN else "op or block"
    return SpecError(f"no {what} is called `{name}`", span, hint)


def _join(join: Join, blocks: Mapping[str, Block]) -> None:
    if join.kind not in JOINS:
        hint = suggest(join.kind, list(JOINS)) or written_as(join.kind, JOINS)
        hint = hint or "branches are joined by " + ", ".join(JOINS)
        raise SpecError(f"no join is called `{join.kind}`", join.span, hint)
    for branch in join.branches:
        word = branch.items[0] if len(branch.items) == 1 else None
        if not (isinstance(word, Layer) and word.name in SHORTCUTS):
            _chain(branch, blocks)
            continue
        if word.sizes or (word.flags and word.name == "skip"):
            hint = "`skip` is the input as it is; `project` takes its sizes from the other branches"
            raise SpecError(f"`{word.name}` has no sizes", word.span, hint)
        if word.name == "project" and join.kind != "add":
            hint = "it brings the input to the shape of what it is added to"
            raise SpecError("`project` stands in `add[ … ]`", word.span, hint)
        if word.name == "project":
            _flags(WRITTEN["conv"], word.flags)


def _layer(layer: Layer, blocks: Mapping[str, Block]) -> None:
    op = WRITTEN.get(layer.name)
    if op is not None:
        _flags(op, layer.flags)  # first: `3 x 3` is three words, of which one is no flag
        _sizes(op, layer)
        return
    if layer.name in SHORTCUTS:
        hint = f"`add[ … | {layer.name} ]`"
        raise SpecError(f"`{layer.name}` is a branch of its own", layer.name_span, hint)
    if layer.name not in blocks:
        raise _unknown(layer.name, layer.name_span, blocks)
    if layer.sizes or layer.flags:
        names = " ".join(f"{p.name}=…" for p in blocks[layer.name].parameters)
        hint = f"give it arguments in parentheses: `{layer.name}({names})`" if names else "it takes no words"
        raise SpecError(f"`{layer.name}` is a block", layer.span, hint)


def _sizes(op: Op, layer: Layer) -> None:
    for what, word in zip(op.sizes, layer.sizes, strict=False):
        if what == "channels" and (word.stride or len(word.parts) > 1):
            hint = "channels are one number; a kernel and its stride stand before it: `conv 3x3/2 64`"
            raise SpecError(f"`{word.text}` is not a number of channels", word.span, hint)
    required = [s for s in op.sizes if not s.endswith("?")]
    if len(required) <= len(layer.sizes) <= len(op.sizes):
        return
    need = " and ".join(s.rstrip("?") for s in op.sizes)
    if not op.sizes:
        raise SpecError(f"`{op.name}` takes no sizes", layer.sizes[0].span, f"{op.name}: {op.about}")
    count = f"{len(layer.sizes)} size" + "s" * (len(layer.sizes) != 1)
    raise SpecError(f"`{op.name}` takes {need}, not {count}", layer.span, f"{op.name}: {op.about}")


def _flags(op: Op, flags: tuple[LayerFlag, ...]) -> None:
    known = ops.flags_of(op)
    seen: dict[str, LayerFlag] = {}
    for flag in flags:
        if flag.name not in known:
            raise SpecError(
                f"`{op.name}` has no flag `{flag.name}`", flag.name_span, _flag_hint(op, flag.name)
            )
        if ops.takes_number(flag.name) and not flag.values:
            raise SpecError(f"`{flag.name}` needs a number", flag.span, f"write `{flag.name}=n`")
        if flag.values and not ops.takes_number(flag.name):
            raise SpecError(f"`{flag.name}` takes no number", flag.span, f"write `{flag.name}` alone")
        if flag.name != "maps" and len(flag.values) > 1:
            raise SpecError(f"`{flag.name}` takes one value", flag.values[1].span, f"write `{flag.name}=n`")
        for word in flag.values:
            _plain_value(flag.name, word)
        if flag.name in seen:
            raise SpecError(f"`{flag.name}` stands twice", flag.span, "keep one")
        for rival in ops.group_of(flag.name) & seen.keys():
            # A flag whose cell may be blank gives way to the other one.
            if not (_from_cell(flag) or _from_cell(seen[rival])):
                raise SpecError(f"`{flag.name}` contradicts `{rival}`", flag.span, "keep one")
        seen[flag.name] = flag


def _plain_value(flag: str, word: SizeWord) -> None:
    pair = flag in ("pad", "dilation")
    if word.stride or len(word.parts) > (2 if pair else 1):
        hint = f"`{flag}=1` or, for height and width, `{flag}=1x2`" if pair else f"write `{flag}=n`"
        raise SpecError(f"`{word.text}` is not a value of `{flag}`", word.span, hint)


def _from_cell(flag: LayerFlag) -> bool:
    return any(
        not isinstance(part, arithmetic.Literal)
        for word in flag.values
        for part in (*word.parts, *word.stride)
    )


def _flag_hint(op: Op, name: str) -> str:
    if name == "x":
        return "a size has no blanks: `3x3`; a repetition stands before what it repeats: `3 x conv 3x3 64`"
    known = sorted(ops.flags_of(op))
    if not known:
        return f"`{op.name}` takes no flags"
    return flag_written_as(name, known) or suggest(name, known) or "its flags: " + ", ".join(known)
