"""DeepHyper's centralised Bayesian optimisation as a searcher.

Source: https://github.com/deephyper/deephyper, `CBO` of version 0.13.
"""

from __future__ import annotations

import tempfile
from typing import Any, Literal

import numpy as np
from deephyper.hpo import CBO, HpProblem
from ray.tune.search import Searcher

from bench.rivals.config_space import from_config, to_config_space
from bench.rivals.global_random import GlobalRandom
from mobo_core.objectives import ObjectiveSet
from mobo_core.space import SearchSpace

Scalarization = Literal["Linear", "Chebyshev", "PBI"]


class CBOSearcher(Searcher):
    """A searcher that asks DeepHyper's `CBO` for configurations, one at a time.

    A trial that was stopped early counts with its last values. One that failed, or whose last
    values are not finite, is not reported to DeepHyper.

    Args:
        objectives: The objectives.
        space: The search space.
        seed: The seed of all draws.
        scalarization: How DeepHyper makes one objective of several.
        kappa: κ of the upper confidence bound; larger values explore more.
        initialization_trials: The number of random configurations before the model is used.
        acq_optimizer: How the acquisition function is optimised. DeepHyper's own default,
            ``"mixedga"``, takes seconds for each suggestion.

    Raises:
        ValueError: If DeepHyper refuses a setting.
    """

    def __init__(
        self,
        objectives: ObjectiveSet,
        space: SearchSpace,
        seed: int = 0,
        *,
        scalarization: Scalarization = "Chebyshev",
        kappa: float = 1.96,
        initialization_trials: int = 10,
        acq_optimizer: str = "sampling",
    ) -> None:
        super().__init__()
        self._objectives = objectives
        self._space = space
        self._random = GlobalRandom(seed)
        with self._random.used():
            self._search = CBO(
                HpProblem(to_config_space(space, seed), seed),
                random_state=seed,
                log_dir=tempfile.gettempdir(),  # it must exist, and nothing is written there
                checkpoint_history_to_csv=False,
                acq_optimizer=acq_optimizer,
                acq_func_kwargs={"kappa": kappa},
                multi_point_strategy="qUCBd",
                n_initial_points=initialization_trials,
                moo_scalarization_strategy=scalarization,
                objective_scaler="quantile-uniform",
            )
        self._asked: dict[str, dict[str, Any]] = {}
        self._news: list[tuple[dict[str, Any], tuple[float, ...]]] = []

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Accept the Tuner's settings: objectives and space are set already."""
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Return the next configuration, after telling DeepHyper what has ended since the last."""
        with self._random.used():
            if self._news:
                self._search.tell(self._news)
                self._news = []
            (config,) = self._search.ask(1)
        self._asked[trial_id] = config
        return from_config(self._space, config)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Do nothing: DeepHyper learns from trials that have ended."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Note a trial's last values for DeepHyper, which maximises."""
        config = self._asked.pop(trial_id, None)
        if config is None or error or not result or self._objectives.missing(result):
            return
        point = self._objectives.to_point(result)
        if np.isfinite(point).all():
            self._news.append((config, tuple((-point).tolist())))
