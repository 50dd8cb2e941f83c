"""Rankings: functions that sort minimised points (n, m) from the best to the worst.

A ranking returns an *order*: the indices (n,) of the points, best first. An order is not a vector
of ranks: ``order[0]`` is the index of the best point, but ``ranks[0]`` is the place of the first
point. The two are equal for sorted input, so a test on sorted points does not notice when one is
read as the other. `ranks_of` converts an order to ranks.

All rankings follow these rules:

* Objectives are scaled by their range over the valid points
  (`mobo_core.pareto.dominance.scale_to_range`), so that no unit outweighs another. Only
  `pareto_epsnet_raw` leaves this out.
* Among equals the lexicographically smaller point comes first, then the earlier one. Nothing is
  random, so the ranked values do not depend on the order of the input.
* Invalid points (with NaN or ±inf) come last, in the order of the input.

To add a ranking, write one function here and add it to `RANKINGS`. Write it as a `FrontRanking`
(it sorts the points inside one front) or as a `ScoreRanking` (it gives each point a score). The
order is then also updated at low cost as points arrive (see `mobo_core.pareto.incremental`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import (
    as_points,
    as_reference,
    crowding_distance,
    epsilon_net_order,
    non_dominated_ranks,
    scale_between,
    valid_mask,
)
from mobo_core.pareto.indicators import hypervolume_contributions

Order = NDArray[np.int64]

AUGMENTATION = 0.05
"""The weight ρ of the sum in the augmented Chebyshev scalarisation.

Source: Knowles 2006, doi:10.1109/TEVC.2005.851274.
"""
FALLBACK_MARGIN = 0.1
"""The distance from the worst value to the default reference point, as a share of the range.

