"""The built networks against torchvision's, which other people wrote from the same papers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn

import archcalc
from archcalc.nn import profiler


@dataclass(frozen=True)
class Twin:
    """One network under both names; `side` is an input on which both run, and `test_logits` runs them."""

    name: str
    reference: str
    side: int
    variables: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name + "".join(f"-{k}{v}" for k, v in self.variables.items())

    def ours(self) -> archcalc.Architecture:
        return archcalc.load(self.name, **self.variables)

    def theirs(self, models: Any) -> nn.Module:
        made: nn.Module = getattr(models, self.reference)(**self.options)
        return made


NO_HEADS = {"aux_logits": False, "init_weights": True}
TWINS = (
    Twin("googlenet-torchvision", "googlenet", 224, options=NO_HEADS),
    Twin("inception-v3", "inception_v3", 299, options=NO_HEADS),
    Twin("resnet-50", "resnet50", 224),
    Twin("mobilenet-v2", "mobilenet_v2", 224),
    Twin("densenet-121", "densenet121", 224),
    Twin("vgg-16", "vgg16", 224),
    # the rest of each family, on smaller inputs, some of them odd
    Twin("googlenet-torchvision", "googlenet", 97, options=NO_HEADS),
    Twin("inception-v3", "inception_v3", 110, options=NO_HEADS),
    Twin("resnet-18", "resnet18", 64),
    Twin("resnet-34", "resnet34", 75),
    Twin("resnet-101", "resnet101", 64),
    Twin("resnet-152", "resnet152", 64),
    Twin("mobilenet-v2", "mobilenet_v2", 95, {"width": 1.4}, {"width_mult": 1.4}),
    Twin("mobilenet-v2", "mobilenet_v2", 64, {"width": 0.35}, {"width_mult": 0.35}),
    Twin("densenet-169", "densenet169", 64),
    Twin("densenet-201", "densenet201", 71),
    Twin("alexnet-torchvision", "alexnet", 224),
    Twin("vgg-11", "vgg11", 224),
    Twin("vgg-13", "vgg13", 224),
    Twin("vgg-19", "vgg19", 224),
)
PARAMETERS = [
    pytest.param(twin, id=f"{twin}-at-{twin.side}", marks=[pytest.mark.slow] * twin.name.startswith("vgg"))
    for twin in TWINS
]


QUICK = ("googlenet-torchvision", "resnet-18", "resnet-34", "alexnet-torchvision")

Layers = list[tuple[str, nn.Module]]


def layers(module: nn.Module) -> Layers:
    """The modules that hold parameters or buffers of their own, in the order of their definition."""
    return [
        (name, part)
        for name, part in module.named_modules()
        if any(True for _ in part.parameters(recurse=False)) or any(True for _ in part.buffers(recurse=False))
    ]


def randomise(module: nn.Module, seed: int) -> None:
    """Torchvision's convolutions stay as drawn; what starts as the identity is drawn too.

    With a mean of 0 and a variance of 1 everywhere, two normalisations could swap places unnoticed.
    """
    generator = torch.Generator().manual_seed(seed)
    for _, part in layers(module):
        if isinstance(part, nn.BatchNorm2d):
            for tensor, low, high in (
                (part.weight, 0.5, 1.5),
                (part.bias, -0.5, 0.5),
                (part.running_mean, -0.5, 0.5),
                (part.running_var, 0.5, 1.5),
            ):
                tensor.data.uniform_(low, high, generator=generator)
        elif getattr(part, "bias", None) is not None:
            part.bias.data.uniform_(-0.1, 0.1, generator=generator)


def copy_weights(source: Layers, target: Layers) -> None:
    """Copy layer by layer in order; each pair must be of one kind and one shape."""
    for (their_name, theirs), (our_name, ours) in zip(source, target, strict=True):
        assert type(theirs) is type(ours), (their_name, our_name)
        state = theirs.state_dict()
        shapes = {k: v.shape for k, v in state.items()}
        assert shapes == {k: v.shape for k, v in ours.state_dict().items()}, (their_name, our_name)
        ours.load_state_dict(state)


def relative_difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("twin", PARAMETERS)
def test_logits(twin: Twin, torchvision_models: Any) -> None:
    """The same weights and the same input give the same logits in float64."""
    torch.manual_seed(twin.side)
    theirs = twin.theirs(torchvision_models).double().eval()
    randomise(theirs, seed=1)
    ours = twin.ours().network(input=twin.side, dtype=torch.float64).eval()
    copy_weights(layers(theirs), layers(ours))
    x = torch.randn(1, 3, twin.side, twin.side, dtype=torch.float64)
    with torch.no_grad():
        expected, given = theirs(x), ours(x)
    assert expected.std() > 0
    assert given.shape == expected.shape == (1, 1000)
    assert relative_difference(given, expected) <= 1e-9


# fvcore traces each layer of torchvision's module: the deep ones take it many seconds
TRACED = [
    pytest.param(twin, id=f"{twin}-at-{twin.side}", marks=[pytest.mark.slow] * (twin.name not in QUICK))
    for twin in TWINS
]


@pytest.mark.parametrize("twin", TRACED)
def test_costs(twin: Twin, torchvision_models: Any) -> None:
    """archcalc's counts, made without torch, are those of torchvision's module."""
    counted = twin.ours().counts(input=twin.side).total
    measured = profiler.profile(twin.theirs(torchvision_models), (3, twin.side, twin.side)).total
    assert counted.params == measured.params
    assert counted.macs == measured.fvcore == measured.torch
    assert counted.activations == measured.activations


@dataclass(frozen=True)
class Heads:
    """A network with side heads; `reads` maps torchvision's heads to the modules that they read."""

    name: str
    reference: str
    params: int
    reads: dict[str, str]


