"""Curves from CSV files that MLflow exports.

The page of a metric exports its history with the columns ``run_id``, ``key``, ``value``, ``step``
and ``timestamp`` (in milliseconds). ``mlflow.search_runs().to_csv()`` has a row per run, with the
last value of each metric (``metrics.NAME``) and the settings (``params.NAME``); it adds these to
the curves.

Source: ``convertMetricsToCsv`` in MLflow's web interface, and the reference of `search_runs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.curves.columns import clock_s, end_of, numbers, present, rows_of
from bench.curves.curve import Curve, Found, series
from bench.curves.facts import Facts, by_name, facts_of
from bench.curves.options import SourceOptions
from bench.errors import UserError
from bench.formatting import count

HISTORY = {"run_id", "key", "value", "step"}
"""The columns that every history of a metric has."""
KEY = ["run_id", "key"]
"""The columns that tell curves apart."""
PARAMS, METRICS = "params.", "metrics."


def is_history(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is the history of metrics."""
    return set(columns) >= HISTORY


def is_runs(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is a table of `search_runs`."""
    runs = "run_id" in columns and any(c.startswith((PARAMS, METRICS)) for c in columns)
    return runs and not {"step", "epoch"} & set(columns)  # with steps it has a row per report


def read(
    histories: Sequence[pd.DataFrame],
    runs: Sequence[pd.DataFrame],
    name: str,
    options: SourceOptions,
) -> Found:
    """Return the curves of exported histories.

    Args:
        histories: The exported histories.
        runs: The tables of runs; there may be none.
        name: The name of the source.
        options: The names of the settings.

    Raises:
        UserError: If there is no history, a step or value is no number, or all steps are equal.
    """
    if not histories:
        raise UserError(
            "none of the files is the history of a metric, and a table of MLflow's search_runs has "
            "the last values only: give the histories of the metrics with it (the page of a metric "
            "has the button 'Download data as CSV')"
        )
    history = pd.concat(histories, ignore_index=True)
    value, step = numbers(history["value"]), numbers(history["step"])
    if value is None or step is None:
        column = "value" if value is None else "step"
        raise UserError(f"column {column!r} of {name} must hold numbers only")
    if np.unique(step[np.isfinite(step)]).size == 1 and history.duplicated(KEY).any():
        raise UserError(
            f"all steps of {name} are equal, so its values have no order: give mlflow.log_metric "
            "a step, as in log_metric('loss', loss, step=epoch)"
        )
    clock = clock_s(history["timestamp"]) if "timestamp" in history else None
    clock = np.full(len(history), np.nan) if clock is None else clock
    known: dict[str, Facts] = {}
    started: dict[str, float] = {}
    notes: list[str] = []
    for table in runs:
        known |= by_name(list(table["run_id"].astype(str)), _facts(table, options), notes, "run_id")
        started |= _started(table)
    usable = present(history["value"]) & np.isfinite(step)
    if lost := int((~usable | ~present(history["run_id"])).sum()):
        notes.append(f"{count(lost, 'row')} left out: without a run, a value or a finite step")
    curves = []
    for run, places in rows_of(history, "run_id").items():
        mine = places[usable[places]]
        metrics, repeated = {}, 0
        keys = history["key"].to_numpy()[mine]
        for key in dict.fromkeys(keys):
            at = mine[keys == key]
            at = at[np.argsort(clock[at], kind="stable")]  # the export has no order of its own
            metrics[str(key)] = series(step[at].tolist(), value[at].tolist(), clock[at].tolist())
            repeated = max(repeated, len(at) - len(metrics[str(key)]))
        began = started.get(str(run), np.nan)
        curves.append(_with(Curve(str(run), metrics, started_s=began, repeated=repeated), known))
    return Found("MLflow export", name, tuple(curves), "step", notes=tuple(notes))


def _with(curve: Curve, known: Mapping[str, Facts]) -> Curve:
    facts = known.get(curve.name)
    if facts is None:
        return curve
    constants = {name: v for name, v in facts.constants.items() if name not in curve.metrics}
    return replace(curve, config=facts.config, constants=constants, end=facts.end)


def _facts(table: pd.DataFrame, options: SourceOptions) -> list[Facts]:
    numeric = settings = {c: c.removeprefix(PARAMS) for c in table.columns if c.startswith(PARAMS)}
    if options.config:
        settings = {c: n for c, n in settings.items() if {c, n} & set(options.config)}
    constants = {c: c.removeprefix(METRICS) for c in table.columns if c.startswith(METRICS)}
    found = facts_of(table, settings, {**numeric, **constants})
    if "status" not in table:
        return found
    return [
        replace(facts, end=end_of(status))
        for facts, status in zip(found, table["status"], strict=True)
    ]


def _started(table: pd.DataFrame) -> dict[str, float]:
    """Return when each run began, in seconds since 1970, where the table says it."""
    seconds = clock_s(table["start_time"]) if "start_time" in table else None
    if seconds is None:
        return {}
    return dict(zip(table["run_id"].astype(str), seconds.tolist(), strict=True))
