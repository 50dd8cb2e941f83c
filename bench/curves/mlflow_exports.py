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
from bench.curves.facts import Facts, facts_of
from bench.curves.options import SourceOptions
from bench.errors import UserError

HISTORY = {"run_id", "key", "value", "step"}
"""The columns that every history of a metric has."""
PARAMS, METRICS = "params.", "metrics."


def is_history(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is the history of metrics."""
    return set(columns) >= HISTORY


def is_runs(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is a table of `search_runs`."""
    return "run_id" in columns and any(c.startswith((PARAMS, METRICS)) for c in columns)


def read(
    histories: Sequence[pd.DataFrame],
    runs: Sequence[pd.DataFrame],
    name: str,
    options: SourceOptions,
) -> Found:
    """Return the curves of exported histories.

    Args:
        histories: The exported histories, at least one.
        runs: The tables of runs; there may be none.
        name: The name of the source.
        options: The names of the settings.

    Raises:
        UserError: If a step or a value is not a number.
    """
    history = pd.concat(histories, ignore_index=True)
    value, step = numbers(history["value"]), numbers(history["step"])
    if value is None or step is None:
        column = "value" if value is None else "step"
        raise UserError(f"column {column!r} of {name} must hold numbers only")
    clock = clock_s(history["timestamp"]) if "timestamp" in history else None
    clock = np.full(len(history), np.nan) if clock is None else clock
    known: dict[str, Facts] = {}
    started: dict[str, float] = {}
    for table in runs:
        known |= _facts(table, options)
        started |= _started(table)
    usable = present(history["value"]) & np.isfinite(step)
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
    return Found("MLflow export", name, tuple(curves), "step")


def _with(curve: Curve, known: Mapping[str, Facts]) -> Curve:
    facts = known.get(curve.name)
    if facts is None:
        return curve
    constants = {name: v for name, v in facts.constants.items() if name not in curve.metrics}
    return replace(curve, config=facts.config, constants=constants, end=facts.end)


def _facts(table: pd.DataFrame, options: SourceOptions) -> dict[str, Facts]:
    numeric = settings = {c: c.removeprefix(PARAMS) for c in table.columns if c.startswith(PARAMS)}
    if options.config:
        settings = {c: n for c, n in settings.items() if {c, n} & set(options.config)}
    constants = {c: c.removeprefix(METRICS) for c in table.columns if c.startswith(METRICS)}
    found = facts_of(table, "run_id", settings, {**numeric, **constants})
    if "status" not in table:
        return found
    ends = dict(zip(table["run_id"].astype(str), table["status"], strict=True))
    return {name: replace(facts, end=end_of(ends[name])) for name, facts in found.items()}


def _started(table: pd.DataFrame) -> dict[str, float]:
    """Return when each run began, in seconds since 1970, where the table says it."""
    seconds = clock_s(table["start_time"]) if "start_time" in table else None
    if seconds is None:
        return {}
    return dict(zip(table["run_id"].astype(str), seconds.tolist(), strict=True))
