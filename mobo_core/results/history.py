"""What is known of one trial after, or during, a search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Report = Mapping[str, Any]
"""The metrics of one report: nested names are joined by ``/``, as Tune's files have them."""

TUNE_KEYS = frozenset(
    (
        *("autoscaler_detail", "checkpoint_dir_name", "config", "date", "done", "episodes_total"),
        *("experiment_id", "experiment_tag", "hostname", "iterations_since_restore", "node_ip"),
        *("pid", "should_checkpoint", "time_since_restore", "time_this_iter_s", "time_total_s"),
        *("timestamp", "timesteps_since_restore", "timesteps_total", "training_iteration"),
        "trial_id",
    )
)
"""The keys that Tune adds to reports by itself."""
ERROR_NAME = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit)\b")
"""The beginning of the line of a traceback that names the error."""


@dataclass(frozen=True)
class TrialHistory:
    """One trial: its configuration, its reports, and how it ended.

    Args:
        trial_id: The trial's id.
        config: The configuration as the source holds it; empty if it is unknown.
        reports: The reports, the oldest first. Names of nested metrics are joined by ``/``. Tune's
            own keys, such as ``training_iteration`` and ``time_total_s``, are among them.
        status: Tune's word: ``"PENDING"``, ``"RUNNING"``, ``"PAUSED"``, ``"TERMINATED"`` or
            ``"ERROR"``. None if the source does not tell.
        error: The last line of the error of a failed trial; None for other trials.
        path: The trial's folder, or None.
        filesystem: The file system of Arrow on which the folder is; None for the local one.
        result: What the source held for this trial: a ``Result`` or a ``Trial`` of Ray Tune, or the
            last row of a table as a dict. None for a trial that was read from files.

    Example:
        >>> trial = TrialHistory("a", {"width": 16}, ({"loss": 2.0}, {"loss": 1.5}))
        >>> trial.failed, trial.reports[-1]["loss"]
        (False, 1.5)
    """

    trial_id: str
    config: Mapping[str, Any]
    reports: tuple[Report, ...]
    status: str | None = None
    error: str | None = None
    path: str | None = None
    filesystem: Any = field(default=None, repr=False, compare=False)
    result: Any = field(default=None, repr=False, compare=False)

    @property
    def failed(self) -> bool:
        """Whether the trial ended with an error."""
        return self.error is not None or self.status == "ERROR"

    @property
    def reported_names(self) -> set[str]:
        """The names of the metrics that the trial ever reported, without Tune's own keys."""
        names = {name for report in self.reports for name, v in report.items() if v is not None}
        return names - TUNE_KEYS


def flat(nested: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a dict without nested dicts; the names on the way to a value are joined by ``/``.

    Args:
        nested: A report or a configuration. Lists are values and stay as they are.

    Example:
        >>> flat({"val": {"loss": 0.5, "top": {5: 0.9}}, "epoch": 3})
        {'val/loss': 0.5, 'val/top/5': 0.9, 'epoch': 3}
    """
    return dict(_flat_items(nested, ""))


def _flat_items(nested: Mapping[Any, Any], before: str) -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat_items(value, f"{before}{key}/")
        else:
            yield f"{before}{key}", value


def split_config(row: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the report and the configuration that one row of a result holds.

    A metric that is a list with one number is that number in the report: this is how Tune's files
    have an array with one element.

    Args:
        row: Metrics, and the configuration under ``config`` or in keys such as ``config/lr``.

    Example:
        >>> split_config({"loss": 0.5, "config": {"lr": 0.1}})
        ({'loss': 0.5}, {'lr': 0.1})
        >>> split_config({"loss": 0.5, "config/lr": 0.1})
        ({'loss': 0.5}, {'lr': 0.1})
        >>> split_config({"loss": [0.5], "config/layers": [16]})
        ({'loss': 0.5}, {'layers': [16]})
    """
    whole = row.get("config")
    nested = dict(whole) if isinstance(whole, Mapping) else {}
    metrics = flat({key: value for key, value in row.items() if value is not whole or not nested})
    config = {key: value for key, value in metrics.items() if key.startswith("config/")}
    for key in config:
        del metrics[key]
    report = {name: _only_element(value) for name, value in metrics.items()}
    return report, nested or {key.removeprefix("config/"): v for key, v in config.items()}


def _only_element(value: Any) -> Any:
    inner = value
    while isinstance(inner, list) and len(inner) == 1:
        (inner,) = inner
    return inner if isinstance(inner, int | float) else value


def error_line(text: object) -> str:
    r"""Return the line of an error's text that names the error, or else its last line.

    Args:
        text: An exception, or a text such as a traceback; it may hold the errors of several tries,
            and the last one counts.

    Example:
        >>> error_line("Traceback:\n  File x\nValueError: too large\nby far\n")
        'ValueError: too large'
    """
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    named = [line for line in lines if ERROR_NAME.match(line)]
    return (named or lines or ["unknown error"])[-1]
