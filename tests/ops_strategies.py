"""Layers as a document could write them, for every op, with every flag: what tests of ops draw from."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from archcalc.ops.op import Attrs, LayerRequest, Op, UnfitError
from archcalc.ops.table import OPS

Shape = tuple[int, ...]
sides = st.integers(1, 4)
pairs = st.tuples(sides, sides)
grids = st.tuples(st.integers(1, 13), st.integers(1, 13))


@st.composite
def windows(draw: st.DrawFn, dilated: bool, largest: int = 5) -> dict[str, Any]:
    """A kernel, a stride, and the flags that say how windows lie on the grid."""
    kernel = draw(st.tuples(st.integers(1, largest), st.integers(1, largest)))
    flags: dict[str, tuple[Any, ...]] = {}
    padding = draw(st.sampled_from(["none", "valid", "same", "pad", "pad two"]))
    if padding in ("valid", "same"):
        flags[padding] = ()
    elif padding == "pad":
        flags["pad"] = (draw(st.integers(0, 3)),)
    elif padding == "pad two":
        flags["pad"] = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    if draw(st.booleans()):
        flags["ceil"] = ()
    if dilated and draw(st.booleans()):
        flags["dilation"] = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple))
    return {"kernel": kernel, "stride": draw(pairs), "flags": flags}


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    window = draw(windows(dilated=True))
    groups = draw(st.integers(1, 3))
    channels, given_channels = groups * draw(sides), groups * draw(sides)
    flags = window["flags"] | draw(st.sampled_from([{}, {"bias": ()}, {"nobias": ()}]))
    if groups > 1:
        flags["groups"] = (groups,)
    return LayerRequest(window["kernel"], window["stride"], given_channels, flags), (channels, *draw(grids))


@st.composite
def depthwise(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    request, source = draw(convolutions())
    flags = {k: v for k, v in request.flags.items() if k != "groups"}
    if draw(st.booleans()):
        flags["multiplier"] = (draw(sides),)
    return LayerRequest(request.kernel, request.stride, None, flags), source


@st.composite
def transposed(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    groups = draw(st.integers(1, 3))
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    flags: dict[str, Any] = draw(st.sampled_from([{}, {"bias": ()}, {"nobias": ()}]))
    if groups > 1:
        flags = flags | {"groups": (groups,)}
    grid = draw(st.tuples(st.integers(3, 9), st.integers(3, 9)))
    stride = draw(pairs)
    if draw(st.booleans()):  # always something left: (3 - 1) s + k - 2 p > 0
        flags = flags | {
            "pad": (
                draw(
                    st.integers(
                        0, min((min(s * 2 + k, 7) - 1) // 2 for s, k in zip(stride, kernel, strict=True))
                    )
                ),
            )
        }
    request = LayerRequest(kernel, stride, groups * draw(sides), flags)
    return request, (groups * draw(sides), *grid)


@st.composite
def pools(draw: st.DrawFn, *own: str) -> tuple[LayerRequest, Shape]:
    grid = draw(grids)
    how = draw(st.sampled_from(["window", "window", "whole", "global", "adaptive"]))
    flags: dict[str, Any] = {flag: () for flag in own if draw(st.booleans())}
    source = (draw(sides), *grid)
    if how == "global":
        return LayerRequest(None, None, None, flags | {"global": ()}), source
    if how == "adaptive":
        return LayerRequest(None, None, None, flags | {"adaptive": (draw(st.integers(1, 5)),)}), source
    if how == "whole":  # a window over the whole grid needs no stride
        return LayerRequest(grid, None, None, flags), source
    window = draw(windows(dilated=False))
    return LayerRequest(window["kernel"], window["stride"], None, flags | window["flags"]), source


@st.composite
def plain(
    draw: st.DrawFn, sized: bool = False, **flags: st.SearchStrategy[Any]
) -> tuple[LayerRequest, Shape]:
    chosen = {name: draw(values) for name, values in flags.items() if draw(st.booleans())}
    return LayerRequest(None, None, draw(sides) if sized else None, chosen), (draw(sides), *draw(grids))


@st.composite
def dealt(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    groups = draw(st.integers(1, 3))
    return LayerRequest(None, None, None, {"groups": (groups,)}), (groups * draw(sides), *draw(grids))


@st.composite
def selections(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    channels = draw(sides)
    maps = draw(st.lists(st.integers(0, channels - 1), min_size=1, max_size=5))
    return LayerRequest(None, None, None, {"maps": tuple(maps)}), (channels, *draw(grids))


@st.composite
def cut(draw: st.DrawFn) -> tuple[LayerRequest, Shape]:
    parts = draw(st.integers(2, 3))
    return LayerRequest(flags={"parts": (parts,)}), (parts * draw(sides), *draw(grids))


@st.composite
def anywhere(
    draw: st.DrawFn, written: st.SearchStrategy[tuple[LayerRequest, Shape]]
) -> tuple[LayerRequest, Shape]:
    """The same layer on an image, on a vector, or on a sequence."""
    request, source = draw(written)
    return request, draw(st.sampled_from([source, source[:1], source[:2]]))


@st.composite
def on_vectors(
    draw: st.DrawFn, written: st.SearchStrategy[tuple[LayerRequest, Shape]]
) -> tuple[LayerRequest, Shape]:
    request, source = draw(written)
    return request, draw(st.sampled_from([source, source[:1]]))


#: The strategy of each op of one input.
WRITTEN: dict[str, st.SearchStrategy[tuple[LayerRequest, Shape]]] = {
    "conv": on_vectors(convolutions()),
    "dwconv": on_vectors(depthwise()),
    "upconv": transposed(),
    "linear": anywhere(plain(sized=True, bias=st.just(()), nobias=st.just(()))),
    "rbf": on_vectors(plain(sized=True)),
    "maxpool": pools(),
    "avgpool": pools("exclude_pad"),
    "bn": on_vectors(plain(eps=st.sampled_from([(Fraction(1, 1000),), (Fraction(1, 2),)]))),
    "lrn": on_vectors(plain(size=st.tuples(st.integers(1, 6)))),
    "scale": on_vectors(plain(bias=st.just(()), nobias=st.just(()))),
    "dropout": anywhere(plain(p=st.just((Fraction(3, 10),)))),
    "softmax": anywhere(plain()),
    "select": on_vectors(selections()),
    "shuffle": on_vectors(dealt()),
    "split": on_vectors(cut()),
    "prelu": on_vectors(plain()),
    "flatten": on_vectors(plain()),
    "pass": anywhere(plain()),
}


def written(name: str) -> st.SearchStrategy[tuple[LayerRequest, Shape]]:
    """The strategy of an op: its own, or a layer without sizes and flags on any input."""
    return WRITTEN.get(name, anywhere(plain()))


@st.composite
def joined(draw: st.DrawFn, name: str) -> tuple[Shape, ...]:
    """Shapes that a join takes."""
    first = (draw(sides), *draw(grids))
    count = draw(st.integers(2, 4))
    if name == "concat":
        return tuple((draw(sides), *first[1:]) for _ in range(count))
    if name == "multiply":
        return tuple(draw(st.sampled_from([first, (first[0], 1, 1), first[:1]])) for _ in range(count))
    return (first,) * count


def prepared(op: Op, request: LayerRequest, source: Shape) -> Attrs | None:
    """Attributes; None where the op rightly says that it cannot stand on `source`."""
    try:
        attrs = op.attributes(request, source)
        op.outputs(attrs, (source,))
    except UnfitError:
        if request.kernel is None:
            raise
        pad, dilation = request.flags.get("pad", (0,)), request.flags.get("dilation", (1,))
        grid = op.taken(source)[1:]
        for axis, kernel in enumerate(request.kernel):
            padded = grid[axis] + 2 * pad[axis % len(pad)]
            too_large = dilation[axis % len(dilation)] * (kernel - 1) + 1 > padded
            too_padded = op.role == "pool" and 2 * pad[axis % len(pad)] > kernel
            if too_large or too_padded:
                return None
        raise
    return attrs


def single_layers() -> list[str]:
    """The ops of one input."""
    return [op.name for op in OPS.values() if op.arity == 1]
