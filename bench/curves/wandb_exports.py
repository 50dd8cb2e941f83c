"""Curves from CSV files that Weights & Biases exports.

A line plot's export has a column for its x-axis and, for each run, the columns ``RUN - METRIC``,
``RUN - METRIC__MIN`` and ``RUN - METRIC__MAX``. It holds one metric, so several objectives need
several files. The export of the table of runs has a row per run, with its settings and its last
metrics; it adds what has no steps, like a number of parameters.

Source: the columns of exports in public repositories.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench.curves.columns import clock_s, end_of, first_of, numbers, present
from bench.curves.curve import Curve, Found, Series, looks_like_a_setting, series
from bench.curves.facts import Facts, facts_of
from bench.curves.options import SourceOptions
from bench.errors import UserError

SEPARATOR = " - "
EXTREMES = ("__MIN", "__MAX", "__STEP")
CLOCKS = ("relative time", "wall time", "_timestamp", "_runtime")
"""Beginnings of the names of x-axes that are times and no steps."""
RUN_COLUMNS = (
    *("Notes", "User", "Tags", "Created", "Runtime", "Sweep", "State", "GPU Type", "Host Name"),
    *("Name", "ID", "Group", "Job Type"),
)
"""Columns of the table of runs that are neither settings nor metrics."""


def is_plot(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is the export of a line plot."""
    return len(columns) > 1 and all(SEPARATOR in column for column in columns[1:])


def is_runs(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is the export of a table of runs."""
    return {"Name", "State"} <= set(columns) and bool({"Created", "Runtime", "User"} & set(columns))


def read(
    plots: Sequence[tuple[Path, pd.DataFrame]],
    runs: Sequence[pd.DataFrame],
    name: str,
    options: SourceOptions,
) -> Found:
    """Return the curves of exported line plots.

    Args:
        plots: The path and the content of each exported line plot.
        runs: The exported tables of runs; there may be none.
        name: The name of the source.
        options: The names of the settings.

    Raises:
        UserError: If the x-axis of a plot is a time.
    """
    metrics: dict[str, dict[str, Series]] = {}
    for path, table in plots:
        axis = str(table.columns[0])
        if axis.lower().startswith(CLOCKS):
            raise UserError(
                f"the x-axis of {path} is {axis!r}: choose Step or an epoch as the x-axis of the "
                "plot and export it again"
            )
        for run, metric, found in _series(table, path):
            metrics.setdefault(run, {})[metric] = found
    known: dict[str, Facts] = {}
    for table in runs:
        known |= _facts(table, options)
    curves = tuple(_curve(run, mine, known.get(run)) for run, mine in metrics.items())
    notes = []
    if runs and (unknown := sum(run not in known for run in metrics)):
        notes.append(f"{unknown} of {len(metrics)} runs are not in the exported table of runs")
    return Found("W&B export", name, curves, str(plots[0][1].columns[0]), notes=tuple(notes))


def _series(table: pd.DataFrame, path: Path) -> list[tuple[str, str, Series]]:
    """Return run, metric and values of each curve in a line plot."""
    axis = str(table.columns[0])
    steps = numbers(table[axis])
    if steps is None:
        raise UserError(f"column {axis!r} of {path} counts steps, so it must hold numbers only")
    found = []
    for column in table.columns[1:]:
        run, _, metric = column.rpartition(SEPARATOR)
        values = numbers(table[column])
        if metric.endswith(EXTREMES) or values is None:
            continue
        at = present(table[column]) & np.isfinite(steps)
        if at.any():
            unknown = [np.nan] * int(at.sum())
            found.append((run, metric, series(steps[at].tolist(), values[at].tolist(), unknown)))
    return found


def _facts(table: pd.DataFrame, options: SourceOptions) -> dict[str, Facts]:
    """Return what a table of runs says about each run."""
    others = [column for column in table.columns if column not in RUN_COLUMNS]
    settings = options.config or tuple(c for c in others if looks_like_a_setting(c))
    found = facts_of(table, "Name", {c: c for c in settings if c in table}, {c: c for c in others})
    runtime = first_of(("Runtime",), table)
    seconds = clock_s(table[runtime]) if runtime else None
    return {
        name: Facts(
            facts.config,
            facts.constants,
            end=end_of(table["State"].iloc[place]),
            duration_s=float(seconds[place]) if seconds is not None else np.nan,
        )
        for place, (name, facts) in enumerate(found.items())
    }


def _curve(run: str, metrics: dict[str, Series], facts: Facts | None) -> Curve:
    if facts is None:
        return Curve(run, metrics)
    return Curve(
        run,
        facts.spread(metrics),
        facts.config,
        {name: value for name, value in facts.constants.items() if name not in metrics},
        started_s=0.0,
        end=facts.end,
    )
