"""The exact signed-rank test of pairs, Holm's correction, and what too few seeds cannot show."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.analysis.statistics.intervals import Floats

LEVEL = 0.05


def signed_rank_p(differences: ArrayLike) -> float:
    """Two-sided p of Wilcoxon's signed-rank test that differences are symmetric around 0.

    Exact with ties too: they get mean ranks, and the null distribution is of those. Zeros are left
    out, as Wilcoxon did; 1.0 if nothing else is left.

    Args:
        differences: (n,), one per seed, no NaN.

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
    ranks = np.rint(2 * stats.rankdata(np.abs(values))).astype(int)  # doubled: mean ranks are whole
    positive = int(ranks[values > 0].sum())
    null = _null_distribution(ranks)
    return float(min(1.0, 2 * min(null[: positive + 1].sum(), null[positive:].sum())))


def pseudomedian(differences: ArrayLike) -> float:
    """Median of the means of all pairs of differences: the shift that the signed-rank test is of.

    NaN for no differences.

    Source: Hodges & Lehmann 1963, doi:10.1214/aoms/1177704172.
    """
    values = np.asarray(differences, dtype=float)
    if len(values) == 0:
        return float("nan")
    first, second = np.triu_indices(len(values))
    return float(np.median((values[first] + values[second]) / 2))


def pseudomedian_interval(differences: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """The shifts that the signed-rank test of the differences less the shift does not refuse.

    They hold the true one with probability 1 − level at least, which is counted exactly. Of equal
    or unchanged differences, of which `signed_rank_p` has another null distribution, the interval
    may hold some that it refuses. With too few differences it is all shifts.

    Args:
        differences: (n,), one per seed, no NaN.
        level: Of the two-sided test.

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
    """Probability of every sum of ranks when each sign is a fair coin."""
    probability = np.zeros(int(ranks.sum()) + 1)
    probability[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(probability)
        shifted[rank:] = probability[: len(probability) - rank]
        probability = (probability + shifted) / 2
    return probability


def holm(p_values: ArrayLike) -> Floats:
    """(k,) p-values adjusted for k comparisons, in the order given: family-wise error is held.

    Args:
        p_values: (k,), each in [0, 1].

    Raises:
        ValueError: If one is not.

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
    """The least p that the two-sided exact test of so many pairs can give, after Holm.

    That is of pairs that differ, all in one direction: 2^(1−n), times the comparisons.

    Raises:
        ValueError: If `pairs` is negative or `comparisons` less than 1.
    """
    if pairs < 0 or comparisons < 1:
        raise ValueError(f"needs pairs ≥ 0 and comparisons ≥ 1, got {pairs} and {comparisons}")
    return min(1.0, comparisons * 2.0 ** (1 - pairs))


def pairs_needed(comparisons: int = 1, level: float = LEVEL) -> int:
    """Least number of pairs with which the test can reach `level` at all.

    Raises:
        ValueError: If `level` does not lie in (0, 1) or `comparisons` is less than 1.
    """
    if not 0 < level < 1 or comparisons < 1:
        raise ValueError(f"needs 0 < level < 1, comparisons ≥ 1, got {level} and {comparisons}")
    return max(1, math.ceil(1 - math.log2(level / comparisons) - 1e-12))


def reach(pairs: int, comparisons: int = 1, level: float = LEVEL) -> str:
    """What so many seeds can and cannot show, in words.

    Raises:
        ValueError: As `smallest_p` and `pairs_needed`.
    """
    seeds = f"{pairs} seed{'' if pairs == 1 else 's'}"
    best, needed = smallest_p(pairs, comparisons), pairs_needed(comparisons, level)
    family = f" after Holm over {comparisons} comparisons" if comparisons > 1 else ""
    if pairs < needed:
        return (
            f"With {seeds} no difference can be concluded at {level:g}: the smallest p that an "
            f"exact two-sided Wilcoxon test can reach{family} is {best:.3g}. It takes {needed} "
            f"seeds at least."
        )
    return (
        f"With {seeds} the smallest p that an exact two-sided Wilcoxon test can reach{family} is "
        f"{best:.2g}: a difference at {level:g} can be shown. One that is not shown may still "
        "exist; that two are equal is never shown."
    )
