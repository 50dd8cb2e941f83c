"""Multi-objective ASHA by promotion, and hypervolume promotion, as Tune schedulers."""

from __future__ import annotations

from collections.abc import Sequence

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.ranking import Ranking
from mobo_core.rules.halving import HalvingSettings, PromotionHalvingRule
from mobo_core.rules.projection import MARGIN, HypervolumePromotionRule, ProjectionSettings
from mobo_core.tune.schedulers.pausing import PromotionScheduler


class PromotionMOASHA(PromotionScheduler):
    """Multi-objective ASHA by promotion; see `mobo_core.rules.halving`.

    With several brackets it is MO-Hyperband, asynchronous.

    Args:
        objectives: As in `ObjectiveScheduler`.
        max_t: R, full budget in units of `time_attr`.
        grace_period: r, first milestone.
        reduction_factor: η; one trial in η is promoted at each milestone.
        brackets: Of different grace periods r·η^s, into which trials are drawn.
        ranking: Name in `mobo_core.pareto.ranking.RANKINGS`, or a function of that kind.
        slots: As in `PromotionScheduler`.
        time_attr: As in `PromotionScheduler`.
        seed: Of the draw of brackets.

    Raises:
        ValueError: As `mobo_core.rules.halving.HalvingSettings`.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        max_t: float,
        grace_period: float = 1,
        reduction_factor: float = 3,
        brackets: int = 1,
        ranking: str | Ranking = "pareto_epsnet",
        slots: int | None = None,
        time_attr: str = "training_iteration",
        seed: int = 0,
    ) -> None:
        settings = HalvingSettings(
            max_t,
            grace_period,
            reduction_factor,
            brackets,
            ranking,
            objectives.reference_point,
            seed,
        )
        rule = PromotionHalvingRule(settings)
        super().__init__(rule, objectives=objectives, slots=slots, time_attr=time_attr)

    @property
    def excess_promotions(self) -> dict[tuple[int, int], int]:
        """See `mobo_core.rules.halving.PromotionHalvingRule.excess_promotions`."""
        assert isinstance(self._rule, PromotionHalvingRule)
        return self._rule.excess_promotions()

    def counts(self) -> dict[str, int]:
        """Resumes, and promotions beyond ⌊n/η⌋ of their rung."""
        return {**super().counts(), "excess_promotions": sum(self.excess_promotions.values())}

    def debug_string(self) -> str:
        """One line for Tune's status output."""
        return f"{super().debug_string()}, {self.counts()['excess_promotions']} beyond n/η"


class HypervolumePromotion(PromotionScheduler):
    """Resumes the trial that is expected to add most hypervolume; see `mobo_core.rules.projection`.

    Args:
        objectives: As in `ObjectiveScheduler`; give learned ones their `ideal` if it is known,
            and mark exactly known ones `exact`.
        max_t: R, full budget in units of `time_attr`.
        grace_period: Budget every trial is given.
        margin: Smallest expected gain worth a whole budget, as a share of the present
            hypervolume: the dial between saving and loss.
        slots: As in `PromotionScheduler`.
        time_attr: As in `PromotionScheduler`.

    Raises:
        ValueError: As `mobo_core.rules.projection.ProjectionSettings`.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        max_t: float,
        grace_period: float = 1,
        margin: float = MARGIN,
        slots: int | None = None,
        time_attr: str = "training_iteration",
    ) -> None:
        settings = ProjectionSettings(objectives, max_t, grace_period, margin)
        rule = HypervolumePromotionRule(settings)
        super().__init__(rule, objectives=objectives, slots=slots, time_attr=time_attr)

    def projected_ends(self, trial_ids: Sequence[str], level: float) -> Points:
        """(n, m) minimised points at which trials may end, at a quantile level of their curves.

        Args:
            trial_ids: That have reported.
            level: In (0, 1); 0.5 is the median, more is more optimistic.
        """
        assert isinstance(self._rule, HypervolumePromotionRule)
        return self._rule.projected_ends(trial_ids, level)
