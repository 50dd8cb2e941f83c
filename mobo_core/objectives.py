"""Objectives: the direction, unit and reference value of each metric that is optimised.

This is the only module that changes signs. All other numerical code (dominance, hypervolume,
rankings, rules) receives points of shape (n, m) whose coordinates are minimised.
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
    """Return whether a value is a number that is finite as a float; a bool is not a number.

    Args:
        value: Any object.

    Example:
        >>> is_finite_number(3), is_finite_number(float("nan")), is_finite_number(True)
        (True, False, False)
    """
    if not isinstance(value, int | float | np.number) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except (OverflowError, TypeError):  # the number is larger than any float, or complex
        return False


def as_number(value: object) -> float:
    """Return a reported value as a float; NaN and ±inf are kept.

    Args:
        value: A number, a bool, a number as text (from a CSV file), or an array or tensor with a
            single element, of any library.

    Raises:
        TypeError: If the value is not a number.
        ValueError: If text is not a number, an array has more or fewer elements than one, or the
            number is larger than any float.

    Example:
        >>> as_number(np.array([0.5])), as_number(np.int64(3))
        (0.5, 3.0)
    """
    item = getattr(value, "item", None)
    if item is not None and not isinstance(value, np.number):
        try:
            value = item()
        except RuntimeError as error:  # a tensor with several elements
            raise ValueError(str(error)) from None
    if isinstance(value, np.complexfloating):
        raise TypeError(f"expected a number, got {value!r}")
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError as error:
        raise ValueError(str(error)) from None


def reported(result: Mapping[str, Any], name: str) -> Any:
    """Return a metric's value in a report, or None if the report has none.

    Args:
        result: The report. It may be nested, flat, or partly flat.
        name: The metric's key. Its parts are separated by ``/`` if it is in a nested report.

    Example:
        >>> reported({"val": {"loss": 0.1}}, "val/loss"), reported({"val/loss": 0.1}, "val/loss")
        (0.1, 0.1)
        >>> reported({"loss": 0.1}, "val/loss") is None
        True
    """
    if name in result:
        return result[name]
    for place, letter in enumerate(name):
        if letter == "/" and isinstance(inner := result.get(name[:place]), Mapping):
            found = reported(inner, name[place + 1 :])
            if found is not None:
                return found
    return None


@dataclass(frozen=True)
class Objective:
    """One metric that is optimised: its direction, unit and reference value.

    Args:
        name: The metric's key in a trial's reports.
        goal: ``"max"`` to maximise the metric, ``"min"`` to minimise it.
        reference: The worst value that still counts, in the metric's own direction and unit
            (for an accuracy 0.90, not 0.10). It is this objective's coordinate of the
            hypervolume's reference point, and the objective's threshold in Ax.
        unit: The unit shown on axes and in tables; empty for a plain number.
        exact: True if the configuration determines the value without noise (for example a number
            of parameters or FLOPs), so that no surrogate model may smooth it.
        ideal: The best possible value, in the metric's own direction and unit (1 for an accuracy,
            0 for a loss), or None if it is unknown. Schedulers that project learning curves or
            scale single points use it; the hypervolume does not.

    Raises:
        ValueError: If the name is empty, the goal is unknown, the reference or the ideal is not
            finite, or the ideal is not better than the reference.

    Example:
        >>> accuracy = Objective("val_accuracy", "max", reference=0.90, ideal=1.0)
        >>> accuracy.sign
        -1.0
        >>> Objective("val_accuracy", "max", reference=0.90, ideal=0.5)
        Traceback (most recent call last):
            ...
        ValueError: ideal of objective 'val_accuracy' must be better than its reference 0.9, got 0.5
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
        """The factor from the metric to its minimised coordinate: 1 for min, -1 for max."""
        return 1.0 if self.goal == "min" else -1.0