HEADS = (
    Heads("googlenet-torchvision", "googlenet", 13_004_888, {"aux1": "inception4a", "aux2": "inception4d"}),
    Heads("inception-v3", "inception_v3", 27_161_264, {"AuxLogits": "Mixed_6e"}),
)


@pytest.mark.parametrize("case", HEADS, ids=lambda case: case.name)
def test_side_heads(case: Heads, torchvision_models: Any) -> None:
    """The same parameters; and the trunk and each head give the same logits in one forward pass."""
    torch.manual_seed(0)
    theirs = getattr(torchvision_models, case.reference)(aux_logits=True, init_weights=False).double().eval()
    randomise(theirs, seed=2)
    architecture = archcalc.load(case.name)
    ours = architecture.network(heads=True, dtype=torch.float64).eval()
    for count in (
        sum(p.numel() for p in theirs.parameters()),
        sum(p.numel() for p in ours.parameters()),
        architecture.counts(heads=True).total.params,
    ):
        assert count == case.params

    # torchvision defines its heads before the last layer of the trunk
    own = [row.name for row in architecture.graph(heads=True).rows if row.head]
    of_heads = [layer for layer in layers(theirs) if layer[0].split(".")[0] in case.reads]
    of_trunk = [layer for layer in layers(theirs) if layer not in of_heads]
    copy_weights(of_heads, [layer for layer in layers(ours) if layer[0].split(".")[0] in own])
    copy_weights(of_trunk, [layer for layer in layers(ours) if layer[0].split(".")[0] not in own])

    # in inference torchvision leaves its heads out, so they are run on what their sources give
    given: dict[str, torch.Tensor] = {}
    for head, source in case.reads.items():
        theirs.get_submodule(source).register_forward_hook(
            lambda module, inputs, output, head=head: given.update({head: output.clone()})
        )
    _, height, width = architecture.graph().input
    x = torch.randn(1, 3, height, width, dtype=torch.float64)
    with torch.no_grad():
        expected = [theirs(x), *(theirs.get_submodule(head)(given[head]) for head in case.reads)]
        for mine, reference in zip(ours(x), expected, strict=True):
            assert relative_difference(mine, reference) <= 1e-9


def test_the_comparison_notices_a_wrong_layer(torchvision_models: Any) -> None:
    """A test of the test: one normalisation's epsilon, or one swapped branch, is far outside 1e-9."""
    theirs = torchvision_models.resnet18().double().eval()
    randomise(theirs, seed=1)
    ours = archcalc.load("resnet-18").network(input=64, dtype=torch.float64).eval()
    copy_weights(layers(theirs), layers(ours))
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    norm = next(m for m in reversed(list(ours.modules())) if isinstance(m, nn.BatchNorm2d))
    norm.eps = 1e-3
    with torch.no_grad():
        assert relative_difference(ours(x), theirs(x)) > 1e-6
