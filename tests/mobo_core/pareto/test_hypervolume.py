"""Hypervolume, what single points contribute to it, and what new ones would add."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mobo_core.pareto.indicators import hypervolume, hypervolume_contributions, hypervolume_gains
from tests.mobo_core import oracles
from tests.mobo_core.oracles import Array, point_sets, rescaled, rows, shuffled

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = math.nan, math.inf

# The points of the example in moocore's reference manual (moocore.hypervolume).
MANUAL_SET = [[5, 5], [4, 6], [2, 7], [7, 4]]


def reference_of(points: Array, value: float = 3.0) -> Array:
    return np.full(points.shape[1], value)


# --- hypervolume ----------------------------------------------------------------------------------


def test_hypervolume_of_the_manual() -> None:
    # By hand, in strips of f1: 2*3 + 1*4 + 2*5 + 3*6 = 38, as printed in the manual.
    assert hypervolume(MANUAL_SET, [10, 10]) == 38.0


@pytest.mark.parametrize("n", [1, 2, 5, 50])
def test_hypervolume_of_a_staircase(n: int) -> None:
    # (0, n-1), (1, n-2), ..., (n-1, 0) cover 1 + 2 + ... + n unit squares below (n, n).
    points = [[i, n - 1 - i] for i in range(n)]
    assert hypervolume(points, [n, n]) == n * (n + 1) / 2


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 6])
def test_hypervolume_of_one_point_is_a_box(m: int) -> None:
    # Sides 2, 3, 4, ...: the volume is (m + 1)!.
    reference = [2.0 + i for i in range(m)]
    assert hypervolume([[0.0] * m], reference) == math.factorial(m + 1)


def test_hypervolume_of_two_boxes() -> None:
    # Below (2,2,2): 2*1*1 for (0,1,1), 1*2*2 for (1,0,0), 1*1*1 shared.
    assert hypervolume([[0, 1, 1], [1, 0, 0]], [2, 2, 2]) == 5.0


def test_hypervolume_in_one_objective_is_the_best_gain() -> None:
    assert hypervolume([[4], [1], [2]], [3]) == 2.0


@pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
def test_hypervolume_of_nothing(empty: Any) -> None:
    result = hypervolume(empty, [1.0, 1.0])
    assert result == 0.0
    assert isinstance(result, float)


@pytest.mark.parametrize(
    "point",
    [
        [3.0, 3.0],  # the reference itself
        [1.0, 3.0],  # on its edge: a box without height
        [4.0, 4.0],  # behind it
        [-9.0, 4.0],  # excellent in one objective, behind in the other
        [NAN, 0.0],
        [0.0, NAN],
        [-INF, 0.0],  # not infinitely good but broken
        [-INF, -INF],
        [0.0, INF],
    ],
)
def test_points_that_do_not_count(point: list[float]) -> None:
    assert hypervolume([point], [3.0, 3.0]) == 0.0
    # Beside a point that counts they change nothing: (3-1) * (3-2).
    assert hypervolume([point, [1.0, 2.0]], [3.0, 3.0]) == 2.0
    assert hypervolume_contributions([point, [1.0, 2.0]], [3.0, 3.0]).tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    "reference", [[1.0], [1.0, 1.0, 1.0], 1.0, [], [[1.0, 1.0]], [NAN, 1.0], [INF, 1.0]]
)
def test_references_that_do_not_fit(reference: Any) -> None:
    with pytest.raises(ValueError, match="reference_point"):
        hypervolume([[0.0, 0.0]], reference)
    with pytest.raises(ValueError, match="reference_point"):
        hypervolume_contributions([[0.0, 0.0]], reference)


def test_the_reference_must_fit_an_empty_set_of_known_width() -> None:
    with pytest.raises(ValueError, match="reference_point"):
        hypervolume(np.empty((0, 3)), [1.0, 1.0])


@given(point_sets(max_m=5, max_n=7, broken=True))
def test_hypervolume_against_inclusion_exclusion(points: Array) -> None:
    # Exact: all volumes are integers. Values 3 and 4 lie on and outside the reference.
    reference = reference_of(points)
    assert hypervolume(points, reference) == oracles.hypervolume(rows(points), reference)


@given(point_sets(min_n=1), st.data())
def test_hypervolume_against_counting_cells(points: Array, data: st.DataObject) -> None:
    m = points.shape[1]
    reference = data.draw(st.lists(st.integers(1, 5), min_size=m, max_size=m))
    assert hypervolume(points, reference) == oracles.cells_dominated(rows(points), 0, reference)


@given(shuffled(point_sets(broken=True)))
def test_hypervolume_knows_no_order(case: tuple[Array, list[int]]) -> None:
    points, order = case
    reference = reference_of(points)
    assert hypervolume(points[order], reference) == hypervolume(points, reference)


@given(point_sets(broken=True))
def test_hypervolume_counts_duplicates_once(points: Array) -> None:
    reference = reference_of(points)
    twice = np.vstack([points, points])
    assert hypervolume(twice, reference) == hypervolume(points, reference)


@given(point_sets(min_n=1, broken=True))
def test_hypervolume_never_falls_with_a_point_more(points: Array) -> None:
    reference = reference_of(points)
    less, more = hypervolume(points[1:], reference), hypervolume(points, reference)
    assert more >= less
    # It rises if and only if the new point counts and none of the others is at least as good.
    new = points[0]
    counts = bool(np.isfinite(new).all() and (new < reference).all())
    others = points[1:][np.isfinite(points[1:]).all(axis=1)]
    covered = bool((others <= new).all(axis=1).any())
    assert (more > less) == (counts and not covered)


@given(rescaled(point_sets(max_n=6)))
def test_hypervolume_scales_with_the_units(case: tuple[Array, Array, Array]) -> None:
    points, scale, _ = case
    reference = reference_of(points)
    # Exact: the scales are powers of two.
    expected = hypervolume(points, reference) * math.prod(scale.tolist())
    assert hypervolume(points * scale, reference * scale) == expected


@given(rescaled(point_sets(max_n=6)))
def test_hypervolume_does_not_move_with_the_origin(case: tuple[Array, Array, Array]) -> None:
    points, _, shift = case
    reference = reference_of(points)
    assert hypervolume(points + shift, reference + shift) == hypervolume(points, reference)


@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 3), min_size=1, max_size=6))
def test_hypervolume_of_floats_against_inclusion_exclusion(points: list[Any]) -> None:
    reference = (500.0, 500.0, 500.0)
    expected = oracles.hypervolume(points, reference)
    # The 2^6 terms of the oracle are at most 1500^3 and cancel: the error scales with the box.
    assert hypervolume(points, reference) == pytest.approx(expected, rel=1e-9, abs=1e-12 * 1500**3)


# --- hypervolume_contributions --------------------------------------------------------------------


def test_contributions_by_hand() -> None:
    # Below (10,10), in strips of f1; what only one point covers:
    # (2,7): 2*3; (4,6): 1*1; (5,5): 2*1; (7,4): 3*1.
    assert hypervolume_contributions(MANUAL_SET, [10, 10]).tolist() == [2.0, 1.0, 6.0, 3.0]


def test_duplicates_contribute_nothing() -> None:
    # Without one of the twins nothing is lost; (2,0) alone covers (3-2) * (1-0).
    points = [[0, 1], [2, 0], [0, 1]]
    assert hypervolume_contributions(points, [3, 3]).tolist() == [0.0, 1.0, 0.0]


def test_dominated_points_contribute_nothing() -> None:
    points = [[2, 2], [1, 1], [0, 3]]
    assert hypervolume_contributions(points, [4, 4])[0] == 0.0


def test_contributions_beside_a_dominated_point() -> None:
    # Removing (1,1) uncovers (2,2), which keeps 2*2 of the 3*3: only 5 is lost.
    assert hypervolume_contributions([[1, 1], [2, 2]], [4, 4]).tolist() == [5.0, 0.0]


def test_contributions_in_one_objective() -> None:
    # Without the best value, 1, the gain falls from 9 - 1 to 9 - 4.
    assert hypervolume_contributions([[4], [1], [6]], [9]).tolist() == [0.0, 3.0, 0.0]


@pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
def test_contributions_of_nothing(empty: Any) -> None:
    assert hypervolume_contributions(empty, [1.0, 1.0]).shape == (0,)


@given(point_sets(min_m=2, max_n=7))
def test_contributions_within_a_front_against_removal(points: Array) -> None:
    ranks = np.array(oracles.ranks(rows(points)), dtype=int)
    front = points[ranks == 0]
    reference = reference_of(front)
    expected = oracles.contributions(rows(front), reference)
    assert hypervolume_contributions(front, reference).tolist() == expected


@given(point_sets(min_m=2, max_n=6, broken=True))
def test_contributions_of_any_set_against_removal(points: Array) -> None:
    reference = reference_of(points)
    expected = oracles.contributions(rows(points), reference)
    assert hypervolume_contributions(points, reference).tolist() == expected


@given(shuffled(point_sets(min_m=2, broken=True)))
def test_contributions_follow_their_points(case: tuple[Array, list[int]]) -> None:
    points, order = case
    reference = reference_of(points)
    expected = hypervolume_contributions(points, reference)[order]
    assert hypervolume_contributions(points[order], reference).tolist() == expected.tolist()


@given(point_sets(min_m=2, broken=True))
def test_contributions_are_parts_of_the_hypervolume(points: Array) -> None:
    reference = reference_of(points)
    contributions = hypervolume_contributions(points, reference)
    assert contributions.shape == (len(points),)
    assert (contributions >= 0).all()
    assert contributions.sum() <= hypervolume(points, reference)


# --- gains ----------------------------------------------------------------------------------------


def test_gains_by_hand() -> None:
    front = [[1, 3], [3, 1], [3, 3]]
    points = [[2, 2], [0, 0], [1, 3], [2, 3], [0, 3.5], [3.5, 0], [4, 0], [NAN, 0]]
    # Against (4, 4): the front has 3·1 + 1·3 − 1·1 = 5 of 16. (2, 2) adds the unit square [2, 3]²;
    # (0, 3.5) adds 1 × 0.5, (3.5, 0) adds 0.5 × 1; what is dominated or outside adds nothing.
    gains = hypervolume_gains(points, front, [4, 4])
    assert gains.tolist() == [1, 11, 0, 0, 0.5, 0.5, 0, 0]


def test_gains_over_nothing_are_boxes() -> None:
    assert hypervolume_gains([[1, 2], [5, 5]], [], [4, 4]).tolist() == [6, 0]
    assert hypervolume_gains([], [[1, 2]], [4, 4]).tolist() == []
    assert hypervolume_gains([[1.0]], [[3.0]], [4]).tolist() == [2]


@given(
    st.integers(1, 4).flatmap(
        lambda m: st.tuples(
            arrays(float, (4, m), elements=st.integers(0, 5).map(float)),
            arrays(float, st.tuples(st.integers(0, 8), st.just(m)), elements=st.integers(0, 5)),
        )
    )
)
def test_gains_are_differences_of_hypervolumes(sets: tuple[Array, Array]) -> None:
    points, front = sets
    reference = reference_of(points, 4.0)
    before = hypervolume(front, reference)
    expected = [hypervolume(np.vstack([front, [p]]), reference) - before for p in points]
    # Whole numbers: products and differences below 2⁵³ are exact.
    assert hypervolume_gains(points, front, reference).tolist() == expected


def test_gains_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one value per objective"):
        hypervolume_gains([[1, 2]], [[1, 2, 3]], [4, 4])
