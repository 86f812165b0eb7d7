"""The protocol of measuring, its statistics, null tests, flags and the roofline; no torch.

`statistics` <- `flags` <- `protocol` <- `rounds` <- `nulltest`; `roofline` and `simulate` stand alone.
"""
