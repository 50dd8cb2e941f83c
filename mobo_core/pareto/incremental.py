"""Sets of points that grow one by one and are ranked only as far as a question needs.

Successive halving asks after every report whether a trial stands among the best n/η of its rung,
or which waiting trial there comes first. To rank the whole rung each time would make a run of n
trials cost n² and more. `ParetoSet` keeps the fronts that are asked for up to date as points
arrive, and orders one only where the answer depends on it; `ScoredSet` keeps scores sorted;
`RerankedSet` serves any other ranking. All of them answer exactly what the ranking of all points
would.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.pareto.dominance import non_dominated_ranks
from mobo_core.pareto.fronts import Entry, Front, Staircase
from mobo_core.pareto.ranking import FrontRanking, Ranking, ScoreRanking


class RankedSet(Protocol):
    """Members with a point each, of which some wait for something."""

    def __len__(self) -> int:
        """Number of members."""
        ...

    def __contains__(self, member: str) -> bool:
        """Whether it was added."""
        ...

    def add(self, member: str, point: Points) -> None:
        """Add a new member, which does not wait."""
        ...

    def set_waiting(self, member: str, waiting: bool) -> None:
        """Whether it may be the answer of `first_waiting`."""
        ...

    def is_within(self, member: str, quota: int) -> bool:
        """Whether it stands among the best `quota`."""
        ...

    def first_waiting(self, quota: int) -> str | None:
        """The best one that waits, of the best `quota`."""
        ...


def ranked_set(ranking: Ranking, reference_point: ArrayLike | None, m: int) -> RankedSet:
    """An empty set of points (m,) under a ranking."""
    if isinstance(ranking, FrontRanking):
        return ParetoSet(ranking, reference_point, m)
    if isinstance(ranking, ScoreRanking):
        return ScoredSet(ranking, m)
    return RerankedSet(ranking, reference_point)


class RerankedSet:
    """Ranks all members anew when one was added; for any ranking."""

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
        """See `RankedSet.add`."""
        self._members.append(member)
        self._points.append(point)
        self._waiting[member] = False
        self._order = None

    def set_waiting(self, member: str, waiting: bool) -> None:
        """See `RankedSet.set_waiting`."""
        self._waiting[member] = waiting

    def is_within(self, member: str, quota: int) -> bool:
        """See `RankedSet.is_within`."""
        return member in self._best(quota)

    def first_waiting(self, quota: int) -> str | None:
        """See `RankedSet.first_waiting`."""
        if quota <= 0 or not any(self._waiting.values()):
            return None
        return next((member for member in self._best(quota) if self._waiting[member]), None)

    def _best(self, quota: int) -> list[str]:
        if self._order is None:
            order = self._ranking(np.array(self._points), self._reference_point)
            self._order = [self._members[index] for index in order]
        return self._order[:quota]


class _Range:
    """The smallest and largest values so far."""

    def __init__(self, m: int) -> None:
        self.low = np.full(m, np.inf)
        self.high = np.full(m, -np.inf)

    def grows_by(self, point: Points) -> bool:
        """Take a point in; whether that changed the range."""
        if (point >= self.low).all() and (point <= self.high).all():
            return False
        self.low = np.minimum(self.low, point)
        self.high = np.maximum(self.high, point)
        return True


class ScoredSet:
    """Scores kept sorted; computed anew only when a point widens the range they are scaled by."""

    def __init__(self, ranking: ScoreRanking, m: int) -> None:
        self._ranking = ranking
        self._range = _Range(m)
        self._names: list[str] = []
        self._points: list[Points] = []
        self._keys: dict[str, tuple[float, Entry]] = {}
        self._sorted: list[tuple[float, Entry]] = []
        self._waiting: list[tuple[float, Entry]] = []  # the sorted keys of those that wait

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, member: str) -> bool:
        return member in self._keys

    def add(self, member: str, point: Points) -> None:
        """See `RankedSet.add`."""
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
        """See `RankedSet.set_waiting`."""
        key = self._keys[member]
        position = bisect_left(self._waiting, key)
        waits = position < len(self._waiting) and self._waiting[position] == key
        if waiting and not waits:
            self._waiting.insert(position, key)
        elif waits and not waiting:
            del self._waiting[position]

    def is_within(self, member: str, quota: int) -> bool:
        """See `RankedSet.is_within`."""
        return bisect_left(self._sorted, self._keys[member]) < quota

    def first_waiting(self, quota: int) -> str | None:
        """See `RankedSet.first_waiting`."""
        if not self._waiting:
            return None
        first = self._names[self._waiting[0][1][1]]
        return first if self.is_within(first, quota) else None


AHEAD = 1.25
"""Times the quota: so many points are sorted into fronts at least, the others wait unsorted."""
TOO_MANY = 1.3
"""Times that: with more points in fronts the last ones are given up."""
FEW = 64
"""Points that are always sorted into fronts: with so few nothing is saved."""
SOON = 1.1
"""Times the points of the last sorting: one before would often sort the same again."""


class ParetoSet:
    """The first fronts, kept as points arrive; for rankings front by front.

    A newcomer goes into the first front none of whose members dominates it; whom it dominates
    there moves to the next front, and so on. Only as many fronts are kept as the quotas asked for
    need, and some to spare: what the last of them dominates is put aside unsorted until a quota
    gets so far. Most of what successive halving gives up is never looked at again.

    Source for two objectives, where whole blocks move: Yakupov, Buzdalov, Incremental
    non-dominated sorting with O(N) insertion for the two-dimensional case, IEEE CEC 2015.
    """

    def __init__(self, ranking: FrontRanking, reference_point: ArrayLike | None, m: int) -> None:
        self._ranking = ranking
        self._reference_point = reference_point
        self._new_front: type[Front] = Staircase if m == 2 else Front
        self._names: list[str] = []
        self._entries: dict[str, Entry] = {}
        self._waits: list[bool] = []
        self._fronts: list[Front] = []
        self._aside: list[Entry] = []  # each dominated by a member of the last front
        self._waiting_aside: set[int] = set()
        self._ahead = AHEAD
        self._sorted_at = 0  # number of points when what lay aside was last sorted
        self._range = _Range(m)
        self._last_level = (-1, 0)  # member's number and its level: most ask for the newest again

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, member: str) -> bool:
        return member in self._entries

    def add(self, member: str, point: Points) -> None:
        """See `RankedSet.add`."""
        entry = tuple(point.tolist()), len(self._names)
        self._names.append(member)
        self._entries[member] = entry
        self._waits.append(False)
        if self._range.grows_by(point):
            for front in self._fronts:
                front.order = None  # distances inside it are in units of the range
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
        """See `RankedSet.set_waiting`."""
        entry = self._entries[member]
        if self._waits[entry[1]] != waiting:
            self._waits[entry[1]] = waiting
            level = self._level_of(entry)
            is_aside = level == len(self._fronts)
            among = self._waiting_aside if is_aside else self._fronts[level].waiting
            (among.add if waiting else among.remove)(entry[1])

    def is_within(self, member: str, quota: int) -> bool:
        """See `RankedSet.is_within`."""
        self._keep_for(quota)
        entry = self._entries[member]
        level = self._level_of(entry)
        if level == len(self._fronts):
            return False  # put aside, behind as many as the quota and more
        left = quota
        for better in self._fronts[:level]:
            left -= len(better.entries)
            if left <= 0:
                return False
        front = self._fronts[level]
        return left >= len(front.entries) or entry[1] in self._ordered(front)[:left]

    def first_waiting(self, quota: int) -> str | None:
        """See `RankedSet.first_waiting`."""
        self._keep_for(quota)
        for level, front in enumerate(self._fronts):
            if quota <= 0:
                return None
            if front.waiting:
                # One alone, in a front that is within the quota: whatever its place in it.
                alone = len(front.waiting) == 1 and quota >= len(front.entries)
                for number in front.waiting if alone else self._ordered(front)[:quota]:
                    if self._waits[number]:
                        self._last_level = number, level
                        return self._names[number]
            quota -= len(front.entries)
        return None

    def _keep_for(self, quota: int) -> None:
        """Have fronts of so many points at least, and not of many more."""
        count = len(self._names) - len(self._aside)
        if count < min(quota, len(self._names)):
            # A large front that comes and goes would be sorted at every question.
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
        """Sort what lies aside; put back what is more than enough of the `count` and it."""
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
        """The first front none of whose members dominates the entry: its own, if it is in one."""
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
