"""Distances to a front, and attainment surfaces."""

from __future__ import annotations

import math
from typing import Any

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.pareto.indicators import (
    additive_epsilon,
    attainment_surface,
    igd_plus,
    r2,
    simplex,
)
from tests.mobo_core import oracles
from tests.mobo_core.oracles import Array, point_sets, rows, shuffled

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = math.nan, math.inf

# The points of the examples in moocore's reference manual (moocore.igd_plus,
# moocore.epsilon_additive), whose printed results are used below.
MANUAL_POINTS = [[3.5, 5.5], [3.6, 4.1], [4.1, 3.2], [5.5, 1.5]]
MANUAL_FRONT = [[1, 6], [2, 5], [3, 4], [4, 3], [5, 2], [6, 1]]


# --- igd_plus -------------------------------------------------------------------------------------


def test_igd_plus_by_hand() -> None:
    # (0,3) is 3 worse than (0,0) and nowhere worse than (4,3); (3,4) is 5 worse than (0,0) and,
    # in f2 alone, 1 worse than (4,3). Smallest per target: 3 and 0; the mean is 1.5.
    assert igd_plus([[0, 3], [3, 4]], [[0, 0], [4, 3]]) == 1.5


def test_igd_plus_of_the_manual() -> None:
    # By hand, target by target, the point that is worse by least: (3.5, 5.5) twice, (3.6, 4.1),
    # (4.1, 3.2) and (5.5, 1.5) twice.
    shortfalls = [(2.5, 0), (1.5, 0.5), (0.6, 0.1), (0.1, 0.2), (0.5, 0), (0, 0.5)]
    expected = sum(math.hypot(*shortfall) for shortfall in shortfalls) / 6
    # Tolerance: a few roundings in the sum and the roots.
    assert igd_plus(MANUAL_POINTS, MANUAL_FRONT) == pytest.approx(expected, rel=1e-12)
    # As the manual prints it.
    assert igd_plus(MANUAL_POINTS, MANUAL_FRONT) == pytest.approx(0.9855036468106652, rel=1e-12)


def test_igd_plus_forgives_being_better() -> None:
    # Plain IGD would give the distance sqrt(2).
    assert igd_plus([[0, 0]], [[1, 1]]) == 0.0


@given(point_sets(m=3, min_n=1), point_sets(m=3, min_n=1))
def test_igd_plus_against_the_definition(points: Array, front: Array) -> None:
    expected = oracles.igd_plus(rows(points), rows(front))
    # Tolerance: at most eight rounded roots are added in another order.
    assert igd_plus(points, front) == pytest.approx(expected, rel=1e-12)


@given(point_sets(m=2, min_n=1, broken=True), point_sets(m=2, min_n=1))
def test_igd_plus_never_rises_with_a_point_more(points: Array, front: Array) -> None:
    assert igd_plus(points, front) <= igd_plus(points[1:], front)


@given(shuffled(point_sets(m=2, min_n=1, broken=True)), point_sets(m=2, min_n=1))
def test_distances_to_a_front_know_no_order(case: tuple[Array, list[int]], front: Array) -> None:
    points, order = case
    # Equal bits: per target the same minimum, and the targets stay in their order.
    assert igd_plus(points[order], front) == igd_plus(points, front)
    assert additive_epsilon(points[order], front) == additive_epsilon(points, front)


@given(point_sets(m=2, min_n=1))
def test_a_front_is_at_no_distance_from_itself(front: Array) -> None:
    assert igd_plus(front, front) == 0.0
    # Zero at best: no point is strictly better than the non-dominated ones everywhere.
    assert additive_epsilon(front, front) == 0.0


# --- r2 -------------------------------------------------------------------------------------------


def test_r2_by_hand() -> None:
    # w = (1, 0): (0, 4) is at no distance. (0, 1): (3, 1) is at 1. (½, ½): 2 and 1½.
    weights = [[1, 0], [0, 1], [0.5, 0.5]]
    assert r2([[0, 4], [3, 1]], [0, 0], weights) == pytest.approx((0 + 1 + 1.5) / 3)
    assert r2([[-5, -5]], [0, 0]) == 0.0  # better than ideal is ideal
    assert r2([[math.nan, 1]], [0, 0]) == math.inf == r2([], [0, 0])


@given(point_sets(m=2, min_n=1))
def test_r2_against_the_exact_integral(points: Array) -> None:
    ideal = points.min(axis=0)
    exact = moocore.r2_exact(points, ref=ideal)
    span = np.ptp(points, axis=0).max()
    assert r2(points, ideal, simplex(2, at_least=2001)) == pytest.approx(exact, abs=1e-3 * span)


