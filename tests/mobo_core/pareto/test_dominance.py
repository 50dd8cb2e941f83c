from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from mobo_core.pareto.dominance import (
    any_dominates,
    as_points,
    crowding_distance,
    epsilon_net_order,
    non_dominated_mask,
    non_dominated_ranks,
    scale_to_range,
    valid_mask,
)
from tests.mobo_core import oracles
from tests.mobo_core.oracles import Array, distinct_columns, point_sets, rescaled, rows, shuffled

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = np.nan, np.inf


# --- as_points, valid_mask ------------------------------------------------------------------------


def test_as_points_takes_lists_and_integers() -> None:
    points = as_points([[1, 2], [3, 4]])
    assert points.dtype == np.float64
    assert points.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("empty", "shape"), [([], (0, 0)), (np.empty((0, 3)), (0, 3)), (np.empty((0, 0)), (0, 0))]
)
def test_as_points_accepts_empty_sets(empty: Any, shape: tuple[int, int]) -> None:
    assert as_points(empty).shape == shape


@pytest.mark.parametrize(
    "wrong", [1.0, [1.0, 2.0], [[[1.0]]], [[]], np.empty((2, 0)), np.empty((0, 2, 2))]
)
def test_as_points_refuses_other_shapes(wrong: Any) -> None:
    with pytest.raises(ValueError, match="points"):
        as_points(wrong)


def test_a_row_is_valid_if_every_coordinate_is_finite() -> None:
    points = [[1.0, 2.0], [NAN, 2.0], [1.0, INF], [-INF, 2.0], [1e300, -1e300], [NAN, INF]]
    assert valid_mask(points).tolist() == [True, False, False, False, True, False]


# --- any_dominates --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ([2.0, 2.0], False),  # a duplicate does not dominate
        ([2.0, 3.0], True),  # equal in one, worse in the other
        ([3.0, 3.0], True),  # worse in both
        ([1.0, 9.0], False),  # a trade-off
        ([1.0, 1.0], False),  # better in both
        ([NAN, 0.0], True),  # invalid: any valid point dominates it
        ([-INF, -INF], True),
    ],
)
def test_any_dominates_by_hand(point: list[float], expected: bool) -> None:
    assert any_dominates([[2.0, 2.0]], point) is expected


def test_invalid_points_dominate_nothing() -> None:
    broken = [[-INF, -INF], [NAN, 0.0], [0.0, NAN]]
    assert any_dominates(broken, [5.0, 5.0]) is False
    assert any_dominates(broken, [NAN, 5.0]) is False


@pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
def test_nothing_dominates_nothing(empty: Any) -> None:
    assert any_dominates(empty, [1.0, 1.0]) is False


@given(point_sets(min_n=1, broken=True))
def test_any_dominates_against_the_definition(points: Array) -> None:
    rivals, candidate = rows(points[1:]), rows(points)[0]
    valid = [r for r in rivals if oracles.is_valid(r)]
    if oracles.is_valid(candidate):
        expected = any(oracles.dominates(r, candidate) for r in valid)
    else:
        expected = bool(valid)
    assert any_dominates(points[1:], points[0]) is expected


# --- non_dominated_mask, non_dominated_ranks ------------------------------------------------------

# f2
#  5 | a           f      a = (1,5), b = (2,4), c = (3,2), d = (3,3), e = (4,4), f = (5,5)
#  4 |   b     e          c dominates d, b and d dominate e, e dominates f:
#  3 |     d              the fronts are {a, b, c}, {d}, {e}, {f}
#  2 |     c
#    +-----------  f1
# As rows: f d a e c b
HAND_POINTS = [[5, 5], [3, 3], [1, 5], [4, 4], [3, 2], [2, 4]]
HAND_RANKS = [3, 1, 0, 2, 0, 0]


def test_ranks_and_mask_by_hand() -> None:
    assert non_dominated_ranks(HAND_POINTS).tolist() == HAND_RANKS
    assert non_dominated_mask(HAND_POINTS).tolist() == [False, False, True, False, True, True]


def test_ranks_are_not_an_order_of_indices() -> None:
    # On this chain the ranks are (2, 0, 1); sorting the indices by rank gives (1, 2, 0).
    points = [[3, 3], [1, 1], [2, 2]]
    assert non_dominated_ranks(points).tolist() == [2, 0, 1]


