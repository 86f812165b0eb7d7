"""Joins: ops of several inputs. A vector meets an image as an image of one pixel."""

from __future__ import annotations

from typing import Final

from archcalc.numbers import Number, same
from archcalc.ops.op import JOIN, Attrs, Infer, Op, UnfitError
from archcalc.shapes import Shape, Shapes, as_image, grid, papers_text


def _side_by_side(shapes: Shapes) -> Shapes:
    """Vectors as images where some are images; raises `UnfitError` for sequences beside others."""
    ranks = {len(shape) for shape in shapes}
    if ranks == {1, 3}:
        return tuple(map(as_image, shapes))
    if len(ranks) > 1:
        sizes = " and ".join(dict.fromkeys(map(papers_text, shapes)))
        raise UnfitError(f"{sizes} cannot be joined", "a sequence joins sequences only")
    return shapes


def _concat(attrs: Attrs, inputs: Shapes) -> Shapes:
    shapes = _side_by_side(inputs)
    first = shapes[0]
    # images and vectors lie side by side along their channels, sequences along their tokens
    rest = first[1:]
    total: Number = 0
    for shape in shapes:
        if not same(shape[1:], rest):
            sizes = " and ".join(dict.fromkeys("x".join(map(str, grid(s) or s)) for s in shapes))
            hint = "give every branch the same stride and padding"
            raise UnfitError(f"branches of {sizes} cannot be concatenated", hint)
        total = total + shape[0]
    return ((total, *rest),)


def _equal(name: str, broadcasts: bool) -> Infer:
    def infer(attrs: Attrs, inputs: Shapes) -> Shapes:
        shapes = _side_by_side(inputs)
        best = shapes[0]
        for shape in shapes[1:]:
            if same(shape, best):
                continue
            wider = _wider(best, shape) if broadcasts else None
            if wider is None:
                raise UnfitError(
                    f"{papers_text(best)} and {papers_text(shape)} cannot be joined by `{name}`",
                    "`add` needs equal shapes; `project` brings the input to the others' shape",
                )
            best = wider
        return (best,)

    return infer


def _wider(a: Shape, b: Shape) -> Shape | None:
    """The image of two with the same channels, of which the other is one pixel."""
    if len(a) != 3 or not same(a[:1], b[:1]):
        return None
    if same(b[1:], (1, 1)):
        return a
    return b if same(a[1:], (1, 1)) else None


def _join(name: str, about: str, infer: Infer, sums: bool = False, copies: bool = False) -> Op:
    return Op(
        name, JOIN, about, written=False, arity=None, infer=infer, sums=sums, copies=copies, reuses=True
    )


OPS: Final = (
    _join("concat", "branches side by side along their channels", _concat, copies=True),
    _join("add", "the sum of branches of equal shape", _equal("add", broadcasts=False), sums=True),
    _join(
        "multiply",
        "the product of branches; one pixel meets a whole grid",
        _equal("multiply", broadcasts=True),
    ),
)

#: The words that join branches in documents.
JOINS: Final = tuple(op.name for op in OPS)
