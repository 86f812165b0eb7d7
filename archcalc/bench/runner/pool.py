"""Fresh measuring processes, and what their end means; no torch here.

All are started at once, so that they load torch side by side, and then take turns: while one measures the
others sleep. They live in a process group of their own, so that Ctrl-C reaches only this process, which
ends them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from archcalc.bench.records.codec import decode, encode
from archcalc.bench.records.record import Status
from archcalc.bench.runner.tasks import Answer, Task, Watch

#: glibc maps large blocks afresh and trims its heap by thresholds that move with what was freed before. By
#: that luck GoogLeNet meets 2,000 page faults in each run or none, 4% of its time, in one process and not in
#: the next. Measuring processes hold the thresholds where they come to rest at most, 32 MiB, and do not trim.
STEADY_HEAP = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}

#: What a measuring process runs.
WORKER = ("-m", "archcalc.bench.runner.worker")

_PACKAGE_HOME = str(Path(__file__).resolve().parents[3])


class Process:
    """One measuring process. It is started again for the next task where the last one killed it."""

    def __init__(self, threads: int = 0, heap: str = "steady") -> None:
        self.threads, self.heap = threads, heap
        self.setup: Task | None = None
        self.start()

    def start(self) -> None:
        """Start the process; it loads torch while this one goes on."""
        environment = {**(STEADY_HEAP if self.heap == "steady" else {}), **os.environ}
        paths = [_PACKAGE_HOME, environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
        if self.threads:
            environment["OMP_NUM_THREADS"] = str(self.threads)
        # Open for as long as the process lives: `close` closes it.
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, *WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def run(self, task: Task, watch: Watch) -> Answer:
        """Send a task and wait for its answer; a process that died of it is an answer too."""
        if self.process.poll() is not None:
            self.start()
            if self.setup is not None:
                again = self._ask(self.setup, watch)
                if again.status is not Status.DONE:
                    return again
        if task.key is None:
            self.setup = task
        return self._ask(task, watch)

    def _ask(self, task: Task, watch: Watch) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(encode(task)) + "\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                message: dict[str, Any] = json.loads(line)
                if "watch" in message:
                    watch(*message["watch"])
                elif "answer" in message:
                    return decode(Answer, message["answer"])
        except (BrokenPipeError, json.JSONDecodeError):
            pass
        return self._died()

    def _died(self) -> Answer:
        """What the end of the process says."""
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._kill()
            code = self.process.wait()
        if code == -signal.SIGKILL:
            why = "the system killed the measuring process, most likely for want of memory"
            return Answer(Status.OUT_OF_MEMORY, why)
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        said = self._said()
        return Answer(Status.FAILED, f"the measuring process ended by {name}" + (f": {said}" if said else ""))

    def _said(self) -> str:
        """The last line that the process wrote on stderr."""
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read()[-4000:].splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    def close(self) -> None:
        """End the process."""
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        self._kill()
        self.process.wait()
        self.log.close()

    def _kill(self) -> None:
        """End the process and whatever it started, such as compilers."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def start(count: int, threads: int = 0, heap: str = "steady") -> list[Process]:
    """`count` fresh processes, loading; `heap` is one of `record.HEAPS`."""
    return [Process(threads, heap) for _ in range(count)]
