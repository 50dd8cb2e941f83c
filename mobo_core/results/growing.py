"""The front of a search that goes on: it changes with each report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mobo_core.objectives import ObjectiveSet, Points, as_number, reported
from mobo_core.pareto.dominance import front_mask
from mobo_core.results.candidates import Candidate, Scope, exclusion
from mobo_core.results.constraints import Constraint
from mobo_core.results.history import TrialHistory, split_config
from mobo_core.results.volumes import volume_or_nan


@dataclass
class _OfTrial:
    """What is kept of one trial, as numbers by their names.

    Args:
        points: (k, m) the points with which it counts.
        reports: The reports that count now, or that a later report may let count.
        latest: The latest value of each metric that is needed.
    """

    points: Points
    reports: list[dict[str, float]] = field(default_factory=list)
    latest: dict[str, float] = field(default_factory=dict)


class GrowingFront:
    """The size and the hypervolume of a front while trials report.

    After the last report they are those of `mobo_core.pareto_front`: the same reports count.

    Args:
        objectives: The objectives.
        scope: As in `mobo_core.pareto_front`.
        constraints: The constraints.

    Example:
        >>> from mobo_core import Objective
        >>> objectives = ObjectiveSet([Objective("loss", "min", 3), Objective("size", "min", 9)])
        >>> front = GrowingFront(objectives)
        >>> front.add("a", {"loss": 2, "size": 1})
        >>> front.add("b", {"loss": 1, "size": 4})
        >>> front.size, front.hypervolume
        (2, 13.0)
        >>> front.add("a", {"loss": float("nan"), "size": 1})  # its last report is not finite
        >>> front.size, front.hypervolume
        (1, 10.0)
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        *,
        scope: Scope = "last",
        constraints: tuple[Constraint, ...] = (),
    ) -> None:
        self._objectives = objectives
        self._scope = scope
        self._constraints = constraints
        self._trials: dict[str, _OfTrial] = {}

    def add(self, trial_id: str, report: Mapping[str, Any]) -> None:
        """Add a report of a trial.

        Args:
            trial_id: The trial's id.
            report: The report, which may be nested. If an objective is missing or not a number, it
                only gives the values of constrained metrics that other reports do not have.
        """
        metrics, _ = split_config(report)
        names = {*self._objectives.names, *(bound.metric for bound in self._constraints)}
        numbers = {
            name: _number(value) for name in names if (value := reported(metrics, name)) is not None
        }
        of_trial = self._trials.setdefault(trial_id, _OfTrial(self._no_points()))
        of_trial.latest |= numbers
        try:
            self._objectives.to_point(metrics)
        except ValueError:
            pass
        else:
            before = of_trial.reports if self._scope == "best" else []
            of_trial.reports = [*before, numbers]
        self._count(trial_id)

    def remove(self, trial_id: str) -> None:
        """Remove a trial, if it is there.

        Args:
            trial_id: The trial's id.
        """
        self._trials.pop(trial_id, None)

    @property
    def size(self) -> int:
        """The number of trials on the front."""
        points = [of_trial.points for of_trial in self._trials.values()]
        owners = np.repeat(np.arange(len(points)), [len(one) for one in points])
        mask = front_mask(self._points(), self._objectives.reference_point)
        return len(np.unique(owners[mask]))

    @property
    def hypervolume(self) -> float:
        """The hypervolume up to the objectives' reference values; NaN if no float can hold it."""
        return volume_or_nan(self._points(), self._objectives.reference_point)

    def state(self) -> dict[str, Any]:
        """Return what is known of the trials, made of dicts, lists, texts and numbers."""
        return {
            trial_id: {"reports": of_trial.reports, "latest": of_trial.latest}
            for trial_id, of_trial in self._trials.items()
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with the trials of another front that had the same settings.

        Args:
            state: What `state` returned there.
        """
        self._trials = {
            trial_id: _OfTrial(self._no_points(), list(found["reports"]), dict(found["latest"]))
            for trial_id, found in state.items()
        }
        for trial_id in self._trials:
            self._count(trial_id)

    def _no_points(self) -> Points:
        return np.empty((0, len(self._objectives)))

    def _points(self) -> Points:
        return np.vstack([self._no_points(), *(found.points for found in self._trials.values())])

    def _count(self, trial_id: str) -> None:
        """Find the reports of a trial that count, and forget those that never will."""
        of_trial = self._trials[trial_id]
        trial = TrialHistory(trial_id, {}, (of_trial.latest,))
        kept, points = [], []
        for report in of_trial.reports:
            candidate = Candidate(trial, report, self._objectives.to_point(report))
            counts = exclusion(candidate, self._objectives, self._constraints) is None
            if counts:
                points.append(candidate.point)
            if counts or self._is_open(report):
                kept.append(report)
        of_trial.points = np.array(points).reshape(-1, len(self._objectives))
        of_trial.reports = kept
        if len(points) > 1 and not any(map(self._is_open, kept)):
            _, first = np.unique(of_trial.points, axis=0, return_index=True)
            best = front_mask(of_trial.points[first], self._objectives.reference_point)
            of_trial.points = of_trial.points[first[best]]
            of_trial.reports = [kept[index] for index in first[best]]

    def _is_open(self, report: Mapping[str, float]) -> bool:
        """Return whether a later report of the trial may decide if this one is feasible."""
        return any(bound.metric not in report for bound in self._constraints)


def _number(value: Any) -> float:
    """Return a reported value as a number; NaN if it is none, which no constraint allows."""
    try:
        return as_number(value)
    except (TypeError, ValueError):
        return math.nan
