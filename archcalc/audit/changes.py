"""Single changes to an expression: one layer, known by where it is written, made otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archcalc.ops.table import OPS
from archcalc.spec.arithmetic import Literal
from archcalc.spec.sizes import SizeWord
from archcalc.spec.syntax import Chain, Join, Layer, LayerFlag, Repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archcalc.errors import Span
    from archcalc.spec.syntax import Expression


def rewritten(node: Any, span: Span, make: Callable[[Layer], Expression]) -> Any:
    """An expression with the layer written at `span` replaced."""
    if isinstance(node, Layer):
        return make(node) if node.span == span else node
    if isinstance(node, Chain):
        return replace(node, items=tuple(rewritten(item, span, make) for item in node.items))
    if isinstance(node, Join):
        return replace(node, branches=tuple(rewritten(b, span, make) for b in node.branches))
    if isinstance(node, Repeat):
        return replace(node, body=rewritten(node.body, span, make))
    return node


def layers(node: Expression) -> Iterator[Layer]:
    """The layers of an expression as they are written, those of named blocks aside."""
    if isinstance(node, Layer):
        yield node
    elif isinstance(node, Chain):
        for item in node.items:
            yield from layers(item)
    elif isinstance(node, Join):
        for branch in node.branches:
            yield from layers(branch)
    elif isinstance(node, Repeat):
        yield from layers(node.body)


def _word(numbers: Iterable[int], span: Span, stride: tuple[Any, ...] = ()) -> SizeWord:
    return SizeWord(tuple(Literal(n, span) for n in numbers), stride, "", span)


def _sized(layer: Layer, what: str, make: Callable[[SizeWord], SizeWord]) -> Layer:
    """`layer` with one of the sizes that its op takes made anew."""
    names = [name.rstrip("?") for name in OPS[layer.name].sizes]
    sizes = tuple(
        make(word) if name == what else word for name, word in zip(names, layer.sizes, strict=False)
    )
    return replace(layer, sizes=sizes)


def width(channels: int) -> Callable[[Layer], Expression]:
    """Other output channels."""
    return lambda layer: _sized(layer, "channels", lambda word: _word([channels], word.span))


def kernel(size: tuple[int, int]) -> Callable[[Layer], Expression]:
    """Another kernel, with the same stride."""
    return lambda layer: _sized(layer, "kernel", lambda word: _word(size, word.span, word.stride))


def stride(step: int) -> Callable[[Layer], Expression]:
    """Another stride."""
    return lambda layer: _sized(
        layer, "kernel", lambda word: replace(word, stride=(Literal(step, word.span),))
    )


def _flag(name: str, value: int, span: Span) -> LayerFlag:
    return LayerFlag(name, (_word([value], span),), span)


def grouped(groups: int) -> Callable[[Layer], Expression]:
    """The same layer in groups."""
    return lambda layer: replace(layer, flags=(*layer.flags, _flag("groups", groups, layer.span)))


def separable(multiplier: int) -> Callable[[Layer], Expression]:
    """A depthwise convolution with the layer's kernel, and a 1x1 to its channels."""

    def make(layer: Layer) -> Expression:
        window, channels = layer.sizes
        slides = OPS["dwconv"].flags - {"bias", "nobias"}
        depthwise = Layer(
            "dwconv",
            (window,),
            (
                *(flag for flag in layer.flags if flag.name in slides),
                _flag("multiplier", multiplier, layer.span),
            ),
            layer.span,
            layer.name_span,
        )
        pointwise = replace(
            layer,
            sizes=(_word([1, 1], window.span), channels),
            flags=tuple(flag for flag in layer.flags if flag.name not in slides),
        )
        return Chain((depthwise, pointwise), layer.span)

    return make
