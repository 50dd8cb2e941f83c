"""A scheduler works for one experiment: what it has learned there is of no use in another."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ray import cloudpickle
from ray.tune.schedulers import AsyncHyperBandScheduler

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import (
    HyperBand,
    HypervolumePromotion,
    PaperDominance,
    PaperRungwise,
    ProjectedStopping,
    PromotionMOASHA,
    ScalarizedScheduler,
    StoppingMOASHA,
)
from mobo_core.virtual import InOrder, simulate
from tests.bench.cheap import MAX_T, CheapProblem

OBJECTIVES = ObjectiveSet(
    [Objective("error", "min", 0.6, ideal=0), Objective("size", "min", 100, ideal=0)]
)
SCHEDULERS: dict[str, Callable[[], Any]] = {
    "stopping": lambda: StoppingMOASHA(OBJECTIVES, MAX_T, time_attr="epoch"),
    "projected": lambda: ProjectedStopping(OBJECTIVES, MAX_T, time_attr="epoch"),
    "dominance": lambda: PaperDominance(OBJECTIVES, MAX_T, time_attr="epoch"),
    "rungwise": lambda: PaperRungwise(OBJECTIVES, MAX_T, time_attr="epoch"),
    "promotion": lambda: PromotionMOASHA(OBJECTIVES, MAX_T, slots=1, time_attr="epoch"),
    "hv": lambda: HypervolumePromotion(OBJECTIVES, MAX_T, slots=1, time_attr="epoch"),
    "hyperband": lambda: HyperBand("epoch", "error", "min", MAX_T),
    "scalarized": lambda: ScalarizedScheduler(
        AsyncHyperBandScheduler(time_attr="epoch", max_t=MAX_T, grace_period=1), OBJECTIVES
    ),
}


def epochs(scheduler: Any) -> list[int]:
    configs = [{"number": number, "case": "finish"} for number in range(4)]
    run = simulate(
        CheapProblem(None), searcher=InOrder(configs), scheduler=scheduler, num_samples=4
    )
    return [trial.iteration for trial in run.trials]


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_second_experiment_is_refused(name: str) -> None:
    scheduler = SCHEDULERS[name]()
    fresh = [cloudpickle.loads(cloudpickle.dumps(scheduler)), copy.deepcopy(scheduler)]
    reached = epochs(scheduler)
    used = [scheduler, cloudpickle.loads(cloudpickle.dumps(scheduler)), copy.deepcopy(scheduler)]
    for again in used:
        with pytest.raises(ValueError, match=f"this {type(scheduler).__name__} was used in anoth"):
            epochs(again)
    # Copies from before, which is what Tune's own restore uses, are as good as new ones.
    for copied in fresh:
        assert epochs(copied) == reached


@pytest.mark.parametrize("name", ["stopping", "hv", "scalarized"])
def test_a_restored_scheduler_is_not_a_used_one(name: str) -> None:
    first, second = SCHEDULERS[name](), SCHEDULERS[name]()
    epochs(first)
    second.set_state(first.get_state())
    epochs(second)
