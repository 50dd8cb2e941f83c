"""One trial's learning curve as a tool recorded it, and everything that was found in a source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
End = Literal["complete", "stopped", "failed", "unknown"]

LATER_WORDS = frozenset(
    (
        *("acc", "accuracy", "auc", "best", "date", "duration", "elapsed", "error", "f1", "final"),
        *("last", "loss", "metric", "metrics", "result", "runtime", "score", "seconds", "test"),
        *("time", "timestamp", "val", "valid", "validation"),
    )
)
"""Words in the name of a column that is probably a result, even if it is constant in each trial.

A result is known only after the training. A scheduler must not learn from it beforehand.
"""


@dataclass(frozen=True)
class Series:
    """The values of one metric in one trial, in the order of their steps.

    Args:
        steps: (k,) increasing steps, in the unit of the source's own counter.
        values: (k,) values; NaN and ±inf only where the source has them as values.
        clock_s: (k,) seconds on a clock at which each value was reported; NaN where unknown.
    """

    steps: Floats
    values: Floats
    clock_s: Floats

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class Curve:
    """One trial.

    Args:
        name: The trial's name in the source.
        metrics: Metric → its values. Metrics may have different steps.
        config: The hyper-parameters, by flat name.
        constants: Numbers that were recorded once, without a step.
        started_s: The seconds on the clock of `Series.clock_s` when the training began; NaN if
            unknown.
        end: How the trial ended, as far as the source says.
        repeated: The number of reports that a later report of the same step replaced.
        last_step: The step of the last report, whatever is in it; NaN if unknown.
    """

    name: str
    metrics: Mapping[str, Series]
    config: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    started_s: float = np.nan
    end: End = "unknown"
    repeated: int = 0
    last_step: float = np.nan


@dataclass(frozen=True)
class Found:
    """Everything that was found in a source.

    Args:
        kind: What the source is, for people, e.g. ``Ray Tune experiment``.
        name: The source's name.
        curves: The trials, in the source's order.
        time_attr: The name of the counter that the steps are of.
        in_tune: Whether the curves were reported to Ray Tune under the name `time_attr`.
        notes: Sentences about what was read in a way that a user should know.
        unusable: Name of a column that would be a metric → why it is none.
    """

    kind: str
    name: str
    curves: tuple[Curve, ...]
    time_attr: str
    in_tune: bool = False
    notes: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)

    def metric_names(self) -> list[str]:
        """Return the names of all metrics and constants, those of most trials first."""
        counts: dict[str, int] = {}
        for curve in self.curves:
            for name in {**curve.metrics, **curve.constants}:
                counts[name] = counts.get(name, 0) + 1
        return sorted(counts, key=lambda name: (-counts[name], name))

    def config_names(self) -> list[str]:
        """Return the names of all hyper-parameters, sorted."""
        return sorted({name for curve in self.curves for name in curve.config})


def series(steps: Sequence[float], values: Sequence[float], clock_s: Sequence[float]) -> Series:
    """Return reports in the order of their steps; of reports of the same step the last one counts.

    Args:
        steps: (k,) finite steps, in the order in which they were reported.
        values: (k,) values.
        clock_s: (k,) seconds on a clock; NaN where unknown.
    """
    last = {float(step): place for place, step in enumerate(steps)}
    order = [last[step] for step in sorted(last)]
    columns = (np.asarray(column, dtype=float)[order] for column in (steps, values, clock_s))
    return Series(*columns)


def looks_like_a_setting(name: str) -> bool:
    """Return whether a column that is constant in each trial may be a hyper-parameter.

    Example:
        >>> looks_like_a_setting("learning_rate"), looks_like_a_setting("best_val_acc")
        (True, False)
    """
    words = re.split(r"[\W_]+", name.lower())
    return not name.startswith("_") and not LATER_WORDS & set(words)


def is_number(value: object) -> bool:
    """Return whether a value is a number; NaN and ±inf are, a truth value is not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
