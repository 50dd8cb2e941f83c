"""Sets of points that grow one by one and are ranked only as far as an answer needs it.

After every report, successive halving must answer one of two questions about a rung of n trials.
Is this trial among the best n/η? Which waiting trial is the best of them? If the whole rung were
ranked each time, a run of n trials would cost n² or more. The classes here give exactly the
answers that a ranking of all points would give:

* `mobo_core.pareto.pareto_set.ParetoSet`, for rankings front by front, updates the first fronts as
  points arrive.
* `ScoredSet`, for rankings by a score, keeps the scores sorted.
* `RerankedSet`, for any other ranking, ranks all points again after a point was added.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import as_reference
from mobo_core.pareto.fronts import Entry
from mobo_core.pareto.pareto_set import ParetoSet, Range
from mobo_core.pareto.ranking import FrontRanking, Ranking, ScoreRanking


class RankedSet(Protocol):
    """A set of members, each with a point, that answers questions about their ranking.

    Each member either waits (for a promotion) or does not.

    Example:
        >>> from mobo_core.pareto.ranking import pareto_epsnet
        >>> rung = ranked_set(pareto_epsnet, reference_point=None, m=2)
        >>> for name, point in [("a", [4.0, 4.0]), ("b", [2.0, 2.0]), ("c", [3.0, 3.0])]:
        ...     rung.add(name, np.array(point))
        >>> rung.is_within("b", quota=1), rung.is_within("c", quota=1)
        (True, False)
        >>> rung.set_waiting("c", True)
        >>> rung.first_waiting(quota=2)
        'c'
    """

    def __len__(self) -> int:
        """Return the number of members."""
        ...

    def __contains__(self, member: str) -> bool:
        """Return whether the member was added."""
        ...

    def add(self, member: str, point: Points) -> None:
        """Add a new member with its point (m,), minimised and finite; it does not wait."""
        ...

    def set_waiting(self, member: str, waiting: bool) -> None:
        """Set whether a member waits, so that `first_waiting` may return it."""
        ...

    def is_within(self, member: str, quota: int) -> bool:
        """Return whether a member is among the best `quota` members."""
        ...

    def first_waiting(self, quota: int) -> str | None:
        """Return the best waiting member among the best `quota` members, or None."""
        ...


def ranked_set(ranking: Ranking, reference_point: ArrayLike | None, m: int) -> RankedSet:
    """Return an empty set of the class that fits the ranking best.

    Args:
        ranking: The ranking of the points.
        reference_point: (m,), minimised, or None; it is given to the ranking.
        m: The number of objectives.

    Raises:
        ValueError: If the reference point does not have m finite values.

    Example:
        >>> from mobo_core.pareto.ranking import chebyshev, pareto_epsnet
        >>> type(ranked_set(pareto_epsnet, None, m=2)).__name__
        'ParetoSet'
        >>> type(ranked_set(chebyshev, None, m=2)).__name__
        'ScoredSet'
    """
    if reference_point is not None:
        as_reference(reference_point, m)
    if isinstance(ranking, FrontRanking):
        return ParetoSet(ranking, reference_point, m)
    if isinstance(ranking, ScoreRanking):
        return ScoredSet(ranking, m)
    return RerankedSet(ranking, reference_point)


class RerankedSet:
    """A set for any ranking; it ranks all members again after one was added.

    Args:
        ranking: The ranking of the points.
        reference_point: (m,), minimised, or None; it is given to the ranking.

    Example:
        >>> from mobo_core.pareto.ranking import linear
        >>> members = RerankedSet(linear, reference_point=None)
        >>> members.add("a", np.array([1.0, 1.0]))
        >>> members.add("b", np.array([0.0, 0.0]))
        >>> members.is_within("a", quota=1)
        False
    """

    def __init__(self, ranking: Ranking, reference_point: ArrayLike | None) -> None:
        self._ranking = ranking
        self._reference_point = reference_point
        self._members: list[str] = []
        self._points: list[Points] = []
        self._waiting: dict[str, bool] = {}
        self._order: list[str] | None = None

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: str) -> bool:
        return member in self._waiting

    def add(self, member: str, point: Points) -> None:
        """Add a new member with its point (m,), minimised and finite; it does not wait."""
        self._members.append(member)
        self._points.append(point)
        self._waiting[member] = False
        self._order = None

    def set_waiting(self, member: str, waiting: bool) -> None:
        """Set whether a member waits, so that `first_waiting` may return it."""
        self._waiting[member] = waiting

    def is_within(self, member: str, quota: int) -> bool:
        """Return whether a member is among the best `quota` members."""
        return member in self._best(quota)

    def first_waiting(self, quota: int) -> str | None:
        """Return the best waiting member among the best `quota` members, or None."""
        if quota <= 0 or not any(self._waiting.values()):
            return None
        return next((member for member in self._best(quota) if self._waiting[member]), None)

    def _best(self, quota: int) -> list[str]:
        if self._order is None:
            order = self._ranking(np.array(self._points), self._reference_point)
            self._order = [self._members[index] for index in order]
        return self._order[:quota]


class ScoredSet:
    """A set for a ranking by scores; it keeps the scores sorted.

    All scores are computed again only when a point widens the range by which they are scaled.

    Args:
        ranking: The ranking of the points.
        m: The number of objectives.

    Example:
        >>> from mobo_core.pareto.ranking import chebyshev
        >>> members = ScoredSet(chebyshev, m=2)
        >>> members.add("a", np.array([1.0, 1.0]))
        >>> members.add("b", np.array([0.0, 0.0]))
        >>> members.is_within("a", quota=1)
        False
    """

    def __init__(self, ranking: ScoreRanking, m: int) -> None:
        self._ranking = ranking
        self._range = Range(m)
        self._names: list[str] = []
        self._points: list[Points] = []
        self._keys: dict[str, tuple[float, Entry]] = {}
        self._sorted: list[tuple[float, Entry]] = []
        self._waiting: list[tuple[float, Entry]] = []  # sorted keys of the waiting members

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, member: str) -> bool:
        return member in self._keys

    def add(self, member: str, point: Points) -> None:
        """Add a new member with its point (m,), minimised and finite; it does not wait."""
        self._names.append(member)
        self._points.append(point)
        if self._range.grows_by(point):
            waiting = [self._names[entry[1]] for _, entry in self._waiting]
            scores = self._scores(np.array(self._points))
            self._keys = {
                name: (score, (tuple(where), number))
                for number, (name, score, where) in enumerate(
                    zip(self._names, scores.tolist(), np.array(self._points).tolist(), strict=True)
                )
            }
            self._sorted = sorted(self._keys.values())
            self._waiting = sorted(self._keys[name] for name in waiting)
            return
        score = float(self._scores(point[None])[0])
        self._keys[member] = score, (tuple(point.tolist()), len(self._names) - 1)
        insort(self._sorted, self._keys[member])

    def _scores(self, points: Points) -> Points:
        return self._ranking.scores(points, self._range.low, self._range.high)

    def set_waiting(self, member: str, waiting: bool) -> None:
        """Set whether a member waits, so that `first_waiting` may return it."""
        key = self._keys[member]
        position = bisect_left(self._waiting, key)
        waits = position < len(self._waiting) and self._waiting[position] == key
        if waiting and not waits:
            self._waiting.insert(position, key)
        elif waits and not waiting:
            del self._waiting[position]

    def is_within(self, member: str, quota: int) -> bool:
        """Return whether a member is among the best `quota` members."""
        return bisect_left(self._sorted, self._keys[member]) < quota

    def first_waiting(self, quota: int) -> str | None:
        """Return the best waiting member among the best `quota` members, or None."""
        if not self._waiting:
            return None
        first = self._names[self._waiting[0][1][1]]
        return first if self.is_within(first, quota) else None
