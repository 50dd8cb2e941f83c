"""Rankings: hand-made fronts, properties, and the cost that is promised."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import non_dominated_ranks
from mobo_core.pareto.ranking import (
    RANKINGS,
    FrontRanking,
    Order,
    Ranking,
    as_ranking,
    chebyshev,
    linear,
    pareto_crowding,
    pareto_epsnet,
    pareto_epsnet_raw,
    pareto_hypervolume,
    ranks_of,
)

ALL = pytest.mark.parametrize("ranking", RANKINGS.values(), ids=RANKINGS.keys())
SCALED = pytest.mark.parametrize(
    "ranking", [ranking for name, ranking in RANKINGS.items() if name != "pareto_epsnet_raw"]
)
PARETO = pytest.mark.parametrize(
    "ranking", [pareto_epsnet, pareto_epsnet_raw, pareto_crowding, pareto_hypervolume]
)
GRID = st.integers(-4, 4).map(float)
SETS = st.tuples(st.integers(1, 12), st.integers(2, 3)).flatmap(
    lambda shape: arrays(float, shape, elements=GRID)
)


def values(points: Points, order: np.ndarray) -> list[tuple[float, ...]]:
    return [tuple(point) for point in points[order]]


# Two fronts, no chain: (0, 4), (1, 1), (4, 0) and, behind them, (2, 3), (4, 2).
TWO_FRONTS = np.array([[4.0, 2.0], [1.0, 1.0], [0.0, 4.0], [2.0, 3.0], [4.0, 0.0]])


def test_epsnet_by_hand() -> None:
    # First front scaled by the range 4: (0, 1), (.25, .25), (1, 0). The smallest sum is (1, 1);
    # farthest from it are the two ends at the same distance: the lexicographically smaller first.
    # Second front: sums 1.25 and 1.5.
    assert pareto_epsnet(TWO_FRONTS).tolist() == [1, 2, 4, 3, 0]


def test_raw_epsnet_by_hand() -> None:
    # The net of each front starts at the best first objective: (0, 4), then the far end (4, 0),
    # then (1, 1). Second front: (2, 3), (4, 2).
    assert pareto_epsnet_raw(TWO_FRONTS).tolist() == [2, 4, 1, 3, 0]


def test_raw_epsnet_measures_distances_in_own_units() -> None:
    # Squared distances from (0, 9): 13, 25 and 72, so (6, 3) is next. From there (3, 7) is at 25
    # and (4, 6) at 13. Both are now 13 away from their nearest: the smaller one comes first.
    front = np.array([[0.0, 9.0], [3.0, 7.0], [4.0, 6.0], [6.0, 3.0]])
    assert pareto_epsnet_raw(front).tolist() == [0, 3, 1, 2]
    # With the second objective ten times as large, (3, 70) is 9 + 400 away from its nearest and
    # (4, 60) is 4 + 900 away.
    assert pareto_epsnet_raw(front * [1, 10]).tolist() == [0, 3, 2, 1]
    # Scaling takes the units out.
    assert pareto_epsnet(front).tolist() == pareto_epsnet(front * [1, 10]).tolist()


@pytest.mark.parametrize("reference", [None, [8.0, 20.0]])
def test_an_unscaled_ranking_sees_the_values_and_the_reference_as_they_are(
    reference: list[float] | None,
) -> None:
    seen: list[tuple[list[list[float]], list[float]]] = []

    def inside(front: Points, reference: Points) -> Order:
        seen.append((front.tolist(), reference.tolist()))
        return np.arange(len(front))

    FrontRanking(inside, scaled=False)([[4.0, 10.0], [0.0, 20.0]], reference)
    # Without one the reference lies a tenth of the range (4 and 10) beyond the worst values.
    assert seen == [([[0.0, 20.0], [4.0, 10.0]], reference or [4.4, 21.0])]


def test_crowding_by_hand() -> None:
    # The ends of a front are infinitely far from their missing neighbours.
    assert pareto_crowding(TWO_FRONTS).tolist() == [2, 4, 1, 3, 0]


def test_hypervolume_by_hand() -> None:
    # Against (5, 5): (1, 1) alone dominates (4−1)·(4−1) = 9, the ends (1−0)·(5−4) = 1 each, a tie
    # that the scaled sum (1 and 1) and then the order of values decide.
    # Second front: (2, 3) adds (4−2)·(5−3) = 4, (4, 2) adds (5−4)·(3−2) = 1.
    assert pareto_hypervolume(TWO_FRONTS, [5, 5]).tolist() == [1, 2, 4, 3, 0]


def test_points_outside_the_reference_come_last_in_their_front() -> None:
    points = [[0.0, 9.0], [1.0, 1.0], [2.0, 0.5]]
    assert pareto_hypervolume(points, [3, 3]).tolist() == [1, 2, 0]


def test_scalarisations_by_hand() -> None:
    # Scaled: (0, 1), (1/4, 1/2), (1, 0); sums 1, 3/4, 1; maxima 1, 1/2, 1 (ties by value).
    points = [[4.0, 0.0], [0.0, 2.0], [1.0, 1.0]]
    assert linear(points).tolist() == [2, 1, 0]
    assert chebyshev(points).tolist() == [2, 1, 0]
    assert linear(points, weights=[1, 0]).tolist() == [1, 2, 0]
    assert chebyshev(points, weights=[0, 1]).tolist() == [0, 2, 1]


def test_each_point_may_have_its_own_weights() -> None:
    points = [[0.0, 2.0], [4.0, 0.0]]
    assert linear(points, weights=[[1, 0], [0.5, 0.5]]).tolist() == [0, 1]
    assert linear(points, weights=[[0, 1], [0, 1]]).tolist() == [1, 0]


@pytest.mark.parametrize("weights", [[1.0], [[1.0, 1.0, 1.0]], [-1.0, 1.0], [np.nan, 1.0]])
def test_bad_weights(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights must"):
        linear([[1.0, 2.0], [2.0, 1.0]], weights=weights)


def test_an_order_is_no_vector_of_ranks() -> None:
    order = pareto_epsnet(TWO_FRONTS)
    ranks = ranks_of(order)
    assert ranks.tolist() == [4, 0, 1, 3, 2]
    assert order.tolist() != ranks.tolist()
    assert np.argsort(ranks).tolist() == order.tolist()


@PARETO
@given(points=SETS)
def test_no_front_comes_before_a_better_one(ranking: Ranking, points: Points) -> None:
    ranks = non_dominated_ranks(points)[ranking(points)]
    assert (np.diff(ranks) >= 0).all()


@ALL
@given(points=SETS, seed=st.integers(0, 9))
def test_the_order_of_the_input_does_not_matter(
    ranking: Ranking, points: Points, seed: int
) -> None:
    shuffled = points[np.random.default_rng(seed).permutation(len(points))]
    assert values(points, ranking(points)) == values(shuffled, ranking(shuffled))


@SCALED
@given(points=SETS, exponent=st.integers(-3, 3), shift=GRID)
def test_units_do_not_matter(ranking: Ranking, points: Points, exponent: int, shift: float) -> None:
    # Powers of two and whole shifts are exact, so no rounding can turn a tie.
    changed = points * np.array([2.0**exponent, 1, 1])[: points.shape[1]] + 8 * shift
    assert ranking(points).tolist() == ranking(changed).tolist()


@ALL
@given(points=SETS)
def test_every_index_once(ranking: Ranking, points: Points) -> None:
    assert sorted(ranking(points).tolist()) == list(range(len(points)))


@ALL
def test_duplicates_keep_their_order(ranking: Ranking) -> None:
    order = ranking([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]).tolist()
    assert [i for i in order if i in (1, 3)] == [1, 3]
    assert [i for i in order if i in (0, 2)] == [0, 2]
    assert set(order[:2]) == {1, 3}


@ALL
def test_invalid_points_come_last_in_the_order_of_the_input(ranking: Ranking) -> None:
    points = [[np.nan, 0.0], [2.0, 2.0], [-np.inf, 0.0], [1.0, 1.0]]
    assert ranking(points, [3, 3]).tolist() == [3, 1, 0, 2]


@ALL
def test_small_sets(ranking: Ranking) -> None:
    assert ranking([]).tolist() == []
    assert ranking(np.empty((0, 2))).tolist() == []
    assert ranking([[1.0, 2.0]]).tolist() == [0]
    assert ranking([[np.nan, 2.0]]).tolist() == [0]
    assert ranking([[3.0], [1.0], [2.0]]).tolist() == [1, 2, 0]


def test_names() -> None:
    assert as_ranking("linear") is linear
    assert as_ranking(chebyshev) is chebyshev
    with pytest.raises(ValueError, match="unknown ranking 'best': choose from pareto_epsnet"):
        as_ranking("best")


def test_a_reference_point_of_the_wrong_shape() -> None:
    with pytest.raises(ValueError, match="one value per objective"):
        pareto_hypervolume([[1.0, 2.0]], [1.0, 2.0, 3.0])


def a_front(n: int) -> Points:
    x = np.linspace(0, 1, n)
    return np.column_stack([x, (1 - x) ** 2])


@ALL
@pytest.mark.parametrize("shape", ["cloud", "front", "chain"])
@pytest.mark.parametrize(("n", "limit_s"), [(1_000, 0.05), (10_000, 2.0)])
def test_cost(ranking: Ranking, shape: str, n: int, limit_s: float) -> None:
    points = {
        "cloud": np.random.default_rng(0).random((n, 2)),
        "front": a_front(n),
        "chain": np.repeat(np.arange(float(n))[:, None], 2, axis=1),
    }[shape]
    best = np.inf
    for _ in range(
        5
    ):  # the fastest of a few, and its own time: other work on the machine only adds
        began = time.process_time()
        order = ranking(points, [2.0 * n, 2.0 * n])
        best = min(best, time.process_time() - began)
    assert len(order) == n
    assert best < limit_s
