"""Three counters and a real network: that they agree, and that a fault in any of them comes to light."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import replace

import pytest
import shipped_networks
import torch
from fvcore.nn import FlopCountAnalysis
from small import spec
from torch import nn

import archcalc
from archcalc.graph.graph import Graph
from archcalc.nn import network, profiler
from archcalc.nn.verify import Disagreement, Verification, verify
from archcalc.ops.op import WEIGHT, Parameter
from archcalc.ops.table import OPS, WRITTEN


def hold(found: Verification) -> None:
    """All counters agree, rows add up to the network, and no layer was passed by."""
    assert found.agrees, found.disagreements[:5]
    assert found.disagreements == ()
    assert not [note for note in found.notes if "never ran" in note]
    for metric in ("params", "macs", "activations"):
        rows = [row[metric].figures["symbolic"] for row in found.rows]
        assert sum(rows) == found.total[metric].figures["symbolic"]


def small(architecture: archcalc.Architecture) -> Graph:
    """The network with its heads, on the smallest of some inputs on which it stands."""
    for side in (64, 96, 128, 192):
        try:
            return architecture.graph(input=side, heads=True)
        except archcalc.SpecError:
            continue
    return architecture.graph(heads=True)


@pytest.mark.parametrize("name", shipped_networks.parameters())
def test_every_shipped_network_verifies(name: str) -> None:
    hold(verify(small(archcalc.load(name))))


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_networks.parameters())
def test_every_shipped_network_verifies_on_the_papers_input(name: str) -> None:
    hold(archcalc.load(name).verify(heads=True))


MIXED = """
conv -> conv 3x3 8 same bn relu
conv 1 -> conv 1x1 12 bias
conv -> conv 3x3 8 same bn relu
block -> add[ dwconv 3x3 same bn > conv 1x1 8 | skip ] > relu
inception -> concat[ conv 1x1 4 relu | maxpool 3x3/1 same > conv 1x1 4 ] > lrn
end -> avgpool global > linear 10 bias > softmax
"""
HEAD = "aux from inception.branch_1 -> conv 3x3 2 > linear 3"


def test_what_a_verification_holds() -> None:
    found = spec(MIXED, HEAD).verify(batch=3, heads=True)
    assert found.agrees
    assert (found.network, found.input, found.batch, found.heads) == ("tiny", (3, 8, 8), 3, True)
    assert [row.name for row in found.rows] == [
        "conv_1",
        "conv_1_",
        "conv_2",
        "block",
        "inception",
        "end",
        "aux",
    ]
    assert [row.label for row in found.rows][:3] == ["conv", "conv 1", "conv"]
    conv = found.rows[1]
    assert conv["output"].figures == {"symbolic": (12, 8, 8), "network": (12, 8, 8)}
    assert conv["params"].figures == {"symbolic": 8 * 12 + 12, "network": 108}
    macs = 3 * 8 * 12 * 64
    assert conv["macs"].figures == {"symbolic": macs, "fvcore": macs, "torch": macs}
    assert conv["activations"].figures == {"symbolic": 3 * 12 * 64, "fvcore": 3 * 12 * 64}
    with pytest.raises(KeyError):
        conv["depth"]
    join = next(layer for layer in found.layers if layer.name == "inception.concat")
    assert [check.metric for check in join.checks] == ["output"]
    assert join["output"].figures["network"] == (8, 8, 8)


def test_unknown_operators_are_named_not_passed_over() -> None:
    found = spec(MIXED).verify()
    inception = next(row for row in found.rows if row.name == "inception")
    lrn = next(layer for layer in found.layers if layer.name == "inception.lrn")
    assert {"aten::avg_pool3d", "aten::div"} <= set(lrn.unknown["fvcore"])
    assert {"aten.avg_pool3d", "aten.div"} <= set(lrn.unknown["torch"])
    assert set(lrn.unknown["fvcore"]) < set(inception.unknown["fvcore"])
    assert found.unknown["fvcore"]["aten::max_pool2d"] == 1
    assert set(found.beside) == {"batch_norm", "adaptive_avg_pool2d"}
    conv = found.rows[1]
    assert conv.unknown == {"fvcore": {}, "torch": {}}


# -- a fault anywhere is found, and where it is -----------------------------------------------------------


def broken(monkeypatch: pytest.MonkeyPatch, name: str, **changes: object) -> Verification:
    """A verification in which archcalc's own rule for an op is wrong."""
    wrong = replace(OPS[name], **changes)  # type: ignore[arg-type]
    for table in (OPS, WRITTEN):
        monkeypatch.setitem(table, name, wrong)  # type: ignore[arg-type]
    return spec(MIXED, HEAD).verify(heads=True)


@pytest.mark.parametrize(
    ("op", "field", "metric", "layers"),
    [
        ("dwconv", "macs", "macs", ["block.branch.dwconv"]),
        ("linear", "macs", "macs", ["end.linear", "aux.linear"]),
        ("conv", "parameters", "params", None),
        ("bn", "parameters", "params", ["conv_1.bn", "conv_2.bn", "block.branch.bn"]),
        ("lrn", "parameters", "params", ["inception.lrn"]),
        ("maxpool", "macs", "macs", ["inception.branch_2.maxpool"]),
    ],
)
def test_a_wrong_rule_is_found(
    monkeypatch: pytest.MonkeyPatch, op: str, field: str, metric: str, layers: list[str] | None
) -> None:
    wrong = (Parameter("weight", (7,), WEIGHT),) if field == "parameters" else 7
    found = broken(monkeypatch, op, **{field: lambda a, i, o: wrong})
    assert not found.agrees
    assert {d.metric for d in found.disagreements} == {metric}
    names = [d.name for d in found.disagreements]
    assert names[0] == ""  # the network's total parts too
    wrong = [d for d in found.disagreements if "." in d.name]
    if layers is not None:
        assert [d.name for d in wrong] == layers
    assert {d.name.split(".")[0] for d in wrong} == {n for n in names if n and "." not in n}
    assert all(d.figures["symbolic"] != d.figures.get("network", d.figures.get("torch")) for d in wrong)


