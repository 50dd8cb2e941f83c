"""Budgets at which trials can be compared, also if no two trials report the same ones.

The projection of learning curves compares trials at equal budgets. Where every trial counts its own
way, for example in seconds, no two budgets are equal: each decision would need a regression for
every single trial, and none of them would have a curve to learn from. Budgets are then rounded.
"""

from __future__ import annotations

import logging
import math

logger = logging.getLogger(__name__)

ENOUGH = 10
"""The number of trials after which it is judged whether they share budgets."""
STEP = 1.1
"""The ratio of neighbouring budgets after rounding; a budget changes by 5 % at most."""


class CommonBudgets:
    """A rule's budgets: unchanged, but rounded once it turns out that trials do not share any.

    Trials share budgets if at least half of them have reported a budget that another one has
    reported too. This is judged from ten trials on (``ENOUGH``). If they do not, all further
    budgets are rounded to R·1.1^−k (``STEP``), and a warning says so.

    Args:
        max_t: R, the full budget of a trial.

    Example:
        >>> budgets = CommonBudgets(max_t=8)
        >>> budgets.of("a", 1), budgets.of("b", 1), budgets.of("a", 2.5)
        (1, 1, 2.5)
    """

    def __init__(self, max_t: float) -> None:
        self._max_t = max_t
        self._first: dict[float, str] = {}  # budget → the trial that has reported it first
        self._trials: set[str] = set()
        self._alone: set[str] = set()
        self._rounds = False

    def of(self, trial_id: str, t: float) -> float:
        """Return the budget at which a report is compared with those of other trials.

        A report at R or beyond never becomes one below R, nor the other way round.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget that it has spent, > 0.
        """
        if not self._rounds:
            self._look(trial_id, t)
        return self._rounded(t) if self._rounds and t > 0 else t

    def _look(self, trial_id: str, t: float) -> None:
        """Note a report, and find out whether trials share budgets."""
        if trial_id not in self._trials:
            self._trials.add(trial_id)
            self._alone.add(trial_id)
        first = self._first.setdefault(t, trial_id)
        if first != trial_id:
            self._alone -= {first, trial_id}
        if len(self._trials) >= ENOUGH and 2 * len(self._alone) > len(self._trials):
            self._rounds = True
            logger.warning(
                "%d of %d trials have reported no budget that another trial has reported too. "
                "Learning curves are compared at equal budgets, so budgets are rounded to steps of "
                "%.0f %% from here on. Give time_attr a counter that all trials share, for "
                "example the number of epochs",
                len(self._alone),
                len(self._trials),
                100 * (STEP - 1),
            )

    def _rounded(self, t: float) -> float:
        if t >= self._max_t:
            return self._max_t
        steps = round(math.log(t / self._max_t) / math.log(STEP))
        return float(self._max_t * STEP ** min(steps, -1))
