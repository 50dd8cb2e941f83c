"""The schedulers that a matrix file can name, and their factories."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
    TrialScheduler,
)

from bench.matrix.context import TIME_ATTR, Context
from mobo_core.pareto.scalarization import Kind
from mobo_core.rules.projection import MARGIN
from mobo_core.rules.rungs import Quota
from mobo_core.tune import (
    HyperBand,
    HypervolumePromotion,
    PaperDominance,
    PaperRungwise,
    ProjectedStopping,
    PromotionMOASHA,
    PromotionScheduler,
    ScalarizedScheduler,
    StoppingMOASHA,
)


def _fifo(context: Context) -> TrialScheduler:
    """FIFOScheduler of Ray: trains every trial to the end; the baseline."""
    return FIFOScheduler()


def _paper_dominance(
    context: Context, *, grace_period: float = 1, reduction_factor: float = 6
) -> TrialScheduler:
    """PaperDominance: stops a trial at a rung if any earlier report dominates it."""
    return PaperDominance(
        context.objectives, context.max_t, grace_period, reduction_factor, TIME_ATTR
    )


def _paper_rungwise(
    context: Context, *, grace_period: float = 1, reduction_factor: float = 6
) -> TrialScheduler:
    """PaperRungwise: stops a trial at a rung if another trial at the same epoch dominates it."""
    return PaperRungwise(
        context.objectives, context.max_t, grace_period, reduction_factor, TIME_ATTR
    )


def _moasha_stopping(
    context: Context,
    *,
    grace_period: float = 1,
    reduction_factor: float = 3,
    brackets: int = 1,
    ranking: str = "pareto_epsnet",
    quota: Quota = "floor",
) -> TrialScheduler:
    """StoppingMOASHA: successive halving by Pareto ranks, by stopping."""
    return StoppingMOASHA(
        context.objectives,
        context.max_t,
        grace_period,
        reduction_factor,
        brackets,
        ranking,
        TIME_ATTR,
        context.seed,
        quota,
    )


def _moasha_promotion(
    context: Context,
    *,
    grace_period: float = 1,
    reduction_factor: float = 3,
    brackets: int = 1,
    ranking: str = "pareto_epsnet",
    quota: Quota = "floor",
) -> TrialScheduler:
    """PromotionMOASHA: successive halving by Pareto ranks, by pausing and resuming."""
    return PromotionMOASHA(
        context.objectives,
        context.max_t,
        grace_period,
        reduction_factor,
        brackets,
        ranking,
        context.slots,
        TIME_ATTR,
        context.seed,
        quota,
    )


def _hv_promotion(
    context: Context,
    *,
    grace_period: float = 1,
    margin: float = MARGIN,
) -> TrialScheduler:
    """HypervolumePromotion: resumes the trial expected to add most hypervolume per epoch."""
    return HypervolumePromotion(
        context.objectives,
        context.max_t,
        grace_period,
        margin,
        context.slots,
        TIME_ATTR,
    )


def _projected_stopping(
    context: Context,
    *,
    grace_period: float = 1,
    margin: float = MARGIN,
) -> TrialScheduler:
    """ProjectedStopping: stops trials not expected to add hypervolume; they need not pause."""
    return ProjectedStopping(context.objectives, context.max_t, grace_period, margin, TIME_ATTR)


def _asha(
    context: Context,
    *,
    grace_period: int = 1,
    reduction_factor: float = 3,
    brackets: int = 1,
    scalarization: Kind = "chebyshev",
    random_weights: bool = False,
) -> TrialScheduler:
    """AsyncHyperBandScheduler of Ray (ASHA), on one scalarised metric."""
    inner = AsyncHyperBandScheduler(
        time_attr=TIME_ATTR,
        max_t=context.max_t,
        grace_period=grace_period,
        reduction_factor=reduction_factor,
        brackets=brackets,
    )
    return _scalarized(inner, context, scalarization, random_weights)


def _hyperband(
    context: Context,
    *,
    reduction_factor: float = 2,
    scalarization: Kind = "chebyshev",
    random_weights: bool = False,
) -> TrialScheduler:
    """HyperBand of Ray whose brackets always end, on one scalarised metric."""
    inner = HyperBand(time_attr=TIME_ATTR, max_t=context.max_t, reduction_factor=reduction_factor)
    return _scalarized(inner, context, scalarization, random_weights)


def _median(
    context: Context,
    *,
    grace_period: float = 1,
    min_samples_required: int = 3,
    scalarization: Kind = "chebyshev",
    random_weights: bool = False,
) -> TrialScheduler:
    """MedianStoppingRule of Ray, on one scalarised metric."""
    inner = MedianStoppingRule(
        time_attr=TIME_ATTR, grace_period=grace_period, min_samples_required=min_samples_required
    )
    return _scalarized(inner, context, scalarization, random_weights)


def _scalarized(
    inner: TrialScheduler, context: Context, kind: Kind, random_weights: bool
) -> TrialScheduler:
    return ScalarizedScheduler(
        inner, context.objectives, kind=kind, random_weights=random_weights, seed=context.seed
    )


SCHEDULERS: Mapping[str, Callable[..., TrialScheduler]] = {
    "asha": _asha,
    "fifo": _fifo,
    "hv-promotion": _hv_promotion,
    "hyperband": _hyperband,
    "median": _median,
    "moasha-promotion": _moasha_promotion,
    "moasha-stopping": _moasha_stopping,
    "paper-dominance": _paper_dominance,
    "paper-rungwise": _paper_rungwise,
    "projected-stopping": _projected_stopping,
}

PAUSING_IN_RAY = (HyperBandScheduler, MedianStoppingRule, PopulationBasedTraining)
"""Ray's schedulers that pause trials. They have no slots, so only resources can limit them."""


def pauses(scheduler: TrialScheduler) -> bool:
    """Return whether a scheduler pauses trials and resumes them later.

    Tune counts paused trials against ``max_concurrent_trials``, so with such a scheduler a run
    with that limit would stop for lack of free places.
    """
    inner = scheduler.inner if isinstance(scheduler, ScalarizedScheduler) else scheduler
    return isinstance(inner, (PromotionScheduler, *PAUSING_IN_RAY))
