"""A layer's words -> a `LayerRequest`: its sizes and flags as numbers, over the defaults of its op."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archcalc.errors import SpecError
from archcalc.numbers import Number, decide, every
from archcalc.ops import table as ops
from archcalc.ops.op import NORM, LayerRequest, Op, Pair
from archcalc.spec.arithmetic import BLANK
from archcalc.spec.scope import Scope, integer, parts
from archcalc.spec.sizes import SizeWord
from archcalc.spec.syntax import Layer, LayerFlag

if TYPE_CHECKING:
    from archcalc.shapes import Shape
    from archcalc.spec.statements import Default

Sizes = tuple[Pair | None, Pair | None, Number | None]
Flags = dict[str, tuple[Number, ...]]
Behind = tuple[tuple[Op, LayerRequest], ...]


class Sizing:
    """Reads the words of layers; remembers what comes out the same each time."""

    def __init__(self, defaults: Mapping[str, Default]) -> None:
        self.defaults = defaults
        self._constant: dict[tuple[str, int], Flags] = {}
        self._lasting: set[int] = set()  # the identities of the flags in `_constant`, which keeps them alive
        self._behind: dict[int, Behind] = {}

    def request(self, op: Op, layer: Layer, scope: Scope, source: Shape) -> LayerRequest | None:
        """What `layer` asks for, where `source` comes in; None where one of its sizes is blank or 0.

        Raises `SpecError` at the word, or at the cell from which it has its value.
        """
        try:
            sizes = self.sizes(op, layer, scope, source)
            return None if sizes is None else LayerRequest(*sizes, self.flags(op, layer.flags, scope, source))
        except SpecError as fault:
            words = (*layer.sizes, *(word for flag in layer.flags for word in flag.values))
            raise scope.blamed(fault, words) from None

    def sizes(self, op: Op, layer: Layer, scope: Scope, source: Shape) -> Sizes | None:
        """Kernel, stride and channels of a layer; None where one is blank or no channels are left."""
        kernel: Pair | None = None
        stride: Pair | None = None
        channels: Number | None = None
        for what, word in zip(op.sizes, layer.sizes, strict=False):
            numbers, behind = parts(word, scope, source)
            if numbers is BLANK:
                return None
            if what == "channels":
                if len(numbers) != 1 or behind:
                    size = "x".join(str(n) for n in numbers) + ("/…" if behind else "")
                    hint = "channels are one number; kernel and stride stand before it: `conv 3x3/2 64`"
                    raise SpecError(f"`{size}` is not a number of channels", word.span, hint)
                channels = integer(numbers[0], word.span, "the number of channels")
                if channels == 0 if isinstance(channels, int) else decide(channels == 0):
                    return None
            else:
                kernel = _pair(numbers, word, "a kernel")
                stride = _pair(behind, word, "a stride") if behind else None
        return kernel, stride, channels

    def flags(self, op: Op, own: tuple[LayerFlag, ...], scope: Scope, source: Shape) -> Flags:
        """A layer's flags over the defaults of its op: of a group, the last one written holds."""
        known = self._constant.get((op.name, id(own)))
        if known is not None:
            return known
        default = self.defaults.get(op.name) or self.defaults.get(op.family)
        flags: Flags = {}
        for given in (default.flags if default else ()), own:
            here: set[str] = set()
            inherited = default is not None and given is default.flags and default.op != op.name
            for flag in given:
                if inherited and flag.name not in ops.flags_of(op):
                    continue  # a family's default may hold what this member does not know
                values = _flag(flag, scope, source)
                if values is None:
                    continue
                rivals = ops.group_of(flag.name)
                if clash := (here & rivals) - {flag.name}:
                    rival = next(iter(clash))
                    raise SpecError(f"`{flag.name}` contradicts `{rival}`", flag.span, "keep one")
                here.add(flag.name)
                flags = {k: v for k, v in flags.items() if k not in rivals}
                flags[flag.name] = values
        words = [word for flag in (*(default.flags if default else ()), *own) for word in flag.values]
        if all(word.constant is not None for word in words):
            self._constant[op.name, id(own)] = flags
            self._lasting.add(id(flags))
        return flags

    def behind(self, flags: Mapping[str, tuple[Number, ...]], scope: Scope, source: Shape) -> Behind:
        """The normalisation and the activation that a layer's flags put behind it, in this order."""
        known = self._behind.get(id(flags))
        if known is not None:
            return known
        # the flag `linear` means no activation; it only shares its name with an op
        words = [ops.OPS[f] for f in flags if f in ops.OPS and f != "linear"]
        words.sort(key=lambda op: op.role != NORM)
        made = tuple((op, LayerRequest(None, None, None, self.flags(op, (), scope, source))) for op in words)
        if id(flags) in self._lasting and all(id(request.flags) in self._lasting for _, request in made):
            self._behind[id(flags)] = made
        return made


def _pair(numbers: Sequence[Number], word: SizeWord, what: str) -> Pair:
    if len(numbers) > 2:
        size = "x".join(str(n) for n in numbers)
        hint = "it has a height and a width, or one number for both"
        raise SpecError(f"`{size}` is not {what}", word.span, hint)
    for n in numbers:
        if not every(integer(n, word.span, what) > 0):
            raise SpecError(f"{what} of {n} covers nothing", word.span, "1 at least")
    return numbers[0], numbers[-1]


def _flag(flag: LayerFlag, scope: Scope, source: Shape) -> tuple[Number, ...] | None:
    """A flag's numbers; None where one of them is blank: the flag is then not there."""
    values: list[Number] = []
    for word in flag.values:
        numbers, _ = parts(word, scope, source)
        if numbers is BLANK:
            return None
        for value in numbers:
            _check_value(flag, value, word)
        values.extend(numbers)
    return tuple(values)


def _check_value(flag: LayerFlag, value: Number, word: SizeWord) -> None:
    if flag.name == "eps":
        return
    if flag.name == "p":
        if not every(value < 1):
            raise SpecError("`p` is a share of all activations", word.span, "40% is `p=0.4`")
        return
    integer(value, word.span, f"`{flag.name}`")
    if flag.name not in ("pad", "maps") and not every(value > 0):
        raise SpecError(f"`{flag.name}` of {value}", word.span, "1 at least")
