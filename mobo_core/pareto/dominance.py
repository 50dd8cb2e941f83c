"""Pareto dominance of minimised points of shape (n, m).

All code in this project follows these rules:

* A point ``a`` *dominates* a point ``b`` if a ≤ b in every coordinate and a < b in at least one.
* Duplicates do not dominate each other: they are in the same front and have the same rank.
* A point with a NaN or ±inf coordinate is *invalid*. It dominates nothing, it is never
  non-dominated, and all invalid points share the last rank. This holds for −inf too: it is a
  broken result, not an excellent one.
* The empty set is allowed: ``[]`` or an array of shape (0, m) gives an empty result.
"""

from __future__ import annotations

from typing import Literal

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mobo_core.objectives import Points

NetSeed = Literal["smallest_sum", "first_objective"]
"""What is smallest at the first point of an ε-net: the sum of all objectives, or the first one."""


def as_points(points: ArrayLike) -> Points:
    """Return points as a float array of shape (n, m); ``[]`` becomes an array of shape (0, 0).

    Args:
        points: (n, m) numbers, one row per point.

    Raises:
        ValueError: If the input is not two-dimensional, or has rows without coordinates.

    Example:
        >>> as_points([[1, 2], [3, 4], [5, 6]]).shape
        (3, 2)
    """
    array = np.asarray(points, dtype=float)
    if array.shape == (0,):
        return np.empty((0, 0))
    if array.ndim != 2:
        raise ValueError(
            f"points must have shape (n, m), one row per point, got shape {array.shape}"
        )
    if array.shape[1] == 0 and array.shape[0] > 0:
        raise ValueError(f"points need at least one coordinate, got shape {array.shape}")
    return array


def as_reference(
    reference_point: ArrayLike, m: int | None, name: str = "reference_point"
) -> Points:
    """Return a reference point as a float array of shape (m,).

    Every function that takes a reference point checks it here.

    Args:
        reference_point: One finite number per objective, minimised.
        m: The number of objectives, or None if it is not known, as for an empty list of points.
        name: What the point is called in messages.

    Raises:
        ValueError: If the shape is another one, or a value is not finite.

    Example:
        >>> as_reference([5, 5], m=2).tolist()
        [5.0, 5.0]
        >>> as_reference(5, m=2)
        Traceback (most recent call last):
            ...
        ValueError: reference_point must have shape (2,), got (); give one value per objective
    """
    reference = np.asarray(reference_point, dtype=float)
    if reference.ndim != 1 or reference.size != (m or max(reference.size, 1)):
        raise ValueError(
            f"{name} must have shape ({m or 'm'},), got {reference.shape}; "
            "give one value per objective"
        )
    if not np.isfinite(reference).all():
        raise ValueError(f"{name} must be finite, got {reference.tolist()}")
    return reference


def valid_mask(points: ArrayLike) -> NDArray[np.bool_]:
    """Return a mask (n,) that is True for the points whose coordinates are all finite.

    Args:
        points: (n, m).

    Example:
        >>> valid_mask([[1.0, 2.0], [float("nan"), 2.0], [1.0, float("-inf")]]).tolist()
        [True, False, False]
    """
    return np.asarray(np.isfinite(as_points(points)).all(axis=1), dtype=np.bool_)


def any_dominates(points: ArrayLike, point: ArrayLike) -> bool:
    """Return whether at least one of the points dominates the given point.

    Invalid points dominate nothing; every valid point dominates an invalid one.

    Args:
        points: (n, m), minimised.
        point: (m,), minimised.

    Raises:
        ValueError: If the numbers of objectives differ.

    Example:
        >>> any_dominates([[1, 4], [3, 3]], [3, 4]), any_dominates([[1, 4], [3, 3]], [2, 3])
        (True, False)
    """
    rivals = as_points(points)
    rivals = rivals[valid_mask(rivals)]
    candidate = np.asarray(point, dtype=float)
    if len(rivals) == 0:
        return False
    if candidate.shape != (rivals.shape[1],):
        raise ValueError(f"point must have shape ({rivals.shape[1]},), got {candidate.shape}")
    if not np.isfinite(candidate).all():
        return True
    return bool(((rivals <= candidate).all(axis=1) & (rivals < candidate).any(axis=1)).any())


