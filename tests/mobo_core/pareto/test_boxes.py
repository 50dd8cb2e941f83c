"""What points add to a front by boxes is what the exact indicator says."""

from __future__ import annotations

import numpy as np
import pytest

from mobo_core.pareto.boxes import CHUNK, FreeBoxes
from mobo_core.pareto.indicators import hypervolume, hypervolume_gains


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("k", [0, 1, 2, 12])
def test_against_the_exact_gains(m: int, k: int) -> None:
    rng = np.random.default_rng([m, k])
    for _ in range(5):
        front, points = rng.random((k, m)) * 1.2, rng.random((40, m)) * 1.2
        reference = np.ones(m)
        expected = hypervolume_gains(points, front, reference)
        assert FreeBoxes.of(front, reference).added(points) == pytest.approx(expected, abs=1e-14)


def test_ties_and_duplicates() -> None:
    front = np.array([[0.2, 0.5, 0.5], [0.5, 0.2, 0.5], [0.5, 0.5, 0.2], [0.2, 0.5, 0.5]])
    points = np.array([[0.2, 0.5, 0.5], [0.2, 0.2, 0.2], [0.5, 0.5, 0.5], [1.0, 0.0, 0.0]])
    expected = hypervolume_gains(points, front, np.ones(3))
    assert FreeBoxes.of(front, np.ones(3)).added(points) == pytest.approx(expected, abs=1e-15)


def test_the_boxes_and_the_front_fill_the_space() -> None:
    rng = np.random.default_rng(1)
    front, reference = rng.random((20, 3)), np.ones(3)
    whole = FreeBoxes.of(front, reference).added(np.zeros((1, 3)))[0]
    assert whole + hypervolume(front, reference) == pytest.approx(1.0)


def test_many_points_are_computed_in_parts() -> None:
    rng = np.random.default_rng(2)
    boxes = FreeBoxes.of(rng.random((30, 3)), np.ones(3))
    points = rng.random((CHUNK // len(boxes.low) + 5, 3))
    added = boxes.added(points)
    assert added[-3:] == pytest.approx(boxes.added(points[-3:]))
