"""Timing that can be trusted: the protocol, its statistics, the roofline and the record; no torch.

`statistics` <- `flags` <- `protocol` <- `rounds` <- `nulltest` <- `record` <- `shards`, `storage`;
`roofline`, `codec` and `simulate` stand alone. Import from the modules.
"""