@given(point_sets(m=3, min_n=1, broken=True))
def test_r2_never_rises_with_a_point_more(points: Array) -> None:
    assert r2(points, np.zeros(3)) <= r2(points[1:], np.zeros(3))


@pytest.mark.parametrize(("m", "count"), [(1, 1), (2, 100), (3, 105), (4, 120), (5, 126)])
def test_weights_are_spread_over_the_simplex(m: int, count: int) -> None:
    weights = simplex(m)
    assert weights.shape == (count, m)
    assert weights.sum(axis=1) == pytest.approx(np.ones(count))
    assert weights.min() >= 0
    assert len(np.unique(weights.round(9), axis=0)) == count
    assert weights.mean(axis=0) == pytest.approx(np.full(m, 1 / m))


@pytest.mark.parametrize(
    ("ideal", "weights", "message"),
    [
        ([0], None, r"ideal must have shape \(2,\), got \(1,\)"),
        ([0, math.inf], None, "ideal must be finite, got"),
        ([0, 0], [[1, 0, 0]], r"weights must have shape \(k, 2\), got \(1, 3\)"),
        ([0, 0], [[1, -1]], "weights must hold at least one vector, finite and not negative"),
        ([0, 0], np.empty((0, 2)), "weights must hold at least one vector"),
    ],
)
def test_r2_refuses_what_it_cannot_use(ideal: list[float], weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        r2([[1, 2]], ideal, weights)


# --- additive_epsilon -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "front", "expected"),
    [
        ([[1, 2]], [[0, 0]], 2),  # the worst objective decides
        ([[1, 2]], [[2, 3]], -1),  # better by 1 everywhere
        ([[1, 2]], [[3, 3]], -1),  # better by 2 and by 1: only 1 is everywhere
        ([[0, 4], [4, 0]], [[0, 3], [2, 1]], 2),  # (0,3) needs 1, (2,1) needs 2 from (4,0)
        ([[5]], [[3], [7]], 2),  # one objective: the hardest target is 3
    ],
)
def test_additive_epsilon_by_hand(
    points: list[list[float]], front: list[list[float]], expected: float
) -> None:
    assert additive_epsilon(points, front) == expected


def test_additive_epsilon_of_the_manual() -> None:
    # (1,6) is the hardest target: (3.5, 5.5) has to move by 3.5 - 1.
    assert additive_epsilon(MANUAL_POINTS, MANUAL_FRONT) == 2.5


@given(point_sets(m=3, min_n=1), point_sets(m=3, min_n=1))
def test_additive_epsilon_against_the_definition(points: Array, front: Array) -> None:
    assert additive_epsilon(points, front) == oracles.additive_epsilon(rows(points), rows(front))


@given(point_sets(m=2, min_n=1), point_sets(m=2, min_n=1), st.integers(-9, 9))
def test_additive_epsilon_moves_with_the_points(points: Array, front: Array, by: int) -> None:
    assert additive_epsilon(points + by, front) == additive_epsilon(points, front) + by


# --- both of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("indicator", [igd_plus, additive_epsilon])
@pytest.mark.parametrize("points", [[], np.empty((0, 2)), [[NAN, 0.0], [-INF, -INF]]])
def test_without_a_valid_point_the_front_is_infinitely_far(indicator: Any, points: Any) -> None:
    assert indicator(points, [[0.0, 0.0]]) == INF


@pytest.mark.parametrize("indicator", [igd_plus, additive_epsilon])
def test_invalid_points_come_no_closer(indicator: Any) -> None:
    points = [[2.0, 2.0], [-INF, 0.0], [0.0, NAN]]
    assert indicator(points, [[2.0, 1.0]]) == 1.0


@pytest.mark.parametrize("indicator", [igd_plus, additive_epsilon])
@pytest.mark.parametrize("front", [[], np.empty((0, 2)), [[0.0, NAN]], [[0.0, 0.0], [INF, 0.0]]])
def test_a_front_must_be_there_and_finite(indicator: Any, front: Any) -> None:
    with pytest.raises(ValueError, match="reference_front"):
        indicator([[1.0, 1.0]], front)


@pytest.mark.parametrize("indicator", [igd_plus, additive_epsilon])
def test_a_front_of_another_width_is_refused(indicator: Any) -> None:
    with pytest.raises(ValueError, match="objectives"):
        indicator([[1.0, 1.0]], [[1.0, 1.0, 1.0]])


# --- attainment_surface ---------------------------------------------------------------------------

