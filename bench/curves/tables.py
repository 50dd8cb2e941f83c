"""Curves from tables in long format: a row per report, in one file or in a file per trial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.curves.columns import (
    Places,
    clock_s,
    end_of,
    first_of,
    named,
    numbers,
    present,
    read_table,
    rows_of,
)
from bench.curves.curve import (
    Curve,
    Floats,
    Found,
    Series,
    looks_like_a_setting,
    series,
)
from bench.curves.options import SourceOptions
from bench.errors import UserError

TRIALS = (
    *("trial_id", "trial", "run_id", "run", "run_name", "config", "config_id", "trial_number"),
    *("experiment_id", "name", "number", "model"),
)
"""Names of columns that tell trials apart, the likeliest first."""
STEPS = (
    *("training_iteration", "epoch", "epochs", "step", "_step", "global_step", "steps"),
    *("trainer/global_step", "iteration", "iter", "round"),
)
"""Names of columns that order reports, the likeliest first."""
ELAPSED = ("time_total_s", "_runtime", "runtime_s", "elapsed_s", "elapsed", "runtime")
"""Names of columns with the seconds since the start of the trial."""
DURATIONS = ("time_this_iter_s", "seconds", "epoch_s", "duration_s")
"""Names of columns with the seconds that the training up to a report took."""
CLOCKS = ("timestamp", "_timestamp", "wall_time", "datetime", "time", "date")
"""Names of columns with the time of day."""
STATES = ("status", "state")
PREFIXES = ("config/", "config.", "config_", "params.", "params/", "params_", "hparams/", "hp/")
"""Beginnings of the names of columns with hyper-parameters."""
TRIAL_FILE = "trial file"
"""The column with each row's file where every trial has a file of its own."""


def read(paths: Sequence[Path], name: str, options: SourceOptions) -> Found:
    """Return the curves of tables in long format.

    Args:
        paths: The files. Of several files without a column that tells trials apart, each is a
            trial.
        name: The name of the source.
        options: The names of columns.

    Raises:
        UserError: If a file cannot be read, or no column tells the trials or the steps.
    """
    parts = [read_table(path) for path in paths]
    trial = _trial_column(parts, paths, options)
    if trial == TRIAL_FILE:
        labels = _labels(paths)
        parts = [part.assign(**{trial: one}) for part, one in zip(parts, labels, strict=True)]
    table = pd.concat(parts, ignore_index=True)
    return from_table(table, trial, name, options)


def from_table(table: pd.DataFrame, trial: str, name: str, options: SourceOptions) -> Found:
    """Return the curves of one table.

    Args:
        table: A row per report, each trial's in the order in which they were reported.
        trial: The column that tells the trials apart.
        name: The name of the source.
        options: The names of other columns.

    Raises:
        UserError: If no column tells the steps.
    """
    step = _step_column(table, trial, name, options)
    timing = _timing(table)
    state = first_of(STATES, table)
    used = {trial, step, *([timing.column] if timing else []), *([state] if state else [])}
    others = [column for column in table.columns if column not in used]
    columns = {column: numbers(table[column]) for column in others}
    numeric = {column: values for column, values in columns.items() if values is not None}
    settings = settings_of(table, trial, others, options)
    steps = numbers(table[step])
    if steps is None:
        raise UserError(f"column {step!r} of {name} counts steps, so it must hold numbers only")
    curves = []
    for label, rows in rows_of(table, trial).items():
        at = rows[np.isfinite(steps[rows])]
        clock, started = timing.of(at) if timing else (np.full(len(at), np.nan), np.nan)
        metrics = {
            column: _series(table[column].iloc[at], values[at], steps[at], clock)
            for column, values in numeric.items()
            if column not in settings
        }
        curves.append(
            Curve(
                label,
                {column: found for column, found in metrics.items() if len(found)},
                {settings[c]: _first(table[c].iloc[rows]) for c in settings},
                started_s=started,
                end=end_of(table[state].iloc[rows[-1]]) if state else "unknown",
                repeated=max(
                    (int(present(table[c].iloc[at]).sum()) - len(s) for c, s in metrics.items()),
                    default=0,
                ),
            )
        )
    return Found("table", name, tuple(curves), step)


