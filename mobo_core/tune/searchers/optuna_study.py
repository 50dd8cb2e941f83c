"""A Tune searcher over an Optuna study with several objectives.

Optuna gets a study's parameters one by one (define-by-run), so a parameter of a conditional space
is asked for only where it exists.
"""

from __future__ import annotations

import pickle
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import Trial, TrialState
from ray import cloudpickle
from ray.tune.search import Searcher

from mobo_core.objectives import ObjectiveSet
from mobo_core.space import ChoiceParameter, Parameter, SearchSpace
from mobo_core.tune.searchers.repeats import Repeats, new_configuration
from mobo_core.tune.searchers.starting import Known, read_start
from mobo_core.tune.space import TuneSpace, has_domain, tune_space

PROPOSALS = 10
"""The number of configurations that the sampler proposes before another one is drawn."""


class OptunaSearcher(Searcher):
    """A searcher that asks an Optuna study for configurations; `optuna_searcher` makes one.

    A trial that was stopped early counts with its last values, as in Optuna's own pruning. A trial
    that raised an error, or has no finite value of an objective, counts as failed. If the sampler
    proposes what must not be suggested, the study gets a failed trial for it.

    Args:
        objectives: The metrics that are optimised.
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        sampler: A sampler of Optuna for several objectives.
        points_to_evaluate: Configurations to suggest first.
        known_results: Results that become trials of the study, in the forms of `read_start`.
        repeats: Whether a configuration may be suggested twice; see `optuna_searcher`.

    Raises:
        ValueError: If `points_to_evaluate` or `known_results` do not fit the space.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        space: Mapping[str, Any] | SearchSpace | None = None,
        *,
        sampler: BaseSampler,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        known_results: Known | None = None,
        repeats: bool | None = None,
    ) -> None:
        super().__init__()
        self._objectives = objectives
        self._given = (points_to_evaluate, known_results)
        self._points = 0
        self._repeats = Repeats(repeats)
        self._trials: dict[str, _Asked] = {}
        self._last_result: dict[str, dict[str, Any]] = {}
        self._study = optuna.create_study(
            study_name="optuna",
            sampler=sampler,
            pruner=optuna.pruners.NopPruner(),
            directions=["minimize" if o.goal == "min" else "maximize" for o in objectives],
        )
        self._space: TuneSpace | None = None
        if space is not None:
            self._begin(tune_space(space))

    @property
    def study(self) -> Study:
        """The Optuna study with all trials, for example for its plots."""
        return self._study

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Use the Tuner's `param_space`; return False, an error in Tune, if a space is set."""
        self._repeats.unlimited = spec.get("num_samples") == -1
        if self._space is None:
            self._begin(tune_space(config, constants=False))
            return True
        return not has_domain(config)

    def suggest(  # type: ignore[override]  # Ray's annotation lacks FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str:
        """Return the next configuration, or ``Searcher.FINISHED`` when the space is used up."""
        if self._space is None:
            raise ValueError("no search space: pass `space` here or `param_space` to the Tuner")
        space = self._space.space
        asked = self._ask(space) if self._points else self._ask_new(space)
        if asked is None:
            return str(Searcher.FINISHED)
        self._points = max(self._points - 1, 0)
        self._repeats.seen.add(asked.key)
        self._trials[trial_id] = asked
        return self._space.configuration(asked.values)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Store a report: the last one may lack an objective, and a paused trial ends without."""
        if not self._objectives.missing(result):
            self._last_result[trial_id] = result

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the study how a trial ended; the second of two calls for a trial does nothing."""
        known = self._last_result.pop(trial_id, None)
        if not result or self._objectives.missing(result):
            result = known
        asked = self._trials.pop(trial_id, None)
        if asked is not None:
            self._tell(asked, None if error else result)

    def save(self, checkpoint_path: str) -> None:
        """Write the searcher's state, including the study and the sampler's random state."""
        # Choices may be functions of the main program, which pickle cannot store.
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(vars(self)))

    def restore(self, checkpoint_path: str) -> None:
        """Continue from a file that `save` wrote. Load only files that you trust."""
        state = pickle.loads(Path(checkpoint_path).read_bytes())  # noqa: S301 - Tune's own format
        vars(self).update(state)

    def _begin(self, space: TuneSpace) -> None:
        start = read_start(space, *self._given, self._objectives.names)
        self._space, self._given = space, (None, None)
        # Through the sampler, which counts only trials that it has made itself (NSGA-II does).
        for known in start.known:
            asked = self._ask_for(space.space, known.values)
            self._repeats.seen.add(asked.key)
            self._tell(asked, known.metrics)
        for point in start.points:
            self._study.enqueue_trial(_encoded(space.space, point))
        self._points = len(start.points)

    def _ask_new(self, space: SearchSpace) -> _Asked | None:
        """Start a trial of a configuration that may be suggested; return None if there is none."""
        avoided = self._repeats.avoided
        if len(avoided) >= space.cardinality:
            return None
        for _ in range(PROPOSALS):
            asked = self._ask(space)
            if asked.key not in avoided:
                return asked
            self._study.tell(asked.trial, state=TrialState.FAIL)
        rng = np.random.default_rng(asked.trial.number)
        values = new_configuration(space, avoided, lambda: rng.random(len(space)))
        return None if values is None else self._ask_for(space, values)

    def _ask_for(self, space: SearchSpace, values: Mapping[str, Any]) -> _Asked:
        """Start a trial of a complete configuration."""
        self._study.enqueue_trial(_encoded(space, values))
        return self._ask(space)

    def _ask(self, space: SearchSpace) -> _Asked:
        trial = self._study.ask()
        # Reading this calls the sampler. NSGA-II would leave a trial without it out of every
        # generation, and learn nothing from points and results that somebody gave in full.
        _ = trial.relative_params
        values: dict[str, Any] = {}
        for parameter in space.parameters:
            if space.exists(parameter, values):
                values[parameter.name] = _decoded(parameter, _sampled(trial, parameter))
        return _Asked(trial, values, space.key(values))

    def _tell(self, asked: _Asked, result: Mapping[str, Any] | None) -> None:
        """Complete a trial, or mark it as failed: with a NaN it would otherwise run for ever."""
        values = None if result is None else _finite_values(self._objectives, result)
        if values is not None:
            self._study.tell(asked.trial, values)
            return
        self._study.tell(asked.trial, state=TrialState.FAIL)
        if not self._repeats.allowed:
            self._repeats.never.add(asked.key)


