"""The names of metrics that a user gave, against those that trials reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mobo_core.objectives import ObjectiveSet, reported
from mobo_core.results.constraints import Constraint
from mobo_core.results.history import TUNE_KEYS, TrialHistory, split_config

SHOWN = 8
"""The number of names that a message shows if none of them is similar."""
PATIENCE = 10
"""The number of reports after which a metric that none of them had is said to be missing."""


def check_reported(
    objectives: ObjectiveSet, constraints: Iterable[Constraint], trials: Sequence[TrialHistory]
) -> None:
    """Check that each objective and each constrained metric was reported by some trial.

    Args:
        objectives: The objectives.
        constraints: The constraints.
        trials: The trials. If none of them has reported anything yet, nothing can be checked.

    Raises:
        ValueError: If no report of any trial has the metric.

    Example:
        >>> from mobo_core import Objective
        >>> loss = ObjectiveSet([Objective("los", "min", reference=2.0)])
        >>> check_reported(loss, (), [TrialHistory("a", {}, ({"loss": 1.0, "latency": 18.0},))])
        Traceback (most recent call last):
            ...
        ValueError: no trial reported the objective 'los': did you mean 'loss'?
    """
    if not any(trial.reported_names for trial in trials):
        return
    names = {name for trial in trials for report in trial.reports for name in report}
    for metric, what in _wanted(objectives, constraints).items():
        if metric not in names:
            raise ValueError(f"no trial reported {what}: {_remedy(metric, names)}")


def _wanted(objectives: ObjectiveSet, constraints: Iterable[Constraint]) -> dict[str, str]:
    """Return the metrics that are needed, each with the words for it."""
    found = {bound.metric: f"{bound.metric!r} of the constraint '{bound}'" for bound in constraints}
    return found | {name: f"the objective {name!r}" for name in objectives.names}


def _remedy(metric: str, names: Iterable[str]) -> str:
    known = sorted(set(names) - TUNE_KEYS)
    if near := get_close_matches(metric, known):
        return f"did you mean {' or '.join(map(repr, near))}?"
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"check its name; there are {', '.join(map(repr, known[:SHOWN]))}{more}"


class MissingNames:
    """The metrics that are needed and that no report has had so far.

    Args:
        objectives: The objectives.
        constraints: The constraints.

    Example:
        >>> from mobo_core import Objective
        >>> missing = MissingNames(ObjectiveSet([Objective("los", "min", reference=2.0)]))
        >>> [missing.add({"loss": 1.0}) for _ in range(11)][8:]
        [None, "none of the first 10 reports had the objective 'los': did you mean 'loss'?", None]
    """

    def __init__(self, objectives: ObjectiveSet, constraints: Iterable[Constraint] = ()) -> None:
        self._missing = _wanted(objectives, constraints)
        self._names: set[str] = set()
        self._reports = 0

    def add(self, report: Mapping[str, Any]) -> str | None:
        """Add a report, and return what is missing after `PATIENCE` reports, once.

        Args:
            report: The report, which may be nested.
        """
        if not self._missing or self._reports >= PATIENCE:
            return None
        metrics, _ = split_config(report)
        self._names |= set(metrics)
        self.see(name for name in self._missing if reported(metrics, name) is not None)
        self._reports += 1
        if not self._missing or self._reports < PATIENCE:
            return None
        told = (f"{what}: {_remedy(name, self._names)}" for name, what in self._missing.items())
        return f"none of the first {PATIENCE} reports had {'; nor '.join(told)}"

    def see(self, names: Iterable[str]) -> None:
        """Note that metrics were reported.

        Args:
            names: Their names.
        """
        for name in list(names):
            self._missing.pop(name, None)
