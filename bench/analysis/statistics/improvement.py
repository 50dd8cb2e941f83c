"""The probability that one method's run is better than another's run of the same seed."""

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
    """Return the share of seeds in which a method is better, with its interval.

    The share is the mean over the cells. A tie counts half.

    Args:
        differences: One (n_i,) array per cell: the method's value minus the other method's value
            of the same seed. Positive is better.
        rng: The generator that draws the resamples.
        matched: Whether the k-th value of every cell is of the same seed; see
            `stratified_interval`.
        resamples: The number of resamples.

    Raises:
        ValueError: If a difference is NaN, or if `stratified_interval` refuses the cells.
    """
    arrays = [np.asarray(cell, dtype=float) for cell in differences]
    if any(np.isnan(array).any() for array in arrays):
        raise ValueError(
            "differences must not be NaN: leave out seeds without a pair and report that"
        )
    sizes = [len(array) for array in arrays]

    def mean_of_cells(wins: Floats) -> Floats:
        parts = np.split(wins, np.cumsum(sizes)[:-1], axis=-1)
        means: Floats = np.mean([part.mean(axis=-1) for part in parts], axis=0)
        return means

    wins = [(np.sign(array) + 1) / 2 for array in arrays]
    return stratified_interval(wins, mean_of_cells, rng, matched=matched, resamples=resamples)
