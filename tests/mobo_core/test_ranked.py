"""Sets that grow answer what a ranking of all their points answers."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.ranked import ParetoSet, RankedSet, RerankedSet, ScoredSet, ranked_set
from mobo_core.ranking import RANKINGS, Order, Ranking

Step = tuple[tuple[float, ...], bool]


def steps(m: int) -> st.SearchStrategy[list[Step]]:
    """Points that arrive and whether they wait; coarse ones are often duplicates."""
    coarse = st.tuples(*[st.integers(0, 6).map(float)] * m)
    fine = st.tuples(*[st.floats(-1e3, 1e3)] * m)
    return st.lists(st.tuples(st.one_of(coarse, fine), st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize("name", sorted(RANKINGS))
@pytest.mark.parametrize("m", [2, 3])
@given(data=st.data())
@settings(max_examples=40)
def test_a_growing_set_answers_as_the_ranking_of_all(
    name: str, m: int, data: st.DataObject
) -> None:
    reference = [5.0] * m
    grown = ranked_set(RANKINGS[name], reference, m)
    points: list[tuple[float, ...]] = []
    waiting: set[str] = set()
    for index, (point, waits) in enumerate(data.draw(steps(m))):
        member = str(index)
        grown.add(member, np.array(point))
        points.append(point)
        order = [str(position) for position in RANKINGS[name](points, reference)]
        for quota in (0, 1, len(points) // 3, len(points) // 2, len(points)):
            assert grown.is_within(member, quota) == (member in order[:quota])
        if waits:
            grown.set_waiting(member, True)
            waiting.add(member)
        elif waiting:
            leaving = min(waiting)
            grown.set_waiting(leaving, False)
            waiting.remove(leaving)
        for quota in (0, 1, len(points) // 2, len(points)):
            first = next((other for other in order[:quota] if other in waiting), None)
            assert grown.first_waiting(quota) == first
    assert len(grown) == len(points)
    assert "0" in grown
    assert "x" not in grown


@pytest.mark.parametrize("name", sorted(RANKINGS))
@pytest.mark.parametrize("m", [2, 3])
def test_every_ranking_has_a_set(name: str, m: int) -> None:
    points = np.random.default_rng(0).random((60, m))
    grown = ranked_set(RANKINGS[name], None, m)
    assert isinstance(grown, ParetoSet if name.startswith("pareto") else ScoredSet)
    assert_grows_like(grown, RANKINGS[name], points)


def test_any_function_has_one() -> None:
    def by_first(points: ArrayLike, reference_point: ArrayLike | None = None) -> Order:
        return np.argsort(np.asarray(points)[:, 0], kind="stable")

    points = np.random.default_rng(0).random((60, 2))
    grown = ranked_set(by_first, None, 2)
    assert isinstance(grown, RerankedSet)
    assert_grows_like(grown, by_first, points)


def assert_grows_like(grown: RankedSet, ranking: Ranking, points: Points) -> None:
    for index, point in enumerate(points):
        grown.add(str(index), point)
        grown.set_waiting(str(index), index % 3 == 0)
    order = [str(index) for index in ranking(points)]
    for quota in (0, 7, 30, 60):
        assert [m for m in order if grown.is_within(m, quota)] == order[:quota]
    assert grown.first_waiting(60) == next(m for m in order if int(m) % 3 == 0)
    assert grown.first_waiting(0) is None


def test_nobody_waits_unless_told_so() -> None:
    for name in RANKINGS:
        grown = ranked_set(RANKINGS[name], None, 2)
        assert grown.first_waiting(1) is None
        grown.add("a", np.zeros(2))
        assert grown.first_waiting(1) is None


def test_sets_and_their_rankings_survive_pickling() -> None:
    for name, ranking in RANKINGS.items():
        assert pickle.loads(pickle.dumps(ranking)) is ranking
        grown = ranked_set(ranking, None, 2)
        grown.add("a", np.zeros(2))
        assert "a" in pickle.loads(pickle.dumps(grown)), name


@pytest.mark.parametrize("name", ["pareto_epsnet", "linear"])
def test_ten_times_the_points_take_not_much_more_than_ten_times_as_long(name: str) -> None:
    def seconds(n: int) -> float:
        points = np.random.default_rng(1).random((n, 2))
        grown = ranked_set(RANKINGS[name], None, 2)
        began = time.perf_counter()
        for index, point in enumerate(points):
            grown.add(str(index), point)
            grown.is_within(str(index), len(grown) // 3)
        return time.perf_counter() - began

    ratios = [seconds(5000) / seconds(500) for _ in range(3)]
    # Ranking everything anew each time would take more than a hundred times as long.
    assert min(ratios) < 30
