"""The signed-rank test and Holm's correction against published values and brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from bench.analysis.statistics.wilcoxon import (
    holm,
    pairs_needed,
    pseudomedian,
    pseudomedian_interval,
    reach,
    signed_rank_p,
    smallest_p,
)

# Heights of cross- and self-fertilised maize (Darwin 1876): the example of scipy's documentation.
DARWIN = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]


def brute_force(differences: np.ndarray) -> float:
    values = differences[differences != 0]
    if len(values) == 0:
        return 1.0
    ranks = stats.rankdata(np.abs(values))
    observed = ranks[values > 0].sum()
    sums = np.array([np.dot(signs, ranks) for signs in product((0, 1), repeat=len(values))])
    return min(1.0, 2 * min((sums <= observed + 1e-9).mean(), (sums >= observed - 1e-9).mean()))


def test_scipys_example() -> None:
    assert signed_rank_p(DARWIN) == pytest.approx(0.041259765625, abs=1e-15)


def test_without_ties_it_is_scipys() -> None:
    for n in (3, 8, 25, 60):
        values = np.random.default_rng(n).normal(0.3, 1, size=n)
        theirs = stats.wilcoxon(values, method="exact").pvalue
        assert signed_rank_p(values) == pytest.approx(theirs, rel=1e-9)


@given(st.lists(st.integers(-4, 4), max_size=9))
def test_with_ties_and_zeros_it_is_brute_force(values: list[int]) -> None:
    differences = np.asarray(values, dtype=float)
    assert signed_rank_p(differences) == pytest.approx(brute_force(differences))
    assert signed_rank_p(-differences) == pytest.approx(signed_rank_p(differences))
    assert signed_rank_p(7 * differences) == signed_rank_p(differences)
    assert signed_rank_p(differences[::-1]) == signed_rank_p(differences)
    assert signed_rank_p(differences) >= smallest_p(np.count_nonzero(differences))


def test_infinite_differences_are_the_largest() -> None:
    assert signed_rank_p([1, 2, -np.inf]) == signed_rank_p([1, 2, -3])


def test_signed_rank_refuses() -> None:
    with pytest.raises(ValueError, match="no NaN"):
        signed_rank_p([1, np.nan])
    with pytest.raises(ValueError, match="shape"):
        signed_rank_p([[1.0, 2.0]])


@given(arrays(float, st.integers(1, 12), elements=st.floats(-100, 100), unique=True))
def test_its_interval_holds_the_shifts_that_the_test_does_not_refuse(values: Any) -> None:
    low, high = pseudomedian_interval(values)
    if len(values) < 6:
        assert (low, high) == (-np.inf, np.inf)
        return
    assert low <= pseudomedian(values) <= high
    first, second = np.triu_indices(len(values))
    means = np.unique((values[first] + values[second]) / 2)
    gaps = np.concatenate([[means[0] - 1], (means[1:] + means[:-1]) / 2, [means[-1] + 1]])
    for shift in gaps:  # between the means of pairs nothing is tied and nothing is 0
        shifted = values - shift
        if (shifted == 0).any() or len(np.unique(np.abs(shifted))) < len(values):
            continue
        assert (signed_rank_p(shifted) > 0.05) == (low < shift < high)


def test_interval_of_a_textbook() -> None:
    """Hollander & Wolfe's depression data, as R's ``wilcox.test(..., conf.int = TRUE)`` has it."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    differences = np.subtract(before, after)
    assert pseudomedian(differences) == pytest.approx(0.46)
    assert pseudomedian_interval(differences) == pytest.approx((0.01, 0.786))


def test_pseudomedian_by_hand() -> None:
    # Means of pairs of 1, 2, 6, themselves included: 1, 1.5, 3.5, 2, 4, 6.
    assert pseudomedian([6, 1, 2]) == 2.75
    assert pseudomedian([0, 0, 0, -1, -2]) == -0.5  # where the median says 0
    assert np.isnan(pseudomedian([]))


def test_holm_of_demsar() -> None:
    # Demšar 2006, section 3.2.2: 0.016 < 0.05/3 and 0.019 < 0.05/2 are rejected, 0.607 is not.
    np.testing.assert_allclose(holm([0.607, 0.016, 0.019]), [0.607, 0.048, 0.048])


def test_holm_by_hand() -> None:
    # 4·0.01, 3·0.02, 2·0.03 (as large as what came before), 1·0.04 (raised to that).
    np.testing.assert_allclose(holm([0.01, 0.02, 0.03, 0.04]), [0.04, 0.06, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])
    assert len(holm([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_none_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    adjusted, values = holm(p), np.asarray(p)
    assert (adjusted >= values).all()
    assert (adjusted <= np.minimum(1, len(p) * values) + 1e-15).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_holm_refuses() -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        holm([np.nan])


@pytest.mark.parametrize("pairs", range(1, 12))
def test_the_smallest_p_is_reached_when_all_agree(pairs: int) -> None:
    assert signed_rank_p(np.arange(1, pairs + 1)) == smallest_p(pairs)


def test_five_seeds_cannot_reach_one_in_twenty() -> None:
    assert smallest_p(5) == 0.0625
    assert smallest_p(6) == 0.03125
    assert pairs_needed() == 6
    # Two comparisons: 2·2⁻⁵ = 0.0625 with six, 2·2⁻⁶ = 0.031 with seven.
    assert pairs_needed(comparisons=2) == 7
    assert pairs_needed(level=0.0625) == 5
    assert smallest_p(0) == 1.0


@given(st.integers(1, 400), st.floats(1e-6, 0.5))
def test_pairs_needed_is_the_first_that_reaches(comparisons: int, level: float) -> None:
    needed = pairs_needed(comparisons, level)
    assert smallest_p(needed, comparisons) <= level * (1 + 1e-9)
    assert smallest_p(needed - 1, comparisons) > level * (1 - 1e-9)


def test_the_words() -> None:
    assert reach(5) == (
        "With 5 seeds no difference can be shown at 0.05: the smallest possible p of an exact "
        "two-sided Wilcoxon test is 0.0625. At least 6 seeds are needed."
    )
    assert "With 1 seed no difference can be shown" in reach(1)
    assert "correction for 3 comparisons is 0.0938. At least 7 seeds are needed" in reach(6, 3)
    enough = reach(20, 16)
    assert "With 20 seeds a difference can be shown at 0.05" in enough
    assert "The test never shows that two schedulers are equal" in enough


@pytest.mark.parametrize(("pairs", "comparisons"), [(-1, 1), (5, 0)])
def test_reach_refuses(pairs: int, comparisons: int) -> None:
    with pytest.raises(ValueError, match="comparisons ≥ 1"):
        reach(pairs, comparisons)
    with pytest.raises(ValueError, match="0 < level < 1"):
        pairs_needed(level=0)
