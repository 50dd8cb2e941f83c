"""Protocols for comparing runs: at equal trials, or at equal cost in time or epochs.

At equal trials every run has the same number of trials, whatever they cost. This shows what a
scheduler loses by ending trials early. At equal cost every run has spent the same budget. The
caller chooses the budget, a share of the baseline's cost. A budget taken from the compared runs
would change all results whenever a run is added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class AtCost:
    """A run's result when a budget is spent.

    Args:
        value: The run's latest value at that cost.
        ended: Whether the run was already over. It could have gone on, so the value is then a lower
            bound of what it would have reached.
    """

    value: float
    ended: bool


def at_cost(costs: ArrayLike, values: ArrayLike, budget: float) -> AtCost:
    """Return a run's value when a budget is spent, for comparisons at equal cost.

    Args:
        costs: (k,) costs, k ≥ 1, not falling; the first is at most the budget.
        values: (k,) values; each holds from its cost until the next.
        budget: The budget, in the unit of the costs.

    Raises:
        ValueError: If the shapes differ, costs fall, or the budget lies before the first cost.
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
    """Return the number of trials that all runs have, for comparisons at equal trials.

    Args:
        counts: (n,) number of trials of each compared run.

    Raises:
        ValueError: If the numbers differ or there is no run.
    """
    numbers = sorted({int(count) for count in np.asarray(counts).ravel()})
    if len(numbers) != 1:
        raise ValueError(
            f"a comparison at equal trials needs runs with the same number, got {numbers}; "
            "compare at equal cost instead"
        )
    return numbers[0]
