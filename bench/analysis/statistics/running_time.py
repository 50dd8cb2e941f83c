"""The cost of reaching a target: first hits, expected running time, runtime distributions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from bench.analysis.statistics.intervals import Floats


def first_hits(costs: ArrayLike, values: ArrayLike, targets: ArrayLike) -> Floats:
    """(t,) cost at which a run first reached each target; infinite if it never did.

    Args:
        costs: (k,), k ≥ 1, not falling: what was spent when a value was reached.
        values: (k,), higher is better.
        targets: (t,).

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
    # A best value so far can be searched; the value itself may fall again.
    places = np.searchsorted(np.fmax.accumulate(reached), bars, side="left")
    hits: Floats = np.append(spent, math.inf)[places]
    return hits


def expected_running_time(hits: ArrayLike, spent: ArrayLike) -> float:
    """Expected cost until a target is reached when runs that end without it are started again.

    All that was spent until the target or the end, over the runs that reached it; infinite if none
    did.

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
    """(b,) share of all pairs of run and target that were reached within each budget, 0 to 1.

    Args:
        hits: Any shape, not empty: cost at which the pair was reached, infinite if it was not.
        budgets: (b,).

    Raises:
        ValueError: If there is no pair or one is NaN.

    Source: Hansen et al. 2021 (COCO), doi:10.1080/10556788.2020.1808977, section 4.3.
    """
    pairs = np.sort(np.asarray(hits, dtype=float).ravel())
    if pairs.size == 0 or np.isnan(pairs).any():
        raise ValueError("a distribution needs at least one run and target, none of them NaN")
    counts = np.searchsorted(pairs, np.asarray(budgets, dtype=float), side="right")
    shares: Floats = np.where(np.isinf(budgets), np.isfinite(pairs).sum(), counts) / pairs.size
    return shares
