"""`Graph` -> `Counts`: exact costs, memory, receptive field, and ratios between networks."""
