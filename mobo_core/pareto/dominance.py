"""Pareto dominance of points of shape (n, m), minimised.

The rules, written once and used everywhere:

* `a` dominates `b` if a ≤ b in every coordinate and a < b in at least one.
* Duplicates do not dominate each other: they share a front, a rank and a fate.
* A point with a NaN or ±inf coordinate is *invalid*: it dominates nothing, is never
  non-dominated, and all invalid points share the last rank. (−inf is no excellent result but a
  broken one.)
* The empty set is legal: ``[]`` or an array of shape (0, m) gives an empty result.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mobo_core.objectives import Points


def as_points(points: ArrayLike) -> Points:
    """Points as a float array of shape (n, m); ``[]`` becomes (0, 0).

    Raises:
        ValueError: If the input is not two-dimensional or has rows without coordinates.
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


def valid_mask(points: ArrayLike) -> NDArray[np.bool_]:
    """(n,) True where every coordinate is a finite number."""
    return np.asarray(np.isfinite(as_points(points)).all(axis=1), dtype=np.bool_)


def any_dominates(points: ArrayLike, point: ArrayLike) -> bool:
    """Whether any of the points (n, m) dominates the point (m,), all minimised.

    Invalid points dominate nothing; an invalid point is dominated by any valid one.

    Raises:
        ValueError: If the number of objectives differs.
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
    """(n,) True for the points no other point dominates; every duplicate of one counts.

    Args:
        points: (n, m), minimised.

    Cost: O(n log n) for two and three objectives, O(n² m) beyond (moocore).
    """
    array = as_points(points)
    mask = valid_mask(array)
    if mask.any():
        mask[mask] = moocore.is_nondominated(array[mask], keep_weakly=True)
    return mask


def front_mask(points: ArrayLike, reference_point: ArrayLike) -> NDArray[np.bool_]:
    """(n,) True for non-dominated points that are strictly better than the reference in all.

    These are the points that make up the hypervolume: the front as tables count it.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised.
    """
    return np.asarray(non_dominated_mask(points) & inside_mask(points, reference_point), bool)


def inside_mask(points: ArrayLike, reference_point: ArrayLike) -> NDArray[np.bool_]:
    """(n,) True for valid points that are strictly better than the reference in every objective.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised.
    """
    array = as_points(points)
    if len(array) == 0:
        return np.zeros(0, dtype=bool)
    with np.errstate(invalid="ignore"):
        better = (array < np.asarray(reference_point, dtype=float)).all(axis=1)
    return np.asarray(valid_mask(array) & better, dtype=bool)


def non_dominated_ranks(points: ArrayLike) -> NDArray[np.int64]:
    """(n,) index of each point's front: 0 for the non-dominated points, and so on.

    These are *ranks* (one per point, in the order of the input), not an order of indices.
    Invalid points share the rank after the last front.

    Args:
        points: (n, m), minimised.

    Source: fast non-dominated sorting, Deb et al. 2002, doi:10.1109/4235.996017, section III.A.
    """
    array = as_points(points)
    valid = valid_mask(array)
    ranks = np.zeros(len(array), dtype=np.int64)
    if valid.any():
        ranks[valid] = moocore.pareto_rank(array[valid])
        ranks[~valid] = ranks[valid].max() + 1
    return ranks


def scale_to_range(points: ArrayLike) -> Points:
    """Points (n, m) with every objective mapped from its own range to [0, 1].

    A constant objective maps to 0. Without this an objective of large numbers (parameters, 10⁴)
    would swamp one of small numbers (accuracy, 10⁻²) in any distance. Invalid points do not
    take part in the range and come back unscaled in meaning (their values stay non-finite).
    """
    array = as_points(points)
    valid = valid_mask(array)
    if not valid.any():
        return array.copy()
    return scale_between(array, array[valid].min(axis=0), array[valid].max(axis=0))


def scale_between(points: Points, low: Points, high: Points) -> Points:
    """Points (n, m) with every objective mapped from its range to [0, 1]; a constant one to 0.

    Args:
        points: (n, m).
        low: (m,) smallest values.
        high: (m,) largest values.
    """
    # Halved first: the range of two huge values of opposite sign would overflow.
    half_range = high / 2 - low / 2
    # A range of subnormal size is none: to divide by it may overflow.
    scale = np.where(half_range >= np.finfo(float).tiny, half_range, 1.0)
    scaled: Points = (points / 2 - low / 2) / scale
    return scaled


def crowding_distance(front: ArrayLike) -> Points:
    """(n,) NSGA-II crowding distances of one front; infinite at the ends of an objective.

    Args:
        front: (n, m) points of one front, minimised, all valid.

    Source: Deb et al. 2002, doi:10.1109/4235.996017, section III.B; objectives are scaled by the
    front's range, ties are ordered stably by position.
    """
    array = scale_to_range(front)
    if len(array) <= 2:
        return np.full(len(array), np.inf)
    distance = np.zeros(len(array))
    for column in array.T:
        if np.ptp(column) == 0:
            continue  # an objective in which all are equal orders nobody
        order = np.argsort(column, kind="stable")
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += column[order[2:]] - column[order[:-2]]
    return distance


def epsilon_net_order(front: ArrayLike) -> NDArray[np.int64]:
    """Indices of one front's points, (n,), so that every prefix covers the front well.

    Starts at the point with the smallest coordinate sum, then takes again and again the point
    whose smallest Euclidean distance to those taken is largest. Ties go to the
    lexicographically smaller point, then to the earlier one, so the order does not depend on
    how distinct points are arranged.

    Args:
        front: (n, m) points of one front, minimised, all valid and already scaled
            (see `scale_to_range`).

    Source: Salinas et al. 2021, arXiv:2106.05680, section 4.2. Cost: O(n² m).
    """
    array = as_points(front)
    if len(array) == 0:
        return np.empty(0, dtype=np.int64)
    lexicographic = np.lexsort(array.T[::-1])
    columns = np.ascontiguousarray(array[lexicographic].T)
    chosen = [int(np.argmin(columns.sum(axis=0)))]
    gap = np.full(len(array), np.inf)  # squared distance to the nearest point taken
    difference, distance = np.empty(len(array)), np.empty(len(array))
    while len(chosen) < len(array):
        distance.fill(0.0)
        for column in columns:  # in place: fronts of thousands of points are ranked often
            np.subtract(column, column[chosen[-1]], out=difference)
            np.multiply(difference, difference, out=difference)
            np.add(distance, difference, out=distance)
        np.minimum(gap, distance, out=gap)
        gap[chosen[-1]] = -1.0
        farthest = int(np.argmax(gap))
        if gap[farthest] == 0:  # only duplicates of those taken are left
            chosen += np.flatnonzero(gap == 0).tolist()
            break
        chosen.append(farthest)
    order: NDArray[np.int64] = lexicographic[chosen].astype(np.int64)
    return order
