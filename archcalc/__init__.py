"""archcalc: from a paper's layer table to a network, its exact cost, and what the paper claims.

>>> import archcalc
>>> archcalc.load("googlenet").counts().total.params
6998552
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.version import __version__

__all__ = ["ArchcalcError", "Architecture", "SpecError", "__version__", "load", "loads"]

if TYPE_CHECKING:
    from archcalc.api import Architecture, load, loads
    from archcalc.errors import ArchcalcError, SpecError


def __getattr__(name: str) -> Any:
    """Import on first use: `import archcalc` itself costs nothing."""
    if name in ("Architecture", "load", "loads"):
        from archcalc import api

        return getattr(api, name)
    if name in ("ArchcalcError", "SpecError"):
        from archcalc import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'archcalc' has no attribute {name!r}")
