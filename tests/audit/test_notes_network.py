"""The notes' own network for Inception-v2's Table 1, counted with nothing but multiplication."""

from __future__ import annotations

import pytest
from by_hand import Layer, _paths, inception_v2, macs, outs, weights
from console import archcalc

import archcalc as api


def halved(side: int) -> int:
    """A grid behind a padded layer of stride 2."""
    return -(-side // 2)


def notes(classes: int = 1000) -> tuple[list[Layer], list[Layer]]:
    """Its convolutions and its two linear layers: the paper's network with padded reductions."""
    e = 35
    f, g = halved(e), halved(halved(e))
    layers = inception_v2()[:6]  # up to the 3x3 to 288, whose grids are the paper's
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
    return layers, [(1, 2048, classes, 1), (1, classes, classes, 1)]


@pytest.mark.parametrize(("classes", "params"), [(1000, 27_044_720), (10, 24_015_320)])
def test_biases_stand_beside_normalisation_and_two_linear_layers_at_the_end(
    classes: int, params: int
) -> None:
    convolutions, linear = notes(classes)
    by_hand = weights(convolutions) + 3 * outs(convolutions) + weights(linear) + outs(linear)
    total = api.load("inception-v2-notes", classes=classes).counts().total
    assert total.params == by_hand == params
    assert total.macs == macs(convolutions) + macs(linear)


def test_the_multiply_adds_and_the_grids() -> None:
    counted = api.load("inception-v2-notes").counts()
    assert counted.total.macs == 7_009_888_416
    assert [row.output[1] for row in counted.rows if row.row.label.startswith("reduction")] == [18, 9]


def test_its_figures_are_counted_as_the_notes() -> None:
    text = " ".join(archcalc("audit", "inception-v2-notes").stdout.split())
    assert "From elsewhere: 15 checked, 11 agree" in text
    assert "17x17 is printed, 18x18x768 computed" in text
