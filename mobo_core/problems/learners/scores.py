"""Error and loss of a learner's outputs on one part of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 5
"""The significant digits of a reported value, more than a small validation set can tell apart."""


def rounded(value: float) -> float:
    """Return a value with the reported number of digits; NaN and ±inf are kept.

    A recorded value is then the trained one exactly, and takes less space.
    """
    return float(f"{value:.{DIGITS}g}")


def classified(log_chances: NDArray[Any], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the share of wrong answers (0–1) and the mean cross-entropy in nats.

    Args:
        log_chances: (n, classes) logarithms of the predicted chances. If any is NaN, no class is
            predicted: error and loss are NaN, as for a network that has diverged.
        labels: (n,) the true classes, from 0 on.
    """
    if np.isnan(log_chances).any():
        return float("nan"), float("nan")
    wrong = log_chances.argmax(axis=1) != labels
    loss = -log_chances[np.arange(len(labels)), labels].mean(dtype=np.float64)
    return rounded(float(wrong.mean())), rounded(float(loss))


def regressed(predictions: NDArray[Any], targets: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Return 1 - R² and the mean absolute error over that of the targets' median.

    Both are 0 for perfect predictions and about 1 for the best constant one, whatever the unit.

    Args:
        predictions: (n,) predicted values.
        targets: (n,) true values.
    """
    off = predictions.astype(np.float64) - targets
    spread = targets.astype(np.float64) - targets.mean(dtype=np.float64)
    from_median = np.abs(targets.astype(np.float64) - np.median(targets))
    error = np.mean(off**2) / np.mean(spread**2)
    return rounded(float(error)), rounded(float(np.abs(off).mean() / from_median.mean()))
