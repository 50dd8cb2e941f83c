"""Schedulers that stop trials: Ray Tune's side of the rules in `mobo_core.rules`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from mobo_core.objectives import ObjectiveSet
from mobo_core.rules import Decision, PaperDominanceRule, PaperRungwiseRule, StoppingRule


class RuleScheduler(FIFOScheduler):
    """Runs trials in the order of their arrival and ends them as a `StoppingRule` says.

    The scheduler owns its objectives: leave `TuneConfig.metric` and `mode` unset, or set them for
    `ResultGrid.get_best_result` only; they do not reach the rule.

    Args:
        rule: The rule; it must belong to this scheduler alone.
        objectives: What trials report and in which direction it is better.
        time_attr: Key of the budget in a report. Prefer a counter of your own that survives
            pause and resume to Ray's ``training_iteration``.
    """

    # A buffered report would reach the rule after the trial has trained on.
    _supports_buffered_results = False

    def __init__(
        self,
        rule: StoppingRule,
        *,
        objectives: ObjectiveSet,
        time_attr: str = "training_iteration",
    ) -> None:
        super().__init__()
        self._rule = rule
        self._objectives = objectives
        self._time_attr = time_attr
        self._decisions: Counter[Decision] = Counter()
        self._last_t: dict[str, float] = {}

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept whatever the Tuner has; the objectives are given."""
        return True

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Ask the rule.

        Raises:
            ValueError: If `time_attr` or an objective is missing from the report.
        """
        if self._time_attr not in result:
            raise ValueError(
                f"time_attr {self._time_attr!r} is missing from the report of trial "
                f"{trial.trial_id}; reported keys: {', '.join(sorted(result))}"
            )
        action: str = (
            TrialScheduler.CONTINUE
            if self._decide(trial, result) is Decision.CONTINUE
            else TrialScheduler.STOP
        )
        return action

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Record the report that ended the trial, which Tune shows to no scheduler before."""
        if result.get(self._time_attr, -1) > self._last_t.get(trial.trial_id, -1):
            self._decide(trial, result)

    def _decide(self, trial: Trial, result: dict[str, Any]) -> Decision:
        t = result[self._time_attr]
        self._last_t[trial.trial_id] = t
        decision = self._rule.report(trial.trial_id, t, self._objectives.to_point(result))
        self._decisions[decision] += 1
        return decision

    def debug_string(self) -> str:
        """One line for Tune's status output."""
        return (
            f"{type(self).__name__}: {self._decisions[Decision.STOP]} trials stopped, "
            f"{self._decisions[Decision.COMPLETE]} complete"
        )


class PaperDominance(RuleScheduler):
    """The scheduler of the paper's Tables 2 and 3; see `mobo_core.rules.PaperDominanceRule`.

    Args:
        objectives: As in `RuleScheduler`.
        max_t: R, full budget in units of `time_attr`.
        grace_period: r, first milestone (1 in Table 2, 2 in Table 3).
        reduction_factor: η, spacing of the milestones (6).
        time_attr: As in `RuleScheduler`.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        max_t: float,
        grace_period: float = 1,
        reduction_factor: float = 6,
        time_attr: str = "training_iteration",
    ) -> None:
        rule = PaperDominanceRule(max_t, grace_period, reduction_factor)
        super().__init__(rule, objectives=objectives, time_attr=time_attr)


class PaperRungwise(RuleScheduler):
    """The scheduler of the paper's Table 4; see `mobo_core.rules.PaperRungwiseRule`.

    Args are those of `PaperDominance`.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        max_t: float,
        grace_period: float = 1,
        reduction_factor: float = 6,
        time_attr: str = "training_iteration",
    ) -> None:
        rule = PaperRungwiseRule(max_t, grace_period, reduction_factor)
        super().__init__(rule, objectives=objectives, time_attr=time_attr)
