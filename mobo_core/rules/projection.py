"""Hypervolume promotion: train the trial that is expected to add most hypervolume per epoch.

Successive halving ranks the points that trials have now. Here, a trial is worth what its *finished*
learning curve is expected to add to the hypervolume. The search ends when ending all trials where
they are is expected to cost no more than a share of the hypervolume, the margin. R is the full
budget of a trial (`max_t`). The whole algorithm, with all details needed to implement it again:

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
   report to t, the distance at t, and the configuration (`mobo_core.rules.exponents`,
   `mobo_core.rules.curves.Features`). The fewer epochs a curve shows beyond t, the less it counts,
   because curves are no exact power laws. Failed trials are used too. Of more than 200 trials,
   those with the latest first reports are used. A curve that was already at its ideal at t is left
   out. Trials are compared at equal t, so all trials should count budgets in the same steps;
   otherwise budgets are rounded (`mobo_core.rules.budgets`). The regressions, f* and the range are
   computed again when the number of reports has grown by a tenth.
3. **Scenarios.** A trial at t may end at R with the value f* + d(t)·(t/R)^α. The scenarios are the
   nine values for α at the midpoints of unequal parts of (0, 1) (`mobo_core.rules.gains.EDGES`).
   The length of its part is the weight of a scenario. The parts at the ends are short: a small
   chance of a large gain may be all that a trial is worth. All learned objectives take the same
   level, because they improve together.
4. **Gain.** A trial's expected gain is the weighted mean, over its scenarios, of the hypervolume
   that the scenario adds to what is there: the last points of all trials that have not failed.
5. **Expected loss.** In a *future* of the run, every trial ends in one of its scenarios. There are
   32 futures; over them each trial meets its levels as often as their weights say, in an order of
   its own. The expected loss of ending some trials where they are is the mean hypervolume of the
   futures, minus the mean without what these trials would have added, as a share of the former.
   Trials in training are in all futures.
6. **Choice.** Every new trial trains for the grace period r and then pauses; from then on it pauses
   whenever its budget passes another value r·1.25^k. A free slot goes to the paused trial with the
   largest rate, that is gain per remaining epoch: gain / (R − t). From the gains of the best six,
   the part is taken away that a trial in training would bring as well, in its median scenario. Two
   similar trials are therefore not both continued for the same gain.

   * *New trials.* If a new trial is available, it gets the slot unless the largest rate is higher
     than the rate of new trials. That is the mean expected gain of the latest ten trials when they
     first paused, divided by R. Before ten trials have paused, new trials always come first.
   * *The margin.* If the expected loss of ending all paused trials is at most `margin`, no paused
     trial is resumed. Once nothing is training and no new trial is available, the scheduler ends
     the remaining trials.
   * *No point is inside the reference point yet.* Then the present hypervolume is 0. If, in
     addition, no gain is positive and no new trial starts, one trial continues: the one whose best
     scenario falls least short of the reference point. The shortfall is the largest over the
     objectives, each as a share of far − best.

   A resumed trial is judged again when it pauses. It keeps its slot as long as no other trial is
   better.

**Why this form.** A mean over scenarios takes a small chance of a large gain into account; an early
version used a single quantile and lost such trials for good. A later version ended every trial
whose own gain was small. On problems where many trials add a little each, all of them were ended,
and the sum was lost; the expected loss counts what they would have added together. Because trials
pause, no decision is final before the run ends.

`ProjectedStoppingRule` uses the same gains and expected loss for trainables that cannot pause. A
trial stops, for good, if the expected loss of all stopped trials, this one included, is at most
`margin`.

Source: this project. Related: expected hypervolume improvement (Emmerich et al. 2006,
doi:10.1109/TEVC.2005.859463), power laws of learning curves (Domhan et al. 2015; Viering & Loog
2023, doi:10.1109/TPAMI.2022.3220744), freeze-thaw optimisation (Swersky et al. 2014,
arXiv:1406.3896).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mobo_core.objectives import Points
from mobo_core.rules.budgets import CommonBudgets
from mobo_core.rules.gains import MARGIN, Projection, ProjectionSettings
from mobo_core.rules.rule import Decision
from mobo_core.rules.rungs import SLACK

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
STEP = 1.25
"""The ratio of the budgets at which trials pause; more pauses would save little and cost much."""
BEST = 6
"""The number of trials whose gains are compared with what the trials in training will bring."""


def _allowed(margin: float, present: float) -> float:
    """Return the gain by which the final hypervolume is larger than the present one, at the margin.

    The gain g is the margin's share of the final hypervolume: g = margin · (present + g).
    """
    return margin / (1 - margin) * present if margin < 1 else np.inf


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
        self._projection.ends.features.add(trial_id, config)

    def _record(self, trial_id: str, t: float, point: Points) -> Decision:
        """Record a report; `Decision.CONTINUE` means that the trial must still be judged."""
        self._training.pop(trial_id, None)
        if not np.isfinite(point).all():
            self._projection.ends.curves.fail(trial_id)
            return Decision.STOP
        self._projection.ends.curves.add(trial_id, self._budgets.of(trial_id, t), point)
        return Decision.COMPLETE if t >= self._settings.max_t else Decision.CONTINUE


class HypervolumePromotionRule(_ProjectingRule):
    """The rule of hypervolume promotion; the module's text explains it.

    Cost of a decision: of one trial's scenarios, and of the gains of those trials whose scenarios
    or whose front have changed. The regressions, one on at most
    `mobo_core.rules.ends.LATEST` curves for each budget at which a trial waits, are shared by many
    decisions.

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
        self._steps: dict[str, int] = {}
        self._first_gains: dict[str, tuple[float, float]] = {}  # with the logarithm of the unit
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
        before = self._steps.get(trial_id)
        step = self._step(t)
        self._steps[trial_id] = step
        if step < 0 or step == before:
            self._training[trial_id] = None
            return Decision.CONTINUE
        if trial_id not in self._first_gains:
            (gain,) = self._projection.gains([trial_id])
            (shared,) = self._projection.shared([trial_id], self._reported())
            alone = max(float(gain - shared), 0.0)
            self._first_gains[trial_id] = alone, self._projection.log_unit()
        self._paused[trial_id] = None
        return Decision.PAUSE

    def _step(self, t: float) -> int:
        """Return the number of the last budget r·1.25^k that t has passed; -1 below r."""
        ratio = t / self._settings.grace_period
        return -1 if ratio < 1 else math.floor(math.log(ratio) / math.log(STEP) * SLACK)

    def _reported(self) -> list[str]:
        """Return the trials in training that have reported before."""
        return [trial for trial in self._training if self._projection.ends.curves.has(trial)]

    def choose(self, new_available: bool) -> str | None:
        """Return the paused trial that should get a free slot, by step 6 of the module's text.

        Args:
            new_available: True if the searcher has more configurations.

        Returns:
            The trial's id, or None. None means that a new trial should start; if no new one is
            available, it means that ending the paused trials is expected to cost no more than the
            margin.
        """
        if new_available not in self._choices:
            self._choices[new_available] = self._find(new_available)
        return self._choices[new_available]

    def _find(self, new_available: bool) -> str | None:
        paused, projection = list(self._paused), self._projection
        if not paused or (new_available and len(self._first_gains) < NEWCOMERS):
            return None
        gains = projection.gains(paused)
        if gains.max() <= 0:
            if new_available or projection.hypervolume() > 0:
                return None
            return paused[int(np.argmin(projection.shortfalls(paused)))]
        curves = projection.ends.curves
        left = self._settings.max_t - curves.last_t(curves.rows(paused))
        best, training = np.argsort(-gains / left, kind="stable")[:BEST], self._reported()
        shared = projection.shared([paused[index] for index in best], training)
        alone = np.maximum(gains[best] - shared, 0)
        rates = alone / left[best]
        if rates.max() <= (self._rate_of_new() if new_available else 0):
            return None
        if not self._is_worth(paused, training, gains.sum(), alone.max()):
            return None
        return paused[int(best[np.argmax(rates)])]

    def _is_worth(
        self, paused: Sequence[str], training: Sequence[str], most: float, least: float
    ) -> bool:
        """Return whether ending all paused trials is expected to cost more than the margin.

        Args:
            paused: The paused trials.
            training: The trials in training that have reported.
            most: The sum of the paused trials' gains: together they add no more.
            least: The largest gain of one of them, without what trials in training bring.
        """
        allowed = _allowed(self._settings.margin, self._projection.hypervolume())
        if most <= allowed or least > allowed:
            return least > allowed
        return self._projection.expected_loss(paused, training) > self._settings.margin

    def _rate_of_new(self) -> float:
        """Return the expected gain of a new trial per epoch, estimated from the latest ones."""
        latest = np.array(list(self._first_gains.values())[-NEWCOMERS:])
        gains = latest[:, 0] * np.exp(latest[:, 1] - self._projection.log_unit())
        return float(gains.mean()) / self._settings.max_t

    def projected_ends(self, trial_ids: Sequence[str], level: float) -> Points:
        """Return the projected ends (n, m) of n trials, minimised.

        Args:
            trial_ids: The n trials' ids; each has reported.
            level: The quantile level of the exponents, in (0, 1); a higher level is a better end.
        """
        return self._projection.ends.of(trial_ids, np.array([level]))[:, 0]

    def resume(self, trial_id: str) -> None:
        """Note that a paused trial continues."""
        del self._paused[trial_id]
        self._training[trial_id] = None
        self._choices = {}

    def withdraw(self, trial_id: str) -> None:
        """Take out a trial that is neither training nor paused; it may start again from epoch 0."""
        self._paused.pop(trial_id, None)
        self._training.pop(trial_id, None)
        self._steps.pop(trial_id, None)  # it pauses at its next report
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
            self._projection.ends.curves.fail(trial_id)

    def is_paused(self, trial_id: str) -> bool:
        """Return whether the trial is paused and waits for `resume`."""
        return trial_id in self._paused


