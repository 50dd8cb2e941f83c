"""The facts about a run that the factories of the catalogue receive."""

from __future__ import annotations

from dataclasses import dataclass

from mobo_core.objectives import ObjectiveSet
from mobo_core.space import SearchSpace

TIME_ATTR = "epoch"
"""The metric that counts a trial's epochs; every problem of the suite reports it."""


@dataclass(frozen=True)
class Context:
    """The facts about a run that a factory may need.

    Args:
        space: The search space.
        objectives: The objectives that the run optimises.
        max_t: Full budget of a trial, in epochs.
        slots: Number of trials that train at the same time.
        seed: The run's seed.
        trials: Number of trials of the run; None if it is not known.
        real_time: Whether the run takes real time, so that work in the background saves time.
    """

    space: SearchSpace
    objectives: ObjectiveSet
    max_t: int
    slots: int
    seed: int
    trials: int | None = None
    real_time: bool = False
