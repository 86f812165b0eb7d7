"""archcalc: from a paper's layer table to a network, its exact cost, and what the paper claims.

>>> import archcalc
>>> archcalc.load("googlenet").counts().total.params
6998552

`networks()` names what is shipped, `load` and `loads` give an `Architecture`, and `compare`, `audit` and
`report` do what the commands of these names do.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archcalc.version import __version__

__all__ = [
    "ArchcalcError",
    "Architecture",
    "SpecError",
    "__version__",
    "audit",
    "compare",
    "load",
    "load_record",
    "loads",
    "networks",
    "report",
]

if TYPE_CHECKING:
    from archcalc.api import Architecture, audit, compare, load, load_record, loads, networks, report
    from archcalc.errors import ArchcalcError, SpecError

#: Functions that are also rooms of the package: `archcalc.audit("v1")`, `archcalc.audit.findings`.
_ROOMS = ("audit", "report")


def __getattr__(name: str) -> Any:
    """Import on first use: `import archcalc` itself costs nothing."""
    if name in _ROOMS:
        return import_module(f"archcalc.{name}")
    if name in ("ArchcalcError", "SpecError"):
        return getattr(import_module("archcalc.errors"), name)
    if name in __all__:
        return getattr(import_module("archcalc.api"), name)
    raise AttributeError(f"module 'archcalc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


class _Room(ModuleType):
    """A package that can be called as the function of its name in `archcalc.api`."""

    @property
    def __wrapped__(self) -> Any:
        """The function; `help` and `inspect.signature` follow it."""
        return getattr(import_module("archcalc.api"), self.__name__.rpartition(".")[2])

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.__wrapped__(*arguments, **options)


class _Package(ModuleType):
    """This package: the import system puts its rooms here, and those that are functions too can be called."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ROOMS and isinstance(value, ModuleType):
            value.__class__ = _Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
