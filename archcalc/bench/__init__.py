"""Measuring latency: protocol and statistics, records, results, and the processes that measure."""
