"""Sets that grow answer what a ranking of all their points answers."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.pareto import pareto_set
from mobo_core.pareto.dominance import non_dominated_ranks
from mobo_core.pareto.incremental import RankedSet, RerankedSet, ScoredSet, ranked_set
from mobo_core.pareto.pareto_set import ParetoSet
from mobo_core.pareto.ranking import RANKINGS, Order, Ranking

Step = tuple[tuple[float, ...], bool]


def steps(m: int) -> st.SearchStrategy[list[Step]]:
    """Draw points in the order of arrival, each with a flag whether it waits.

    Coarse points are often duplicates.
    """
    coarse = st.tuples(*[st.integers(0, 6).map(float)] * m)
    fine = st.tuples(*[st.floats(-1e3, 1e3)] * m)
    return st.lists(st.tuples(st.one_of(coarse, fine), st.booleans()), min_size=1, max_size=40)


@pytest.fixture
def keep_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the set put aside every point that is not needed, even if there are only few."""
    monkeypatch.setattr(pareto_set, "FEW", 0)
    monkeypatch.setattr(pareto_set, "SOON", 0)


@pytest.mark.parametrize("name", sorted(RANKINGS))
@pytest.mark.parametrize("m", [2, 3])
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("keep_few")
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


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("eta", [2, 3, 6])
def test_of_many_points_only_the_first_fronts_are_kept(m: int, eta: int) -> None:
    rng = np.random.default_rng(eta)
    points = rng.integers(0, 40, (500, m)).astype(float)  # with duplicates
    ranking = RANKINGS["pareto_epsnet"]
    grown = ParetoSet(ranking, None, m)  # type: ignore[arg-type]
    waiting: set[str] = set()
    most_aside = 0
    for index, point in enumerate(points):
        member, quota = str(index), (index + 1) // eta
        grown.add(member, point)
        order = [str(k) for k in ranking(points[: index + 1])]
        assert grown.is_within(member, quota) == (member in order[:quota])
        grown.set_waiting(member, True)
        waiting.add(member)
        first = next((other for other in order[:quota] if other in waiting), None)
        assert grown.first_waiting(quota) == first
        if first is not None and index % 3:  # it goes on and waits here no more
            grown.set_waiting(first, False)
            waiting.remove(first)
        if index % 100 == 99:
            assert_whole(grown, points[: index + 1], {int(name) for name in waiting})
            grown = pickle.loads(pickle.dumps(grown))
        most_aside = max(most_aside, len(grown._aside))
    assert most_aside > (0.2 if m == 2 else 0.05) * len(points)
    assert [m for m in order if grown.is_within(m, 400)] == order[:400]
    assert grown.first_waiting(len(points)) == next(m for m in order if m in waiting)


def assert_whole(grown: ParetoSet, points: Points, waiting: set[int]) -> None:
    """Check that the first fronts are complete and that all other points are put aside."""
    ranks = non_dominated_ranks(points)
    for level, front in enumerate(grown._fronts):
        numbers = {number for _, number in front.entries}
        assert numbers == set(np.flatnonzero(ranks == level))
        assert front.waiting == numbers & waiting
    aside = [number for _, number in grown._aside]
    assert sorted(aside) == np.flatnonzero(ranks >= len(grown._fronts)).tolist()
    assert grown._waiting_aside == set(aside) & waiting


def test_a_large_front_that_comes_and_goes_is_not_sorted_at_every_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sorts: list[int] = []

    def counted(points: ArrayLike) -> object:
        sorts.append(len(np.asarray(points)))
        return non_dominated_ranks(points)

    monkeypatch.setattr(pareto_set, "non_dominated_ranks", counted)
    grown = ParetoSet(RANKINGS["pareto_epsnet"], None, 2)  # type: ignore[arg-type]
    points = [(10.0, 10.0)] * 300 + [(20.0 + k, 20.0 + k) for k in range(120)]
    points += [(9 - k / 100, 9 - k / 100) for k in range(200)]  # each sends the 300 a front back
    for index, point in enumerate(points):
        grown.add(str(index), np.array(point))
        grown.is_within(str(index), (index + 1) // 3)
    assert 0 < len(sorts) < 10


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
        began = time.process_time()
        for index, point in enumerate(points):
            grown.add(str(index), point)
            grown.is_within(str(index), len(grown) // 3)
        return time.process_time() - began

    ratios = [seconds(5000) / seconds(500) for _ in range(3)]
    # Ranking everything anew each time would take more than a hundred times as long.
    assert min(ratios) < 30
