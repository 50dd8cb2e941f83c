"""Labels beside points: they do not overlap, stay inside, and repeat."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.analysis.statistics.intervals import Floats
from bench.report.figures.placing import TOLERATED, Place, place

AREA = (400.0, 300.0)


def box(point: Floats, size: Floats, at: Place) -> Floats:
    """Return left, bottom, right and top of a label."""
    left = point[0] + at.x - {"left": 0.0, "center": 0.5, "right": 1.0}[at.side] * size[0]
    bottom = point[1] + at.y - size[1] / 2
    return np.array([left, bottom, left + size[0], bottom + size[1]])


def shared(one: Floats, other: Floats) -> float:
    """Return the area that two boxes share."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.clip(sides, 0, None)))


def test_a_lonely_label_is_right_of_its_point() -> None:
    (found,) = place(np.array([[100.0, 100.0]]), np.array([[60.0, 12.0]]), AREA)
    assert found is not None
    assert (found.side, found.y, found.near) == ("left", 0.0, True)
    assert found.x > 0


def test_a_label_at_the_right_edge_is_left_of_its_point() -> None:
    (found,) = place(np.array([[390.0, 100.0]]), np.array([[60.0, 12.0]]), AREA)
    assert found is not None
    assert found.side == "right"
    assert found.x < 0


def test_a_label_that_fits_nowhere_is_left_out_and_the_important_one_stays() -> None:
    points = np.array([[5.0, 10.0], [5.0, 10.0]])
    sizes = np.array([[90.0, 15.0], [90.0, 15.0]])
    first, second = place(points, sizes, (120.0, 20.0))
    assert first is not None
    assert second is None


def test_a_taken_box_is_never_covered() -> None:
    points, sizes = np.array([[100.0, 100.0]]), np.array([[60.0, 12.0]])
    taken = np.array([[105.0, 80.0, 180.0, 120.0]])
    (found,) = place(points, sizes, AREA, taken)
    assert found is not None
    assert shared(box(points[0], sizes[0], found), taken[0]) == 0


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, AREA[0]), st.floats(0, AREA[1]), st.floats(20, 120)),
        min_size=1,
        max_size=18,
    )
)
def test_labels_that_are_shown_do_not_cover_each_other(drawn: list[tuple[float, ...]]) -> None:
    points = np.array([[x, y] for x, y, _ in drawn])
    sizes = np.array([[width, 12.0] for *_, width in drawn])
    found = place(points, sizes, AREA)
    assert found == place(points, sizes, AREA)
    boxes = [box(points[k], sizes[k], at) for k, at in enumerate(found) if at is not None]
    for k, one in enumerate(boxes):
        assert (one[:2] >= -2).all()
        assert (one[2:] <= np.array(AREA) + 2).all()
        for other in boxes[:k]:  # the later label is the one that may be covered a little
            assert shared(one, other) <= TOLERATED * np.prod(one[2:] - one[:2]) + 1e-9


def test_a_label_is_not_beside_another_point_without_a_line() -> None:
    points = np.array([[100.0, 100.0], [112.0, 100.0], [112.0, 112.0], [100.0, 114.0]])
    sizes = np.full((4, 2), (60.0, 12.0))
    for k, at in enumerate(place(points, sizes, AREA)):
        assert at is not None
        if at.near:
            left, bottom, right, top = box(points[k], sizes[k], at)
            ends = np.clip(points, (left, bottom), (right, top))
            assert np.linalg.norm(points - ends, axis=1).argmin() == k


def test_a_label_does_not_cover_a_rule_but_its_line_may_cross_one() -> None:
    points, sizes = np.array([[100.0, 100.0], [130.0, 100.0]]), np.full((2, 2), (60.0, 12.0))
    rule = np.array([[0.0, 100.0, AREA[0], 103.0]])
    blocked = np.array([[0.0, 0.0, AREA[0], 99.0]])
    for k, at in enumerate(place(points, sizes, AREA, blocked, rules=rule)):
        assert at is not None
        assert at.y > 0
        assert shared(box(points[k], sizes[k], at), rule[0]) <= TOLERATED * np.prod(sizes[k])
