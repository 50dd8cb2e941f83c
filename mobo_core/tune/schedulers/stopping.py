"""Schedulers that stop trials early: they connect Ray Tune to the stopping rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from mobo_core.objectives import Objective, ObjectiveSet, as_objective_set
from mobo_core.pareto.ranking import Ranking
from mobo_core.rules.halving import HalvingRule, HalvingSettings
from mobo_core.rules.projection import MARGIN, ProjectedStoppingRule, ProjectionSettings
from mobo_core.rules.rule import Decision, PaperDominanceRule, PaperRungwiseRule, StoppingRule
from mobo_core.rules.rungs import Quota
from mobo_core.tune.schedulers.parameters import describe_parameters
from mobo_core.tune.schedulers.reports import Report
from mobo_core.tune.schedulers.scheduler import ObjectiveScheduler, is_retried


@describe_parameters()
class RuleScheduler(ObjectiveScheduler):
    """A scheduler that stops trials when its rule decides so.

    It starts trials in the order in which they arrive. Use it to try a stopping rule of your own in
    Ray Tune.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.rules import PaperDominanceRule
        >>> from mobo_core.tune import RuleScheduler
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> rule = PaperDominanceRule(max_t=8, grace_period=1, reduction_factor=3)
        >>> scheduler = RuleScheduler(rule, objectives=objectives, time_attr="epoch")
        >>> scheduler.debug_string()
        'RuleScheduler: 0 trials stopped, 0 complete'
    """

    _learned = ("_rule", "_reports", "_decisions", "_last_t")

    def __init__(
        self,
        rule: StoppingRule,
        *,
        objectives: ObjectiveSet | Iterable[Objective],
        time_attr: str = "training_iteration",
    ) -> None:
        super().__init__(rule, objectives, time_attr)
        self._decisions: Counter[Decision] = Counter()
        self._last_t: dict[str, float] = {}

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Pass the new trial to the rule.

        Raises:
            ValueError: If this scheduler was used in another experiment, or the trainable cannot be
                used with ``reuse_actors``.
        """
        self._experiment.join(self, tune_controller, trial)
        self._reports.start(trial.trial_id)
        self._rule.add(trial.trial_id, trial.config)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Return what the rule decides about a report; a report that lacks a value is skipped."""
        report = self._read(trial, result)
        decision = self._decide(trial, report) if isinstance(report, Report) else report
        goes_on = decision is Decision.CONTINUE
        action: str = TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP
        return action

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Record a trial's last report, which Tune passes to schedulers only in this call.

        Raises:
            ReportError: If the trial fails because of what it has reported, or never has. Tune then
                treats it as a failed trial.
        """
        report = self._reports.end(trial, result)
        if report is not None and report.t > self._last_t.get(trial.trial_id, -1):
            self._decide(trial, report)
        self._rule.end(trial.trial_id, failed=False)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """End a failed trial in the rule, unless Tune retries it."""
        self._reports.ended(trial)
        self._last_t.pop(trial.trial_id, None)
        if not is_retried(trial):
            self._rule.end(trial.trial_id, failed=True)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the first trial that waits to start.

        Raises:
            RuntimeError: If nothing has run for too long, and nothing can start.
        """
        return self._experiment.watch(tune_controller, super().choose_trial_to_run(tune_controller))

    def _decide(self, trial: Trial, report: Report) -> Decision:
        self._last_t[trial.trial_id] = report.t
        decision: Decision = self._rule.report(trial.trial_id, report.t, report.point)
        self._decisions[decision] += 1
        return decision

    def debug_string(self) -> str:
        """Return one line for Tune's status output."""
        return (
            f"{type(self).__name__}: {self._decisions[Decision.STOP]} trials stopped, "
            f"{self._decisions[Decision.COMPLETE]} complete{self._skipped_text()}"
        )


@describe_parameters()
class StoppingMOASHA(RuleScheduler):
    """Multi-objective ASHA that stops trials; see `mobo_core.rules.halving`.

    At each rung a trial is compared with the trials that have reached the rung before it, and
    stops unless it is among the best. With several brackets this is asynchronous multi-objective
    Hyperband.

    Raises:
        ValueError: If a value is out of range, the ranking or the quota is unknown, or a bracket
            would have no rung below `max_t`.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import StoppingMOASHA
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> scheduler = StoppingMOASHA(objectives, max_t=8, grace_period=1, time_attr="epoch")
        >>> scheduler.debug_string()
        'StoppingMOASHA: 0 trials stopped, 0 complete'
    """

    def __init__(
        self,
        objectives: ObjectiveSet | Iterable[Objective],
        max_t: float,
        grace_period: float = 1,
        reduction_factor: float = 3,
        brackets: int = 1,
        ranking: str | Ranking = "pareto_epsnet",
        time_attr: str = "training_iteration",
        seed: int = 0,
        quota: Quota = "floor",
    ) -> None:
        objectives = as_objective_set(objectives)
        reference = objectives.reference_point
        settings = HalvingSettings(
            max_t, grace_period, reduction_factor, brackets, ranking, reference, seed, quota
        )
        super().__init__(HalvingRule(settings), objectives=objectives, time_attr=time_attr)


