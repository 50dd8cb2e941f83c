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
from mobo_core.pareto.boxes import FreeBoxes
from mobo_core.pareto.dominance import front_mask
from mobo_core.pareto.indicators import hypervolume, hypervolumes
from mobo_core.rules.ends import Ends
from mobo_core.rules.rungs import checked_budgets

logger = logging.getLogger(__name__)

MARGIN = 0.008
"""The default margin: the share of the hypervolume that is expected to be lost."""
EDGES = np.array([0, 0.01, 0.06, 0.15, 0.35, 0.65, 0.85, 0.94, 0.99, 1])
"""The bounds of the parts of (0, 1) whose midpoints are the levels of the scenarios. The parts are
narrow at the ends, because a small chance of a large gain may be all that a trial is worth.
"""
LEVELS, WEIGHTS = (EDGES[1:] + EDGES[:-1]) / 2, np.diff(EDGES)
MEDIAN = len(LEVELS) // 2
FUTURES = 32
"""The number of joint scenarios of all trials from which the expected loss is computed."""
FARTHEST = 1e150
"""The largest volume of a scenario, as a multiple of that between the best values and the reference
point: a broken report must not be larger than any float.
"""
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
        margin: The share of the final hypervolume that may be lost, as expected, by ending trials
            early, ≥ 0. A larger margin saves more epochs and loses more hypervolume.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> loss = Objective("val_loss", "min", reference=2.0, ideal=0.0)
        >>> parameters = Objective("model_params", "min", reference=100_000, exact=True)
        >>> settings = ProjectionSettings(ObjectiveSet([loss, parameters]), max_t=8)
        >>> settings.margin
        0.008
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


@dataclass(frozen=True)
class _Front:
    """The present front: that of the last points of all trials that have not failed.

    Args:
        points: (k, m) the points of the front, in units of `Projection`.
        boxes: The region that they leave free.
        volume: Their hypervolume.
        number: It changes whenever the front or the unit changes.
    """

    points: Points
    boxes: FreeBoxes
    volume: float
    number: int


