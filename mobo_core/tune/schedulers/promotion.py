"""Multi-objective ASHA by promotion, and hypervolume promotion, as schedulers for Tune."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mobo_core.objectives import Objective, ObjectiveSet, Points, as_objective_set
from mobo_core.pareto.ranking import Ranking
from mobo_core.rules.halving import HalvingSettings, PromotionHalvingRule
from mobo_core.rules.projection import MARGIN, HypervolumePromotionRule, ProjectionSettings
from mobo_core.rules.rungs import Quota
from mobo_core.tune.schedulers.parameters import describe_parameters
from mobo_core.tune.schedulers.pausing import PromotionScheduler


@describe_parameters()
class PromotionMOASHA(PromotionScheduler):
    """Multi-objective ASHA that pauses and promotes trials; see `mobo_core.rules.halving`.

    Every trial pauses at each rung. It resumes when it is among the best 1/η of the trials that
    have reached the rung. With several brackets this is asynchronous multi-objective Hyperband.

    Raises:
        ValueError: If a value is out of range, the ranking or the quota is unknown, or a bracket
            would have no rung below `max_t`.

    Example:
        >>> from ray import tune
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import PromotionMOASHA, SobolSearcher
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> scheduler = PromotionMOASHA(objectives, max_t=8, slots=4, time_attr="epoch")
        >>> config = tune.TuneConfig(
        ...     scheduler=scheduler, search_alg=SobolSearcher(), num_samples=64, reuse_actors=True
        ... )
        >>> scheduler.debug_string()
        'PromotionMOASHA: 0 resumed from a checkpoint, 0 beyond the quota'
    """

    def __init__(
        self,
        objectives: ObjectiveSet | Iterable[Objective],
        max_t: float,
        grace_period: float = 1,
        reduction_factor: float = 3,
        brackets: int = 1,
        ranking: str | Ranking = "pareto_epsnet",
        slots: int | None = None,
        time_attr: str = "training_iteration",
        seed: int = 0,
        quota: Quota = "floor",
    ) -> None:
        objectives = as_objective_set(objectives)
        reference = objectives.reference_point
        settings = HalvingSettings(
            max_t, grace_period, reduction_factor, brackets, ranking, reference, seed, quota
        )
        rule = PromotionHalvingRule(settings)
        super().__init__(rule, objectives=objectives, slots=slots, time_attr=time_attr)

    @property
    def excess_promotions(self) -> dict[tuple[int, int], int]:
        """(bracket, rung) → the number of promotions beyond the rung's quota.

        Rungs without such promotions are left out.
        """
        assert isinstance(self._rule, PromotionHalvingRule)
        return self._rule.excess_promotions()

    def counts(self) -> dict[str, int]:
        """Return the number of resumes, and of promotions beyond their rung's quota."""
        return {**super().counts(), "excess_promotions": sum(self.excess_promotions.values())}

    def debug_string(self) -> str:
        """Return one line for Tune's status output."""
        return f"{super().debug_string()}, {self.counts()['excess_promotions']} beyond the quota"


@describe_parameters(grace_period="The budget that every trial gets before it first pauses, ≥ 1.")
class HypervolumePromotion(PromotionScheduler):
    """A scheduler that pauses trials; see `mobo_core.rules.projection`.

    It trains every trial briefly and projects where its metrics will end. Then it resumes the
    trial that is expected to improve the Pareto front most per epoch. Give an objective its
    `ideal` value if you know it, and mark an objective `exact` if it is known without training.

    Raises:
        ValueError: If `grace_period` is less than 1 or more than `max_t`, or `margin` is negative.

    Example:
        >>> from ray import tune
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import HypervolumePromotion, SobolSearcher
        >>> objectives = ObjectiveSet(
        ...     [
        ...         Objective("accuracy", "max", reference=0.9, ideal=1.0),
        ...         Objective("params", "min", reference=1e5, exact=True),
        ...     ]
        ... )
        >>> scheduler = HypervolumePromotion(objectives, max_t=8, slots=4, time_attr="epoch")
        >>> config = tune.TuneConfig(
        ...     scheduler=scheduler, search_alg=SobolSearcher(), num_samples=64, reuse_actors=True
        ... )
        >>> scheduler.debug_string()
        'HypervolumePromotion: 0 resumed from a checkpoint'
    """

    def __init__(
        self,
        objectives: ObjectiveSet | Iterable[Objective],
        max_t: float,
        grace_period: float = 1,
        margin: float = MARGIN,
        slots: int | None = None,
        time_attr: str = "training_iteration",
    ) -> None:
        objectives = as_objective_set(objectives)
        settings = ProjectionSettings(objectives, max_t, grace_period, margin)
        rule = HypervolumePromotionRule(settings)
        super().__init__(rule, objectives=objectives, slots=slots, time_attr=time_attr)

    def projected_ends(self, trial_ids: Sequence[str], level: float) -> Points:
        """Return (n, m) minimised points at which trials may end.

        Args:
            trial_ids: (n,) trials that have reported at least once.
            level: The quantile of the projected curves, in (0, 1). 0.5 is the median; a higher
                level is more optimistic.
        """
        assert isinstance(self._rule, HypervolumePromotionRule)
        return self._rule.projected_ends(trial_ids, level)
