"""What all schedulers here share: they own their objectives and a rule, and keep state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from mobo_core.objectives import ObjectiveSet, Points


def is_retried(trial: Trial) -> bool:
    """Whether Tune tries again the trial of which it has just told `on_trial_error`.

    It then has the status ERROR for a moment. Its own ``should_recover`` says less: a trial that
    has not begun to run is given up however often it may fail.
    """
    return bool(trial.status == Trial.ERROR)


class ObjectiveScheduler(FIFOScheduler):
    """A scheduler with objectives of its own, whose decisions come from a rule without Ray.

    Leave `TuneConfig.metric` and `mode` unset, or set them for `ResultGrid.get_best_result` only:
    they do not reach the scheduler.

    Args:
        rule: The rule; it must belong to this scheduler alone.
        objectives: What trials report and in which direction it is better.
        time_attr: Key of the budget in a report. Prefer a counter of your own that survives
            pause and resume to Ray's ``training_iteration``.
    """

    # A buffered report would reach the scheduler after the trial has trained on.
    _supports_buffered_results = False
    _learned: tuple[str, ...] = ("_rule",)
    """Attributes that hold what was learned in a run."""

    def __init__(self, rule: Any, objectives: ObjectiveSet, time_attr: str) -> None:
        super().__init__()
        self._rule = rule
        self._objectives = objectives
        self._time_attr = time_attr

    @property
    def rule(self) -> Any:
        """The rule; see `mobo_core.rules.rule`."""
        return self._rule

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept whatever the Tuner has; the objectives are given."""
        return True

    def get_state(self) -> dict[str, Any]:
        """What `SchedulerState` saves: everything the scheduler has learned, picklable."""
        return {name: getattr(self, name) for name in self._learned}

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