@describe_parameters(
    grace_period="The budget that every trial gets before the first decision, ≥ 1."
)
class ProjectedStopping(RuleScheduler):
    """A scheduler that stops trials early; see `mobo_core.rules.projection`.

    It projects where the metrics of each trial will end, and stops a trial that is not expected to
    add hypervolume. Give an objective its `ideal` value if you know it, and mark an objective
    `exact` if it is known without training. Use this scheduler for trainables that cannot pause;
    otherwise `HypervolumePromotion` loses less hypervolume.

    Raises:
        ValueError: If `grace_period` is less than 1 or more than `max_t`, or `margin` is negative.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import ProjectedStopping
        >>> objectives = ObjectiveSet(
        ...     [
        ...         Objective("loss", "min", reference=1.0, ideal=0.0),
        ...         Objective("params", "min", reference=1e5, exact=True),
        ...     ]
        ... )
        >>> scheduler = ProjectedStopping(objectives, max_t=8, time_attr="epoch")
        >>> scheduler.debug_string()
        'ProjectedStopping: 0 trials stopped, 0 complete'
    """

    def __init__(
        self,
        objectives: ObjectiveSet | Iterable[Objective],
        max_t: float,
        grace_period: float = 1,
        margin: float = MARGIN,
        time_attr: str = "training_iteration",
    ) -> None:
        objectives = as_objective_set(objectives)
        settings = ProjectionSettings(objectives, max_t, grace_period, margin)
        rule = ProjectedStoppingRule(settings)
        super().__init__(rule, objectives=objectives, time_attr=time_attr)


class _PaperScheduler(RuleScheduler):
    """A scheduler of the paper. Its subclasses differ in their rule only."""

    _rule_class: ClassVar[type[PaperDominanceRule] | type[PaperRungwiseRule]]

    def __init__(
        self,
        objectives: ObjectiveSet | Iterable[Objective],
        max_t: float,
        grace_period: float = 1,
        reduction_factor: float = 6,
        time_attr: str = "training_iteration",
    ) -> None:
        rule = self._rule_class(max_t, grace_period, reduction_factor)
        super().__init__(rule, objectives=objectives, time_attr=time_attr)


_describe_paper_scheduler = describe_parameters(
    grace_period=(
        "r ≥ 1, the first milestone, in units of `time_attr`. The paper uses 1 in Tables 2 and 4, "
        "and 2 in Table 3."
    ),
    reduction_factor=(
        "η > 1, the ratio between neighbouring milestones. It has no other effect. The paper uses "
        "6."
    ),
)


@_describe_paper_scheduler
class PaperDominance(_PaperScheduler):
    """The scheduler of the paper's Tables 2 and 3; see `mobo_core.rules.rule.PaperDominanceRule`.

    At a milestone it stops a trial if an earlier report, of any trial at any epoch, dominates the
    present one: it is no worse in any objective and better in at least one.

    Raises:
        ValueError: If `grace_period` is less than 1 or more than `max_t`, or `reduction_factor` is
            not more than 1.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import PaperDominance
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> scheduler = PaperDominance(objectives, max_t=8, time_attr="epoch")
        >>> scheduler.debug_string()
        'PaperDominance: 0 trials stopped, 0 complete'
    """

    _rule_class = PaperDominanceRule


@_describe_paper_scheduler
class PaperRungwise(_PaperScheduler):
    """The scheduler of the paper's Table 4; see `mobo_core.rules.rule.PaperRungwiseRule`.

    At a milestone it stops a trial if another trial's report at the same milestone dominates the
    present one: it is no worse in any objective and better in at least one.

    Raises:
        ValueError: If `grace_period` is less than 1 or more than `max_t`, or `reduction_factor` is
            not more than 1.

    Example:
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import PaperRungwise
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> scheduler = PaperRungwise(objectives, max_t=8, time_attr="epoch")
        >>> scheduler.debug_string()
        'PaperRungwise: 0 trials stopped, 0 complete'
    """

    _rule_class = PaperRungwiseRule
