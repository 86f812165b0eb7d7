"""`python -m archcalc.bench.runner.worker`: a fresh measuring process; tasks come in, answers go out.

Not a command for people: `pool` starts it. Whatever libraries print goes to stderr, so that the answers
stay alone on the channel.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO

from archcalc.bench.records.codec import decode, encode
from archcalc.bench.runner.tasks import Runner, Task


def main() -> None:
    """Serve the process that started this one until it closes the channel."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from archcalc.bench.runner.measurer import Measurer

    serve(sys.stdin, channel, Measurer())


def serve(tasks: TextIO, answers: TextIO, runner: Runner) -> None:
    """Answer each line of `tasks` by one of `answers`, with lines of progress before it."""

    def send(message: dict[str, object]) -> None:
        answers.write(json.dumps(message, allow_nan=False) + "\n")
        answers.flush()

    def watch(what: str, rounds: int, half_width: float) -> None:
        send({"watch": [what, rounds, min(float(half_width), 1e9)]})

    send({"ready": True})
    for line in tasks:
        answer = runner.run(decode(Task, json.loads(line)), watch)
        send({"answer": encode(answer)})


if __name__ == "__main__":
    main()
