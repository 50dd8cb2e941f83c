"""The names of the columns of a run's epochs, and which names a metric may not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CONFIG, METRIC = "config_", "metric_"
"""The prefixes of hyper-parameters, and of metrics whose own name has another meaning."""
OWN = frozenset({"trial", "reported_s"})
"""The columns of a record that are no metrics."""
IDENTITY = ("run_id", "scheduler", "searcher", "objectives", "seed")
"""The columns that identify a run in the tables of many runs."""


def of_metric(name: str) -> str:
    """Return the column of a metric: its name, or ``metric_…`` if that name is taken.

    Example:
        >>> of_metric("loss"), of_metric("trial"), of_metric("config_lr")
        ('loss', 'metric_trial', 'metric_config_lr')
    """
    taken = name in OWN or name in IDENTITY or name.startswith((CONFIG, METRIC))
    return f"{METRIC}{name}" if taken else name


def of_parameter(name: str) -> str:
    """Return the column of a hyper-parameter."""
    return f"{CONFIG}{name}"


def flat(nested: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a nested dictionary with their names, whose parts are joined by ``/``.

    Example:
        >>> dict(flat({"model": {"width": 16}, "rate": 0.1}))
        {'model/width': 16, 'rate': 0.1}
    """
    for key, inner in nested.items():
        if isinstance(inner, Mapping) and inner:
            yield from flat(inner, f"{path}{key}/")
        else:
            yield f"{path}{key}", inner
