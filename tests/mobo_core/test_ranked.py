"""Sets that grow answer what a ranking of all their points answers."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobo_core.objectives import Points
from mobo_core.ranked import ParetoSet, RankedSet, RerankedSet, ranked_set
from mobo_core.ranking import RANKINGS, FrontRanking

FRONT_RANKINGS = [name for name, r in RANKINGS.items() if isinstance(r, FrontRanking)]
REFERENCE = (5.0, 5.0)

# Few distinct values, so that duplicates and shared coordinates are common.
COARSE = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda p: (float(p[0]), float(p[1])))
FINE = st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
STEPS = st.lists(st.tuples(st.one_of(COARSE, FINE), st.booleans()), min_size=1, max_size=40)


def expected_order(name: str, points: list[tuple[float, float]]) -> list[str]:
    return [str(index) for index in RANKINGS[name](points, REFERENCE)]


@pytest.mark.parametrize("name", FRONT_RANKINGS)
@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_a_pareto_set_answers_as_the_ranking_of_all(
    name: str, steps: list[tuple[tuple[float, float], bool]]
) -> None:
    ranking = RANKINGS[name]
    assert isinstance(ranking, FrontRanking)
    grown = ParetoSet(ranking, REFERENCE)
    points: list[tuple[float, float]] = []
    waiting: set[str] = set()
    for index, (point, waits) in enumerate(steps):
        member = str(index)
        grown.add(member, np.array(point))
        points.append(point)
        order = expected_order(name, points)
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
            first = next((name for name in order[:quota] if name in waiting), None)
            assert grown.first_waiting(quota) == first
    assert len(grown) == len(points)
    assert "0" in grown
    assert "x" not in grown


@pytest.mark.parametrize("name", sorted(RANKINGS))
@pytest.mark.parametrize("m", [2, 3])
def test_every_ranking_has_a_set(name: str, m: int) -> None:
    points = np.random.default_rng(0).random((60, m))
    grown = ranked_set(RANKINGS[name], None, m)
    assert isinstance(grown, ParetoSet if m == 2 and name in FRONT_RANKINGS else RerankedSet)
    assert_grows_like(grown, RANKINGS[name], points)


def assert_grows_like(grown: RankedSet, ranking: object, points: Points) -> None:
    for index, point in enumerate(points):
        grown.add(str(index), point)
        grown.set_waiting(str(index), index % 3 == 0)
    order = [str(index) for index in ranking(points)]  # type: ignore[operator]
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


def test_ten_times_the_points_take_not_much_more_than_ten_times_as_long() -> None:
    def seconds(n: int) -> float:
        points = np.random.default_rng(1).random((n, 2))
        grown = ranked_set(RANKINGS["pareto_epsnet"], None, 2)
        began = time.perf_counter()
        for index, point in enumerate(points):
            grown.add(str(index), point)
            grown.is_within(str(index), len(grown) // 3)
        return time.perf_counter() - began

    ratios = [seconds(5000) / seconds(500) for _ in range(3)]
    # Ranking everything anew each time would take more than a hundred times as long.
    assert min(ratios) < 30