def settings_of(
    table: pd.DataFrame, trial: str, columns: Sequence[str], options: SourceOptions
) -> dict[str, str]:
    """Return the columns that hold hyper-parameters → the parameters' names.

    They are the ones that a user named, or else those with a usual prefix, or else those that are
    constant in every trial and whose names do not look like a result's.
    """
    if options.config:
        given = [named("--config", column, table, "the table") for column in options.config]
        return {column: _without_prefix(column) for column in given}
    prefixed = {c: _without_prefix(c) for c in columns if c.lower().startswith(PREFIXES)}
    if prefixed:
        return prefixed
    groups = table.groupby(trial, sort=False)
    if groups.size().max() < 2:
        return {}
    varying = groups[list(columns)].nunique(dropna=True).max() > 1 if columns else pd.Series()
    return {
        column: column
        for column in columns
        if not varying[column] and looks_like_a_setting(column) and table[column].nunique() > 1
    }


class _Timing:
    """The column that says how long trials trained.

    Args:
        column: Its name.
        values: (n,) its values, in seconds.
        kind: ``elapsed`` since the trial's start, ``duration`` of each report, or ``clock``.
    """

    def __init__(self, column: str, values: Floats, kind: str) -> None:
        self.column = column
        self._values = values
        self._kind = kind

    def of(self, rows: Places) -> tuple[Floats, float]:
        """Return (k,) seconds on a clock for a trial's rows, and its start on that clock."""
        values = self._values[rows]
        if self._kind == "duration":
            return np.cumsum(values), 0.0
        return values, 0.0 if self._kind == "elapsed" else np.nan


def _timing(table: pd.DataFrame) -> _Timing | None:
    for kind, names in (("elapsed", ELAPSED), ("duration", DURATIONS), ("clock", CLOCKS)):
        column = first_of(names, table)
        if column is None:
            continue
        values = clock_s(table[column]) if kind == "clock" else numbers(table[column])
        if values is not None and np.isfinite(values).any():
            return _Timing(column, values, kind)
    return None


def _series(column: pd.Series, values: Floats, steps: Floats, clock: Floats) -> Series:
    there = present(column)
    return series(steps[there].tolist(), values[there].tolist(), clock[there].tolist())


def _trial_column(
    parts: Sequence[pd.DataFrame], paths: Sequence[Path], options: SourceOptions
) -> str:
    first = parts[0]
    if options.trial_column:
        for part, path in zip(parts, paths, strict=True):
            named("--trial-column", options.trial_column, part, path)
        return options.trial_column
    found = first_of(TRIALS, first)
    if found is not None and all(found in part for part in parts):
        return found
    if len(parts) > 1:
        return TRIAL_FILE
    raise UserError(
        f"no column of {paths[0]} tells trials apart: name it with --trial-column; the columns "
        f"are {', '.join(first.columns)}"
    )


def _step_column(table: pd.DataFrame, trial: str, name: str, options: SourceOptions) -> str:
    if options.time_attr:
        return named("--time-attr", options.time_attr, table, name)
    found = first_of(STEPS, table.drop(columns=trial))
    if found is None:
        raise UserError(
            f"no column of {name} orders the reports of a trial: name it with --time-attr; the "
            f"columns are {', '.join(map(str, table.columns))}"
        )
    return found


def _labels(paths: Sequence[Path]) -> list[str]:
    """Return a short name for each file: its own, or its folder's where all are called the same."""
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    parents = [path.parent.name for path in paths]
    return parents if len(set(parents)) == len(parents) else [str(path) for path in paths]


def _without_prefix(column: str) -> str:
    prefix = next((p for p in PREFIXES if column.lower().startswith(p)), "")
    return column[len(prefix) :] or column


def _first(column: pd.Series) -> Any:
    known = column[present(column)]
    if known.empty:
        return None
    value = known.iloc[0]
    return value.item() if isinstance(value, np.generic) else value
