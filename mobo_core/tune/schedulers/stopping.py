"""Schedulers that stop trials: Ray Tune's side of the stopping rules."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from mobo_core.objectives import ObjectiveSet
from mobo_core.pareto.ranking import Ranking
from mobo_core.rules.halving import HalvingRule, HalvingSettings
from mobo_core.rules.projection import MARGIN, ProjectedStoppingRule, ProjectionSettings
from mobo_core.rules.rule import Decision, PaperDominanceRule, PaperRungwiseRule, StoppingRule
from mobo_core.tune.schedulers.scheduler import ObjectiveScheduler, is_retried


class RuleScheduler(ObjectiveScheduler):
    """Runs trials in the order of their arrival and ends them as a `StoppingRule` says.

    Args:
        rule: As in `ObjectiveScheduler`.
        objectives: As in `ObjectiveScheduler`.
        time_attr: As in `ObjectiveScheduler`.
    """

    _learned = ("_rule", "_decisions", "_last_t")

    def __init__(
        self,
        rule: StoppingRule,
        *,
        objectives: ObjectiveSet,
        time_attr: str = "training_iteration",
    ) -> None:
        super().__init__(rule, objectives, time_attr)
        self._decisions: Counter[Decision] = Counter()
        self._last_t: dict[str, float] = {}

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Tell the rule."""
        self._rule.add(trial.trial_id, trial.config)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Ask the rule.

        Raises:
            ValueError: If `time_attr` or an objective is missing from the report.
        """
        goes_on = self._decide(trial, result) is Decision.CONTINUE
        action: str = TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP
        return action

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Record the report that ended the trial, which Tune shows to no scheduler before."""
        if result.get(self._time_attr, -1) > self._last_t.get(trial.trial_id, -1):
            self._decide(trial, result)
        self._rule.end(trial.trial_id, failed=False)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Tell the rule, unless Tune retries the trial."""
        if not is_retried(trial):
            self._rule.end(trial.trial_id, failed=True)

    def _decide(self, trial: Trial, result: dict[str, Any]) -> Decision:
        t, point = self._read(trial, result)
        self._last_t[trial.trial_id] = t
        decision: Decision = self._rule.report(trial.trial_id, t, point)
        self._decisions[decision] += 1
        return decision

    def debug_string(self) -> str:
        """One line for Tune's status output."""
        return (
            f"{type(self).__name__}: {self._decisions[Decision.STOP]} trials stopped, "
            f"{self._decisions[Decision.COMPLETE]} complete"
        )


class StoppingMOASHA(RuleScheduler):
    """Multi-objective ASHA by stopping; see `mobo_core.rules.halving`.

    With several brackets it is MO-Hyperband, asynchronous.

    Args:
        objectives: As in `ObjectiveScheduler`.
        max_t: R, full budget in units of `time_attr`.
        grace_period: r, first milestone.
        reduction_factor: η; about one trial in η goes on at each milestone.
        brackets: Of different grace periods r·η^s, into which trials are drawn.
        ranking: Name in `mobo_core.pareto.ranking.RANKINGS`, or a function of that kind.
        time_attr: As in `ObjectiveScheduler`.
        seed: Of the draw of brackets.

    Raises:
        ValueError: As `mobo_core.rules.halving.HalvingSettings`.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        max_t: float,
        grace_period: float = 1,
        reduction_factor: float = 3,
        brackets: int = 1,
        ranking: str | Ranking = "pareto_epsnet",
        time_attr: str = "training_iteration",
        seed: int = 0,
    ) -> None:
        settings = HalvingSettings(
            max_t,
            grace_period,
            reduction_factor,
            brackets,
            ranking,
            objectives.reference_point,
            seed,
        )
        super().__init__(HalvingRule(settings), objectives=objectives, time_attr=time_attr)


class ProjectedStopping(RuleScheduler):
    """Stops trials that are not expected to add hypervolume; see `mobo_core.rules.projection`.

    For trainables that cannot pause; `HypervolumePromotion` loses less.

    Args:
        objectives: As in `ObjectiveScheduler`; give learned ones their `ideal` if it is known,
            and mark exactly known ones `exact`.
        max_t: R, full budget in units of `time_attr`.
        grace_period: Budget every trial is given.
        margin: Smallest expected gain worth a whole budget, as a share of the present hypervolume.
        time_attr: As in `ObjectiveScheduler`.

    Raises:
        ValueError: As `mobo_core.rules.projection.ProjectionSettings`.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        max_t: float,
        grace_period: float = 1,
        margin: float = MARGIN,
        time_attr: str = "training_iteration",
    ) -> None:
        settings = ProjectionSettings(objectives, max_t, grace_period, margin)
        rule = ProjectedStoppingRule(settings)
        super().__init__(rule, objectives=objectives, time_attr=time_attr)


class PaperDominance(RuleScheduler):
    """The scheduler of the paper's Tables 2 and 3; see `mobo_core.rules.rule.PaperDominanceRule`.

    Args:
        objectives: As in `ObjectiveScheduler`.
        max_t: R, full budget in units of `time_attr`.
        grace_period: r, first milestone (1 in Table 2, 2 in Table 3).
        reduction_factor: η, spacing of the milestones (6).
        time_attr: As in `ObjectiveScheduler`.
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
    """The scheduler of the paper's Table 4; see `mobo_core.rules.rule.PaperRungwiseRule`.

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
