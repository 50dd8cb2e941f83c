"""The learning curves of a run and the configurations behind them, as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobo_core.objectives import Points

WIDE = 10.0
"""From this ratio of the largest to the smallest value on, a positive number counts by its log."""


@dataclass(frozen=True)
class Spans:
    """How trials went on from a budget t that they all reported at.

    Args:
        rows: (k,) of the trials.
        starts: (k, m) points at t.
        ends: (k, m) their last points, beyond t.
        budgets: (k,) of those.
    """

    rows: NDArray[np.intp]
    starts: Points
    ends: Points
    budgets: NDArray[np.float64]


class Curves:
    """All reports of a run as arrays: a row per trial, a column per distinct budget."""

    def __init__(self, m: int) -> None:
        self._row: dict[str, int] = {}
        self._column: dict[float, int] = {}
        self._values = np.full((16, 16, m), np.nan)
        self._first_t = np.full(16, np.inf)
        self._last_t = np.zeros(16)
        self._alive = np.zeros(16, dtype=bool)

    def add(self, trial_id: str, t: float, point: Points) -> None:
        """Keep a report.

        A budget that was reported before, or passed, means that the trial went back to an older
        checkpoint: what it had reported since is forgotten.

        Raises:
            ValueError: If the budget is not positive.
        """
        if not t > 0:
            raise ValueError(f"budgets must count from above 0, got {t} from trial {trial_id}")
        row = self._row.setdefault(trial_id, len(self._row))
        column = self._column.setdefault(t, len(self._column))
        rows, columns, _ = self._values.shape
        if row >= rows or column >= columns:
            more = ((0, rows * (row >= rows)), (0, columns * (column >= columns)), (0, 0))
            self._values = np.pad(self._values, more, constant_values=np.nan)
            self._first_t = np.pad(self._first_t, more[0], constant_values=np.inf)
            self._last_t = np.pad(self._last_t, more[0])
            self._alive = np.pad(self._alive, more[0])
        if t < self._last_t[row]:
            self._values[row, [at for budget, at in self._column.items() if budget > t]] = np.nan
        self._values[row, column] = point
        self._first_t[row] = min(t, self._first_t[row])
        self._last_t[row] = t
        self._alive[row] = True

    def fail(self, trial_id: str) -> None:
        """The trial's points stand for nothing any more; how its curve went stays known."""
        if trial_id in self._row:
            self._alive[self._row[trial_id]] = False

    @property
    def trial_ids(self) -> Sequence[str]:
        """All trials that have reported, by row."""
        return list(self._row)

    def rows(self, trial_ids: Sequence[str]) -> NDArray[np.intp]:
        """(n,) rows of trials that have reported."""
        return np.array([self._row[trial_id] for trial_id in trial_ids], dtype=np.intp)

    def last_t(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """(n,) budgets of the last reports."""
        return self._last_t[rows]

    def last_points(self, rows: NDArray[np.intp]) -> Points:
        """(n, m) last points."""
        points: Points = self._values[rows, self._columns(self._last_t[rows])]
        return points

    def first_t(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """(n,) budgets of the first reports."""
        return self._first_t[rows]

    def first_points(self, rows: NDArray[np.intp]) -> Points:
        """(n, m) first points."""
        points: Points = self._values[rows, self._columns(self._first_t[rows])]
        return points

    def standing(self) -> Points:
        """(n, m) last points of all trials that have not failed."""
        return self.last_points(np.flatnonzero(self._alive))

    def spans(self, t: float, latest: int) -> Spans:
        """How trials went on from t; of more than `latest` trials, the last to have begun."""
        starts = self._values[:, self._column[t]]
        rows = np.flatnonzero(~np.isnan(starts[:, 0]) & (self._last_t > t))[-latest:]
        return Spans(rows, starts[rows], self.last_points(rows), self._last_t[rows])

    def extremes(self) -> tuple[Points, Points]:
        """(m,) best and (m,) worst values reported so far."""
        return np.nanmin(self._values, axis=(0, 1)), np.nanmax(self._values, axis=(0, 1))

    def _columns(self, budgets: NDArray[np.float64]) -> NDArray[np.intp]:
        return np.array([self._column[t] for t in budgets.tolist()], dtype=np.intp)


class Features:
    """Configurations as standardised numbers, whatever they hold.

    A feature per number (its logarithm, if all are positive and span a factor of `WIDE`) and per
    value of what is no number; entries of nested dicts likewise. Each has mean 0 and variance 1
    over the configurations seen, or is left out if it is the same in all; a missing entry is 0.
    """

    def __init__(self) -> None:
        self._row: dict[str, int] = {}
        self._columns: dict[tuple[str, str], dict[int, float]] = {}
        self._matrix: Points | None = None

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Keep a configuration; one that comes again is known."""
        if trial_id in self._row:
            return
        row = self._row.setdefault(trial_id, len(self._row))
        for name, value in _entries(config):
            self._columns.setdefault(name, {})[row] = value
        self._matrix = None

    def of(self, trial_ids: Sequence[str]) -> Points:
        """(n, p) features of n trials; 0 for a trial without a configuration."""
        if self._matrix is None:
            self._matrix = self._standardised()
        rows = [self._row.get(trial_id, -1) for trial_id in trial_ids]
        features: Points = self._matrix[rows]
        return features

    def _standardised(self) -> Points:
        """A row per configuration, and one of zeros."""
        columns = []
        for (_, category), entries in sorted(self._columns.items()):
            column = np.full(len(self._row), 0.0 if category else np.nan)
            column[list(entries)] = list(entries.values())
            low, high = np.nanmin(column), np.nanmax(column)
            if not low < high:
                continue
            if low > 0 and high >= WIDE * low:
                column = np.log(column)
            scaled = (column - np.nanmean(column)) / np.nanstd(column)
            columns.append(np.append(np.nan_to_num(scaled), 0.0))
        if not columns:
            return np.zeros((len(self._row) + 1, 0))
        return np.column_stack(columns)


def _entries(
    config: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[tuple[str, str], float]]:
    """((name, category), value): of numbers as they are, 1 for the category of anything else."""
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _entries(value, f"{name}/")
        elif isinstance(value, str | bool | None):
            yield (name, repr(value)), 1.0
        elif isinstance(value, Real) and math.isfinite(value):
            yield (name, ""), float(value)
