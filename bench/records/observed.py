"""What a run has observed at its end: the last reports of its trials, and those on the front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.dominance import front_mask


@dataclass(frozen=True)
class Observed:
    """The last reports of the trials that have not failed.

    Args:
        reports: One row per trial, in the order of the trials.
        points: The reports as (n, m) minimised points.
        on_front: Whether each of the n points is on the final front: no other point dominates it,
            and it is better than the reference point in every objective.
    """

    reports: pd.DataFrame
    points: Points
    on_front: NDArray[np.bool_]

    @property
    def front(self) -> pd.DataFrame:
        """The reports on the final front."""
        return self.reports[self.on_front]


def observed(last: pd.DataFrame, alive: list[int], objectives: ObjectiveSet) -> Observed:
    """Return what a run has observed.

    Args:
        last: The last report of every trial that reported, one row per trial in their order.
        alive: The numbers of the trials that have not failed, ascending. All of them reported.
        objectives: The run's objectives.
    """
    reports = last[last["trial"].isin(alive)]
    assert len(reports) == len(alive), "only failed trials have no report"
    points: Points = reports[list(objectives.names)].to_numpy(dtype=float) * objectives.signs
    return Observed(reports, points, front_mask(points, objectives.reference_point))
