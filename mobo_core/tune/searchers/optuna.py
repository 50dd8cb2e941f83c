"""Optuna's multi-objective samplers as searchers of Tune, to compare with."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mobo_core.extras import needs
from mobo_core.objectives import Objective, ObjectiveSet, as_objective_set
from mobo_core.seeding import checked_seed
from mobo_core.space import SearchSpace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from mobo_core.tune.searchers.optuna_study import OptunaSearcher
    from mobo_core.tune.searchers.starting import Known

Sampler = Literal["nsga2", "tpe"]


def optuna_searcher(
    objectives: ObjectiveSet | Iterable[Objective],
    space: Mapping[str, Any] | SearchSpace | None = None,
    sampler: Sampler = "nsga2",
    seed: int = 0,
    *,
    points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
    known_results: Known | None = None,
    repeats: bool | None = None,
    **options: Any,
) -> OptunaSearcher:
    """Return a searcher of Optuna for several objectives.

    Args:
        objectives: The metrics that are optimised. These samplers do not use reference values.
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        sampler: ``"nsga2"`` (Deb et al. 2002) or ``"tpe"`` (MOTPE, Ozaki et al. 2022).
        seed: The sampler's seed.
        points_to_evaluate: Configurations to suggest first, nested or with flat names. Parameters
            that are missing are chosen by the sampler.
        known_results: Pairs of a configuration and its last report, or a DataFrame or ResultGrid of
            Tune. The sampler learns from them.
        repeats: Whether a configuration may be suggested twice, which happens in spaces without a
            continuous parameter. If not, the search ends when all were suggested or are known. None
            means: only if the Tuner asks for a limited number of trials, not for
            ``num_samples=-1``, and never if its trial failed.
        options: Further arguments of the sampler's class in `optuna.samplers`.

    Raises:
        ValueError: If the sampler, one of its options or the seed cannot be used, or
            `points_to_evaluate` or `known_results` do not fit the space.
        ImportError: If Optuna is not installed.

    Example:
        >>> from ray import tune
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import optuna_searcher
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> space = {"width": tune.randint(16, 129), "rate": tune.loguniform(1e-4, 1e-1)}
        >>> searcher = optuna_searcher(objectives, space, "nsga2", seed=1, population_size=20)
        >>> sorted(searcher.suggest("trial-1"))
        ['rate', 'width']
        >>> known = [({"width": 32, "rate": 1e-2}, {"loss": 0.4, "flops": 2e5})]
        >>> searcher = optuna_searcher(objectives, space, "tpe", known_results=known)
        >>> len(searcher.study.best_trials)
        1
    """
    with needs("optuna", "optuna_searcher"):
        from mobo_core.tune.searchers.optuna_study import OptunaSearcher
    return OptunaSearcher(
        as_objective_set(objectives),
        space,
        sampler=_sampler(sampler, checked_seed(seed), options),
        points_to_evaluate=points_to_evaluate,
        known_results=known_results,
        repeats=repeats,
    )


def _sampler(name: str, seed: int, options: Mapping[str, Any]) -> BaseSampler:
    """Return a sampler of Optuna.

    Raises:
        ValueError: If there is no sampler of the name, or it refuses an option.
    """
    from optuna.samplers import NSGAIISampler, TPESampler

    samplers = {"nsga2": NSGAIISampler, "tpe": TPESampler}
    if name not in samplers:
        raise ValueError(f"sampler must be one of {', '.join(samplers)}, got {name!r}")
    kind = samplers[name]
    known = sorted(set(inspect.signature(kind).parameters) - {"seed"})
    for option in options:
        if option not in known:
            raise ValueError(
                f"sampler {name!r} has no option {option!r}; it has: {', '.join(known)}"
            )
    try:
        sampler: BaseSampler = kind(seed=seed, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sampler {name!r} refuses {dict(options)}: {error}") from error
    return sampler
