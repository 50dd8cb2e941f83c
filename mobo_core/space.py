"""Search spaces: typed parameters, the number of their values, and a map from the unit cube.

This module needs neither Ray nor Ax; `mobo_core.tune.space` converts search spaces from and to
their formats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mobo_core.objectives import Points, is_finite_number


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
        cell = self.step if self.step is not None else (1 if self.integer else None)
        cells = [b / cell for b in (self.lower, self.upper)] if cell else []
        if any(
            math.isinf(count) or not math.isclose(count, round(count), abs_tol=1e-9)
            for count in cells
        ):
            raise ValueError(
                f"bounds of parameter {self.name!r} must be multiples of {cell}, "
                f"got {self.lower} and {self.upper}"
            )
        if self.log and self.lower <= 0:
            raise ValueError(f"parameter {self.name!r} is logarithmic and needs a lower bound > 0")

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
        cell = self.step if self.step is not None else (1 if self.integer else 0)
        low, high = self.lower - cell / 2, self.upper + cell / 2
        if self.log:
            low = max(low, self.lower / 2)  # the lower end must stay above 0
            value = math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        else:
            value = low + u * (high - low)
        if cell:
            value = round(value / cell) * cell
        value = min(max(value, self.lower), self.upper)
        return round(value) if self.integer else float(value)


@dataclass(frozen=True)
class ChoiceParameter:
    """A parameter with a list of values to choose from.

    Args:
        name: The flat name; the keys of a nested configuration are joined by ``/``.
        values: The values, at least one, all different.
        ordered: True if the order of the values has a meaning that a surrogate model may use.

    Raises:
        ValueError: If there is no value, or if two values have the same text.

    Example:
        >>> ChoiceParameter("activation", ("relu", "tanh")).from_unit(0.7)
        'tanh'
    """

    name: str
    values: tuple[Any, ...]
    ordered: bool = False

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"parameter {self.name!r} has no values to choose from")
        if len(set(map(repr, self.values))) < len(self.values):
            raise ValueError(f"values of parameter {self.name!r} must differ, got {self.values}")

    @property
    def cardinality(self) -> float:
        """The number of different values."""
        return len(self.values)

    def from_unit(self, u: float) -> Any:
        """Return the value at a quantile; all values have an equal share of [0, 1).

        Args:
            u: The quantile, in [0, 1).
        """
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]


Parameter = RangeParameter | ChoiceParameter


@dataclass(frozen=True)
class SearchSpace:
    """The parameters of a search space, in a fixed order.

    Args:
        parameters: One or more parameters with different names.

    Raises:
        ValueError: If there is no parameter, or two parameters have the same name.

    Example:
        >>> width = RangeParameter("model/width", 16, 64, integer=True, step=16)
        >>> activation = ChoiceParameter("model/activation", ("relu", "tanh"))
        >>> space = SearchSpace((width, activation))
        >>> space.cardinality
        8
        >>> space.from_unit([0.3, 0.7])
        {'model/width': 32, 'model/activation': 'tanh'}
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ValueError("a search space needs at least one parameter, got none")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"parameter names must differ, got {self.names}")

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' flat names, in their order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def cardinality(self) -> float:
        """The number of different configurations; infinite with a continuous parameter."""
        return math.prod(parameter.cardinality for parameter in self.parameters)

    def from_unit(self, u: Points) -> dict[str, Any]:
        """Return the flat configuration at a point of the unit cube.

        Args:
            u: (d,) one quantile in [0, 1) for each of the d parameters.

        Returns:
            Parameter name → value.
        """
        return {p.name: p.from_unit(float(x)) for p, x in zip(self.parameters, u, strict=True)}
