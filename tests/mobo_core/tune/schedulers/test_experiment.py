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


def test_the_last_report_of_a_retry_counts_although_the_first_attempt_went_further() -> None:
    class Short(CheapProblem):
        """A training that fails in epoch 4, and ends after the first when it is retried."""

        attempts = 0

        def start(self, config: Any, seed: int) -> Any:
            training, problem = super().start(config, seed), self
            self.attempts += 1
            run_epoch = training.run_epoch

            def one_epoch() -> dict[str, Any]:
                report = run_epoch()
                if problem.attempts == 1 and report["epoch"] == 4:
                    raise RuntimeError("out of luck")
                return {**report, "done": problem.attempts == 2}

            training.run_epoch = one_epoch  # type: ignore[method-assign]
            return training

    told: list[float] = []
    scheduler = SCHEDULERS["stopping"]()
    report = scheduler.rule.report

    def noted(trial_id: str, t: float, point: Any) -> Any:
        told.append(t)
        return report(trial_id, t, point)

    scheduler.rule.report = noted
    searcher = InOrder([{"number": 0, "case": "finish"}])
    simulate(Short(None), searcher=searcher, scheduler=scheduler, num_samples=1, max_failures=1)
    assert told[-1] < max(told)
    assert len(told) == 4
