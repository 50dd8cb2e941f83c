"""The ends to which the trials of a run are projected: steps 1 to 3 of hypervolume promotion.

`mobo_core.rules.projection` explains the algorithm. What the run has taught is kept for a while:
the regressions are fitted again when the reports have grown by a tenth, because a fit for every
decision would cost more than it tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.rules.curves import Curves, Features
from mobo_core.rules.exponents import Past, Regression, particular

LATEST = 200
"""The largest number of trials in a regression, which bounds the cost of a decision."""
GROWTH = 1.1
"""The factor by which the number of reports grows until the regressions are fitted again."""
TINY = 1e-12
"""The smallest distance to the ideal, as a share of the range; it keeps logarithms finite."""


@dataclass(frozen=True)
class _Distances:
    """The distances to the ideal values, on a logarithmic scale.

    Args:
        ideal: (m,) the ideal values, minimised.
        floor: (m,) the smallest distances.
    """

    ideal: Points
    floor: Points

    def logs(self, points: Points) -> Points:
        """Return the logarithms (..., m) of the distances of points (..., m)."""
        logs: Points = np.log(np.maximum(points - self.ideal, self.floor))
        return logs


class Ends:
    """The projected ends of a run's trials.

    Args:
        objectives: The objectives.
        max_t: R, the full budget of a trial.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> loss = Objective("val_loss", "min", reference=2.0, ideal=0.0)
        >>> ends = Ends(ObjectiveSet([loss]), max_t=8)
        >>> ends.curves.add("a", 1, np.array([1.0]))
        >>> ends.of(["a"], np.array([0.5])).round(2).tolist()
        [[[0.73]]]
    """

    def __init__(self, objectives: ObjectiveSet, max_t: float) -> None:
        self._max_t = max_t
        self._reference = objectives.reference_point
        self._given_ideal = objectives.ideal_point
        self._learned = np.array([not objective.exact for objective in objectives])
        self.curves = Curves(len(objectives))
        self.features = Features()
        self._regressions: dict[float, Regression] = {}
        self._distances = _Distances(np.zeros(len(objectives)), np.ones(len(objectives)))
        self._learned_at = -1

    def learned(self) -> int:
        """Return a number that changes whenever the regressions are fitted again."""
        changes = self.curves.changes
        if self._learned_at < 0 or changes >= GROWTH * self._learned_at:
            self._learned_at = changes
            self._regressions = {}
            self.features.rescale()
            best, far = self.range()
            ideal = np.where(np.isnan(self._given_ideal), 2 * best - far, self._given_ideal)
            floor = TINY * np.where(far > ideal, far - ideal, TINY)
            self._distances = _Distances(ideal, floor)
        return self._learned_at

    def range(self) -> tuple[Points, Points]:
        """Return best and far of step 1, each (m,).

        The reference value limits far, so that a diverged trial does not widen the range.
        """
        best, worst = self.curves.extremes()
        return best, np.where(best < self._reference, np.minimum(worst, self._reference), worst)

    def of(self, trial_ids: Sequence[str], levels: Points) -> Points:
        """Return the projected ends (n, K, m) of n trials, minimised.

        Args:
            trial_ids: The n trials' ids; each has reported.
            levels: (K,) the quantile levels of the exponents, in (0, 1).
        """
        ends = np.empty((len(trial_ids), len(levels), len(self._reference)))
        if not trial_ids:
            return ends
        self.learned()
        rows = self.curves.rows(trial_ids)
        now, budgets = self.curves.last_points(rows), self.curves.last_t(rows)
        ends[:] = now[:, None]
        ideal = self._distances.ideal
        for t in set(budgets[budgets < self._max_t].tolist()):
            at = np.flatnonzero(budgets == t)
            left = self._max_t / t
            exponents = self._regression(t).quantiles(self._past(rows[at], t), levels)
            projected = ideal + (now[at] - ideal)[:, None] * left**-exponents
            ends[at] = np.where(self._learned, projected, now[at, None])
        return ends

    def _regression(self, t: float) -> Regression:
        if t not in self._regressions:
            distances = self._distances
            spans = self.curves.spans(t, LATEST)
            lengths = np.log(spans.budgets / t)
            shown = (distances.logs(spans.starts) - distances.logs(spans.ends)) / lengths[:, None]
            # No progress is possible from the ideal.
            shown[spans.starts - distances.ideal <= distances.floor] = np.nan
            past = self._past(spans.rows, t)
            self._regressions[t] = Regression.fitted(
                past, shown, lengths, float(np.log(self._max_t / t))
            )
        return self._regressions[t]

    def _past(self, rows: NDArray[np.intp], t: float) -> Past:
        """Return what trials in rows (n,), each with a report at t, are known by there."""
        curves, distances = self.curves, self._distances
        points = curves.at(t)
        logs = distances.logs(points[rows])
        lengths = np.log(t / curves.first_t(rows))
        with np.errstate(divide="ignore", invalid="ignore"):  # a span may have length 0
            shown = (distances.logs(curves.first_points(rows)) - logs) / lengths[:, None]
        reported = points[~np.isnan(points[:, 0])]
        level = (logs - distances.logs(reported).mean(axis=0)) / np.log(self._max_t / t)
        return Past(particular(shown, lengths), level, self.features.of(curves.trial_ids(rows)))
