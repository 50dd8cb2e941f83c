"""Differences of attainment: boxes worked by hand, and the oracle of counting sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.statistics.attainment import attainment_difference, attainment_surface

POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=4)
SETS = st.lists(POINTS, min_size=1, max_size=3)


def share(sets: list[list[tuple[int, int]]], x: float, y: float) -> float:
    """Return the share of the sets with a point at least as good as (x, y)."""
    return float(np.mean([any(a <= x and b <= y for a, b in points) for points in sets]))


def difference_at(boxes: np.ndarray, x: float, y: float) -> float:
    low_x, low_y, high_x, high_y, value = boxes.T
    inside = (low_x <= x) & (x < high_x) & (low_y <= y) & (y < high_y)
    assert inside.sum() <= 1  # boxes do not overlap
    return float(value[inside].sum())


def test_by_hand() -> None:
    # (1, 1) attains all of the square to (4, 4) that (2, 2) attains, and the L before it: 9 − 4.
    boxes = attainment_difference([[(1, 1)]], [[(2, 2)]], [4, 4])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert areas.sum() == pytest.approx(5)
    assert (boxes[:, 4] == 1).all()
    back = attainment_difference([[(2, 2)]], [[(1, 1)]], [4, 4])
    assert (back[:, 4] == -1).all()


def test_moocores_example() -> None:
    # The documentation of moocore.eafdiff, in sets of 2 and 2, shares instead of counts.
    left = [[(3, 2), (2, 3)], [(2.5, 1), (1, 2)], [(1, 2)]]
    right = [[(4, 2.5), (3, 3), (2.5, 3.5)], [(3, 3), (2.5, 3.5)], [(2, 1)]]
    boxes = attainment_difference(left, right, [5, 5])
    assert difference_at(boxes, 1.5, 2.5) == pytest.approx(2 / 3)
    assert difference_at(boxes, 2.2, 1.5) == pytest.approx(-1 / 3)
    assert difference_at(boxes, 2.7, 1.5) == 0


@given(SETS, SETS)
def test_boxes_are_the_difference_of_the_shares(
    left: list[list[tuple[int, int]]], right: list[list[tuple[int, int]]]
) -> None:
    boxes = attainment_difference(left, right, [5, 5])
    for x in np.arange(0.5, 5):
        for y in np.arange(0.5, 5):
            expected = share(left, x, y) - share(right, x, y)
            assert difference_at(boxes, x, y) == pytest.approx(expected, abs=1e-9)


def test_runs_without_a_point_attain_nothing() -> None:
    boxes = attainment_difference([[(1, 1)], []], [[(9, 9)]], [4, 4])
    assert boxes[:, 4].tolist() == [0.5]
    assert boxes[0, :4].tolist() == [1, 1, 4, 4]
    assert len(attainment_difference([[]], [[(1, 5)]], [4, 4])) == 0


def test_surface_is_that_of_the_library() -> None:
    # The median of three nested sets is the middle one; mobo_core.pareto.indicators has own tests.
    surface = attainment_surface([[(1, 1)], [(2, 2)], [(3, 3)]], 50)
    assert surface.tolist() == [[2, 2]]


def test_refuses() -> None:
    with pytest.raises(ValueError, match="at least one set"):
        attainment_difference([], [[(1, 1)]], [4, 4])
    for reference in ([4], [4, 4, 4], [4, np.inf]):
        with pytest.raises(ValueError, match="finite reference point of two"):
            attainment_difference([[(1, 1)]], [[(1, 1)]], reference)
