"""Hypervolume promotion: train on what is expected to add most hypervolume per epoch.

Successive halving ranks points; here a trial is worth what its *finished* curve is expected to
add to the hypervolume. The whole algorithm, for reimplementation:

1. **Distance.** A learned objective f has an ideal value f* (1 for accuracy, 0 for a loss); its
   distance is d(t) = f(t) − f*, minimised. Without a given ideal it lies as far beyond the best
   value seen in this run as the worst one, or the reference if that is nearer, lies behind it.
   A distance is at least 10⁻¹² of the range so bounded. Exactly known objectives (parameters,
   FLOPs) keep their value.
2. **Exponents.** Curves are read as power laws, d ∝ t^−α. How trials j that reported at t went on
   from there to their last report t_j gives exponents α_j(t) = −ln(d_j(t_j)/d_j(t)) / ln(t_j/t).
   A Bayesian linear regression on them, for each objective its own, predicts α for a trial at t
   from what it has shown so far, its exponent from its first report to t, and from its
   configuration: `mobo_core.rules.exponents`, `mobo_core.rules.curves.Features`. Failed trials are
   learned from too; of more than 200, the last to have begun. A curve that was at its ideal at t
   tells nothing.
   Trials are compared at equal t, so budgets must be counted in steps that all trials share.
3. **Scenarios.** A trial at t may end at R with d(t)·(t/R)^α, α the quantiles of the prediction at
   K = 5 levels, the midpoints of equal parts of (0, 1); all learned objectives take the same level,
   as they improve together.
4. **Gain.** Its expected gain is the mean over the scenarios of the hypervolume the scenario adds
   to what is there: the last points of all trials, and the median scenario of the trials that
   are training now, so that two alike are not both advanced for the same gain.
5. **Choice.** Every new trial trains for the grace period and pauses. A free slot goes to the
   paused trial with the largest gain per remaining epoch, gain / (R − t), if that exceeds
   `margin` × the present hypervolume / R; or to a new trial, if there are any, whose rate is
   taken for the mean of what the latest ten gained when they first paused, over R (the first ten
   are never outranked). When no gain is worth it and no new trial comes, the rest is ended; but
   as long as nothing has come inside the reference point, the trial whose best scenario falls
   least short of it goes on. A resumed trial is judged again after each report and keeps its
   slot while no other is better.

An expectation weighs a small chance of a large gain; a single quantile, with which this rule
began, lost such trials for good at the same saving. A margin that asked the same of a trial's last
epoch as of its second ended members of the front one epoch before their end. Since trials pause,
no decision is final before the end.

`ProjectedStoppingRule` takes the same measure as a one-way decision, for trainables that cannot
pause.

Source: this project. Related: expected hypervolume improvement (Emmerich et al. 2006,
doi:10.1109/TEVC.2005.859463), power laws of learning curves (Domhan et al. 2015; Viering & Loog
2023, doi:10.1109/TPAMI.2022.3220744), freeze-thaw optimisation (Swersky et al. 2014,
arXiv:1406.3896).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.dominance import front_mask
from mobo_core.pareto.indicators import hypervolume, hypervolume_gains
from mobo_core.rules.curves import Curves, Features
from mobo_core.rules.exponents import particular, predicted_exponents
from mobo_core.rules.rule import Decision

MARGIN = 0.003
"""A share of the present hypervolume for a whole budget, chosen as `mobo_core.rules.exponents`."""
LEVELS = (np.arange(5) + 0.5) / 5
"""Of the scenarios."""
NEWCOMERS = 10
"""How many of the latest new trials tell what the next may gain; before, new trials come first."""
LATEST = 200
"""Of the trials that went on from a budget, as many are learned from: bounds what it costs."""
TINY = 1e-12
"""Smallest distance to the ideal, as a share of the range: keeps logarithms finite."""


@dataclass(frozen=True)
class ProjectionSettings:
    """What hypervolume promotion and projected stopping share.

    Args:
        objectives: With reference values; `exact` ones are not projected, and `ideal` bounds the
            learned ones.
        max_t: R, the full budget of a trial.
        grace_period: Budget every trial is given, ≥ 1.
        margin: Smallest expected gain worth a whole budget R, as a share of the present
            hypervolume, ≥ 0; what is left of a trial must be worth its part. Larger saves more
            and loses more.

    Raises:
        ValueError: If a value is out of range.
    """

    objectives: ObjectiveSet
    max_t: float
    grace_period: float = 1
    margin: float = MARGIN

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_t) and self.max_t >= self.grace_period >= 1):
            raise ValueError(
                f"need 1 ≤ grace_period ≤ max_t, got {self.grace_period} and {self.max_t}"
            )
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise ValueError(f"margin must be finite and not negative, got {self.margin}")


class Projection:
    """Where the trials of a run may end; steps 1 to 4 of the module's text."""

    def __init__(self, settings: ProjectionSettings) -> None:
        objectives = settings.objectives
        self._settings = settings
        self._reference = objectives.reference_point
        self._ideal = objectives.ideal_point
        self._learned = np.array([not objective.exact for objective in objectives])
        self.curves = Curves(len(objectives))
        self.features = Features()

    def ends(self, trial_ids: Sequence[str], levels: Points) -> Points:
        """(n, K, m) projected ends of n trials at K quantile levels of the exponents."""
        ends = np.empty((len(trial_ids), len(levels), len(self._reference)))
        if not trial_ids:
            return ends
        best, far = self._range()
        ideal = np.where(np.isnan(self._ideal), 2 * best - far, self._ideal)
        floor = TINY * np.maximum(far - ideal, TINY)
        rows = self.curves.rows(trial_ids)
        now, budgets = self.curves.last_points(rows), self.curves.last_t(rows)
        ends[:] = now[:, None]

        def exponents(before: Points, after: Points, lengths: Points) -> Points:
            logs = [np.log(np.maximum(points - ideal, floor)) for points in (before, after)]
            with np.errstate(divide="ignore", invalid="ignore"):  # of a span of length 0
                shown: Points = (logs[0] - logs[1]) / lengths[:, None]
            return shown

        def so_far(of: NDArray[np.intp], t: float, points: Points) -> Points:
            lengths = np.log(t / self.curves.first_t(of))
            return particular(exponents(self.curves.first_points(of), points, lengths), lengths)

        for t in np.unique(budgets[budgets < self._settings.max_t]):
            at = np.flatnonzero(budgets == t)
            left = self._settings.max_t / t
            spans = self.curves.spans(t, LATEST)
            lengths = np.log(spans.budgets / t)
            shown = exponents(spans.starts, spans.ends, lengths)
            shown[spans.starts - ideal <= floor] = np.nan  # at the ideal: it can only be left
            features = self.features.of(self.curves.trial_ids(np.append(spans.rows, rows[at])))
            known = (
                so_far(spans.rows, t, spans.starts),
                features[: len(spans.rows)],
                shown,
                lengths,
            )
            asked = so_far(rows[at], t, now[at]), features[len(spans.rows) :]
            predicted = predicted_exponents(known, asked, np.log(left), levels)
            projected = ideal + (now[at] - ideal)[:, None] * left**-predicted
            ends[at] = np.where(self._learned, projected, now[at, None])
        return ends

    def _range(self) -> tuple[Points, Points]:
        """(m,) best and (m,) worst values seen; a diverged trial must not stretch it."""
        best, worst = self.curves.extremes()
        return best, np.where(best < self._reference, np.minimum(worst, self._reference), worst)

    def gains(self, trial_ids: Sequence[str], training: Sequence[str]) -> Points:
        """(n,) expected hypervolume gains of n trials.

        Args:
            trial_ids: That have reported.
            training: Trials that train now; they count with their median end.
        """
        points = self.curves.standing()
        if training:
            medians = self.ends(training, np.array([0.5]))[:, 0]
            points = np.vstack([points, medians])
        front = points[front_mask(points, self._reference)]
        ends = self.ends(trial_ids, LEVELS)
        gains = hypervolume_gains(ends.reshape(-1, ends.shape[-1]), front, self._reference)
        expected: Points = gains.reshape(ends.shape[:2]).mean(axis=1)
        return expected

    def hypervolume(self) -> float:
        """Present hypervolume: of the last points of all trials."""
        return hypervolume(self.curves.standing(), self._reference)

    def shortfalls(self, trial_ids: Sequence[str]) -> Points:
        """(n,) how far the best scenario's end falls short of the reference point.

        The largest over the objectives, each as a share of the range seen; tells trials apart
        that gain nothing because nothing has come inside the reference point yet.
        """
        best, far = self._range()
        ends = self.ends(trial_ids, LEVELS[-1:])[:, 0]
        shares = (ends - self._reference) / np.where(far > best, far - best, 1.0)
        shortfalls: Points = np.maximum(shares, 0).max(axis=1)
        return shortfalls


