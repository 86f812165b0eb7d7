"""The networks of the Inception story counted with nothing but multiplication, and without archcalc.

A layer is (kernel area, channels in, channels out, output places); a network is a list of layers. Weights are
area x in x out, multiply-adds weights x places.
"""

from __future__ import annotations

from collections.abc import Iterable

Layer = tuple[int, int, int, int]


def weights(layers: Iterable[Layer]) -> int:
    return sum(area * inside * out for area, inside, out, _ in layers)


def macs(layers: Iterable[Layer]) -> int:
    return sum(area * inside * out * places for area, inside, out, places in layers)


def outs(layers: Iterable[Layer]) -> int:
    return sum(out for _, _, out, _ in layers)


def biased(layers: Iterable[Layer]) -> int:
    """Parameters where every layer has a bias."""
    found = list(layers)
    return weights(found) + outs(found)


def normalised(layers: Iterable[Layer], linear: int = 1) -> int:
    """Parameters where every convolution has a scale and a shift, and the last layers a bias."""
    found = list(layers)
    return weights(found) + 2 * outs(found[: len(found) - linear]) + outs(found[len(found) - linear :])


# -- AlexNet: two groups in the second, fourth and fifth convolution -------------------------------

ALEXNET: list[Layer] = [
    (121, 3, 96, 55 * 55),
    (25, 48, 256, 27 * 27),
    (9, 256, 384, 13 * 13),
    (9, 192, 384, 13 * 13),
    (9, 192, 256, 13 * 13),
    (1, 256 * 6 * 6, 4096, 1),
    (1, 4096, 4096, 1),
    (1, 4096, 1000, 1),
]

# -- GoogLeNet's Table 1 ---------------------------------------------------------------------------

#: label: channels in, grid, #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj
MODULES = {
    "3a": (192, 28, 64, 96, 128, 16, 32, 32),
    "3b": (256, 28, 128, 128, 192, 32, 96, 64),
    "4a": (480, 14, 192, 96, 208, 16, 48, 64),
    "4b": (512, 14, 160, 112, 224, 24, 64, 64),
    "4c": (512, 14, 128, 128, 256, 24, 64, 64),
    "4d": (512, 14, 112, 144, 288, 32, 64, 64),
    "4e": (528, 14, 256, 160, 320, 32, 128, 128),
    "5a": (832, 7, 256, 160, 320, 32, 128, 128),
    "5b": (832, 7, 384, 192, 384, 48, 128, 128),
}
DENSE: list[Layer] = [(49, 3, 64, 112 * 112)]
SEPARABLE: list[Layer] = [(49, 1, 24, 112 * 112), (1, 24, 64, 112 * 112)]  # depth multiplier 8


def module(label: str, five: tuple[int, ...] = (25,)) -> list[Layer]:
    """An inception module; `five` are the areas of what stands in the place of its 5x5."""
    inside, grid, one, reduce3, three, reduce5, wide, pool = MODULES[label]
    p = grid * grid
    return [
        (1, inside, one, p),
        (1, inside, reduce3, p),
        (9, reduce3, three, p),
        (1, inside, reduce5, p),
        *((area, reduce5 if i == 0 else wide, wide, p) for i, area in enumerate(five)),
        (1, inside, pool, p),
    ]


def googlenet(
    first: list[Layer] = DENSE, five: tuple[int, ...] = (25,), classifier: bool = True
) -> list[Layer]:
    body = [layer for label in MODULES for layer in module(label, five)]
    last = [(1, 1024, 1000, 1)] if classifier else []
    return [*first, (1, 64, 64, 56 * 56), (9, 64, 192, 56 * 56), *body, *last]


# -- BN-Inception's Figure 5 -----------------------------------------------------------------------

#: channels in, output grid, #1x1, #3x3 reduce, #3x3, double reduce, double, projection (0: passes through)
BN_MODULES = (
    (192, 28, 64, 64, 64, 64, 96, 32),
    (256, 28, 64, 64, 96, 64, 96, 64),
    (320, 14, 0, 128, 160, 64, 96, 0),
    (576, 14, 224, 64, 96, 96, 128, 128),
    (576, 14, 192, 96, 128, 96, 128, 128),
    (576, 14, 160, 128, 160, 128, 160, 128),
    (608, 14, 96, 128, 192, 160, 192, 128),
    (608, 7, 0, 128, 192, 192, 256, 0),
    (1056, 7, 352, 192, 320, 160, 224, 128),
    (1024, 7, 352, 192, 320, 192, 224, 128),
)
#: With projections of 96 in (4c) and (4d), 576 channels come out of both, and 1024 of (4e).
BN_MODULES_576 = (
    *BN_MODULES[:5],
    (576, 14, 160, 128, 160, 128, 160, 96),
    (576, 14, 96, 128, 192, 160, 192, 96),
    (576, 7, 0, 128, 192, 192, 256, 0),
    (1024, 7, *BN_MODULES[8][2:]),
    BN_MODULES[9],
)


