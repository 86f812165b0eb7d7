"""`Graph`: nodes, rows, values and parameters of a network; it knows nobody who makes one."""
