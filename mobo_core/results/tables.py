"""Trials from tables: a row for each report of a trial, or a row for each trial."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mobo_core.objectives import is_finite_number
from mobo_core.results.history import TrialHistory, split_config

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

TRIAL_COLUMNS = ("trial_id", "trial")
"""The columns that name the trial of a row, the likeliest first; in any mixture of capitals."""
RUN_COLUMNS = ("run_id", "run", "run_name")
"""The columns that may name the trial of a row, if their values tell the rows apart."""
COUNTERS = (
    *("training_iteration", "epoch", "epochs", "step", "_step", "global_step", "steps"),
    *("trainer/global_step", "iteration", "iter", "round"),
)
"""The columns that count the reports of a trial, the likeliest first."""


def frame_rows(frame: pd.DataFrame, *, keep_names: bool = False) -> list[Row]:
    """Return a table's rows as dicts, with Python's numbers; a missing value has no entry.

    Args:
        frame: The table.
        keep_names: Whether a column without any value has the entry None in each row, so that its
            name is known.

    Example:
        >>> import pandas as pd
        >>> frame_rows(pd.DataFrame({"loss": [1.0, float("nan")], "epoch": [1, 2]}))
        [{'loss': 1.0, 'epoch': 1}, {'epoch': 2}]
    """
    rows = [
        {str(key): value for key, value in row.items() if not _is_missing(value)}
        for row in frame.to_dict("records")
    ]
    if keep_names:
        known = {name for row in rows for name in row}
        empty = [name for name in map(str, frame.columns) if name not in known]
        nothing = {name: None for name in empty if not name.startswith("config/")}
        rows = [row | nothing for row in rows]
    return rows


def _is_missing(value: Any) -> bool:
    """Return whether a cell is empty: pandas writes None, NaN, NaT or NA there."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def trials_of_rows(
    rows: Sequence[Row], trial_column: str | None = None, config_columns: Sequence[str] = ()
) -> list[TrialHistory]:
    """Return the trials of a table, in the order in which they first appear.

    Args:
        rows: The rows, those of one trial in the order in which they were reported.
        trial_column: As in `read_trials`.
        config_columns: As in `read_trials`.

    Raises:
        ValueError: If the table has no such column, or only some rows name their trial.

    Example:
        >>> rows = [{"run": "a", "epoch": 1, "lr": 0.1}, {"run": "a", "epoch": 2, "lr": 0.1}]
        >>> (trial,) = trials_of_rows(rows, config_columns=["lr"])
        >>> trial.trial_id, trial.config, len(trial.reports)
        ('a', {'lr': 0.1}, 2)
    """
    columns = {str(key) for row in rows for key in row}
    _check_columns(columns, "for the trials", () if trial_column is None else (trial_column,))
    _check_columns(columns, "with a parameter", config_columns)
    filled = {str(key) for row in rows for key, value in row.items() if value is not None}
    column = trial_column or _first_of(TRIAL_COLUMNS, filled) or _run_column(rows, filled)
    trials: dict[str, list[Row]] = {}
    for number, row in enumerate(rows):
        name = number if column is None else row.get(column)
        if name is None:
            raise ValueError(
                f"row {number} of the table has no {column!r}, but others have: name the trial in "
                "each row (the first row is row 0), or leave out the column"
            )
        trials.setdefault(_id_text(name), []).append(row)
    return [
        _from_reports(trial_id, of_trial, config_columns) for trial_id, of_trial in trials.items()
    ]


def _check_columns(columns: set[str], what: str, given: Iterable[str]) -> None:
    for name in given:
        if columns and name not in columns:
            near = get_close_matches(name, sorted(columns))
            remedy = f": did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(
                f"the table has no column {name!r} {what}; its columns are "
                f"{', '.join(sorted(columns))}{remedy}"
            )


def _first_of(names: Iterable[str], columns: Iterable[str]) -> str | None:
    """Return the first name that is a column, in any mixture of capitals; None if none is."""
    known = {name.lower(): name for name in sorted(columns, reverse=True)}
    return next((known[name] for name in names if name in known), None)


def _run_column(rows: Sequence[Row], columns: set[str]) -> str | None:
    """Return the column that names the trials although no column is called so; None without one.

    It tells the rows apart, together with the counter if there is one: equal pairs would be the
    same report twice. So a number that is counted anew for each configuration is not taken.
    """
    counter = _first_of(COUNTERS, columns)
    unsure = None
    for candidate in RUN_COLUMNS:
        column = _first_of([candidate], columns)
        if column is None or any(row.get(column) is None for row in rows):
            continue
        runs = [_id_text(row[column]) for row in rows]
        counts = [row.get(counter) if counter else None for row in rows]
        if len(set(zip(runs, map(str, counts), strict=True))) == len(rows):
            return column
        if len(set(runs)) > 1:
            unsure = unsure or column
    if unsure is not None:
        _warn_of_rows(rows, f"column {unsure!r} has the same value in several rows", unsure)
    elif counter is not None and _is_counted(row.get(counter) for row in rows):
        _warn_of_rows(rows, f"column {counter!r} counts up several times", "...")
    return None


def _is_counted(values: Iterable[Any]) -> bool:
    """Return whether values are those of a counter in the reports of several trials.

    They are whole numbers without a gap, and none of them occurs more often than the one before:
    who reports a third time has reported a second time. The last epochs of trials, one for each,
    are seldom like that.
    """
    numbers = list(values)
    if not numbers or not all(is_finite_number(v) and float(v).is_integer() for v in numbers):
        return False
    counts = Counter(int(value) for value in numbers)
    steps = sorted(counts)
    often = [counts[step] for step in steps]
    no_gap = len(steps) > 1 and steps == list(range(steps[0], steps[-1] + 1))
    return no_gap and often[0] > 1 and often == sorted(often, reverse=True)


def _warn_of_rows(rows: Sequence[Row], why: str, column: str) -> None:
    warnings.warn(
        f"each of the {len(rows)} rows of the table counts as a trial, but {why}: if the rows are "
        f"reports of fewer trials, name the column of the trials with trial_column={column!r}",
        stacklevel=2,
    )


def _id_text(name: Any) -> str:
    """Return a trial's id as text; pandas makes floats of whole numbers where some are missing."""
    is_whole = isinstance(name, float) and name.is_integer()
    return str(int(name) if is_whole else name)


def _from_reports(trial_id: str, rows: list[Row], config_columns: Sequence[str]) -> TrialHistory:
    pairs = [split_config(row) for row in rows]
    config: dict[str, Any] = next((found for _, found in reversed(pairs) if found), {})
    named: Mapping[str, Any] = {
        name.removeprefix("config/"): row[name]
        for name in config_columns
        for row in rows
        if row.get(name) is not None
    }
    reports = tuple(report for report, _ in pairs)
    return TrialHistory(trial_id, {**config, **named}, reports, result=rows[-1])
