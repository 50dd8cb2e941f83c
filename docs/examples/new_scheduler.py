"""Your own scheduler: it stops trials that no longer improve in any objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ray.tune.schedulers import TrialScheduler

from bench.matrix.catalogue import TIME_ATTR, Context
from mobo_core.objectives import Points
from mobo_core.rules.rule import Decision, StoppingRule
from mobo_core.tune import RuleScheduler


class PlateauRule(StoppingRule):
    """A rule that stops a trial whose last reports improved none of its objectives.

    Args:
        max_t: The full budget, in epochs.
        patience: Number of reports in a row without an improvement that stop a trial.

    Raises:
        ValueError: If `patience` is less than 1.
    """

    def __init__(self, max_t: float, patience: int) -> None:
        if patience < 1:
            raise ValueError(f"patience must be at least 1, got {patience}")
        self._max_t = max_t
        self._patience = patience
        self._best: dict[str, Points] = {}
        self._waited: dict[str, int] = {}

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Prepare nothing: the rule has no use for a configuration."""

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Return what happens to the trial after this report.

        Args:
            trial_id: The trial's id.
            t: Number of epochs that the trial has trained.
            point: The reported point, (m,), minimised: an accuracy arrives with a minus sign.
        """
        if not np.isfinite(point).all():
            return Decision.STOP
        if t >= self._max_t:
            return Decision.COMPLETE
        best = self._best.get(trial_id)
        improved = best is None or bool((point < best).any())
        self._best[trial_id] = point if best is None else np.minimum(best, point)
        self._waited[trial_id] = 0 if improved else self._waited[trial_id] + 1
        return Decision.STOP if self._waited[trial_id] >= self._patience else Decision.CONTINUE

    def end(self, trial_id: str, failed: bool) -> None:
        """Forget the trial."""
        self._best.pop(trial_id, None)
        self._waited.pop(trial_id, None)


def plateau(context: Context, *, patience: int = 2) -> TrialScheduler:
    """Return the scheduler with this rule; a matrix file may set `patience`."""
    rule = PlateauRule(context.max_t, patience)
    return RuleScheduler(rule, objectives=context.objectives, time_attr=TIME_ATTR)
