"""The shards of a job over a Ray cluster; Ray is optional (`archcalc[ray]`) and imported only here.

Each shard is one Ray task that runs a session in fresh processes on its node and returns its record;
the records merge as those of any scheduler do. A task asks for as many CPUs as the session uses threads (on
CUDA for a GPU of its own), so that Ray does not put two on the same cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from archcalc.bench.records import storage
from archcalc.bench.records.record import Record
from archcalc.bench.records.shards import Shard, merge, remaining
from archcalc.bench.runner import session
from archcalc.bench.runner.session import Job, Progress
from archcalc.bench.work import Fingerprints
from archcalc.errors import ArchcalcError, requires


def run_shard(job: Job) -> str:
    """Measure one shard here and return its record as text; what a Ray task does."""
    return storage.to_json(session.measure(job))


def measure(
    job: Job, shards: int, record: Record | None, save: Callable[[Record], Record | None], progress: Progress
) -> Record:
    """The record with `job` measured as so many shards: on the cluster of `RAY_ADDRESS`, or on a local one.

    Finished shards are merged and saved one by one. Raises `ArchcalcError` without Ray.
    """
    ray = _ray()
    todo = remaining(job.keys, record, rows=job.rows, belongs=Fingerprints(job.sources).belongs)
    parts = [Shard(i, shards) for i in range(1, shards + 1)]
    jobs = [replace(job, keys=part.select(todo), shard=str(part)) for part in parts]
    jobs = [each for each in jobs if each.keys]
    progress.begin(len(jobs))
    started = not ray.is_initialized()
    if started:
        address = os.environ.get("RAY_ADDRESS")
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR")
    try:
        return _collect(ray, job, jobs, record, save, progress)
    finally:
        if started:
            ray.shutdown()


def _collect(
    ray: Any,
    job: Job,
    jobs: list[Job],
    record: Record | None,
    save: Callable[[Record], Record | None],
    progress: Progress,
) -> Record:
    resources = {"num_gpus": 1} if job.device == "cuda" else {"num_cpus": job.threads or 1}
    task = ray.remote(max_retries=0, **resources)(run_shard)
    pending = {task.remote(each): each for each in jobs}
    done = record or Record()
    lost: list[str] = []
    while pending:
        progress.show(f"{len(pending)} of {len(jobs)} shards")
        (ready, *_), _ = ray.wait(list(pending), num_returns=1)
        shard = pending.pop(ready).shard
        try:
            done = merge([done, storage.from_json(ray.get(ready), f"shard {shard}")])
        except ArchcalcError:
            raise
        except Exception as fault:  # whatever became of the node; the other shards go on
            cause = getattr(fault, "cause", None) or fault
            lost.append(f"shard {shard}: {str(cause).strip().splitlines()[-1][:200]}")
            progress.finish(lost[-1])
        else:
            done = save(done) or done
            progress.finish("")
        progress.advance()
    if lost:
        raise ArchcalcError(
            f"{len(lost)} of {len(jobs)} shards failed ({lost[0]})",
            "what the others measured is saved; the same command tries the rest again",
        )
    return done


def _ray() -> Any:
    requires("ray", purpose="`--ray` (unlike `--shard`)")
    import ray

    return ray
