"""Ray's own single-objective schedulers on a scalarised metric: the baselines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.pareto.scalarization import Kind, Scalarization, simplex_weights

SCALAR = "scalarized"
"""Key under which the wrapped scheduler finds the metric."""
BY_TRIAL_ID = (AsyncHyperBandScheduler,)
"""Ray's schedulers that keep what they learn by the ids of trials."""


class ScalarizedScheduler(TrialScheduler):
    """Shows a single-objective scheduler of Ray a scalarised metric, to be minimised.

    The global random states, which some of Ray's schedulers draw from, are lent to it seeded and
    put back after each call.

    Args:
        scheduler: One of Ray's, without metric and mode.
        objectives: Every one with an `ideal`.
        kind: See `mobo_core.pareto.scalarization.Scalarization`.
        random_weights: Weights drawn for each trial from the simplex; otherwise all alike.
        seed: Of the weights and of the scheduler's random states.

    Raises:
        ValueError: As `Scalarization`, or if the scheduler has a metric already.
    """

    def __init__(
        self,
        scheduler: TrialScheduler,
        objectives: ObjectiveSet,
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
        self._objectives = objectives
        self._scalarize = Scalarization(objectives, kind)
        self._random_weights = random_weights
        self._seed = seed
        self._weights: dict[str, Points] = {}
        self._ended: set[str] = set()
        self._states: tuple[Any, Any] | None = None

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept whatever the Tuner has; the objectives are given."""
        return True

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Give the trial its weights."""
        m, index = len(self._objectives), len(self._weights)
        self._ended.discard(trial.trial_id)  # it is tried again
        if trial.trial_id not in self._weights:
            self._weights[trial.trial_id] = (
                simplex_weights(m, self._seed, index) if self._random_weights else np.full(m, 1 / m)
            )
        with self._own_randomness():
            self._scheduler.on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Passed on with the scalar; a report that is not finite ends the trial."""
        scored = self._scored(trial, result)
        if not np.isfinite(scored[SCALAR]):
            self._ended.add(trial.trial_id)
            with self._own_randomness():
                self._scheduler.on_trial_remove(tune_controller, trial)
            return str(TrialScheduler.STOP)
        with self._own_randomness():
            decision: str = self._scheduler.on_trial_result(tune_controller, trial, scored)
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Passed on with the scalar."""
        if trial.trial_id in self._ended:
            return
        scored = self._scored(trial, result)
        with self._own_randomness():
            self._scheduler.on_trial_complete(tune_controller, trial, scored)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Passed on."""
        with self._own_randomness():
            self._scheduler.on_trial_error(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Passed on."""
        with self._own_randomness():
            self._scheduler.on_trial_remove(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Passed on."""
        with self._own_randomness():
            return self._scheduler.choose_trial_to_run(tune_controller)

    def get_state(self) -> dict[str, Any]:
        """What `SchedulerState` saves: the weights, and Ray's scheduler as it stands.

        Raises:
            ValueError: If that knows its trials by their objects, which are others after a restore:
                Ray's median stopping, HyperBand and population-based schedulers do.
        """
        if not isinstance(self._scheduler, BY_TRIAL_ID):
            raise ValueError(
                f"Ray's {type(self._scheduler).__name__} cannot go on after a restore: it knows "
                "trials by objects that are then others. Leave SchedulerState out, or take "
                "AsyncHyperBandScheduler or a scheduler of mobo_core.tune"
            )
        return {
            "_scheduler": self._scheduler,
            "_weights": self._weights,
            "_ended": self._ended,
            "_states": self._states,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from `get_state`."""
        self.__dict__.update(state)

    def debug_string(self) -> str:
        """The wrapped scheduler's."""
        text: str = self._scheduler.debug_string()
        return text

    def _scored(self, trial: Trial, result: dict[str, Any]) -> dict[str, Any]:
        point = self._objectives.to_point(result)
        return {**result, SCALAR: self._scalarize(point, self._weights[trial.trial_id])}

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


# Python's and NumPy's global generators, which Ray's own schedulers draw from.


def _get_states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002


def _set_states(states: tuple[Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
