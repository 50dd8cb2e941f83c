"""Volumes against exact arithmetic of fractions, at scales from the smallest to the largest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mobo_core.pareto import (
    epsilon_net_order,
    front_mask,
    inside_mask,
    non_dominated_mask,
    scale_to_range,
)
from mobo_core.pareto.incremental import ranked_set
from mobo_core.pareto.indicators import (
    additive_epsilon,
    hypervolume,
    hypervolume_contributions,
    hypervolume_gains,
    igd_plus,
)
from mobo_core.pareto.ranking import RANKINGS
from mobo_core.pareto.volumes import exclusive_volume
from tests.mobo_core.oracles import Array

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = 1e-9
"""The relative error that `mobo_core.pareto.volumes` promises."""


def exact(
    points: Sequence[Sequence[float]] | Array, reference: Sequence[float] | Array
) -> Fraction:
    """Return the hypervolume without any rounding, by slices along the last coordinate."""
    ends = [Fraction(float(value)) for value in reference]
    rows = [[Fraction(float(value)) for value in row] for row in points]
    return sliced([row for row in rows if all(a < b for a, b in zip(row, ends, strict=True))], ends)


def sliced(rows: list[list[Fraction]], ends: list[Fraction]) -> Fraction:
    if not rows:
        return Fraction(0)
    if len(ends) == 1:
        return ends[0] - min(row[0] for row in rows)
    levels = sorted({row[-1] for row in rows})
    volume = Fraction(0)
    for low, high in zip(levels, [*levels[1:], ends[-1]], strict=True):
        below = [row[:-1] for row in rows if row[-1] <= low]
        volume += (high - low) * sliced(below, ends[:-1])
    return volume


def relative_error(value: float, truth: Fraction) -> float:
    if truth == 0:
        return 0.0 if value == 0 else math.inf
    return abs(float((Fraction(value) - truth) / truth))


def awkward_set(rng: np.random.Generator, m: int) -> tuple[Array, Array]:
    """Return points and a reference: other units for each objective, near-ties, points outside."""
    points = rng.random((int(rng.integers(3, 8)), m))
    points[1] = points[0] + rng.choice([-1, 1], m) * 10.0 ** rng.uniform(-12, -4, m)
    points[2] = points[0]
    points[-1, int(rng.integers(m))] = rng.choice([1.0, 1.5])
    units = 10.0 ** rng.integers(-12, 13, m)
    return points * units, units


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_volumes_against_fractions(m: int) -> None:
    rng = np.random.default_rng(m)
    positive = 0
    for _ in range(40):
        points, reference = awkward_set(rng, m)
        whole = exact(points, reference)
        assert relative_error(hypervolume(points, reference), whole) < 1e-14
        lost = [whole - exact(np.delete(points, i, 0), reference) for i in range(len(points))]
        found = hypervolume_contributions(points, reference)
        positive += sum(volume > 0 for volume in lost)
        assert max(map(relative_error, found.tolist(), lost)) < CLOSE
        front, new = points[: len(points) // 2], points[len(points) // 2 :]
        before = exact(front, reference)
        gains = [exact([*front, point], reference) - before for point in new]
        got = hypervolume_gains(new, front, reference)
        assert max(map(relative_error, got.tolist(), gains)) < CLOSE
    assert positive > 20


@pytest.mark.parametrize("m", [3, 4, 5])
@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_point_that_is_nearly_dominated_contributes_a_little(m: int, width: float) -> None:
    # Only a thin slice of this point is its own; it is far below the square root of epsilon.
    others = [[0.5] * m, [0.25] + [0.75] * (m - 1)]
    point = [0.5 - width] + [0.5] * (m - 2) + [0.625]
    reference = [1.0] * m
    truth = exact([*others, point], reference) - exact(others, reference)
    assert 0 < truth < width
    found = exclusive_volume(np.array(point), np.array(others), np.array(reference))
    assert relative_error(found, truth) < CLOSE
    assert hypervolume_contributions([*others, point], reference)[-1] == found


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("exponent", [-900, -40, 0, 40, 900])
def test_no_unit_changes_a_digit(m: int, exponent: int) -> None:
    # Powers of two round nothing, so results must be the same bits, shifted.
    rng = np.random.default_rng(0)
    points, reference = rng.random((12, m)), np.ones(m)
    scale = np.ldexp(1.0, [exponent // m] * m)
    shift = exponent // m * m
    for function in (hypervolume, hypervolume_contributions):
        plain: Any = np.ldexp(function(points, reference), shift)
        scaled: Any = function(points * scale, reference * scale)
        assert np.array_equal(plain, scaled)
    gains = hypervolume_gains(points[:6], points[6:], reference)
    scaled = hypervolume_gains(points[:6] * scale, points[6:] * scale, reference * scale)
    assert np.array_equal(np.ldexp(gains, shift), scaled)


@pytest.mark.parametrize(
    "units", [[1e200, 1e-250], [1e200, 1e150, 1e-300], [1e-200, 1e-150, 1e300, 1e40]]
)
def test_objectives_in_huge_and_in_tiny_units(units: list[float]) -> None:
    # The product of the spans is an ordinary number, but partial products are not.
    reference = np.array(units)
    points = np.random.default_rng(1).random((6, len(units))) * reference
    whole = exact(points, reference)
    assert relative_error(hypervolume(points, reference), whole) < 1e-14
    lost = [whole - exact(np.delete(points, i, 0), reference) for i in range(len(points))]
    found = hypervolume_contributions(points, reference)
    assert max(map(relative_error, found.tolist(), lost)) < CLOSE


@pytest.mark.parametrize("point", [[-1e308, -1e308], [-1e200, -1e200]])
def test_a_volume_that_is_larger_than_any_float_is_refused(point: list[float]) -> None:
    functions: list[Callable[[], Any]] = [
        lambda: hypervolume([point], [0.0, 0.0]),
        lambda: hypervolume_contributions([point], [0.0, 0.0]),
        lambda: hypervolume_gains([point], [], [0.0, 0.0]),
        lambda: exclusive_volume(np.array(point), np.empty((0, 2)), np.zeros(2)),
        lambda: hypervolume_gains([[*point, -1.0]], [], [0.0, 0.0, 0.0]),
    ]
    for function in functions:
        with pytest.raises(ValueError, match=r"hypervolume is about 1e\+\d+.*in larger units"):
            function()


@pytest.mark.parametrize("point", [[-1e-200, -1e-200], [-5e-324, -5e-324]])
def test_a_volume_that_is_smaller_than_any_float(point: list[float]) -> None:
    # As that of a whole set it would say that there is no point; as a part it is negligible.
    with pytest.raises(ValueError, match=r"hypervolume is about 1e-\d+.*in smaller units"):
        hypervolume([point], [0.0, 0.0])
    assert hypervolume_gains([point], [], [0.0, 0.0]).tolist() == [0.0]
    assert hypervolume_contributions([point], [0.0, 0.0]).tolist() == [0.0]


def test_spans_beyond_the_largest_float() -> None:
    # The span of the first objective is 2e308, which is infinite as a float.
    points, reference = [[-1e308, 0.0], [0.0, -1e-300]], [1e308, 1e-300]
    assert relative_error(hypervolume(points, reference), exact(points, reference)) < 1e-14


REFERENCES = [[1.0], [1.0, 1.0, 1.0], 1.0, [], [[1.0, 1.0]], [np.nan, 1.0], [np.inf, 1.0]]


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_function_checks_the_reference_in_the_same_way(reference: Any) -> None:
    points = [[0.0, 0.5], [0.5, 0.0]]
    functions: list[Callable[[Any], Any]] = [
        lambda given: inside_mask(points, given),
        lambda given: inside_mask(np.empty((0, 2)), given),
        lambda given: front_mask(points, given),
        lambda given: hypervolume(points, given),
        lambda given: hypervolume(np.empty((0, 2)), given),
        lambda given: hypervolume_contributions(points, given),
        lambda given: hypervolume_gains(points, points, given),
        lambda given: hypervolume_gains([], points, given),
        lambda given: RANKINGS["pareto_hypervolume"](points, given),
        lambda given: RANKINGS["pareto_epsnet"]([[np.nan, 1.0]], given),
        lambda given: ranked_set(RANKINGS["pareto_epsnet"], given, m=2),
        lambda given: ranked_set(RANKINGS["linear"], given, m=2),
    ]
    for function in functions:
        function([1.0, 1.0])
        with pytest.raises(ValueError, match="reference_point must"):
            function(reference)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e170, 1e300])
def test_distances_at_extreme_scales(scale: float) -> None:
    points, front = np.array([[1.0, 4.0], [3.0, 2.0]]), np.array([[1.0, 3.0], [2.0, 2.0], [4.0, 1]])
    assert igd_plus(points * scale, front * scale) == pytest.approx(scale, rel=1e-15)
    assert additive_epsilon(points * scale, front * scale) == pytest.approx(scale, rel=1e-15)
    net = np.array([[0.0, 1.0], [0.2, 0.6], [0.3, 0.5], [1.0, 0.0]])
    assert epsilon_net_order(net * scale).tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-300, 1e300])
def test_orders_at_extreme_scales(scale: float) -> None:
    points = np.array([[9.0, 9.0], [0.0, 6.0], [1.0, 4.0], [2.0, 3.0], [6.0, 0.0]])
    assert (non_dominated_mask(points * scale) == non_dominated_mask(points)).all()
    # Multiples of the smallest float are exact, so scaling must be exact too.
    assert scale_to_range(np.arange(4.0)[:, None] * scale).ravel().tolist() == [0, 1 / 3, 2 / 3, 1]
    for ranking in RANKINGS.values():
        assert ranking(points * scale).tolist() == ranking(points).tolist()


@pytest.mark.parametrize(("m", "n", "distance"), [(4, 120, 1e-9), (5, 70, 1e-5)])
def test_nearly_equal_points_are_not_slow(m: int, n: int, distance: float) -> None:
    generator = np.random.default_rng(0)
    points = generator.random((n // 2, m))
    points /= points.sum(axis=1, keepdims=True)
    pairs = np.vstack([points, points + distance * generator.standard_normal(points.shape)])
    began = time.process_time()
    contributions = hypervolume_contributions(pairs, np.full(m, 2.0))
    # Cutting every slice at every point took 3 s and 11 s.
    assert time.process_time() - began < 2
    assert (contributions >= 0).all()
