"""Optuna's multi-objective samplers through Ray's `OptunaSearch`, to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from ray.tune.search.optuna import OptunaSearch

from mobo_core.objectives import ObjectiveSet
from mobo_core.space import ChoiceParameter, Parameter, SearchSpace
from mobo_core.tune.space import as_space

Sampler = Literal["nsga2", "tpe"]


class MultiObjectiveOptuna(OptunaSearch):
    """Ray's `OptunaSearch`, which here counts a trial without finite objectives as failed.

    A trial that was stopped early counts with its last values, as in Optuna's own pruning.

    Args:
        arguments: Positional arguments of `OptunaSearch`.
        options: Keyword arguments of `OptunaSearch`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._last_result: dict[str, dict[str, Any]] = {}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Store a report: Tune passes no result when a paused trial ends."""
        self._last_result[trial_id] = result

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Pass the trial's end on to Optuna, where a trial with NaN would otherwise run forever."""
        result = result or self._last_result.get(trial_id)
        self._last_result.pop(trial_id, None)
        values = [(result or {}).get(name, np.nan) for name in self.metric]
        failed = error or not np.isfinite(values).all()
        super().on_trial_complete(trial_id, None if failed else result, failed)


def optuna_searcher(
    objectives: ObjectiveSet,
    space: Mapping[str, Any] | SearchSpace,
    sampler: Sampler = "nsga2",
    seed: int = 0,
    **options: Any,
) -> MultiObjectiveOptuna:
    """Return a searcher of Optuna for several objectives.

    Args:
        objectives: The metrics that are optimised. These samplers do not use reference values.
        space: A Tune `param_space` or a `SearchSpace`.
        sampler: ``"nsga2"`` (Deb et al. 2002) or ``"tpe"`` (MOTPE, Ozaki et al. 2022).
        seed: The sampler's seed.
        options: Further arguments of the sampler's class in `optuna.samplers`.

    Raises:
        ValueError: If the sampler is unknown.

    Example:
        >>> from ray import tune
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import optuna_searcher
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> space = {"width": tune.randint(16, 129), "rate": tune.loguniform(1e-4, 1e-1)}
        >>> searcher = optuna_searcher(objectives, space, "nsga2", seed=1, population_size=20)
        >>> sorted(searcher.suggest("trial-1"))
        ['rate', 'width']
    """
    samplers = {"nsga2": optuna.samplers.NSGAIISampler, "tpe": optuna.samplers.TPESampler}
    if sampler not in samplers:
        raise ValueError(f"sampler must be one of {', '.join(samplers)}, got {sampler!r}")
    return MultiObjectiveOptuna(
        {p.name: _distribution(p) for p in as_space(space).parameters},
        metric=list(objectives.names),
        mode=[objective.goal for objective in objectives],
        sampler=samplers[sampler](seed=seed, **options),
    )


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, ChoiceParameter):
        return CategoricalDistribution(parameter.values)
    if parameter.integer:
        step = int(parameter.step or 1)
        return IntDistribution(int(parameter.lower), int(parameter.upper), parameter.log, step)
    # Optuna warns if a bound misses a multiple of the step by a rounding error, as 3 × 0.1 does.
    low, high = (float(f"{bound:.12g}") for bound in (parameter.lower, parameter.upper))
    return FloatDistribution(low, high, parameter.log, parameter.step)
