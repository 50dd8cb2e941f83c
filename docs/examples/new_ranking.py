"""A ranking of your own: inside a front the knee first."""

from __future__ import annotations

import numpy as np

from mobo_core.objectives import Points
from mobo_core.pareto.ranking import FrontRanking, Order


@FrontRanking
def pareto_knee(front: Points, reference: Points) -> Order:
    """Front by front; inside a front the nearer to the best values of all objectives first.

    `front` is (k, m), minimised, each objective scaled by its range, so those values are 0.
    """
    return np.argsort(np.linalg.norm(front, axis=1), kind="stable")
