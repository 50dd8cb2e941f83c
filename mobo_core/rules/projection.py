"""Hypervolume promotion: train the trial that is expected to add most hypervolume per epoch.

Successive halving ranks the points that trials have now. Here, a trial is worth what its *finished*
learning curve is expected to add to the hypervolume. R is the full budget of a trial (`max_t`). The
whole algorithm, with all details needed to implement it again:

1. **Distance.** A learned objective f has an ideal value f* (1 for an accuracy, 0 for a loss). Its
   distance is d(t) = f(t) − f*, minimised. If no ideal is given, f* = best − (far − best). Here
   *best* is the best value that any trial of this run has reported. The value *far* is the worst
   one, but it is no worse than the reference value if best is better than that. For logarithms, a
   distance is at least 10⁻¹² of the range far − f*. An exactly known objective (parameters, FLOPs)
   keeps its value, and steps 2 and 3 do not apply to it.
2. **Exponents.** Learning curves are read as power laws, d ∝ t^−α. Take the trials j that have
   reported at budget t and also later, up to their last report at t_j. They give the exponents
   α_j(t) = −ln(d_j(t_j)/d_j(t)) / ln(t_j/t). For each objective, a Bayesian linear regression on
   them predicts α for a trial that is at t. Its inputs are the exponent from the trial's first
   report to t, and the configuration (`mobo_core.rules.exponents`,
   `mobo_core.rules.curves.Features`). Failed trials are used too. Of more than 200 trials, those
   with the latest first reports are used. A curve that was already at its ideal at t is left out.
   Trials are compared at equal t, so all trials should count budgets in the same steps; otherwise
   budgets are rounded (`mobo_core.rules.budgets`).
3. **Scenarios.** A trial at t may end at R with the value f* + d(t)·(t/R)^α. The scenarios are the
   K = 5 values for α at the quantile levels 0.1, 0.3, 0.5, 0.7 and 0.9 of the prediction (the
   midpoints of equal parts of (0, 1)). All learned objectives take the same level, because they
   improve together.
4. **Gain.** A trial's expected gain is the mean, over its scenarios, of the hypervolume that the
   scenario adds to what is there. What is there: the last points of all trials that have not
   failed, and the median scenario of each trial that is training now. Two similar trials are
   therefore not both continued for the same gain.
5. **Choice.** Every new trial trains for the grace period and then pauses; from then on it pauses
   at each of its reports. A free slot goes to the paused trial with the largest rate, that is gain
   per remaining epoch: gain / (R − t). The rate must exceed `margin` × the present hypervolume / R.

   * *New trials.* If a new trial is available, it gets the slot unless the largest rate is higher
     than the rate of new trials. That is the mean expected gain of the latest ten trials when they
     first paused, divided by R. Before ten trials have paused, new trials always come first.
   * *Nothing qualifies.* Then no paused trial is resumed. Once nothing is training and no new trial
     is available, the scheduler ends the remaining trials.
   * *No point is inside the reference point yet.* Then the present hypervolume is 0. If, in
     addition, no gain is positive and no new trial starts, one trial continues: the one whose best
     scenario (level 0.9) falls least short of the reference point. The shortfall is the largest
     over the objectives, each as a share of far − best.

   A resumed trial is judged again after each report. It keeps its slot as long as no other trial
   is better.

**Why this form.** A mean over scenarios takes a small chance of a large gain into account. An early
version used a single quantile: it saved as many epochs but lost such trials for good. Another early
version required the same gain of a trial's last epoch as of its second, and ended members of the
front one epoch before their end. Because trials pause, no decision is final before the run ends.

`ProjectedStoppingRule` uses the same expected gain for trainables that cannot pause. A trial at t
stops, for good, if its gain is at most `margin` × the present hypervolume × (1 − t/R).

Source: this project. Related: expected hypervolume improvement (Emmerich et al. 2006,
doi:10.1109/TEVC.2005.859463), power laws of learning curves (Domhan et al. 2015; Viering & Loog
2023, doi:10.1109/TPAMI.2022.3220744), freeze-thaw optimisation (Swersky et al. 2014,
arXiv:1406.3896).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mobo_core.objectives import Points
from mobo_core.rules.budgets import CommonBudgets
from mobo_core.rules.gains import MARGIN, Projection, ProjectionSettings
from mobo_core.rules.rule import Decision

__all__ = [
    "MARGIN",
    "NEWCOMERS",
    "HypervolumePromotionRule",
    "ProjectedStoppingRule",
    "Projection",
    "ProjectionSettings",
]

NEWCOMERS = 10
"""The number of latest trials whose first gains estimate a new trial's gain.

