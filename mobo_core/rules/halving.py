"""Multi-objective asynchronous successive halving (MO-ASHA), by stopping and by promotion.

Symbols: r = `grace_period`, η = `reduction_factor`, R = `max_t`. The milestones are ⌊r·η^k⌋ < R for
k = 0, 1, 2, … (`mobo_core.rules.rungs`). Every milestone has a *rung*: the points of the trials
that have reached it.

1. **Recording.** When a trial newly reaches a milestone, its present point is recorded at that
   rung. A trial has at most one point at a rung. If one report passes several milestones, the
   point counts for the highest of them only.
2. **Ranking.** A ranking sorts the n points of a rung, the new one included, from the best to the
   worst (`mobo_core.pareto.ranking`).
3. **Stopping** (`HalvingRule`). The trial continues if it is among the best max(1, ⌊n/η⌋) of its
   rung at this moment; with the quota ``"floor_plus_one"``, if it is among the best ⌊n/η⌋ + 1.
   Otherwise it stops. The decision is final.
4. **Promotion** (`PromotionHalvingRule`). Every trial pauses at every milestone. When a slot is
   free, the rungs are searched from the highest milestone to the lowest (rungs of several brackets
   at one milestone in the brackets' order). In each rung the best ⌊n/η⌋ points are considered, or
   the best ⌊n/η⌋ + 1. The best of them whose trial is paused at this rung is resumed. If no rung
   has such a trial, a new trial starts.
5. **Completion.** A trial that reports a budget of R or more is complete. A trial that reports an
   invalid point (NaN or ±inf) stops.
6. **Brackets** (MO-Hyperband). With several brackets, each new trial is drawn into one of them
   (`HalvingSettings.draw_bracket`). Bracket s leaves out the s lowest milestones, and its rungs
   hold only its own trials.

Source: Schmucker et al. 2021, arXiv:2106.12639 (MO-ASHA); Li et al. 2020, arXiv:1810.05934
(ASHA); Li et al. 2018, jmlr.org/papers/v18/16-558.html (brackets).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobo_core.checks import checked_count, checked_number
from mobo_core.objectives import Points
from mobo_core.pareto.incremental import RankedSet, ranked_set
from mobo_core.pareto.ranking import Ranking, as_ranking
from mobo_core.rules.rule import Decision, RungLadder
from mobo_core.rules.rungs import (
    QUOTAS,
    Quota,
    checked_budgets,
    milestones,
    promotion_quota,
    stopping_quota,
)


@dataclass(frozen=True)
class HalvingSettings:
    """The settings of successive halving, both by stopping and by promotion.

    Args:
        max_t: R, the full budget of a trial.
        grace_period: r ≥ 1, the first milestone.
        reduction_factor: η > 1; about one in η trials of a rung continues.
        brackets: The number of brackets, ≥ 1. Bracket s starts at the milestone r·η^s.
        ranking: A name in `mobo_core.pareto.ranking.RANKINGS`, or a function of the type
            `mobo_core.pareto.ranking.Ranking`.
        reference_point: (m,), minimised, for rankings that use one; or None.
        seed: The seed of the draws of brackets.
        quota: How many of the n trials of a rung continue: ``"floor"`` for ⌊n/η⌋, or
            ``"floor_plus_one"`` for ⌊n/η⌋ + 1; see `mobo_core.rules.rungs.Quota`.

    Raises:
        ValueError: If a value is out of range, if the ranking or the quota is unknown, or if a
            bracket would have no milestone.

    Example:
        >>> settings = HalvingSettings(max_t=27, grace_period=1, reduction_factor=3, brackets=2)
        >>> settings.ladders()
        [(1, 3, 9), (3, 9)]
    """

    max_t: float
    grace_period: float = 1
    reduction_factor: float = 3
    brackets: int = 1
    ranking: str | Ranking = "pareto_epsnet"
    reference_point: Sequence[float] | Points | None = None
    seed: int = 0
    quota: Quota = "floor"

    def __post_init__(self) -> None:
        as_ranking(self.ranking)
        if self.quota not in QUOTAS:
            raise ValueError(f"unknown quota {self.quota!r}: choose from {', '.join(QUOTAS)}")
        grace_period, max_t = checked_budgets(self.grace_period, self.max_t)
        checked = {
            "max_t": max_t,
            "grace_period": grace_period,
            "reduction_factor": checked_number("reduction_factor", self.reduction_factor, above=1),
            "brackets": checked_count("brackets", self.brackets, at_least=1),
            "seed": checked_count("seed", self.seed, at_least=0),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        ladders = self.ladders()
        if self.brackets > 1 and not ladders[-1]:
            most = sum(1 for ladder in ladders if ladder)
            raise ValueError(
                f"bracket {self.brackets - 1} would have no milestone below max_t={self.max_t}: "
                f"at most {most} brackets with grace_period={self.grace_period} and "
                f"reduction_factor={self.reduction_factor}"
            )

    def ladders(self) -> list[tuple[int, ...]]:
        """Return the milestones of every bracket, ascending."""
        return [
            milestones(self.grace_period, self.reduction_factor, self.max_t, bracket)
            for bracket in range(self.brackets)
        ]

    def stopping_quota(self, count: int) -> int:
        """Return how many of the `count` trials of a rung may continue under stopping."""
        return stopping_quota(count, self.reduction_factor, self.quota)

    def promotion_quota(self, count: int) -> int:
        """Return how many of the `count` trials of a rung may be promoted."""
        return promotion_quota(count, self.reduction_factor, self.quota)

    def draw_bracket(self, index: int) -> int:
        """Return the bracket of a trial; it depends only on the settings and the trial's number.

        A bracket with h milestones is drawn with a probability proportional to η^h / (h + 1). This
        is the bracket's share of the configurations that Hyperband starts.

        Args:
            index: The trial's number, in the order in which trials are added, from 0.
        """
        if self.brackets == 1:
            return 0
        halvings = np.array([len(ladder) for ladder in self.ladders()])
        share = self.reduction_factor**halvings / (halvings + 1)
        drawn = np.random.default_rng([self.seed, index]).choice(
            self.brackets, p=share / share.sum()
        )
        return int(drawn)


class _Brackets:
    """The bracket of each trial, and the rungs of each bracket."""

    def __init__(self, settings: HalvingSettings) -> None:
        self._settings = settings
        self._ranking = as_ranking(settings.ranking)
        self.rungs: list[dict[int, RankedSet]] = [{} for _ in range(settings.brackets)]
        self._bracket: dict[str, int] = {}

    def add(self, trial_id: str) -> None:
        if trial_id not in self._bracket:
            self._bracket[trial_id] = self._settings.draw_bracket(len(self._bracket))

    def of(self, trial_id: str) -> int:
        self.add(trial_id)
        return self._bracket[trial_id]

    def record(self, trial_id: str, budget: int, point: Points) -> RankedSet:
        """Record a point at a rung, unless the trial has one there, and return the rung.

        Args:
            trial_id: The trial's id.
            budget: The rung's milestone.
            point: (m,) the objectives, minimised.
        """
        rungs = self.rungs[self.of(trial_id)]
        if budget not in rungs:
            reference = self._settings.reference_point
            rungs[budget] = ranked_set(self._ranking, reference, len(point))
        if trial_id not in rungs[budget]:
            rungs[budget].add(trial_id, point)
        return rungs[budget]


class HalvingRule:
    """The rule of MO-ASHA by stopping; the module's text explains it.

    Args:
        settings: The settings of successive halving.

    Example:
        One of three trials may continue at a milestone. The first trial has no rivals yet, and the
        third is better than both others.

        >>> rule = HalvingRule(HalvingSettings(max_t=9, grace_period=1, reduction_factor=3))
        >>> points = {"a": [2.0, 2.0], "b": [3.0, 3.0], "c": [1.0, 1.0]}
        >>> [rule.report(name, 1, np.array(point)).value for name, point in points.items()]
        ['continue', 'stop', 'continue']
    """

    def __init__(self, settings: HalvingSettings) -> None:
        self._settings = settings
        self._brackets = _Brackets(settings)
        self._ladders = [RungLadder(ladder) for ladder in settings.ladders()]

    @property
    def max_t(self) -> float:
        """R, the full budget of a trial."""
        return self._settings.max_t

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Draw the bracket of a new trial.

        Args:
            trial_id: The id of the new trial, or of a trial that starts again after a failure.
            config: The trial's hyper-parameters, which this rule does not use.
        """
        self._brackets.add(trial_id)

    def end(self, trial_id: str, failed: bool) -> None:
        """Do nothing: ended trials keep their points at the rungs, for comparison with others."""

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget spent so far, in the unit of `max_t`.
            point: (m,) the objectives, minimised.
        """
        if not np.isfinite(point).all():
            return Decision.STOP
        if t >= self._settings.max_t:
            return Decision.COMPLETE
        bracket = self._brackets.of(trial_id)
        budget = self._ladders[bracket].newly_reached(trial_id, t)
        if budget is None:
            return Decision.CONTINUE
        rung = self._brackets.record(trial_id, budget, point)
        quota = self._settings.stopping_quota(len(rung))
        return Decision.CONTINUE if rung.is_within(trial_id, quota) else Decision.STOP


class PromotionHalvingRule:
    """The rule of MO-ASHA by promotion; the module's text explains it.

    Args:
        settings: The settings of successive halving.

    Example:
        >>> rule = PromotionHalvingRule(HalvingSettings(max_t=9, reduction_factor=3))
        >>> points = {"a": [2.0, 2.0], "b": [3.0, 3.0], "c": [1.0, 1.0]}
        >>> [rule.report(name, 1, np.array(point)).value for name, point in points.items()]
        ['pause', 'pause', 'pause']
        >>> rule.choose(new_available=True)
        'c'
        >>> rule.resume("c")
        >>> rule.choose(new_available=True) is None
        True
    """

    def __init__(self, settings: HalvingSettings) -> None:
        self._settings = settings
        self._brackets = _Brackets(settings)
        self._ladders = settings.ladders()
        # The milestone from which each trial was last promoted; 0 before the first promotion.
        self._promoted_from: dict[str, int] = {}
        self._paused_at: dict[str, int] = {}
        self._promotions = [dict.fromkeys(ladder, 0) for ladder in self._ladders]
        self._choice: tuple[str | None] | None = None
        self._budgets = sorted({b for ladder in self._ladders for b in ladder}, reverse=True)

    @property
    def max_t(self) -> float:
        """R, the full budget of a trial."""
        return self._settings.max_t

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Draw the bracket of a new trial.

        Args:
            trial_id: The id of the new trial, or of a trial that starts again after a failure.
            config: The trial's hyper-parameters, which this rule does not use.
        """
        self._brackets.add(trial_id)

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial.

        A trial that starts again after a failure pauses where it paused before. Its first point at
        that rung still counts.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget spent so far, in the unit of `max_t`.
            point: (m,) the objectives, minimised.
        """
        if not np.isfinite(point).all():
            return Decision.STOP
        if t >= self._settings.max_t:
            return Decision.COMPLETE
        bracket = self._brackets.of(trial_id)
        reached = [
            budget
            for budget in self._ladders[bracket]
            if self._promoted_from.get(trial_id, 0) < budget <= t
        ]
        if not reached:
            return Decision.CONTINUE
        self._brackets.record(trial_id, reached[-1], point).set_waiting(trial_id, True)
        self._paused_at[trial_id] = reached[-1]
        self._choice = None
        return Decision.PAUSE

    def choose(self, new_available: bool) -> str | None:
        """Return the paused trial to resume, or None if a new trial should start.

        The rungs are searched from the top. In each rung, the best paused trial within the quota is
        taken.

        Args:
            new_available: Not used: a promotion always comes before a new trial.
        """
        if self._choice is None:
            self._choice = (self._find(),)
        return self._choice[0]

    def _find(self) -> str | None:
        for budget in self._budgets:
            for rungs in self._brackets.rungs:
                if budget not in rungs:
                    continue
                rung = rungs[budget]
                quota = self._settings.promotion_quota(len(rung))
                if (found := rung.first_waiting(quota)) is not None:
                    return found
        return None

    def resume(self, trial_id: str) -> None:
        """Note that a paused trial continues to its next milestone."""
        budget = self._paused_at[trial_id]
        self.withdraw(trial_id)
        self._promoted_from[trial_id] = budget
        self._promotions[self._brackets.of(trial_id)][budget] += 1

    def withdraw(self, trial_id: str) -> None:
        """Take a trial out of the waiting ones; its points at the rungs remain."""
        budget = self._paused_at.pop(trial_id, None)
        if budget is not None:
            self._brackets.rungs[self._brackets.of(trial_id)][budget].set_waiting(trial_id, False)
            self._choice = None

    def end(self, trial_id: str, failed: bool) -> None:
        """Take out a trial that will not report again; its points at the rungs remain."""
        self.withdraw(trial_id)

    def is_paused(self, trial_id: str) -> bool:
        """Return whether the trial is paused and waits for `resume`."""
        return trial_id in self._paused_at

    def excess_promotions(self) -> dict[tuple[int, int], int]:
        """Return how many promotions exceed the quota at each rung where some do.

        They happen because decisions are asynchronous. A trial that was promoted early may be
        overtaken by later trials, and these are then promoted too.

        Returns:
            (bracket, milestone) → the number of promotions beyond the quota.
        """
        excess = {}
        for bracket, rungs in enumerate(self._brackets.rungs):
            for budget, rung in rungs.items():
                quota = self._settings.promotion_quota(len(rung))
                if (beyond := self._promotions[bracket][budget] - quota) > 0:
                    excess[bracket, budget] = beyond
        return excess
