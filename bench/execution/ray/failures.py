"""Which trials have failed, and when so many have that their run is given up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ray import tune

from bench.matrix.limits import ENOUGH_TRIALS
from mobo_core.objectives import ObjectiveSet


class TooManyFailuresError(RuntimeError):
    """More trials of a run failed than are tolerated."""


class Failures(tune.Stopper):
    """Counts the failed trials of a run, and ends it on Ray Tune when they are too many.

    The share is of all trials that the run may make: the order in which they fail decides when a
    run is given up, never whether.

    Args:
        objectives: Of the run.
        trials: Of the run.
        tolerated: Share of them that may fail, 0 to 1.
    """

    def __init__(self, objectives: ObjectiveSet, trials: int, tolerated: float) -> None:
        self._objectives = objectives
        self._trials = trials
        self._tolerated = tolerated
        self._ended = 0
        self._errors: list[str] = []

    def count(self, error: str, last_report: Mapping[str, Any]) -> None:
        """Note the end of a trial.

        Args:
            error: That Tune reported; empty if none.
            last_report: Empty if none.
        """
        self._ended += 1
        if reason := why_failed(error, last_report, self._objectives):
            self._errors.append(reason)

    @property
    def are_too_many(self) -> bool:
        """Whether the run is to be given up."""
        most = self._tolerated * self._trials
        return self._ended >= ENOUGH_TRIALS and len(self._errors) > most

    def check(self) -> None:
        """Give the run up if need be.

        Raises:
            TooManyFailuresError: Naming the numbers and the last error, in one line.
        """
        if self.are_too_many:
            raise TooManyFailuresError(
                f"{len(self._errors)} of the {self._ended} trials that ended have failed, more "
                f"than {self._tolerated:.0%} of {self._trials}; the last: {self._errors[-1]}"
            )

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Single trials are not stopped."""
        return False

    def stop_all(self) -> bool:
        """See `are_too_many`."""
        return self.are_too_many


def why_failed(error: str, last_report: Mapping[str, Any], objectives: ObjectiveSet) -> str:
    """Why a trial that has ended counts as failed; empty if it does not.

    Args:
        error: That Tune reported; empty if none.
        last_report: Empty if none.
        objectives: Of the run.
    """
    if error:
        return error
    if not last_report:
        return "ended without a report"
    if not np.isfinite(objectives.to_point(last_report)).all():
        return "reported objectives that are not finite"
    return ""