def test_one_objective_ranks_by_value() -> None:
    points = [[7], [3], [3], [9], [7]]
    assert non_dominated_ranks(points).tolist() == [1, 0, 0, 2, 1]
    assert non_dominated_mask(points).tolist() == [False, True, True, False, False]


def test_weak_dominance_equal_in_one_objective() -> None:
    assert non_dominated_ranks([[1, 2], [1, 1], [2, 1]]).tolist() == [1, 0, 1]
    assert non_dominated_mask([[1, 2], [1, 1], [2, 1]]).tolist() == [False, True, False]


def test_duplicates_share_a_front() -> None:
    points = [[1, 2], [2, 1], [1, 2], [2, 2], [2, 2]]
    assert non_dominated_mask(points).tolist() == [True, True, True, False, False]
    assert non_dominated_ranks(points).tolist() == [0, 0, 0, 1, 1]


def test_invalid_points_share_the_last_rank() -> None:
    # Were -inf a value, the last row would be the best of all.
    points = [[NAN, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, INF], [-INF, -INF]]
    assert non_dominated_ranks(points).tolist() == [2, 0, 1, 2, 2]
    assert non_dominated_mask(points).tolist() == [False, True, False, False, False]


def test_only_invalid_points() -> None:
    points = [[NAN, 0], [-INF, 0]]
    assert non_dominated_mask(points).tolist() == [False, False]
    first, second = non_dominated_ranks(points).tolist()
    assert first == second


@pytest.mark.parametrize("empty", [[], np.empty((0, 1)), np.empty((0, 3))])
def test_empty_sets_have_no_ranks(empty: Any) -> None:
    assert non_dominated_mask(empty).shape == (0,)
    assert non_dominated_mask(empty).dtype == np.bool_
    assert non_dominated_ranks(empty).shape == (0,)
    assert non_dominated_ranks(empty).dtype == np.int64


@given(point_sets(max_m=5, max_n=12, broken=True))
def test_ranks_and_mask_against_peeling(points: Array) -> None:
    expected = oracles.ranks(rows(points))
    valid = [oracles.is_valid(p) for p in rows(points)]
    assert non_dominated_ranks(points).tolist() == expected
    mask = [v and r == 0 for v, r in zip(valid, expected, strict=True)]
    assert non_dominated_mask(points).tolist() == mask


@given(point_sets(min_m=2, max_m=3, min_n=40, max_n=60, high=12))
def test_ranks_of_many_points_against_peeling(points: Array) -> None:
    assert non_dominated_ranks(points).tolist() == oracles.ranks(rows(points))


@given(shuffled(point_sets(broken=True)))
def test_ranks_follow_their_points(case: tuple[Array, list[int]]) -> None:
    points, order = case
    assert (
        non_dominated_ranks(points[order]).tolist() == non_dominated_ranks(points)[order].tolist()
    )
    assert non_dominated_mask(points[order]).tolist() == non_dominated_mask(points)[order].tolist()


@given(point_sets(broken=True))
def test_repeating_a_set_changes_no_rank(points: Array) -> None:
    twice = np.vstack([points, points])
    assert non_dominated_ranks(twice).tolist() == 2 * non_dominated_ranks(points).tolist()
    assert non_dominated_mask(twice).tolist() == 2 * non_dominated_mask(points).tolist()


@given(rescaled(point_sets(broken=True)))
def test_ranks_know_no_units(case: tuple[Array, Array, Array]) -> None:
    points, scale, shift = case
    moved = points * scale + shift
    assert non_dominated_ranks(moved).tolist() == non_dominated_ranks(points).tolist()


@given(point_sets())
def test_ranks_use_only_the_order_of_values(points: Array) -> None:
    # Cubing is increasing and exact on small integers, negative ones included.
    bent = (points - 2) ** 3
    assert non_dominated_ranks(bent).tolist() == non_dominated_ranks(points).tolist()


@given(point_sets(min_n=1))
def test_a_point_worse_than_one_of_front_k_ranks_behind_it(points: Array) -> None:
    grown = np.vstack([points, points[:1] + 1])
    before, after = non_dominated_ranks(points), non_dominated_ranks(grown)
    assert after[-1] > before[0]
    # The new point can push others back but never forward.
    assert (after[:-1] >= before).all()


# --- scale_to_range -------------------------------------------------------------------------------


