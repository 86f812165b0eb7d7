"""What a caller writes of a layer -> a `LayerRequest`: sizes and flags, or why they are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.errors import ArchcalcError
from archcalc.numbers import Number, every, exact, is_whole
from archcalc.ops.op import LayerRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.ops.op import Op


def request(
    op: Op, kernel: Any, stride: Any, channels: Any, flags: Mapping[str, tuple[Any, ...]]
) -> LayerRequest:
    """A layer's sizes, of which an op takes some and needs some. Raises `ArchcalcError`."""
    given = {"kernel": kernel, "channels": channels}
    known = {name.rstrip("?") for name in op.sizes}
    for name, value in (*given.items(), ("stride", stride)):
        if value is not None and ("kernel" if name == "stride" else name) not in known:
            raise ArchcalcError(f"`{op.name}` has no {name}", "leave it out")
    for name in op.sizes:
        if not name.endswith("?") and given[name] is None:
            raise ArchcalcError(f"`{op.name}` needs its {name}", f"`{name}=…`")
    width = None if channels is None else size(channels, "channels")
    return LayerRequest(pair(kernel, "a kernel"), pair(stride, "a stride"), width, flags)


def pair(given: Any, what: str) -> tuple[Number, Number] | None:
    """A kernel or a stride, as a height and a width or as one number for both; None for None."""
    if given is None:
        return None
    sides = given if isinstance(given, tuple) else (given, given)
    if len(sides) != 2:
        hint = "it has a height and a width, or one number for both"
        raise ArchcalcError(f"`{given!r}` is not {what}", hint)
    return size(sides[0], what), size(sides[1], what)


def size(value: Any, what: str) -> Number:
    """A whole number above 0, or an array of them."""
    number = exact(value)
    if number is None or not is_whole(number) or not every(number > 0):
        raise ArchcalcError(f"{what} of `{value!r}`", "give whole numbers, 1 at least")
    return number


def flag_numbers(value: Any) -> tuple[Any, ...]:
    """A flag's numbers: none for a bare flag, which is given as True."""
    if value is True:
        return ()
    return tuple(value) if isinstance(value, tuple | list) else (value,)
