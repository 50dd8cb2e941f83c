"""How probable it is that one method's run is better than another's of the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.analysis.statistics.intervals import RESAMPLES, Estimate, Floats, stratified_interval


def paired_improvement(
    differences: Sequence[ArrayLike],
    rng: np.random.Generator,
    *,
    matched: bool = False,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Share of seeds that are better, equal ones half, the mean over the cells, with interval.

    Args:
        differences: One (n_i,) array a cell: value less the other's of the same seed; positive is
            better.
        rng: Draws the resamples.
        matched: See `stratified_interval`.
        resamples: How many.

    Raises:
        ValueError: As `stratified_interval`.
    """
    arrays = [np.asarray(cell, dtype=float) for cell in differences]
    if any(np.isnan(array).any() for array in arrays):
        raise ValueError("differences must not be NaN: leave out seeds without a pair and say so")
    sizes = [len(array) for array in arrays]

    def mean_of_cells(wins: Floats) -> Floats:
        parts = np.split(wins, np.cumsum(sizes)[:-1], axis=-1)
        means: Floats = np.mean([part.mean(axis=-1) for part in parts], axis=0)
        return means

    wins = [(np.sign(array) + 1) / 2 for array in arrays]
    return stratified_interval(wins, mean_of_cells, rng, matched=matched, resamples=resamples)
