"""Decide which trials have failed, and when a run is given up because too many have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ray import tune

from bench.matrix.limits import ENOUGH_TRIALS
from mobo_core.objectives import ObjectiveSet


class TooManyFailuresError(RuntimeError):
    """An error: more trials of a run have failed than the limit allows."""


class Failures(tune.Stopper):
    """A Tune stopper that counts failed trials and ends the run when there are too many.

    The limit is a share of all trials that the run may start. So the order in which trials fail
    changes only when a run is given up, not whether it is.

    Args:
        objectives: The run's objectives.
        trials: The number of trials that the run may start.
        tolerated: The share of these trials that may fail, from 0 to 1.
    """

    def __init__(self, objectives: ObjectiveSet, trials: int, tolerated: float) -> None:
        self._objectives = objectives
        self._trials = trials
        self._tolerated = tolerated
        self._ended = 0
        self._errors: list[str] = []

    def count(self, error: str, last_report: Mapping[str, Any]) -> None:
        """Count the end of a trial.

        Args:
            error: The error that Tune reported; empty if there was none.
            last_report: The trial's last report; empty if there was none.
        """
        self._ended += 1
        if reason := why_failed(error, last_report, self._objectives):
            self._errors.append(reason)

    @property
    def are_too_many(self) -> bool:
        """Whether so many trials have failed that the run must be given up."""
        most = self._tolerated * self._trials
        return self._ended >= ENOUGH_TRIALS and len(self._errors) > most

    def check(self) -> None:
        """Raise an error if too many trials have failed.

        Raises:
            TooManyFailuresError: If `are_too_many`. Its message has the counts and the last
                trial's error in one line.
        """
        if self.are_too_many:
            raise TooManyFailuresError(
                f"{len(self._errors)} of the {self._ended} trials that ended have failed, more "
                f"than {self._tolerated:.0%} of {self._trials}; the last: {self._errors[-1]}"
            )

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Return False: this stopper never stops a single trial."""
        return False

    def stop_all(self) -> bool:
        """Return whether Tune must stop all trials; see `are_too_many`."""
        return self.are_too_many


def why_failed(error: str, last_report: Mapping[str, Any], objectives: ObjectiveSet) -> str:
    """Return the reason why an ended trial counts as failed, or an empty text if it does not.

    Args:
        error: The error that Tune reported; empty if there was none.
        last_report: The trial's last report; empty if there was none.
        objectives: The run's objectives.
    """
    if error:
        return error
    if not last_report:
        return "ended without a report"
    try:
        point = objectives.to_point(last_report)
    except (TypeError, ValueError) as error:
        return f"its last report has no value to keep: {error}"
    if not np.isfinite(point).all():
        return "reported objectives that are not finite"
    return ""
