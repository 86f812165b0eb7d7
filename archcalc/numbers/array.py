"""Exact arrays: integers or fractions, element by element, that cannot overflow.

An `Array` holds a whole family of values at once, as when a width multiplier is varied: integers over one
denominator, in NumPy's int64 where their bounds allow it and in Python's own integers where not. NumPy is
imported only where an array is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

from archcalc.errors import ArchcalcError

if TYPE_CHECKING:
    import numpy as np

_EXACT: Final = (int, Fraction)  # a tuple: to build `int | Fraction` at each call takes longer than the call
_LEAST, _MOST = -(2**63), 2**63 - 1


class Array:
    """Exact numbers, element by element: `numerators` over one positive `denominator`.

    Arithmetic with integers, fractions and other arrays broadcasts as NumPy's does and never overflows;
    comparisons give an array of 0 and 1. `numpy()` gives the values as a NumPy array.
    """

    __slots__ = ("denominator", "numerators")
    __array_ufunc__ = None  # NumPy arrays leave mixed arithmetic to this class
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, numerators: np.ndarray[Any, Any], denominator: int = 1) -> None:
        self.numerators = numerators
        self.denominator = denominator

    # -- how it is looked at -----------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's own shape, as NumPy means it."""
        return tuple(self.numerators.shape)

    def __len__(self) -> int:
        return len(self.numerators)

    def __getitem__(self, index: Any) -> Number:
        return _element(self.numerators[index], self.denominator)

    def __iter__(self) -> Iterator[Number]:
        return (self[i] for i in range(len(self)))

    def flat(self) -> list[int | Fraction]:
        """Every element as a Python number, the last axis fastest."""
        return [_scalar(int(n), self.denominator) for n in self.numerators.reshape(-1)]

    def tolist(self) -> list[Any]:
        """Nested lists of Python numbers."""
        return list(self.numpy().tolist())

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values: int64 where they are whole and fit, else Python integers or fractions as objects."""
        import numpy as np

        if self.denominator == 1:
            return self.numerators
        values = np.empty(self.numerators.size, dtype=object)
        values[:] = self.flat()
        return values.reshape(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __repr__(self) -> str:
        values = self.flat()
        texts = [str(v) for v in (values if len(values) <= 6 else (*values[:3], "…", *values[-2:]))]
        return f"Array({', '.join(texts)})"

    def all(self) -> bool:
        """Whether no element is zero."""
        return bool((self.numerators != 0).all())

    def any(self) -> bool:
        """Whether some element is not zero."""
        return bool((self.numerators != 0).any())

    def __bool__(self) -> bool:
        raise ArchcalcError(
            "these values differ in what they decide, so they make different networks",
            "count them one by one, or in groups that agree",
        )

    def __int__(self) -> int:
        return int(self._only())

    def __float__(self) -> float:
        return float(self._only())

    def _only(self) -> int | Fraction:
        """The single element; raises `ArchcalcError` where there are several."""
        values = self.flat()
        if len(values) != 1:
            raise ArchcalcError(f"{len(values)} values stand where one is wanted", "choose one of them")
        return values[0]

    # -- arithmetic ----------------------------------------------------------------------------------

    def __add__(self, other: Number) -> Array:
        return _sum(self, other, 1)

    __radd__ = __add__

    def __sub__(self, other: Number) -> Array:
        return _sum(self, other, -1)

    def __rsub__(self, other: Number) -> Array:
        return _sum(-self, other, 1)

    def __neg__(self) -> Array:
        return Array(_times(self.numerators, -1), self.denominator)

    def __mul__(self, other: Number) -> Array:
        values, denominator = _parts(other)
        return Array(_times(self.numerators, values), self.denominator * denominator)

    __rmul__ = __mul__

    def __floordiv__(self, other: Number) -> Array:
        return _floor(self, other)

    def __rfloordiv__(self, other: Number) -> Array:
        return _floor(other, self)

    def __mod__(self, other: Number) -> Array:
        return self - _floor(self, other) * other

    def __rmod__(self, other: Number) -> Array:
        return other - _floor(other, self) * self

    def __truediv__(self, other: Number) -> Array:
        return quotient(self, other)

    def __rtruediv__(self, other: Number) -> Array:
        return quotient(other, self)

    def __lt__(self, other: Number) -> Array:
        a, b = _common(self, other)
        return Array((a < b).astype("int64"))

    def __le__(self, other: Number) -> Array:
        a, b = _common(self, other)
        return Array((a <= b).astype("int64"))

    def __gt__(self, other: Number) -> Array:
        a, b = _common(self, other)
        return Array((a > b).astype("int64"))

    def __ge__(self, other: Number) -> Array:
        a, b = _common(self, other)
        return Array((a >= b).astype("int64"))

    def __eq__(self, other: object) -> Array:  # type: ignore[override]
        a, b = _common(self, _operand(other))
        return Array((a == b).astype("int64"))

    def __ne__(self, other: object) -> Array:  # type: ignore[override]
        a, b = _common(self, _operand(other))
        return Array((a != b).astype("int64"))


#: Whatever has exact `+ - * // %` and comparisons. `/` of two integers is no such thing: see `divide`.
Number = int | Fraction | Array


# -- integers of NumPy that do not overflow ----------------------------------------------------------


def _bounds(values: Any) -> tuple[int, int]:
    if isinstance(values, int):
        return values, values
    return (int(values.min()), int(values.max())) if values.size else (0, 0)


def _fits(*bounds: int) -> bool:
    return all(_LEAST <= bound <= _MOST for bound in bounds)


def _objects(values: Any) -> Any:
    return values if isinstance(values, int) else values.astype(object)


def _tight(values: Any) -> Any:
    """Python integers back to int64 where they fit, which is faster."""
    if not isinstance(values, int) and values.dtype == object and _fits(*_bounds(values)):
        return values.astype("int64")
    return values


def _times(a: Any, b: Any) -> Any:
    (low, high), (least, most) = _bounds(a), _bounds(b)
    corners = (low * least, low * most, high * least, high * most)
    if _fits(low, high, least, most, min(corners), max(corners)):
        return a * b
    return _objects(a) * _objects(b)


def _plus(a: Any, b: Any, sign: int) -> Any:
    (low, high), (least, most) = _bounds(a), _bounds(b)
    ends = (low + least, high + most) if sign > 0 else (low - most, high - least)
    if not _fits(low, high, least, most, *ends):
        a, b = _objects(a), _objects(b)
    return a + b if sign > 0 else a - b


def _parts(value: Number) -> tuple[Any, int]:
    if isinstance(value, int):
        return int(value), 1
    if isinstance(value, Fraction):
        return value.numerator, value.denominator
    made = _operand(value)
    return _parts(made) if isinstance(made, _EXACT) else (made.numerators, made.denominator)


def _operand(value: Any) -> Any:
    if isinstance(value, (*_EXACT, Array)):
        return value
    made = exact(value)
    if made is None:
        raise TypeError(f"{type(value).__name__} is no exact number")
    return made


def _common(a: Any, b: Any) -> tuple[Any, Any]:
    """The numerators of two numbers over their common denominator."""
    (over, under), (other, beneath) = _parts(_operand(a)), _parts(_operand(b))
    if under == beneath:
        return over, other
    shared = math.lcm(under, beneath)
    return _times(over, shared // under), _times(other, shared // beneath)


def _sum(a: Array, b: Any, sign: int) -> Array:
    left, right = _common(a, b)
    shared = math.lcm(a.denominator, _parts(_operand(b))[1])
    return Array(_plus(left, right, sign), shared)


def _floor(a: Any, b: Any) -> Array:
    left, right = _common(a, b)
    low, high = _bounds(right)
    zero = right == 0 if isinstance(right, int) else bool((right == 0).any())
    if zero:
        raise ZeroDivisionError("an element is divided by zero")
    # the least int64 has no negative, so that -1 may not divide it
    if not _fits(*_bounds(left), low, high) or low <= -1 <= high:
        left, right = _objects(left), _objects(right)
    return Array(_tight(left // right))


def quotient(a: Any, b: Any) -> Array:
    """`a / b`, exactly: over the least common multiple of all divisors."""
    left, right = _common(a, b)
    divisors = [right] if isinstance(right, int) else [int(d) for d in right.reshape(-1)]
    if 0 in divisors:
        raise ZeroDivisionError("an element is divided by zero")
    shared = math.lcm(*divisors)
    factors = shared // right if isinstance(right, int) else shared // _objects(right)
    values = _times(_objects(left), _objects(factors))
    if isinstance(values, int):  # never both: one of them is an array
        raise AssertionError("a quotient of two scalars")
    return simplest_array(values, shared)


def simplest_array(values: Any, denominator: int) -> Array:
    """An array in lowest terms, in int64 where its values fit."""
    import numpy as np

    if denominator < 0:
        values, denominator = -values, -denominator
    shared = math.gcd(denominator, int(np.gcd.reduce(_objects(values).reshape(-1), initial=0)))
    if shared > 1:
        values, denominator = values // shared, denominator // shared
    return Array(_tight(values), denominator)


def _element(values: Any, denominator: int) -> Number:
    if getattr(values, "shape", ()) == ():
        return _scalar(int(values), denominator)
    return Array(values, denominator)


def _scalar(numerator: int, denominator: int) -> int | Fraction:
    return simplest(Fraction(numerator, denominator))


def simplest(value: int | Fraction) -> int | Fraction:
    """An integer where a fraction is whole."""
    return value.numerator if value.denominator == 1 else value


# -- what a caller gives ---------------------------------------------------------------------------------


def exact(value: Any) -> Number | None:
    """A caller's number, list or NumPy array as an exact number; None where it is none.

    Decimals are taken as they print: 1.4 is 14/10, not its nearest double. Truth values, infinities and
    NaN are no numbers. Raises `ArchcalcError` for an array that is empty or holds anything else.
    """
    if isinstance(value, Array):
        return value
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return None
    if isinstance(value, Fraction):
        return simplest(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float):  # NumPy's float64 is one
        return simplest(Fraction(repr(float(value)))) if math.isfinite(value) else None
    if isinstance(value, list | tuple) or (hasattr(value, "dtype") and hasattr(value, "shape")):
        return _array(value)
    return None


def _array(values: Any) -> Number:
    import numpy as np

    try:
        # a list is not converted before it is looked at: NumPy makes doubles of large integers
        given = np.asarray(values) if hasattr(values, "dtype") else np.array(values, dtype=object)
        if given.dtype == object and any(isinstance(item, list | tuple) for item in given.reshape(-1)):
            raise ValueError
    except ValueError:
        raise ArchcalcError("an array whose rows have different lengths", "give equal rows") from None
    if given.size == 0:
        raise ArchcalcError("an array without values", "give one value at least")
    if given.dtype.kind in "iu":
        made = Array(given.astype("int64") if _fits(*_bounds(given)) else given.astype(object))
        return made if given.shape else made[()]
    if given.dtype.kind not in "fO":
        raise ArchcalcError(f"an array of {given.dtype} is no array of numbers", "give whole numbers")
    # a float32 prints fewer digits than the double that it becomes
    parts = [exact(_printed(item, given)) for item in given.reshape(-1)]
    if any(not isinstance(part, _EXACT) for part in parts):
        raise ArchcalcError("an array that holds other things than numbers", "give numbers only")
    fractions = [Fraction(part) for part in parts if isinstance(part, _EXACT)]
    shared = math.lcm(*(f.denominator for f in fractions))
    numerators = np.empty(len(fractions), dtype=object)
    numerators[:] = [f.numerator * (shared // f.denominator) for f in fractions]
    made = Array(_tight(numerators.reshape(given.shape)), shared)
    return made if given.shape else made[()]


def _printed(item: Any, given: Any) -> Any:
    return float(str(item)) if given.dtype.kind == "f" else item


def scalar(value: Number) -> int | Fraction:
    """A single number; raises `ArchcalcError` for an array of several."""
    return value._only() if isinstance(value, Array) else value


def extreme(a: Number, b: Number, larger: bool) -> Array:
    """The larger or the smaller of two numbers, element by element."""
    import numpy as np

    left, right = _common(a, b)
    shared = math.lcm(_parts(a)[1], _parts(b)[1])
    if not _fits(*_bounds(left), *_bounds(right)):
        left, right = _objects(left), _objects(right)
    return Array(np.maximum(left, right) if larger else np.minimum(left, right), shared)