Before so many trials have paused, new trials always come first.
"""


class _ProjectingRule:
    """The part of both rules that records reports before a trial is judged."""

    def __init__(self, settings: ProjectionSettings) -> None:
        self._settings = settings
        self._projection = Projection(settings)
        self._budgets = CommonBudgets(settings.max_t)
        self._training: dict[str, None] = {}  # a dict, not a set: its order is reproducible

    @property
    def max_t(self) -> float:
        """R, the full budget of a trial."""
        return self._settings.max_t

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Store the configuration of a new trial.

        Args:
            trial_id: The id of the new trial, or of a trial that starts again after a failure.
            config: The trial's hyper-parameters.
        """
        self._projection.features.add(trial_id, config)

    def _record(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report; `Decision.CONTINUE` means that the trial must still be judged."""
        self._training.pop(trial_id, None)
        if not np.isfinite(point).all():
            self._projection.curves.fail(trial_id)
            return Decision.STOP
        self._projection.curves.add(trial_id, self._budgets.of(trial_id, t), point)
        return Decision.COMPLETE if t >= self._settings.max_t else Decision.CONTINUE


class HypervolumePromotionRule(_ProjectingRule):
    """The rule of hypervolume promotion; the module's text explains it.

    Cost of a decision: one regression on at most `LATEST` curves for each budget at which a trial
    waits. In addition, for n paused trials and a front of k points, O(n·K·k) with two objectives;
    with more, one hypervolume of k points for each scenario that adds something.

    Args:
        settings: The settings of the rule.

    Example:
        Two trials have paused, and no new trial is available. The first one is better:

        >>> from mobo_core import Objective, ObjectiveSet
        >>> loss = Objective("val_loss", "min", reference=2.0, ideal=0.0)
        >>> parameters = Objective("model_params", "min", reference=100_000, exact=True)
        >>> settings = ProjectionSettings(ObjectiveSet([loss, parameters]), max_t=8)
        >>> rule = HypervolumePromotionRule(settings)
        >>> for name, point in [("a", [0.5, 20_000.0]), ("b", [0.9, 20_000.0])]:
        ...     rule.add(name, {"width": 32})
        ...     print(rule.report(name, 1, np.array(point)).value)
        pause
        pause
        >>> rule.choose(new_available=False)
        'a'
    """

    def __init__(self, settings: ProjectionSettings) -> None:
        super().__init__(settings)
        self._paused: dict[str, None] = {}
        self._judged: set[str] = set()
        self._first_gains: list[float] = []
        self._choices: dict[bool, str | None] = {}

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget spent so far, in the unit of `max_t`.
            point: (m,) the objectives, minimised.
        """
        self._choices = {}
        recorded = self._record(trial_id, t, point)
        if recorded is not Decision.CONTINUE:
            return recorded
        if t < self._settings.grace_period:
            self._training[trial_id] = None
            return Decision.CONTINUE
        if trial_id not in self._judged:
            self._judged.add(trial_id)
            gain = self._projection.gains([trial_id], list(self._training))[0]
            self._first_gains.append(float(gain))
        self._paused[trial_id] = None
        return Decision.PAUSE

    def choose(self, new_available: bool) -> str | None:
        """Return the paused trial that should get a free slot, by step 5 of the module's text.

        Args:
            new_available: True if the searcher has more configurations.

        Returns:
            The trial's id, or None. None means that a new trial should start; if no new one is
            available, it means that no paused trial is worth another epoch at present.
        """
        if new_available not in self._choices:
            self._choices[new_available] = self._find(new_available)
        return self._choices[new_available]

    def _find(self, new_available: bool) -> str | None:
        paused = list(self._paused)
        if not paused:
            return None
        projection = self._projection
        gains = projection.gains(paused, list(self._training))
        left = self._settings.max_t - projection.curves.last_t(projection.curves.rows(paused))
        present = projection.hypervolume()
        rates = gains / left
        rates[rates <= self._settings.margin * present / self._settings.max_t] = 0
        best = int(np.argmax(rates))
        if new_available and rates[best] <= self._rate_of_new():
            return None
        if rates[best] > 0:
            return paused[best]
        return None if present > 0 else paused[int(np.argmin(projection.shortfalls(paused)))]

    def _rate_of_new(self) -> float:
        """Return the expected gain of a new trial per epoch, estimated from the latest ones."""
        if len(self._first_gains) < NEWCOMERS:
            return np.inf
        return float(np.mean(self._first_gains[-NEWCOMERS:])) / self._settings.max_t

    def projected_ends(self, trial_ids: Sequence[str], level: float) -> Points:
        """Return the projected ends (n, m) of n trials, minimised.

        Args:
            trial_ids: The n trials' ids; each has reported.
            level: The quantile level of the exponents, in (0, 1); a higher level is a better end.
        """
        return self._projection.ends(trial_ids, np.array([level]))[:, 0]

    def resume(self, trial_id: str) -> None:
        """Note that a paused trial continues."""
        del self._paused[trial_id]
        self._training[trial_id] = None
        self._choices = {}

    def withdraw(self, trial_id: str) -> None:
        """Take out a trial that is neither training nor paused; it may start again from epoch 0."""
        self._paused.pop(trial_id, None)
        self._training.pop(trial_id, None)
        self._choices = {}

    def end(self, trial_id: str, failed: bool) -> None:
        """Note that a trial has ended.

        The points of a failed trial leave the front. Its learning curve is still learned from.

        Args:
            trial_id: The id of the trial that ended.
            failed: True if the trial failed, so that its reports do not count as results.
        """
        self.withdraw(trial_id)
        if failed:
            self._projection.curves.fail(trial_id)

    def is_paused(self, trial_id: str) -> bool:
        """Return whether the trial is paused and waits for `resume`."""
        return trial_id in self._paused


class ProjectedStoppingRule(_ProjectingRule):
    """The rule that stops a trial whose expected gain is too small; the module's text explains it.

    A trial is judged at every report from the grace period on. Its gain is what it adds to the
    last points of all trials and to the median scenarios of those that are still training. No trial
    stops as long as the present hypervolume is 0.

    Args:
        settings: The settings of the rule.

    Example:
        Every end that is expected of the second trial is worse than the first trial's point:

        >>> from mobo_core import Objective, ObjectiveSet
        >>> loss = Objective("val_loss", "min", reference=2.0, ideal=0.0)
        >>> parameters = Objective("model_params", "min", reference=100_000, exact=True)
        >>> settings = ProjectionSettings(ObjectiveSet([loss, parameters]), max_t=8)
        >>> rule = ProjectedStoppingRule(settings)
        >>> for name, point in [("a", [0.1, 20_000.0]), ("b", [1.9, 30_000.0])]:
        ...     rule.add(name, {"width": 32})
        ...     print(rule.report(name, 1, np.array(point)).value)
        continue
        stop
    """

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report and return the decision about its trial.

        Args:
            trial_id: The id of the trial that reports.
            t: The budget spent so far, in the unit of `max_t`.
            point: (m,) the objectives, minimised.
        """
        recorded = self._record(trial_id, t, point)
        if recorded is not Decision.CONTINUE:
            return recorded
        if t >= self._settings.grace_period:
            gain = self._projection.gains([trial_id], list(self._training))[0]
            present = self._projection.hypervolume()
            worth = self._settings.margin * present * (1 - t / self._settings.max_t)
            if present > 0 and gain <= worth:
                return Decision.STOP
        self._training[trial_id] = None
        return Decision.CONTINUE

    def end(self, trial_id: str, failed: bool) -> None:
        """Note that a trial has ended.

        The points of a failed trial leave the front. Its learning curve is still learned from.

        Args:
            trial_id: The id of the trial that ended.
            failed: True if the trial failed, so that its reports do not count as results.
        """
        self._training.pop(trial_id, None)
        if failed:
            self._projection.curves.fail(trial_id)