def test_scaling_by_hand() -> None:
    # Ranges 4 and 80,000: the coordinates become quarters.
    points = [[1, 100_000], [5, 20_000], [2, 40_000]]
    assert scale_to_range(points).tolist() == [[0.0, 1.0], [1.0, 0.0], [0.25, 0.25]]


def test_a_constant_objective_becomes_zero() -> None:
    assert scale_to_range([[3, 7], [4, 7]]).tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_invalid_points_do_not_shape_the_range() -> None:
    points = [[0.0, 0.0], [NAN, 1000.0], [2.0, 4.0], [INF, -1000.0], [1.0, -INF]]
    scaled = scale_to_range(points)
    assert scaled[[0, 2]].tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert valid_mask(scaled).tolist() == [True, False, True, False, False]


def test_scaling_without_a_valid_point_keeps_them_invalid() -> None:
    assert not valid_mask(scale_to_range([[NAN, 1], [INF, 2]])).any()


def test_a_range_beyond_the_largest_float_does_not_overflow() -> None:
    assert scale_to_range([[1e308], [-1e308], [0.0]]).tolist() == [[1.0], [0.0], [0.5]]


@pytest.mark.parametrize("shape", [(0, 0), (0, 2)])
def test_scaling_an_empty_set(shape: tuple[int, int]) -> None:
    assert scale_to_range(np.empty(shape)).shape == shape


@given(point_sets(min_n=1))
def test_every_objective_spans_zero_to_one(points: Array) -> None:
    scaled = scale_to_range(points)
    assert (scaled.min(axis=0) == 0).all()
    constant = points.min(axis=0) == points.max(axis=0)
    assert (scaled.max(axis=0) == np.where(constant, 0.0, 1.0)).all()


@given(rescaled(point_sets()))
def test_scaling_forgets_units(case: tuple[Array, Array, Array]) -> None:
    points, scale, shift = case
    assert scale_to_range(points * scale + shift).tolist() == scale_to_range(points).tolist()


# --- crowding_distance ----------------------------------------------------------------------------


def test_crowding_by_hand_two_objectives() -> None:
    # Both ranges are 10. (1,6): (2-0)/10 + (10-4)/10; (2,4): (6-1)/10 + (6-1)/10;
    # (6,1): (10-2)/10 + (4-0)/10. The rows are out of order on purpose.
    front = [[6, 1], [0, 10], [2, 4], [10, 0], [1, 6]]
    expected = [1.2, INF, 1.0, INF, 0.8]
    # Tolerance: tenths are rounded.
    assert crowding_distance(front) == pytest.approx(expected, rel=1e-12)


def test_crowding_by_hand_three_objectives() -> None:
    # All ranges are 4. e stands between c and d in f1, d and b in f2, c and a in f3:
    # 2/4 + 2/4 + 2/4; each other point is at an end of some objective.
    a, b, c, d, e = [0, 4, 2], [1, 2, 4], [2, 3, 0], [4, 0, 3], [3, 1, 1]
    assert crowding_distance([e, a, b, c, d]).tolist() == [1.5, INF, INF, INF, INF]


def test_crowding_with_a_duplicate_inside() -> None:
    # Each of the two (1,1) has its twin on one side: 1/2 + 1/2.
    front = [[0, 2], [1, 1], [1, 1], [2, 0]]
    assert crowding_distance(front).tolist() == [INF, 1.0, 1.0, INF]


def test_three_equal_points_crowd_the_middle_one_out() -> None:
    # The middle one has a twin on both sides, in the stable order of the rows.
    front = [[0, 2], [1, 1], [1, 1], [1, 1], [2, 0]]
    assert crowding_distance(front).tolist() == [INF, 1.0, 0.0, 1.0, INF]


@pytest.mark.parametrize("front", [[[3, 4]], [[1, 2], [2, 1]]])
def test_one_or_two_points_are_all_ends(front: list[list[int]]) -> None:
    assert crowding_distance(front).tolist() == [INF] * len(front)


@pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
def test_crowding_of_an_empty_front(empty: Any) -> None:
    assert crowding_distance(empty).shape == (0,)


@given(distinct_columns())
def test_crowding_against_the_neighbours(front: Array) -> None:
    # With the values 0 ... n-1 in every column the neighbours are 2 / (n-1) apart.
    n, m = front.shape
    at_an_end = ((front == 0) | (front == n - 1)).any(axis=1)
    inside = 2 * m / (n - 1) if n > 1 else 0.0
    expected = np.where(at_an_end, INF, inside)
    # Tolerance: up to three rounded quotients are added.
    assert crowding_distance(front) == pytest.approx(expected, rel=1e-12)


