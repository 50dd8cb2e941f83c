"""Sets of points that grow one by one and are ranked only as far as a question needs.

Successive halving asks after every report whether a trial stands among the best n/η of its rung,
or which waiting trial there comes first. To rank the whole rung each time would cost O(n log n)
or more a report. `ParetoSet` keeps fronts up to date as points arrive, in two objectives, and
orders a front only where the answer depends on it; `RerankedSet` serves every other ranking. Both
answer exactly what the ranking of all points would.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from mobo_core.objectives import Points
from mobo_core.ranking import FrontRanking, Ranking


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
    if m == 2 and isinstance(ranking, FrontRanking):
        return ParetoSet(ranking, reference_point)
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


Entry = tuple[float, float, int]
"""Both coordinates and the number of the member: sorted, the lexicographic order of the points."""


class ParetoSet:
    """Fronts of two objectives, kept as points arrive; for rankings front by front.

    A newcomer goes into the first front none of whose members dominates it; whom it dominates
    there moves to the next front, and so on. A front is sorted by the first objective, so a
    search takes O(log n).
    """

    def __init__(self, ranking: FrontRanking, reference_point: ArrayLike | None) -> None:
        self._ranking = ranking
        self._reference_point = reference_point
        self._names: list[str] = []
        self._entries: dict[str, Entry] = {}
        self._waits: list[bool] = []
        self._fronts: list[_Front] = []
        self._low = np.full(2, np.inf)
        self._high = np.full(2, -np.inf)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, member: str) -> bool:
        return member in self._entries

    def add(self, member: str, point: Points) -> None:
        """See `RankedSet.add`."""
        entry = float(point[0]), float(point[1]), len(self._names)
        self._names.append(member)
        self._entries[member] = entry
        self._waits.append(False)
        if (point < self._low).any() or (point > self._high).any():
            self._low = np.minimum(self._low, point)
            self._high = np.maximum(self._high, point)
            for front in self._fronts:
                front.order = None  # distances inside it are in units of the range
        level, moved = self._level_of(entry), [entry]
        while moved:
            if level == len(self._fronts):
                self._fronts.append(_Front())
            moved = self._fronts[level].take_in(moved, self._waits)
            level += 1

    def set_waiting(self, member: str, waiting: bool) -> None:
        """See `RankedSet.set_waiting`."""
        entry = self._entries[member]
        if self._waits[entry[2]] != waiting:
            self._waits[entry[2]] = waiting
            self._fronts[self._level_of(entry)].waiting += 1 if waiting else -1

    def is_within(self, member: str, quota: int) -> bool:
        """See `RankedSet.is_within`."""
        entry = self._entries[member]
        level = self._level_of(entry)
        left = quota - sum(len(front.entries) for front in self._fronts[:level])
        front = self._fronts[level]
        if left <= 0 or left >= len(front.entries):
            return left > 0
        return entry[2] in self._ordered(front)[:left]

    def first_waiting(self, quota: int) -> str | None:
        """See `RankedSet.first_waiting`."""
        for front in self._fronts:
            if quota <= 0:
                return None
            if front.waiting:
                for number in self._ordered(front)[:quota]:
                    if self._waits[number]:
                        return self._names[number]
            quota -= len(front.entries)
        return None

    def _level_of(self, entry: Entry) -> int:
        """The first front none of whose members dominates the entry: its own, if it is in one."""
        low, high = 0, len(self._fronts)
        while low < high:
            middle = (low + high) // 2
            if self._fronts[middle].dominates(entry):
                low = middle + 1
            else:
                high = middle
        return low

    def _ordered(self, front: _Front) -> Sequence[int]:
        if front.order is None:
            points = np.array([entry[:2] for entry in front.entries])
            order = self._ranking.order_front(points, self._low, self._high, self._reference_point)
            front.order = [front.entries[position][2] for position in order]
        return front.order


class _Front:
    """Points of which none dominates another, sorted; duplicates stand side by side."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.waiting = 0
        self.order: list[int] | None = None

    def dominates(self, entry: Entry) -> bool:
        """Whether a member does."""
        # Of those no larger in the first objective, the last is the smallest in the second.
        position = bisect_right(self.entries, (entry[0], np.inf, 0)) - 1
        if position < 0:
            return False
        best = self.entries[position]
        return best[1] <= entry[1] and best[:2] != entry[:2]

    def take_in(self, newcomers: list[Entry], waits: Sequence[bool]) -> list[Entry]:
        """Add points of which none dominates another or is dominated here; who must leave."""
        self.order = None
        entries = self.entries
        begin = bisect_left(entries, (newcomers[0][0], -np.inf, 0))
        merged: list[Entry] = []
        leaving: list[Entry] = []
        lowest = newcomers[-1][1]
        position, following, stair = begin, 0, None
        while True:
            here = entries[position] if position < len(entries) else None
            if here is not None and here[1] < lowest:
                here = None  # from here on nothing is dominated
            new = newcomers[following] if following < len(newcomers) else None
            if here is None and new is None:
                break
            if here is None or (new is not None and new < here):
                assert new is not None
                merged.append(new)
                stair = new
                following += 1
                continue
            # Of the newcomers no larger in the first objective, the last is the smallest in the
            # second.
            if stair is not None and stair[1] <= here[1] and stair[:2] != here[:2]:
                leaving.append(here)
            else:
                merged.append(here)
            position += 1
        self.entries[begin:position] = merged
        self.waiting += sum(waits[entry[2]] for entry in newcomers)
        self.waiting -= sum(waits[entry[2]] for entry in leaving)
        return leaving