class Projection:
    """The scenarios of a run's trials, their expected gains, and the expected loss of ending.

    It computes steps 1 to 4 of the algorithm in `mobo_core.rules.projection`. Volumes are measured
    in units of the volume between the best values so far and the reference point.

    Args:
        settings: The settings of the rule.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> loss = Objective("val_loss", "min", reference=2.0, ideal=0.0)
        >>> parameters = Objective("model_params", "min", reference=100_000, exact=True)
        >>> settings = ProjectionSettings(ObjectiveSet([loss, parameters]), max_t=8)
        >>> projection = Projection(settings)
        >>> projection.ends.curves.add("a", 1, np.array([1.0, 20_000.0]))
        >>> projection.ends.of(["a"], np.array([0.1, 0.5, 0.9]))[0].round(2).tolist()
        [[1.32, 20000.0], [0.73, 20000.0], [0.4, 20000.0]]
    """

    def __init__(self, settings: ProjectionSettings) -> None:
        objectives = settings.objectives
        self.ends = Ends(objectives, settings.max_t)
        self._objectives = objectives
        self._reference = objectives.reference_point
        self._zero = np.zeros(len(objectives))
        self._unit = np.ones(len(objectives))
        self._present: _Front | None = None
        self._read_at = -1
        m, levels = len(objectives), len(LEVELS)
        self._scenarios = np.zeros((16, levels, m))
        self._gains = np.zeros(16)
        # What each row's scenarios and gain were computed from: regressions, report and front.
        self._basis = np.full((16, 3), -1)
        self._orders = np.zeros((0, FUTURES), dtype=np.intp)
        self._has_warned = False

    def gains(self, trial_ids: Sequence[str]) -> Points:
        """Return the expected hypervolume gains (n,) of n trials, ≥ 0.

        Args:
            trial_ids: The n trials' ids; each has reported.
        """
        rows = self._current(trial_ids)
        front = self._front()
        old = rows[self._basis[rows, 2] != front.number]
        if len(old):
            ends = self._scaled(self._scenarios[old])
            gains = front.boxes.added(ends.reshape(-1, ends.shape[-1]))
            self._gains[old] = gains.reshape(len(old), -1) @ WEIGHTS
            self._basis[old, 2] = front.number
        return self._gains[rows]

    def shared(self, trial_ids: Sequence[str], training: Sequence[str]) -> Points:
        """Return the parts (n,) of n trials' gains that trials in training bring as well.

        A part is what the scenarios of the trial and the median scenario of a trial in training
        would both add; of several trials in training, the one with the largest part counts.

        Args:
            trial_ids: The n trials' ids; each has reported.
            training: The ids of the trials in training; each has reported.
        """
        if not training or not trial_ids:
            return np.zeros(len(trial_ids))
        medians = self._scaled(self._scenarios[self._known(training), MEDIAN])
        ends = self._scaled(self._scenarios[self._current(trial_ids)])
        both = np.maximum(ends[:, :, None], medians)  # (n, K, training, m)
        added = self._front().boxes.added(both.reshape(-1, both.shape[-1]))
        shares: Points = added.reshape(both.shape[:3]).max(axis=2) @ WEIGHTS
        return shares

    def expected_loss(self, given_up: Sequence[str], training: Sequence[str]) -> float:
        """Return the share of the final hypervolume that is lost, as expected, by ending trials.

        Args:
            given_up: The trials that would end where they are; each has reported.
            training: The trials that go on, each of which has reported.
        """
        curves = self.ends.curves
        given, going = self._current(given_up), self._known(training)
        rows = curves.standing()
        now = self._scaled(curves.last_points(rows))
        # The points that are in all futures count only as far as they do not dominate each other.
        fixed = ~np.isin(rows, np.concatenate([given, going]))
        fixed[fixed] = ~front_mask(now[fixed], self._zero)
        rows, now = rows[~fixed], now[~fixed]
        futures = np.repeat(now[None], FUTURES, axis=0)
        places = np.searchsorted(rows, going)
        futures[:, places] = self._joint(going)
        ended = hypervolumes(futures, self._zero).mean() if len(going) else self._front().volume
        futures[:, np.searchsorted(rows, given)] = self._joint(given)
        whole = hypervolumes(futures, self._zero).mean()
        return float((whole - ended) / whole) if whole > 0 else 0.0

    def _joint(self, rows: NDArray[np.intp]) -> Points:
        """Return joint scenarios of n trials, (FUTURES, n, m): each trial takes its own order.

        Over the futures, every trial meets its levels as often as their weights say.
        """
        if (have := len(self._orders)) <= rows.max(initial=-1):
            picks = np.searchsorted(EDGES[1:], (np.arange(FUTURES) + 0.5) / FUTURES)
            new = range(have, max(2 * have, int(rows.max()) + 1))
            orders = [picks[np.random.default_rng(row).permutation(FUTURES)] for row in new]
            self._orders = np.vstack([self._orders, *orders])
        scenarios = self._scaled(self._scenarios[rows])
        chosen = np.take_along_axis(scenarios, self._orders[rows][..., None], axis=1)
        joint: Points = chosen.transpose(1, 0, 2)
        return joint

    def hypervolume(self) -> float:
        """Return the present hypervolume, ≥ 0, in units of this class.

        It is 0 if no trial is better than all references.
        """
        return self._front().volume

    def log_unit(self) -> float:
        """Return the logarithm of the unit of volumes, which grows with the best values."""
        self._front()
        return float(np.log(self._unit).sum())

    def shortfalls(self, trial_ids: Sequence[str]) -> Points:
        """Return how far the best scenario of each trial falls short of the reference point, (n,).

        The shortfall is the largest over the objectives, each as a share of the values' range; it
        is 0 inside the reference point. It distinguishes trials whose gain is 0 because no point is
        inside the reference point yet.

        Args:
            trial_ids: The n trials' ids; each has reported.
        """
        best, far = self.ends.range()
        ends = self.ends.of(trial_ids, LEVELS[-1:])[:, 0]
        shares = (ends - self._reference) / np.where(far > best, far - best, 1.0)
        shortfalls: Points = np.maximum(shares, 0).max(axis=1)
        return shortfalls

    def _current(self, trial_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the rows (n,) of n trials, after computing the scenarios that are out of date."""
        curves = self.ends.curves
        rows = self._rows(trial_ids)
        basis = np.column_stack([np.full(len(rows), self.ends.learned()), curves.changed(rows)])
        self._compute(trial_ids, rows, (self._basis[rows, :2] != basis).any(axis=1), basis)
        return rows

    def _known(self, trial_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the rows (n,) of n trials in training; their latest scenarios remain as they are.

        A trial trains on because of them, and a report between two pauses changes little.
        """
        rows = self._rows(trial_ids)
        none = np.zeros((len(rows), 2), dtype=int)
        self._compute(trial_ids, rows, self._basis[rows, 0] < 0, none)
        return rows

    def _rows(self, trial_ids: Sequence[str]) -> NDArray[np.intp]:
        self._front()  # it sets the unit
        rows = self.ends.curves.rows(trial_ids)
        if (missing := int(rows.max(initial=-1)) + 1 - len(self._gains)) > 0:
            more = max(missing, len(self._gains))
            self._scenarios = np.pad(self._scenarios, ((0, more), (0, 0), (0, 0)))
            self._gains = np.pad(self._gains, (0, more))
            self._basis = np.pad(self._basis, ((0, more), (0, 0)), constant_values=-1)
        return rows

    def _compute(
        self,
        trial_ids: Sequence[str],
        rows: NDArray[np.intp],
        old: NDArray[np.bool_],
        basis: NDArray[np.int_],
    ) -> None:
        """Compute the scenarios of those of n trials that are marked as out of date."""
        if old.any():
            ids = [trial_ids[index] for index in np.flatnonzero(old).tolist()]
            self._scenarios[rows[old]] = self.ends.of(ids, LEVELS)
            self._basis[rows[old], :2], self._basis[rows[old], 2] = basis[old], -1

    def _front(self) -> _Front:
        """Return what is there now; it is computed again only if reports have changed it."""
        curves = self.ends.curves
        if self._present is not None and self._read_at == curves.changes:
            return self._present
        self._read_at = curves.changes
        standing = curves.last_points(curves.standing())
        best, worst = curves.extremes()
        unit = np.where(best < self._reference, self._reference - best, worst - best)
        unit = np.where(np.isfinite(unit) & (unit > 0), unit, 1.0)
        same = np.array_equal(unit, self._unit)
        self._unit = unit
        points = self._scaled(standing)
        front = points[front_mask(points, self._zero)].reshape(-1, len(self._zero))
        if self._present is None or not (same and np.array_equal(front, self._present.points)):
            number = 0 if self._present is None else self._present.number + 1
            volume = hypervolume(front, self._zero) if len(front) else 0.0
            self._present = _Front(front, FreeBoxes.of(front, self._zero), volume, number)
        if len(front) == 0:
            self._warn(standing)
        return self._present

    def _scaled(self, points: Points) -> Points:
        """Return points (..., m) in units of this class, with the reference point at 0."""
        farthest = FARTHEST ** (1 / len(self._unit))
        with np.errstate(over="ignore"):
            scaled = (points - self._reference) / self._unit
        bounded: Points = np.maximum(scaled, -farthest)
        return bounded

    def _warn(self, points: Points) -> None:
        """Say once that no trial is better than all references, although several have reported."""
        points = points[np.isfinite(points).all(axis=1)]
        if self._has_warned or len(points) < OUTSIDE:
            return
        self._has_warned = True
        best = self._objectives.to_metrics(points.min(axis=0))
        values = ", ".join(
            f"{objective.name!r} {value:.6g} (reference {objective.reference:.6g})"
            for objective, value in zip(self._objectives, best, strict=True)
        )
        logger.warning(
            "none of %d trials is better than the reference in every objective, so no trial is "
            "stopped early until one is. The best values, each of any trial: %s. Choose references "
            "that usual trials reach: a reference is the worst value that still counts",
            len(points),
            values,
        )
