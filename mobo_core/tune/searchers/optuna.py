"""Optuna's multi-objective samplers through Ray's `OptunaSearch`: searchers to compare with."""

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
    """`OptunaSearch` that counts a trial without finite objectives as failed.

    A trial that was stopped early counts with its last values, as in Optuna's own pruning.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._last_result: dict[str, dict[str, Any]] = {}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Remember a report: Tune does not tell how a trial ends that is ended while paused."""
        self._last_result[trial_id] = result

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Passed on; Optuna would keep a trial that reported NaN as running for ever."""
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
    """A searcher of Optuna's for several objectives.

    Args:
        objectives: What is optimised; reference values play no part in these samplers.
        space: Tune `param_space` or `SearchSpace`.
        sampler: ``"nsga2"`` (Deb et al. 2002) or ``"tpe"`` (MOTPE, Ozaki et al. 2022).
        seed: Of the sampler.
        options: Further arguments of the sampler's class in `optuna.samplers`.

    Raises:
        ValueError: If the sampler is unknown.
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
    # Optuna warns of bounds that miss a multiple of the step by a rounding error, as 3 × 0.1 does.
    low, high = (float(f"{bound:.12g}") for bound in (parameter.lower, parameter.upper))
    return FloatDistribution(low, high, parameter.log, parameter.step)
