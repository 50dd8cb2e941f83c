"""Statistics over paired seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES = 10_000
ENOUGH_SEEDS = 6
"""With fewer, an exact paired test cannot reach 0.05, and an interval would promise too much."""


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean; the same at every call.

    Args:
        values: (n,), one per seed.
        level: Of confidence, 0 to 1.

    Returns:
        Its lower and upper end; NaN for no values.
    """
    sample = np.asarray(values, dtype=float)
    if len(sample) == 0:
        return float("nan"), float("nan")
    picks = np.random.default_rng(0).integers(len(sample), size=(RESAMPLES, len(sample)))
    tail = (1 - level) / 2
    low, high = np.quantile(sample[picks].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)
