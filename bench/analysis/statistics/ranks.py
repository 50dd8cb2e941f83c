"""Many methods on many problems: mean ranks, Friedman's test, Nemenyi's critical difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.analysis.statistics.intervals import RESAMPLES, Floats

FEWEST = 3
"""The fewest methods and problems for which ranks tell more than a table does."""


@dataclass(frozen=True)
class Friedman:
    """The result of Friedman's test of whether methods differ in rank at all.

    Args:
        mean_ranks: (k,) mean ranks of the methods; 1 is best.
        chi_square: Friedman's statistic. It is not corrected for ties, which errs towards no
            difference.
        f: Iman and Davenport's statistic; infinite if all problems agree.
        p: The p-value from permuting the methods within each problem. It is valid for few problems,
            too.
        problems: N, the number of problems.
    """

    mean_ranks: Floats
    chi_square: float
    f: float
    p: float
    problems: int


def rank_table(scores: ArrayLike) -> Floats:
    """Return (N, k) ranks of the methods on each problem; 1 is the highest score.

    Tied methods get the mean of their ranks.

    Args:
        scores: (N, k) scores, a row per problem; higher is better; no NaN.

    Raises:
        ValueError: If the shape is wrong, k < 2 or a score is NaN.
    """
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2 or np.isnan(table).any():
        raise ValueError(
            f"ranks need scores of shape (problems ≥ 1, methods ≥ 2) without NaN, got {table.shape}"
        )
    ranks: Floats = stats.rankdata(-table, axis=1)
    return ranks


def friedman(scores: ArrayLike, rng: np.random.Generator, resamples: int = RESAMPLES) -> Friedman:
    """Return Friedman's test that all methods rank alike.

    Args:
        scores: (N, k) scores, N ≥ 2, a row per problem; higher is better; no NaN.
        rng: The generator that draws the permutations.
        resamples: The number of permutations; p is at least 1 / (resamples + 1).

    Raises:
        ValueError: If `rank_table` refuses the scores, or if there is only one problem.

    Source: Demšar 2006, JMLR 7:1–30, section 3.2.2.
    """
    ranks = rank_table(scores)
    problems, methods = ranks.shape
    if problems < 2:
        raise ValueError("Friedman's test needs at least two problems, got one")
    chi_square = _chi_square(ranks.mean(axis=0), problems)
    rest = problems * (methods - 1) - chi_square
    f = (problems - 1) * chi_square / rest if rest > 1e-9 else math.inf
    if chi_square <= 1e-9:
        f = 0.0
    # Shuffled ranks are added problem by problem, so memory holds one problem at a time.
    sums = np.zeros((resamples, methods))
    for row in ranks:
        sums += rng.permuted(np.tile(row, (resamples, 1)), axis=1)
    shuffled = _chi_square(sums / problems, problems)
    p = (1 + np.count_nonzero(shuffled >= chi_square - 1e-9)) / (resamples + 1)
    return Friedman(ranks.mean(axis=0), float(chi_square), float(f), float(p), problems)


def critical_difference(methods: int, problems: int, level: float = 0.05) -> float:
    """Return the difference of mean ranks from which two methods differ, by Nemenyi's test.

    Args:
        methods: k ≥ 2, the number of methods.
        problems: N ≥ 1, the number of problems.
        level: The family-wise error rate, 0 to 1.

    Raises:
        ValueError: If an argument is out of range.

    Source: Demšar 2006, JMLR 7:1–30, section 3.2.2: q_α √(k(k+1) / 6N), where q_α is the quantile
    of the studentised range divided by √2.
    """
    if methods < 2 or problems < 1 or not 0 < level < 1:
        raise ValueError(
            f"methods ≥ 2, problems ≥ 1 and 0 < level < 1 are required, got {methods}, {problems}, "
            f"{level}"
        )
    q = stats.studentized_range.ppf(1 - level, methods, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * problems)))


def cliques(mean_ranks: ArrayLike, difference: float) -> list[tuple[int, ...]]:
    """Return the largest groups of methods that the critical difference does not tell apart.

    Args:
        mean_ranks: (k,) mean ranks of the methods.
        difference: The result of `critical_difference`. Two methods whose mean ranks differ by this
            or less are not told apart.

    Returns:
        Groups of positions in `mean_ranks`, best first. Groups of one are left out.

    Source: Demšar 2006, figure 1.
    """
    ranks = np.asarray(mean_ranks, dtype=float)
    order = [int(k) for k in np.argsort(ranks, kind="stable")]
    groups: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        low = ranks[order[start]]
        end = start + sum(ranks[k] - low <= difference + 1e-12 for k in order[start:])
        if end > reached and end - start > 1:
            groups.append(tuple(order[start:end]))
        reached = max(reached, end)
    return groups


def _chi_square(mean_ranks: Floats, problems: int) -> Floats:
    """Return Friedman's statistic of mean ranks; the methods are on the last axis."""
    methods = mean_ranks.shape[-1]
    spread: Floats = (mean_ranks**2).sum(axis=-1) - methods * (methods + 1) ** 2 / 4
    chi_square: Floats = 12 * problems / (methods * (methods + 1)) * spread
    return chi_square
