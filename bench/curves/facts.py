"""What a table with a row per run says about each run, besides its curve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bench.curves.columns import numbers
from bench.curves.curve import End, Series
from bench.formatting import count


@dataclass(frozen=True)
class Facts:
    """What is known of a run without steps.

    Args:
        config: Its hyper-parameters.
        constants: Its numbers.
        end: How it ended.
        duration_s: The seconds that it took; NaN if unknown.
    """

    config: Mapping[str, Any]
    constants: Mapping[str, float]
    end: End = "unknown"
    duration_s: float = np.nan

    def spread(self, metrics: Mapping[str, Series]) -> dict[str, Series]:
        """Return a run's metrics with a clock on which all its steps took equally long."""
        return spread(metrics, self.duration_s)


def spread(metrics: Mapping[str, Series], duration_s: float) -> dict[str, Series]:
    """Return metrics with a clock, from 0, on which all steps of the run took equally long.

    Args:
        metrics: Metric → its values; the run ended with the largest step of any.
        duration_s: The seconds that the run took; NaN if unknown.
    """
    known = [values.steps for values in metrics.values() if len(values)]
    if not known or not (np.isfinite(duration_s) and duration_s > 0):
        return dict(metrics)
    first, last = min(steps[0] for steps in known), max(steps[-1] for steps in known)
    zero = first - _interval(known) if first <= 0 else 0.0
    rate = duration_s / (last - zero)
    return {name: replace(v, clock_s=(v.steps - zero) * rate) for name, v in metrics.items()}


def _interval(known: list[Any]) -> float:
    """Return the usual distance between two steps; 1 if every metric has one step only."""
    distances = np.concatenate([np.diff(steps) for steps in known])
    return float(np.median(distances)) if len(distances) else 1.0


def facts_of(
    table: pd.DataFrame, settings: Mapping[str, str], constants: Mapping[str, str]
) -> list[Facts]:
    """Return the facts of each row.

    Args:
        table: A row per run.
        settings: Column → the name of a hyper-parameter.
        constants: Column → the name of a number; columns with other values are left out.
    """
    columns = {column: numbers(table[column]) for column in constants}
    numeric = {column: values for column, values in columns.items() if values is not None}
    found = []
    for place in range(len(table)):
        config = {settings[c]: _plain(table[c].iloc[place]) for c in settings}
        values = {constants[c]: float(v[place]) for c, v in numeric.items()}
        found.append(
            Facts(
                {name: value for name, value in config.items() if value is not None},
                {n: v for n, v in values.items() if not np.isnan(v) and n not in config},
            )
        )
    return found


def by_name(
    names: Sequence[str], facts: Sequence[Facts], notes: list[str], what: str
) -> dict[str, Facts]:
    """Return facts by the name of their run, without those of names that several runs have.

    Args:
        names: The name of each run.
        facts: The facts of each run.
        notes: Sentences for the user; one is added for names that several runs have.
        what: What the names are, for that sentence.
    """
    counts = Counter(names)
    if repeated := [name for name, times in counts.items() if times > 1]:
        notes.append(
            f"{what} {repeated[0]!r} is that of {counts[repeated[0]]} runs: settings, states and "
            f"times of runs with one {what} are unknown ({count(len(repeated), what)})"
        )
    pairs = zip(names, facts, strict=True)
    return {name: one for name, one in pairs if counts[name] == 1}


def _plain(value: Any) -> Any:
    """Return a cell as a plain Python value; None if it is empty."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
