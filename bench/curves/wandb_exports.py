"""Curves from CSV files that Weights & Biases exports.

A line plot's export has a column for its x-axis and, for each run, the columns ``RUN - METRIC``,
``RUN - METRIC__MIN`` and ``RUN - METRIC__MAX``. It holds one metric, so several objectives need
several files. The export of the table of runs has a row per run, with its settings and its last
metrics; it adds what has no steps, like a number of parameters.

Source: the columns of exports in public repositories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.curves.columns import clock_s, end_of, first_of, numbers, present
from bench.curves.curve import Curve, Found, Series, looks_like_a_setting, series
from bench.curves.facts import Facts, by_name, facts_of
from bench.curves.options import SourceOptions
from bench.errors import UserError
from bench.formatting import count

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
        UserError: If there is no plot, an x-axis is a time, the axes differ, or runs share a name.
    """
    if not plots:
        raise UserError(
            "none of the files is a line plot's export of W&B, and a table of runs has the last "
            "values only: give the exports of line plots, one for each objective (a line plot's "
            "menu has 'Export to CSV'), with it"
        )
    _check_axes(plots)
    notes: list[str] = []
    names = [name for table in runs for name in table["Name"].astype(str)]
    metrics: dict[str, dict[str, Series]] = {}
    for path, table in plots:
        for column, found in _series(table, path).items():
            run, metric = _split(column, names)
            metrics.setdefault(run, {})[metric] = found
    facts = [one for table in runs for one in _facts(table, options)]
    known = by_name(names, facts, notes, "display name")
    curves = tuple(_curve(run, mine, known.get(run)) for run, mine in metrics.items())
    if runs and (unknown := len(set(metrics) - set(names))):
        notes.append(
            f"not in the exported table of runs: {unknown} of {count(len(metrics), 'run')}"
        )
    return Found("W&B export", name, curves, str(plots[0][1].columns[0]), notes=tuple(notes))


def _check_axes(plots: Sequence[tuple[Path, pd.DataFrame]]) -> None:
    """Refuse plots over a time, plots with different x-axes, and runs with one name."""
    first, known = plots[0]
    for path, table in plots:
        axis, others = str(table.columns[0]), set(table.columns)
        if axis.lower().startswith(CLOCKS):
            raise UserError(
                f"the x-axis of {path} is {axis!r}: choose Step or an epoch as the x-axis of the "
                "plot and export it again"
            )
        if axis != known.columns[0]:
            raise UserError(
                f"the x-axis of {path} is {axis!r}, that of {first} is {known.columns[0]!r}: "
                "choose the same x-axis for all plots and export them again"
            )
        for column in table.columns:
            name, dot, number = column.rpartition(".")
            if dot and number.isdigit() and name in others:  # pandas numbers equal columns
                raise UserError(
                    f"{path} has two columns {name!r}: give each run a name of its own in W&B and "
                    "export the plot again"
                )


def _split(column: str, names: Sequence[str]) -> tuple[str, str]:
    """Return the run and the metric of a column; either may have a dash in its name.

    Args:
        column: The column's name.
        names: The names of the runs, as far as they are known.
    """
    known = [name for name in names if column.startswith(f"{name}{SEPARATOR}")]
    run = max(known, key=len) if known else column.rpartition(SEPARATOR)[0]
    return run, column[len(run) + len(SEPARATOR) :]


def _series(table: pd.DataFrame, path: Path) -> dict[str, Series]:
    """Return the values of each column of a line plot that is a curve."""
    axis = str(table.columns[0])
    steps = numbers(table[axis])
    if steps is None:
        raise UserError(f"column {axis!r} of {path} counts steps, so it must hold numbers only")
    found = {}
    for column in table.columns[1:]:
        values = numbers(table[column])
        if column.endswith(EXTREMES) or values is None:
            continue
        at = present(table[column]) & np.isfinite(steps)
        if at.any():
            unknown = [np.nan] * int(at.sum())
            found[column] = series(steps[at].tolist(), values[at].tolist(), unknown)
    return found


def _facts(table: pd.DataFrame, options: SourceOptions) -> list[Facts]:
    """Return what each row of a table of runs says."""
    others = [column for column in table.columns if column not in RUN_COLUMNS]
    settings = options.config or tuple(c for c in others if looks_like_a_setting(c))
    found = facts_of(table, {c: c for c in settings if c in table}, {c: c for c in others})
    runtime = first_of(("Runtime",), table)
    seconds = clock_s(table[runtime]) if runtime else None
    return [
        replace(
            facts,
            end=end_of(table["State"].iloc[place]),
            duration_s=float(seconds[place]) if seconds is not None else np.nan,
        )
        for place, facts in enumerate(found)
    ]


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
