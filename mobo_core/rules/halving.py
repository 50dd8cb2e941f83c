"""Multi-objective asynchronous successive halving (MO-ASHA): stopping and promotion.

Symbols: r = `grace_period`, η = `reduction_factor`, R = `max_t`. At each milestone r·η^k < R a
trial's point is recorded at that *rung*, one point per trial, and ranked among the others there.

* **Stopping** (`HalvingRule`): the trial goes on if it stands within the best max(1, ⌊n/η⌋).
  One decision, taken with what is known at that moment.
* **Promotion** (`PromotionHalvingRule`): the trial pauses; whenever a slot frees, rungs are
  searched from the top: of the best ⌊n/η⌋ of a rung the first that is paused there goes on.
* **Brackets** (MO-Hyperband): with more than one, each trial is drawn into a bracket s that drops
  the lowest s rungs; brackets have rungs of their own.

Source: Schmucker et al. 2021, arXiv:2106.12639 (MO-ASHA); Li et al. 2020, arXiv:1810.05934
(ASHA); Li et al. 2018, jmlr.org/papers/v18/16-558.html (brackets).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobo_core.objectives import Points
from mobo_core.pareto.incremental import RankedSet, ranked_set
from mobo_core.pareto.ranking import Ranking, as_ranking
from mobo_core.rules.rule import Decision, RungLadder
from mobo_core.rules.rungs import milestones, promotion_quota, stopping_quota


@dataclass(frozen=True)
class HalvingSettings:
    """What stopping and promotion share.

    Args:
        max_t: R, the full budget of a trial.
        grace_period: r ≥ 1, the first milestone.
        reduction_factor: η > 1.
        brackets: Number of brackets, ≥ 1; bracket s starts at the milestone r·η^s.
        ranking: Name in `mobo_core.pareto.ranking.RANKINGS`, or a function of that kind.
        reference_point: (m,) minimised; for rankings that use one.
        seed: Of the draw of brackets.

    Raises:
        ValueError: If a value is out of range, the ranking unknown, or a bracket would have no
            milestone.
    """

    max_t: float
    grace_period: float = 1
    reduction_factor: float = 3
    brackets: int = 1
    ranking: str | Ranking = "pareto_epsnet"
    reference_point: Sequence[float] | Points | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        as_ranking(self.ranking)
        if isinstance(self.brackets, bool) or self.brackets != int(self.brackets):
            raise ValueError(f"brackets must be a whole number, got {self.brackets!r}")
        if self.brackets < 1:
            raise ValueError(f"brackets must be at least 1, got {self.brackets}")
        ladders = self.ladders()
        if self.brackets > 1 and not ladders[-1]:
            most = sum(1 for ladder in ladders if ladder)
            raise ValueError(
                f"bracket {self.brackets - 1} would have no milestone below max_t={self.max_t}: "
                f"at most {most} brackets with grace_period={self.grace_period} and "
                f"reduction_factor={self.reduction_factor}"
            )

    def ladders(self) -> list[tuple[int, ...]]:
        """Milestones of every bracket."""
        return [
            milestones(self.grace_period, self.reduction_factor, self.max_t, bracket)
            for bracket in range(int(self.brackets))
        ]

    def draw_bracket(self, index: int) -> int:
        """Bracket of the trial number `index`: seeded, and independent of all other trials.

        A bracket with h halvings ahead has a share proportional to η^h / (h + 1): that of the
        configurations Hyperband starts in it.
        """
        if self.brackets == 1:
            return 0
        halvings = np.array([len(ladder) for ladder in self.ladders()])
        share = self.reduction_factor**halvings / (halvings + 1)
        drawn = np.random.default_rng([self.seed, index]).choice(
            int(self.brackets), p=share / share.sum()
        )
        return int(drawn)


class _Brackets:
    """Which bracket a trial is in, and the rungs of each."""

    def __init__(self, settings: HalvingSettings) -> None:
        self._settings = settings
        self._ranking = as_ranking(settings.ranking)
        self.rungs: list[dict[int, RankedSet]] = [{} for _ in range(int(settings.brackets))]
        self._bracket: dict[str, int] = {}

    def add(self, trial_id: str) -> None:
        if trial_id not in self._bracket:
            self._bracket[trial_id] = self._settings.draw_bracket(len(self._bracket))

    def of(self, trial_id: str) -> int:
        self.add(trial_id)
        return self._bracket[trial_id]

    def record(self, trial_id: str, budget: int, point: Points) -> RankedSet:
        """The rung at this milestone, with the trial's first point there."""
        rungs = self.rungs[self.of(trial_id)]
        if budget not in rungs:
            reference = self._settings.reference_point
            rungs[budget] = ranked_set(self._ranking, reference, len(point))
        if trial_id not in rungs[budget]:
            rungs[budget].add(trial_id, point)
        return rungs[budget]


