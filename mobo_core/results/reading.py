"""Trials from whatever a user has after a search: Tune's objects, tables, dicts or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from mobo_core.objectives import is_finite_number
from mobo_core.results.folders import read_folder
from mobo_core.results.history import (
    Report,
    TrialHistory,
    error_line,
    split_config,
)

if TYPE_CHECKING:
    import pandas as pd

TRIAL_COLUMNS = ("trial_id", "trial")
"""The columns that may name the trial of a row, in the order in which they are looked for."""


def read_trials(source: Any, *, trial_column: str | None = None) -> list[TrialHistory]:
    """Return the trials of a search, in the order of the source.

    Args:
        source: One of these:

            * a ``ResultGrid`` of Ray Tune, or a list of its ``Result`` objects;
            * an ``ExperimentAnalysis``, or a list of Tune's trials;
            * the path or URI of an experiment folder, see `read_folder`;
            * a pandas DataFrame, or a list of dicts, with a row for each report (long format: rows
              with the same trial belong together, the oldest first) or a row for each trial.
              Columns such as ``config/lr`` hold the configuration;
            * a list of `TrialHistory`, which is returned unchanged.
        trial_column: The column of a table that names the trial of a row. By default it is
            ``trial_id`` or ``trial``; without one, every row is a trial.

    Raises:
        TypeError: If the source is something else.
        ValueError: If the folder holds no trial, the table has no such column, only some rows name
            their trial, or a column is given but the source is no table.

    Example:
        >>> rows = [
        ...     {"trial_id": "a", "val": {"loss": 2.0}, "config": {"lr": 0.1}},
        ...     {"trial_id": "a", "val": {"loss": 1.0}, "config": {"lr": 0.1}},
        ...     {"trial_id": "b", "val": {"loss": 1.5}, "config": {"lr": 0.2}},
        ... ]
        >>> [(trial.trial_id, len(trial.reports)) for trial in read_trials(rows)]
        [('a', 2), ('b', 1)]
    """
    if _is_frame(source):
        return _from_rows(_frame_rows(source), trial_column)
    members = None if isinstance(source, str | os.PathLike) else _members(source)
    if members is not None and all(isinstance(member, Mapping) for member in members):
        return _from_rows([dict(member) for member in members], trial_column)
    if trial_column is not None:
        raise ValueError(
            f"trial_column={trial_column!r} names a column of a table, but the results are of type "
            f"{type(source).__name__}: leave it out"
        )
    if members is None:
        return read_folder(source)
    if all(isinstance(member, TrialHistory) for member in members):
        return list(members)
    if all(hasattr(member, "metrics_dataframe") for member in members):
        return [_from_result(result, number) for number, result in enumerate(members)]
    if all(hasattr(member, "last_result") for member in members):
        frames = getattr(source, "trial_dataframes", {})
        return [_from_trial(trial, frames.get(trial.trial_id)) for trial in members]
    raise _unknown(source)


def metric_names(trials: Iterable[TrialHistory]) -> list[str]:
    """Return the names of all metrics that were ever a finite number, sorted.

    Args:
        trials: The trials.

    Example:
        >>> metric_names([TrialHistory("a", {}, ({"loss": 1.0, "note": "x"}, {"epoch": 2}))])
        ['epoch', 'loss']
    """
    return sorted(
        {
            name
            for trial in trials
            for report in trial.reports
            for name, value in report.items()
            if is_finite_number(value)
        }
    )


def _members(source: Any) -> Sequence[Any]:
    trials = getattr(source, "trials", None)
    if isinstance(trials, Sequence):
        return trials
    if isinstance(source, Mapping | bytes):
        raise _unknown(source)
    try:
        return list(source)
    except TypeError:
        raise _unknown(source) from None


def _unknown(source: Any) -> TypeError:
    return TypeError(
        "results must be a ResultGrid, an ExperimentAnalysis, a DataFrame, a list of dicts or the "
        f"path of an experiment folder, got {type(source).__name__}: {str(source)[:80]!r}"
    )


def _is_frame(source: Any) -> bool:
    return hasattr(source, "columns") and hasattr(source, "to_dict")


def _frame_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as dicts, with Python's numbers; a missing value has no entry."""
    rows = frame.to_dict("records")
    return [
        {str(key): value for key, value in row.items() if not _is_missing(value)} for row in rows
    ]


def _is_missing(value: Any) -> bool:
    """Return whether a cell is empty: pandas writes None, NaN, NaT or NA there."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _from_rows(rows: list[dict[str, Any]], trial_column: str | None) -> list[TrialHistory]:
    columns = {str(key) for row in rows for key in row}
    if trial_column is not None and rows and trial_column not in columns:
        raise ValueError(
            f"the table has no column {trial_column!r} for the trials; "
            f"its columns are {', '.join(sorted(columns))}"
        )
    known = TRIAL_COLUMNS if trial_column is None else (trial_column,)
    column = next((name for name in known if name in columns), None)
    trials: dict[str, list[dict[str, Any]]] = {}
    for number, row in enumerate(rows):
        name = number if column is None else row.get(column)
        if name is None:
            raise ValueError(
                f"row {number} of the table has no {column!r}, but others have: name the trial in "
                "each row (the first row is row 0), or leave out the column"
            )
        trials.setdefault(_id_text(name), []).append(row)
    return [_from_reports(trial_id, of_trial) for trial_id, of_trial in trials.items()]


def _id_text(name: Any) -> str:
    """Return a trial's id as text; pandas makes floats of whole numbers where some are missing."""
    is_whole = isinstance(name, float) and name.is_integer()
    return str(int(name) if is_whole else name)


def _from_reports(trial_id: str, rows: list[dict[str, Any]]) -> TrialHistory:
    pairs = [split_config(row) for row in rows]
    config: dict[str, Any] = next((found for _, found in reversed(pairs) if found), {})
    reports = tuple(report for report, _ in pairs)
    return TrialHistory(trial_id, config, reports, result=rows[-1])


def _history(frame: Any, last: Mapping[str, Any]) -> tuple[Report, ...]:
    """Return a trial's reports from its table, with the last one as Tune holds it in memory.

    The table was read from the files of Tune's loggers. They may be switched off.
    """
    rows = [] if frame is None else _frame_rows(frame)
    reports: list[Report] = [split_config(row)[0] for row in rows]
    newest, _ = split_config(last)
    same = bool(reports) and all(
        reports[-1].get(key) == newest.get(key) for key in ("training_iteration", "timestamp")
    )
    if newest:
        reports = [*(reports[:-1] if same else reports), newest]
    return tuple(reports)


def _from_result(result: Any, number: int) -> TrialHistory:
    last = result.metrics or {}
    path = None if result.path is None else str(result.path)
    name = PurePosixPath(path).name if path else str(number)
    return TrialHistory(
        trial_id=str(last.get("trial_id", name)),
        config=result.config or {},
        reports=_history(result.metrics_dataframe, last),
        status="ERROR" if result.error else None,
        error=error_line(result.error) if result.error else None,
        path=path,
        filesystem=getattr(result, "filesystem", None),
        result=result,
    )


def _from_trial(trial: Any, frame: Any) -> TrialHistory:
    failed = trial.status == "ERROR"
    error = trial.get_error() if failed and hasattr(trial, "get_error") else None
    return TrialHistory(
        trial_id=str(trial.trial_id),
        config=trial.config,
        reports=_history(frame, trial.last_result or {}),
        status=str(trial.status),
        error=error_line(error or "") if failed else None,
        path=getattr(trial, "path", None),
        filesystem=getattr(getattr(trial, "storage", None), "storage_filesystem", None),
        result=trial,
    )
