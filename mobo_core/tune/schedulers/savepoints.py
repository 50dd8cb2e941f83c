"""At which of its reports a trial can pause: where it has a checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.result import SHOULD_CHECKPOINT
from ray.tune.trainable import FunctionTrainable

from mobo_core.objectives import reported
from mobo_core.tune.schedulers.reports import ReportError

logger = logging.getLogger(__name__)


class Savepoints:
    """The reports at which trials can pause.

    A trainable class is saved whenever Tune asks for it. A training function has a checkpoint only
    at those reports to which it has added one. If a trial is to pause at another report, it trains
    on to the next one with a checkpoint.

    Args:
        time_attr: The key in a report that holds the budget spent so far, for messages.

    Example:
        >>> from mobo_core.virtual import VirtualTrial
        >>> savepoints = Savepoints("epoch")
        >>> savepoints.can_pause(VirtualTrial(0, {}, max_failures=0), 1, {"epoch": 1})
        True
    """

    def __init__(self, time_attr: str) -> None:
        self._is_function = False
        self._time_attr = time_attr
        self._has_paused = False
        self._overdue: dict[str, float] = {}

    def use(self, trainable: Any) -> None:
        """Note what trials train.

        Args:
            trainable: The trainable's class; None in virtual time, where everything can be saved.
        """
        self._is_function = trainable is not None and issubclass(trainable, FunctionTrainable)

    def can_pause(self, trial: Trial, t: float, result: Mapping[str, Any]) -> bool:
        """Return whether a trial that is to pause can do so at this report.

        Args:
            trial: The trial that has reported.
            t: The budget that it has spent.
            result: Its report.
        """
        if not self._is_function or result.get(SHOULD_CHECKPOINT):
            self._has_paused = True
            return True
        if not self._overdue:
            logger.warning(
                "trial %s is to pause at %s=%s, but this report has no checkpoint: it trains on to "
                "the next report that has one. The same happens to other trials and is said once. "
                "Pass checkpoint=... with every tune.report to avoid it",
                trial.trial_id,
                self._time_attr,
                t,
            )
        self._overdue.setdefault(trial.trial_id, t)
        return False

    def is_saved(self, trial: Trial, t: float) -> bool:
        """Return whether a trial's newest checkpoint is that of its report at budget t."""
        saved = trial.latest_checkpoint_result
        return saved is not None and bool(reported(saved.metrics, self._time_attr) == t)

    def lost(self, trial: Trial, t: float) -> ReportError:
        """Return the error of a trial that has paused at budget t without its checkpoint."""
        return ReportError(
            f"trial {trial.trial_id} was paused at {self._time_attr}={t:g}, but its checkpoint of "
            "that report was not kept: look for the reason in Tune's log (a full disk or lost "
            "storage, for example)"
        )

    def missing(self, trial: Trial) -> str | None:
        """Return what is wrong if a trial has ended, was to pause, and none ever has a checkpoint.

        Otherwise return None. Where one trial lacks its checkpoints and others have theirs, that
        trial has trained to its end, and its result counts.
        """
        due = self._overdue.get(trial.trial_id)
        if due is None or self._has_paused or trial.checkpoint is not None:
            return None
        return (
            f"trial {trial.trial_id} was to pause at {self._time_attr}={due:g}, but it has trained "
            "to its end without a checkpoint, and no other trial has had one: the training "
            "function must pass checkpoint=... with tune.report, at best every time. Otherwise use "
            "a scheduler that stops trials"
        )
