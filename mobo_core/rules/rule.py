"""Protocols of rules, and the paper's two rules. A rule turns reports into decisions, without Ray.

A rule receives every report once, in the order in which reports arrive: the trial, the budget it
has spent, and its minimised point. It returns what happens to the trial. There are two mechanisms:

* **Stopping**: a trial runs until its rule ends it. A stopped trial never comes back.
* **Promotion**: a trial pauses and waits until its rule resumes it.

Successive halving is in `mobo_core.rules.halving`, and the projection of learning curves in
`mobo_core.rules.projection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

import numpy as np

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import any_dominates, non_dominated_mask
from mobo_core.rules.rungs import checked_budgets, milestones


class Decision(Enum):
    """What happens to a trial after a report.

    Example:
        >>> Decision("stop") is Decision.STOP
        True
    """

    CONTINUE = "continue"
    """The trial trains on."""
    PAUSE = "pause"
    """The trial waits with a checkpoint; the rule may resume it at any time."""
    STOP = "stop"
    """The trial ends early. A trial with an invalid point also stops: it cannot be compared."""
    COMPLETE = "complete"
    """The trial has spent its full budget."""


class StoppingRule(Protocol):
    """A rule that decides after each report whether a trial continues.

    A rule may have an attribute `max_t`, the full budget of a trial. A scheduler then also ends a
    trial that has spent it with a report that the rule never receives, because it lacks a value.

    Example:
        >>> class StopAtTwo:
        ...     def add(self, trial_id, config): pass
        ...     def end(self, trial_id, failed): pass
        ...     def report(self, trial_id, t, point):
        ...         return Decision.STOP if t >= 2 else Decision.CONTINUE
        >>> rule: StoppingRule = StopAtTwo()
        >>> rule.report("a", 2, np.array([0.1, 0.5]))
        <Decision.STOP: 'stop'>
    """

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Register a new trial before its first report, in the order of suggestion.

        Args:
            trial_id: The new trial's id, or the id of a trial that starts again after a failure.
            config: The trial's hyper-parameters.
        """
        ...

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget spent so far, in the unit of `max_t` (for example epochs).
            point: (m,) the objectives, minimised.
        """
        ...

    def end(self, trial_id: str, failed: bool) -> None:
        """Note that a trial will not report again.

        Args:
            trial_id: The id of a trial that was added.
            failed: True if the trial failed, so that its reports do not count as results.
        """
        ...


class PromotionRule(StoppingRule, Protocol):
    """A rule that also decides when a trial pauses, and which paused trial is resumed.

    If `report` returns `Decision.PAUSE`, the trial becomes a candidate of `choose`.

    Example:
        >>> from mobo_core.rules.halving import HalvingSettings, PromotionHalvingRule
        >>> rule: PromotionRule = PromotionHalvingRule(HalvingSettings(4, reduction_factor=2))
        >>> [rule.report(name, 1, np.array([x, x])).value for name, x in [("a", 1.0), ("b", 2.0)]]
        ['pause', 'pause']
        >>> rule.choose(new_available=True)
        'a'
    """

    def choose(self, new_available: bool) -> str | None:
        """Return the paused trial that should get a free slot, without changing anything.

        Args:
            new_available: True if the searcher has more configurations.

        Returns:
            The trial's id, or None. None means that a new trial should start; if no new one is
            available, it means that no paused trial is worth another epoch at present.
        """
        ...

    def resume(self, trial_id: str) -> None:
        """Note that a paused trial continues."""
        ...

    def withdraw(self, trial_id: str) -> None:
        """Take out a trial that is neither training nor paused; it may start again from epoch 0."""
        ...

    def is_paused(self, trial_id: str) -> bool:
        """Return whether the trial is paused and waits for `resume`."""
        ...


class _Front:
    """The non-dominated points of a growing set; they suffice to test for dominance."""

    def __init__(self) -> None:
        self._points: Points = np.empty((0, 0))

    def add(self, point: Points) -> None:
        if not self.dominates(point):
            grown = np.vstack([self._points, point]) if len(self._points) else point[None]
            self._points = grown[non_dominated_mask(grown)]

    def dominates(self, point: Points) -> bool:
        return any_dominates(self._points, point)


class RungLadder:
    """The milestones of a run, and the highest one that each trial has reached.

    A report counts for the highest milestone that its trial newly reaches. If a trial reports
    rarely and skips a milestone, no later report counts for it: a point at a high budget must not
    be compared with points at a low budget.

    Args:
        budgets: The milestones, ascending.

    Example:
        >>> ladder = RungLadder((1, 3, 9))
        >>> [ladder.newly_reached("a", t) for t in (1, 2, 3, 10)]
        [1, None, 3, 9]
    """

    def __init__(self, budgets: tuple[int, ...]) -> None:
        self.budgets = budgets
        self._highest: dict[str, int] = {}

    def newly_reached(self, trial_id: str, t: float) -> int | None:
        """Return the milestone for which a report counts, or None.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget that the trial has spent.
        """
        reached = [budget for budget in self.budgets if budget <= t]
        if not reached or reached[-1] <= self._highest.get(trial_id, 0):
            return None
        self._highest[trial_id] = reached[-1]
        return reached[-1]


class PaperDominanceRule:
    """The stopping rule of the paper's Tables 2 and 3: any earlier report can stop a trial.

    The rule keeps the points of all reports: of all trials and all epochs, including the trial's
    own. When a trial newly reaches a milestone, it stops if a kept point dominates its present
    point. The reduction factor only determines the distances between milestones.

    Args:
        max_t: R, the full budget of a trial.
        grace_period: r ≥ 1, the first milestone.
        reduction_factor: η > 1, the ratio of neighbouring milestones.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> rule = PaperDominanceRule(max_t=9, grace_period=1, reduction_factor=3)
        >>> rule.report("a", 1, np.array([0.2, 100.0]))
        <Decision.CONTINUE: 'continue'>
        >>> rule.report("b", 1, np.array([0.3, 200.0]))
        <Decision.STOP: 'stop'>
    """

    def __init__(self, max_t: float, grace_period: float, reduction_factor: float) -> None:
        _, self.max_t = checked_budgets(grace_period, max_t)
        self._rungs = RungLadder(milestones(grace_period, reduction_factor, max_t))
        self._seen = _Front()

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Do nothing: this rule does not use configurations."""

    def end(self, trial_id: str, failed: bool) -> None:
        """Do nothing: the points of ended and failed trials still count, as in the paper."""

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget spent so far, in the unit of `max_t`.
            point: (m,) the objectives, minimised.
        """
        if not np.isfinite(point).all():
            return Decision.STOP
        dominated = self._seen.dominates(point)
        self._seen.add(point)
        if t >= self.max_t:
            return Decision.COMPLETE
        if self._rungs.newly_reached(trial_id, t) is not None and dominated:
            return Decision.STOP
        return Decision.CONTINUE


class PaperRungwiseRule:
    """The stopping rule of the paper's Table 4: another trial at the same rung can stop a trial.

    When a trial newly reaches a milestone, its point is compared with the points that other trials
    recorded at that milestone. If one of them dominates it, the trial stops. The paper also
    computed an ε-net order here but never used it, so this rule does not compute it. The reduction
    factor only determines the distances between milestones.

    Args:
        max_t: R, the full budget of a trial.
        grace_period: r ≥ 1, the first milestone.
        reduction_factor: η > 1, the ratio of neighbouring milestones.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> rule = PaperRungwiseRule(max_t=9, grace_period=1, reduction_factor=3)
        >>> rule.report("a", 1, np.array([0.2, 100.0]))
        <Decision.CONTINUE: 'continue'>
        >>> rule.report("b", 3, np.array([0.3, 200.0]))
        <Decision.CONTINUE: 'continue'>
        >>> rule.report("c", 1, np.array([0.3, 200.0]))
        <Decision.STOP: 'stop'>
    """

    def __init__(self, max_t: float, grace_period: float, reduction_factor: float) -> None:
        _, self.max_t = checked_budgets(grace_period, max_t)
        self._rungs = RungLadder(milestones(grace_period, reduction_factor, max_t))
        self._fronts: Mapping[int, _Front] = {budget: _Front() for budget in self._rungs.budgets}

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Do nothing: this rule does not use configurations."""

    def end(self, trial_id: str, failed: bool) -> None:
        """Do nothing: the points of ended and failed trials still count, as in the paper."""

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget spent so far, in the unit of `max_t`.
            point: (m,) the objectives, minimised.
        """
        if not np.isfinite(point).all():
            return Decision.STOP
        if t >= self.max_t:
            return Decision.COMPLETE
        rung = self._rungs.newly_reached(trial_id, t)
        if rung is None:
            return Decision.CONTINUE
        dominated = self._fronts[rung].dominates(point)
        self._fronts[rung].add(point)
        return Decision.STOP if dominated else Decision.CONTINUE
