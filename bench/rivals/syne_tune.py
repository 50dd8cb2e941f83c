"""Syne Tune's MO-ASHA as a stopping rule: as it is shipped, and with its ranks repaired.

Source: https://github.com/syne-tune/syne-tune, `MOASHA` of version 0.16; Schmucker et al. 2021
(arXiv:2106.12639).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from syne_tune.backend.trial_status import Trial
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA
from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import MOPriority
from syne_tune.optimizer.schedulers.multiobjective.non_dominated_priority import (
    compute_epsilon_net,
    pareto_efficient,
)

from bench.rivals.global_random import GlobalRandom
from mobo_core.objectives import Points
from mobo_core.rules.rule import Decision

TIME = "t"
"""The key that carries the budget in the reports that Syne Tune gets."""


@dataclass(frozen=True)
class MOASHASettings:
    """The settings of Syne Tune's `MOASHA`.

    Args:
        objectives: m, the number of objectives.
        max_t: The full budget of a trial.
        grace_period: The first rung.
        reduction_factor: η > 1, the ratio of neighbouring rungs.
        brackets: The number of brackets; each leaves out one rung more at the bottom.
        repaired: Whether the ranks are those that its documentation describes.
        seed: The seed of the draws of brackets.
    """

    objectives: int
    max_t: int
    grace_period: int = 1
    reduction_factor: float = 3
    brackets: int = 1
    repaired: bool = False
    seed: int = 0


class MOASHARule:
    """The decisions of Syne Tune's `MOASHA`, as a stopping rule.

    Reports that are not finite stop their trial here, as with every rule of this project; Syne
    Tune would compare them. Only one value of each report is left out: the one at the full budget,
    at which the trial is complete.

    Args:
        settings: The settings.

    Raises:
        AssertionError: If Syne Tune refuses a setting.
    """

    def __init__(self, settings: MOASHASettings) -> None:
        self.max_t = settings.max_t
        self._names = [f"m{number}" for number in range(settings.objectives)]
        self._random = GlobalRandom(settings.seed)
        with self._random.used():
            self._moasha = MOASHA(
                config_space={},
                metrics=self._names,
                time_attr=TIME,
                multiobjective_priority=RankPriority() if settings.repaired else None,
                max_t=settings.max_t,
                grace_period=settings.grace_period,
                reduction_factor=settings.reduction_factor,
                brackets=settings.brackets,
                random_seed=settings.seed,
            )
        self._trials: dict[str, Trial] = {}

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Register a new trial, which gets a bracket; see `mobo_core.rules.rule.StoppingRule`."""
        if trial_id in self._trials:  # it starts again after a failure and keeps its bracket
            return
        trial = Trial(len(self._trials), dict(config), datetime.now(UTC))
        self._trials[trial_id] = trial
        with self._random.used():
            self._moasha.on_trial_add(trial)

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial."""
        if not np.isfinite(point).all():
            return Decision.STOP
        if t >= self.max_t:
            return Decision.COMPLETE
        values = dict(zip(self._names, point.tolist(), strict=True))
        with self._random.used():
            decision = self._moasha.on_trial_result(self._trials[trial_id], {TIME: t, **values})
        return Decision.CONTINUE if decision == "CONTINUE" else Decision.STOP

    def end(self, trial_id: str, failed: bool) -> None:
        """Forget a trial's bracket; its reports still count, as in Syne Tune."""
        trial = self._trials[trial_id]
        if trial.trial_id in self._moasha.trial_info:
            self._moasha.on_trial_remove(trial)


class RankPriority(MOPriority):  # type: ignore[misc]  # Syne Tune has no types
    """A priority of Syne Tune that gives ranks, where the shipped one gives an order.

    `NonDominatedPriority` returns the indices of the trials, the best first. `Bracket` reads them
    as one number per trial, lower is better. Inside a front it is the other way round: the ε-net
    returns ranks, which are read as an order. Here both are ranks; fronts and ε-net are Syne
    Tune's own.

    Example:
        >>> RankPriority()(np.array([[3.0, 3.0], [1.0, 1.0], [2.0, 2.0]])).tolist()
        [2, 0, 1]
    """

    def priority_unsafe(self, objectives: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the rank of each point, 0 for the best: by fronts, and inside them by the ε-net.

        Args:
            objectives: (n, m) points, minimised.
        """
        ranks = np.empty(len(objectives), dtype=np.int64)
        left, ranked = np.arange(len(objectives)), 0
        while left.size:
            in_front = pareto_efficient(objectives[left])
            front = left[in_front]
            ranks[front] = ranked + compute_epsilon_net(objectives[front], dim=0)
            left, ranked = left[~in_front], ranked + len(front)
        return ranks
