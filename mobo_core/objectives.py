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
        exact: True if the value follows from the configuration without noise (parameters,
            FLOPs), so that a surrogate must not smooth it.

    Raises:
        ValueError: If the name is empty, the goal unknown or the reference not finite.
    """

    name: str
    goal: Goal
    reference: float
    unit: str = ""
    exact: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"an objective needs a non-empty name, got {self.name!r}")
        if self.goal not in ("max", "min"):
            raise ValueError(
                f"goal of objective {self.name!r} must be 'max' or 'min', got {self.goal!r}"
            )
        number = isinstance(self.reference, int | float | np.number)
        if not number or isinstance(self.reference, bool) or not math.isfinite(self.reference):
            raise ValueError(
                f"reference of objective {self.name!r} must be a finite number, "
                f"got {self.reference!r}"
            )
        object.__setattr__(self, "reference", float(self.reference))

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
