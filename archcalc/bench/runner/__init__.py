"""Latency of built networks, measured: what the protocol of `archcalc.bench.stats` times.

Without torch: `plan` (which points), `tasks` (what is asked of a worker), `work` (what was counted),
`pool` (processes), `session` (points -> record), `cluster` (the same on many machines).
In a worker, with torch: `precision`, `fuse`, `instance` <- `subjects` <- `memory`, `rows`, `ceilings`,
`environment`, `monitor` <- `measurer` <- `worker`. Import from the modules.
"""
