"""Search spaces: typed parameters, their cardinality and their map from the unit cube.

Independent of Ray and Ax; `mobo_core.tune.space` converts from and to their forms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mobo_core.objectives import Points, is_finite_number


@dataclass(frozen=True)
class RangeParameter:
    """A numeric interval, bounds included.

    Args:
        name: Flat name; nested keys are joined by ``/``.
        lower: Smallest value.
        upper: Largest value, greater than `lower`.
        integer: True for whole numbers.
        log: True if the scale is logarithmic.
        step: Quantum, or None. Values are multiples of it, the bounds included.

    Raises:
        ValueError: If bounds or step are no finite numbers, or do not fit together.
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
        """Number of different values; infinite for a continuous range."""
        if self.step is None and not self.integer:
            return math.inf
        return round((self.upper - self.lower) / (self.step or 1)) + 1

    def from_unit(self, u: float) -> float | int:
        """Value at position u in [0, 1) of the parameter's distribution."""
        # Whole numbers and steps own equal cells: widen by half a cell at both ends.
        cell = self.step if self.step is not None else (1 if self.integer else 0)
        low, high = self.lower - cell / 2, self.upper + cell / 2
        if self.log:
            low = max(low, self.lower / 2)  # a step as large as the lower bound would give 0
            value = math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        else:
            value = low + u * (high - low)
        if cell:
            value = round(value / cell) * cell
        value = min(max(value, self.lower), self.upper)
        return round(value) if self.integer else float(value)


@dataclass(frozen=True)
class ChoiceParameter:
    """A list of values.

    Args:
        name: As in `RangeParameter`.
        values: At least one.
        ordered: Whether a surrogate may use the order of the values.
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
        """Number of different values."""
        return len(self.values)

    def from_unit(self, u: float) -> Any:
        """Value at position u in [0, 1): every value owns an equal share."""
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]


Parameter = RangeParameter | ChoiceParameter


@dataclass(frozen=True)
class SearchSpace:
    """The parameters of a search space, in a fixed order.

    Args:
        parameters: At least one, with different names.
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
        """Flat parameter names."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def cardinality(self) -> float:
        """Number of different configurations; infinite with a continuous parameter."""
        return math.prod(parameter.cardinality for parameter in self.parameters)

    def from_unit(self, u: Points) -> dict[str, Any]:
        """Flat configuration at the point u of the unit cube, shape (d,)."""
        return {p.name: p.from_unit(float(x)) for p, x in zip(self.parameters, u, strict=True)}
