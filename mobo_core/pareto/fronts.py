"""Fronts that points join and leave: what `mobo_core.pareto.incremental` keeps of a Pareto ranking.

A front takes in a block of points that nobody in it dominates, and gives back the block of those
that must leave for the next front.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any, NamedTuple

import numpy as np

from mobo_core.objectives import Points

Entry = tuple[tuple[float, ...], int]
"""A point and the number of its member: sorted, the lexicographic order of the points."""


class Block(NamedTuple):
    """Points that move from one front to the next, none of which dominates another.

    Args:
        entries: The points and their numbers.
        columns: The points once more, as fronts of that kind keep them.
        waiting: Numbers of those that wait.
    """

    entries: list[Entry]
    columns: Any
    waiting: set[int]


class Front:
    """Points of which none dominates another, in any number of objectives: O(k) a question."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.waiting: set[int] = set()
        self.order: list[int] | None = None
        self._points: Points | None = None

    @staticmethod
    def block_of(entries: list[Entry], waiting: set[int]) -> Block:
        """Sorted points, of which these wait, for a front of this kind."""
        return Block(entries, np.array([point for point, _ in entries]), waiting)

    def dominates(self, entry: Entry) -> bool:
        """Whether a member does."""
        points = self._points
        assert points is not None, "a front is never empty"
        return bool(((points <= entry[0]).all(axis=1) & (points < entry[0]).any(axis=1)).any())

    def take_in(self, newcomers: Block) -> Block:
        """Add points that nobody here dominates; who must leave for them."""
        leaving, columns = self._exchange(newcomers.entries, newcomers.columns)
        self.order = None
        going = {number for _, number in leaving} & self.waiting if self.waiting else set[int]()
        self.waiting -= going
        self.waiting |= newcomers.waiting
        return Block(leaving, columns, going)

    def _exchange(self, newcomers: list[Entry], new: Any) -> tuple[list[Entry], Any]:
        points = self._points
        if points is None:
            self.entries, self._points = newcomers, new
            return [], None
        no_worse = (new[:, None, :] <= points).all(axis=2)
        better = (new[:, None, :] < points).any(axis=2)
        dominated = (no_worse & better).any(axis=0)
        leaving = [self.entries[index] for index in np.flatnonzero(dominated)]
        staying = [self.entries[index] for index in np.flatnonzero(~dominated)]
        self.entries = staying + newcomers
        self._points = np.vstack([points[~dominated], new])
        return leaving, points[dominated]


class Staircase(Front):
    """The same for two objectives, sorted by the first: O(log k) a question."""

    def __init__(self) -> None:
        super().__init__()
        self._x: list[float] = []  # of the entries, in their order: growing
        self._minus_y: list[float] = []  # growing too

    @staticmethod
    def block_of(entries: list[Entry], waiting: set[int]) -> Block:
        """See `Front.block_of`."""
        columns = [point[0] for point, _ in entries], [-point[1] for point, _ in entries]
        return Block(entries, columns, waiting)

    def dominates(self, entry: Entry) -> bool:
        """Whether a member does."""
        # Of those no larger in the first objective, the last is the smallest in the second.
        (x, y), _ = entry
        last = bisect_right(self._x, x) - 1
        if last < 0 or self._minus_y[last] < -y:
            return False
        return self._minus_y[last] > -y or self._x[last] < x

    def _exchange(self, newcomers: list[Entry], new: Any) -> tuple[list[Entry], Any]:
        # Those who leave a front lie side by side in it, and so do those whom they oust from the
        # next: every point there is dominated by one of the front above, hence, where it is no
        # smaller than the first newcomer in x and than the last in y, by a newcomer.
        x, minus_y = self._x, self._minus_y
        new_x, new_minus_y = new
        begin = bisect_left(x, new_x[0])
        if begin < len(x) and x[begin] == new_x[0] and minus_y[begin] == new_minus_y[0]:
            begin = bisect_right(x, new_x[0])  # duplicates stay
        end = bisect_right(minus_y, new_minus_y[-1], begin)
        left = slice(begin, end)
        leaving, columns = self.entries[left], (x[left], minus_y[left])
        self.entries[left], x[left], minus_y[left] = newcomers, new_x, new_minus_y
        return leaving, columns
