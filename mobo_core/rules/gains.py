"""The ends to which trials are projected, and the hypervolume that they are expected to add.

This module computes steps 1 to 4 of the algorithm that `mobo_core.rules.projection` explains.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobo_core.checks import checked_number
from mobo_core.objectives import ObjectiveSet, Points, as_objective_set
from mobo_core.pareto.dominance import front_mask, inside_mask
from mobo_core.pareto.indicators import hypervolume_gains
from mobo_core.pareto.volumes import whole_volume
from mobo_core.rules.curves import Curves, Features
from mobo_core.rules.exponents import particular, predicted_exponents
from mobo_core.rules.rungs import checked_budgets

logger = logging.getLogger(__name__)

MARGIN = 0.003
"""The default margin, a share of the present hypervolume for a full budget.

It was chosen on the same runs as the constants of `mobo_core.rules.exponents`.
"""
LEVELS = (np.arange(5) + 0.5) / 5
"""The quantile levels of the scenarios."""
LATEST = 200
"""The largest number of trials in a regression, which bounds the cost of a decision."""
TINY = 1e-12
"""The smallest distance to the ideal, as a share of the range; it keeps logarithms finite."""
HUGE = 0.9 * np.log2(np.finfo(float).max)
"""The largest hypervolume that a broken report can have, as a power of two; floats hold it."""
OUTSIDE = 10
"""The number of trials after which it is said that none is better than all references."""


@dataclass(frozen=True)
class ProjectionSettings:
    """The settings of hypervolume promotion and of projected stopping.

    Args:
        objectives: The objectives. Those with `exact` are not projected. An `ideal` is the best
            value to which a learned objective can be projected.
        max_t: R, the full budget of a trial.
        grace_period: The budget that every trial gets, ≥ 1.
        margin: The smallest expected gain that is worth a full budget R, as a share of the present
            hypervolume, ≥ 0. A trial at t must be expected to gain more than the share
            (1 − t/R) of it. A larger margin saves more epochs and loses more hypervolume.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> loss = Objective("val_loss", "min", reference=2.0, ideal=0.0)
        >>> parameters = Objective("model_params", "min", reference=100_000, exact=True)
        >>> settings = ProjectionSettings(ObjectiveSet([loss, parameters]), max_t=8)
        >>> settings.margin
        0.003
    """

    objectives: ObjectiveSet
    max_t: float
    grace_period: float = 1
    margin: float = MARGIN

    def __post_init__(self) -> None:
        grace_period, max_t = checked_budgets(self.grace_period, self.max_t)
        checked = {
            "objectives": as_objective_set(self.objectives),
            "max_t": max_t,
            "grace_period": grace_period,
            "margin": checked_number("margin", self.margin, at_least=0),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)


class Projection:
    """The projected ends of a run's trials and their expected gains.

    It computes steps 1 to 4 of the algorithm in `mobo_core.rules.projection`.

    Args:
        settings: The settings of the rule.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> loss = Objective("val_loss", "min", reference=2.0, ideal=0.0)
        >>> parameters = Objective("model_params", "min", reference=100_000, exact=True)
        >>> settings = ProjectionSettings(ObjectiveSet([loss, parameters]), max_t=8)
        >>> projection = Projection(settings)
        >>> projection.curves.add("a", 1, np.array([1.0, 20_000.0]))
        >>> projection.ends(["a"], np.array([0.1, 0.5, 0.9]))[0].round(2).tolist()
        [[1.32, 20000.0], [0.73, 20000.0], [0.4, 20000.0]]
    """

    def __init__(self, settings: ProjectionSettings) -> None:
        objectives = settings.objectives
        self._settings = settings
        self._reference = objectives.reference_point
        self._ideal = objectives.ideal_point
        self._learned = np.array([not objective.exact for objective in objectives])
        self.curves = Curves(len(objectives))
        self.features = Features()
        self._has_warned = False

    def ends(self, trial_ids: Sequence[str], levels: Points) -> Points:
        """Return the projected ends (n, K, m) of n trials, minimised.

        Args:
            trial_ids: The n trials' ids; each has reported.
            levels: (K,) the quantile levels of the exponents, in (0, 1).
        """
        ends = np.empty((len(trial_ids), len(levels), len(self._reference)))
        if not trial_ids:
            return ends
        best, far = self._range()
        ideal = np.where(np.isnan(self._ideal), 2 * best - far, self._ideal)
        floor = TINY * np.where(far > ideal, far - ideal, TINY)
        rows = self.curves.rows(trial_ids)
        now, budgets = self.curves.last_points(rows), self.curves.last_t(rows)
        ends[:] = now[:, None]

        def exponents(before: Points, after: Points, lengths: Points) -> Points:
            logs = [np.log(np.maximum(points - ideal, floor)) for points in (before, after)]
            with np.errstate(divide="ignore", invalid="ignore"):  # a span may have length 0
                shown: Points = (logs[0] - logs[1]) / lengths[:, None]
            return shown

        def so_far(of: NDArray[np.intp], t: float, points: Points) -> Points:
            lengths = np.log(t / self.curves.first_t(of))
            return particular(exponents(self.curves.first_points(of), points, lengths), lengths)

        for t in np.unique(budgets[budgets < self._settings.max_t]):
            at = np.flatnonzero(budgets == t)
            left = self._settings.max_t / t
            spans = self.curves.spans(t, LATEST)
            lengths = np.log(spans.budgets / t)
            shown = exponents(spans.starts, spans.ends, lengths)
            shown[spans.starts - ideal <= floor] = np.nan  # no progress is possible from the ideal
            features = self.features.of(self.curves.trial_ids(np.append(spans.rows, rows[at])))
            known = (
                so_far(spans.rows, t, spans.starts),
                features[: len(spans.rows)],
                shown,
                lengths,
            )
            asked = so_far(rows[at], t, now[at]), features[len(spans.rows) :]
            predicted = predicted_exponents(known, asked, np.log(left), levels)
            projected = ideal + (now[at] - ideal)[:, None] * left**-predicted
            ends[at] = np.where(self._learned, projected, now[at, None])
        return ends

    def _range(self) -> tuple[Points, Points]:
        """Return best and far of step 1, each (m,).

        The reference value limits far, so that a diverged trial does not widen the range.
        """
        best, worst = self.curves.extremes()
        return best, np.where(best < self._reference, np.minimum(worst, self._reference), worst)

    def gains(self, trial_ids: Sequence[str], training: Sequence[str]) -> Points:
        """Return the expected hypervolume gains (n,) of n trials, ≥ 0.

        Args:
            trial_ids: The n trials' ids; each has reported.
            training: The ids of the trials that are training now; their median scenarios count as
                points of the front.
        """
        points = self.curves.standing()
        if training:
            medians = self.ends(training, np.array([0.5]))[:, 0]
            points = np.vstack([points, medians])
        points = self._bounded(points)
        front = points[front_mask(points, self._reference)]
        ends = self._bounded(self.ends(trial_ids, LEVELS))
        gains = hypervolume_gains(ends.reshape(-1, ends.shape[-1]), front, self._reference)
        expected: Points = gains.reshape(ends.shape[:2]).mean(axis=1)
        return expected

    def hypervolume(self) -> float:
        """Return the present hypervolume, ≥ 0: that of the last points of all trials.

        It is 0, too, if it is smaller than any float: decisions may not end a run.
        """
        points = self._bounded(self.curves.standing())
        inside = points[inside_mask(points, self._reference)]
        if len(inside) == 0:
            self._warn(points)
            return 0.0
        return whole_volume(inside, self._reference, may_vanish=True)

    def _warn(self, points: Points) -> None:
        """Say once that no trial is better than all references, although several have reported."""
        points = points[np.isfinite(points).all(axis=1)]
        if self._has_warned or len(points) < OUTSIDE:
            return
        self._has_warned = True
        objectives = self._settings.objectives
        best = objectives.to_metrics(points.min(axis=0))
        values = ", ".join(
            f"{objective.name!r} {value:.6g} (reference {objective.reference:.6g})"
            for objective, value in zip(objectives, best, strict=True)
        )
        logger.warning(
            "none of %d trials is better than the reference in every objective, so no trial is "
            "stopped early until one is. The best values, each of any trial: %s. Choose references "
            "that usual trials reach: a reference is the worst value that still counts",
            len(points),
            values,
        )

    def _bounded(self, points: Points) -> Points:
        """Return points whose hypervolume is no larger than any float, however good a report is."""
        best = self._reference - 2.0 ** (HUGE / len(self._reference))
        return np.where(np.isfinite(points), np.maximum(points, best), points)

    def shortfalls(self, trial_ids: Sequence[str]) -> Points:
        """Return how far the best scenario of each trial falls short of the reference point, (n,).

        The shortfall is the largest over the objectives, each as a share of far − best; it is 0
        inside the reference point. It distinguishes trials whose gain is 0 because no point is
        inside the reference point yet.

        Args:
            trial_ids: The n trials' ids; each has reported.
        """
        best, far = self._range()
        ends = self.ends(trial_ids, LEVELS[-1:])[:, 0]
        shares = (ends - self._reference) / np.where(far > best, far - best, 1.0)
        shortfalls: Points = np.maximum(shares, 0).max(axis=1)
        return shortfalls
