"""How a result shows itself in a notebook, without its room knowing those that make tables.

A result that derives from `Displayed` has a table there once the Python interface has registered one for its
type; before that, and everywhere else, it has its `repr`, one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_VIEWS: Final[dict[str, Callable[[Any], str]]] = {}


def register(type_name: str, html: Callable[[Any], str]) -> None:
    """Let results of the type called `type_name` show themselves as what `html` makes of them."""
    _VIEWS[type_name] = html


class Displayed:
    """A result that a notebook shows as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        view = _VIEWS.get(type(self).__name__)
        return None if view is None else view(self)
