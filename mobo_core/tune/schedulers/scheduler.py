"""What all schedulers of this package share: their objectives, their rule and their state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from mobo_core.objectives import Objective, ObjectiveSet, as_objective_set
from mobo_core.rules.rule import Decision
from mobo_core.tune import compat
from mobo_core.tune.schedulers.experiment import OneExperiment
from mobo_core.tune.schedulers.parameters import describe_parameters
from mobo_core.tune.schedulers.reports import Report, ReportReader


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

    A report that lacks an objective or `time_attr` is skipped, and a bad report fails its own trial
    only; see `mobo_core.tune.schedulers.reports`.

    Raises:
        TypeError: If the objectives are none.
        ValueError: If `time_attr` is not a name.
    """

    # With buffered results the trial would train on before the scheduler sees its report.
    _supports_buffered_results = False
    _learned: tuple[str, ...] = ("_rule", "_reports")
    """The names of the attributes that hold what the scheduler has learned in a run."""

    def __init__(
        self, rule: Any, objectives: ObjectiveSet | Iterable[Objective], time_attr: str
    ) -> None:
        super().__init__()
        if not isinstance(time_attr, str) or not time_attr:
            raise ValueError(f"time_attr must be a key of the reports, got {time_attr!r}")
        self._rule = rule
        self._objectives = as_objective_set(objectives)
        self._time_attr = time_attr
        max_t = getattr(rule, "max_t", math.inf)
        self._reports = ReportReader(self._objectives, time_attr, max_t)
        self._experiment = OneExperiment()

    @property
    def rule(self) -> Any:
        """The rule that decides about trials; see `mobo_core.rules.rule`."""
        return self._rule

    @property
    def skipped_reports(self) -> int:
        """The number of reports that were skipped because they lacked a value."""
        return self._reports.skipped

    def _skipped_text(self) -> str:
        """Return what `debug_string` says about skipped reports; nothing if there are none."""
        return f", reports skipped: {self.skipped_reports}" if self.skipped_reports else ""

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept the Tuner's settings and ignore them: the scheduler has its own objectives."""
        return True

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Prepare the end of a trial that is paused or waits for a process."""
        compat.end_pause(tune_controller, trial)

    def get_state(self) -> dict[str, Any]:
        """Return everything the scheduler has learned, for `SchedulerState` to pickle."""
        return {name: getattr(self, name) for name in self._learned}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""
        self.__dict__.update(state)

    def _read(self, trial: Trial, result: Mapping[str, Any]) -> Report | Decision:
        """Return a report, or the decision about its trial if the report cannot be used."""
        return self._reports.read(trial.trial_id, result)
