"""Rung arithmetic of successive halving; stands alone.

Symbols of Li et al. 2020 (arXiv:1810.05934) and the names used here: r = `grace_period`,
η = `reduction_factor`, R = `max_t`, s = `bracket`.
"""

from __future__ import annotations

import math

SLACK = 1 + 1e-12
"""Keeps a product such as 1.1² from landing just under an integer."""


def milestones(
    grace_period: float, reduction_factor: float, max_t: float, bracket: int = 0
) -> tuple[int, ...]:
    """Budgets ⌊r·η^(k+s)⌋ below R at which trials are compared, ascending and distinct.

    The budget R itself is no milestone: a trial that reaches it is complete. The result is
    empty when the bracket's first rung would lie at R or beyond.

    Args:
        grace_period: r ≥ 1, budget before the first comparison.
        reduction_factor: η > 1, ratio of neighbouring rungs.
        max_t: R ≥ r, the full budget.
        bracket: s ≥ 0; each step drops the lowest rung.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not grace_period >= 1:
        raise ValueError(f"grace_period must be at least 1, got {grace_period}")
    if not (math.isfinite(reduction_factor) and reduction_factor > 1):
        raise ValueError(
            f"reduction_factor must be finite and greater than 1, got {reduction_factor}"
        )
    if not (math.isfinite(max_t) and max_t >= grace_period):
        raise ValueError(
            f"max_t must be finite and at least grace_period ({grace_period}), got {max_t}"
        )
    if bracket < 0:
        raise ValueError(f"bracket must not be negative, got {bracket}")
    # In logarithms first: η^(k+s) overflows for a bracket far beyond the last rung.
    last = math.ceil(math.log(max_t / grace_period) / math.log(reduction_factor))
    budgets = {
        math.floor(grace_period * reduction_factor**exponent * SLACK)
        for exponent in range(bracket, last + 1)
    }
    return tuple(sorted(budget for budget in budgets if budget < max_t))


def stopping_quota(count: int, reduction_factor: float) -> int:
    """max(1, ⌊n/η⌋): how many of n trials recorded at a rung may go on under stopping."""
    return max(1, promotion_quota(count, reduction_factor))


def promotion_quota(count: int, reduction_factor: float) -> int:
    """⌊n/η⌋: how many of n trials recorded at a rung may be promoted."""
    return math.floor(count / reduction_factor * SLACK)
