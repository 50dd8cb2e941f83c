"""Curves from the folder of a Ray Tune experiment, finished or not; Ray is not started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.curves.curve import Curve, End, Found, Series, is_number, series
from bench.curves.options import SourceOptions
from bench.errors import UserError
from bench.formatting import count
from mobo_core.objectives import is_finite_number
from mobo_core.results.history import TrialHistory
from mobo_core.results.reading import read_trials

TIME_ATTR, SECONDS = "training_iteration", "time_total_s"
OWN = frozenset(
    (
        *("autoscaler_detail", "checkpoint_dir_name", "date", "done", "episodes_total"),
        *("experiment_id", "experiment_tag", "hostname", "iterations_since_restore", "node_ip"),
        *("pid", "should_checkpoint", "time_since_restore", "timestamp", "timesteps_total"),
        *("timesteps_since_restore", "training_iteration", "trial_id"),
    )
)
"""Keys that Tune adds to each report and that nobody optimises."""
ENDS: Mapping[str, End] = {
    "TERMINATED": "unknown",
    "ERROR": "failed",
    "PAUSED": "stopped",
    "RUNNING": "stopped",
    "PENDING": "stopped",
}
"""Tune's status → how the trial ended; it ends stopped and completed trials in the same way."""


def read(folder: Path, options: SourceOptions) -> Found:
    """Return the curves of an experiment.

    Args:
        folder: The experiment's folder.
        options: The counter of the trials' progress; empty is ``training_iteration``.

    Raises:
        UserError: If the folder holds no trials, or no report has the counter.
    """
    try:
        trials = read_trials(folder)
    except ValueError as error:
        raise UserError(str(error)) from error
    time_attr = options.time_attr or TIME_ATTR
    if not any(time_attr in report for trial in trials for report in trial.reports):
        keys = sorted({key for trial in trials for key in _numbers(trial)})
        raise UserError(
            f"no report of {folder} has {time_attr!r}: name the counter of the progress with "
            f"--time-attr; reported are {', '.join(keys) or 'no numbers'}"
        )
    curves = tuple(_curve(trial, time_attr) for trial in trials)
    lost = sum(not _steps(report, time_attr) for trial in trials for report in trial.reports)
    notes = [f"{count(lost, 'report')} left out: without a finite {time_attr!r}"] if lost else []
    name = folder.resolve().name
    return Found("Ray Tune experiment", name, curves, time_attr, in_tune=True, notes=tuple(notes))


def _curve(trial: TrialHistory, time_attr: str) -> Curve:
    metrics: dict[str, Series] = {}
    repeated = 0
    for name in _numbers(trial) - OWN - {time_attr}:
        reports = [r for r in trial.reports if is_number(r.get(name)) and _steps(r, time_attr)]
        steps = [float(report[time_attr]) for report in reports]
        clock = [float(report.get(SECONDS, np.nan)) for report in reports]
        metrics[name] = series(steps, [float(report[name]) for report in reports], clock)
        repeated = max(repeated, len(steps) - len(set(steps)))
    return Curve(
        trial.trial_id,
        {name: metrics[name] for name in sorted(metrics) if len(metrics[name])},
        _flat(trial.config),
        started_s=0.0,
        end="failed" if trial.failed else ENDS.get(trial.status or "", "unknown"),
        repeated=repeated,
        last_step=max(
            (float(r[time_attr]) for r in trial.reports if _steps(r, time_attr)), default=np.nan
        ),
    )


def _numbers(trial: TrialHistory) -> set[str]:
    """Return the keys of all numbers in a trial's reports."""
    return {name for report in trial.reports for name, v in report.items() if is_number(v)}


def _steps(report: Mapping[str, Any], time_attr: str) -> bool:
    return is_finite_number(report.get(time_attr))


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested configuration with flat names, joined by ``/``."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, f"{name}/") if isinstance(value, Mapping) else {name: value}
    return flat
