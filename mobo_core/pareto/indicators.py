"""Quality indicators of sets of minimised points, computed by moocore.

Some points never count: invalid points (see `mobo_core.pareto.dominance`) and, for the
hypervolume, points that are not strictly better than the reference point in every objective.
Dominated points and duplicates contribute nothing. The caller always gives the reference point: it
belongs to the problem and must not be taken from the results that are compared.

The results do not depend on the objectives' units, from the smallest to the largest floats (see
`mobo_core.pareto.volumes`). A hypervolume that no float can hold is refused.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import (
    as_points,
    as_reference,
    front_mask,
    inside_mask,
    valid_mask,
)
from mobo_core.pareto.volumes import (
    denormalised,
    exclusive_volume,
    normalised,
    span_exponents,
    whole_volume,
)


def hypervolume(points: ArrayLike, reference_point: ArrayLike) -> float:
    """Return the volume that the points dominate up to the reference point, ≥ 0.

    Its unit is the product of the objectives' units. It is 0.0 if no point is inside the reference
    point.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, the reference point is not finite, or no float holds
            the volume.

    Source: Zitzler & Thiele 1998, doi:10.1007/BFb0056872; computed by moocore (Fonseca et al.
    2006; HV3D+/HV4D+ for m = 3, 4) in O(n log n) for m ≤ 3.

    Example:
        >>> hypervolume([[1, 4], [2, 2], [3, 3]], reference_point=[5, 5])
        10.0
    """
    array = as_points(points)
    inside = inside_mask(array, reference_point)
    if not inside.any():
        return 0.0
    return whole_volume(array[inside], as_reference(reference_point, array.shape[1]))


def hypervolume_contributions(points: ArrayLike, reference_point: ArrayLike) -> Points:
    """Return, for each point, the hypervolume that is lost if it alone is removed, shape (n,).

    The contribution is 0 for a point that is outside the reference point or dominated, and for
    each of several duplicates.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, the reference point is not finite, or a contribution
            is larger than the largest float.

    Cost: O(n log n) for m = 2 (computed by moocore). For other m it is, for each point that
    contributes, that of `mobo_core.pareto.volumes.exclusive_volume`.

    Example:
        >>> hypervolume_contributions([[1, 4], [2, 2], [4, 1], [4, 4]], [5, 5]).tolist()
        [1.0, 4.0, 1.0, 0.0]
    """
    array = as_points(points)
    reference = as_reference(reference_point, array.shape[1] or None)
    inside = np.flatnonzero(inside_mask(array, reference))
    contributions = np.zeros(len(array))
    if len(inside) and len(reference) == 2:
        found = normalised(array[inside], reference)
        volumes = moocore.hv_contributions(
            found.points, ref=found.reference, ignore_dominated=False
        )
        contributions[inside] = denormalised(volumes, found.exponent)
        return contributions
    for index in inside:  # for m > 2, moocore returns 0 below an absolute threshold
        others = array[inside[inside != index]]
        contributions[index] = exclusive_volume(array[index], others, reference)
    return contributions


def hypervolume_gains(points: ArrayLike, front: ArrayLike, reference_point: ArrayLike) -> Points:
    """Return the hypervolume that each point alone would add to the front, shape (n,), ≥ 0.

    Args:
        points: (n, m) the points to add, minimised.
        front: (k, m) the set to which a point is added, minimised; it may hold dominated points.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match, the reference point is not finite, or a gain is
            larger than the largest float.

    Cost: O(n k) for m = 2. For other m it is, for each point that adds something, that of
    `mobo_core.pareto.volumes.exclusive_volume`.

    Example:
        >>> hypervolume_gains([[1, 1], [3, 1], [4, 4]], [[2, 2]], [5, 5]).tolist()
        [7.0, 2.0, 0.0]
    """
    array, others = as_points(points), as_points(front)
    reference = as_reference(reference_point, array.shape[1] or others.shape[1] or None)
    others = others[front_mask(others, reference)].reshape(-1, len(reference))
    gains = np.zeros(len(array))
    inside = np.flatnonzero(inside_mask(array, reference))
    if len(inside) == 0:
        return gains
    if array.shape[1] == 2:
        gains[inside] = _staircase_gains(array[inside], others, reference)
        return gains
    for index in inside:
        gains[index] = exclusive_volume(array[index], others, reference)
    return gains


def hypervolumes(sets: Points, reference_point: Points) -> Points:
    """Return the hypervolume (s,) of each of s sets of n points.

    Args:
        sets: (s, n, m), minimised, not NaN.
        reference_point: (m,), minimised, finite.

    Cost: that of `hypervolume` for each set without its checks; a few array operations for m = 2.

    Example:
        >>> hypervolumes(np.array([[[1.0, 1.0], [3.0, 0.0]], [[4.0, 4.0], [9.0, 9.0]]]), [5, 5])
        array([18.,  1.])
    """
    reference = np.asarray(reference_point, dtype=float)
    inside = np.minimum(sets, reference)  # a point outside has no width or no height
    if len(reference) != 2:
        if not (inside < reference).any():
            return np.zeros(len(inside))
        lowest = inside.min(axis=(0, 1), keepdims=True)[0]
        exponents = span_exponents(lowest, reference)[0]
        scaled, bound = np.ldexp(inside, -exponents), np.ldexp(reference, -exponents)
        exact = [moocore.hypervolume(points, bound) for points in scaled]
        return denormalised(exact, int(exponents.sum()))
    order = np.argsort(inside[..., 0], axis=1, kind="stable")
    begin = np.take_along_axis(inside[..., 0], order, axis=1)
    height = np.take_along_axis(inside[..., 1], order, axis=1)
    end = np.column_stack([begin[:, 1:], np.full(len(begin), reference[0])])
    lowest = np.minimum.accumulate(height, axis=1)
    volumes: Points = ((end - begin) * (reference[1] - lowest)).sum(axis=1)
    return volumes


def _staircase_gains(points: Points, front: Points, reference: Points) -> Points:
    """Return `hypervolume_gains` for two objectives.

    The front's staircase divides the plane into columns. In each column a point adds the rectangle
    below the staircase and above the point.
    """
    steps = front[np.lexsort(front.T[::-1])]
    left = np.concatenate([[-np.inf], steps[:, 0]])
    right = np.concatenate([steps[:, 0], [reference[0]]])
    height = np.concatenate([[reference[1]], steps[:, 1]])
    # Each point's widths and heights are normalised by its own spans, as in `exclusive_volume`.
    exponents = span_exponents(points, reference)
    scale_x, scale_y = -exponents[:, :1], -exponents[:, 1:]
    starts = np.ldexp(np.maximum(points[:, :1], left), scale_x)
    widths = np.clip(np.ldexp(right, scale_x) - starts, 0, None)
    heights = np.clip(np.ldexp(height, scale_y) - np.ldexp(points[:, 1:], scale_y), 0, None)
    return denormalised((widths * heights).sum(axis=1), exponents.sum(axis=1))


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


def r2(points: ArrayLike, ideal: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the mean Chebyshev distance to the ideal point that the best points leave, ≥ 0.

    For each weight vector w the best point counts: min over the points of max_j w_j·(f_j − z_j).
    Scale the points first: weights mean little between objectives of different units. The indicator
    is weakly Pareto-compliant. It is infinite if no point is valid.

    Args:
        points: (n, m), minimised. A value better than the ideal one counts as the ideal one.
        ideal: (m,) the ideal point z, minimised, finite.
        weights: (k, m) weight vectors, each ≥ 0. None takes those of `simplex`.

    Raises:
        ValueError: If the shapes do not match, the ideal point is not finite, or a weight is
            negative or not finite.

    Source: Hansen & Jaszkiewicz 1998; Brockhoff et al. 2012, doi:10.1145/2330163.2330230.

    Example:
        >>> round(r2([[0.0, 1.0], [0.5, 0.5]], ideal=[0, 0], weights=[[0.5, 0.5], [0.9, 0.1]]), 3)
        0.175
    """
    array = as_points(points)
    target = as_reference(ideal, array.shape[1] or None, name="ideal")
    vectors = simplex(len(target)) if weights is None else np.asarray(weights, dtype=float)
    if vectors.ndim != 2 or vectors.shape[1] != len(target):
        raise ValueError(f"weights must have shape (k, {len(target)}), got {vectors.shape}")
    if not (np.isfinite(vectors).all() and (vectors >= 0).all() and len(vectors)):
        raise ValueError("weights must hold at least one vector, finite and not negative")
    array = array[valid_mask(array)]
    if len(array) == 0:
        return float("inf")
    distances = np.maximum(array - target, 0)
    return float((vectors[:, None] * distances).max(axis=2).min(axis=1).mean())


def simplex(m: int, at_least: int = 100) -> Points:
    """Return evenly spread weight vectors (k, m), each of sum 1.

    The vectors are all those whose entries are multiples of 1/d, with the smallest d that gives
    enough of them.

    Args:
        m: The number of objectives, ≥ 1.
        at_least: The smallest number of vectors; with one objective there is only one.

    Source: Das & Dennis 1998, doi:10.1137/S1052623496307510.

    Example:
        >>> simplex(2, at_least=3).tolist()
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    divisions = 1
    while m > 1 and math.comb(divisions + m - 1, m - 1) < at_least:
        divisions += 1
    cuts = itertools.combinations(range(divisions + m - 1), m - 1)
    bounds = np.array([(-1, *cut, divisions + m - 1) for cut in cuts])
    weights: Points = (np.diff(bounds, axis=1) - 1) / divisions
    return weights


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
    # One power of two for all objectives rounds nothing and keeps squares of distances in range.
    exponent = int(np.frexp(max(np.abs(array).max(), np.abs(front).max()))[1])
    distance = indicator(np.ldexp(array, -exponent), ref=np.ldexp(front, -exponent))
    return float(np.ldexp(distance, exponent))
