"""Fronts that points join and leave, for `mobo_core.pareto.pareto_set`.

A front takes in a block of points that none of its members dominates. It returns the block of the
members that the new points dominate; these must move to the next front.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any, NamedTuple

import numpy as np

from mobo_core.objectives import Points

Entry = tuple[tuple[float, ...], int]
"""A point's coordinates and its member's number; sorting entries sorts points lexicographically."""


class Block(NamedTuple):
    """Points that move together from one front to the next; none of them dominates another.

    Args:
        entries: The points and their members' numbers.
        columns: The same points in the format in which this kind of front stores them.
        waiting: The numbers of the members that wait.

    Example:
        >>> Staircase.block_of([((1.0, 4.0), 0), ((2.0, 2.0), 1)], waiting={1}).columns
        ([1.0, 2.0], [-4.0, -2.0])
    """

    entries: list[Entry]
    columns: Any
    waiting: set[int]


class Front:
    """A set of points that do not dominate each other, with any number of objectives.

    To find out whether one of its k members dominates a point costs O(k m).

    Example:
        >>> front = Front()
        >>> block = Front.block_of([((1.0, 4.0, 1.0), 0), ((2.0, 2.0, 1.0), 1)], waiting=set())
        >>> front.take_in(block).entries
        []
        >>> front.dominates(((3.0, 3.0, 3.0), 2))
        True
        >>> front.take_in(Front.block_of([((1.0, 1.0, 1.0), 3)], waiting=set())).entries
        [((1.0, 4.0, 1.0), 0), ((2.0, 2.0, 1.0), 1)]
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.waiting: set[int] = set()
        self.order: list[int] | None = None
        self._points: Points | None = None

    @staticmethod
    def block_of(entries: list[Entry], waiting: set[int]) -> Block:
        """Return a block that a front of this kind can take in.

        Args:
            entries: The points and their numbers, sorted.
            waiting: The numbers of the members that wait.
        """
        return Block(entries, np.array([point for point, _ in entries]), waiting)

    def dominates(self, entry: Entry) -> bool:
        """Return whether a member dominates the entry's point."""
        points = self._points
        assert points is not None, "a front is never empty"
        return bool(((points <= entry[0]).all(axis=1) & (points < entry[0]).any(axis=1)).any())

    def take_in(self, newcomers: Block) -> Block:
        """Add points and return the block of members that the new points dominate.

        Args:
            newcomers: Points that no member dominates.
        """
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
    """A front for two objectives, sorted by the first one.

    In such a front the second objective falls while the first one grows. To find out whether one
    of its k members dominates a point therefore costs only O(log k).

    Example:
        >>> front = Staircase()
        >>> front.take_in(Staircase.block_of([((1.0, 4.0), 0), ((2.0, 2.0), 1)], set())).entries
        []
        >>> front.dominates(((3.0, 3.0), 2)), front.dominates(((1.0, 5.0), 3))
        (True, True)
    """

    def __init__(self) -> None:
        super().__init__()
        self._x: list[float] = []  # first objective of the entries, growing
        self._minus_y: list[float] = []  # second objective, negated: growing too

    @staticmethod
    def block_of(entries: list[Entry], waiting: set[int]) -> Block:
        """Return a block that a front of this kind can take in.

        Args:
            entries: The points and their numbers, sorted.
            waiting: The numbers of the members that wait.
        """
        columns = [point[0] for point, _ in entries], [-point[1] for point, _ in entries]
        return Block(entries, columns, waiting)

    def dominates(self, entry: Entry) -> bool:
        """Return whether a member dominates the entry's point."""
        # Among the members that are no larger in x, the last one has the smallest y.
        (x, y), _ = entry
        last = bisect_right(self._x, x) - 1
        if last < 0 or self._minus_y[last] < -y:
            return False
        return self._minus_y[last] > -y or self._x[last] < x

    def _exchange(self, newcomers: list[Entry], new: Any) -> tuple[list[Entry], Any]:
        # The members that leave are neighbours: they are no smaller in x than the first newcomer
        # and no smaller in y than the last. A newcomer dominates each of them, because a point of
        # the front above does.
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
