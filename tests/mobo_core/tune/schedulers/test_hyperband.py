"""`HyperBand` ends its brackets where Ray's own class waits without end; elsewhere they agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler

from bench.execution.ray.session import SLOT
from mobo_core import Objective, ObjectiveSet
from mobo_core.problems.protocol import TrainingSource
from mobo_core.tune import HyperBand, ScalarizedScheduler
from mobo_core.virtual import Cluster, InOrder, VirtualTrial, simulate
from tests.bench.cheap import MAX_T, Cheap, CheapProblem, CheapTraining
from tests.mobo_core.tune.awkward import FailsAtEnds, NotAgain, SavesSlowly

SETTINGS = {"time_attr": "epoch", "metric": "error", "mode": "min", "max_t": MAX_T}
TRIALS = 22
"""The number of trials in four brackets that begin with 8, 4, 2 and 1 epochs: 4, 4, 6 and 8."""
UNLUCKY = 15
"""The trial that is the best of the last bracket after one epoch."""


@pytest.mark.ray
@pytest.mark.timeout(120)
@pytest.mark.parametrize("trainable", [SavesSlowly, NotAgain])
def test_on_ray_a_bracket_ends(ray_session: object, tmp_path: Path, trainable: type) -> None:
    """A bracket ends if one of its trials is being saved, or if Tune ends some unannounced."""
    space = {"number": tune.grid_search([0, 1, 2]), "case": "finish", "folder": str(tmp_path)}
    results = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 0.01, SLOT: 2 / 3}),
        param_space=space,
        tune_config=tune.TuneConfig(
            scheduler=HyperBand(**SETTINGS, reduction_factor=2), reuse_actors=True
        ),
        run_config=tune.RunConfig(name="slow", storage_path=str(tmp_path / "tune"), verbose=0),
    ).fit()
    # The first bracket trains all of its trials to the end.
    reached = [(r.metrics or {}).get("epoch") for r in results if not r.error]
    assert set(reached) == {MAX_T}


@pytest.mark.ray
def test_on_ray_an_error_at_the_end_of_a_paused_trial_costs_this_trial(
    ray_session: object, tmp_path: Path
) -> None:
    """Of the last two trials the first one to pause is ended in its pause."""
    results = tune.Tuner(
        tune.with_resources(Cheap, {"cpu": 0.01, SLOT: 1}),
        param_space={"number": tune.grid_search([0, 1, 2, 3]), "case": "finish"},
        tune_config=tune.TuneConfig(
            scheduler=HyperBand(**SETTINGS | {"max_t": 2}, reduction_factor=2), reuse_actors=True
        ),
        run_config=tune.RunConfig(
            name="away", storage_path=str(tmp_path), verbose=0, callbacks=[FailsAtEnds()]
        ),
    ).fit()
    assert sorted((r.metrics or {})["epoch"] for r in results) == [1, 2, 2, 2]
    assert all("the tracker is away" in str(result.error) for result in results)


def trials(
    scheduler: Any, slots: int, problem: TrainingSource, **settings: Any
) -> list[VirtualTrial]:
    configs = [{"number": number, "case": "finish"} for number in range(TRIALS)]
    run = simulate(
        problem,
        searcher=InOrder(configs),
        scheduler=scheduler,
        num_samples=len(configs),
        cluster=Cluster(slots, **settings),
        ahead=1,
    )
    return list(run.trials)


@pytest.mark.parametrize("slots", [2, 4, 9, TRIALS])
@pytest.mark.parametrize("eta", [2, 3])
def test_where_no_trial_fails_it_decides_as_rays(eta: int, slots: int) -> None:
    ours = HyperBand(**SETTINGS, reduction_factor=eta)
    rays = HyperBandScheduler(**SETTINGS, reduction_factor=eta)  # type: ignore[no-untyped-call]
    reached = [
        [trial.iteration for trial in trials(scheduler, slots, CheapProblem(None))]
        for scheduler in (ours, rays)
    ]
    assert reached[0] == reached[1]
    assert min(reached[0]) < MAX_T or slots == 2


class Misfortune(CheapProblem):
    """A problem in which the best trial of the last bracket is slow and fails in epoch 2."""

    def __init__(self, raises: bool) -> None:
        super().__init__(None)
        self.raises = raises

    def start(self, config: Mapping[str, Any], seed: int) -> CheapTraining:
        if config["number"] == UNLUCKY:
            return UnluckyTraining(config, self.raises)
        return CheapTraining(config)


class UnluckyTraining(CheapTraining):
    def __init__(self, config: Mapping[str, Any], raises: bool) -> None:
        super().__init__(config)
        self.raises = raises

    def run_epoch(self) -> dict[str, Any]:
        report = super().run_epoch() | {"seconds": 3.0}
        if self.t == 2 and self.raises:
            raise RuntimeError("out of luck")
        return report | {"error": float("nan")} if self.t == 2 else report


class Coarse(CheapProblem):
    """A problem that reports every third epoch only, so no report falls on a milestone."""

    def start(self, config: Mapping[str, Any], seed: int) -> CheapTraining:
        return CoarseTraining(config)


class CoarseTraining(CheapTraining):
    def run_epoch(self) -> dict[str, Any]:
        self.t += 2
        return super().run_epoch()


def scalarized(scheduler: HyperBandScheduler) -> ScalarizedScheduler:
    return ScalarizedScheduler(scheduler, ObjectiveSet([Objective("error", "min", 0.6, ideal=0)]))


CASES: dict[str, tuple[CheapProblem, dict[str, float]]] = {
    "is being saved": (CheapProblem(None), {"checkpoint_s": 2.0}),
    "ends": (Misfortune(raises=False), {}),
    "is beyond": (Coarse(None), {}),
}


@pytest.mark.parametrize("slots", [9, TRIALS])
@pytest.mark.parametrize("case", CASES)
def test_where_rays_waits_for_ever_brackets_end(case: str, slots: int) -> None:
    problem, costs = CASES[case]
    settings = {"time_attr": "epoch", "max_t": MAX_T, "reduction_factor": 2}
    with pytest.raises(RuntimeError, match=r"none can start: .* is paused"):
        trials(scalarized(HyperBandScheduler(**settings)), slots, problem, **costs)  # type: ignore[no-untyped-call]
    run = trials(scalarized(HyperBand(**settings)), slots, problem, **costs)
    assert {trial.status for trial in run} == {Trial.TERMINATED}
    assert max(trial.iteration for trial in run[14:]) >= (MAX_T if case != "is beyond" else 3)


@pytest.mark.parametrize("slots", [9, TRIALS])
def test_a_bracket_goes_on_without_a_trial_that_failed(slots: int) -> None:
    run = trials(scalarized(HyperBand("epoch", max_t=MAX_T)), slots, Misfortune(raises=True))
    assert {trial.status for trial in run} == {Trial.TERMINATED, Trial.ERROR}
    assert max(trial.iteration for trial in run[14:]) == MAX_T
