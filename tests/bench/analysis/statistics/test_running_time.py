"""Running times by COCO's definition, and the protocols, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.statistics.protocols import AtCost, at_cost, equal_trials
from bench.analysis.statistics.running_time import (
    expected_running_time,
    first_hits,
    runtime_distribution,
)

INF = np.inf


def test_first_hits_of_a_value_that_falls_again() -> None:
    hits = first_hits([0, 1, 2, 5], [0, 3, 2, 4], [0, 1, 3, 3.5, 4, 9])
    assert hits.tolist() == [0, 1, 1, 5, 5, INF]


def test_expected_running_time_is_cocos() -> None:
    # Hansen et al. 2021, section 4.2: (Σ RT of the successful + Σ RT of the others) / successes.
    # Two hit at 10 and 30, one was given up at 100: 140 / 2.
    assert expected_running_time([10, 30, INF], [50, 50, 100]) == 70
    assert expected_running_time([10, 30], [50, 50]) == 20  # all succeed: the mean
    assert expected_running_time([INF, INF], [50, 50]) == INF


def test_it_is_the_mean_of_restarts() -> None:
    # The definition's meaning: draw runs until one succeeds and add what they took.
    hits, spent = np.array([10.0, 30.0, INF]), np.array([50.0, 50.0, 100.0])
    rng, total, repeats = np.random.default_rng(0), 0.0, 20_000
    for _ in range(repeats):
        while True:
            run = rng.integers(3)
            total += min(hits[run], spent[run])
            if np.isfinite(hits[run]):
                break
    assert total / repeats == pytest.approx(70, rel=0.03)  # three standard errors


def test_runtime_distribution_by_hand() -> None:
    # Two runs, three targets: hits 1, 4, ∞ and 2, 2, 8.
    hits = [[1, 4, INF], [2, 2, 8]]
    shares = runtime_distribution(hits, [0, 1, 2, 4, 8, INF])
    np.testing.assert_allclose(shares, [0, 1 / 6, 3 / 6, 4 / 6, 5 / 6, 5 / 6])


CURVE = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), min_size=1, max_size=8)


@given(CURVE, st.lists(st.floats(0, 12), min_size=1, max_size=5))
def test_hits_by_brute_force_and_rising_with_the_target(
    curve: list[tuple[float, float]], targets: list[float]
) -> None:
    costs = np.cumsum([cost for cost, _ in curve])
    values = np.array([value for _, value in curve])
    hits = first_hits(costs, values, sorted(targets))
    brute = [min(costs[values >= t], default=INF) for t in sorted(targets)]
    assert hits.tolist() == brute
    assert (hits[1:] >= hits[:-1]).all()
    shares = runtime_distribution(hits, [0, 5, 50, 1e6])
    assert (np.diff(shares) >= 0).all()
    assert expected_running_time(hits[:1], costs[-1:]) >= min(hits[0], costs[0])


@pytest.mark.parametrize(
    ("costs", "values", "message"),
    [([1, 2], [1], "same shape"), ([], [], "same shape"), ([2, 1], [1, 2], "must not fall")],
)
def test_curves_that_are_none(costs: list[float], values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        first_hits(costs, values, [1])
    with pytest.raises(ValueError, match=message):
        at_cost(costs, values, 5)


def test_running_times_refuse() -> None:
    with pytest.raises(ValueError, match="same shape"):
        expected_running_time([1], [1, 2])
    with pytest.raises(ValueError, match="after it has ended"):
        expected_running_time([10], [5])
    with pytest.raises(ValueError, match="at least one run and target"):
        runtime_distribution([], [1])


def test_equal_cost_by_hand() -> None:
    costs, values = [0, 10, 20], [0, 3, 5]
    assert at_cost(costs, values, 0) == AtCost(0, ended=False)
    assert at_cost(costs, values, 19.9) == AtCost(3, ended=False)
    assert at_cost(costs, values, 20) == AtCost(5, ended=True)
    assert at_cost(costs, values, 99) == AtCost(5, ended=True)
    with pytest.raises(ValueError, match="before the first cost"):
        at_cost(costs, values, -1)


def test_equal_trials() -> None:
    assert equal_trials([25, 25, 25]) == 25
    for counts in ([25, 24], []):
        with pytest.raises(ValueError, match="runs with the same number"):
            equal_trials(counts)