def non_dominated_mask(points: ArrayLike) -> NDArray[np.bool_]:
    """Return a mask (n,) that is True for the points that no other point dominates.

    All duplicates of a non-dominated point are non-dominated. Invalid points are not.

    Args:
        points: (n, m), minimised.

    Cost: O(n log n) for two and three objectives, O(n² m) for more (computed by moocore).

    Example:
        >>> non_dominated_mask([[1, 4], [2, 2], [3, 3], [4, 1]]).tolist()
        [True, True, False, True]
    """
    array = as_points(points)
    mask = valid_mask(array)
    if mask.any():
        mask[mask] = moocore.is_nondominated(array[mask], keep_weakly=True)
    return mask


def front_mask(points: ArrayLike, reference_point: ArrayLike) -> NDArray[np.bool_]:
    """Return a mask (n,) that is True for the points of the front inside the reference point.

    These points are non-dominated, and strictly better than the reference point in every
    objective. Only they contribute to the hypervolume, and tables count them as the front.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, or the reference point is not finite.

    Example:
        >>> front_mask([[1, 4], [2, 2], [3, 3], [9, 1]], reference_point=[5, 5]).tolist()
        [True, True, False, False]
    """
    inside = inside_mask(points, reference_point)
    return np.asarray(non_dominated_mask(points) & inside, dtype=bool)


def inside_mask(points: ArrayLike, reference_point: ArrayLike) -> NDArray[np.bool_]:
    """Return a mask (n,) that is True for the valid points inside the reference point.

    Such a point is strictly better than the reference point in every objective.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, or the reference point is not finite.

    Example:
        >>> inside_mask([[1, 4], [3, 3], [9, 1], [5, 2]], reference_point=[5, 5]).tolist()
        [True, True, False, False]
    """
    array = as_points(points)
    reference = as_reference(reference_point, array.shape[1] or None)
    if len(array) == 0:
        return np.zeros(0, dtype=bool)
    with np.errstate(invalid="ignore"):
        better = (array < reference).all(axis=1)
    return np.asarray(valid_mask(array) & better, dtype=bool)


def non_dominated_ranks(points: ArrayLike) -> NDArray[np.int64]:
    """Return the number of each point's front, shape (n,).

    Front 0 holds the non-dominated points. Front 1 holds the points that are non-dominated once
    front 0 is removed, and so on. Invalid points share the rank after the last front. The result
    holds *ranks* (one per point, in the order of the input); it is not an order of indices.

    Args:
        points: (n, m), minimised.

    Source: fast non-dominated sorting, Deb et al. 2002, doi:10.1109/4235.996017, section III.A.

    Example:
        >>> non_dominated_ranks([[4, 4], [2, 2], [1, 3], [3, 3]]).tolist()
        [2, 0, 0, 1]
    """
    array = as_points(points)
    valid = valid_mask(array)
    ranks = np.zeros(len(array), dtype=np.int64)
    if valid.any():
        ranks[valid] = moocore.pareto_rank(array[valid])
        ranks[~valid] = ranks[valid].max() + 1
    return ranks


def scale_to_range(points: ArrayLike) -> Points:
    """Return the points with every objective mapped from its own range to [0, 1].

    An objective that has the same value in all points is mapped to 0. The range is that of the
    valid points; invalid points keep their non-finite coordinates. Without scaling, an objective
    with large numbers (parameters, 10⁴) would outweigh one with small numbers (accuracy, 10⁻²) in
    every distance.

    Args:
        points: (n, m).

    Returns:
        (n, m).

    Example:
        >>> scale_to_range([[0, 100], [1, 300], [4, 200]]).tolist()
        [[0.0, 0.0], [0.25, 1.0], [1.0, 0.5]]
    """
    array = as_points(points)
    valid = valid_mask(array)
    if not valid.any():
        return array.copy()
    return scale_between(array, array[valid].min(axis=0), array[valid].max(axis=0))


