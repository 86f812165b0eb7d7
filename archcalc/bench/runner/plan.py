"""Which points to measure: networks x batch x precision x mode x layout x variables; no torch.

On the CPU `fp32` is IEEE single precision and is recorded as `fp32-ieee`. On CUDA it is refused: there
convolutions round their factors to TF32 unless set otherwise, so the name does not say what ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from archcalc.bench.records.record import CACHES, HEAPS, Key
from archcalc.bench.stats.protocol import PRESETS, Protocol
from archcalc.errors import ArchcalcError, suggest

DEVICES = ("cpu", "cuda")
PRECISIONS = ("fp32-ieee", "tf32", "bf16", "fp16")
MODES = {"cpu": ("eager", "compile"), "cuda": ("eager", "graph", "compile")}
LAYOUTS = ("nchw", "nhwc")

#: Pairs of the factorization document whose saving the paper argues: old, new.
FACTORIZATIONS = (
    ("5x5", "3x3-3x3"),
    ("3x3", "3x1-1x3"),
    ("3x3", "2x2-2x2"),
    ("7x7", "1x7-7x1"),
    ("expand-then-pool", "pool-then-expand"),
    ("expand-then-pool", "parallel-reduction"),
)

#: By device and preset, the numbers of the presets that depend on the device.
_CPU = {"slot_s": 0.001, "warm_up_max_s": 2.5, "null_rounds": 1280}
_LIMITS: dict[str, dict[str, dict[str, float]]] = {
    "cpu": {
        "quick": {**_CPU, "max_rounds": 80, "max_seconds": 5.0},
        "default": {**_CPU, "max_rounds": 1280, "max_seconds": 26.0, "processes": 1},
        "thorough": {**_CPU, "max_rounds": 1280, "max_seconds": 26.0},
    },
    "cuda": {
        "quick": {"max_seconds": 5.0, "warm_up_max_s": 5.0},
        "default": {"max_seconds": 10.0, "warm_up_max_s": 5.0},
        "thorough": {"max_seconds": 60.0},
    },
}


def protocol(preset: str, device: str) -> Protocol:
    """`quick`, `default` or `thorough` for a device.

    On a CPU slots last 1 ms and not 5, and there are up to 1280 rounds and not 80 (80 if quick). Other
    programs, clocks and the neighbours of a virtual machine disturb a CPU on every scale of time at once (1/f
    noise): a round of four slots scatters by 3 to 6% whether its slots last 0.2 ms or 200 ms, so that within
    the same seconds many short rounds are as much narrower as there are more of them under the root. The
    clock reads nanoseconds, so nothing asks for longer slots; on CUDA events need them, and there is less
    noise to average. Seven looks (20, 40 ... 1280) instead of three still cover 94.5% or more.

    On a CPU the default is one process: autotuning has no part there, and in a minute one process that goes
    on is worth more than three with a third of the rounds each, for which Student's t is 4.3. The interval
    is then labelled `within-process`; what is published takes `--thorough`, five processes.

    A run is also ended by the clock, after `max_seconds` of slots, so that a comparison of networks on
    a CPU takes under a minute and a sweep of 84 pairs on a GPU under 20. Where that was too short the record
    says so (`out-of-time`, the flag of the warm-up). What the clock cuts is precision, never the coverage of
    the interval.
    """
    return replace(PRESETS[preset], **_LIMITS[device][preset])  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Conditions:
    """The axes that a command spans; each a tuple of one value or more."""

    device: str
    batches: tuple[int, ...] = (1,)
    precisions: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    fused: bool = False
    heap: str = "steady"
    caches: str = "warm"


def conditions(
    device: str,
    batches: Sequence[int] = (1,),
    precisions: Sequence[str] = (),
    modes: Sequence[str] = (),
    layouts: Sequence[str] = (),
    fused: bool = False,
    heap: str = "steady",
    caches: str = "",
) -> Conditions:
    """The axes, checked, with what was left out filled in.

    Defaults: eager; `fp32-ieee`, NCHW and the name `warm` for the caches on the CPU, `tf32`, NHWC (channels
    last) and cold caches on CUDA.
    """
    if device.lower().startswith(("gpu", "nvidia", "cuda:", "rocm", "mps")):
        hint = "an NVIDIA GPU is `cuda`; choose among several with CUDA_VISIBLE_DEVICES"
        raise ArchcalcError(f"no device is called `{device}`", hint)
    device = _known(device, DEVICES, "device")
    cuda = device == "cuda"
    precisions = tuple(precision(p, device) for p in precisions) or (("tf32",) if cuda else ("fp32-ieee",))
    modes = tuple(_known(m, ("eager", "graph", "compile"), "mode") for m in modes) or ("eager",)
    if not cuda and "graph" in modes:
        raise ArchcalcError("CUDA graphs need `--device cuda`", "on a CPU the modes are eager and compile")
    layouts = tuple(_known(x, LAYOUTS, "layout") for x in layouts) or (("nhwc",) if cuda else ("nchw",))
    if any(b < 1 for b in batches):
        raise ArchcalcError("a batch starts at 1", "write `--batch 1`, or more")
    heap = _known(heap, HEAPS, "heap")
    caches = _known(caches or ("cold" if cuda else "warm"), CACHES, "state of the caches")
    return Conditions(device, tuple(batches), precisions, modes, layouts, fused, heap, caches)


def precision(name: str, device: str) -> str:
    """The precision called `name` on this device; plain `fp32` is `fp32-ieee` on a CPU only."""
    if name == "fp32" and device == "cpu":
        return "fp32-ieee"
    if name == "fp32":
        raise ArchcalcError(
            "`fp32` does not say what runs on CUDA, where convolutions default to TF32",
            "write `--precision fp32-ieee` or `--precision tf32`",
        )
    return _known(name, PRECISIONS, "precision")


def _known(name: str, known: Sequence[str], what: str) -> str:
    if name not in known:
        hint = suggest(name, list(known)) or "known: " + ", ".join(known)
        raise ArchcalcError(f"no {what} is called `{name}`", hint)
    return name


def points(
    networks: Sequence[tuple[str, ...]],
    where: Conditions,
    variables: Sequence[Mapping[str, str]] = ({},),
) -> tuple[Key, ...]:
    """Every combination, network by network, small batches first; `networks` are solos or pairs."""
    return tuple(
        Key(
            names,
            where.device,
            batch,
            precision,
            mode,
            layout,
            where.fused,
            tuple(sorted(setting.items())),
            where.heap,
            where.caches,
        )
        for names, setting, precision, layout, mode, batch in product(
            networks, variables, where.precisions, where.layouts, where.modes, where.batches
        )
    )


def grid(axes: Mapping[str, Sequence[str]]) -> tuple[dict[str, str], ...]:
    """Every combination of variables: `{"width": ("32", "64")}` -> two settings."""
    names = list(axes)
    return tuple(dict(zip(names, values, strict=True)) for values in product(*axes.values()))
