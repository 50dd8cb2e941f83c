"""Multi-objective Bayesian optimisation in Ray Tune through Ax's `Client`."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from ax.api.client import Client
from ax.exceptions.core import DataRequiredError, SearchSpaceExhausted
from ax.exceptions.generation_strategy import (
    GenerationStrategyCompleted,
    MaxParallelismReachedException,
)
from ray import cloudpickle
from ray.tune.search import Searcher

from mobo_core.checks import checked_number
from mobo_core.objectives import Objective, ObjectiveSet, Points, as_objective_set
from mobo_core.seeding import checked_seed
from mobo_core.space import SearchSpace
from mobo_core.tune.searchers.ax_client import (
    check_client,
    code_of,
    may_repeat,
    metrics_of,
    set_strategy,
)
from mobo_core.tune.searchers.ax_experiment import (
    metric_names,
    new_client,
    parameter_names,
    read_outcome_constraints,
    read_parameter_constraints,
)
from mobo_core.tune.searchers.ax_names import FALLBACK, GIVEN, SOBOL_NODE, Failed, PartialData
from mobo_core.tune.searchers.ax_reports import Reader, Report
from mobo_core.tune.searchers.ax_space import AxSpace
from mobo_core.tune.searchers.ax_strategy import ModelOptions, sobol_then_botorch
from mobo_core.tune.searchers.ax_trials import AxCode, AxTrials, one_torch_thread
from mobo_core.tune.searchers.ax_watch import Watch
from mobo_core.tune.searchers.starting import Known, KnownResult, read_start
from mobo_core.tune.space import TuneSpace, has_domain, tune_space

logger = logging.getLogger(__name__)


class AxSearcher(Searcher):
    """A searcher for several objectives: first Sobol points, then BoTorch (qLogNEHVI).

    Ray's own `AxSearch` supports one objective and no custom experiment. This searcher tells Ax
    how each trial ended: complete, stopped early (with its data), or failed (it raised an error,
    or its last report is NaN or ±inf, or it never reported all metrics). Running trials are Ax's
    pending points. It never waits for a trial: if Ax fails, it suggests a Sobol point, and warns.
    With pausing schedulers most trials never finish, so Ax learns from few results. If the model
    has no say for 10 suggestions although trials have ended, a warning says why.

    Args:
        objectives: The metrics that are optimised. Their reference values become Ax's objective
            thresholds. The model gets objectives marked `exact` without noise. None is allowed
            only with a `client`, which has its own objectives.
        space: A Tune `param_space` or a `SearchSpace`. None takes the Tuner's `param_space`.
        client: A ready Ax client with a configured experiment and optimisation. Leave `space` and
            the constraints at their defaults then. Its own generation strategy is used, unless
            `initialization_trials`, `partial_data` or `optimizer_options` are given: these set one.
        outcome_constraints: Linear constraints on reported metrics, e.g. ``"flops <= 1e6"``.
        parameter_constraints: Linear constraints on parameters, e.g. ``"x + 2*model/width <= 3"``,
            which every suggestion keeps. The parameters must be ranges with a linear scale.
        seed: The seed of the Sobol points and of Ax's client, 0 ≤ `seed` < 2³².
        initialization_trials: The number of Sobol trials before the model takes over, ≥ 1.
        time_attr: The key in a report that holds the budget spent so far.
        max_t: The full budget, in units of `time_attr`. A trial that ends with less was stopped
            early. With None every trial that ends without an error is complete.
        partial_data: What the model learns from trials that were stopped early.
            ``"full-fidelity"``: nothing, because a value at epoch 1 is no data about the last
            epoch. ``"last-value"``: their last value as if it were final, as in the paper.
            ``"fidelity-feature"``: every report, with the budget as an input of the model. In this
            mode Ax treats a running trial as pending only until its first report.
        failed: What happens to the configuration of a failed trial. ``"avoid"``: it is not
            suggested again, and stays among the pending points, which keeps the model away from
            its surroundings. ``"retry"``: it may be suggested again; a trial that always fails may
            then be repeated without end.
        optimizer_options: Options of BoTorch's acquisition optimiser (``num_restarts``,
            ``raw_samples``, …). None takes Ax's defaults.
        points_to_evaluate: Configurations to suggest first, nested or with flat names. Parameters
            that are missing get the values of a Sobol point.
        known_results: Pairs of a configuration and its last report, or a DataFrame or ResultGrid of
            Tune. The model learns from them. One without `time_attr` is a full one.

    Raises:
        ValueError: If the arguments contradict each other, or one of them cannot be used.
        TypeError: If `objectives` are no objectives.

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
        objectives: ObjectiveSet | Iterable[Objective] | None = None,
        space: Mapping[str, Any] | SearchSpace | None = None,
        *,
        client: Client | None = None,
        outcome_constraints: Sequence[str] = (),
        parameter_constraints: Sequence[str] = (),
        seed: int = 0,
        initialization_trials: int = 5,
        time_attr: str = "training_iteration",
        max_t: float | None = None,
        partial_data: PartialData = "full-fidelity",
        failed: Failed = "avoid",
        optimizer_options: Mapping[str, Any] | None = None,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        known_results: Known | None = None,
    ) -> None:
        super().__init__()
        self._objectives = None if objectives is None else as_objective_set(objectives)
        self._options = ModelOptions(initialization_trials, partial_data, optimizer_options)
        self._seed = checked_seed(seed)
        self._max_t = None if max_t is None else checked_number("max_t", max_t, above=0)
        if not isinstance(time_attr, str) or not time_attr:
            raise ValueError(f"time_attr must be the key of a report, got {time_attr!r}")
        if failed not in get_args(Failed):
            raise ValueError(f"failed must be one of {get_args(Failed)}, got {failed!r}")
        self._time_attr = time_attr
        self._failed: Failed = failed
        self._outcome_constraints = read_outcome_constraints(
            outcome_constraints, () if self._objectives is None else self._objectives.names
        )
        self._parameter_constraints = parameter_constraints
        self._given = (points_to_evaluate, known_results)
        self._trials: AxTrials | None = None
        self._points: deque[dict[str, Any]] = deque()
        self._trial_index: dict[str, int] = {}
        self._given_index: set[int] = set()
        self._last: dict[str, Report | str] = {}
        if client is not None:
            if space is not None or outcome_constraints or parameter_constraints:
                raise ValueError(
                    "a ready-made `client` brings its own space and constraints: leave `space`, "
                    "`outcome_constraints` and `parameter_constraints` at their defaults"
                )
            self._take(client)
        elif self._objectives is None:
            raise ValueError("AxSearcher needs `objectives`, or a `client` that has its own")
        elif space is not None:
            self._configure(tune_space(space))

    @property
    def client(self) -> Client:
        """The Ax client: its experiment, analyses and Pareto frontier.

        A name that Ax cannot parse is another one there: see `AxSearcher.ax_names`.

        Raises:
            ValueError: Before a search space is known.
        """
        return self._known_trials.client

    @property
    def ax_names(self) -> dict[str, str]:
        """The metrics and parameters that are called differently in Ax: name → name in Ax."""
        metrics = {name: there for name, there in self._reader.metrics.items() if name != there}
        return {**self._known_trials.code.names, **metrics}

    def generation_node(self, trial_id: str) -> str:
        """Return what suggested a trial.

        Returns:
            ``Sobol``, ``BoTorch``, ``fallback``, ``given`` (`points_to_evaluate`), or a client's
            own node.
        """
        index = self._trial_index[trial_id]
        if index in self._given_index:
            return GIVEN
        return self._known_trials.node(index)

    def predicted_front(self) -> Points | None:
        """Return the Pareto frontier that Ax's model predicts: (k, m) minimised means.

        The paper computes its hypervolumes from such predictions, not from observed points. Ax
        refits its model for each call, so the result varies by some per cent between calls. Return
        None if Ax has no model yet.

        Raises:
            ValueError: If the objectives are a client's own.
        """
        if self._objectives is None:
            raise ValueError("predicted_front needs AxSearcher(objectives, client=...)")
        try:
            with one_torch_thread():
                front = self.client.get_pareto_frontier(use_model_predictions=True)
        except Exception as error:
            logger.info("Ax has no model to predict a front with: %s", error)
            return None
        means = [
            {name: v[0] if isinstance(v, tuple) else v for name, v in metrics.items()}
            for _, metrics, _, _ in front
        ]
        named = self._reader.metrics
        return self._objectives.to_points(
            [{name: mean[named[name]] for name in self._objectives.names} for mean in means]
        )

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Use the Tuner's `param_space`; return False, an error in Tune, if a space is set."""
        if self._trials is None:
            self._configure(tune_space(config, constants=False))
            return True
        return not has_domain(config)

    def suggest(  # type: ignore[override]  # Ray's annotation lacks FINISHED
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """Return the next configuration, or ``Searcher.FINISHED`` when the space is used up.

        Return None, which makes Tune ask again later, only if the strategy of the user's own client
        waits for running trials.
        """
        trials = self._known_trials
        index = self._next_point()
        if index is None:
            if trials.remaining <= 0:
                return str(Searcher.FINISHED)
            made = self._generate()
            if not isinstance(made, int):
                return made
            index = made
        self._trial_index[trial_id] = index
        return trials.configuration(index)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Store a report; pass it to Ax if the model has the budget as an input."""
        report = self._last[trial_id] = self._latest(trial_id, result)
        index = self._trial_index.get(trial_id)
        if self._shows_budget and isinstance(report, Report) and index is not None:
            self._known_trials.show(index, report)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell Ax how the trial ended.

        The last report that has all metrics counts. A trial without any has failed; a warning says
        what was missing. A trial that this searcher did not suggest is ignored with a warning.
        """
        last = self._latest(trial_id, result)
        if trial_id not in self._trial_index:
            logger.warning("AxSearcher did not suggest trial %s; its end is ignored", trial_id)
            return
        if not error and isinstance(last, str):
            logger.warning(
                "trial %s counts as failed for AxSearcher: %s. Report every metric of the "
                "objectives and constraints, and the time_attr, at least once",
                trial_id,
                last,
            )
        ending = "it raised an error" if error else last
        self._trial_index[trial_id] = self._end(self._trial_index[trial_id], ending)

    def save(self, checkpoint_path: str) -> None:
        """Write the searcher's state, including the Ax client and its random state."""
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(self.__dict__))

    def restore(self, checkpoint_path: str) -> None:
        """Continue from a file that `save` wrote. Load only files that you trust."""
        state = cloudpickle.loads(Path(checkpoint_path).read_bytes())
        self.__dict__.update(state)

    @property
    def _known_trials(self) -> AxTrials:
        if self._trials is None:
            raise ValueError("no search space: pass `space` here or `param_space` to the Tuner")
        return self._trials

    @property
    def _shows_budget(self) -> bool:
        return self._options.partial_data == "fidelity-feature"

    def _configure(self, space: TuneSpace) -> None:
        assert self._objectives is not None
        constraints = read_parameter_constraints(self._parameter_constraints, space.space.names)
        parsed, budget = bool(constraints), self._shows_budget
        names = parameter_names(space.space, parsed=parsed, budget=budget)
        coding = AxSpace(space.space, names, constraints)
        outcomes = self._outcome_constraints
        client = new_client(self._objectives, coding, seed=self._seed, outcome_constraints=outcomes)
        client.set_generation_strategy(sobol_then_botorch(self._options, space.space, self._seed))
        trials = AxTrials(client, AxCode(space, coding), self._seed, self._failed)
        self._begin(trials, metric_names(self._objectives, outcomes), {SOBOL_NODE, FALLBACK})

    def _take(self, client: Client) -> None:
        """Use a client of the user's, and set a generation strategy if its options are given."""
        check_client(client, self._objectives)
        code, silent = code_of(client), {FALLBACK}
        trials = AxTrials(client, code, self._seed, self._failed, may_repeat(client))
        if self._options != ModelOptions():
            set_strategy(client, sobol_then_botorch(self._options, code.space.space, self._seed))
            silent.add(SOBOL_NODE)
        self._begin(trials, metrics_of(client), silent)

    def _begin(self, trials: AxTrials, metrics: Mapping[str, str], silent: set[str]) -> None:
        """Begin a search: with the known results, then the given points."""
        code = trials.code
        exact = {o.name for o in self._objectives or () if o.exact}
        reader = Reader(metrics, exact, self._time_attr, self._max_t)

        def check(known: KnownResult) -> None:
            code.check_known(known.values)
            if known.metrics is not None:
                reader.read_known(known.metrics)

        start = read_start(code.space, *self._given, metrics=tuple(metrics), check=check)
        code.check_points(start.points)
        self._reader, self._silent, self._points = reader, frozenset(silent), deque(start.points)
        enough = max(2, self._options.initialization_trials)
        self._watch = Watch(enough, self._time_attr, self._max_t, self._options.partial_data)
        self._trials = trials
        for known in start.known:
            index, last = trials.attach(known.values), known.metrics
            self._end(index, "it had failed" if last is None else reader.read_known(last))

    def _next_point(self) -> int | None:
        """Start a trial of the next of the given points; return None if there is none left."""
        trials = self._known_trials
        while self._points:
            values = self._points.popleft()
            try:
                index = trials.attach(values)
            except Exception as error:
                logger.warning("the point to evaluate %s is left out: %s", values, error)
                continue
            self._given_index.add(index)
            return index
        return None

    def _generate(self) -> int | str | None:
        """Start a trial of Ax's next configuration; see `suggest` for other values returned."""
        trials = self._known_trials
        try:
            if trials.are_few_left:
                return trials.attach_new()
            index = self._ask_ax()
            if index is not None:
                node = trials.node(index)
                self._watch.suggested(by_model=node not in self._silent, replaced=node == FALLBACK)
            return index
        except (SearchSpaceExhausted, GenerationStrategyCompleted):
            return str(Searcher.FINISHED)

    def _ask_ax(self) -> int | None:
        """Start a trial of Ax's next configuration, or of a Sobol point if Ax fails."""
        trials = self._known_trials
        try:
            return trials.generate()
        except (SearchSpaceExhausted, GenerationStrategyCompleted):
            raise
        except Exception as error:
            if trials.are_running() and isinstance(
                error, DataRequiredError | MaxParallelismReachedException
            ):
                return None  # a running trial brings what the client's strategy waits for
            logger.warning("Ax made no suggestion (%s); a Sobol point takes its place", error)
            self._watch.error = f"Ax raised {type(error).__name__}: {error}"
        return trials.attach_sobol()

    def _latest(self, trial_id: str, result: Mapping[str, Any] | None) -> Report | str:
        """Return the last report of a trial that can be used, or what is wrong with all of them."""
        before = self._last.pop(trial_id, "it reported nothing")
        if not result:
            return before
        report = self._reader.read(result)
        return report if isinstance(report, Report) or isinstance(before, str) else before

    def _end(self, index: int, ending: Report | str) -> int:
        """Tell Ax how a trial ended; return the number under which Ax has the result."""
        if isinstance(ending, Report) and not ending.is_finite:
            ending = "no finite value of every objective"
        if isinstance(ending, str):
            self._watch.failed += 1
            self._watch.failure = ending
            self._known_trials.fail(index, ending)
            return index
        full = self._reader.is_full(ending)
        self._watch.ended_with_data(ending.budget, full=full)
        return self._known_trials.end(index, ending, full=full, shows_budget=self._shows_budget)