def scale_between(points: Points, low: Points, high: Points) -> Points:
    """Return the points with every objective mapped from a given range to [0, 1].

    If an objective's range is empty, its values in that range are mapped to 0. A value outside
    the range that is too far away for a float is mapped to ±inf.

    Args:
        points: (..., m).
        low: (m,) the lower end of each objective's range.
        high: (m,) the upper end of each objective's range.

    Returns:
        An array of the points' shape.

    Example:
        >>> low, high = np.array([0.0, 3.0]), np.array([2.0, 3.0])
        >>> scale_between(np.array([[1.0, 3.0]]), low, high).tolist()
        [[0.5, 0.0]]
    """
    # Powers of two, which round nothing, keep the differences and the quotient in range.
    exponents = np.frexp(np.maximum(np.abs(low), np.abs(high)))[1] + 1
    lowest, width = np.ldexp(low, -exponents), np.ldexp(high, -exponents)
    width -= lowest
    with np.errstate(over="ignore"):
        shifted = np.ldexp(points, -exponents) - lowest
        scaled: Points = shifted / np.where(width > 0, width, 1.0)
    return scaled


def crowding_distance(front: ArrayLike) -> Points:
    """Return the crowding distance (NSGA-II) of each point of one front, shape (n,).

    A point's distance is the sum, over the objectives, of the difference between its two
    neighbours in that objective, each objective scaled by the front's range. It is infinite for
    the first and the last point of any objective. Equal values are sorted by their position; an
    objective in which all points are equal is left out.

    Args:
        front: (n, m) points of one front, minimised, all valid.

    Source: Deb et al. 2002, doi:10.1109/4235.996017, section III.B.

    Example:
        >>> crowding_distance([[0, 4], [1, 2], [2, 1], [4, 0]]).tolist()
        [inf, 1.25, 1.25, inf]
    """
    array = scale_to_range(front)
    if len(array) <= 2:
        return np.full(len(array), np.inf)
    distance = np.zeros(len(array))
    for column in array.T:
        if np.ptp(column) == 0:
            continue  # an objective with equal values gives no order
        order = np.argsort(column, kind="stable")
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += column[order[2:]] - column[order[:-2]]
    return distance


def epsilon_net_order(front: ArrayLike, seed: NetSeed = "smallest_sum") -> NDArray[np.int64]:
    """Return the indices (n,) of one front's points, so that every prefix covers the front well.

    The first point, the net's seed, is the one with the smallest sum of coordinates, or the one
    with the smallest first coordinate. Every next point is the one that is farthest from the
    points already taken: its smallest Euclidean distance to them is the largest. Among equals the
    lexicographically smaller point comes first, then the earlier one. The order of distinct points
    therefore does not depend on the order of the input.

    Args:
        front: (n, m) points of one front, minimised, all valid. They are usually scaled already
            (see `scale_to_range`), because distances depend on the units.
        seed: What is smallest at the first point: ``"smallest_sum"`` or ``"first_objective"``.

    Source: Salinas et al. 2021, arXiv:2106.05680, section 4.2. Cost: O(n² m).

    Example:
        >>> epsilon_net_order([[0.0, 1.0], [0.2, 0.6], [0.3, 0.5], [1.0, 0.0]]).tolist()
        [1, 3, 0, 2]
        >>> epsilon_net_order([[0.2, 0.6], [0.0, 1.0]], seed="first_objective").tolist()
        [1, 0]
    """
    array = as_points(front)
    if len(array) == 0:
        return np.empty(0, dtype=np.int64)
    # Squares of very large or very small numbers are out of range; a power of two rounds nothing.
    array = np.ldexp(array, -int(np.frexp(np.abs(array).max())[1]))
    lexicographic = np.lexsort(array.T[::-1])
    columns = np.ascontiguousarray(array[lexicographic].T)
    # In lexicographic order the point with the smallest first coordinate is at 0.
    chosen = [0 if seed == "first_objective" else int(np.argmin(columns.sum(axis=0)))]
    gap = np.full(len(array), np.inf)  # squared distances to the nearest point taken so far
    difference, distance = np.empty(len(array)), np.empty(len(array))
    while len(chosen) < len(array):
        distance.fill(0.0)
        for column in columns:  # in place, because large fronts are ranked often
            np.subtract(column, column[chosen[-1]], out=difference)
            np.multiply(difference, difference, out=difference)
            np.add(distance, difference, out=distance)
        np.minimum(gap, distance, out=gap)
        gap[chosen[-1]] = -1.0
        farthest = int(np.argmax(gap))
        if gap[farthest] == 0:  # only duplicates of points already taken are left
            chosen += np.flatnonzero(gap == 0).tolist()
            break
        chosen.append(farthest)
    order: NDArray[np.int64] = lexicographic[chosen].astype(np.int64)
    return order