class _ProjectingRule:
    """What both rules do with a report before they judge it."""

    def __init__(self, settings: ProjectionSettings) -> None:
        self._settings = settings
        self._projection = Projection(settings)
        self._training: dict[str, None] = {}  # dicts keep their order: ties must repeat

    def add(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Remember the configuration."""
        self._projection.features.add(trial_id, config)

    def _record(self, trial_id: str, t: float, point: Points) -> Decision:
        """CONTINUE leaves the trial to be judged."""
        self._training.pop(trial_id, None)
        if not np.isfinite(point).all():
            self._projection.curves.fail(trial_id)
            return Decision.STOP
        self._projection.curves.add(trial_id, t, point)
        return Decision.COMPLETE if t >= self._settings.max_t else Decision.CONTINUE


class HypervolumePromotionRule(_ProjectingRule):
    """See the module's text and `mobo_core.rules.rule.PromotionRule`.

    Cost of a decision: a regression on at most `LATEST` curves for each budget at which a trial
    waits, and O(n·K·k) for n paused trials and a front of k points in two objectives, one
    hypervolume of k points per scenario that adds anything in more.
    """

    def __init__(self, settings: ProjectionSettings) -> None:
        super().__init__(settings)
        self._paused: dict[str, None] = {}
        self._judged: set[str] = set()
        self._first_gains: list[float] = []
        self._choices: dict[bool, str | None] = {}

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """See `StoppingRule.report`."""
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
        """The largest expected gain per remaining epoch, new trials included."""
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
        """What a new trial may be expected to gain per epoch: what the latest ones did."""
        if len(self._first_gains) < NEWCOMERS:
            return np.inf
        return float(np.mean(self._first_gains[-NEWCOMERS:])) / self._settings.max_t

    def projected_ends(self, trial_ids: Sequence[str], level: float) -> Points:
        """(n, m) projected ends of n trials at one quantile level of the exponents."""
        return self._projection.ends(trial_ids, np.array([level]))[:, 0]

    def resume(self, trial_id: str) -> None:
        """See `PromotionRule.resume`."""
        del self._paused[trial_id]
        self._training[trial_id] = None
        self._choices = {}

    def withdraw(self, trial_id: str) -> None:
        """See `PromotionRule.withdraw`."""
        self._paused.pop(trial_id, None)
        self._training.pop(trial_id, None)
        self._choices = {}

    def end(self, trial_id: str, failed: bool) -> None:
        """A failed trial's points leave the front; how its curve went stays known."""
        self.withdraw(trial_id)
        if failed:
            self._projection.curves.fail(trial_id)

    def is_paused(self, trial_id: str) -> bool:
        """See `PromotionRule.is_paused`."""
        return trial_id in self._paused


class ProjectedStoppingRule(_ProjectingRule):
    """Stops a trial whose expected gain is not worth it; see the module's text.

    Judged at every report from the grace period on, against the last points of the other trials
    and the median ends of those that still train.
    """

    def report(self, trial_id: str, t: float, point: Points) -> Decision:
        """See `StoppingRule.report`."""
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
        """A failed trial's points leave the front; how its curve went stays known."""
        self._training.pop(trial_id, None)
        if failed:
            self._projection.curves.fail(trial_id)
