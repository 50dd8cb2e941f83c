"""What a scheduler decides with: rules from reports to decisions, without Ray.

A rule sees every report once, as (trial, budget spent, minimised point), in the order in which
the reports arrive, and answers what becomes of the trial. There are two mechanisms: under
*stopping* a trial runs on until its rule ends it, under *promotion* it pauses and waits until its
rule resumes it. The paper's own rules are here; successive halving is in `mobo_core.rules.halving`,
projection of curves in `mobo_core.rules.projection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

import numpy as np

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import any_dominates, non_dominated_mask
from mobo_core.rules.rungs import milestones


class Decision(Enum):
    """What becomes of a trial after a report."""

    CONTINUE = "continue"
    PAUSE = "pause"
    """Waits with a checkpoint; the rule may resume it at any time."""
    STOP = "stop"
    """Ended early; also the answer to an invalid point, from which no comparison can be made."""
    COMPLETE = "complete"
    """The full budget is spent."""


class StoppingRule(Protocol):
    """Decides, report by report, whether a trial goes on."""

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """A new trial exists; called before its first report, in the order of suggestion.

        Args:
            trial_id: The new trial, or one that comes back after a failure.
            config: Its hyper-parameters.
        """
        ...

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and decide.

        Args:
            trial_id: The reporting trial.
            t: Budget spent so far, in the unit of `max_t`.
            point: (m,) minimised objectives.
        """
        ...

    def end(self, trial_id: str, failed: bool) -> None:
        """The trial will not report again.

        Args:
            trial_id: A trial that was added.
            failed: Whether it failed, so that nothing it reported stands as a result.
        """
        ...


class PromotionRule(StoppingRule, Protocol):
    """Also decides when a trial pauses and which paused trial is resumed.

    A report answered with PAUSE makes its trial a candidate of `choose`.
    """

    def choose(self, new_available: bool) -> str | None:
        """The paused trial that a free slot should go to; repeatable, changes nothing.

        Args:
            new_available: Whether the searcher has more configurations.

        Returns:
            None if a new trial should start instead or, with none available, nothing is worth
            another epoch at present.
        """
        ...

    def resume(self, trial_id: str) -> None:
        """The paused trial goes on."""
        ...

    def withdraw(self, trial_id: str) -> None:
        """The trial neither trains nor is it paused: it lost its place and may start over."""
        ...

    def is_paused(self, trial_id: str) -> bool:
        """Whether the trial waits for `resume`."""
        ...


class _Front:
    """The non-dominated part of a growing set: all that matters for 'does any dominate?'."""

    def __init__(self) -> None:
        self._points: Points = np.empty((0, 0))

    def add(self, point: Points) -> None:
        if not self.dominates(point):
            grown = np.vstack([self._points, point]) if len(self._points) else point[None]
            self._points = grown[non_dominated_mask(grown)]

    def dominates(self, point: Points) -> bool:
        return any_dominates(self._points, point)


class RungLadder:
    """Which milestone, if any, a report counts for: the highest one newly reached.

    A milestone that a coarse reporter skipped is not made up for by a later report: that would
    put a point of a high budget among points of a low one.
    """

    def __init__(self, budgets: tuple[int, ...]) -> None:
        self.budgets = budgets
        self._highest: dict[str, int] = {}

    def newly_reached(self, trial_id: str, t: float) -> int | None:
        """The milestone this report counts for, or None."""
        reached = [budget for budget in self.budgets if budget <= t]
        if not reached or reached[-1] <= self._highest.get(trial_id, 0):
            return None
        self._highest[trial_id] = reached[-1]
        return reached[-1]


class PaperDominanceRule:
    """The rule of the paper's Tables 2 and 3: stop whatever anything ever reported dominates.

    All reported points of all trials and all epochs are kept, the trial's own earlier ones
    included. At each milestone not yet recorded the trial stops if any kept point dominates its
    present one. η does nothing but space the milestones.

    Args:
        max_t: R, the full budget.
        grace_period: r, the first milestone.
        reduction_factor: η.

    Raises:
        ValueError: As `mobo_core.rules.rungs.milestones`.
    """

    def __init__(self, max_t: float, grace_period: float, reduction_factor: float) -> None:
        self._max_t = max_t
        self._rungs = RungLadder(milestones(grace_period, reduction_factor, max_t))
        self._seen = _Front()

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Nothing to prepare."""

    def end(self, trial_id: str, failed: bool) -> None:
        """What was reported stands, as in the paper."""

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """See `StoppingRule.report`."""
        if not np.isfinite(point).all():
            return Decision.STOP
        dominated = self._seen.dominates(point)
        self._seen.add(point)
        if t >= self._max_t:
            return Decision.COMPLETE
        if self._rungs.newly_reached(trial_id, t) is not None and dominated:
            return Decision.STOP
        return Decision.CONTINUE


class PaperRungwiseRule:
    """The rule of the paper's Table 4: stop whatever another trial dominated at the same rung.

    At each milestone not yet recorded the present point is compared with the points other trials
    recorded at that milestone; dominated, it stops. (The paper also computed an ε-net order here
    and never used it, so neither does this rule.)

    Args:
        max_t: R, the full budget.
        grace_period: r, the first milestone.
        reduction_factor: η; as in `PaperDominanceRule` it only spaces the milestones.

    Raises:
        ValueError: As `mobo_core.rules.rungs.milestones`.
    """

    def __init__(self, max_t: float, grace_period: float, reduction_factor: float) -> None:
        self._max_t = max_t
        self._rungs = RungLadder(milestones(grace_period, reduction_factor, max_t))
        self._fronts: Mapping[int, _Front] = {budget: _Front() for budget in self._rungs.budgets}

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Nothing to prepare."""

    def end(self, trial_id: str, failed: bool) -> None:
        """What was reported stands, as in the paper."""

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """See `StoppingRule.report`."""
        if not np.isfinite(point).all():
            return Decision.STOP
        if t >= self._max_t:
            return Decision.COMPLETE
        rung = self._rungs.newly_reached(trial_id, t)
        if rung is None:
            return Decision.CONTINUE
        dominated = self._fronts[rung].dominates(point)
        self._fronts[rung].add(point)
        return Decision.STOP if dominated else Decision.CONTINUE
