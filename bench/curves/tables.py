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
    first_text,
    named,
    numbers,
    present,
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
from bench.formatting import count

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
"""The column that tells trials apart where it takes the file to do so."""

Parts = Sequence[tuple[Path, pd.DataFrame]]


def read(parts: Parts, name: str, options: SourceOptions) -> Found:
    """Return the curves of tables in long format.

    Args:
        parts: The path and the content of each file: a row per report, each trial's in the order in
            which they were reported. Of several files without a column that tells trials apart,
            each is a trial.
        name: The name of the source.
        options: The names of columns.

    Raises:
        UserError: If no column tells the trials or the steps.
    """
    notes: list[str] = []
    trial = _trial_column(parts, options)
    if trial == TRIAL_FILE or (len(parts) > 1 and not options.trial_column):
        parts, trial = _told_apart_by_file(parts, trial, notes)
    table = pd.concat([part for _, part in parts], ignore_index=True)
    step = _step_column(table, trial, name, options)
    timing = _timing(table)
    state = first_of(STATES, table)
    used = {trial, step, *([timing.column] if timing else []), *([state] if state else [])}
    others = [column for column in table.columns if column not in used]
    columns = {column: numbers(table[column]) for column in others}
    numeric = {column: values for column, values in columns.items() if values is not None}
    settings = settings_of(table, trial, others, options)
    texts = {c: first_text(table[c]) for c in others if c not in numeric and c not in settings}
    unusable = {column: _told(parts, *text) for column, text in texts.items() if text}
    steps = numbers(table[step])
    if steps is None:
        place = first_text(table[step])
        why = f": {_told(parts, *place)}" if place else ""
        raise UserError(
            f"column {step!r} of {name} counts steps, so it must hold numbers only{why}"
        )
    _note_left_out(table[trial], steps, step, notes)
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
                last_step=float(steps[at].max()) if len(at) else np.nan,
            )
        )
    notes += [f"column {column!r} is no metric: {why}" for column, why in unusable.items()]
    return Found("table", name, tuple(curves), step, notes=tuple(notes), unusable=unusable)


def _told_apart_by_file(parts: Parts, trial: str, notes: list[str]) -> tuple[Parts, str]:
    """Return several files and the column that tells their trials apart.

    It is `trial` if no value of it is in two files. Otherwise equal values need not be the same
    trial, and a new column has the file's name, and the value where a file has several.
    """
    if trial != TRIAL_FILE:
        values = [set(part[trial].dropna().astype(str)) for _, part in parts]
        if len(set().union(*values)) == sum(map(len, values)):
            return parts, trial
        notes.append(
            f"values of {trial!r} are in several files, so each file's are trials of their own: "
            f"--trial-column {trial} joins them"
        )
    # A column like "model" with one value in each file is no name of a trial.
    several = trial != TRIAL_FILE and any(part[trial].nunique() > 1 for _, part in parts)
    made = []
    for (path, part), label in zip(parts, _labels([path for path, _ in parts]), strict=True):
        if several:
            labels = (label + "/" + part[trial].astype(str)).where(part[trial].notna())
            made.append((path, part.drop(columns=trial).assign(**{TRIAL_FILE: labels})))
        else:
            made.append((path, part.assign(**{TRIAL_FILE: label})))
    return made, TRIAL_FILE


def _note_left_out(trials: pd.Series, steps: Floats, step: str, notes: list[str]) -> None:
    """Say how many rows are of no trial or of no step."""
    nameless = ~present(trials)
    for rows, what in (
        (nameless, f"without a value of {trials.name!r}"),
        (~nameless & ~np.isfinite(steps), f"without a finite {step!r}"),
    ):
        if number := int(rows.sum()):
            notes.append(f"{count(number, 'row')} left out: {what}")


def _told(parts: Parts, place: int, text: str) -> str:
    """Return where a text is: its row, not counting the header, and its file if there are more."""
    for path, part in parts:
        if place < len(part):
            where = f" of {path}" if len(parts) > 1 else ""
            return f"row {place + 1}{where} holds {text!r}"
        place -= len(part)
    raise AssertionError("the place is in one of the files")


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


def _trial_column(parts: Parts, options: SourceOptions) -> str:
    path, first = parts[0]
    if options.trial_column:
        for path, part in parts:
            named("--trial-column", options.trial_column, part, path)
        return options.trial_column
    found = first_of(TRIALS, first)
    if found is not None and all(found in part for _, part in parts):
        return found
    if len(parts) > 1:
        return TRIAL_FILE
    raise UserError(
        f"no column of {path} tells trials apart: name it with --trial-column; the columns "
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
