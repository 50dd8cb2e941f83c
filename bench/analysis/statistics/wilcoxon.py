"""The exact signed-rank test of pairs, Holm's correction, and the limits of few seeds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.analysis.statistics.intervals import Floats

LEVEL = 0.05
"""The significance level of tests, and the error level of their intervals."""


def signed_rank_p(differences: ArrayLike) -> float:
    """Return the two-sided p-value of Wilcoxon's test that differences are symmetric around 0.

    The p-value is exact, with ties too: they get mean ranks, and the null distribution uses these
    ranks. Zeros are left out, as in Wilcoxon's paper. The result is 1.0 if nothing else is left.

    Args:
        differences: (n,) differences, one per seed, no NaN.

    Raises:
        ValueError: If the shape is wrong or a value is NaN.

    Source: Wilcoxon 1945, doi:10.2307/3001968. Cost: O(n³) additions.
    """
    values = np.asarray(differences, dtype=float)
    if values.ndim != 1 or np.isnan(values).any():
        raise ValueError(f"differences must have shape (n,) and no NaN, got {differences!r}")
    values = values[values != 0]
    if len(values) == 0:
        return 1.0
    ranks = np.rint(2 * stats.rankdata(np.abs(values))).astype(int)  # doubled, hence whole numbers
    positive = int(ranks[values > 0].sum())
    null = _null_distribution(ranks)
    return float(min(1.0, 2 * min(null[: positive + 1].sum(), null[positive:].sum())))


def pseudomedian(differences: ArrayLike) -> float:
    """Return the median of the means of all pairs of differences, each with itself included.

    It estimates the shift that the signed-rank test examines. It is NaN without differences.

    Source: Hodges & Lehmann 1963, doi:10.1214/aoms/1177704172.
    """
    values = np.asarray(differences, dtype=float)
    if len(values) == 0:
        return float("nan")
    first, second = np.triu_indices(len(values))
    return float(np.median((values[first] + values[second]) / 2))


def pseudomedian_interval(differences: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of the shifts that the signed-rank test does not reject.

    The test is applied to the differences minus the shift. The interval holds the true shift with a
    probability of at least 1 − level, which is counted exactly. With ties or zeros, `signed_rank_p`
    uses another null distribution, so the interval may hold shifts that it rejects. With too few
    differences the interval holds all shifts.

    Args:
        differences: (n,) differences, one per seed, no NaN.
        level: The level of the two-sided test, 0 to 1.

    Source: Hollander, Wolfe & Chicken 2013, Nonparametric Statistical Methods, section 3.3.
    """
    values = np.asarray(differences, dtype=float)
    first, second = np.triu_indices(len(values))
    means = np.sort((values[first] + values[second]) / 2)
    below = np.cumsum(_null_distribution(np.arange(1, len(values) + 1)))
    refused = int(np.count_nonzero(2 * below <= level))
    if not refused:
        return -math.inf, math.inf
    return float(means[refused - 1]), float(means[-refused])


def _null_distribution(ranks: np.ndarray[tuple[int], np.dtype[np.int_]]) -> Floats:
    """Return the probability of every sum of ranks when each sign is a fair coin."""
    probability = np.zeros(int(ranks.sum()) + 1)
    probability[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(probability)
        shifted[rank:] = probability[: len(probability) - rank]
        probability = (probability + shifted) / 2
    return probability


def holm(p_values: ArrayLike) -> Floats:
    """Return (k,) p-values adjusted for k comparisons, in the given order.

    The adjustment controls the family-wise error rate.

    Args:
        p_values: (k,) p-values, each in [0, 1].

    Raises:
        ValueError: If the shape is wrong or a value is not in [0, 1].

    Source: Holm 1979, Scandinavian Journal of Statistics 6:65–70.
    """
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values must have shape (k,) and lie in [0, 1], got {p_values!r}")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def smallest_p(pairs: int, comparisons: int = 1) -> float:
    """Return the smallest p-value that the two-sided exact test can give, after Holm's correction.

    It occurs if all pairs differ in the same direction: 2^(1−n), times the comparisons.

    Args:
        pairs: n ≥ 0, the number of pairs that differ.
        comparisons: The number of comparisons, at least 1.

    Raises:
        ValueError: If `pairs` is negative or `comparisons` less than 1.
    """
    if pairs < 0 or comparisons < 1:
        raise ValueError(f"pairs ≥ 0 and comparisons ≥ 1 are required, got {pairs}, {comparisons}")
    return min(1.0, comparisons * 2.0 ** (1 - pairs))


def pairs_needed(comparisons: int = 1, level: float = LEVEL) -> int:
    """Return the smallest number of pairs with which the test can reach a level.

    Args:
        comparisons: The number of comparisons, at least 1.
        level: The level to reach, in (0, 1).

    Raises:
        ValueError: If `level` does not lie in (0, 1) or `comparisons` is less than 1.
    """
    if not 0 < level < 1 or comparisons < 1:
        raise ValueError(f"0 < level < 1, comparisons ≥ 1 are required, got {level}, {comparisons}")
    return max(1, math.ceil(1 - math.log2(level / comparisons) - 1e-12))


def reach(pairs: int, comparisons: int = 1, level: float = LEVEL) -> str:
    """Return sentences on what a number of seeds can and cannot show.

    Args:
        pairs: The number of seeds.
        comparisons: The number of comparisons, at least 1.
        level: The level to reach, in (0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """
    seeds = f"{pairs} seed{'' if pairs == 1 else 's'}"
    best, needed = smallest_p(pairs, comparisons), pairs_needed(comparisons, level)
    family = f" after Holm's correction for {comparisons} comparisons" if comparisons > 1 else ""
    if pairs < needed:
        return (
            f"With {seeds} no difference can be shown at {level:g}: the smallest possible p of an "
            f"exact two-sided Wilcoxon test{family} is {best:.3g}. At least {needed} seeds are "
            "needed."
        )
    return (
        f"With {seeds} a difference can be shown at {level:g}: the smallest possible p of an exact "
        f"two-sided Wilcoxon test{family} is {best:.2g}. A difference that is not shown may still "
        "exist. The test never shows that two schedulers are equal."
    )
