"""The learning curves of a run, and the configurations of its trials, as arrays."""

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
"""The smallest ratio of largest to smallest value for which positive numbers count by their log."""
CATEGORIES = 10
"""The largest number of values of one name that get a feature, besides its most frequent value."""


@dataclass(frozen=True)
class Spans:
    """The progress of k trials from a common budget t to their last reports.

    Args:
        rows: (k,) the rows of the trials.
        starts: (k, m) their points at t, minimised.
        ends: (k, m) their last points, minimised.
        budgets: (k,) the budgets of their last reports, all larger than t.

    Example:
        >>> curves = Curves(m=1)
        >>> for trial_id, t, value in [("a", 1, 0.5), ("b", 1, 0.9), ("a", 4, 0.2)]:
        ...     curves.add(trial_id, t, np.array([value]))
        >>> spans = curves.spans(t=1, latest=200)
        >>> spans.starts.tolist(), spans.ends.tolist(), spans.budgets.tolist()
        ([[0.5]], [[0.2]], [4.0])
    """

    rows: NDArray[np.intp]
    starts: Points
    ends: Points
    budgets: NDArray[np.float64]


class Curves:
    """All reports of a run as arrays, with a row per trial and a column per distinct budget.

    Args:
        m: The number of objectives.

    Example:
        >>> curves = Curves(m=2)
        >>> curves.add("a", 1, np.array([0.5, 10.0]))
        >>> curves.add("a", 2, np.array([0.3, 10.0]))
        >>> curves.last_points(curves.rows(["a"])).tolist()
        [[0.3, 10.0]]
    """

    def __init__(self, m: int) -> None:
        self._row: dict[str, int] = {}
        self._column: dict[float, int] = {}
        self._values = np.full((16, 16, m), np.nan)
        self._first_t = np.full(16, np.inf)
        self._last_t = np.zeros(16)
        self._alive = np.zeros(16, dtype=bool)
        self._ids: list[str] = []
        self._best, self._worst = np.full(m, np.inf), np.full(m, -np.inf)
        self._changed = np.zeros(16, dtype=int)
        self.changes = 0
        """The number of reports and failures so far."""

    def add(self, trial_id: str, t: float, point: Points) -> None:
        """Store a report.

        If the trial has already reported a larger budget, it went back to an older checkpoint. Its
        reports at larger budgets are then removed, and one at the same budget is replaced.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget that the trial has spent, > 0.
            point: (m,) the objectives, minimised.

        Raises:
            ValueError: If the budget is not positive.
        """
        if not t > 0:
            raise ValueError(f"a budget must be greater than 0, got {t} from trial {trial_id}")
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
            self._changed = np.pad(self._changed, more[0])
        if t < self._last_t[row]:
            self._values[row, [at for budget, at in self._column.items() if budget > t]] = np.nan
        self._values[row, column] = point
        self._first_t[row] = min(t, self._first_t[row])
        self._last_t[row] = t
        self._alive[row] = True
        self.changes += 1
        self._changed[row] = self.changes
        self._best, self._worst = np.minimum(point, self._best), np.maximum(point, self._worst)

    def fail(self, trial_id: str) -> None:
        """Exclude a failed trial from `standing`; its learning curve remains."""
        if trial_id in self._row:
            self._alive[self._row[trial_id]] = False
            self.changes += 1

    def has(self, trial_id: str) -> bool:
        """Return whether a trial has reported."""
        return trial_id in self._row

    def trial_ids(self, rows: NDArray[np.intp]) -> list[str]:
        """Return the ids of the trials in the given rows (n,)."""
        return [self._ids[row] for row in rows.tolist()]

    def rows(self, trial_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the rows (n,) of trials that have reported."""
        return np.array([self._row[trial_id] for trial_id in trial_ids], dtype=np.intp)

    def changed(self, rows: NDArray[np.intp]) -> NDArray[np.int_]:
        """Return the values (n,) of `changes` at the last reports of the trials in rows (n,)."""
        return self._changed[rows]

    def last_t(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the budgets (n,) of the last reports of the trials in the given rows (n,)."""
        return self._last_t[rows]

    def last_points(self, rows: NDArray[np.intp]) -> Points:
        """Return the last points (n, m) of the trials in the given rows (n,)."""
        points: Points = self._values[rows, self._columns(self._last_t[rows])]
        return points

    def first_t(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the budgets (n,) of the first reports of the trials in the given rows (n,)."""
        return self._first_t[rows]

    def first_points(self, rows: NDArray[np.intp]) -> Points:
        """Return the first points (n, m) of the trials in the given rows (n,)."""
        points: Points = self._values[rows, self._columns(self._first_t[rows])]
        return points

    def standing(self) -> NDArray[np.intp]:
        """Return the rows (n,) of all trials that have reported and have not failed."""
        return np.flatnonzero(self._alive)

    def at(self, t: float) -> Points:
        """Return the points (n, m) at a budget that a trial has reported; NaN for the others."""
        points: Points = self._values[: len(self._ids), self._column[t]]
        return points

    def spans(self, t: float, latest: int) -> Spans:
        """Return the progress of the trials that reported at a budget and beyond it.

        Args:
            t: A budget at which at least one trial has reported.
            latest: The largest number of trials; of more trials, those with the latest first
                reports are taken.
        """
        starts = self.at(t)
        last = self._last_t[: len(starts)]
        rows = np.flatnonzero(~np.isnan(starts[:, 0]) & (last > t))[-latest:]
        return Spans(rows, starts[rows], self.last_points(rows), self._last_t[rows])

    def extremes(self) -> tuple[Points, Points]:
        """Return the best (m,) and the worst (m,) values of all reports, minimised."""
        return self._best, self._worst

    def _columns(self, budgets: NDArray[np.float64]) -> NDArray[np.intp]:
        return np.array([self._column[t] for t in budgets.tolist()], dtype=np.intp)


class Features:
    """Features of configurations: numbers of about equal weight, for any kind of search space.

    * A **number** gives one feature with mean 0 and variance 1 over the configurations seen. If all
      its values are positive and the largest is at least `WIDE` times the smallest, its logarithm
      is used instead.
    * A **category** (text, a bool or None) gives one feature per value: 1 if the configuration has
      this value and 0 if not, minus the mean. The most frequent value gives none, and neither does
      a value that was seen only once. At most `CATEGORIES` values are used, the most frequent ones.
      A name that is different in every trial therefore gives no feature.
    * The entries of a **nested** dict are named by their path. Lists and other objects are left
      out.
    * An entry that is the same in all configurations is left out. A missing entry gives 0.

    Means and variances are those at the last call of `rescale`, which updates them if the number of
    configurations has grown by more than 5 %.

    Example:
        >>> features = Features()
        >>> features.add("a", {"lr": 1e-4, "width": 32})
        >>> features.add("b", {"lr": 1e-2, "width": 32})
        >>> features.rescale()
        >>> features.of(["a", "b"]).round(6).tolist()
        [[-1.0], [1.0]]
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, float | str]] = {}
        self._scales: list[_Number | _Category] = []
        self._scaled: dict[str, Points] = {}
        self._scaled_at = 0

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Store a trial's configuration; only the first one of a trial counts.

        Args:
            trial_id: The trial's id.
            config: The trial's hyper-parameters, which may be nested.
        """
        if trial_id not in self._entries:
            self._entries[trial_id] = dict(_entries(config))

    def rescale(self) -> None:
        """Update means and variances, if enough configurations are new."""
        # Not at every call, because that reads all configurations.
        if len(self._entries) > 1.05 * self._scaled_at:
            self._scales = list(_scales(list(self._entries.values())))
            self._scaled, self._scaled_at = {}, len(self._entries)

    def of(self, trial_ids: Sequence[str]) -> Points:
        """Return the features (n, p) of n trials; they are 0 for a trial without a configuration.

        Args:
            trial_ids: The n trials' ids.
        """
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
    """The scale of a number: it maps a configuration to one feature."""

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
    """One value of a category: it maps a configuration to one feature."""

    name: str
    value: str
    mean: float

    def of(self, entries: Mapping[str, float | str]) -> float:
        value = entries.get(self.name)
        return 0.0 if value is None else (value == self.value) - self.mean


def _scales(configs: Sequence[Mapping[str, float | str]]) -> Iterator[_Number | _Category]:
    """Yield the features of the given configurations, sorted by name."""
    for name in sorted({name for config in configs for name in config}):
        values = [config[name] for config in configs if name in config]
        numbers = np.array([value for value in values if isinstance(value, float)])
        if len(numbers) and numbers.min() < numbers.max():
            log = bool(numbers.min() > 0 and numbers.max() >= WIDE * numbers.min())
            scaled = np.log(numbers) if log else numbers
            # Numbers near the largest float would let the mean overflow.
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
    """Yield the (path, value) pairs of a nested configuration: floats for numbers, else texts.

    Values other than numbers, texts, bools and None are left out.
    """
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _entries(value, f"{prefix}{key}/")
        elif isinstance(value, str | bool | np.bool_ | None):
            yield f"{prefix}{key}", str(value)
        elif is_finite_number(value):
            yield f"{prefix}{key}", float(value)