@given(shuffled(distinct_columns()))
def test_crowding_follows_its_points(case: tuple[Array, list[int]]) -> None:
    front, order = case
    assert crowding_distance(front[order]).tolist() == crowding_distance(front)[order].tolist()


@given(rescaled(point_sets(min_n=1)))
def test_crowding_knows_no_units(case: tuple[Array, Array, Array]) -> None:
    front, scale, shift = case
    moved = front * scale + shift
    assert crowding_distance(moved).tolist() == crowding_distance(front).tolist()


# --- epsilon_net_order ----------------------------------------------------------------------------


def test_net_order_by_hand() -> None:
    # All sums are 4: start at the lexicographically smallest, (0,4); the far end (4,0) is next,
    # then the middle (2,2), 2.8 from both, before (1,3), 1.4 from its nearest.
    # The positions in this order would be (3, 1, 0, 2): an order is not ranks.
    front = [[1, 3], [4, 0], [0, 4], [2, 2]]
    assert epsilon_net_order(front).tolist() == [2, 1, 3, 0]


def test_net_order_starts_at_the_smallest_sum() -> None:
    # (1,1) has the smallest sum; (0,3) and (3,0) are equally far, the smaller goes first.
    assert epsilon_net_order([[3, 0], [0, 3], [1, 1]]).tolist() == [2, 1, 0]


def test_net_order_may_start_at_the_best_first_objective() -> None:
    # (0,3) is best in the first objective; (3,0) is farthest from it.
    front = [[3, 0], [0, 3], [1, 1]]
    assert epsilon_net_order(front, seed="first_objective").tolist() == [1, 0, 2]
    # Among equals in the first objective the lexicographically smaller one is the first.
    assert epsilon_net_order([[1, 2], [0, 9], [0, 8]], seed="first_objective").tolist() == [2, 0, 1]


def test_net_order_takes_duplicates_last() -> None:
    # The twins of the ends are at distance 0 from those taken; (2,2) is not.
    front = [[0, 4], [0, 4], [4, 0], [4, 0], [2, 2]]
    assert epsilon_net_order(front).tolist() == [0, 2, 4, 1, 3]


def test_net_order_of_equal_points_is_their_position() -> None:
    assert epsilon_net_order([[1, 1]] * 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("empty", [[], np.empty((0, 3))])
def test_net_order_of_an_empty_front(empty: Any) -> None:
    order = epsilon_net_order(empty)
    assert order.shape == (0,)
    assert order.dtype == np.int64


@given(point_sets(max_n=10, max_m=3))
def test_net_order_against_greedy(front: Array) -> None:
    assert epsilon_net_order(front).tolist() == oracles.net_order(rows(front))


@given(shuffled(point_sets(max_n=10)))
def test_net_order_does_not_depend_on_the_arrangement(case: tuple[Array, list[int]]) -> None:
    front, order = case
    arranged = front[order]
    assert rows(arranged[epsilon_net_order(arranged)]) == rows(front[epsilon_net_order(front)])


@given(point_sets(max_n=10))
def test_net_order_does_not_move_with_the_origin(front: Array) -> None:
    # Shifted and blown up alike in all objectives, without rounding.
    assert epsilon_net_order(8 * front + 100).tolist() == epsilon_net_order(front).tolist()


@given(point_sets(min_n=2, max_n=10))
def test_every_next_point_of_the_net_is_nearer_to_those_before(front: Array) -> None:
    taken = front[epsilon_net_order(front)]
    gaps = [np.linalg.norm(taken[:k] - taken[k], axis=1).min() for k in range(1, len(taken))]
    assert all(later <= earlier for earlier, later in itertools.pairwise(gaps))


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        valid_mask,
        non_dominated_mask,
        non_dominated_ranks,
        scale_to_range,
        crowding_distance,
        epsilon_net_order,
    ],
)
def test_inputs_are_left_as_they_were(function: Callable[[Array], Any]) -> None:
    points = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 0.0]])
    points.setflags(write=False)
    result = function(points)
    assert points.tolist() == [[1.0, 2.0], [2.0, 1.0], [3.0, 0.0]]
    # The result is the caller's: writing to it must not reach the input.
    assert not np.shares_memory(result, points)
