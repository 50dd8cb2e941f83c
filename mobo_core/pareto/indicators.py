"""Quality indicators of sets of minimised points, computed by moocore.

Some points never count: invalid points (see `mobo_core.pareto.dominance`) and, for the
hypervolume, points that are not strictly better than the reference point in every objective.
Dominated points and duplicates contribute nothing. The caller always gives the reference point: it
belongs to the problem and must not be taken from the results that are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import as_points, front_mask, inside_mask, valid_mask


def _checked_reference(reference_point: ArrayLike, points: Points) -> Points:
    reference = np.asarray(reference_point, dtype=float)
    if reference.ndim != 1 or reference.size == 0:
        raise ValueError(f"reference_point must have shape (m,), got {reference.shape}")
    if points.shape[1] and reference.shape != (points.shape[1],):
        raise ValueError(
            f"reference_point must have shape ({points.shape[1]},), got {reference.shape}; "
            "give one value per objective"
        )
    if not np.isfinite(reference).all():
        raise ValueError(f"reference_point must be finite, got {reference.tolist()}")
    return reference


def hypervolume(points: ArrayLike, reference_point: ArrayLike) -> float:
    """Return the volume that the points dominate up to the reference point, ≥ 0.

    Its unit is the product of the objectives' units. It is 0.0 if no point is inside the reference
    point.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, or the reference point is not finite.

    Source: Zitzler & Thiele 1998, doi:10.1007/BFb0056872; computed by moocore (Fonseca et al.
    2006; HV3D+/HV4D+ for m = 3, 4) in O(n log n) for m ≤ 3.

    Example:
        >>> hypervolume([[1, 4], [2, 2], [3, 3]], reference_point=[5, 5])
        10.0
    """
    array = as_points(points)
    reference = _checked_reference(reference_point, array)
    inside = inside_mask(array, reference)
    if not inside.any():
        return 0.0
    return float(moocore.hypervolume(array[inside], ref=reference))


def hypervolume_contributions(points: ArrayLike, reference_point: ArrayLike) -> Points:
    """Return, for each point, the hypervolume that is lost if it alone is removed, shape (n,).

    The contribution is 0 for a point that is outside the reference point or dominated, and for
    each of several duplicates.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, or the reference point is not finite.

    Example:
        >>> hypervolume_contributions([[1, 4], [2, 2], [4, 1], [4, 4]], [5, 5]).tolist()
        [1.0, 4.0, 1.0, 0.0]
    """
    array = as_points(points)
    reference = _checked_reference(reference_point, array)
    inside = inside_mask(array, reference)
    contributions = np.zeros(len(array))
    if not inside.any():
        return contributions
    if array.shape[1] == 1:  # moocore needs at least two objectives
        best, runner_up = np.sort(np.append(array[inside, 0], reference[0]))[:2]
        contributions[inside & (array[:, 0] == best)] = runner_up - best
    else:
        contributions[inside] = moocore.hv_contributions(
            array[inside], ref=reference, ignore_dominated=False
        )
    return contributions


def hypervolume_gains(points: ArrayLike, front: ArrayLike, reference_point: ArrayLike) -> Points:
    """Return the hypervolume that each point alone would add to the front, shape (n,), ≥ 0.

    Args:
        points: (n, m) the points to add, minimised.
        front: (k, m) the set to which a point is added, minimised; it may hold dominated points.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, or the reference point is not finite.

    Cost: O(n k) for m = 2. For other m it is one hypervolume of at most k points for each point
    that adds something.

    Example:
        >>> hypervolume_gains([[1, 1], [3, 1], [4, 4]], [[2, 2]], [5, 5]).tolist()
        [7.0, 2.0, 0.0]
    """
    array, others = as_points(points), as_points(front)
    reference = _checked_reference(reference_point, array)
    _checked_reference(reference_point, others)
    others = others[front_mask(others, reference)].reshape(-1, len(reference))
    gains = np.zeros(len(array))
    inside = np.flatnonzero(inside_mask(array, reference))
    if len(inside) == 0:
        return gains
    if array.shape[1] == 2:
        gains[inside] = _staircase_gains(array[inside], others, reference)
        return gains
    for index in inside:
        point = array[index]
        if (others <= point).all(axis=1).any():
            continue
        # The part of the box between point and reference that the front already dominates.
        shared = hypervolume(np.maximum(others, point), reference) if len(others) else 0.0
        gains[index] = max(0.0, float(np.prod(reference - point)) - shared)
    return gains


def _staircase_gains(points: Points, front: Points, reference: Points) -> Points:
    """Return `hypervolume_gains` for two objectives.

    The front's staircase divides the plane into columns. In each column a point adds the rectangle
    below the staircase and above the point.
    """
    steps = front[np.lexsort(front.T[::-1])]
    left = np.concatenate([[-np.inf], steps[:, 0]])
    right = np.concatenate([steps[:, 0], [reference[0]]])
    height = np.concatenate([[reference[1]], steps[:, 1]])
    widths = np.clip(right - np.maximum(points[:, :1], left), 0, None)
    heights = np.clip(height - points[:, 1:], 0, None)
    gains: Points = (widths * heights).sum(axis=1)
    return gains


def igd_plus(points: ArrayLike, reference_front: ArrayLike) -> float:
    """Return the mean distance from the reference front to the region the points dominate, ≥ 0.

    The indicator is weakly Pareto-compliant. It is infinite if no point is valid.

    Args:
        points: (n, m), minimised.
        reference_front: (k, m), k ≥ 1, minimised, finite.

    Raises:
        ValueError: If the reference front is empty or not finite, or if m differs.

    Source: Ishibuchi et al. 2015, doi:10.1007/978-3-319-15892-1_8.

    Example:
        >>> igd_plus([[1, 4], [3, 2]], reference_front=[[1, 3], [2, 2], [4, 1]])
        1.0
    """
    return _against_front(moocore.igd_plus, points, reference_front)


def additive_epsilon(points: ArrayLike, reference_front: ArrayLike) -> float:
    """Return the smallest ε for which the points minus ε weakly dominate the reference front.

    The result is negative if the points are better everywhere, and infinite if no point is valid.

    Args:
        points: (n, m), minimised.
        reference_front: (k, m), k ≥ 1, minimised, finite.

    Raises:
        ValueError: If the reference front is empty or not finite, or if m differs.

    Source: Zitzler et al. 2003, doi:10.1109/TEVC.2003.810758.

    Example:
        >>> additive_epsilon([[1, 4], [3, 2]], reference_front=[[1, 2], [3, 1]])
        2.0
    """
    return _against_front(moocore.epsilon_additive, points, reference_front)


def attainment_surface(sets: Sequence[ArrayLike], percentile: float) -> Points:
    """Return the corners (k, m) of the region that a given share of the sets attain.

    A set attains a place if one of its points is at least as good there in every objective.

    Args:
        sets: One set of points per run, each of shape (n_i, m), minimised, with m = 2 or m = 3. A
            run without a valid point counts as a run that attains nothing.
        percentile: The smallest share of the sets in percent, in (0, 100]; 50 gives the median
            attainment surface.

    Raises:
        ValueError: If there is no set, if m differs between sets or is not 2 or 3, or if the
            percentile is out of range.

    Source: Grunert da Fonseca et al. 2001, doi:10.1007/3-540-44719-9_15.

    Example:
        >>> attainment_surface([[[1, 3]], [[2, 1]]], percentile=100).tolist()
        [[2.0, 3.0]]
    """
    arrays = [as_points(points) for points in sets]
    widths = {array.shape[1] for array in arrays if array.shape[1]}
    if len(widths) != 1 or not widths <= {2, 3}:
        raise ValueError(
            "attainment needs at least one set, and either two or three objectives in all sets; "
            f"got sets with these numbers of objectives: {sorted(widths)}"
        )
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile must lie in (0, 100], got {percentile}")
    filled = [array[valid_mask(array)] for array in arrays]
    filled = [array for array in filled if len(array)]
    # moocore gets only the sets that have points, so the share is rescaled to their number.
    needed = int(np.ceil(percentile / 100 * len(arrays) - 1e-9))
    if needed > len(filled):
        return np.empty((0, widths.pop()))
    labels = np.repeat(np.arange(len(filled)), [len(array) for array in filled])
    surface = moocore.eaf(np.vstack(filled), labels, percentiles=[100 * needed / len(filled)])
    corners: Points = np.asarray(surface)[:, :-1]
    return corners


def _against_front(
    indicator: Callable[..., float], points: ArrayLike, reference_front: ArrayLike
) -> float:
    front = as_points(reference_front)
    if len(front) == 0 or not valid_mask(front).all():
        raise ValueError("reference_front must hold at least one point and only finite values")
    array = as_points(points)
    if array.shape[1] and array.shape[1] != front.shape[1]:
        raise ValueError(
            f"points have {array.shape[1]} objectives, but the reference front has {front.shape[1]}"
        )
    array = array[valid_mask(array)]
    if len(array) == 0:
        return float("inf")
    return float(indicator(array, ref=front))
