"""The region that a front leaves free, cut into boxes, and what points would add to the front.

The region between a front and the reference point is cut into disjoint boxes, once. What a point
adds is then the sum of the parts of the boxes that it dominates. So many points can be tried on the
same front at the cost of a few array operations, where `mobo_core.pareto.indicators` computes every
one anew, exactly at any scale.

With one objective there is one box. With two, the boxes are the columns between neighbouring
points. With more, the last objective is cut at each point's value, and every slice holds the boxes
of the points below it, with one objective less. A front of k points gives k + 1 boxes for m = 2,
and at most about k²/2 for m = 3.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import front_mask

CHUNK = 2_000_000
"""The largest number of points × boxes that are computed at a time, which bounds the memory."""


@dataclass(frozen=True)
class FreeBoxes:
    """The region inside the reference point that a front does not dominate.

    Args:
        low: (b, m) the lower corners; −∞ where a box has no end.
        high: (b, m) the upper corners.

    Example:
        >>> boxes = FreeBoxes.of(np.array([[2.0, 2.0]]), np.array([5.0, 5.0]))
        >>> boxes.added(np.array([[1.0, 1.0], [3.0, 1.0], [4.0, 4.0]])).tolist()
        [7.0, 2.0, 0.0]
    """

    low: Points
    high: Points

    @classmethod
    def of(cls, front: Points, reference: Points) -> FreeBoxes:
        """Return the boxes of a front.

        Args:
            front: (k, m) points, minimised and finite; they may be dominated or outside.
            reference: (m,) the reference point, minimised.
        """
        return cls(
            *_cut(front[front_mask(front, reference)].reshape(-1, len(reference)), reference)
        )

    def added(self, points: Points) -> Points:
        """Return the volume (n,) that each point alone would add.

        Args:
            points: (n, m), minimised, not NaN.
        """
        step = max(1, CHUNK // max(len(self.low), 1))
        parts = [self._added(points[at : at + step]) for at in range(0, len(points), step)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _added(self, points: Points) -> Points:
        volumes = np.ones((len(points), len(self.low)))
        for objective in range(points.shape[1]):
            begin = np.maximum(self.low[:, objective], points[:, objective, None])
            volumes *= np.maximum(self.high[:, objective] - begin, 0)
        added: Points = volumes.sum(axis=1)
        return added


def _cut(front: Points, reference: Points) -> tuple[Points, Points]:
    """Return the lower and the upper corners of the boxes that a front (k, m) leaves free."""
    if len(reference) == 1:
        return np.full((1, 1), -np.inf), np.vstack([front, reference]).min(axis=0, keepdims=True)
    if len(reference) == 2:
        return _columns(front, reference)
    edges = np.concatenate([[-np.inf], np.unique(front[:, -1]), reference[-1:]])
    lows, highs = [], []
    for begin, end in itertools.pairwise(edges.tolist()):
        below = front[front[:, -1] <= begin][:, :-1]
        below = below[front_mask(below, reference[:-1])].reshape(-1, len(reference) - 1)
        low, high = _cut(below, reference[:-1])
        lows.append(np.column_stack([low, np.full(len(low), begin)]))
        highs.append(np.column_stack([high, np.full(len(high), end)]))
    return np.concatenate(lows), np.concatenate(highs)


def _columns(front: Points, reference: Points) -> tuple[Points, Points]:
    """Return the corners of the columns between the points of a front of two objectives."""
    steps = front[np.lexsort(front.T[::-1])]
    low = np.full((len(steps) + 1, 2), -np.inf)
    low[1:, 0] = steps[:, 0]
    high = np.empty_like(low)
    high[:-1, 0], high[-1, 0] = steps[:, 0], reference[0]
    high[0, 1], high[1:, 1] = reference[1], steps[:, 1]
    return low, high
