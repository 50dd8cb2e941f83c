"""The first fronts of a growing set of points, updated as points arrive.

`ParetoSet` serves rankings front by front for `mobo_core.pareto.incremental`. It gives exactly the
answers that a ranking of all points would give. Fronts are numbered from 0, the best.

1. *Which front?* If a member of front i dominates a point, then a member of every earlier front
   dominates it too. A binary search therefore finds the first front without such a member. This
   is the front of the point.
2. *Insertion.* The new point joins its front. The members of that front that it dominates move to
   the next front as one block. The members there that the block dominates move on in the same way,
   until nothing has to move. A new last front is opened if needed.
3. *Only the first fronts.* Nothing depends on points far behind the quota, so only the first
   fronts are kept. All other points are *set aside* unsorted, and so is every new point or block
   that belongs behind the last kept front. A member of that front dominates each of them.
4. *More or fewer fronts.* If the kept fronts hold fewer points than the quota, the points set aside
   are sorted into fronts. The first of these are kept, until `AHEAD` × quota points, and at least
   `FEW`, are in fronts. If the kept fronts hold more than `TOO_MANY` times that number, the last
   ones are set aside again.
5. *Order inside a front.* If all points up to a point's front fit into the quota, the answer does
   not depend on the order inside that front. Only otherwise is the front sorted by the ranking.
   Its order is kept until the front changes, or the range by which objectives are scaled.

Source of steps 1 and 2, for two objectives: Yakupov, Buzdalov, Incremental non-dominated sorting
with O(N) insertion for the two-dimensional case, IEEE CEC 2015.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import non_dominated_ranks
from mobo_core.pareto.fronts import Entry, Front, Staircase
from mobo_core.pareto.ranking import FrontRanking

AHEAD = 1.25
"""After a sorting, the kept fronts hold at least this many times the quota of points."""
TOO_MANY = 1.3
"""If the kept fronts hold more than this many times that number, the last ones are set aside."""
FEW = 64
"""At least this many points are kept in fronts: setting fewer points aside saves nothing."""
SOON = 1.1
"""`AHEAD` doubles if the set has not grown by this factor between two sortings.

