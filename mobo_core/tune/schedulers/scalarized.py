"""Ray's single-objective schedulers on a scalarised metric, to compare with."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from mobo_core.objectives import Objective, ObjectiveSet, Points, as_objective_set
from mobo_core.pareto.scalarization import Kind, Scalarization, simplex_weights
from mobo_core.rules.rule import Decision
from mobo_core.seeding import checked_seed
from mobo_core.tune import compat
from mobo_core.tune.compat import time_attr_of
from mobo_core.tune.schedulers.experiment import OneExperiment
from mobo_core.tune.schedulers.hyperband import HyperBand
from mobo_core.tune.schedulers.reports import Report, ReportReader

SCALAR = "scalarized"
"""The key of the scalarised metric in the reports that the wrapped scheduler receives."""
BY_TRIAL_ID = (AsyncHyperBandScheduler,)
"""Ray's schedulers that store what they learn under the ids of trials."""
DRAWS_WHEN_ADDED = {AsyncHyperBandScheduler, HyperBandScheduler, MedianStoppingRule, HyperBand}
"""The classes that draw nothing at random, or only when a trial is added.

Others may draw at any time. Setting the random states takes longer than most decisions, so it is
left out where nothing is drawn.
"""


class ScalarizedScheduler(TrialScheduler):
    """A single-objective scheduler of Ray on a scalarised metric, which is minimised.

    Some of Ray's schedulers draw from the global random states of Python and NumPy. Around each
    call this scheduler sets these states from its own seed and restores them afterwards.

    With `random_weights` each trial keeps the weights that are drawn for it. Ray's schedulers then
    compare numbers of different trials that were computed under different weights. Of two trials
    with the same objectives one may so be stopped and the other not. New weights for each decision
    are not possible here, because Ray's schedulers record one number for a report, and not the
    objectives. `StoppingMOASHA` with ``ranking="chebyshev"`` compares all
    trials of a rung under the same, equal weights.

    A report that lacks an objective or the scheduler's ``time_attr`` is not passed on, and a bad
    report fails its own trial only; see `mobo_core.tune.schedulers.reports`.

    Args:
        scheduler: A scheduler of Ray, without metric and mode.
        objectives: The metrics that are optimised. Each needs an `ideal` value.
        kind: How the objectives become one number: ``"linear"`` for their weighted sum, or
            ``"chebyshev"`` for the augmented largest weighted distance from the ideal; see
            `mobo_core.pareto.scalarization.Scalarization`.
        random_weights: Whether each trial gets random weights of its own, drawn from the simplex
            once. Otherwise all weights are equal.
        seed: The seed of the weights and of the scheduler's random states.

    Raises:
        ValueError: If an objective has no `ideal`, the scheduler already has a metric, or the seed
            is out of range.

    Example:
        >>> from ray.tune.schedulers import ASHAScheduler
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import ScalarizedScheduler
        >>> objectives = ObjectiveSet(
        ...     [Objective("loss", "min", 1, ideal=0), Objective("flops", "min", 1e6, ideal=0)]
        ... )
        >>> asha = ASHAScheduler(time_attr="epoch", max_t=8, grace_period=1)
        >>> scheduler = ScalarizedScheduler(asha, objectives, random_weights=True, seed=1)
    """

    def __init__(
        self,
        scheduler: TrialScheduler,
        objectives: ObjectiveSet | Iterable[Objective],
        *,
        kind: Kind = "chebyshev",
        random_weights: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not scheduler.set_search_properties(SCALAR, "min"):
            raise ValueError("give the wrapped scheduler no metric and no mode")
        self._scheduler = scheduler
        self._supports_buffered_results = False
        objectives = as_objective_set(objectives)
        self._m = len(objectives)
        self._time_attr = time_attr_of(scheduler)
        self._reports = ReportReader(objectives, self._time_attr)
        self._scalarize = Scalarization(objectives, kind)
        self._random_weights = random_weights
        self._seed = checked_seed(seed)
        self._weights: dict[str, Points] = {}
        self._ended: set[str] = set()
        self._states: tuple[Any, Any] | None = None
        self._experiment = OneExperiment()

    @property
    def inner(self) -> TrialScheduler:
        """The single-objective scheduler that receives the scalarised value."""
        return self._scheduler

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept the Tuner's settings and ignore them: the scheduler has its own objectives."""
        return True

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Give the trial its weights and pass it on to Ray's scheduler.

        A trial that has ended, as restored trials may have, is not passed on.

        Raises:
            ValueError: If this scheduler was used in another experiment, or the trainable cannot be
                used with ``reuse_actors``.
        """
        self._experiment.join(self, tune_controller, trial)
        m, index = self._m, len(self._weights)
        self._reports.start(trial.trial_id)
        self._ended.discard(trial.trial_id)  # the trial is retried
        if trial.trial_id not in self._weights:
            self._weights[trial.trial_id] = (
                simplex_weights(m, self._seed, index) if self._random_weights else np.full(m, 1 / m)
            )
        if trial.is_finished():
            return
        with self._own_randomness():
            self._scheduler.on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Return the decision on the scalarised report; stop the trial if it is not finite."""
        report = self._reports.read(trial.trial_id, result)
        if isinstance(report, Decision):
            goes_on = report is Decision.CONTINUE
            return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)
        scored = self._scored(trial, report, result)
        if not np.isfinite(scored[SCALAR]):
            self._ended.add(trial.trial_id)
            with self._randomness_later():
                self._scheduler.on_trial_remove(tune_controller, trial)
            return str(TrialScheduler.STOP)
        with self._randomness_later():
            decision: str = self._scheduler.on_trial_result(tune_controller, trial, scored)
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Pass a trial's last report on, with the scalarised metric if it has all objectives.

        Raises:
            ReportError: If the trial fails because of what it has reported, or never has. Tune then
                treats it as a failed trial.
        """
        if trial.trial_id in self._ended:
            return
        report = self._reports.end(trial, result)
        scored = result if report is None else self._scored(trial, report, result)
        with self._randomness_later():
            self._scheduler.on_trial_complete(tune_controller, trial, scored)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Pass a trial's failure on to Ray's scheduler."""
        self._reports.ended(trial)
        with self._randomness_later():
            self._scheduler.on_trial_error(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Pass a trial's removal on to Ray's scheduler."""
        compat.end_pause(tune_controller, trial)
        with self._randomness_later():
            self._scheduler.on_trial_remove(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the trial that Ray's scheduler chooses.

        Raises:
            RuntimeError: If nothing has run for too long, and nothing can start.
        """
        with self._randomness_later():
            chosen = self._scheduler.choose_trial_to_run(tune_controller)
        return self._experiment.watch(tune_controller, chosen)

    def get_state(self) -> dict[str, Any]:
        """Return the weights and Ray's scheduler, for `SchedulerState` to pickle.

        Raises:
            ValueError: If Ray's scheduler refers to trials by their objects, which a restore
                replaces. Its median stopping, HyperBand and population-based schedulers do so.
        """
        if not isinstance(self._scheduler, BY_TRIAL_ID):
            raise ValueError(
                f"Ray's {type(self._scheduler).__name__} cannot continue after a restore, because "
                "it refers to trials by their objects, which a restore replaces. Leave "
                "SchedulerState out, or use AsyncHyperBandScheduler or a scheduler of "
                "mobo_core.tune"
            )
        return {
            "_scheduler": self._scheduler,
            "_weights": self._weights,
            "_reports": self._reports,
            "_ended": self._ended,
            "_states": self._states,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""
        self.__dict__.update(state)

    def debug_string(self) -> str:
        """Return the wrapped scheduler's line for Tune's status output."""
        text: str = self._scheduler.debug_string()
        return text

    def _scored(self, trial: Trial, report: Report, result: dict[str, Any]) -> dict[str, Any]:
        """Return the report with the scalarised metric, and with its budget as a plain number."""
        value = self._scalarize(report.point, self._weights[trial.trial_id])
        budget = {} if self._time_attr is None else {self._time_attr: report.t}
        return {**result, **budget, SCALAR: value}

    def _randomness_later(self) -> AbstractContextManager[None]:
        """Return the context for calls other than `on_trial_add`."""
        if type(self._scheduler) in DRAWS_WHEN_ADDED:
            return nullcontext()
        return self._own_randomness()

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        outer = _get_states()
        if self._states is None:
            fresh = np.random.RandomState(self._seed).get_state()
            self._states = random.Random(self._seed).getstate(), fresh  # noqa: S311
        _set_states(self._states)
        try:
            yield
        finally:
            self._states = _get_states()
            _set_states(outer)


# Ray's schedulers draw from the global random generators of Python and NumPy.


def _get_states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002


def _set_states(states: tuple[Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