# Three runs:   A: (1,3) (3,1)     B: (2,2)     C: (0,4) (4,4)
# One of three attains what A or B or the first of C dominates; (4,4) of C never matters alone.
# Two of three: (2,3) = A and B, (3,2) = A and B, (1,4) = A and C. (2,4) = B and C is behind (2,3).
# All three: (2,4), as B and C need f1 >= 2 and f2 >= 4 and A has (1,3); (4,4) is behind it.
RUNS: list[Any] = [[[1, 3], [3, 1]], [[2, 2]], [[0, 4], [4, 4]]]


@pytest.mark.parametrize(
    ("percentile", "corners"),
    [
        (1, {(0, 4), (1, 3), (2, 2), (3, 1)}),
        (33, {(0, 4), (1, 3), (2, 2), (3, 1)}),
        (34, {(1, 4), (2, 3), (3, 2)}),
        (50, {(1, 4), (2, 3), (3, 2)}),
        (66, {(1, 4), (2, 3), (3, 2)}),
        (67, {(2, 4)}),
        (100, {(2, 4)}),
    ],
)
def test_attainment_by_hand(percentile: float, corners: set[tuple[float, ...]]) -> None:
    surface = attainment_surface(RUNS, percentile)
    assert set(rows(surface)) == corners
    assert len(surface) == len(corners)


def test_attainment_of_one_run_is_its_front() -> None:
    surface = attainment_surface([[[2, 2], [1, 3], [2, 3], [1, 3]]], 50)
    assert sorted(rows(surface)) == [(1, 3), (2, 2)]


@pytest.mark.parametrize("nothing", [[], np.empty((0, 2)), [[NAN, 0.0], [-INF, -INF]]])
def test_a_run_without_a_valid_point_attains_nothing(nothing: Any) -> None:
    # The runs are (1,2), (2,1) and a failed one: one in three attains either, two their join,
    # and no point is attained by all three.
    runs = [[[1, 2]], nothing, [[2, 1]]]
    assert sorted(rows(attainment_surface(runs, 33))) == [(1, 2), (2, 1)]
    assert rows(attainment_surface(runs, 50)) == [(2, 2)]
    assert attainment_surface(runs, 100).shape == (0, 2)


def test_attainment_ignores_invalid_points_of_a_run() -> None:
    assert rows(attainment_surface([[[1.0, 2.0], [0.0, NAN], [-INF, 0.0]]], 100)) == [(1, 2)]


def test_attainment_of_failed_runs_only() -> None:
    assert len(attainment_surface([[], [[NAN, 1.0]]], 50)) == 0


def test_an_empty_surface_keeps_its_width() -> None:
    assert attainment_surface([np.empty((0, 3)), [[NAN, 1.0, 1.0]]], 50).shape == (0, 3)


@pytest.mark.parametrize("percentile", [0, -5, 100.5, NAN])
def test_attainment_needs_a_percentile(percentile: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        attainment_surface(RUNS, percentile)


def test_attainment_needs_a_set() -> None:
    with pytest.raises(ValueError, match="at least one set"):
        attainment_surface([], 50)


@pytest.mark.parametrize(
    "other",
    [
        [[1.0, 2.0, 3.0]],
        [[1.0, 2.0, NAN]],  # invalid, yet of the wrong width
        np.empty((0, 3)),
    ],
)
def test_attainment_needs_sets_of_one_width(other: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is not settled
        attainment_surface([[[1.0, 2.0]], other], 50)


@given(st.data(), st.integers(2, 3), st.integers(1, 100))
def test_attainment_against_counting(data: st.DataObject, m: int, percentile: int) -> None:
    sets = data.draw(st.lists(point_sets(m=m, max_n=4, high=3), min_size=1, max_size=6))
    # Whole numbers: the smallest k with k / n >= percentile / 100.
    needed = -(-percentile * len(sets) // 100)
    expected = oracles.attained_corners([rows(s) for s in sets], needed, 0, 3, m)
    surface = attainment_surface(sets, percentile)
    assert set(rows(surface)) == expected
    assert len(surface) == len(expected)


@pytest.mark.parametrize("n", [3, 7, 11, 25, 49, 100])
def test_attainment_hits_every_count_of_runs(n: int) -> None:
    # Run i reaches (i, i): k of n runs attain (k-1, k-1). Shares such as 100/7 % are not exact.
    runs = [[[i, i]] for i in range(n)]
    for k in range(1, n + 1):
        assert rows(attainment_surface(runs, 100 * k / n)) == [(k - 1, k - 1)]


@given(st.data())
def test_attainment_knows_no_order_of_runs(data: st.DataObject) -> None:
    sets = data.draw(st.lists(point_sets(m=2, max_n=4), min_size=1, max_size=5))
    other = data.draw(st.permutations(sets))
    first, second = attainment_surface(sets, 50), attainment_surface(other, 50)
    assert sorted(rows(first)) == sorted(rows(second))
