"""Slow and obvious versions of the fast functions of `mobo_core`, and inputs to compare both.

Nothing here imports `mobo_core`. The inputs are small integers stored as floats. Ties and
duplicates are frequent, and sums and products are exact, so results can be compared for equality.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from numpy.typing import NDArray

Array = NDArray[np.float64]
Row = Sequence[float]

BROKEN = (math.nan, math.inf, -math.inf)


def is_valid(point: Row) -> bool:
    return all(math.isfinite(x) for x in point)


def dominates(a: Row, b: Row) -> bool:
    """Return whether one valid point dominates another, by the definition."""
    pairs = list(zip(a, b, strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def ranks(points: Sequence[Row]) -> list[int]:
    """Return each point's rank by peeling off one front after the other.

    Invalid points form the last front.
    """
    rank = [-1] * len(points)
    left = [i for i, point in enumerate(points) if is_valid(point)]
    front_index = 0
    while left:
        front = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        for i in front:
            rank[i] = front_index
        left = [i for i in left if i not in front]
        front_index += 1
    return [front_index if r < 0 else r for r in rank]


def hypervolume(points: Sequence[Row], reference: Row | Array) -> float:
    """Return the hypervolume by inclusion-exclusion over all subsets of the boxes.

    The box of a point reaches from the point to the reference. There are 2^n terms.
    """
    boxes = [
        p for p in points if is_valid(p) and all(x < r for x, r in zip(p, reference, strict=True))
    ]
    total = 0.0
    for size in range(1, len(boxes) + 1):
        for subset in itertools.combinations(boxes, size):
            corner = [max(column) for column in zip(*subset, strict=True)]
            volume = math.prod(r - x for x, r in zip(corner, reference, strict=True))
            total += volume if size % 2 else -volume
    return total


def cells_dominated(points: Sequence[Row], low: int, reference: Sequence[int]) -> int:
    """Return how many unit cells of the grid from `low` to the reference any point dominates."""
    axes = [range(low, high) for high in reference]
    return sum(
        any(all(x <= c for x, c in zip(point, cell, strict=True)) for point in points)
        for cell in itertools.product(*axes)
    )


def contributions(points: Sequence[Row], reference: Row | Array) -> list[float]:
    """Return how much hypervolume is lost without each point."""
    whole = hypervolume(points, reference)
    return [
        whole - hypervolume([p for j, p in enumerate(points) if j != i], reference)
        for i in range(len(points))
    ]


def igd_plus(points: Sequence[Row], front: Sequence[Row]) -> float:
    return math.fsum(
        min(math.hypot(*(max(x - z, 0.0) for x, z in zip(p, target, strict=True))) for p in points)
        for target in front
    ) / len(front)


def additive_epsilon(points: Sequence[Row], front: Sequence[Row]) -> float:
    return max(min(max(x - z for x, z in zip(p, t, strict=True)) for p in points) for t in front)


def attained_corners(
    sets: Sequence[Sequence[Row]], needed: int, low: int, high: int, m: int
) -> set[tuple[float, ...]]:
    """Return the minimal integer grid points that at least `needed` sets weakly dominate."""

    def attained(cell: Row) -> bool:
        hits = sum(
            any(all(x <= c for x, c in zip(p, cell, strict=True)) for p in points)
            for points in sets
        )
        return hits >= needed

    cells = [c for c in itertools.product(range(low, high + 1), repeat=m) if attained(c)]
    return {
        tuple(float(x) for x in cell)
        for cell in cells
        if not any(dominates(other, cell) for other in cells)
    }


def net_order(points: Sequence[Row]) -> list[int]:
    """Return the order of the greedy epsilon-net. Squared distances of integers are exact."""

    def squared(a: Row, b: Row) -> float:
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))

    left = list(range(len(points)))
    order: list[int] = []
    while left:
        if order:
            key = {i: -min(squared(points[i], points[j]) for j in order) for i in left}
        else:
            key = {i: sum(points[i]) for i in left}
        best = min(left, key=lambda i: (key[i], tuple(points[i]), i))
        order.append(best)
        left.remove(best)
    return order


def rows(array: Array) -> list[tuple[float, ...]]:
    return [tuple(float(x) for x in row) for row in array]


@st.composite
def point_sets(
    draw: DrawFn,
    *,
    m: int | None = None,
    min_m: int = 1,
    max_m: int = 4,
    min_n: int = 0,
    max_n: int = 8,
    low: int = 0,
    high: int = 4,
    broken: bool = False,
) -> Array:
    """Draw an (n, m) array of small integers as floats, with NaN and ±inf if `broken`."""
    width = draw(st.integers(min_m, max_m)) if m is None else m
    values = [float(x) for x in range(low, high + 1)]
    if broken:
        # With the usual range one value in six is broken. With more, few rows would be valid.
        values = 3 * values + list(BROKEN)
    value = st.sampled_from(values)
    row = st.lists(value, min_size=width, max_size=width)
    listed = draw(st.lists(row, min_size=min_n, max_size=max_n))
    return np.array(listed, dtype=float).reshape(len(listed), width)


@st.composite
def shuffled(draw: DrawFn, sets: SearchStrategy[Array]) -> tuple[Array, list[int]]:
    """Draw a set of points and a permutation of its rows."""
    points = draw(sets)
    return points, draw(st.permutations(range(len(points))))


@st.composite
def rescaled(draw: DrawFn, sets: SearchStrategy[Array]) -> tuple[Array, Array, Array]:
    """Draw a set of points, and for each objective a power of two and a whole number.

    Scaling and shifting by these does not round, so invariant results must be exactly equal.
    """
    points = draw(sets)
    m = points.shape[1]
    exponents = draw(st.lists(st.integers(-10, 10), min_size=m, max_size=m))
    shifts = draw(st.lists(st.integers(-1000, 1000), min_size=m, max_size=m))
    return points, 2.0 ** np.array(exponents), np.array(shifts, dtype=float)


@st.composite
def distinct_columns(draw: DrawFn, max_n: int = 7) -> Array:
    """Draw an (n, m) array in which no objective has the same value twice."""
    n, m = draw(st.integers(1, max_n)), draw(st.integers(1, 3))
    columns = [draw(st.permutations(range(n))) for _ in range(m)]
    return np.array(columns, dtype=float).T
