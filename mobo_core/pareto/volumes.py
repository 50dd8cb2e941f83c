"""Volumes of regions that points dominate, exact to the last digits at any scale.

Two mistakes of floating-point arithmetic are kept out here, for all volumes of
`mobo_core.pareto.indicators`:

* *Range.* A product of spans can overflow, or become 0, although the volume itself, or a ratio of
  two volumes, is an ordinary number. `normalised` therefore first divides every objective by a
  power of two, which rounds nothing, and `denormalised` multiplies the result by these powers
  again. A volume that no float can hold is refused.
* *Cancellation.* The part of a box that other points leave uncovered is much smaller than the box
  if the point is nearly dominated. A difference of two volumes then keeps no correct digit.
  `exclusive_volume` adds up slices of the uncovered part instead.
"""

from __future__ import annotations

from typing import NamedTuple

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mobo_core.objectives import Points

CANCELLATION = 2.0**-20
"""The share of a box below which its uncovered part is no longer computed as a difference.

A difference above it has at least 30 of 52 correct bits, which is a relative error of 1e-9.
"""


class Normalised(NamedTuple):
    """Points and a reference point, both divided by a power of two for each objective.

    Args:
        points: (n, m) the divided points.
        reference: (m,) the divided reference point.
        exponent: The sum of the powers' exponents: a volume must be multiplied by 2 to this power.

    Example:
        >>> normalised(np.array([[0.0, 3.0]]), np.array([8.0, 4.0])).reference.tolist()
        [1.0, 4.0]
    """

    points: Points
    reference: Points
    exponent: int


def normalised(points: Points, reference: Points) -> Normalised:
    """Return points whose largest span to the reference point is in [1, 2) for every objective.

    Args:
        points: (n, m), n ≥ 1, minimised, all inside the reference point.
        reference: (m,), minimised, finite.

    Example:
        >>> found = normalised(np.array([[1e200, 3.0]]), np.array([2e200, 4.0]))
        >>> (found.reference - found.points[0]).round(3).tolist(), found.exponent
        ([1.306, 1.0], 664)
    """
    exponents = span_exponents(points.min(axis=0), reference)
    return Normalised(
        np.ldexp(points, -exponents), np.ldexp(reference, -exponents), int(exponents.sum())
    )


def span_exponents(points: Points, reference: Points) -> NDArray[np.intc]:
    """Return e with 2^e ≤ span < 2^(e+1) for each span from a point to the reference point.

    Args:
        points: (..., m), minimised, all inside the reference point.
        reference: (m,), minimised, finite.

    Example:
        >>> span_exponents(np.array([[0.0, 3.0]]), np.array([8.0, 4.0])).tolist()
        [[3, 0]]
    """
    with np.errstate(over="ignore"):
        spans = reference - points
    # The span of two huge values can be infinite as a float. It is below 2^1025.
    exponents: NDArray[np.intc] = np.where(np.isinf(spans), 1025, np.frexp(spans)[1]) - 1
    return exponents


def denormalised(volumes: ArrayLike, exponents: ArrayLike) -> Points:
    """Return volumes of normalised points in the units of the original points.

    Args:
        volumes: (...) volumes, ≥ 0 and finite.
        exponents: (...) `Normalised.exponent` of each volume.

    Returns:
        (...) the volumes. One that is smaller than any float is 0.

    Raises:
        ValueError: If a volume is larger than the largest float.

    Example:
        >>> denormalised([1.5], exponents=[4]).tolist()
        [24.0]
    """
    exact = np.asarray(volumes, dtype=float)
    with np.errstate(over="ignore", under="ignore"):
        rounded: Points = np.ldexp(exact, exponents)
    if np.isinf(rounded).any():
        raise ValueError(_out_of_range(exact, exponents, "larger"))
    return rounded


