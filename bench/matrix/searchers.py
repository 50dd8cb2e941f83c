"""The searchers that a matrix file can name, and their factories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ray.tune.search import Searcher

from bench.matrix.context import TIME_ATTR, Context
from bench.matrix.matrix import Component
from mobo_core.tune import AheadSearcher, RandomSearcher, SobolSearcher, optuna_searcher
from mobo_core.tune.searchers.ax_names import PartialData


def _ax(
    context: Context,
    *,
    initialization_trials: int = 5,
    partial_data: PartialData = "full-fidelity",
    optimizer_options: Mapping[str, Any] | None = None,
    ahead: int = 0,
) -> Searcher:
    """AxSearcher: Sobol points first, then multi-objective Bayesian optimisation (qLogNEHVI)."""
    from mobo_core.tune import AxSearcher  # this import takes seconds: only where Ax is used

    searcher = AxSearcher(
        context.objectives,
        context.space,
        seed=context.seed,
        initialization_trials=initialization_trials,
        time_attr=TIME_ATTR,
        max_t=context.max_t,
        partial_data=partial_data,
        optimizer_options=optimizer_options,
    )
    if ahead == 0:
        return searcher
    return AheadSearcher(searcher, ahead=ahead, limit=context.trials, background=context.real_time)


def suggests_ahead(component: Component) -> bool:
    """Return whether a searcher of the catalogue makes its suggestions in the background."""
    return bool(component.params.get("ahead"))


def _sobol(context: Context) -> Searcher:
    """SobolSearcher: scrambled Sobol points, which fill the space evenly."""
    return SobolSearcher(context.space, seed=context.seed)


def _random(context: Context) -> Searcher:
    """RandomSearcher: independent draws from the space."""
    return RandomSearcher(context.space, seed=context.seed)


def _optuna_nsga2(context: Context, *, population_size: int = 10) -> Searcher:
    """optuna_searcher(…, "nsga2"): the evolutionary algorithm NSGA-II of Optuna."""
    return optuna_searcher(
        context.objectives, context.space, "nsga2", context.seed, population_size=population_size
    )


def _optuna_tpe(context: Context, *, initialization_trials: int = 10) -> Searcher:
    """optuna_searcher(…, "tpe"): the multi-objective tree Parzen estimator of Optuna."""
    return optuna_searcher(
        context.objectives,
        context.space,
        "tpe",
        context.seed,
        n_startup_trials=initialization_trials,
    )


SEARCHERS: Mapping[str, Callable[..., Searcher]] = {
    "ax": _ax,
    "optuna-nsga2": _optuna_nsga2,
    "optuna-tpe": _optuna_tpe,
    "random": _random,
    "sobol": _sobol,
}
