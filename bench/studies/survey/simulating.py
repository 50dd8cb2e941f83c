"""The runs of one data set of a survey, in virtual time, as rows of measures."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from ray.tune import Callback

from bench.execution.silence import silence_runs
from bench.matrix import catalogue, problems
from bench.matrix.costs import Costs
from bench.matrix.matrix import Component
from bench.matrix.surveys import BASELINE, REPLICATE, SEARCHER, Unit
from bench.studies.survey.fronts import known_front
from bench.studies.survey.measures import Trace, Yardstick, row
from mobo_core.objectives import ObjectiveSet, Points
from mobo_core.problems.curve import CurveTraining
from mobo_core.problems.protocol import Problem
from mobo_core.tune import SobolSearcher
from mobo_core.virtual import TUNE_AHEAD, Cluster, simulate


@dataclass(frozen=True)
class Request:
    """The runs of one data set.

    Args:
        unit: The data set.
        runs: The (scheduler, objective set, seed) triples to simulate.
    """

    unit: Unit
    runs: tuple[tuple[Component, tuple[str, ...], int], ...]


class _Curves:
    """The curves of a seed's configurations, which all runs of the seed share."""

    def __init__(
        self, problem: Problem, configs: Sequence[Mapping[str, Any]], training_seed: int
    ) -> None:
        self.max_epochs = problem.max_epochs
        self.name = problem.name
        self.reports = []
        for config in configs:
            training = problem.start(config, training_seed)
            self.reports.append([training.run_epoch() for _ in range(self.max_epochs)])
        self._number = {_key(config): number for number, config in enumerate(configs)}

    def start(self, config: Mapping[str, Any], seed: int) -> CurveTraining:
        """Return a training along the configuration's curve."""
        return CurveTraining(self.reports[self._number[_key(config)]], hidden=None)

    def points(self, objectives: ObjectiveSet) -> Points:
        """Return the points (n, T, m) of all trials at all epochs, minimised."""
        return np.stack([objectives.to_points(reports) for reports in self.reports])


def _key(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(config.values())


class _Observer(Callback):
    """The reports of a run, as they come."""

    def __init__(self) -> None:
        self.reports: list[tuple[int, int, float]] = []

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Note a report."""
        self.reports.append((trial.number, result["epoch"], result["timestamp"]))

    def trace(self) -> Trace:
        """Return the reports as arrays."""
        trials, epochs, seconds = zip(*self.reports, strict=True)
        return Trace(np.array(trials), np.array(epochs), np.array(seconds))


def simulated(request: Request, data_dir: str) -> pd.DataFrame:
    """Simulate the runs of a data set and return a row of measures for each.

    Args:
        request: The runs.
        data_dir: The folder with the surrogates.

    Returns:
        A table with the columns ``scheduler``, ``objectives`` and ``seed``, and those of
        `bench.studies.survey.measures.row`.
    """
    silence_runs()
    with _without_warnings():
        return _simulated(request, data_dir)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence the rules: on some data sets many runs begin outside the references."""
    logger = logging.getLogger("mobo_core")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _simulated(request: Request, data_dir: str) -> pd.DataFrame:
    unit = request.unit
    problem = problems.make(unit.problem, unit.dataset, data_dir, unit.budget.max_epochs)
    wanted: dict[int, dict[tuple[str, ...], list[Component]]] = {}
    for scheduler, names, seed in request.runs:
        wanted.setdefault(seed, {}).setdefault(names, []).append(scheduler)
    yardsticks = {
        names: Yardstick(
            known_front(unit, names, data_dir), catalogue.make_objectives(problem, names)
        )
        for names in {names for _, names, _ in request.runs}
    }
    rows = [
        {"scheduler": label, "objectives": "+".join(names), "seed": seed, **measured}
        for seed, sets in wanted.items()
        for label, names, measured in _of_seed(unit, problem, seed, sets, yardsticks)
    ]
    return pd.DataFrame(rows)


def _of_seed(
    unit: Unit,
    problem: Problem,
    seed: int,
    sets: Mapping[tuple[str, ...], Sequence[Component]],
    yardsticks: Mapping[tuple[str, ...], Yardstick],
) -> Iterable[tuple[str, tuple[str, ...], dict[str, float]]]:
    """Yield (scheduler, objective set, measures) of all runs of a seed."""
    configs = _configurations(unit, problem, seed)
    curves = _Curves(problem, configs, seed)
    again = _Curves(problem, configs[:3], seed + 1).reports != curves.reports[:3]
    baseline, replicate = Component(BASELINE, BASELINE, {}), None
    first = next(iter(sets))
    # FIFO's decisions depend on nothing, so one run serves all objective sets.
    full = _trace(unit, problem, curves, configs, baseline, first, seed)
    if again:
        replicate = _Curves(problem, configs, seed + 1)
        repeated = _trace(unit, problem, replicate, configs, baseline, first, seed)
    for names, schedulers in sets.items():
        objectives = catalogue.make_objectives(problem, names)
        points = curves.points(objectives)
        for scheduler in schedulers:
            trace = (
                full
                if scheduler.name == BASELINE
                else _trace(unit, problem, curves, configs, scheduler, names, seed)
            )
            yield scheduler.label, names, row(trace, full, points, yardsticks[names])
            if scheduler.label == BASELINE and replicate is not None:
                other = replicate.points(objectives)
                yield REPLICATE, names, row(repeated, full, other, yardsticks[names])


def _configurations(unit: Unit, problem: Problem, seed: int) -> list[dict[str, Any]]:
    """Return the configurations of a seed: those that the survey's searcher suggests."""
    objectives = ObjectiveSet(problem.objectives.values())
    context = catalogue.Context(
        problem.space, objectives, problem.max_epochs, unit.budget.slots, seed, unit.budget.trials
    )
    searcher = catalogue.make_searcher(SEARCHER, context)
    configs = [searcher.suggest(str(number)) for number in range(unit.budget.trials)]
    return [config for config in configs if isinstance(config, dict)]


def _trace(
    unit: Unit,
    problem: Problem,
    curves: _Curves,
    configs: Sequence[Mapping[str, Any]],
    scheduler: Component,
    names: tuple[str, ...],
    seed: int,
) -> Trace:
    context = catalogue.Context(
        problem.space,
        catalogue.make_objectives(problem, names),
        problem.max_epochs,
        unit.budget.slots,
        seed,
        len(configs),
    )
    made = catalogue.make_scheduler(scheduler, context)
    charges = Costs().of(SEARCHER.name, scheduler.name)
    observer = _Observer()
    simulate(
        curves,
        searcher=SobolSearcher(problem.space, seed=seed, points_to_evaluate=configs),
        scheduler=made,
        num_samples=len(configs),
        cluster=Cluster(
            unit.budget.slots,
            startup_s=charges.startup_s,
            reset_s=charges.startup_s,
            checkpoint_s=charges.checkpoint_s,
            restore_s=charges.restore_s,
        ),
        seed=seed,
        ahead=TUNE_AHEAD,
        callbacks=[observer],
    )
    return observer.trace()