Otherwise the same large front could be set aside and sorted again and again.
"""


class Range:
    """The smallest and the largest value of each objective so far, each of shape (m,).

    Args:
        m: The number of objectives.

    Example:
        >>> seen = Range(m=2)
        >>> [seen.grows_by(np.array(point)) for point in ([1, 4], [3, 2], [2, 3])]
        [True, True, False]
    """

    def __init__(self, m: int) -> None:
        self.low = np.full(m, np.inf)
        self.high = np.full(m, -np.inf)

    def grows_by(self, point: Points) -> bool:
        """Include a point, and return whether it changed the range."""
        if (point >= self.low).all() and (point <= self.high).all():
            return False
        self.low = np.minimum(self.low, point)
        self.high = np.maximum(self.high, point)
        return True


class ParetoSet:
    """A set for a ranking front by front; it keeps the first fronts as points arrive.

    The module's text explains the algorithm. Most trials that successive halving gives up are set
    aside once and never sorted again.

    Args:
        ranking: The ranking of the points.
        reference_point: (m,), minimised, or None; it is given to the ranking.
        m: The number of objectives.

    Example:
        >>> from mobo_core.pareto.ranking import pareto_epsnet
        >>> members = ParetoSet(pareto_epsnet, reference_point=None, m=2)
        >>> for name, point in [("a", [4.0, 4.0]), ("b", [1.0, 3.0]), ("c", [2.0, 2.0])]:
        ...     members.add(name, np.array(point))
        >>> [members.is_within(name, quota=2) for name in "abc"]
        [False, True, True]
    """

    def __init__(self, ranking: FrontRanking, reference_point: ArrayLike | None, m: int) -> None:
        self._ranking = ranking
        self._reference_point = reference_point
        self._new_front: type[Front] = Staircase if m == 2 else Front
        self._names: list[str] = []
        self._entries: dict[str, Entry] = {}
        self._waits: list[bool] = []
        self._fronts: list[Front] = []
        self._aside: list[Entry] = []  # a member of the last front dominates each of them
        self._waiting_aside: set[int] = set()
        self._ahead = AHEAD
        self._sorted_at = 0  # number of members at the last sorting of these points
        self._range = Range(m)
        # A member's number and its front's index: the next call is often about the same member.
        self._last_level = (-1, 0)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, member: str) -> bool:
        return member in self._entries

    def add(self, member: str, point: Points) -> None:
        """Add a new member with its point (m,), minimised and finite; it does not wait."""
        entry = tuple(point.tolist()), len(self._names)
        self._names.append(member)
        self._entries[member] = entry
        self._waits.append(False)
        if self._range.grows_by(point):
            for front in self._fronts:
                front.order = None  # the scale inside the front has changed
        level, block = self._level_of(entry), self._new_front.block_of([entry], set())
        self._last_level = entry[1], level
        while block.entries:
            if level == len(self._fronts):
                if self._aside:
                    self._put_aside(block.entries, block.waiting)
                    return
                self._fronts.append(self._new_front())
            block = self._fronts[level].take_in(block)
            level += 1

    def set_waiting(self, member: str, waiting: bool) -> None:
        """Set whether a member waits, so that `first_waiting` may return it."""
        entry = self._entries[member]
        if self._waits[entry[1]] != waiting:
            self._waits[entry[1]] = waiting
            level = self._level_of(entry)
            is_aside = level == len(self._fronts)
            among = self._waiting_aside if is_aside else self._fronts[level].waiting
            (among.add if waiting else among.remove)(entry[1])

    def is_within(self, member: str, quota: int) -> bool:
        """Return whether a member is among the best `quota` members."""
        self._keep_for(quota)
        entry = self._entries[member]
        level = self._level_of(entry)
        if level == len(self._fronts):
            return False  # set aside: the kept fronts fill the quota
        left = quota
        for better in self._fronts[:level]:
            left -= len(better.entries)
            if left <= 0:
                return False
        front = self._fronts[level]
        return left >= len(front.entries) or entry[1] in self._ordered(front)[:left]

    def first_waiting(self, quota: int) -> str | None:
        """Return the best waiting member among the best `quota` members, or None."""
        self._keep_for(quota)
        for level, front in enumerate(self._fronts):
            if quota <= 0:
                return None
            if front.waiting:
                # If one member waits and the whole front is within the quota, no order is needed.
                alone = len(front.waiting) == 1 and quota >= len(front.entries)
                for number in front.waiting if alone else self._ordered(front)[:quota]:
                    if self._waits[number]:
                        self._last_level = number, level
                        return self._names[number]
            quota -= len(front.entries)
        return None

    def _keep_for(self, quota: int) -> None:
        """Keep fronts with at least `quota` points in total, but not with many more."""
        count = len(self._names) - len(self._aside)
        if count < min(quota, len(self._names)):
            # A large front that is set aside and needed again would be sorted at every call.
            if len(self._names) < SOON * self._sorted_at:
                self._ahead *= 2
            self._sorted_at = len(self._names)
            self._sort_more(count, max(self._ahead * quota, FEW))
        elif count > TOO_MANY * (enough := max(self._ahead * quota, FEW)):
            while count - len(self._fronts[-1].entries) > enough:
                front = self._fronts.pop()
                count -= len(front.entries)
                self._put_aside(front.entries, front.waiting)
                self._last_level = -1, 0

    def _sort_more(self, count: int, enough: float) -> None:
        """Sort the points set aside into fronts until `enough` points are kept.

        Args:
            count: The number of points in the kept fronts now.
            enough: The number of points at which no further front is kept.
        """
        aside, self._aside = sorted(self._aside), []
        waiting, self._waiting_aside = self._waiting_aside, set()
        ranks = non_dominated_ranks([point for point, _ in aside])
        fronts: list[list[Entry]] = [[] for _ in range(int(ranks.max()) + 1)]
        for entry, rank in zip(aside, ranks.tolist(), strict=True):
            fronts[rank].append(entry)
        self._last_level = -1, 0
        for entries in fronts:
            mine = {number for _, number in entries} & waiting if waiting else set[int]()
            if count >= enough:
                self._put_aside(entries, mine)
                continue
            self._fronts.append(self._new_front())
            self._fronts[-1].take_in(self._new_front.block_of(entries, mine))
            count += len(entries)

    def _put_aside(self, entries: list[Entry], waiting: set[int]) -> None:
        self._aside += entries
        self._waiting_aside |= waiting

    def _level_of(self, entry: Entry) -> int:
        """Return the index of the first front without a member that dominates the entry.

        This is the front of the entry, if it is in one; otherwise it is the number of fronts.
        """
        if self._last_level[0] == entry[1]:
            return self._last_level[1]
        low, high = 0, len(self._fronts)
        while low < high:
            middle = (low + high) // 2
            if self._fronts[middle].dominates(entry):
                low = middle + 1
            else:
                high = middle
        return low

    def _ordered(self, front: Front) -> Sequence[int]:
        if front.order is None:
            entries = sorted(front.entries)
            order = self._ranking.order_front(
                np.array([point for point, _ in entries]),
                self._range.low,
                self._range.high,
                self._reference_point,
            )
            front.order = [entries[position][1] for position in order]
        return front.order
