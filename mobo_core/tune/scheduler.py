"""What all schedulers here share: they own their objectives, read reports, and keep state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from mobo_core.objectives import ObjectiveSet, Points


class ObjectiveScheduler(FIFOScheduler):
    """A scheduler with objectives of its own.

    Leave `TuneConfig.metric` and `mode` unset, or set them for `ResultGrid.get_best_result` only:
    they do not reach the scheduler.

    Args:
        objectives: What trials report and in which direction it is better.
        time_attr: Key of the budget in a report. Prefer a counter of your own that survives
            pause and resume to Ray's ``training_iteration``.
    """

    # A buffered report would reach the scheduler after the trial has trained on.
    _supports_buffered_results = False

    def __init__(self, objectives: ObjectiveSet, time_attr: str) -> None:
        super().__init__()
        self._objectives = objectives
        self._time_attr = time_attr

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept whatever the Tuner has; the objectives are given."""
        return True

    def get_state(self) -> dict[str, Any]:
        """What `SchedulerState` saves: everything the scheduler has learned, picklable."""
        raise NotImplementedError

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from `get_state`."""
        self.__dict__.update(state)

    def _read(self, trial: Trial, result: Mapping[str, Any]) -> tuple[float, Points]:
        """Budget and point of a report.

        Raises:
            ValueError: If `time_attr` or an objective is missing.
        """
        if self._time_attr not in result:
            raise ValueError(
                f"time_attr {self._time_attr!r} is missing from the report of trial "
                f"{trial.trial_id}; reported keys: {', '.join(sorted(result))}"
            )
        return result[self._time_attr], self._objectives.to_point(result)


class RuledScheduler(ObjectiveScheduler):
    """A scheduler whose decisions come from a rule that needs no Ray."""

    def __init__(self, rule: Any, objectives: ObjectiveSet, time_attr: str) -> None:
        super().__init__(objectives, time_attr)
        self._rule = rule

    @property
    def rule(self) -> Any:
        """The rule, which belongs to this scheduler alone; see `mobo_core.rules`."""
        return self._rule


class SchedulerState(Callback):
    """Saves a scheduler with the experiment, so that `Tuner.restore` goes on with its rungs.

    Tune itself brings a scheduler back as it was before the first trial. Put this into
    ``RunConfig(callbacks=[SchedulerState(scheduler)])``; how often Tune saves is set by the
    environment variable ``TUNE_GLOBAL_CHECKPOINT_S``. A trial is saved when it pauses; what a trial
    trains on without a pause is trained again after a crash, unless
    ``CheckpointConfig(checkpoint_frequency=...)`` saves it in between.

    Args:
        scheduler: The one given to the same Tuner.
    """

    def __init__(self, scheduler: ObjectiveScheduler) -> None:
        self._scheduler = scheduler

    def get_state(self) -> dict[str, Any]:
        """Called by Tune when it saves the experiment."""
        return self._scheduler.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Called by Tune when it restores the experiment."""
        self._scheduler.set_state(state)
