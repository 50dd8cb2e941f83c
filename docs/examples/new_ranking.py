"""Your own ranking: inside a front, the point nearest to the best values comes first."""

from __future__ import annotations

import numpy as np
from ray.tune.schedulers import TrialScheduler

from bench.matrix.catalogue import TIME_ATTR, Context
from mobo_core.objectives import Points
from mobo_core.pareto.ranking import FrontRanking, Order
from mobo_core.tune import StoppingMOASHA


@FrontRanking
def pareto_knee(front: Points, reference: Points) -> Order:
    """Return the order of one front's points, the nearest to the best of all objectives first.

    Args:
        front: Points of one front, (k, m), minimised. Each objective is scaled by its range, so
            its best value is 0.
        reference: The reference point, (m,), scaled alike.
    """
    return np.argsort(np.linalg.norm(front, axis=1), kind="stable")


def moasha_knee(context: Context, *, reduction_factor: float = 3) -> TrialScheduler:
    """Return multi-objective ASHA with this ranking; a matrix file may set `reduction_factor`."""
    return StoppingMOASHA(
        context.objectives,
        max_t=context.max_t,
        reduction_factor=reduction_factor,
        ranking=pareto_knee,
        time_attr=TIME_ATTR,
        seed=context.seed,
    )
