"""Multi-objective Bayesian optimisation in Ray Tune through Ax's `Client`."""

from __future__ import annotations

import logging
import math
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import torch
from ax.adapter.registry import Generators
from ax.api.client import Client
from ax.exceptions.core import DataRequiredError, SearchSpaceExhausted
from ax.exceptions.generation_strategy import (
    GenerationStrategyCompleted,
    MaxParallelismReachedException,
)
from ray.tune.search import Searcher

from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.space import SearchSpace
from mobo_core.tune.searchers.ax_experiment import new_client
from mobo_core.tune.searchers.ax_names import PartialData
from mobo_core.tune.searchers.ax_strategy import sobol_then_botorch
from mobo_core.tune.space import as_space, has_domain, nested

logger = logging.getLogger(__name__)


class AxSearcher(Searcher):
    """A searcher for several objectives: first Sobol points, then BoTorch (qLogNEHVI).

    Ray's own `AxSearch` supports one objective and no custom experiment. This searcher tells Ax
    how each trial ended: complete, stopped early (with its data), or failed (it raised an error,
    or reported NaN or ±inf). Running trials are Ax's pending points. It never waits for a trial: if
    Ax fails, it suggests a Sobol point. With pausing schedulers most trials never finish, so Ax
    learns from few results.

    Args:
        objectives: The metrics that are optimised. Their reference values become Ax's objective
            thresholds. The model gets objectives marked `exact` without noise. None is allowed
            only with a `client`, which has its own objectives.
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        client: A ready Ax client with a configured experiment and optimisation. Its own generation
            strategy is used. Leave `space`, `outcome_constraints`, `initialization_trials`,
            `partial_data` and `optimizer_options` at their defaults then.
        outcome_constraints: Ax constraints on reported metrics, e.g. ``"flops <= 1e6"``.
        seed: The seed of the Sobol points and of Ax's client.
        initialization_trials: The number of Sobol trials before the model takes over, ≥ 1.
        time_attr: The key in a report that holds the budget spent so far.
        max_t: The full budget, in units of `time_attr`. A trial that ends with less was stopped
            early. With None every trial that ends without an error is complete.
        partial_data: What the model learns from trials that were stopped early.
            ``"full-fidelity"``: nothing, because a value at epoch 1 is no data about the last
            epoch. ``"last-value"``: their last value as if it were final, as in the paper.
            ``"fidelity-feature"``: every report, with the budget as an input of the model. In this
            mode Ax treats a running trial as pending only until its first report.
        optimizer_options: Options of BoTorch's acquisition optimiser (``num_restarts``,
            ``raw_samples``, …). None takes Ax's defaults.

    Raises:
        ValueError: If the arguments contradict each other, or a name cannot be used in Ax.

    Example:
        >>> from ray import tune
        >>> from mobo_core import Objective, ObjectiveSet
        >>> from mobo_core.tune import AxSearcher
        >>> objectives = ObjectiveSet([Objective("loss", "min", 1), Objective("flops", "min", 1e6)])
        >>> space = {"width": tune.randint(16, 129), "rate": tune.loguniform(1e-4, 1e-1)}
        >>> searcher = AxSearcher(objectives, space, seed=1, time_attr="epoch", max_t=8)
        >>> sorted(searcher.suggest("trial-1"))
        ['rate', 'width']
        >>> searcher.on_trial_complete("trial-1", {"loss": 0.3, "flops": 2e5, "epoch": 8})
    """

    def __init__(
        self,
        objectives: ObjectiveSet | None = None,
        space: Mapping[str, Any] | SearchSpace | None = None,
        *,
        client: Client | None = None,
        outcome_constraints: Sequence[str] = (),
        seed: int = 0,
        initialization_trials: int = 5,
        time_attr: str = "training_iteration",
        max_t: float | None = None,
        partial_data: PartialData = "full-fidelity",
        optimizer_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if partial_data not in get_args(PartialData):
            raise ValueError(
                f"partial_data must be one of {get_args(PartialData)}, got {partial_data!r}"
            )
        if initialization_trials < 1:
            raise ValueError(f"initialization_trials must be ≥ 1, got {initialization_trials}")
        if client is None and objectives is None:
            raise ValueError("AxSearcher needs `objectives`, or a `client` that has its own")
        own = (space, outcome_constraints or None, optimizer_options)
        if client is not None and (
            any(value is not None for value in own)
            or (initialization_trials, partial_data) != (5, "full-fidelity")
        ):
            raise ValueError(
                "a ready-made `client` brings its own space, constraints and generation strategy: "
                "leave the arguments for these at their defaults"
            )
        self._exact = {o.name for o in objectives or () if o.exact}
        self._objectives = objectives
        self._outcome_constraints = tuple(outcome_constraints)
        self._seed = seed
        self._initialization_trials = initialization_trials
        self._time_attr = time_attr
        self._max_t = max_t
        self._partial_data: PartialData = partial_data
        self._optimizer_options = optimizer_options
        self._client = client
        self._cardinality = math.inf
        self._trial_index: dict[str, int] = {}
        self._last_result: dict[str, dict[str, Any]] = {}
        if space is not None:
            self._configure(space)

    @property
    def client(self) -> Client:
        """The Ax client: its experiment, analyses and Pareto frontier.

        Raises:
            ValueError: Before a search space is known.
        """
        if self._client is None:
            raise ValueError("no search space: pass `space` here or `param_space` to the Tuner")
        return self._client

    def generation_node(self, trial_id: str) -> str:
        """Return what suggested a trial.

        Returns:
            ``Sobol``, ``BoTorch``, ``fallback``, or the name of a client's own node.
        """
        runs = self.client._experiment.trials[self._trial_index[trial_id]].generator_runs
        return (runs[0]._generation_node_name if runs else None) or "fallback"

    def predicted_front(self) -> Points | None:
        """Return the Pareto frontier that Ax's model predicts: (k, m) minimised means.

        The paper computes its hypervolumes from such predictions, not from observed points. Ax
        refits its model for each call, so the result varies by some per cent between calls. Return
        None if Ax has no model yet.
        """
        assert self._objectives is not None, "needs objectives beside the client"
        try:
            with _one_torch_thread():
                front = self.client.get_pareto_frontier(use_model_predictions=True)
        except Exception as error:
            logger.info("Ax has no model to predict a front with: %s", error)
            return None
        means = [
            {name: v[0] if isinstance(v, tuple) else v for name, v in metrics.items()}
            for _, metrics, _, _ in front
        ]
        return self._objectives.to_points(means)

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Use the Tuner's `param_space`; return False, an error in Tune, if a space is set."""
        if self._client is None:
            self._configure(config)
            return True
        return not has_domain(config)

    def suggest(  # type: ignore[override]  # Ray's annotation lacks FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """Return the next configuration, or ``Searcher.FINISHED`` when the space is used up.

        Return None, which makes Tune ask again later, only if the strategy of the user's own client
        waits for running trials.
        """
        client = self.client
        # Ax would find out only after drawing ten thousand configurations, for half a minute.
        if len(client._experiment.arms_by_signature_for_deduplication) >= self._cardinality:
            return str(Searcher.FINISHED)
        try:
            with _one_torch_thread():
                ((index, parameters),) = client.get_next_trials(max_trials=1).items()
        except (SearchSpaceExhausted, GenerationStrategyCompleted):
            return str(Searcher.FINISHED)
        except Exception as error:
            if self._waits(error):
                return None
            index, parameters = self._fall_back(error)
        self._trial_index[trial_id] = index
        return nested(dict(parameters))

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Store a report; pass it to Ax if the model has the budget as an input."""
        self._last_result[trial_id] = result
        if self._partial_data == "fidelity-feature" and (data := self._finite_data(result)):
            self.client.attach_data(self._trial_index[trial_id], data, self._progression(result))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Report to Ax how the trial ended.

        Raises:
            ValueError: If the last report lacks a metric of the optimisation.
        """
        index = self._trial_index[trial_id]
        result = result or self._last_result.get(trial_id)
        self._last_result.pop(trial_id, None)
        data = None if error or not result else self._finite_data(result)
        if result is None or data is None:
            reason = "raised an error" if error else "no finite value of every objective"
            self.client.mark_trial_failed(index, failed_reason=reason)
            return
        # With a progression Ax models the budget as an input, which only one mode is for.
        progression = self._progression(result)
        shown = progression if self._partial_data == "fidelity-feature" else None
        if self._max_t is not None and progression is not None and progression < self._max_t:
            self.client.attach_data(index, data, shown)
            self.client.mark_trial_early_stopped(index)
        else:
            self.client.complete_trial(index, data, shown)

    def save(self, checkpoint_path: str) -> None:
        """Write the searcher's state, including the Ax client and its random state."""
        Path(checkpoint_path).write_bytes(pickle.dumps(self.__dict__))

    def restore(self, checkpoint_path: str) -> None:
        """Continue from a file that `save` wrote. Load only files that you trust."""
        state = pickle.loads(Path(checkpoint_path).read_bytes())  # noqa: S301 - Tune's own format
        self.__dict__.update(state)

    def _configure(self, space: Mapping[str, Any] | SearchSpace) -> None:
        assert self._objectives is not None
        searched = as_space(space)
        self._cardinality = searched.cardinality
        client = new_client(
            self._objectives,
            searched,
            seed=self._seed,
            outcome_constraints=self._outcome_constraints,
        )
        client.set_generation_strategy(
            sobol_then_botorch(
                seed=self._seed,
                initialization_trials=self._initialization_trials,
                partial_data=self._partial_data,
                optimizer_options=self._optimizer_options,
            )
        )
        self._client = client

    def _progression(self, result: Mapping[str, Any]) -> int | None:
        if self._time_attr in result:
            return int(result[self._time_attr])
        if self._max_t is not None:
            raise ValueError(
                f"time_attr {self._time_attr!r} is missing from the report; "
                f"reported keys: {', '.join(sorted(result))}"
            )
        return None

    def _finite_data(
        self, result: Mapping[str, Any]
    ) -> dict[str, float | tuple[float, float]] | None:
        """Return a report as Ax's raw data, or None if it is not finite.

        Exact metrics get the standard error 0.
        """
        config = self.client._experiment.optimization_config
        assert config is not None
        data: dict[str, float | tuple[float, float]] = {}
        for name in sorted(config.metric_names):
            if name not in result:
                raise ValueError(
                    f"metric {name!r} is missing from the report; "
                    f"reported keys: {', '.join(sorted(result))}"
                )
            value = float(result[name])
            if not math.isfinite(value):
                return None
            data[name] = (value, 0.0) if name in self._exact else value
        return data

    def _waits(self, error: Exception) -> bool:
        """Return whether a running trial will bring what the strategy waits for."""
        expected = isinstance(error, DataRequiredError | MaxParallelismReachedException)
        running = any(t.status.is_running for t in self.client._experiment.trials.values())
        return expected and running

    def _fall_back(self, error: Exception) -> tuple[int, Mapping[str, Any]]:
        """Return a quasi-random trial in place of one that the strategy could not make."""
        logger.warning("Ax made no suggestion (%s); a Sobol point takes its place", error)
        experiment = self.client._experiment
        generator = Generators.SOBOL(
            experiment=experiment, seed=self._seed + len(experiment.trials)
        )
        parameters = dict(generator.gen(1).arms[0].parameters)
        return self.client.attach_trial(parameters), parameters  # type: ignore[arg-type]


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Limit PyTorch to one thread: several times faster for small models, and reproducible."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
