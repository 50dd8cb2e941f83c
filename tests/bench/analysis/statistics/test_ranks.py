"""Ranks against the table of Demšar 2006."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from bench.analysis.statistics.ranks import cliques, critical_difference, friedman, rank_table
from bench.analysis.statistics.wilcoxon import signed_rank_p

# Demšar 2006, table 6: area under the curve of C4.5, C4.5+m, C4.5+cf, C4.5+m+cf on 14 data sets.
TABLE_6 = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],  # both printed as 0.975, and ranked 2 and 3
        [0.957, 0.978, 0.946, 0.970],
    ]
)

SCORES = arrays.arrays(
    float, st.tuples(st.integers(2, 6), st.integers(2, 5)), elements=st.integers(0, 5).map(float)
)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_demsars_table() -> None:
    test = friedman(TABLE_6, rng())
    np.testing.assert_allclose(test.mean_ranks, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    assert test.chi_square == pytest.approx(9.28, abs=0.01)
    assert test.f == pytest.approx(3.69, abs=0.01)
    assert test.problems == 14
    # F(3, 39): the paper's critical value at 0.05 is 2.85, so it rejects.
    assert test.p < 0.05
    assert test.p == pytest.approx(stats.f.sf(test.f, 3, 39), abs=0.01)  # an approximation


def test_critical_differences_of_demsar() -> None:
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, level=0.10) == pytest.approx(1.12, abs=0.005)
    # Table 5a: q at 0.05 for 2 to 10 methods; √(k(k+1)/6N) is 1 for N = k(k+1)/6.
    table = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for methods, q in enumerate(table, start=2):
        found = critical_difference(methods, 100) / np.sqrt(methods * (methods + 1) / 600)
        assert found == pytest.approx(q, abs=0.001)


def test_groups_of_demsar() -> None:
    # With 1.12 (at 0.10) the text has C4.5 apart from C4.5+m and C4.5+m+cf, and C4.5+cf in between.
    ranks = friedman(TABLE_6, rng()).mean_ranks
    assert cliques(ranks, 1.12) == [(3, 1, 2), (2, 0)]


def test_groups_by_hand() -> None:
    assert cliques([1, 2, 3, 4], 1) == [(0, 1), (1, 2), (2, 3)]
    assert cliques([1, 2, 3, 4], 0.5) == []
    assert cliques([4, 1, 3, 2], 9) == [(1, 3, 2, 0)]
    assert cliques([1, 1.2, 1.4, 5, 5.1], 0.5) == [(0, 1, 2), (3, 4)]


def test_without_ties_it_is_scipys() -> None:
    scores = rng().normal(size=(9, 4))
    theirs = stats.friedmanchisquare(*scores.T)
    ours = friedman(scores, rng())
    assert ours.chi_square == pytest.approx(theirs.statistic)


def test_p_of_few_problems_by_hand() -> None:
    # Two problems that agree on three methods: of the 3! orders of the second one is the same.
    # That both statistics reach the largest has probability 1/6.
    test = friedman([[3, 2, 1], [9, 5, 2]], rng())
    assert test.f == np.inf
    assert test.p == pytest.approx(1 / 6, abs=0.012)  # three standard errors of 10,000 draws


@given(SCORES)
def test_ranks_are_kept_by_any_rising_function_and_move_with_the_methods(
    scores: np.ndarray,
) -> None:
    ranks = rank_table(scores)
    np.testing.assert_allclose(ranks.sum(axis=1), scores.shape[1] * (scores.shape[1] + 1) / 2)
    np.testing.assert_array_equal(rank_table(np.exp(scores) + 3), ranks)
    np.testing.assert_array_equal(rank_table(scores[:, ::-1]), ranks[:, ::-1])
    test = friedman(scores, rng(), resamples=50)
    assert 0 < test.p <= 1
    assert test.chi_square >= -1e-9


def test_methods_that_tie_everywhere_do_not_differ() -> None:
    test = friedman(np.ones((5, 3)), rng(), resamples=99)
    assert (test.chi_square, test.f, test.p) == (0, 0, 1)


@given(st.lists(st.floats(1, 20), min_size=2, max_size=10), st.floats(0, 10))
def test_groups_hold_exactly_what_is_not_told_apart(ranks: list[float], difference: float) -> None:
    groups = cliques(ranks, difference)
    together = {(a, b) for group in groups for a in group for b in group if a < b}
    for a in range(len(ranks)):
        for b in range(a + 1, len(ranks)):
            gap = abs(ranks[a] - ranks[b])
            if abs(gap - difference) > 1e-9:  # beyond rounding
                assert ((a, b) in together) == (gap < difference)
    for one in groups:
        assert not any(set(one) < set(other) for other in groups)


@pytest.mark.parametrize("scores", [[1, 2], [[1], [2]], [[1, np.nan]], np.empty((0, 3))])
def test_ranks_refuse(scores: object) -> None:
    with pytest.raises(ValueError, match="ranks need scores"):
        rank_table(scores)  # type: ignore[arg-type]


def test_tests_refuse() -> None:
    with pytest.raises(ValueError, match="at least two problems"):
        friedman([[1, 2, 3]], rng())
    for arguments in ((1, 5, 0.05), (3, 0, 0.05), (3, 5, 1.0)):
        with pytest.raises(ValueError, match="methods ≥ 2"):
            critical_difference(*arguments)


def test_the_table_agrees_with_the_papers_wilcoxon() -> None:
    # Section 3.1.3 on the same data: C4.5 against C4.5+m has R⁻ = 12, below 21 (N = 14, 0.05).
    assert signed_rank_p(TABLE_6[:, 1] - TABLE_6[:, 0]) < 0.05
