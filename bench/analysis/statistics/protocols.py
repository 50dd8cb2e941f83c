"""What two runs are compared at: equal trials, or equal cost in time or epochs.

Equal trials asks what a scheduler loses by ending trials early: every run has the same number of
trials, whatever they cost. Equal cost asks what there is when the same has been spent. The budget
is the caller's (a share of the baseline's cost): drawn from the runs that are compared, one more
run would move all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class AtCost:
    """What a run has when a budget is spent.

    Args:
        value: Its latest value at that cost.
        ended: Whether the run was over by then: it could have gone on, so the value is the least
            that it would have had.
    """

    value: float
    ended: bool


def at_cost(costs: ArrayLike, values: ArrayLike, budget: float) -> AtCost:
    """The value of a run when a budget is spent, under the protocol of equal cost.

    Args:
        costs: (k,), k ≥ 1, not falling, the first at most the budget.
        values: (k,): the value from each cost on, until the next.
        budget: In the unit of the costs.

    Raises:
        ValueError: If the shapes differ, costs fall, or the budget lies before the first.
    """
    spent, reached = np.asarray(costs, dtype=float), np.asarray(values, dtype=float)
    if spent.ndim != 1 or spent.size == 0 or spent.shape != reached.shape:
        raise ValueError(
            f"costs and values need the same shape (k,), got {spent.shape} and {reached.shape}"
        )
    if (np.diff(spent) < 0).any():
        raise ValueError("costs must not fall along a run")
    place = int(np.searchsorted(spent, budget, side="right")) - 1
    if not place >= 0:
        raise ValueError(f"the budget {budget} lies before the first cost, {spent[0]}")
    return AtCost(float(reached[place]), bool(budget >= spent[-1]))


def equal_trials(counts: ArrayLike) -> int:
    """The number of trials that all runs have, under the protocol of equal trials.

    Args:
        counts: (n,) trials of each run that is compared.

    Raises:
        ValueError: If they differ or there is none.
    """
    numbers = sorted({int(count) for count in np.asarray(counts).ravel()})
    if len(numbers) != 1:
        raise ValueError(
            f"runs under the protocol of equal trials need the same number of them, got {numbers}; "
            "compare at equal cost instead"
        )
    return numbers[0]
