"""What trials report, as data for Ax."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mobo_core.objectives import as_number, reported

FULL = 1e-6
"""The relative error up to which a budget counts as the full one: sums of floats are not exact."""


@dataclass(frozen=True)
class Report:
    """A report that has a number for every metric that Ax needs.

    Args:
        data: Ax's raw data: the name in Ax → the value, with a standard error of 0 if it is exact.
        budget: The budget spent so far, or None if reports have none.
    """

    data: dict[str, float | tuple[float, float]]
    budget: float | None

    @property
    def is_finite(self) -> bool:
        """Whether every value is finite."""
        values = (v[0] if isinstance(v, tuple) else v for v in self.data.values())
        return all(map(math.isfinite, values))

    @property
    def progression(self) -> float | None:
        """The budget as Ax's progression."""
        if self.budget is None:
            return None
        return int(self.budget) if self.budget == int(self.budget) else self.budget


@dataclass(frozen=True)
class Reader:
    """How reports are read.

    Args:
        metrics: The key in a report → the name in Ax, of every metric that Ax needs.
        exact: The keys of the metrics without noise.
        time_attr: The key of the budget spent so far.
        max_t: The full budget, or None if every trial that ends is complete.
    """

    metrics: Mapping[str, str]
    exact: Collection[str]
    time_attr: str
    max_t: float | None

    def read(self, result: Mapping[str, Any]) -> Report | str:
        """Return a report as data for Ax, or why it cannot be used.

        Args:
            result: What a trial reported. NaN and ±inf are kept.
        """
        data: dict[str, float | tuple[float, float]] = {}
        for name in sorted(self.metrics, key=lambda name: self.metrics[name]):
            value = _number(result, name)
            if isinstance(value, str):
                return f"metric {name!r} {value}"
            data[self.metrics[name]] = (value, 0.0) if name in self.exact else value
        budget = _number(result, self.time_attr)
        if not isinstance(budget, str) and not math.isfinite(budget):
            budget = f"must be finite, got {budget}"
        if isinstance(budget, str) and self.max_t is not None:
            return f"time_attr {self.time_attr!r} {budget}"
        return Report(data, None if isinstance(budget, str) else budget)

    def read_known(self, result: Mapping[str, Any]) -> Report:
        """Return a known result as data for Ax; without a budget it is a full one.

        Args:
            result: What a trial reported last, before this search.

        Raises:
            ValueError: If it cannot be used.
        """
        timeless = reported(result, self.time_attr) is None
        report = replace(self, max_t=None).read(result) if timeless else self.read(result)
        if isinstance(report, str):
            raise ValueError(report)
        return replace(report, budget=self.max_t) if timeless else report

    def is_full(self, report: Report) -> bool:
        """Return whether a trial that ends with this report is complete."""
        if self.max_t is None or report.budget is None:
            return True
        return report.budget >= self.max_t * (1 - FULL)


def _number(result: Mapping[str, Any], name: str) -> float | str:
    """Return a value of a report as a float, or what is wrong with it."""
    value = reported(result, name)
    if value is None:
        return f"is missing from the report; reported keys: {', '.join(sorted(map(str, result)))}"
    try:
        return as_number(value)
    except (TypeError, ValueError):
        return f"must be a number, got {value!r}"