class HalvingRule:
    """MO-ASHA by stopping; see the module's text and `mobo_core.rules.rule.StoppingRule`."""

    def __init__(self, settings: HalvingSettings) -> None:
        self._settings = settings
        self._brackets = _Brackets(settings)
        self._ladders = [RungLadder(ladder) for ladder in settings.ladders()]

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Draw the trial's bracket."""
        self._brackets.add(trial_id)

    def end(self, trial_id: str, failed: bool) -> None:
        """Rungs keep their points: they say how good others were there."""

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """See `StoppingRule.report`."""
        if not np.isfinite(point).all():
            return Decision.STOP
        if t >= self._settings.max_t:
            return Decision.COMPLETE
        bracket = self._brackets.of(trial_id)
        budget = self._ladders[bracket].newly_reached(trial_id, t)
        if budget is None:
            return Decision.CONTINUE
        rung = self._brackets.record(trial_id, budget, point)
        quota = stopping_quota(len(rung), self._settings.reduction_factor)
        return Decision.CONTINUE if rung.is_within(trial_id, quota) else Decision.STOP


class PromotionHalvingRule:
    """MO-ASHA by promotion; see the module's text and `mobo_core.rules.rule.PromotionRule`."""

    def __init__(self, settings: HalvingSettings) -> None:
        self._settings = settings
        self._brackets = _Brackets(settings)
        self._ladders = settings.ladders()
        # Where each trial stands: the milestone it was last promoted from, 0 before the first.
        self._promoted_from: dict[str, int] = {}
        self._paused_at: dict[str, int] = {}
        self._promotions = [dict.fromkeys(ladder, 0) for ladder in self._ladders]
        self._choice: tuple[str | None] | None = None
        self._budgets = sorted({b for ladder in self._ladders for b in ladder}, reverse=True)

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Draw the trial's bracket."""
        self._brackets.add(trial_id)

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """See `StoppingRule.report`.

        A trial that starts over after a failure pauses again where it paused before; its first
        point there stands.
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
        """Top rung first: the best trial within its quota that is paused there, if any."""
        if self._choice is None:
            self._choice = (self._find(),)
        return self._choice[0]

    def _find(self) -> str | None:
        for budget in self._budgets:
            for rungs in self._brackets.rungs:
                if budget not in rungs:
                    continue
                rung = rungs[budget]
                quota = promotion_quota(len(rung), self._settings.reduction_factor)
                if (found := rung.first_waiting(quota)) is not None:
                    return found
        return None

    def resume(self, trial_id: str) -> None:
        """See `PromotionRule.resume`."""
        budget = self._paused_at[trial_id]
        self.withdraw(trial_id)
        self._promoted_from[trial_id] = budget
        self._promotions[self._brackets.of(trial_id)][budget] += 1

    def withdraw(self, trial_id: str) -> None:
        """See `PromotionRule.withdraw`."""
        budget = self._paused_at.pop(trial_id, None)
        if budget is not None:
            self._brackets.rungs[self._brackets.of(trial_id)][budget].set_waiting(trial_id, False)
            self._choice = None

    def end(self, trial_id: str, failed: bool) -> None:
        """Rungs keep their points: they say how good others were there."""
        self.withdraw(trial_id)

    def is_paused(self, trial_id: str) -> bool:
        """See `PromotionRule.is_paused`."""
        return trial_id in self._paused_at

    def excess_promotions(self) -> dict[tuple[int, int], int]:
        """(bracket, milestone) → promotions beyond ⌊n/η⌋ of the rung, where there are any.

        Asynchrony allows them: a trial promoted early may be overtaken by later ones, which are
        then promoted too.
        """
        excess = {}
        for bracket, rungs in enumerate(self._brackets.rungs):
            for budget, rung in rungs.items():
                quota = promotion_quota(len(rung), self._settings.reduction_factor)
                if (beyond := self._promotions[bracket][budget] - quota) > 0:
                    excess[bracket, budget] = beyond
        return excess
