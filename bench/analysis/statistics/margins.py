"""Whether a loss is below a margin, and who wins against whom: losses are skewed, and often 0.

A test that asks whether two methods differ answers the wrong question about a scheduler: whoever
saves training loses something, however little. What matters is whether the mean loss is surely
below a margin that was declared beforehand (non-inferiority), what the worst cases are, and how
often one method is better than another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.analysis.statistics.intervals import Estimate, Floats
from bench.analysis.statistics.wilcoxon import signed_rank_p

POWER = 0.8
"""The probability with which a loss that is called detectable is found."""


def skewed_mean(values: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the mean of skewed values with its confidence interval (Hall's transformation).

    Student's interval of losses is too low: most are near 0, and the few large ones are missing
    from small samples. Hall's transformation corrects this by the skewness of the sample. It
    changes nothing if the sample is not skewed. A test shows how often it covers the true mean of
    6 or 20 values: of normal ones the 95 % interval in 95 % of samples, of exponential ones in 93
    and 94 %, of log-normal ones in 88 and 93 %, and of values that are 0 in 70 % of cases in 82 and
    96 %. Student's covers less often in each of the skewed cases, down to 72 %.

    Args:
        values: (n,) values, n ≥ 1. The interval of one value is NaN.
        level: The confidence level, in (0, 1).

    Raises:
        ValueError: If there is no value, or one is not finite.

    Source: Hall 1992, doi:10.1111/j.2517-6161.1992.tb01872.x, with Student's quantiles.

    Example:
        >>> from bench.analysis.statistics.margins import skewed_mean
        >>> found = skewed_mean([0.0, 0.0, 0.1, 0.2, 0.2, 1.9])
        >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
        (0.4, -0.11, 2.92)
    """
    sample, half = _finite(values), (1 - level) / 2
    return Estimate(float(sample.mean()), _end(sample, 1 - half), _end(sample, half))


def upper_bound(values: ArrayLike, level: float = 0.95) -> float:
    """Return the one-sided upper confidence bound of the mean of skewed values; see `skewed_mean`.

    Args:
        values: (n,) values, n ≥ 1. The bound of one value is NaN.
        level: The confidence level, in (0, 1).

    Raises:
        ValueError: If there is no value, or one is not finite.
    """
    return _end(_finite(values), 1 - level)


def _finite(values: ArrayLike) -> Floats:
    sample = np.asarray(values, dtype=float)
    if sample.ndim != 1 or len(sample) == 0 or not np.isfinite(sample).all():
        raise ValueError(f"a mean needs at least one value, and only finite ones, got {values!r}")
    return sample


def _end(sample: Floats, share: float) -> float:
    """Return the end of an interval that a share of samples would put below the true mean.

    The statistic (mean − μ)/(s/√n) of skewed values is transformed to g(T) = T + a·(T² + 1/2)/3 +
    a²·T³/27 with a = skewness/√n, which is nearly Student's t; the transformation is inverted.
    """
    n = len(sample)
    if n < 2:
        return float("nan")
    deviation = float(sample.std(ddof=1))
    if deviation <= 1e-12 * float(np.abs(sample).max()):  # all are equal, but for rounding
        return float(sample.mean())
    scaled = (sample - sample.mean()) / sample.std()
    a = float((scaled**3).mean()) / np.sqrt(n)
    quantile = float(stats.t.ppf(share, n - 1))
    if abs(a) > 1e-9:
        quantile = 3 / a * (np.cbrt(1 + a * (quantile - a / 6)) - 1)
    return float(sample.mean() - quantile * deviation / np.sqrt(n))


@dataclass(frozen=True)
class Margin:
    """The answer to the question whether a mean loss is below a margin.

    Args:
        mean: The mean loss.
        bound: Its one-sided upper confidence bound.
        margin: The margin, declared beforehand, in the unit of the losses.
        detectable: The mean loss that the number of cases at hand would have shown to be above 0
            in `POWER` of all samples.
    """

    mean: float
    bound: float
    margin: float
    detectable: float

    @property
    def is_shown(self) -> bool:
        """Whether the mean loss is surely below the margin."""
        return self.bound < self.margin


def below_margin(losses: ArrayLike, margin: float, level: float = 0.95) -> Margin:
    """Return whether the mean loss is below a margin (a test of non-inferiority).

    Args:
        losses: (n,) losses, one per case: a data set, or a seed. Negative values are gains.
        margin: The margin that was declared beforehand.
        level: The confidence level, in (0, 1).

    Raises:
        ValueError: If there is no loss, or one is not finite.

    Example:
        >>> from bench.analysis.statistics.margins import below_margin
        >>> found = below_margin([0.0, 0.001, 0.002, 0.001, 0.003, 0.001], margin=0.005)
        >>> round(found.mean, 4), round(found.bound, 4), found.is_shown
        (0.0013, 0.0024, True)
    """
    sample = _finite(losses)
    return Margin(
        float(sample.mean()), upper_bound(sample, level), margin, detectable(sample, level)
    )


def detectable(losses: ArrayLike, level: float = 0.95) -> float:
    """Return the smallest mean loss that a sample like this would probably show to be above 0.

    Args:
        losses: (n,) losses; their standard deviation and number count. NaN for less than two.
        level: The confidence level of the one-sided test.

    Raises:
        ValueError: If there is no loss, or one is not finite.

    Source: the usual formula for the t test, (t₁₋α + t_power)·s/√n.

    Example:
        >>> from bench.analysis.statistics.margins import detectable
        >>> round(detectable([0.0, 0.01, 0.02, 0.01, 0.03, 0.01]), 4)
        0.0124
    """
    sample = _finite(losses)
    if len(sample) < 2:
        return float("nan")
    quantiles = stats.t.ppf([level, POWER], len(sample) - 1).sum()
    return float(quantiles * sample.std(ddof=1) / np.sqrt(len(sample)))


@dataclass(frozen=True)
class HeadToHead:
    """Two methods on the same cases.

    Args:
        wins: The number of cases in which the first one is better.
        ties: The number of cases in which neither is.
        losses: The number of cases in which the second one is better.
        median: The median of the differences, first minus second; positive is better.
        p: The two-sided p-value of the exact signed-rank test. It is 1 if all cases are ties.
    """

    wins: int
    ties: int
    losses: int
    median: float
    p: float


def head_to_head(first: ArrayLike, second: ArrayLike, tie: float = 0.0) -> HeadToHead:
    """Return how often the first of two methods is better, case by case.

    Args:
        first: (n,) scores of the first method; larger is better.
        second: (n,) scores of the second method on the same cases.
        tie: Differences up to this size, in either direction, are ties, and count as 0.

    Raises:
        ValueError: If the shapes differ, there is no case, or a score is not finite.

    Example:
        >>> from bench.analysis.statistics.margins import head_to_head
        >>> found = head_to_head([0.9, 0.8, 0.7, 0.9], [0.8, 0.8, 0.8, 0.5], tie=0.01)
        >>> found.wins, found.ties, found.losses
        (2, 1, 1)
    """
    mine, theirs = _finite(first), _finite(second)
    if mine.shape != theirs.shape:
        raise ValueError(f"both methods need the same cases, got {len(mine)} and {len(theirs)}")
    differences = mine - theirs
    differences[np.abs(differences) <= tie] = 0.0
    return HeadToHead(
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
        median=float(np.median(differences)),
        p=signed_rank_p(differences) if differences.any() else 1.0,
    )
