"""A torch module -> `Profile`: its multiply-adds as fvcore and as torch itself count them, module by module.

The only module that imports fvcore, whose last release (0.1.5) traces through a private torch API: it
cannot trace on `meta`, its `total()` adds normalisation, and it knows most einsums to four digits only.
"""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

if TYPE_CHECKING:
    from collections.abc import Sequence

#: fvcore's names of the operators whose counts are multiply-adds; it counts others in other units.
MACS: Final = frozenset({"conv", "linear", "addmm", "mm", "bmm", "matmul", "einsum"})


@dataclass(frozen=True, slots=True)
class ModuleProfile:
    """What one module costs, with all that it holds.

    `params` are learnable values. `fvcore` and `torch` are multiply-adds by each counter, `activations`
    the elements that convolutions and linear layers produce, by fvcore. `unknown` holds, by counter, the
    operators that it met and has no formula for, and how often: a zero beside such an operator is no count.
    """

    name: str
    kind: str
    params: int
    fvcore: int
    torch: int
    activations: int
    unknown: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Profile:
    """Every module of a network by its dotted name, the network itself as "", for `batch` images.

    `beside` is what fvcore counts in other units, such as normalisation: its own total is larger by that.
    `uncalled` are modules with parameters that the forward pass never ran; `notes` what tracing warned of.
    """

    input: tuple[int, ...]
    batch: int
    modules: Mapping[str, ModuleProfile]
    beside: Mapping[str, int]
    uncalled: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def total(self) -> ModuleProfile:
        """The whole network."""
        return self.modules[""]

    @property
    def rows(self) -> tuple[ModuleProfile, ...]:
        """The network's children: of a network that archcalc built, the table's rows."""
        return tuple(m for name, m in self.modules.items() if name and "." not in name)


def profile(module: nn.Module, input: Sequence[int], batch: int = 1) -> Profile:
    """Count `module` on `batch` inputs of shape `input`, without the batch, in inference.

    The module is left as it was; one on `meta` is counted on the CPU with no values of its own. Raises what
    its forward pass raises.
    """
    like = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    device = "cpu" if like.is_meta else like.device
    return profile_on(module, (torch.zeros(batch, *input, device=device, dtype=like.dtype),))


def profile_on(module: nn.Module, inputs: Sequence[torch.Tensor]) -> Profile:
    """As `profile`, on one tensor or several, whose first axis is the batch."""
    if any(p.is_meta for p in (*module.parameters(), *module.buffers())):
        module = _on_cpu(module)
    with _inference(module), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        macs, activations = _fvcore(module, tuple(inputs))
        by_torch, unknown = _torch(module, tuple(inputs))
    flops = macs.by_module_and_operator()
    produced = activations.by_module()
    modules = {}
    for name, part in module.named_modules():
        modules[name] = ModuleProfile(
            name=name,
            kind=type(part).__name__,
            params=sum(p.numel() for p in part.parameters()),
            fvcore=int(sum(n for op, n in flops[name].items() if op in MACS)),
            torch=by_torch[name],
            activations=int(produced[name]),
            unknown={"fvcore": dict(macs.unsupported_ops(name)), "torch": dict(unknown[name])},
        )
    own = {name: list(part.parameters(recurse=False)) for name, part in module.named_modules()}
    return Profile(
        input=tuple(inputs[0].shape[1:]),
        batch=inputs[0].shape[0],
        modules=modules,
        beside={op: int(n) for op, n in flops[""].items() if op not in MACS},
        uncalled=tuple(sorted(name for name in macs.uncalled_modules() if own[name])),
        notes=tuple(dict.fromkeys(str(w.message) for w in caught)),
    )


def _on_cpu(module: nn.Module) -> nn.Module:
    """A copy on the CPU without values of its own; parameters that were one tensor still are."""
    holders: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        holders.setdefault(id(parameter), []).append(name)
    copied = copy.deepcopy(module).to_empty(device="cpu")
    for first, *others in holders.values():
        for name in others:
            place, _, own = name.rpartition(".")
            setattr(copied.get_submodule(place), own, copied.get_parameter(first))
    return copied


@contextmanager
def _inference(module: nn.Module) -> Iterator[None]:
    """`eval()` and no gradients for a while."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training


def _fvcore(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[Any, Any]:
    """fvcore's two analyses, run; what it would print is in the `Profile` instead."""
    analyses = FlopCountAnalysis(module, inputs), ActivationCountAnalysis(module, inputs)
    for analysis in analyses:
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("all")
        analysis.total()
    return analyses


def _torch(
    module: nn.Module, inputs: tuple[torch.Tensor, ...]
) -> tuple[dict[str, int], dict[str, Counter[str]]]:
    """torch's own count by module, in multiply-adds, and the operators that it has no formula for."""
    counter = FlopCounterMode(display=False)
    with counter, _Unknown(counter) as seen:
        module(*inputs)
    root = type(module).__name__
    flops = counter.get_flop_counts()
    macs, unknown = {}, {}
    for name, _ in module.named_modules():
        key = f"{root}.{name}" if name else "Global"
        twice = sum(flops.get(key, {}).values())
        if twice % 2:
            raise ArithmeticError(f"torch counts {twice} FLOPs in `{name}`, which are no multiply-adds")
        macs[name] = twice // 2
        unknown[name] = seen.counts.get(key, Counter())
    return macs, unknown


class _Unknown(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes which operators torch's counter passes over; views and bare memory are no omission."""

    def __init__(self, counter: FlopCounterMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counter = counter
        self.counts: dict[str, Counter[str]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        known = func.overloadpacket in flop_registry or func.overloadpacket is torch.ops.aten.empty
        if not known and not func.is_view:
            for parent in self.counter.mod_tracker.parents:
                self.counts.setdefault(parent, Counter())[str(func.overloadpacket)] += 1
        return func(*args, **(kwargs or {}))
