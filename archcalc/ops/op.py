"""What an entry of the table of ops is made of. No torch; formulas are plain arithmetic on shapes.

Shapes are those of one item of the batch, their parts integers or arrays of integers (`numbers.Array`). A
rule raises `UnfitError` where an op cannot stand on its input; whoever builds the graph adds the place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from archcalc.numbers import Number
from archcalc.shapes import Shape, Shapes, as_image, elements

Pair = tuple[Number, Number]


@dataclass(frozen=True, slots=True)
class Attrs:
    """What a layer's words and flags come to. Sizes are (height, width); `pad` is before and after.

    `channels` are those that the layer gives. `options` hold what only one op knows (`eps`, `maps`).
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    pad: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: Number = 1
    channels: Number = 0
    bias: bool = False
    ceil: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """A layer as written, before its input is known: sizes, and flags with their numbers."""

    kernel: Pair | None = None
    stride: Pair | None = None
    channels: Number | None = None
    flags: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)

    def number(self, flag: str, otherwise: Number) -> Number:
        """The single number that `flag` was given."""
        values = self.flags.get(flag)
        return otherwise if not values else values[0]


class UnfitError(ValueError):
    """An op that cannot stand on its input, and what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


#: How a parameter counts: a factor of products, any other learnt value, or a value that is only read.
WEIGHT, OFFSET, BUFFER = "weight", "offset", "buffer"

#: How `nn.initialise` begins a parameter; "" leaves it to torch.
HE_NORMAL, ZEROS = "he-normal", "zeros"


class Parameter(NamedTuple):
    """A tensor that an op reads besides its inputs, named and shaped as torch names and shapes it.

    `kind` is WEIGHT, OFFSET (learnt too, but not multiplicative weights as papers count them) or BUFFER.
    `fan` is how many products one output sums, where that is not the size of all axes but the first.
    """

    name: str
    shape: Shape
    kind: str
    initial: str = ""
    fan: Number | None = None

    @property
    def size(self) -> Number:
        """How many values it holds."""
        return elements(self.shape)

    @property
    def fan_in(self) -> Number:
        """How many products one output sums."""
        return elements(self.shape[1:]) if self.fan is None else self.fan


class Window(NamedTuple):
    """How an output looks at its input along one axis: position p sees `taps` positions, `step` apart, from
    p x `stride` - `before` on. A transposed convolution has a fraction for a stride.
    """

    taps: Number
    stride: Number
    before: Number
    step: Number = 1

    @property
    def reach(self) -> Number:
        """The positions from the first that it sees to the last."""
        return self.step * (self.taps - 1) + 1


Prepare = Callable[[LayerRequest, Shape], Attrs]
Infer = Callable[[Attrs, Shapes], Shapes]
Count = Callable[[Attrs, Shapes, Shapes], Number]
Parameters = Callable[[Attrs, Shapes, Shapes], tuple[Parameter, ...]]
Look = Callable[[Attrs, Shape], tuple[Window, ...]]
Sees = Callable[[Attrs, Shape, int, int], range]

#: The roles of ops. An op that is WEIGHTED has its multiply-adds, its depth and its activations counted.
WEIGHTED: Final = "weighted"
POOL: Final = "pool"
NORM: Final = "norm"
ACTIVATION: Final = "activation"
RESHAPE: Final = "shape"
JOIN: Final = "join"
INPUT: Final = "input"


def _nothing(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> Number:
    return 0


def _no_parameters(attrs: Attrs, inputs: Shapes, outputs: Shapes) -> tuple[Parameter, ...]:
    return ()


def _as_it_is(attrs: Attrs, inputs: Shapes) -> Shapes:
    return (inputs[0],)


@dataclass(frozen=True, slots=True)
class Op:
    """One op, with all that other parts of archcalc ask of it.

    - `role`: one of the roles above. `about`: one line of documentation.
    - `sizes`: the sizes that a layer must write, in order; `flags`: those that it may have; `family`: an op
      whose `default` statement holds for this one too; `written`: whether documents write it by its name;
      `yields`: whether a block of a document may take its name, as it may for ops that came later than
      documents that use the name.
    - `reads`: "image" takes a vector as an image of one pixel, "vector" lays an image flat, "any" neither.
    - `arity`: how many inputs it has, None for two or more.
    - `moves`: whether it reads and writes memory; a view does not. `copies`: whether it only passes values
      on, and so takes those of any dtype.
    - `folds`: whether it is an affine map for each channel, which folds into the weighted layer before it.
    - `fuses`: whether a compiler computes it in the same pass as the op before it.
    - `sums`: whether it adds branches up, whose variances then add up too.
    - `reuses`: whether its output may overwrite its input's memory where nobody else reads that.
    - `probabilities`: whether it turns a network's logits into probabilities.
    - `prepare`: a written layer and its input -> attributes; `infer`: inputs -> output shapes.
    - `parameters`, `macs`, `connections`: what it holds and computes for one item of the batch.
    - `window`: how it looks at each axis of its input's grid; None looks at one position. `sees`: the input
      positions of one output position along an axis, where the window does not say them exactly.
    """

    name: str
    role: str
    about: str
    sizes: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    family: str = ""
    written: bool = True
    yields: bool = False
    reads: str = "any"
    arity: int | None = 1
    moves: bool = True
    copies: bool = False
    folds: bool = False
    fuses: bool = False
    sums: bool = False
    reuses: bool = False
    probabilities: bool = False
    prepare: Prepare = lambda request, source: Attrs(channels=source[0])
    infer: Infer = _as_it_is
    parameters: Parameters = _no_parameters
    macs: Count = _nothing
    connections: Count = _nothing
    window: Look | None = None
    sees: Sees | None = None

    @property
    def weighted(self) -> bool:
        """Whether it is a layer with weights, as depth and activations count them."""
        return self.role == WEIGHTED

    def taken(self, shape: Shape) -> Shape:
        """An input's shape as this op takes it: see `reads`. Raises `UnfitError` for a sequence, where it
        reads images.
        """
        if len(shape) == 3 and self.reads != "vector":
            return shape
        if self.reads == "image":
            return image_of(as_image(shape), self.name)
        if self.reads == "vector" and len(shape) > 2:
            return (elements(shape),)
        return shape

    def attributes(self, request: LayerRequest, source: Shape) -> Attrs:
        """What a written layer comes to on an input of shape `source`. Raises `UnfitError`."""
        self.taken(source)
        return self.prepare(request, source)

    def outputs(self, attrs: Attrs, inputs: Shapes) -> Shapes:
        """The shapes that it gives for inputs of these shapes.

        Raises `UnfitError` where it cannot stand on them.
        """
        if self.arity is not None and len(inputs) != self.arity:
            hint = f"give it {self.arity}"
            raise UnfitError(f"`{self.name}` has {self.arity} inputs, not {len(inputs)}", hint)
        if self.arity is None and len(inputs) < 2:
            raise UnfitError(f"`{self.name}` joins two values or more, not {len(inputs)}", "leave it out")
        if self.reads != "any":
            inputs = tuple([self.taken(shape) for shape in inputs])
        return self.infer(attrs, inputs)

    def positions(self, attrs: Attrs, source: Shape, axis: int, position: int) -> range:
        """The input positions that an output position sees along a grid axis, also those outside the grid.

        Needs integer sizes.
        """
        if self.sees is not None:
            return self.sees(attrs, source, axis, position)
        if self.window is None:
            return range(position, position + 1)
        window = self.window(attrs, source)[axis]
        start = int(position * window.stride - window.before)
        return range(start, start + int(window.reach), int(window.step))


def image_of(shape: Shape, name: str) -> tuple[Number, Number, Number]:
    """(channels, height, width) of an input; raises `UnfitError` for a sequence."""
    if len(shape) != 3:
        size = "x".join(map(str, shape))
        raise UnfitError(f"`{name}` reads images, not {size}", "it stands on channels, height and width")
    return shape[0], shape[1], shape[2]
