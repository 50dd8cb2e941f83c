"""The learning curves of a run and the configurations behind them, as arrays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobo_core.objectives import Points, is_finite_number

WIDE = 10.0
"""From this ratio of the largest to the smallest value on, a positive number counts by its log."""
CATEGORIES = 10
"""So many values of one name are told apart from its most frequent one."""


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
        self._ids: list[str] = []
        self._best, self._worst = np.full(m, np.inf), np.full(m, -np.inf)

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
        if row == len(self._ids):
            self._ids.append(trial_id)
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
        self._best, self._worst = np.minimum(point, self._best), np.maximum(point, self._worst)

    def fail(self, trial_id: str) -> None:
        """The trial's points stand for nothing any more; how its curve went stays known."""
        if trial_id in self._row:
            self._alive[self._row[trial_id]] = False

    def trial_ids(self, rows: NDArray[np.intp]) -> list[str]:
        """The trials of some rows."""
        return [self._ids[row] for row in rows.tolist()]

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
        """(m,) best and (m,) worst values ever reported."""
        return self._best, self._worst

    def _columns(self, budgets: NDArray[np.float64]) -> NDArray[np.intp]:
        return np.array([self._column[t] for t in budgets.tolist()], dtype=np.intp)


class Features:
    """Configurations as numbers of about equal weight, whatever they hold.

    A number, or its logarithm if all are positive and span a factor of `WIDE`, is scaled to mean 0
    and variance 1 over the configurations seen. What is no number is a category: each value but the
    most frequent one gives 0 or 1, less its mean, if it was seen at least twice and is one of the
    `CATEGORIES` most frequent after it; so a name that is different in every trial tells nothing.
    Entries of nested dicts count by their path, lists and other objects not at all. What is the
    same in all configurations is left out; a missing entry is 0. Means and variances are taken anew
    when a twentieth more configurations are known.
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, float | str]] = {}
        self._scales: list[_Number | _Category] = []
        self._scaled: dict[str, Points] = {}
        self._scaled_at = 0

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Keep a configuration; one that comes again is known."""
        if trial_id not in self._entries:
            self._entries[trial_id] = dict(_entries(config))

    def of(self, trial_ids: Sequence[str]) -> Points:
        """(n, p) features of n trials; 0 for a trial without a configuration."""
        # Scales are fixed for a while when there are many: to adapt them costs what there is.
        if len(self._entries) > 1.05 * self._scaled_at:
            self._scales = list(_scales(list(self._entries.values())))
            self._scaled, self._scaled_at = {}, len(self._entries)
        features = np.zeros((len(trial_ids), len(self._scales)))
        for row, trial_id in enumerate(trial_ids):
            if trial_id in self._entries:
                if trial_id not in self._scaled:
                    entries = self._entries[trial_id]
                    self._scaled[trial_id] = np.array([scale.of(entries) for scale in self._scales])
                features[row] = self._scaled[trial_id]
        return features


@dataclass(frozen=True)
class _Number:
    """A number's scale."""

    name: str
    log: bool
    mean: float
    deviation: float

    def of(self, entries: Mapping[str, float | str]) -> float:
        value = entries.get(self.name)
        if not isinstance(value, float) or (self.log and value <= 0):
            return 0.0
        return ((math.log(value) if self.log else value) - self.mean) / self.deviation


@dataclass(frozen=True)
class _Category:
    """A category's share."""

    name: str
    value: str
    mean: float

    def of(self, entries: Mapping[str, float | str]) -> float:
        value = entries.get(self.name)
        return 0.0 if value is None else (value == self.value) - self.mean


def _scales(configs: Sequence[Mapping[str, float | str]]) -> Iterator[_Number | _Category]:
    """The features of some configurations, by name."""
    for name in sorted({name for config in configs for name in config}):
        values = [config[name] for config in configs if name in config]
        numbers = np.array([value for value in values if isinstance(value, float)])
        if len(numbers) and numbers.min() < numbers.max():
            log = bool(numbers.min() > 0 and numbers.max() >= WIDE * numbers.min())
            scaled = np.log(numbers) if log else numbers
            # Means of numbers near the largest there are would overflow.
            with np.errstate(over="ignore", invalid="ignore"):
                mean, deviation = float(scaled.mean()), float(scaled.std())
            if math.isfinite(deviation) and deviation > 0:
                yield _Number(name, log, mean, deviation)
        counts = Counter(value for value in values if isinstance(value, str))
        by_frequency = sorted(counts, key=lambda value: (-counts[value], value))
        for value in by_frequency[1 : CATEGORIES + 1]:
            if counts[value] > 1:
                yield _Category(name, value, counts[value] / len(values))


def _entries(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | str]]:
    """(path, value): numbers as such, what can be told apart by its text as text."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _entries(value, f"{prefix}{key}/")
        elif isinstance(value, str | bool | np.bool_ | None):
            yield f"{prefix}{key}", str(value)
        elif is_finite_number(value):
            yield f"{prefix}{key}", float(value)