class ProjectedStoppingRule(_ProjectingRule):
    """The rule that stops a trial whose expected gain is too small; the module's text explains it.

    A trial is judged at every report from the grace period on, among the trials that train and
    those that were stopped. No trial stops as long as the present hypervolume is 0.

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

    def __init__(self, settings: ProjectionSettings) -> None:
        super().__init__(settings)
        self._stopped: dict[str, None] = {}
        self._given_up, self._log_unit = 0.0, 0.0

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
        if t >= self._settings.grace_period and self._stops(trial_id):
            self._stopped[trial_id] = None
            return Decision.STOP
        self._training[trial_id] = None
        return Decision.CONTINUE

    def _stops(self, trial_id: str) -> bool:
        projection, margin = self._projection, self._settings.margin
        present = projection.hypervolume()
        if present == 0:
            return False
        training = [trial for trial in self._training if projection.ends.curves.has(trial)]
        (gain,) = projection.gains([trial_id])
        (shared,) = projection.shared([trial_id], training)
        alone = max(float(gain - shared), 0.0)
        allowed = _allowed(margin, present)
        if alone > allowed:
            return False
        log_unit = projection.log_unit()
        self._given_up *= math.exp(self._log_unit - log_unit)
        self._log_unit = log_unit
        if self._given_up + alone > allowed:
            stopped = [*self._stopped, trial_id]
            loss = projection.expected_loss(stopped, training)
            if loss > margin:
                return False
            self._given_up = _allowed(loss, present)
        else:
            self._given_up += alone
        return True

    def end(self, trial_id: str, failed: bool) -> None:
        """Note that a trial has ended.

        The points of a failed trial leave the front. Its learning curve is still learned from.

        Args:
            trial_id: The id of the trial that ended.
            failed: True if the trial failed, so that its reports do not count as results.
        """
        self._training.pop(trial_id, None)
        if failed:
            self._stopped.pop(trial_id, None)
            self._projection.ends.curves.fail(trial_id)
