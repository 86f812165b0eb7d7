"""The real worker over a simulated CUDA device: in this process, or as a process of its own.

`python tests/simulated_worker.py` serves as `archcalc.bench.runner.worker` does; the environment variable
SIMULATED_CUDA holds the machine's settings as JSON.
"""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from latency_fakes import TINY
from simulated_cuda import installed
from simulated_machine import Machine

from archcalc.bench.records.codec import decode, encode
from archcalc.bench.records.record import Key
from archcalc.bench.runner import plan, worker
from archcalc.bench.runner.measurer import Measurer
from archcalc.bench.runner.tasks import Answer, Task, TaskKind, Watch

QUICK = replace(TINY, null_rounds=6)
SMALL: dict[str, Any] = {"l2": 2**16}  # a second cache that a few small inputs exceed
PAIR = ("3x3", "3x1-1x3")


def unwatched(what: str, rounds: int, half_width: float) -> None:
    assert rounds >= 0


def key(mode: str = "graph", precision: str = "bf16", networks: tuple[str, ...] = PAIR, **axes: Any) -> Key:
    variables = axes.pop("variables", {"width": "16", "grid": "8"})
    where = plan.conditions("cuda", axes.pop("batches", (2,)), (precision,), (mode,), **axes)
    return plan.points([networks], where, [variables])[0]


def task(kind: TaskKind, at: Key | None = None, **changes: Any) -> Task:
    sources = at.networks if at is not None else ()
    return Task(kind, QUICK, "cuda", key=at, sources=sources, **{"first": True, **changes})


@dataclass
class PipedRunner:
    """The worker's loop with lines of text on both sides, as between processes."""

    measurer: Measurer = field(default_factory=Measurer)
    watched: int = 0

    def run(self, asked: Task, watch: Watch) -> Answer:
        answers = io.StringIO()
        worker.serve(io.StringIO(json.dumps(encode(asked)) + "\n"), answers, self.measurer)
        messages = [json.loads(line) for line in answers.getvalue().splitlines()]
        for message in messages:
            if "watch" in message:
                self.watched += 1
                watch(*message["watch"])
        return decode(Answer, messages[-1]["answer"])

    def close(self) -> None:
        """Nothing to end."""


def main() -> None:
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    settings = json.loads(os.environ.get("SIMULATED_CUDA", "{}"))
    with pytest.MonkeyPatch.context() as patch, installed(Machine(**settings), patch):
        worker.serve(sys.stdin, channel, Measurer())


if __name__ == "__main__":
    main()