class _Asked(NamedTuple):
    trial: Trial
    values: dict[str, Any]
    key: Hashable


def _distribution(parameter: Parameter) -> BaseDistribution:
    """Return a parameter as a distribution of Optuna, which may need other values.

    Values of a choice that Optuna cannot store are replaced by their labels. A quantised
    logarithmic range, which Optuna lacks, becomes a range of multiples of its step: a value that
    is spread evenly on a logarithmic scale has such a multiple, too.
    """
    if isinstance(parameter, ChoiceParameter):
        return CategoricalDistribution(parameter.values if parameter.plain else parameter.labels)
    if parameter.log and parameter.step is not None:
        first, last = (round(b / parameter.step) for b in (parameter.lower, parameter.upper))
        return IntDistribution(first, last, log=True)
    if parameter.integer:
        step = int(parameter.step or 1)
        return IntDistribution(int(parameter.lower), int(parameter.upper), parameter.log, step)
    low, high = float(parameter.lower), float(parameter.upper)
    if parameter.step is not None:
        # Optuna warns if a bound misses a multiple of the step by a rounding error (3 × 0.1 does).
        low, high = (float(f"{bound:.12g}") for bound in (low, high))
    return FloatDistribution(low, high, parameter.log, parameter.step)


def _sampled(trial: Trial, parameter: Parameter) -> Any:
    shape = _distribution(parameter)
    name = parameter.name
    if isinstance(shape, CategoricalDistribution):
        return trial.suggest_categorical(name, shape.choices)
    if isinstance(shape, IntDistribution):
        return trial.suggest_int(name, shape.low, shape.high, step=shape.step, log=shape.log)
    assert isinstance(shape, FloatDistribution)
    return trial.suggest_float(name, shape.low, shape.high, step=shape.step, log=shape.log)


def _decoded(parameter: Parameter, value: Any) -> Any:
    """Return a parameter's value that a value of its distribution stands for."""
    if isinstance(parameter, ChoiceParameter):
        if parameter.plain:
            return parameter.checked(value)
        return parameter.at(parameter.labels.index(value))
    if parameter.log and parameter.step is not None:
        return parameter.at(value - round(parameter.lower / parameter.step))
    return parameter.checked(value)


def _encoded(space: SearchSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat values as values of the distributions."""
    return {name: _encode(space[name], value) for name, value in values.items()}


def _encode(parameter: Parameter, value: Any) -> Any:
    if isinstance(parameter, ChoiceParameter):
        return value if parameter.plain else parameter.labels[parameter.index(value)]
    if parameter.log and parameter.step is not None:
        return round(value / parameter.step)
    shape = _distribution(parameter)
    assert isinstance(shape, IntDistribution | FloatDistribution)
    return min(max(value, shape.low), shape.high)


def _finite_values(objectives: ObjectiveSet, result: Mapping[str, Any]) -> list[float] | None:
    """Return the objectives' values in a report, or None if one is missing or not finite."""
    try:
        point = objectives.to_point(result)
    except ValueError:
        return None
    if not np.isfinite(point).all():
        return None
    values: list[float] = objectives.to_metrics(point).tolist()
    return values