@dataclass(frozen=True, init=False)
class ObjectiveSet:
    """The ordered set of objectives that one run optimises.

    Args:
        objectives: One or more objectives with different names. Their order is the order of the
            coordinates of every point.

    Raises:
        ValueError: If there is no objective, or two objectives have the same name.
        TypeError: If an element is not an `Objective`.

    Example:
        >>> accuracy = Objective("val_accuracy", "max", reference=0.90)
        >>> parameters = Objective("model_params", "min", reference=80_000, exact=True)
        >>> objectives = ObjectiveSet([accuracy, parameters])
        >>> objectives.reference_point.tolist()
        [-0.9, 80000.0]
        >>> point = objectives.to_point({"val_accuracy": 0.97, "model_params": 12_345})
        >>> point.tolist()
        [-0.97, 12345.0]
        >>> objectives.to_metrics(point).tolist()
        [0.97, 12345.0]
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
        """The metrics' names, in the order of the coordinates."""
        return tuple(objective.name for objective in self.objectives)

    @property
    def signs(self) -> Points:
        """The factors between metric values and minimised coordinates, shape (m,)."""
        return np.array([objective.sign for objective in self.objectives])

    @property
    def reference_point(self) -> Points:
        """The reference values as a minimised point, shape (m,)."""
        reference: Points = self.signs * np.array([o.reference for o in self.objectives], float)
        return reference

    @property
    def ideal_point(self) -> Points:
        """The ideal values as a minimised point, shape (m,); NaN where none is known."""
        ideal = [np.nan if o.ideal is None else o.ideal for o in self.objectives]
        point: Points = self.signs * np.array(ideal, float)
        return point

    def to_point(self, result: Mapping[str, Any]) -> Points:
        """Return the minimised coordinates of one report, shape (m,).

        NaN and ±inf are kept. A metric's name may be a path into nested reports, as Tune writes it:
        ``"val/loss"`` finds ``{"val": {"loss": 0.1}}`` and ``{"val/loss": 0.1}``. An array or
        tensor with a single element counts as a number, and so does a number as text.

        Args:
            result: A report: metric name → value in the metric's own direction. It may hold
                further metrics.

        Raises:
            ValueError: If the value of an objective is missing, None or not a number.
        """
        values = []
        for objective in self.objectives:
            value = reported(result, objective.name)
            if value is None:
                raise ValueError(
                    f"objective {objective.name!r} is missing from the report; "
                    f"reported keys: {', '.join(sorted(map(str, result)))}"
                )
            try:
                values.append(as_number(value))
            except (TypeError, ValueError):
                raise ValueError(
                    f"objective {objective.name!r} must be a number, got {value!r}"
                ) from None
        point: Points = self.signs * np.array(values)
        return point

    def missing(self, result: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the objectives for which a report has no value, or has None.

        Args:
            result: A report, which may be nested.

        Example:
            >>> loss = Objective("val/loss", "min", reference=1.0)
            >>> ObjectiveSet([loss]).missing({"val": {"accuracy": 0.9}})
            ('val/loss',)
        """
        return tuple(name for name in self.names if reported(result, name) is None)

    def to_points(self, results: Sequence[Mapping[str, Any]]) -> Points:
        """Return the minimised coordinates of n reports, shape (n, m); (0, m) without reports.

        Args:
            results: The n reports; each one is a mapping that `to_point` accepts.

        Raises:
            ValueError: If the value of an objective is missing or not a number.
        """
        if not results:
            return np.empty((0, len(self)))
        return np.stack([self.to_point(result) for result in results])

    def to_metrics(self, points: ArrayLike) -> Points:
        """Return minimised points as metric values, in the metrics' own directions.

        Args:
            points: Minimised coordinates of shape (..., m).

        Returns:
            Metric values of the same shape.
        """
        metrics: Points = np.asarray(points, dtype=float) * self.signs
        return metrics


def as_objective_set(objectives: ObjectiveSet | Iterable[Objective]) -> ObjectiveSet:
    """Return objectives as an `ObjectiveSet`; a set is returned unchanged.

    Args:
        objectives: An objective set, or one or more objectives in the order of the coordinates.

    Raises:
        TypeError: If it is neither an objective set nor an iterable of objectives.
        ValueError: If there is no objective, or two objectives have the same name.

    Example:
        >>> as_objective_set([Objective("val_loss", "min", reference=2.0)]).names
        ('val_loss',)
        >>> as_objective_set("val_loss")
        Traceback (most recent call last):
            ...
        TypeError: objectives must be an ObjectiveSet or a list of Objective, got 'val_loss'; for \
example ObjectiveSet([Objective('loss', 'min', reference=1.0)])
    """
    if isinstance(objectives, ObjectiveSet):
        return objectives
    members = None
    if isinstance(objectives, Iterable) and not isinstance(objectives, str | Mapping):
        members = tuple(objectives)
    if members is None or not all(isinstance(member, Objective) for member in members):
        raise TypeError(
            f"objectives must be an ObjectiveSet or a list of Objective, got {objectives!r}; "
            "for example ObjectiveSet([Objective('loss', 'min', reference=1.0)])"
        )
    return ObjectiveSet(members)