def whole_volume(points: Points, reference: Points, *, may_vanish: bool = False) -> float:
    """Return the volume that points dominate together, > 0.

    Args:
        points: (n, m), n ≥ 1, minimised, all inside the reference point.
        reference: (m,), minimised, finite.
        may_vanish: Whether a volume that is smaller than any float is 0. Otherwise it is refused,
            because 0 would say that there is no point.

    Raises:
        ValueError: If the volume is larger than the largest float, or so small that a float would
            lose digits of it.

    Example:
        >>> whole_volume(np.array([[1.0, 4.0], [2.0, 2.0]]), np.array([5.0, 5.0]))
        10.0
    """
    found = normalised(points, reference)
    volume = np.asarray(moocore.hypervolume(found.points, ref=found.reference))
    rounded = float(denormalised(volume, found.exponent))
    if rounded < np.finfo(float).tiny and not may_vanish:
        raise ValueError(_out_of_range(volume, found.exponent, "smaller"))
    return rounded


def _out_of_range(volumes: Points, exponents: ArrayLike, units: str) -> str:
    """Return the message for volumes of which the largest is out of the range of floats."""
    decimal = round(float((np.log2(volumes[volumes > 0]) + np.max(exponents)).max() * np.log10(2)))
    return (
        f"a hypervolume is about 1e{decimal:+d}, but a float holds only numbers between 1e-307 and "
        f"1e+308; measure the objectives in {units} units"
    )


def exclusive_volume(point: Points, others: Points, reference: Points) -> float:
    """Return the volume that a point dominates and none of the other points does, ≥ 0.

    The relative error is below 1e-9. The result is exactly 0 if one of the others is no worse
    than the point in every objective.

    Args:
        point: (m,), minimised, inside the reference point.
        others: (k, m), minimised, all inside the reference point; it may hold dominated points.
        reference: (m,), minimised, finite.

    Raises:
        ValueError: If the volume is larger than the largest float.

    Cost: O(k log k) for m = 2, and one hypervolume of at most k points for larger m. A point that
    is nearly dominated costs more for m > 2: O(k^(m−1)) in the worst case, which few sets reach.

    Source: the box minus the limited set is the exclusive hypervolume of While et al. 2012 (WFG),
    doi:10.1109/TEVC.2010.2077298, section III.

    Example:
        >>> others, reference = np.array([[2.0, 2.0, 0.0]]), np.array([4.0, 4.0, 1.0])
        >>> exclusive_volume(np.array([1.0, 3.0, 0.0]), others, reference)
        1.0
    """
    if (others <= point).all(axis=1).any():
        return 0.0
    found = normalised(np.vstack([point, np.maximum(others, point)]), reference)
    volume = _exclusive(found.points[0], found.points[1:], found.reference)
    return float(denormalised(volume, found.exponent))


def _exclusive(point: Points, limited: Points, reference: Points) -> float:
    """Return `exclusive_volume` of a normalised point and others that were moved into its box."""
    box = float(np.prod(reference - point))
    if len(limited) == 0:
        return box
    if len(point) > 2:
        limited = limited[moocore.is_nondominated(limited)]
        volume = box - float(moocore.hypervolume(limited, ref=reference))
        if volume >= CANCELLATION * box:
            return volume
    return _uncovered(point, limited, reference)


def _uncovered(point: Points, corners: Points, reference: Points) -> float:
    """Return the volume of the box from point to reference that no corner dominates.

    The box is cut into slices along the last objective, at the corners. Inside a slice the corners
    at or below it cover the same part everywhere, so the rest has one objective less. Every term
    is positive, so nothing cancels.

    Args:
        point: (m,) the lower end of the box.
        corners: (k, m) points of the box.
        reference: (m,) the upper end of the box.
    """
    if (corners == point).all(axis=1).any():
        return 0.0
    if len(point) == 1:
        return float(corners.min(initial=reference[0]) - point[0])
    corners = corners[np.argsort(corners[:, -1], kind="stable")]
    if len(point) == 2:
        # A slice ends at the smallest first coordinate among the corners at or below it.
        ends = np.minimum.accumulate(np.append(reference[0], corners[:, 0]))
        heights = np.diff(np.concatenate([point[1:], corners[:, 1], reference[1:]]))
        return float((heights * (ends - point[0])).sum())
    levels, counts = np.unique(corners[:, -1], return_counts=True)
    heights = np.diff(np.concatenate([point[-1:], levels, reference[-1:]]))
    below = np.concatenate([[0], np.cumsum(counts)])
    return sum(
        float(height) * _exclusive(point[:-1], corners[:count, :-1], reference[:-1])
        for height, count in zip(heights, below, strict=True)
        if height > 0
    )
