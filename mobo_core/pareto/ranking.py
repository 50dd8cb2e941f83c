"""Rankings: points (n, m), minimised, to an *order* of indices (n,), best first.

An order is not a vector of ranks: ``order[0]`` is the index of the best point, whereas
``ranks[0]`` would be the place of the first one. The two agree on sorted input, which is why
reading one as the other survives careless tests; `ranks_of` converts.

Common to all rankings:

* Objectives are scaled by their range over the valid points
  (`mobo_core.pareto.dominance.scale_to_range`), so no unit outweighs another.
* Ties go to the lexicographically smaller point, then to the earlier one; nothing is random.
  The order of values therefore does not depend on the order of the input.
* Invalid points (NaN, ±inf) come last, in the order of the input.

To add a ranking, write one function here and name it in `RANKINGS`. As a `FrontRanking` (what
happens inside a front) or a `ScoreRanking` (a score of each point) it is also kept up to date
cheaply as points arrive; see `mobo_core.pareto.incremental`.
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
    crowding_distance,
    epsilon_net_order,
    non_dominated_ranks,
    scale_between,
    valid_mask,
)
from mobo_core.pareto.indicators import hypervolume_contributions

Order = NDArray[np.int64]

AUGMENTATION = 0.05
"""ρ of the augmented Chebyshev scalarisation; Knowles 2006, doi:10.1109/TEVC.2005.851274."""
FALLBACK_MARGIN = 0.1
"""Without a reference point: so much of the range beyond the worst value of each objective."""


class Ranking(Protocol):
    """Orders points, best first."""

    def __call__(self, points: ArrayLike, reference_point: ArrayLike | None = None) -> Order:
        """Indices (n,) of the points (n, m), minimised, best first.

        Args:
            points: (n, m), minimised.
            reference_point: (m,), minimised; rankings that need none ignore it.
        """
        ...


class FrontRanking:
    """A ranking that goes front by front; make one with this as a decorator.

    Args:
        inside: Orders one front, best first: its points (k, m), scaled and in lexicographic order,
            and the reference point (m,) in the same scale.
    """

    def __init__(self, inside: Callable[[Points, Points], Order]) -> None:
        self._inside = inside
        functools.update_wrapper(self, inside)

    def __reduce__(self) -> str:
        """By name, as functions are pickled: the wrapped one is hidden behind this."""
        return self.__qualname__

    __qualname__: str

    def __call__(self, points: ArrayLike, reference_point: ArrayLike | None = None) -> Order:
        """See `Ranking`."""
        array = as_points(points)
        valid = np.flatnonzero(valid_mask(array))
        if len(valid) == 0:
            return _with_invalid(valid, array)
        # Lexicographic first: positions then break ties by value, whatever the input's order.
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
        """Indices (k,) of one front's points, best first.

        Args:
            front: (k, m), in lexicographic order.
            low: (m,) smallest values among all points, not of this front alone.
            high: (m,) largest values among all points.
            reference_point: As in `Ranking`.
        """
        reference = _scaled_reference(low, high, reference_point)
        if len(front) == 1:
            return np.zeros(1, np.int64)
        return self._inside(scale_between(front, low, high), reference)


@FrontRanking
def pareto_epsnet(front: Points, reference: Points) -> Order:
    """Front by front; inside a front every prefix covers it well.

    See `mobo_core.pareto.dominance.epsilon_net_order`. Source: Salinas et al. 2021,
    arXiv:2106.05680, section 4.2. Cost: O(n log n) for the fronts (m ≤ 3), O(k² m) for a front of
    k points.
    """
    return epsilon_net_order(front)


@FrontRanking
def pareto_crowding(front: Points, reference: Points) -> Order:
    """Front by front; inside a front the less crowded first.

    Source: Deb et al. 2002 (NSGA-II), doi:10.1109/4235.996017, section III.B. Cost: O(m n log n)
    beside the fronts.
    """
    return np.argsort(-crowding_distance(front), kind="stable")


@FrontRanking
def pareto_hypervolume(front: Points, reference: Points) -> Order:
    """Front by front; inside a front the larger exclusive hypervolume contribution first.

    Points that contribute nothing (outside the reference point, duplicates) come by their scaled
    sum. Without a reference point it lies a tenth of each objective's range beyond the worst valid
    point.

    Source: Beume et al. 2007 (SMS-EMOA), doi:10.1016/j.ejor.2006.08.008. Cost: O(k log k) for a
    front of k points (m ≤ 3).
    """
    contributions = hypervolume_contributions(front, reference)
    return np.lexsort((front.sum(axis=1), -contributions))


class ScoreRanking:
    """A ranking by a score of each point; make one with this as a decorator.

    Args:
        score: Scores (n,), the smaller the better, of scaled and weighted points (n, m).
    """

    def __init__(self, score: Callable[[Points], Points]) -> None:
        self._score = score
        functools.update_wrapper(self, score)

    def __reduce__(self) -> str:
        """By name, as functions are pickled: the wrapped one is hidden behind this."""
        return self.__qualname__

    __qualname__: str

    def __call__(
        self,
        points: ArrayLike,
        reference_point: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> Order:
        """See `Ranking`.

        Args:
            points: (n, m), minimised.
            reference_point: Ignored.
            weights: (m,), non-negative, or (n, m) with each point's own; None weighs all alike.

        Raises:
            ValueError: If the weights have another shape, are negative or not finite.
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
        """Scores (n,) of valid points (n, m).

        Args:
            points: (n, m).
            low: (m,) smallest values among all points.
            high: (m,) largest values among all points.
            weights: (n, m); None weighs all alike.
        """
        if weights is None:
            weights = _weights(None, points)
        return self._score(scale_between(points, low, high) * weights)


@ScoreRanking
def linear(weighted: Points) -> Points:
    """By the weighted sum of the scaled objectives.

    Finds no point in a concave part of a front, whatever the weights.
    """
    scores: Points = weighted.sum(axis=1)
    return scores


@ScoreRanking
def chebyshev(weighted: Points) -> Points:
    """By the augmented Chebyshev scalarisation max_j w_j z_j + ρ Σ_j w_j z_j of the scaled z.

    Source: Knowles 2006 (ParEGO), doi:10.1109/TEVC.2005.851274, equation 2.
    """
    scores: Points = weighted.max(axis=1) + AUGMENTATION * weighted.sum(axis=1)
    return scores


RANKINGS: Mapping[str, Ranking] = {
    "pareto_epsnet": pareto_epsnet,
    "pareto_crowding": pareto_crowding,
    "pareto_hypervolume": pareto_hypervolume,
    "chebyshev": chebyshev,
    "linear": linear,
}
"""What schedulers and matrix files may name."""


def as_ranking(ranking: str | Ranking) -> Ranking:
    """The ranking of that name, or the function itself.

    Raises:
        ValueError: If there is no such name.
    """
    if not isinstance(ranking, str):
        return ranking
    if ranking not in RANKINGS:
        raise ValueError(f"unknown ranking {ranking!r}: choose from {', '.join(RANKINGS)}")
    return RANKINGS[ranking]


def ranks_of(order: ArrayLike) -> Order:
    """(n,) place of each point, 0 the best, from an order of indices: its inverse."""
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
    """The reference point in the coordinates of `scale_to_range`."""
    if reference_point is None:
        return np.full(len(low), 1 + FALLBACK_MARGIN)
    reference = np.asarray(reference_point, dtype=float)
    if reference.shape != low.shape:
        raise ValueError(
            f"reference_point must have shape {low.shape}, got {reference.shape}; "
            "give one value per objective"
        )
    return scale_between(reference, low, high)
