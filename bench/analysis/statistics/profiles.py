"""Profiles: the share of runs above a threshold, and the share of problems solved at a cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.analysis.statistics.intervals import Floats, checked


def score_profile(cells: Sequence[ArrayLike], thresholds: ArrayLike) -> Floats:
    """Return (t,) shares of runs above each threshold, averaged over the cells, 0 to 1.

    Args:
        cells: One (n_i,) array per cell, n_i ≥ 1, finite.
        thresholds: (t,) thresholds, in the unit of the values.

    Raises:
        ValueError: If a cell is empty or not finite.

    Source: Agarwal et al. 2021, arXiv:2108.13264, equation 1 (run-score distribution).
    """
    bars = np.asarray(thresholds, dtype=float)
    shares = [(cell[:, None] > bars).mean(axis=0) for cell in checked(cells, matched=False)]
    profile: Floats = np.mean(shares, axis=0)
    return profile


def performance_profile(costs: ArrayLike, ratios: ArrayLike) -> Floats:
    """Return (t, k) shares of problems that each method solves within a ratio of the cheapest.

    Shares lie between 0 and 1.

    Args:
        costs: (N, k) positive costs, a row per problem; infinite where a method does not solve it.
            A problem that no method solves counts against all methods.
        ratios: (t,) ratios to the cheapest method's cost, at least 1.

    Raises:
        ValueError: If a shape is wrong, a cost is not positive, or a ratio is below 1.

    Source: Dolan & Moré 2002, doi:10.1007/s101070100263, section 2.
    """
    table, bars = np.asarray(costs, dtype=float), np.asarray(ratios, dtype=float)
    if table.ndim != 2 or table.size == 0 or not (table > 0).all():
        raise ValueError(
            f"costs must have shape (problems, methods) and be positive, got {table.shape}"
        )
    if bars.ndim != 1 or not (bars >= 1).all():
        raise ValueError(f"ratios must have shape (t,) and be at least 1, got {ratios!r}")
    best = table.min(axis=1, keepdims=True)
    against = np.full(table.shape, np.inf)
    np.divide(table, best, out=against, where=np.isfinite(table))
    # Rounding must not push a method beyond a ratio that it just reaches.
    profile: Floats = (against[None] <= bars[:, None, None] * (1 + 1e-12)).mean(axis=1)
    return profile