def bn_inception(
    first: list[Layer] = DENSE, modules: tuple[tuple[int, ...], ...] = BN_MODULES
) -> list[Layer]:
    layers = [*first, (1, 64, 64, 56 * 56), (9, 64, 192, 56 * 56)]
    for inside, grid, one, reduce3, three, reduced, double, projection in modules:
        after = grid * grid
        before = 4 * after if one == 0 else after  # a module of stride 2 reads twice the side
        layers += [
            (1, inside, reduce3, before),
            (9, reduce3, three, after),
            (1, inside, reduced, before),
            (9, reduced, double, before),
            (9, double, double, after),
        ]
        layers += [(1, inside, out, after) for out in (one, projection) if out]
    return [*layers, (1, 1024, 1000, 1)]


# -- Inception-v2's Table 1 ------------------------------------------------------------------------


def inception_v2(side: int = 299, stride: int = 2, pool: bool = True) -> list[Layer]:
    def halved(n: int) -> int:  # a 3x3 of stride 2 without padding
        return (n - 3) // 2 + 1

    a = (side - 3) // stride + 1
    b = a - 2
    c = halved(b) if pool else b
    d = c - 2
    e = halved(d)
    f, g = halved(e), halved(halved(e))
    layers: list[Layer] = [
        (9, 3, 32, a * a),
        (9, 32, 32, b * b),
        (9, 32, 64, b * b),
        (9, 64, 80, d * d),
        (9, 80, 192, e * e),
        (9, 192, 288, e * e),
    ]
    for _ in range(3):
        layers += _paths(288, e * e, [(1, 64), (9, 96), (9, 96)], [(1, 48), (9, 64)], [(1, 64)], [(1, 64)])
    layers += [(1, 288, 64, e * e), (9, 64, 96, e * e), (9, 96, 96, f * f)]
    layers += [(1, 288, 256, e * e), (9, 256, 384, f * f)]
    for w in (128, 160, 160, 192, 192):
        long = [(1, w), (7, w), (7, w), (7, w), (7, 192)]
        layers += _paths(768, f * f, long, [(1, w), (7, w), (7, 192)], [(1, 192)], [(1, 192)])
    layers += [(1, 768, 128, f * f), (9, 128, 192, f * f), (9, 192, 192, g * g)]
    layers += [(1, 768, 192, f * f), (9, 192, 320, g * g)]
    for inside in (1280, 2048):
        p = g * g
        layers += _paths(inside, p, [(1, 448), (9, 384)], [(1, 384)], [(1, 192)], [(1, 320)])
        layers += [(3, 384, 384, p)] * 4
    return [*layers, (1, 2048, 1000, 1)]


def _paths(inside: int, places: int, *paths: list[tuple[int, int]]) -> list[Layer]:
    """Branches of (kernel area, channels) that read the same `inside` channels."""
    layers: list[Layer] = []
    for path in paths:
        last = inside
        for area, out in path:
            layers.append((area, last, out, places))
            last = out
    return layers


# -- VGG, PReLU networks, MobileNetV2 ---------------------------------------------------------------


def vgg(repeats: tuple[int, int, int, int, int]) -> list[Layer]:
    layers: list[Layer] = []
    inside, side = 3, 224
    for times, width in zip(repeats, (64, 128, 256, 512, 512), strict=True):
        for _ in range(times):
            layers.append((9, inside, width, side * side))
            inside = width
        side //= 2
    return [*layers, (1, 512 * 7 * 7, 4096, 1), (1, 4096, 4096, 1), (1, 4096, 1000, 1)]


VGG_16 = vgg((2, 2, 3, 3, 3))
VGG_19 = vgg((2, 2, 4, 4, 4))


def prelu(times: int, widths: tuple[int, int, int]) -> list[Layer]:
    layers: list[Layer] = [(49, 3, 96, 112 * 112)]
    inside = 96
    for width, side in zip(widths, (56, 28, 14), strict=True):
        for _ in range(times):
            layers.append((9, inside, width, side * side))
            inside = width
    bins = 7 * 7 + 3 * 3 + 2 * 2 + 1
    return [*layers, (1, bins * inside, 4096, 1), (1, 4096, 4096, 1), (1, 4096, 1000, 1)]


PRELU_A, PRELU_B = prelu(5, (256, 512, 512)), prelu(6, (256, 512, 512))
PRELU_C = prelu(6, (384, 768, 896))


def mobilenet_v2(width: float = 1, literal: bool = False) -> list[Layer]:
    """Its convolutions and, last, its linear layer; channels round to multiples of 8 as the authors' do."""

    def scaled(channels: float) -> int:
        rounded = max(8, int(channels + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * channels else rounded

    inside, side = scaled(32 * width), 112
    layers: list[Layer] = [(9, 3, inside, side * side)]
    table = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for t, c, n, s in table:
        for turn in range(n):
            middle, out = t * inside, scaled(c * width)
            if t > 1 or literal:
                layers.append((1, inside, middle, side * side))
            side //= s if turn == 0 else 1
            layers += [(9, 1, middle, side * side), (1, middle, out, side * side)]
            inside = out
    last = scaled(1280 * max(1, width))
    return [*layers, (1, inside, last, side * side), (1, last, 1000, 1)]
