"""Parameters of search spaces: ranges of numbers, and choices of anything."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mobo_core.objectives import is_finite_number
from mobo_core.values import labels_of, position, repeated

TOLERANCE = 1e-9
"""Relative error up to which a number counts as a bound or as a multiple of a step."""


@dataclass(frozen=True)
class Condition:
    """A parameter's condition: it exists only if a choice takes one of certain values.

    Args:
        parent: The name of the `ChoiceParameter` that decides.
        branches: The positions of those values in the parent's `values`, ascending.

    Raises:
        ValueError: If there is no branch, or the branches do not ascend from 0 on.

    Example:
        >>> from mobo_core.space import SearchSpace
        >>> kind = ChoiceParameter("kind", ("sgd", "adam"))
        >>> momentum = RangeParameter("momentum", 0, 1, condition=Condition("kind", (0,)))
        >>> space = SearchSpace((kind, momentum))
        >>> space.from_unit([0.3, 0.5])
        {'kind': 'sgd', 'momentum': 0.5}
        >>> space.from_unit([0.7, 0.5])
        {'kind': 'adam'}
    """

    parent: str
    branches: tuple[int, ...]

    def __post_init__(self) -> None:
        ascending = sorted({b for b in self.branches if isinstance(b, int) and b >= 0})
        if not self.branches or list(self.branches) != ascending:
            raise ValueError(
                f"branches of a condition on {self.parent!r} must be ascending positions from 0 "
                f"on, got {self.branches}"
            )


@dataclass(frozen=True)
class RangeParameter:
    """A numeric parameter with an interval of values; both bounds are included.

    Args:
        name: The flat name; the keys of a nested configuration are joined by ``/``.
        lower: The smallest value.
        upper: The largest value, greater than `lower`.
        integer: True if all values are whole numbers.
        log: True if values are spread evenly on a logarithmic scale; `lower` must then be positive.
        step: The distance between neighbouring values, or None for a continuous range or for all
            whole numbers. All values are multiples of it, and so must be the bounds.
        condition: When the parameter exists; None means always.

    Raises:
        ValueError: If a bound or the step is not a finite number, or if they do not fit together.

    Example:
        >>> rate = RangeParameter("lr", 1e-4, 1e-2, log=True)
        >>> round(rate.from_unit(0.5), 6)
        0.001
        >>> RangeParameter("width", 16, 64, integer=True, step=16).cardinality
        4
    """

    name: str
    lower: float
    upper: float
    integer: bool = False
    log: bool = False
    step: float | None = None
    condition: Condition | None = None

    def __post_init__(self) -> None:
        if not (is_finite_number(self.lower) and is_finite_number(self.upper)):
            raise ValueError(f"parameter {self.name!r} needs finite bounds, got {self}")
        if not self.lower < self.upper:
            raise ValueError(
                f"parameter {self.name!r} needs lower < upper, got {self.lower} and {self.upper}"
            )
        if not math.isfinite(float(self.upper) - float(self.lower)):
            raise ValueError(f"parameter {self.name!r} needs a finite width, got {self}")
        if self.step is not None and not (is_finite_number(self.step) and self.step > 0):
            raise ValueError(f"parameter {self.name!r} needs a step > 0, got {self.step}")
        cells = [b / self._cell for b in (self.lower, self.upper)] if self._cell else []
        if any(
            math.isinf(count) or not math.isclose(count, round(count), abs_tol=1e-9)
            for count in cells
        ):
            raise ValueError(
                f"bounds of parameter {self.name!r} must be multiples of {self._cell}, "
                f"got {self.lower} and {self.upper}"
            )
        if self.log and self.lower <= 0:
            raise ValueError(f"parameter {self.name!r} is logarithmic and needs a lower bound > 0")

    @property
    def _cell(self) -> float:
        """The distance between neighbouring values; 0 for a continuous range."""
        return self.step if self.step is not None else (1 if self.integer else 0)

    @property
    def cardinality(self) -> float:
        """The number of different values; infinite for a continuous range."""
        if self.step is None and not self.integer:
            return math.inf
        return round((self.upper - self.lower) / (self.step or 1)) + 1

    def from_unit(self, u: float) -> float | int:
        """Return the value at a quantile of the parameter's distribution.

        Args:
            u: The quantile, in [0, 1).

        Returns:
            A whole number for an integer parameter, otherwise a float.
        """
        # Every value of a grid gets an equal share: half a step is added at both ends.
        cell = self._cell
        low, high = self.lower - cell / 2, self.upper + cell / 2
        if self.log:
            low = max(low, self.lower / 2)  # the lower end must stay above 0
            value = math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        else:
            value = low + u * (high - low)
        if cell:
            value = round(value / cell) * cell
        return self._clipped(value)

    def at(self, number: int) -> float | int:
        """Return a value of a grid by its number, counted from the lower bound."""
        assert self._cell, "a continuous range has no numbered values"
        return self._clipped((round(self.lower / self._cell) + number) * self._cell)

    def key(self, value: Any) -> Hashable:
        """Return what identifies a value: its number on a grid, otherwise the float itself."""
        if self._cell:
            number: int = round(value / self._cell) - round(self.lower / self._cell)
            return number
        return float(value)

    def checked(self, value: Any) -> float | int:
        """Return a value that somebody gave as this parameter has it.

        Args:
            value: A number; rounding errors are corrected.

        Raises:
            ValueError: If the value does not belong to the parameter.
        """
        if not is_finite_number(value):
            raise ValueError(f"parameter {self.name!r} needs a number, got {value!r}")
        slack = TOLERANCE * max(abs(self.lower), abs(self.upper))
        if not self.lower - slack <= value <= self.upper + slack:
            raise ValueError(
                f"parameter {self.name!r} must lie in [{self.lower}, {self.upper}], got {value}"
            )
        if not self._cell:
            return self._clipped(float(value))
        nearest = round(value / self._cell) * self._cell
        if abs(nearest - value) > max(slack, TOLERANCE * self._cell):
            raise ValueError(
                f"parameter {self.name!r} must be a multiple of {self._cell}, got {value}"
            )
        return self._clipped(nearest)

    def _clipped(self, value: float) -> float | int:
        value = min(max(value, self.lower), self.upper)
        return round(value) if self.integer else float(value)


@dataclass(frozen=True)
class ChoiceParameter:
    """A parameter with a list of values to choose from.

    The values may be any objects: None, lists, classes and functions, too.

    Args:
        name: The flat name; the keys of a nested configuration are joined by ``/``.
        values: The values, at least one, all different.
        ordered: True if the order of the values has a meaning that a surrogate model may use.
        condition: When the parameter exists; None means always.

    Raises:
        ValueError: If there is no value, or if two values are the same.

    Example:
        >>> ChoiceParameter("activation", ("relu", "tanh")).from_unit(0.7)
        'tanh'
        >>> ChoiceParameter("layers", (None, [16, 32], dict)).labels
        ('None', '[16, 32]', 'builtins.dict')
    """

    name: str
    values: tuple[Any, ...]
    ordered: bool = False
    condition: Condition | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"parameter {self.name!r} has no values to choose from")
        if repeated(self.values):
            raise ValueError(f"values of parameter {self.name!r} must differ, got {self.values}")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A text for each value, the same in every process; no two are equal."""
        return labels_of(self.values)

    @property
    def plain(self) -> bool:
        """Whether all values are strings, all booleans, or all numbers, and differ under ``==``.

        A backend may use such values as they are. For others it needs `labels` or positions.
        """
        kinds = {float if type(value) is int else type(value) for value in self.values}
        comparable = all(value == value for value in self.values)  # not NaN
        return (
            len(kinds) == 1
            and kinds <= {str, bool, float}
            and comparable
            and len(set(self.values)) == len(self.values)
        )

    @property
    def cardinality(self) -> float:
        """The number of different values."""
        return len(self.values)

    def at(self, number: int) -> Any:
        """Return a value by its position."""
        return self.values[number]

    def index(self, value: Any) -> int:
        """Return the position of a value, which may be given by its label, too.

        Raises:
            ValueError: If it is none of the values.
        """
        found = position(value, self.values)
        if found is None and isinstance(value, str) and value in self.labels:
            found = self.labels.index(value)
        if found is None:
            raise ValueError(
                f"parameter {self.name!r} must be one of {', '.join(self.labels)}; got {value!r}"
            )
        return found

    def key(self, value: Any) -> Hashable:
        """Return what identifies a value: its position."""
        return self.index(value)

    def checked(self, value: Any) -> Any:
        """Return the one of `values` that somebody gave.

        Raises:
            ValueError: If it is none of the values.
        """
        return self.values[self.index(value)]

    def from_unit(self, u: float) -> Any:
        """Return the value at a quantile; all values have an equal share of [0, 1).

        Args:
            u: The quantile, in [0, 1).
        """
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]


Parameter = RangeParameter | ChoiceParameter
"""One dimension of a search space."""
