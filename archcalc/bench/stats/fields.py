"""Fields that a saved dataclass may lack: older records were written before they were known."""

from __future__ import annotations

from typing import Any, Final

#: Metadata of a dataclass field that a record leaves out where it has its default, and that may be missing.
#: The default must be true of every record that was written before the field was known.
OPTIONAL: Final = {"optional": True}


def is_optional(member: Any) -> bool:
    """True for a field (of `dataclasses.fields`) that is marked as `OPTIONAL`."""
    return member.metadata.get("optional") is True
