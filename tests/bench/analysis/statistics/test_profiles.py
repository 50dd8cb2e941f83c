"""Probability of improvement and profiles, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.statistics.improvement import paired_improvement
from bench.analysis.statistics.profiles import performance_profile, score_profile

CELL = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=6)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_paired_improvement_by_hand() -> None:
    # Cell 1: wins, loses: 0.5. Cell 2: wins, ties, wins, wins: 3.5/4. Mean of the cells 0.6875.
    estimate = paired_improvement([[1, -2], [3, 0, 1, 1]], rng())
    assert estimate.value == pytest.approx(0.6875)
    assert estimate.low < 0.6875 < estimate.high <= 1
    always = paired_improvement([[1, 2], [3]], rng())
    assert (always.value, always.low, always.high) == (1, 1, 1)


def test_improvement_refuses() -> None:
    with pytest.raises(ValueError, match="NaN"):
        paired_improvement([[np.nan]], rng())


def test_score_profile_by_hand() -> None:
    # Above 1: 1 of 2 and 2 of 4, the mean of the cells 0.5; strictly above.
    cells = [[1.0, 2.0], [0.0, 1.0, 3.0, 4.0]]
    np.testing.assert_allclose(score_profile(cells, [-1, 1, 2, 4]), [1, 0.5, 0.25, 0])


@given(st.lists(CELL, min_size=1, max_size=4))
def test_score_profiles_fall(cells: list[list[float]]) -> None:
    profile = score_profile(cells, np.linspace(-1, 6, 15))
    assert profile[0] == 1
    assert profile[-1] == 0
    assert (np.diff(profile) <= 0).all()


def test_performance_profile_by_hand() -> None:
    # Three problems, two solvers: ratios (1, 2), (1.5, 1), (∞, 1).
    costs = [[10, 20], [15, 10], [np.inf, 7]]
    expected = [[1 / 3, 2 / 3], [2 / 3, 2 / 3], [2 / 3, 1], [2 / 3, 1]]
    np.testing.assert_allclose(performance_profile(costs, [1, 1.5, 2, 1e9]), expected)
    # A problem that no solver solves lowers every solver's share.
    np.testing.assert_allclose(performance_profile([[np.inf, np.inf], [1, 1]], [1]), [[0.5, 0.5]])


@given(
    st.lists(
        st.lists(st.floats(0.1, 100) | st.just(np.inf), min_size=3, max_size=3),
        min_size=1,
        max_size=6,
    ),
    st.floats(0.01, 100),
)
def test_performance_profiles_rise_and_know_no_unit(costs: list[list[float]], unit: float) -> None:
    bars = [1, 1.1, 2, 10, 2000]
    profile = performance_profile(costs, bars)
    assert (np.diff(profile, axis=0) >= 0).all()
    np.testing.assert_allclose(profile[-1], np.isfinite(costs).mean(axis=0))
    np.testing.assert_allclose(performance_profile(unit * np.asarray(costs), bars)[-1], profile[-1])
    np.testing.assert_allclose(performance_profile(unit * np.asarray(costs), bars)[0], profile[0])


def test_profiles_refuse() -> None:
    with pytest.raises(ValueError, match="at least one cell"):
        score_profile([], [1])
    with pytest.raises(ValueError, match="positive"):
        performance_profile([[1, 0]], [1])
    with pytest.raises(ValueError, match="shape"):
        performance_profile([1, 2], [1])
    with pytest.raises(ValueError, match="at least 1"):
        performance_profile([[1, 2]], [0.5])
