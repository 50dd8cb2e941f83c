"""What all schedulers of this package share: their objectives, their rule and their state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.tune.schedulers.parameters import describe_parameters


def is_retried(trial: Trial) -> bool:
    """Return whether Tune will retry a trial that it has just passed to `on_trial_error`.

    Such a trial has the status ERROR during the call. Ray's own ``should_recover`` is not enough:
    Tune gives up a trial that has never run, however many failures are allowed.
    """
    return bool(trial.status == Trial.ERROR)


@describe_parameters()
class ObjectiveScheduler(FIFOScheduler):
    """A scheduler that has its own objectives and whose rule does not depend on Ray.

    Leave `TuneConfig.metric` and `mode` unset. You may set them for `ResultGrid.get_best_result`,
    but the scheduler does not read them.
    """

    # With buffered results the trial would train on before the scheduler sees its report.
    _supports_buffered_results = False
    _learned: tuple[str, ...] = ("_rule",)
    """The names of the attributes that hold what the scheduler has learned in a run."""

    def __init__(self, rule: Any, objectives: ObjectiveSet, time_attr: str) -> None:
        super().__init__()
        self._rule = rule
        self._objectives = objectives
        self._time_attr = time_attr

    @property
    def rule(self) -> Any:
        """The rule that decides about trials; see `mobo_core.rules.rule`."""
        return self._rule

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept the Tuner's settings and ignore them: the scheduler has its own objectives."""
        return True

    def get_state(self) -> dict[str, Any]:
        """Return everything the scheduler has learned, for `SchedulerState` to pickle."""
        return {name: getattr(self, name) for name in self._learned}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""
        self.__dict__.update(state)

    def _read(self, trial: Trial, result: Mapping[str, Any]) -> tuple[float, Points]:
        """Return a report's budget and its (m,) minimised point.

        Raises:
            ValueError: If `time_attr` or an objective is missing.
        """
        if self._time_attr not in result:
            raise ValueError(
                f"time_attr {self._time_attr!r} is missing from the report of trial "
                f"{trial.trial_id}; reported keys: {', '.join(sorted(result))}"
            )
        return result[self._time_attr], self._objectives.to_point(result)
