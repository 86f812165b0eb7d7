"""Latency of archcalc's built networks against torchvision's, with the same weights, by archcalc's protocol.

    python benchmarks/torchvision_latency.py [--processes 4] [--threads N] [NETWORK ...]

Eager, fp32, batch 1, on the CPU. In each of several fresh processes the two run in interleaved rounds; rho
= time(archcalc) / time(torchvision) with its 95% interval over processes. Outputs are compared first. The
heap is as steady as in archcalc's own measuring processes, or its page faults would decide. Where
weights lie in memory moves a process's ratio by some percent either way, so every other process builds
archcalc's network first. A null test (torchvision's network against its own copy) stands beside it: where it
does not hold 1.00, the machine was too busy to tell. Exit status 1 where an interval lies above 1.00. Needs
torchvision (`pip install --no-deps torchvision`).
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

# archcalc's name, torchvision's, options of the latter
PAIRS = {
    "googlenet-torchvision": ("googlenet", {"aux_logits": False, "init_weights": False}),
    "inception-v3": ("inception_v3", {"aux_logits": False, "init_weights": False}),
    "resnet-50": ("resnet50", {}),
}


def modules(name: str, ours_first: bool = False):
    """torchvision's network and archcalc's with the same weights, both in `eval()`, and an input."""
    import torch
    from torch import nn

    import archcalc
    from archcalc.nn import network
    from archcalc.nn.initialise import initialise

    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    import torchvision_import

    models = torchvision_import.models()
    reference, options = PAIRS[name]
    graph = archcalc.load(name).graph()
    makers = [lambda: getattr(models, reference)(**options), lambda: network.build(graph)]
    if ours_first:
        ours, theirs = (make().eval() for make in reversed(makers))
    else:
        theirs, ours = (make().eval() for make in makers)
    initialise(ours)
    kinds = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
    layers = [[m for m in each.modules() if isinstance(m, kinds)] for each in (theirs, ours)]
    for one, other in zip(*layers, strict=True):
        one.load_state_dict(other.state_dict())
    x = torch.randn(1, *graph.input, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-3, atol=1e-3)
    return theirs, ours, x


def child(name: str, process: int, threads: int) -> None:
    """Measure in this process and print both runs as JSON."""
    import torch

    from archcalc.bench.records.codec import encode
    from archcalc.bench.runner import instance, plan
    from archcalc.bench.runner.subjects import CpuSubject
    from archcalc.bench.stats.rounds import measure_pair

    if threads:
        torch.set_num_threads(threads)
    theirs, ours, x = modules(name, ours_first=process % 2 == 1)
    inputs = instance.copies(x, "cpu")
    protocol = replace(plan.protocol("default", "cpu"), max_seconds=20.0, warm_up_max_s=5.0)
    old, new, same = (CpuSubject(m, inputs) for m in (theirs, ours, copy.deepcopy(theirs)))
    null = measure_pair(old, same, replace(protocol, max_seconds=10.0), "cpu", 100 + process, process)
    pair = measure_pair(old, new, protocol, "cpu", process, process)
    print(json.dumps({"pair": encode(pair), "null": encode(null), "threads": torch.get_num_threads()}))


def main() -> int:
    """Measure every network in fresh processes and print one line each."""
    from archcalc.bench.records.codec import decode
    from archcalc.bench.runner.pool import STEADY_HEAP
    from archcalc.bench.stats.protocol import PairRun, pair_latency_ns, rho_of

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(PAIRS))
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--child", type=int)
    options = parser.parse_args()
    if options.child is not None:
        child(options.networks[0], options.child, options.threads)
        return 0
    slower = 0
    print(
        "| network | torchvision ms | archcalc ms | rho = archcalc / torchvision | 95% | null test | over |"
    )
    print("|---|---:|---:|---:|---|---|---|")
    for name in options.networks:
        runs, nulls = [], []
        for process in range(options.processes):
            command = [
                sys.executable,
                __file__,
                name,
                "--child",
                str(process),
                "--threads",
                str(options.threads),
            ]
            environment = {**STEADY_HEAP, **os.environ}
            printed = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env=environment
            ).stdout
            found = json.loads(printed)
            runs.append(decode(PairRun, found["pair"]))
            nulls.append(decode(PairRun, found["null"]))
        rho, null = rho_of(runs), rho_of(nulls)
        theirs, ours = (pair_latency_ns(runs, i).point * 1e-6 for i in (0, 1))
        interval, copies = (f"{i.low:.3f} to {i.high:.3f}" for i in (rho, null))
        print(
            f"| {name} | {theirs:.1f} | {ours:.1f} | {rho.point:.3f} | {interval} | {copies} | {rho.label} |",
            flush=True,
        )
        slower += rho.low > 1.0
    print(f"\nEager, fp32, batch 1, {found['threads']} thread(s).")
    return int(slower > 0)


if __name__ == "__main__":
    sys.exit(main())
