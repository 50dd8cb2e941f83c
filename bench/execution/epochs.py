"""The table of a run's reports, whatever its trials have reported."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.matrix.context import TIME_ATTR
from bench.records import columns, plain
from mobo_core.objectives import ObjectiveSet

METRICS_OF_TUNE = frozenset(
    {
        "autoscaler_detail", "checkpoint_dir_name", "config", "date", "done", "episodes_total",
        "experiment_tag", "hostname", "iterations_since_restore", "node_ip", "pid",
        "should_checkpoint", "time_since_restore", "time_this_iter_s", "time_total_s", "timestamp",
        "timesteps_since_restore", "timesteps_total", "training_iteration", "trial_id",
    }
)  # fmt: skip
"""The keys that Tune adds to every report."""
TIMES = ("seconds", "startup_s")
"""The seconds of an epoch, and those of a trial's start before it."""


def table(
    reports: Sequence[tuple[int, float, Mapping[str, Any]]],
    configs: Mapping[int, Mapping[str, Any]],
    objectives: ObjectiveSet,
) -> pd.DataFrame:
    """Return a table with one row per report.

    Its columns are the trial's number, the metrics, ``reported_s`` (the seconds since the start)
    and the configuration (``config_…``). `bench.records.columns` and `bench.records.plain` say what
    becomes of names that are taken and of values that are no numbers.

    Args:
        reports: The trial's number, the seconds since the start, and the report.
        configs: Number of each trial → its configuration.
        objectives: The run's objectives. In their columns, what is no number becomes NaN.
    """
    rows = []
    for trial, reported_s, report in reports:
        metrics: dict[str, Any] = {
            name if name in objectives.names else plain.text(columns.of_metric(name)): metric
            for name, metric in columns.flat(report)
            if name.partition("/")[0] not in METRICS_OF_TUNE
        }
        for name in objectives.names:
            metrics.setdefault(name, None)
        for name in TIMES:
            metrics.setdefault(name, 0.0)
        config = {
            plain.text(columns.of_parameter(name)): setting
            for name, setting in columns.flat(configs[trial])
        }
        metrics[TIME_ATTR] = trained(report)
        rows.append({"trial": trial, **metrics, "reported_s": reported_s, **config})
    return plain.frame(rows, {"trial", TIME_ATTR, "reported_s", *TIMES, *objectives.names})


def trained(report: Mapping[str, Any]) -> int:
    """Return the epochs that a trial has trained by a report; Tune's own count if it names none."""
    epochs = plain.number(report.get(TIME_ATTR))
    if not math.isfinite(epochs):
        epochs = plain.number(report.get("training_iteration", 0))
    return int(epochs)
