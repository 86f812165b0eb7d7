"""Graphs become torch modules: names, code, heads, features and grids, devices, copies, weights."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import shipped_networks
import torch
from small import spec
from torch import fx, nn

import archcalc
from archcalc.nn import network
from archcalc.nn.initialise import initialise
from archcalc.nn.network import Network


def run(module: nn.Module, *shape: int) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = module.eval()(torch.randn(*shape, generator=torch.Generator().manual_seed(0)))
    return result


RESIDUAL = """
stem -> conv 3x3 8 same bn relu
block -> add[ conv 1x1 4 bn relu > conv 3x3 8 same bn | skip ] > relu
block -> add[ conv 1x1 4 bn relu > conv 3x3 8 same bn | skip ] > relu
end -> avgpool global > linear 10 > softmax
"""


# -- names and code -----------------------------------------------------------------------------------


def test_modules_are_named_as_the_graph_names_its_nodes() -> None:
    architecture = archcalc.load("googlenet")
    graph, built = architecture.graph(), architecture.network(probabilities=True, device="meta")
    assert [name for name, _ in built.named_children()] == [row.name for row in graph.rows]
    layers = [node.name for node in graph.nodes[1:] if node.op != "concat"]
    assert [name for name, part in built.named_modules() if not list(part.children())] == layers
    conv = built.get_submodule("inception_3a.branch_2.conv_2")
    assert isinstance(conv, nn.Conv2d)
    assert (conv.in_channels, conv.out_channels, conv.kernel_size) == (96, 128, (3, 3))


def test_every_row_is_a_graph_module_with_one_input_and_one_output() -> None:
    built = archcalc.load("resnet-50").network(device="meta")
    assert isinstance(built, fx.GraphModule)
    for _, row in built.named_children():
        assert isinstance(row, fx.GraphModule)
        kinds = [node.op for node in row.graph.nodes]
        assert kinds.count("placeholder") == kinds.count("output") == 1


STEM = """
stem = self.stem(x);  x = None
block_1 = self.block_1(stem);  stem = None
block_2 = self.block_2(block_1);  block_1 = None
end = self.end(block_2);  block_2 = None
return end
"""
BLOCK = """
branch_conv_1 = self.branch.conv_1(x)
branch_bn_1 = self.branch.bn_1(branch_conv_1);  branch_conv_1 = None
branch_relu = self.branch.relu(branch_bn_1);  branch_bn_1 = None
branch_conv_2 = self.branch.conv_2(branch_relu);  branch_relu = None
branch_bn_2 = self.branch.bn_2(branch_conv_2);  branch_conv_2 = None
add_ = branch_bn_2.add_(x);  branch_bn_2 = x = None
relu = self.relu(add_);  add_ = None
return relu
"""


def test_the_code_reads_like_the_table() -> None:
    built = spec(RESIDUAL).network()
    for module, body in ((built, STEM), (built.get_submodule("block_1"), BLOCK)):
        lines = [line.strip() for line in module.code.strip().splitlines()]
        assert lines == ["def forward(self, x):", *body.strip().splitlines()]


def test_rows_that_share_a_label_stay_apart() -> None:
    """`conv 1` must not be taken for the first of two rows called `conv`."""
    architecture = spec("conv -> conv 1x1 4\nconv 1 -> conv 1x1 5\nconv -> conv 1x1 4\nconv 2 -> conv 1x1 7")
    names = [row.name for row in architecture.graph().rows]
    assert len(set(names)) == 4
    widths = [next(row.parameters()).shape[0] for row in architecture.network().children()]
    assert widths == [4, 5, 4, 7]


@pytest.mark.parametrize(
    "label", ["pass", "train", "code", "graph", "forward", "type", "training", "class", "x"]
)
def test_a_row_may_have_any_name(label: str) -> None:
    """Names that Python or torch keep for themselves get an underscore."""
    architecture = spec(f"{label} -> conv 1x1 4 > pass\nlast -> linear 2")
    built = architecture.network()
    row = architecture.graph().rows[0].name
    assert row == label
    assert isinstance(built.get_submodule(network.module_name(row)), Network)
    assert isinstance(built.get_submodule(network.module_name(f"{row}.pass")), nn.Identity)
    assert run(built, 2, 3, 8, 8).shape == (2, 2)
    assert built.training is False
    assert built.train().training is True


def test_the_network_and_its_rows_know_where_they_come_from() -> None:
    built = archcalc.load("googlenet").network(device="meta")
    assert built.meta["spec"] == "googlenet"
    assert type(built).__name__ == "googlenet"
    row = built.get_submodule("inception_3a")
    assert row.meta["label"] == "inception (3a)"
    assert row.meta["input"] == (192, 28, 28)


@pytest.mark.parametrize("name", shipped_networks.parameters())
def test_every_shipped_network_is_built_and_gives_its_shape(name: str) -> None:
    """On `meta`, so without arithmetic: each row and the output have the shapes of the graph."""
    graph = archcalc.load(name).graph(heads=True)
    built = network.build(graph, device="meta").eval()
    assert all(p.is_meta for p in built.parameters())
    given = built(torch.empty(2, *graph.input, device="meta"))
    heads = [row for row in graph.rows if row.head]
    assert isinstance(given, tuple) == bool(heads)
    ends = graph.outputs
    for tensor, end in zip(given if heads else [given], ends, strict=True):
        assert tuple(tensor.shape) == (2, *graph.shape(end))


# -- probabilities and heads ----------------------------------------------------------------------------


def test_logits_unless_asked_for_probabilities() -> None:
    architecture = spec(RESIDUAL)
    logits, kept = architecture.network(), architecture.network(probabilities=True)
    kept.load_state_dict(logits.state_dict())
    given = run(kept, 2, 3, 8, 8)
    torch.testing.assert_close(given, run(logits, 2, 3, 8, 8).softmax(1))
    torch.testing.assert_close(given.sum(1), torch.ones(2))


def test_a_row_of_nothing_but_softmax_is_left_out() -> None:
    architecture = spec("fc -> linear 4\nsoftmax -> softmax")
    assert [n for n, _ in architecture.network().named_children()] == ["fc"]
    assert [n for n, _ in architecture.network(probabilities=True).named_children()] == ["fc", "softmax"]


def test_a_softmax_in_the_middle_stays() -> None:
    built = spec("attention -> multiply[ conv 1x1 3 > softmax | skip ]\nfc -> linear 4").network()
    assert isinstance(built.get_submodule("attention.branch.softmax"), nn.Softmax)


HEADS = """
side from b -> avgpool global > linear 5 > softmax
inner from b.branch_1 -> conv 1x1 7 > avgpool global
early from a -> linear 2
"""


def test_heads_follow_the_trunk_in_a_tuple() -> None:
    architecture = spec(
        "a -> conv 1x1 4 relu\nb -> concat[ conv 3x3 4 same relu | conv 1x1 2 ]\nc -> linear 10", heads=HEADS
    )
    plain, built = architecture.network(), architecture.network(heads=True)
    built.load_state_dict(built.state_dict() | plain.state_dict())
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        trunk, side, inner, early = built(x)
        torch.testing.assert_close(trunk, plain(x))
        a = built.get_submodule("a")(x)
        b = built.get_submodule("b")(a)[0]  # a head reads inside this row, which then gives two maps
        branch = built.get_submodule("b.branch_1.relu")(built.get_submodule("b.branch_1.conv")(a))
        torch.testing.assert_close(side, built.get_submodule("side")(b))
        torch.testing.assert_close(inner, built.get_submodule("inner")(branch))
        torch.testing.assert_close(early, built.get_submodule("early")(a))
    assert [tuple(t.shape) for t in (trunk, side, inner, early)] == [(2, 10), (2, 5), (2, 7, 1, 1), (2, 2)]


def test_a_softmax_that_a_head_reads_stays() -> None:
    architecture = spec("a -> linear 4 > softmax", heads="side from a -> linear 2")
    trunk, side = architecture.network(heads=True).eval()(torch.randn(3, 3, 8, 8))
    torch.testing.assert_close(trunk.sum(1), torch.ones(3))
    assert side.shape == (3, 2)


# -- features without a grid --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        "a -> conv 3x3 4 > linear 6 > relu > linear 5",
        "a -> linear 6\nb -> conv 1x1 5",
        "a -> linear 6 bn relu\nb -> linear 5",
        "a -> linear 6 > maxpool 1x1/1 > linear 5",
        "a -> linear 6 > scale > linear 5",
        "a -> linear 6 > shuffle groups=2 > linear 5",
        "a -> linear 6 > lrn > linear 5",
        "a -> linear 6 > prelu > dropout > select maps=0,2,4 > linear 5",
        "a -> flatten > linear 5",
        "a -> linear 6 > flatten > rbf 5",
        "a -> conv 3x3 4 > rbf 5",
        "a -> concat[ linear 2 | avgpool global ]",
        "a -> concat[ linear 2 | linear 3 ]",
        "a -> avgpool global > add[ linear 3 | skip ] > linear 5",
        "a -> linear 4 > add[ linear 4 | linear 4 bn | skip ] > linear 5",
        "a -> conv 1x1 5 > multiply[ skip | avgpool global > linear 5 > sigmoid ] > avgpool global",
        "a -> conv 1x1 5 > multiply[ avgpool global > linear 5 > sigmoid | skip ] > avgpool global",
        "a -> conv 1x1 5 > multiply[ skip | avgpool global > conv 1x1 5 > sigmoid ] > avgpool global",
    ],
)
def test_features_and_grids_meet(rows: str) -> None:
    """Whatever stands behind what, the network runs and every layer's shape is the graph's."""
    architecture = spec(rows)
    result = run(architecture.network(), 2, 3, 8, 8)
    assert result.flatten(1).shape == (2, 5)
    assert result.isfinite().all()
    verification = architecture.verify(batch=2)
    assert verification.agrees, verification.disagreements


def test_channel_attention_multiplies_each_map_by_its_own_factor() -> None:
    built = spec("a -> multiply[ skip | avgpool global > linear 3 > sigmoid ]").network().eval()
    x = torch.randn(2, 3, 8, 8)
    row = built.get_submodule("a")
    linear = next(m for m in row.modules() if isinstance(m, nn.Linear))
    factors = linear(x.mean((2, 3))).sigmoid()
    torch.testing.assert_close(built(x), x * factors[:, :, None, None])


# -- overwriting in place -------------------------------------------------------------------------------

OVERWRITING = [
    RESIDUAL,
    "a -> conv 1x1 4\nb -> relu > conv 1x1 4 relu",
    "a -> add[ skip | skip ] > relu",
    "a -> conv 1x1 4 > add[ relu | skip ] > add[ conv 1x1 4 relu | skip ] > conv 1x1 4",
    "a -> conv 1x1 4 > add[ skip | conv 1x1 4 | conv 1x1 4 | bn ] > relu6",
    "a -> conv 1x1 4 > add[ tanh | sigmoid | hardswish ] > silu",
    "a -> conv 1x1 4 > concat[ relu | skip ] > leakyrelu",
    "a -> conv 1x1 4 bn > multiply[ relu | hardsigmoid ] > relu > add[ skip | conv 1x1 4 bn ]",
    "a -> conv 1x1 4\nb -> add[ pass > relu | skip ] > conv 1x1 4",
    "a -> concat[ skip | bn > relu > conv 1x1 4 bn relu ] > concat[ skip | bn > relu > conv 1x1 2 ]",
]


def out_of_place(module: Network) -> Network:
    """A copy that overwrites nothing."""
    plain = copy.deepcopy(module)
    for part in plain.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
        if isinstance(part, fx.GraphModule):
            for node in part.graph.nodes:
                if node.target == "add_":
                    node.target = "add"
            part.recompile()
    return plain


@pytest.mark.parametrize("rows", OVERWRITING)
@pytest.mark.parametrize("training", [False, True])
def test_overwriting_changes_nothing(rows: str, training: bool) -> None:
    """Values, gradients and the input of every row are those of a network that never overwrites."""
    torch.manual_seed(0)
    fast = spec(rows).network(dtype=torch.float64).train(training)
    plain = out_of_place(fast)
    for part in fast.modules():
        if isinstance(part, Network) and part is not fast:
            part.register_forward_pre_hook(lambda m, inputs: setattr(m, "before", inputs[0].detach().clone()))
            part.register_forward_hook(
                lambda m, inputs, output: setattr(m, "kept", torch.equal(m.before, inputs[0]))
            )
    results = []
    for built in (fast, plain):
        x = torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        x.requires_grad_()
        y = built(x)
        y.square().sum().backward()
        results.append([y, x.grad, *(p.grad for p in built.parameters())])
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)
    assert all(row.kept for row in fast.children())


def test_overwriting_happens_where_torchvision_does_it() -> None:
    """Every relu behind a convolution or normalisation, and every sum of a residual block."""
    built = archcalc.load("resnet-50").network(device="meta")
    assert all(m.inplace for m in built.modules() if isinstance(m, nn.ReLU))
    sums = [n.target for row in built.children() for n in row.graph.nodes if "add" in str(n.target)]
    assert sums == ["add_"] * 16


# -- devices, formats, copies -----------------------------------------------------------------------------


def test_on_meta_nothing_is_allocated() -> None:
    built = archcalc.load("vgg-16").network(device="meta")
    assert {t.device.type for t in built.state_dict().values()} == {"meta"}
    assert sum(p.numel() for p in built.parameters()) == 138_357_544
    assert built(torch.empty(5, 3, 224, 224, device="meta")).shape == (5, 1000)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_precision(dtype: torch.dtype) -> None:
    built = spec(RESIDUAL).network(dtype=dtype).eval()
    assert {p.dtype for p in built.parameters()} == {dtype}
    assert built(torch.randn(2, 3, 8, 8, dtype=dtype)).dtype == dtype


def test_channels_last_goes_all_the_way() -> None:
    architecture = spec(RESIDUAL)
    plain = architecture.network().eval()
    last = architecture.network(memory_format=torch.channels_last).eval()
    last.load_state_dict(plain.state_dict())
    assert last.get_submodule("stem.conv").weight.is_contiguous(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 8, 8)
    seen = []
    for row in list(last.children())[:-1]:
        row.register_forward_hook(lambda m, i, o: seen.append(o))
    with torch.no_grad():
        torch.testing.assert_close(last(x.to(memory_format=torch.channels_last)), plain(x))
    assert len(seen) == 3
    assert all(o.is_contiguous(memory_format=torch.channels_last) for o in seen)


@pytest.mark.parametrize("name", ["googlenet", "lenet-5", "mobilenet-v2"])
def test_copies_are_the_same_network(name: str) -> None:
    """Deep copies, pickles and `torch.save` keep values, code, names and where a row comes from."""
    graph = archcalc.load(name).graph(heads=True)
    built = network.build(graph).eval()
    file = io.BytesIO()
    torch.save(built, file)
    file.seek(0)
    x = torch.randn(1, *graph.input)
    expected = built(x)
    for twin in (
        copy.deepcopy(built),
        pickle.loads(pickle.dumps(built)),
        torch.load(file, weights_only=False),
        pickle.loads(pickle.dumps(copy.deepcopy(pickle.loads(pickle.dumps(built))))),
    ):
        assert isinstance(twin, Network)
        assert type(twin).__name__ == type(built).__name__
        assert twin.meta == built.meta
        assert twin.training is False
        assert list(twin.state_dict()) == list(built.state_dict())
        for (a, mine), (b, other) in zip(built.named_children(), twin.named_children(), strict=True):
            assert (a, mine.meta, mine.code) == (b, other.meta, other.code)
        for key, value in built.state_dict().items():
            assert torch.equal(twin.state_dict()[key], value)
        given = twin(x)
        pairs = zip(expected, given, strict=True) if isinstance(expected, tuple) else [(expected, given)]
        assert all(torch.equal(a, b) for a, b in pairs)


def test_state_dicts_move_between_networks() -> None:
    architecture = spec(RESIDUAL)
    one, other = architecture.network(), architecture.network(device="meta")
    other.load_state_dict(one.state_dict(), assign=True)
    assert torch.equal(run(one, 2, 3, 8, 8), run(other, 2, 3, 8, 8))


# -- weights ------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights() -> None:
    architecture = spec(RESIDUAL)
    states = [initialise(architecture.network(), seed).state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert not torch.equal(states[0]["stem.conv.weight"], states[2]["stem.conv.weight"])
    last = architecture.network(memory_format=torch.channels_last, dtype=torch.float64)
    for key, value in initialise(last, 3).state_dict().items():
        torch.testing.assert_close(value.to(states[0][key].dtype), states[0][key])


def test_weights_are_he_normal() -> None:
    built = initialise(spec("a -> conv 3x3 400 groups=2 bias", input="8x8x64").network())
    weight = next(built.parameters())
    assert weight.std().item() == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.02)
    assert weight.mean().item() == pytest.approx(0, abs=0.002)
    assert not list(built.parameters())[1].any()


def test_normalisation_starts_as_the_identity() -> None:
    built = spec(RESIDUAL).network()
    for _ in range(3):  # statistics drift in training
        built.train()(torch.randn(4, 3, 8, 8) * 5 + 2)
    initialise(built)
    for part in built.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert torch.equal(part.running_mean, torch.zeros_like(part.running_mean))
            assert torch.equal(part.running_var, torch.ones_like(part.running_var))
            assert torch.equal(part.weight, torch.ones_like(part.weight))


@pytest.mark.parametrize(
    ("name", "side"),
    [("resnet-152", 64), ("densenet-121", 64), ("mobilenet-v2", 64), ("inception-v3", 96), ("googlenet", 96)],
)
def test_signals_stay_within_the_range_of_half_precision(name: str, side: int) -> None:
    """fp16 ends at 65,504; and a network whose output does not vary with its input measures nothing."""
    built = initialise(archcalc.load(name).network(input=side), seed=0).eval()
    peaks = []
    for part in built.modules():
        part.register_forward_hook(lambda m, i, o: peaks.append(o.abs().max().item()))
    output = run(built, 2, 3, side, side)
    assert max(peaks) < 10_000
    assert output.isfinite().all()
    assert output.std(0).mean() > 1e-3
    assert output.std(1).mean() > 1e-3
