"""The cost of reaching a target: first hits, expected running time, runtime distributions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from bench.analysis.statistics.intervals import Floats


def first_hits(costs: ArrayLike, values: ArrayLike, targets: ArrayLike) -> Floats:
    """Return (t,) costs at which a run first reached each target; infinite if it never did.

    Args:
        costs: (k,) costs, k ≥ 1, not falling: what was spent when each value was reached.
        values: (k,) values; higher is better.
        targets: (t,) targets, in the unit of the values.

    Raises:
        ValueError: If the shapes differ or costs fall.
    """
    spent, reached = np.asarray(costs, dtype=float), np.asarray(values, dtype=float)
    bars = np.asarray(targets, dtype=float)
    if spent.ndim != 1 or spent.size == 0 or spent.shape != reached.shape:
        raise ValueError(
            f"costs and values need the same shape (k,), got {spent.shape} and {reached.shape}"
        )
    if (np.diff(spent) < 0).any() or np.isnan(spent).any():
        raise ValueError("costs must not fall along a run")
    # The best value so far never falls, so it can be searched; the value itself may fall.
    places = np.searchsorted(np.fmax.accumulate(reached), bars, side="left")
    hits: Floats = np.append(spent, math.inf)[places]
    return hits


def expected_running_time(hits: ArrayLike, spent: ArrayLike) -> float:
    """Return the expected cost of reaching a target if runs that miss it are started again.

    It is the cost of all runs, each until its target or its end, divided by the number of runs that
    reached the target. It is infinite if none did.

    Args:
        hits: (n,) cost at which each run reached the target; infinite if it did not.
        spent: (n,) cost at which each run ended.

    Raises:
        ValueError: If the shapes differ, there is no run, or a run reached the target after its
            end.

    Source: Hansen et al. 2021 (COCO), doi:10.1080/10556788.2020.1808977, section 4.2; Auger &
    Hansen 2005.
    """
    reached, ended = np.asarray(hits, dtype=float), np.asarray(spent, dtype=float)
    if reached.ndim != 1 or reached.size == 0 or reached.shape != ended.shape:
        raise ValueError(
            f"hits and spent need the same shape (n,), got {reached.shape} and {ended.shape}"
        )
    successes = np.isfinite(reached)
    if (reached[successes] > ended[successes]).any():
        raise ValueError("a run cannot reach a target after it has ended")
    if not successes.any():
        return math.inf
    return float(np.where(successes, reached, ended).sum() / successes.sum())


def runtime_distribution(hits: ArrayLike, budgets: ArrayLike) -> Floats:
    """Return (b,) shares of the pairs of run and target that were reached within each budget.

    Shares lie between 0 and 1.

    Args:
        hits: The cost at which each pair was reached, infinite if it was not; any shape, not empty.
        budgets: (b,) budgets, in the unit of the hits.

    Raises:
        ValueError: If there is no pair or a cost is NaN.

    Source: Hansen et al. 2021 (COCO), doi:10.1080/10556788.2020.1808977, section 4.3.
    """
    pairs = np.sort(np.asarray(hits, dtype=float).ravel())
    if pairs.size == 0 or np.isnan(pairs).any():
        raise ValueError("a distribution needs at least one run and target, and no NaN")
    counts = np.searchsorted(pairs, np.asarray(budgets, dtype=float), side="right")
    shares: Floats = np.where(np.isinf(budgets), np.isfinite(pairs).sum(), counts) / pairs.size
    return shares