The default is used, in each objective, if no reference point is given.
"""


class Ranking(Protocol):
    """A function that sorts points from the best to the worst.

    Example:
        >>> ranking: Ranking = pareto_epsnet
        >>> ranking([[4, 4], [1, 3], [2, 2]]).tolist()
        [2, 1, 0]
    """

    def __call__(self, points: ArrayLike, reference_point: ArrayLike | None = None) -> Order:
        """Return the indices (n,) of the points, best first.

        Args:
            points: (n, m), minimised.
            reference_point: (m,), minimised; most rankings do not use it.
        """
        ...


class FrontRanking:
    """A ranking that sorts points front by front, and inside each front by a given function.

    Use the class as a decorator of that function.

    Args:
        inside: A function that sorts one front, best first. It receives the front's points (k, m),
            scaled and in lexicographic order, and the reference point (m,) on the same scale. It
            returns the indices (k,) of the points.
        scaled: Whether objectives are scaled by their range, or keep their own units.

    Example:
        >>> @FrontRanking
        ... def pareto_knee(front, reference):
        ...     return np.argsort(front.max(axis=1), kind="stable")
        >>> pareto_knee([[0, 10], [10, 0], [2, 3], [3, 4]]).tolist()
        [2, 0, 1, 3]
    """

    def __init__(self, inside: Callable[[Points, Points], Order], *, scaled: bool = True) -> None:
        self._inside = inside
        self._scaled = scaled
        functools.update_wrapper(self, inside)

    def __reduce__(self) -> str:
        """Pickle by name, as Python pickles functions: the name leads to this object."""
        return self.__qualname__

    __qualname__: str

    def __call__(self, points: ArrayLike, reference_point: ArrayLike | None = None) -> Order:
        """Return the indices (n,) of the points, best first.

        Args:
            points: (n, m), minimised.
            reference_point: (m,), minimised. Without one it lies, in each objective, beyond the
                worst valid value by `FALLBACK_MARGIN` of the range.

        Raises:
            ValueError: If the reference point has another number of objectives or is not finite.
        """
        array = as_points(points)
        if reference_point is not None:
            as_reference(reference_point, array.shape[1] or None)
        valid = np.flatnonzero(valid_mask(array))
        if len(valid) == 0:
            return _with_invalid(valid, array)
        # Points are sorted lexicographically first: ties must not depend on the input's order.
        ordered = valid[_lexicographic(array[valid])]
        low, high = array[valid].min(axis=0), array[valid].max(axis=0)
        ranks = non_dominated_ranks(array[ordered])
        by_rank = np.argsort(ranks, kind="stable")
        bounds = np.flatnonzero(np.diff(ranks[by_rank])) + 1
        pieces = [
            positions[self.order_front(array[positions], low, high, reference_point)]
            for positions in np.split(ordered[by_rank], bounds)
        ]
        return _with_invalid(np.concatenate(pieces), array)

    def order_front(
        self, front: Points, low: Points, high: Points, reference_point: ArrayLike | None
    ) -> Order:
        """Return the indices (k,) of one front's points, best first.

        Args:
            front: (k, m) the points of one front, minimised, in lexicographic order.
            low: (m,) the smallest values among all valid points, not only of this front.
            high: (m,) the largest values among all valid points, not only of this front.
            reference_point: (m,), minimised, or None for the default of `__call__`.
        """
        if len(front) == 1:
            return np.zeros(1, np.int64)
        if not self._scaled:
            with np.errstate(over="ignore"):
                beyond = high + FALLBACK_MARGIN * (high - low)
            own = beyond if reference_point is None else as_reference(reference_point, len(low))
            return self._inside(front, own)
        reference = _scaled_reference(low, high, reference_point)
        return self._inside(scale_between(front, low, high), reference)


@FrontRanking
def pareto_epsnet(front: Points, reference: Points) -> Order:
    """Sort points front by front, and inside a front so that every prefix covers it well.

    The order inside a front is that of `mobo_core.pareto.dominance.epsilon_net_order`.

    Source: Salinas et al. 2021, arXiv:2106.05680, section 4.2. Cost: O(n log n) for the fronts
    (m ≤ 3) and O(k² m) for a front of k points.

    Example:
        >>> pareto_epsnet([[9, 9], [0, 6], [1, 4], [6, 0]]).tolist()
        [2, 3, 1, 0]
    """
    return epsilon_net_order(front)


@functools.partial(FrontRanking, scaled=False)
def pareto_epsnet_raw(front: Points, reference: Points) -> Order:
    """Sort points front by front, and inside a front by an ε-net of the unscaled values.

    The net starts at the point that is best in the first objective, and distances are measured in
    the objectives' own units, so the objective with the largest numbers decides most. These are
    the choices of Syne Tune's ``NonDominatedPriority``. Otherwise it is `pareto_epsnet`.

    Example:
        >>> pareto_epsnet_raw([[9, 9], [0, 6], [1, 4], [6, 0]]).tolist()
        [1, 3, 2, 0]
    """
    return epsilon_net_order(front, seed="first_objective")


@FrontRanking
def pareto_crowding(front: Points, reference: Points) -> Order:
    """Sort points front by front, and inside a front by crowding distance, the largest first.

    Source: Deb et al. 2002 (NSGA-II), doi:10.1109/4235.996017, section III.B. Cost: O(m n log n)
    in addition to the fronts.

    Example:
        >>> pareto_crowding([[9, 9], [0, 6], [1, 4], [2, 3], [6, 0]]).tolist()
        [1, 4, 3, 2, 0]
    """
    return np.argsort(-crowding_distance(front), kind="stable")


@FrontRanking
def pareto_hypervolume(front: Points, reference: Points) -> Order:
    """Sort points front by front, and inside a front by hypervolume contribution, largest first.

    A point's contribution is the hypervolume that only this point of its front dominates. Points
    that contribute nothing (they are outside the reference point, or duplicates) are sorted by the
    sum of their scaled coordinates. Without a reference point, it lies beyond the worst valid
    value of each objective by a tenth of the objective's range.

    Source: Beume et al. 2007 (SMS-EMOA), doi:10.1016/j.ejor.2006.08.008. Cost: O(k log k) for a
    front of k points (m ≤ 3).

    Example:
        >>> pareto_hypervolume([[9, 9], [0, 6], [1, 4], [6, 0]], reference_point=[10, 10]).tolist()
        [3, 2, 1, 0]
    """
    contributions = hypervolume_contributions(front, reference)
    return np.lexsort((front.sum(axis=1), -contributions))


class ScoreRanking:
    """A ranking that sorts points by a score, smallest first.

    Use the class as a decorator of the function that computes the scores.

    Args:
        score: A function from scaled and weighted points (n, m) to their scores (n,); a smaller
            score is better.

    Example:
        >>> @ScoreRanking
        ... def worst_objective(weighted):
        ...     return weighted.max(axis=1)
        >>> worst_objective([[0, 10], [10, 0], [2, 3]]).tolist()
        [2, 0, 1]
    """

    def __init__(self, score: Callable[[Points], Points]) -> None:
        self._score = score
        functools.update_wrapper(self, score)

    def __reduce__(self) -> str:
        """Pickle by name, as Python pickles functions: the name leads to this object."""
        return self.__qualname__

    __qualname__: str

    def __call__(
        self,
        points: ArrayLike,
        reference_point: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> Order:
        """Return the indices (n,) of the points, best first.

        Args:
            points: (n, m), minimised.
            reference_point: Not used.
            weights: Non-negative weights of the objectives: (m,) for all points, or (n, m) with a
                row for each point. None gives all objectives the weight 1/m.

        Raises:
            ValueError: If the weights have another shape, are negative or are not finite.
        """
        array = as_points(points)
        own = np.broadcast_to(_weights(weights, array), array.shape)
        valid = np.flatnonzero(valid_mask(array))
        if len(valid) == 0:
            return _with_invalid(valid, array)
        kept = array[valid]
        scores = self.scores(kept, kept.min(axis=0), kept.max(axis=0), own[valid])
        return _with_invalid(valid[np.lexsort((*kept.T[::-1], scores))], array)

    def scores(
        self, points: Points, low: Points, high: Points, weights: Points | None = None
    ) -> Points:
        """Return the scores (n,) of valid points; a smaller score is better.

        Args:
            points: (n, m), minimised, all valid.
            low: (m,) the smallest values by which the objectives are scaled.
            high: (m,) the largest values by which the objectives are scaled.
            weights: (n, m) the weights; None gives all objectives the weight 1/m.
        """
        if weights is None:
            weights = _weights(None, points)
        return self._score(scale_between(points, low, high) * weights)


@ScoreRanking
def linear(weighted: Points) -> Points:
    """Sort points by the weighted sum of the scaled objectives.

    No weights put a point of a concave part of the front first.

    Example:
        >>> linear([[0, 10], [10, 0], [2, 3]], weights=[0.5, 0.5]).tolist()
        [2, 0, 1]
    """
    scores: Points = weighted.sum(axis=1)
    return scores


@ScoreRanking
def chebyshev(weighted: Points) -> Points:
    """Sort points by the augmented Chebyshev scalarisation of the scaled objectives.

    The score of a point is max_j w_j z_j + ρ Σ_j w_j z_j with its scaled objectives z_j, the
    weights w_j and ρ = `AUGMENTATION`.

    Source: Knowles 2006 (ParEGO), doi:10.1109/TEVC.2005.851274, equation 2.

    Example:
        >>> chebyshev([[0, 10], [10, 0], [6, 6]], weights=[0.8, 0.2]).tolist()
        [0, 2, 1]
    """
    scores: Points = weighted.max(axis=1) + AUGMENTATION * weighted.sum(axis=1)
    return scores


RANKINGS: Mapping[str, Ranking] = {
    "pareto_epsnet": pareto_epsnet,
    "pareto_epsnet_raw": pareto_epsnet_raw,
    "pareto_crowding": pareto_crowding,
    "pareto_hypervolume": pareto_hypervolume,
    "chebyshev": chebyshev,
    "linear": linear,
}
"""The rankings by the names that schedulers and matrix files use."""


def as_ranking(ranking: str | Ranking) -> Ranking:
    """Return the ranking with a given name; a function is returned unchanged.

    Args:
        ranking: A name in `RANKINGS`, or a function of the type `Ranking`.

    Raises:
        ValueError: If no ranking has this name.

    Example:
        >>> as_ranking("pareto_epsnet") is pareto_epsnet
        True
    """
    if not isinstance(ranking, str):
        return ranking
    if ranking not in RANKINGS:
        raise ValueError(f"unknown ranking {ranking!r}: choose from {', '.join(RANKINGS)}")
    return RANKINGS[ranking]


def ranks_of(order: ArrayLike) -> Order:
    """Return the place (n,) of each point, 0 for the best: the inverse of an order.

    Args:
        order: (n,) the indices of the points, best first.

    Example:
        >>> ranks_of([2, 0, 1]).tolist()
        [1, 2, 0]
    """
    indices = np.asarray(order, dtype=np.int64)
    ranks = np.empty_like(indices)
    ranks[indices] = np.arange(len(indices))
    return ranks


def _with_invalid(order: Order, points: Points) -> Order:
    return np.concatenate([order, np.flatnonzero(~valid_mask(points))]).astype(np.int64)


def _lexicographic(points: Points) -> Order:
    if len(points) == 0:
        return np.empty(0, dtype=np.int64)
    return np.lexsort(points.T[::-1])


def _weights(weights: ArrayLike | None, points: Points) -> Points:
    m = points.shape[1]
    if weights is None:
        return np.full(m, 1 / max(m, 1))
    array = np.asarray(weights, dtype=float)
    if array.shape not in ((m,), points.shape):
        raise ValueError(f"weights must have shape ({m},) or {points.shape}, got {array.shape}")
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise ValueError("weights must be finite and not negative")
    return array


def _scaled_reference(low: Points, high: Points, reference_point: ArrayLike | None) -> Points:
    """Return the reference point (m,), scaled like the points; the default one for None."""
    if reference_point is None:
        return np.full(len(low), 1 + FALLBACK_MARGIN)
    scaled = scale_between(as_reference(reference_point, len(low)), low, high)
    # Beyond this distance, in ranges of the points, volumes would overflow.
    farthest = np.finfo(float).max ** (1 / (len(low) + 1))
    return np.clip(scaled, -farthest, farthest)
