"""HyperBand whose brackets end: where Ray's own waits for ever, and where the two agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler

from bench.backends.session import SLOT
from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import HyperBand, ScalarizedScheduler
from mobo_core.virtual import Cluster, InOrder, VirtualTrial, simulate
from tests.bench.cheap import MAX_T, CheapProblem, CheapTraining
from tests.mobo_core.tune.awkward import SavesSlowly

SETTINGS = {"time_attr": "epoch", "metric": "error", "mode": "min", "max_t": MAX_T}
TRIALS = 22
"""As many as four brackets hold that begin with 8, 4, 2 and 1 epochs: 4, 4, 6 and 8."""
UNLUCKY = 15
"""The best of the last after an epoch."""


@pytest.mark.ray
@pytest.mark.timeout(120)
def test_a_bracket_ends_while_one_of_its_trials_is_being_saved(
    ray_session: object, tmp_path: Path
) -> None:
    results = tune.Tuner(
        tune.with_resources(SavesSlowly, {"cpu": 0.01, SLOT: 1}),
        param_space={
            "number": tune.grid_search([0, 1]),
            "case": "finish",
            "folder": str(tmp_path),
        },
        tune_config=tune.TuneConfig(scheduler=HyperBand(**SETTINGS, reduction_factor=2)),
        run_config=tune.RunConfig(name="slow", storage_path=str(tmp_path / "tune"), verbose=0),
    ).fit()
    # The first bracket trains all of its trials to the end.
    assert [result.metrics["epoch"] for result in results if result.metrics] == [MAX_T] * 2


def trials(scheduler: Any, slots: int, problem: CheapProblem) -> list[VirtualTrial]:
    configs = [{"number": number, "case": "finish"} for number in range(TRIALS)]
    run = simulate(
        problem,
        searcher=InOrder(configs),
        scheduler=scheduler,
        num_samples=len(configs),
        cluster=Cluster(slots),
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
    """The best of the last bracket is slow and ends with its second epoch."""

    def start(self, config: Mapping[str, Any], seed: int) -> CheapTraining:
        return (UnluckyTraining if config["number"] == UNLUCKY else CheapTraining)(config)


class UnluckyTraining(CheapTraining):
    def run_epoch(self) -> dict[str, Any]:
        report = super().run_epoch() | {"seconds": 3.0}
        return report | {"error": float("nan")} if self.t == 2 else report


@pytest.mark.parametrize("slots", [9, TRIALS])
def test_a_bracket_goes_on_without_a_trial_that_it_waited_for(slots: int) -> None:
    """After it was halved for the first time."""
    objectives = ObjectiveSet([Objective("error", "min", 0.6, ideal=0)])
    scheduler = ScalarizedScheduler(HyperBand("epoch", max_t=MAX_T, reduction_factor=2), objectives)
    run = trials(scheduler, slots, Misfortune(None))
    assert run[UNLUCKY].iteration == 2
    assert {trial.status for trial in run} == {Trial.TERMINATED}
    assert max(trial.iteration for trial in run[14:]) == MAX_T
