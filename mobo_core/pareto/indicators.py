"""Quality indicators of sets of points, thin over moocore; everything minimised.

What does not count, counts nothing: invalid points (see `mobo_core.pareto.dominance`), points that
are not strictly better than the reference point in every objective, and, in contributions,
dominated points and duplicates. The reference point is always the caller's: it belongs to the
problem and is never drawn from the results that are compared.
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
    """Volume dominated by the points and bounded by the reference point, ≥ 0.

    The unit is the product of the objectives' units; 0.0 for a set of which nothing counts.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: If the shapes do not match or the reference is not finite.

    Source: Zitzler & Thiele 1998, doi:10.1007/BFb0056872; computed by moocore (Fonseca et al.
    2006; HV3D+/HV4D+ for m = 3, 4), O(n log n) for m ≤ 3.
    """
    array = as_points(points)
    reference = _checked_reference(reference_point, array)
    inside = inside_mask(array, reference)
    if not inside.any():
        return 0.0
    return float(moocore.hypervolume(array[inside], ref=reference))


def hypervolume_contributions(points: ArrayLike, reference_point: ArrayLike) -> Points:
    """(n,) hypervolume lost if that point alone were removed.

    0 for a point that does not count, for a dominated point and for each of several duplicates.

    Args:
        points: (n, m), minimised.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: As `hypervolume`.
    """
    array = as_points(points)
    reference = _checked_reference(reference_point, array)
    inside = inside_mask(array, reference)
    contributions = np.zeros(len(array))
    if not inside.any():
        return contributions
    if array.shape[1] == 1:  # moocore starts at two objectives
        best, runner_up = np.sort(np.append(array[inside, 0], reference[0]))[:2]
        contributions[inside & (array[:, 0] == best)] = runner_up - best
    else:
        contributions[inside] = moocore.hv_contributions(
            array[inside], ref=reference, ignore_dominated=False
        )
    return contributions


def hypervolume_gains(points: ArrayLike, front: ArrayLike, reference_point: ArrayLike) -> Points:
    """(n,) hypervolume that each point alone would add to the front, ≥ 0.

    Args:
        points: (n, m), minimised.
        front: (k, m), minimised; the set to add to, which may hold dominated points.
        reference_point: (m,), minimised, finite.

    Raises:
        ValueError: As `hypervolume`.

    Cost: O(n k) for m = 2; beyond, one hypervolume of at most k points for each point that adds
    anything.
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
        # What the front already dominates of the point's own box.
        shared = hypervolume(np.maximum(others, point), reference) if len(others) else 0.0
        gains[index] = max(0.0, float(np.prod(reference - point)) - shared)
    return gains


def _staircase_gains(points: Points, front: Points, reference: Points) -> Points:
    """`hypervolume_gains` for two objectives: area under the front's staircase, by columns."""
    steps = front[np.lexsort(front.T[::-1])]
    left = np.concatenate([[-np.inf], steps[:, 0]])
    right = np.concatenate([steps[:, 0], [reference[0]]])
    height = np.concatenate([[reference[1]], steps[:, 1]])
    widths = np.clip(right - np.maximum(points[:, :1], left), 0, None)
    heights = np.clip(height - points[:, 1:], 0, None)
    gains: Points = (widths * heights).sum(axis=1)
    return gains


def igd_plus(points: ArrayLike, reference_front: ArrayLike) -> float:
    """Mean distance from the reference front to the region the points dominate, ≥ 0.

    Weakly Pareto-compliant. Infinite if no point is valid.

    Args:
        points: (n, m), minimised.
        reference_front: (k, m), k ≥ 1, minimised, finite.

    Source: Ishibuchi et al. 2015, doi:10.1007/978-3-319-15892-1_8.
    """
    return _against_front(moocore.igd_plus, points, reference_front)


def additive_epsilon(points: ArrayLike, reference_front: ArrayLike) -> float:
    """Smallest ε so that the points shifted by −ε weakly dominate the reference front.

    Negative if the points are better everywhere; infinite if no point is valid.

    Args:
        points: (n, m), minimised.
        reference_front: (k, m), k ≥ 1, minimised, finite.

    Source: Zitzler et al. 2003, doi:10.1109/TEVC.2003.810758.
    """
    return _against_front(moocore.epsilon_additive, points, reference_front)


def attainment_surface(sets: Sequence[ArrayLike], percentile: float) -> Points:
    """(k, m) corners of the region that at least `percentile` % of the sets attain.

    Args:
        sets: One (n_i, m) set of points per run, minimised, m 2 or 3; runs without a valid point
            count as runs that attain nothing.
        percentile: In (0, 100]; 50 gives the median attainment surface.

    Raises:
        ValueError: If there is no set, m differs or is not 2 or 3, or the percentile is out of
            range.

    Source: Grunert da Fonseca et al. 2001, doi:10.1007/3-540-44719-9_15.
    """
    arrays = [as_points(points) for points in sets]
    widths = {array.shape[1] for array in arrays if array.shape[1]}
    if len(widths) != 1 or not widths <= {2, 3}:
        raise ValueError(
            "attainment needs at least one set, all of two or all of three objectives, got "
            f"{sorted(widths)}"
        )
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile must lie in (0, 100], got {percentile}")
    filled = [array[valid_mask(array)] for array in arrays]
    filled = [array for array in filled if len(array)]
    # moocore knows only the sets that have points: the share is rescaled to them.
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
            f"points have {array.shape[1]} objectives, the reference front {front.shape[1]}"
        )
    array = array[valid_mask(array)]
    if len(array) == 0:
        return float("inf")
    return float(indicator(array, ref=front))
