"""Trials from whatever a user has after a search: Tune's objects, tables, dicts or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from mobo_core.objectives import is_finite_number
from mobo_core.results.folders import read_folder
from mobo_core.results.history import Report, TrialHistory, error_line, split_config
from mobo_core.results.tables import frame_rows, trials_of_rows


def read_trials(
    source: Any,
    *,
    trial_column: str | None = None,
    config_columns: str | Iterable[str] = (),
) -> list[TrialHistory]:
    """Return the trials of a search, in the order of the source.

    Args:
        source: One of these:

            * a ``ResultGrid`` of Ray Tune, or a list of its ``Result`` objects;
            * an ``ExperimentAnalysis``, or a list of Tune's trials;
            * the path or URI of an experiment folder, see `read_folder`;
            * a pandas DataFrame, or a list of dicts, with a row for each report (long format: rows
              with the same trial belong together, the oldest first) or a row for each trial.
              Columns such as ``config/lr`` hold the configuration. An empty cell of a DataFrame,
              which pandas writes as NaN, is a missing value;
            * a list of `TrialHistory`, which is returned unchanged.
        trial_column: The column of a table that names the trial of a row. By default it is
            ``trial_id`` or ``trial``, or a column ``run_id``, ``run`` or ``run_name`` that tells
            the rows apart, together with the counter of epochs or steps if there is one. Without
            such a column every row is a trial; a warning says so if the rows look like the
            reports of fewer trials.
        config_columns: The columns of a table that hold the configuration, besides those whose
            names begin with ``config/``. They stay metrics too.

    Raises:
        TypeError: If the source is something else.
        ValueError: If the folder holds no trial, the table has no such column, only some rows name
            their trial, or columns are given but the source is no table.

    Example:
        >>> rows = [
        ...     {"trial_id": "a", "val": {"loss": 2.0}, "config": {"lr": 0.1}},
        ...     {"trial_id": "a", "val": {"loss": 1.0}, "config": {"lr": 0.1}},
        ...     {"trial_id": "b", "val": {"loss": 1.5}, "config": {"lr": 0.2}},
        ... ]
        >>> [(trial.trial_id, len(trial.reports)) for trial in read_trials(rows)]
        [('a', 2), ('b', 1)]
    """
    named = (config_columns,) if isinstance(config_columns, str) else tuple(config_columns)
    if _is_frame(source):
        return trials_of_rows(frame_rows(source, keep_names=True), trial_column, named)
    members = None if isinstance(source, str | os.PathLike) else _members(source)
    if members is not None and all(isinstance(member, Mapping) for member in members):
        return trials_of_rows([dict(member) for member in members], trial_column, named)
    for argument, value in (("trial_column", trial_column), ("config_columns", named)):
        if value:
            raise ValueError(
                f"{argument}={value!r} names columns of a table, but the results are of type "
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


def _history(frame: Any, last: Mapping[str, Any]) -> tuple[Report, ...]:
    """Return a trial's reports from its table, with the last one as Tune holds it in memory.

    The table was read from the files of Tune's loggers. They may be switched off.
    """
    rows = [] if frame is None else frame_rows(frame)
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
