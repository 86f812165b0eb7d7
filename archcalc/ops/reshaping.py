"""Ops that choose, reorder or relabel values without computing any."""

from __future__ import annotations

from archcalc.numbers import every
from archcalc.ops.norm import optional
from archcalc.ops.op import INPUT, RESHAPE, Attrs, LayerRequest, Op, UnfitError
from archcalc.shapes import Shape, Shapes, elements


def _shuffle(request: LayerRequest, source: Shape) -> Attrs:
    groups = request.number("groups", 1)
    if not every(groups > 0) or not every(source[0] % groups == 0):
        raise UnfitError(f"{source[0]} channels do not divide by {groups} groups", "choose a divisor")
    return Attrs(channels=source[0], options={"groups": groups})


def _select(request: LayerRequest, source: Shape) -> Attrs:
    maps = request.flags.get("maps", ())
    if not maps:
        raise UnfitError("`select` needs its maps", "they are counted from 0: `select maps=0,1,2`")
    for m in maps:
        if not every(source[0] > m):
            raise UnfitError(f"there is no map {m} among {source[0]}", "the first is 0")
    return Attrs(channels=len(maps), options={"maps": tuple(maps)})


def _selected(attrs: Attrs, inputs: Shapes) -> Shapes:
    return ((len(attrs.options["maps"]), *inputs[0][1:]),)


def _split(request: LayerRequest, source: Shape) -> Attrs:
    parts = request.number("parts", 2)
    if not isinstance(parts, int) or parts < 2:
        raise UnfitError(f"a split into {parts} parts", "two at least; `pass` leaves what comes in as it is")
    if not every(parts > 0) or not every(source[0] % parts == 0):
        raise UnfitError(f"{source[0]} channels do not divide by {parts} parts", "choose a divisor")
    return Attrs(channels=source[0] // parts, options={"parts": parts})


def _parts(attrs: Attrs, inputs: Shapes) -> Shapes:
    parts: int = attrs.options["parts"]
    return ((attrs.channels, *inputs[0][1:]),) * parts


OPS = (
    Op("input", INPUT, "what the network is given", written=False, arity=0, moves=False, copies=True),
    Op(
        "dropout",
        RESHAPE,
        "drops activations in training (`p=0.5`); in inference it is not there",
        flags=frozenset({"p"}),
        moves=False,
        prepare=optional("p"),
    ),
    Op(
        "flatten",
        RESHAPE,
        "the feature map as one row of features",
        moves=False,
        copies=True,
        reads="vector",
        infer=lambda attrs, inputs: ((elements(inputs[0]),),),
    ),
    Op("pass", RESHAPE, "what comes in, unchanged", moves=False, copies=True),
    Op(
        "select",
        RESHAPE,
        "some of the maps that come in: `maps=0,1,2`",
        flags=frozenset({"maps"}),
        copies=True,
        prepare=_select,
        infer=_selected,
    ),
    Op(
        "shuffle",
        RESHAPE,
        "channels dealt out anew over `groups` (ShuffleNet's)",
        reads="image",
        flags=frozenset({"groups"}),
        copies=True,
        prepare=_shuffle,
    ),
    Op(
        "split",
        RESHAPE,
        "the channels in `parts` equal pieces, each an output of its own",
        flags=frozenset({"parts"}),
        written=False,
        moves=False,
        copies=True,
        prepare=_split,
        infer=_parts,
    ),
)
