"""Many methods on many problems: mean ranks, Friedman's test, Nemenyi's critical difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.analysis.statistics.intervals import RESAMPLES, Floats

FEWEST = 3
"""Methods and problems below which ranks say nothing that a table does not."""


@dataclass(frozen=True)
class Friedman:
    """Whether methods differ in rank at all.

    Args:
        mean_ranks: (k,), 1 is best.
        chi_square: Friedman's statistic, not corrected for ties (which errs towards no difference).
        f: Iman and Davenport's, infinite if all problems agree.
        p: Of the permutations of methods within each problem: right for few problems too.
        problems: N.
    """

    mean_ranks: Floats
    chi_square: float
    f: float
    p: float
    problems: int


def rank_table(scores: ArrayLike) -> Floats:
    """(N, k) ranks of the methods on each problem; 1 is the highest score, ties get mean ranks.

    Args:
        scores: (N, k), a row per problem, higher is better, no NaN.

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
    """Friedman's test that all methods rank alike.

    Args:
        scores: As in `rank_table`, N ≥ 2.
        rng: Draws the permutations.
        resamples: How many; p is at least 1 / (resamples + 1).

    Raises:
        ValueError: As `rank_table`, or if there is one problem only.

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
    # Sums of shuffled ranks, problem by problem: memory for one problem at a time.
    sums = np.zeros((resamples, methods))
    for row in ranks:
        sums += rng.permuted(np.tile(row, (resamples, 1)), axis=1)
    shuffled = _chi_square(sums / problems, problems)
    p = (1 + np.count_nonzero(shuffled >= chi_square - 1e-9)) / (resamples + 1)
    return Friedman(ranks.mean(axis=0), float(chi_square), float(f), float(p), problems)


def critical_difference(methods: int, problems: int, level: float = 0.05) -> float:
    """Difference of mean ranks from which two of the methods differ, by Nemenyi's test.

    Args:
        methods: k ≥ 2.
        problems: N ≥ 1.
        level: Family-wise error, 0 to 1.

    Raises:
        ValueError: If an argument is out of range.

    Source: Demšar 2006, JMLR 7:1–30, section 3.2.2: q_α √(k(k+1) / 6N), q_α from the studentised
    range over √2.
    """
    if methods < 2 or problems < 1 or not 0 < level < 1:
        raise ValueError(
            f"needs methods ≥ 2, problems ≥ 1 and 0 < level < 1, got {methods}, {problems}, {level}"
        )
    q = stats.studentized_range.ppf(1 - level, methods, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * problems)))


def cliques(mean_ranks: ArrayLike, difference: float) -> list[tuple[int, ...]]:
    """Largest groups of methods that the critical difference does not tell apart.

    Args:
        mean_ranks: (k,).
        difference: From `critical_difference`; two that differ by less, or just as much, are
            not told apart.

    Returns:
        Positions in `mean_ranks`, best first; groups of one are left out.

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
    """Friedman's statistic of mean ranks, the methods on the last axis."""
    methods = mean_ranks.shape[-1]
    spread: Floats = (mean_ranks**2).sum(axis=-1) - methods * (methods + 1) ** 2 / 4
    chi_square: Floats = 12 * problems / (methods * (methods + 1)) * spread
    return chi_square
