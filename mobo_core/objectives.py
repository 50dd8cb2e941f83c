"""Objectives: direction, unit and reference value of what is optimised.

This is the only place where signs flip. Everything below it (dominance, hypervolume, ranking)
sees points of shape (n, m) that are minimised.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Goal = Literal["max", "min"]
Points = NDArray[np.float64]


def is_finite_number(value: object) -> bool:
    """Whether a value is a number, not a truth value, and finite as a float."""
    if not isinstance(value, int | float | np.number) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except (OverflowError, TypeError):  # larger than any float, or complex
        return False


@dataclass(frozen=True)
class Objective:
    """One coordinate of what is optimised.

    Args:
        name: Key of the metric in a trial's reports.
        goal: ``"max"`` or ``"min"``.
        reference: The worst value that still counts, in the metric's own direction and unit
            (for accuracy 0.90, not 0.10). It is a coordinate of the hypervolume's reference
            point and the objective's threshold in Ax.
        unit: Unit for axes and tables; empty for a plain number.
        ideal: The best value there can be, in the metric's own direction and unit (1 for an
            accuracy, 0 for a loss), or None if none is known. Schedulers that project curves or
            scale single points use it; hypervolume never does.
        exact: True if the value follows from the configuration without noise (parameters,
            FLOPs), so that a surrogate must not smooth it.

    Raises:
        ValueError: If the name is empty, the goal unknown, the reference or ideal not finite, or
            the ideal not better than the reference.
    """

    name: str
    goal: Goal
    reference: float
    unit: str = ""
    exact: bool = False
    ideal: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"an objective needs a non-empty name, got {self.name!r}")
        if self.goal not in ("max", "min"):
            raise ValueError(
                f"goal of objective {self.name!r} must be 'max' or 'min', got {self.goal!r}"
            )
        object.__setattr__(self, "reference", self._finite("reference", self.reference))
        if self.ideal is not None:
            object.__setattr__(self, "ideal", self._finite("ideal", self.ideal))
            if self.sign * self.ideal >= self.sign * self.reference:
                raise ValueError(
                    f"ideal of objective {self.name!r} must be better than its reference "
                    f"{self.reference}, got {self.ideal}"
                )

    def _finite(self, what: str, value: object) -> float:
        if not is_finite_number(value):
            raise ValueError(
                f"{what} of objective {self.name!r} must be a finite number, got {value!r}"
            )
        return float(value)  # type: ignore[arg-type]

    @property
    def sign(self) -> float:
        """Factor that turns the metric into a minimised coordinate: 1 for min, -1 for max."""
        return 1.0 if self.goal == "min" else -1.0


@dataclass(frozen=True, init=False)
class ObjectiveSet:
    """An ordered set of objectives: what one run optimises.

    Args:
        objectives: One or more objectives with different names; their order is the order of
            the coordinates everywhere.

    Raises:
        ValueError: If there is no objective or two share a name.
        TypeError: If an element is no `Objective`.
    """

    objectives: tuple[Objective, ...]

    def __init__(self, objectives: Iterable[Objective]) -> None:
        members = tuple(objectives)
        if not members:
            raise ValueError("an objective set needs at least one objective, got none")
        for member in members:
            if not isinstance(member, Objective):
                raise TypeError(f"expected an Objective, got {member!r}")
        names = [member.name for member in members]
        if len(set(names)) < len(names):
            raise ValueError(f"objective names must differ, got {names}")
        object.__setattr__(self, "objectives", members)

    def __len__(self) -> int:
        return len(self.objectives)

    def __iter__(self) -> Iterator[Objective]:
        return iter(self.objectives)

    @property
    def names(self) -> tuple[str, ...]:
        """Metric names in coordinate order."""
        return tuple(objective.name for objective in self.objectives)

    @property
    def signs(self) -> Points:
        """(m,) factors between metric values and minimised coordinates."""
        return np.array([objective.sign for objective in self.objectives])

    @property
    def reference_point(self) -> Points:
        """(m,) reference values, minimised."""
        reference: Points = self.signs * np.array([o.reference for o in self.objectives], float)
        return reference

    @property
    def ideal_point(self) -> Points:
        """(m,) ideal values, minimised; NaN where none is known."""
        ideal = [np.nan if o.ideal is None else o.ideal for o in self.objectives]
        point: Points = self.signs * np.array(ideal, float)
        return point

    def to_point(self, result: Mapping[str, Any]) -> Points:
        """(m,) minimised coordinates of one report; NaN and ±inf pass through.

        Args:
            result: Metric name to value, in the metric's own direction.

        Raises:
            ValueError: If an objective is missing or not a number.
        """
        values = []
        for objective in self.objectives:
            if objective.name not in result:
                raise ValueError(
                    f"objective {objective.name!r} is missing from the report; "
                    f"reported keys: {', '.join(sorted(map(str, result)))}"
                )
            try:
                values.append(float(result[objective.name]))
            except (TypeError, ValueError):
                raise ValueError(
                    f"objective {objective.name!r} must be a number, got {result[objective.name]!r}"
                ) from None
        point: Points = self.signs * np.array(values)
        return point

    def to_points(self, results: Sequence[Mapping[str, Any]]) -> Points:
        """(n, m) minimised coordinates of n reports; (0, m) for none."""
        if not results:
            return np.empty((0, len(self)))
        return np.stack([self.to_point(result) for result in results])

    def to_metrics(self, points: ArrayLike) -> Points:
        """Minimised coordinates of shape (..., m) back in the metrics' own directions."""
        metrics: Points = np.asarray(points, dtype=float) * self.signs
        return metrics