def with_shape(graph: Graph, name: str, shape: tuple[int, int, int]) -> Graph:
    """The graph, with a wrong shape noted at one node."""
    wrong = next(n for n in graph.nodes if n.name == name)
    values = tuple(v._replace(shape=shape) if v.id == wrong.output else v for v in graph.values)
    nodes = tuple(replace(n, outputs=(values[n.output],)) for n in graph.nodes)
    return replace(graph, nodes=nodes, values=values)


def test_a_wrong_shape_is_found() -> None:
    graph = spec(MIXED).graph()
    found = verify(with_shape(graph, "conv_2.conv", (8, 8, 9)))
    output = [d for d in found.disagreements if d.metric == "output"]
    figures = {"symbolic": (8, 8, 9), "network": (8, 8, 8)}
    assert output == [Disagreement("conv_2.conv", "conv", "output", figures)]
    # its costs follow from its shape
    assert {d.metric for d in found.disagreements if d.name == "conv_2"} == {"macs", "activations"}
    join = verify(with_shape(graph, "inception.concat", (8, 8, 9))).disagreements
    assert [(d.name, d.metric) for d in join] == [("inception.concat", "output")]


def test_rows_of_the_same_label_are_not_mixed_up() -> None:
    """`conv_1` and `conv_10` begin alike; each row's figures must be its own."""
    widths = list(range(1, 13))
    found = spec("\n".join(f"conv ({w}) -> conv 1x1 {w}" for w in widths)).verify()
    assert found.agrees
    given = [row["params"].figures["network"] for row in found.rows]
    assert given == [a * b for a, b in zip([3, *widths], widths, strict=False)]
    repeated = spec("\n".join(["conv -> conv 1x1 {in + 1}"] * 12)).verify()
    assert [row.name for row in repeated.rows] == [f"conv_{i}" for i in range(1, 13)]
    assert [row["macs"].figures["torch"] for row in repeated.rows] == [64 * c * (c + 1) for c in range(3, 15)]


def test_verification_is_frozen_and_silent(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    with caplog.at_level(logging.DEBUG):
        found = spec(MIXED).verify()
    assert capfd.readouterr() == ("", "")
    assert [r for r in caplog.records if r.name.startswith("fvcore")] == []
    assert not [w for w in recwarn if "racer" in w.category.__name__]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.batch = 2  # type: ignore[misc]


# -- the profile of any module ------------------------------------------------------------------------------


class Products(nn.Module):
    """Matrix products in every spelling, and something that neither counter knows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(64, 5)
        self.unused = nn.Linear(7, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.conv(x)).flatten(2)  # (N, 4, 64)
        y = torch.bmm(torch.bmm(y, y.transpose(1, 2)), y)
        y = torch.einsum("abc,abd->acd", y, y)[:, :4]
        y = y @ torch.ones(64, 64)
        return self.fc(torch.cumsum(y, 1))


def test_a_profile_counts_products_and_nothing_else() -> None:
    module = Products().train()
    found = profiler.profile(module, (3, 8, 8), batch=2)
    conv, fc = 2 * 27 * 4 * 64, 2 * 4 * 64 * 5
    products = 2 * (4 * 64 * 4) + 2 * (4 * 4 * 64) + 2 * (4 * 64 * 64) + 2 * (4 * 64 * 64)
    assert found.total.fvcore == found.total.torch == conv + products + fc
    assert (found.modules["conv"].torch, found.modules["fc"].fvcore) == (conv, fc)
    assert found.modules["norm"].torch == found.modules["norm"].fvcore == 0
    assert found.total.params == sum(p.numel() for p in module.parameters())
    assert found.uncalled == ("unused",)
    assert found.total.unknown["fvcore"] == {"aten::cumsum": 1}
    assert found.total.unknown["torch"]["aten.cumsum"] == 1
    assert [row.name for row in found.rows] == ["conv", "norm", "fc", "unused"]
    assert (found.input, found.batch) == ((3, 8, 8), 2)


def test_fvcores_own_total_is_larger_by_what_stands_beside() -> None:
    built = archcalc.load("mobilenet-v2").network(input=64).eval()
    found = profiler.profile(built, (3, 64, 64))
    own = FlopCountAnalysis(built, (torch.zeros(1, 3, 64, 64),)).unsupported_ops_warnings(False)
    assert sum(found.beside.values()) > 0
    assert own.total() == found.total.fvcore + sum(found.beside.values())


def test_a_profile_leaves_the_module_as_it_was() -> None:
    module = Products().train()
    module.norm.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    profiler.profile(module, (3, 8, 8))
    assert module.training
    assert module.fc.training
    assert not module.norm.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


@pytest.mark.slow
def test_a_network_on_meta_is_counted_without_being_touched() -> None:
    """fvcore cannot trace on `meta`, so a copy without values is counted."""
    architecture = archcalc.load("googlenet")
    built = architecture.network(device="meta")
    found = profiler.profile(built, (3, 224, 224))
    assert all(p.is_meta for p in built.parameters())
    assert found.total.fvcore == found.total.torch == architecture.counts().total.macs
    assert dict(found.modules) == dict(architecture.profile().modules)


def test_other_precisions_are_counted_alike() -> None:
    graph = spec(MIXED).graph()
    half = profiler.profile(network.build(graph, dtype=torch.float64), graph.input)
    assert half.total.torch == profiler.profile(network.build(graph), graph.input).total.torch
