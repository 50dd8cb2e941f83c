"""The arithmetic of rungs in successive halving.

A *rung* is a budget at which trials are compared; that budget is its *milestone*. The symbols are
those of Li et al. 2020 (arXiv:1810.05934), with these names: r = `grace_period`,
η = `reduction_factor`, R = `max_t`, s = `bracket`.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

from mobo_core.checks import checked_count, checked_number

SLACK = 1 + 1e-12
"""A factor that corrects rounding errors, before ⌊·⌋, of products just below a whole number."""

Quota = Literal["floor", "floor_plus_one"]
"""How many of the n trials recorded at a rung continue, with η = `reduction_factor`.

* ``"floor"``: the best ⌊n/η⌋, as in ASHA's pseudo-code. Under stopping it is at least one trial.
* ``"floor_plus_one"``: the best ⌊n/η⌋ + 1, as in Syne Tune's code. A trial continues there if its
  place among the n, counted from 0 and divided by n, is at most 1/η.
"""
QUOTAS: tuple[Quota, ...] = get_args(Quota)
"""The names of all quotas."""


def milestones(
    grace_period: float, reduction_factor: float, max_t: float, bracket: int = 0
) -> tuple[int, ...]:
    """Return the budgets at which trials are compared, ascending and distinct.

    The milestones are ⌊r·η^(k+s)⌋ for k = 0, 1, 2, …, as far as they are below R. The full budget R
    is not a milestone: a trial that reaches it is complete. The result is empty if the bracket's
    first milestone would be R or more.

    Args:
        grace_period: r ≥ 1, the budget before the first comparison.
        reduction_factor: η > 1, the ratio of neighbouring milestones.
        max_t: R ≥ r, the full budget of a trial.
        bracket: s ≥ 0, the number of lowest rungs that are left out.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> milestones(grace_period=1, reduction_factor=3, max_t=81)
        (1, 3, 9, 27)
        >>> milestones(grace_period=1, reduction_factor=3, max_t=81, bracket=2)
        (9, 27)
    """
    grace_period, max_t = checked_budgets(grace_period, max_t)
    reduction_factor = checked_number("reduction_factor", reduction_factor, above=1)
    bracket = checked_count("bracket", bracket, at_least=0)
    # The last exponent comes from logarithms: η^(k+s) would overflow for a very large bracket.
    last = math.ceil(math.log(max_t / grace_period) / math.log(reduction_factor))
    budgets = {
        math.floor(grace_period * reduction_factor**exponent * SLACK)
        for exponent in range(bracket, last + 1)
    }
    return tuple(sorted(budget for budget in budgets if budget < max_t))


def checked_budgets(grace_period: object, max_t: object) -> tuple[float, float]:
    """Return r and R as Python's numbers.

    Args:
        grace_period: r ≥ 1, the budget before the first comparison.
        max_t: R ≥ r, the full budget of a trial.

    Raises:
        ValueError: If one is not a finite number, or out of range.

    Example:
        >>> checked_budgets(1, 8)
        (1, 8)
    """
    first = checked_number("grace_period", grace_period, at_least=1)
    full = checked_number("max_t", max_t)
    if full < first:
        raise ValueError(f"max_t must be at least grace_period ({first}), got {full}")
    return first, full


def stopping_quota(count: int, reduction_factor: float, quota: Quota = "floor") -> int:
    """Return max(1, `promotion_quota`), the number of trials of a rung that may continue.

    Args:
        count: n, the number of trials recorded at the rung, the one that is decided on included.
        reduction_factor: η > 1.
        quota: Which number of trials it is, see `Quota`.

    Example:
        >>> [stopping_quota(count, 3) for count in (1, 3, 5, 6)]
        [1, 1, 1, 2]
        >>> [stopping_quota(count, 3, "floor_plus_one") for count in (1, 3, 5, 6)]
        [1, 2, 2, 3]
    """
    return max(1, promotion_quota(count, reduction_factor, quota))


def promotion_quota(count: int, reduction_factor: float, quota: Quota = "floor") -> int:
    """Return ⌊n/η⌋ or ⌊n/η⌋ + 1, the number of trials of a rung that may be promoted.

    Args:
        count: n ≥ 1, the number of trials recorded at the rung.
        reduction_factor: η > 1.
        quota: Which of the two numbers it is, see `Quota`.

    Example:
        >>> [promotion_quota(count, 3) for count in (1, 3, 5, 6)]
        [0, 1, 1, 2]
        >>> [promotion_quota(count, 3, "floor_plus_one") for count in (1, 3, 5, 6)]
        [1, 2, 2, 3]
    """
    return math.floor(count / reduction_factor * SLACK) + (quota == "floor_plus_one")
