"""Schedulers are saved and restored; those that cannot be restored are refused at once."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest
from ray import tune
from ray.tune import schedulers

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import (
    HypervolumePromotion,
    PromotionMOASHA,
    ScalarizedScheduler,
    SchedulerState,
    StoppingMOASHA,
)
from mobo_core.virtual import InOrder, simulate
from tests.bench.cheap import MAX_T, CheapProblem

OBJECTIVES = ObjectiveSet(
    [Objective("error", "min", 0.6, ideal=0), Objective("size", "min", 100, ideal=0)]
)


def scalarized(scheduler: Any) -> ScalarizedScheduler:
    return ScalarizedScheduler(scheduler, OBJECTIVES)


@pytest.mark.parametrize(
    "scheduler",
    [
        schedulers.MedianStoppingRule(time_attr="epoch"),
        schedulers.HyperBandScheduler(time_attr="epoch", max_t=MAX_T),
    ],
)
def test_what_knows_trials_by_their_objects_is_refused(scheduler: Any) -> None:
    with pytest.raises(ValueError, match=f"{type(scheduler).__name__} cannot continue after a r"):
        SchedulerState(scalarized(scheduler))


@pytest.mark.parametrize(
    "scheduler",
    [
        schedulers.ASHAScheduler(),
        schedulers.ResourceChangingScheduler(
            StoppingMOASHA(OBJECTIVES, MAX_T, time_attr="epoch"), None
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:`resources_allocation_function` is None")
def test_schedulers_of_ray_are_refused_with_the_remedy(scheduler: Any) -> None:
    name = type(scheduler).__name__
    with pytest.raises(ValueError, match=f"got {name}: leave it out, or give it the scheduler ins"):
        SchedulerState(scheduler)


def test_a_state_that_cannot_be_pickled_is_refused() -> None:
    scheduler = StoppingMOASHA(OBJECTIVES, MAX_T, time_attr="epoch")
    scheduler.rule.lock = threading.Lock()
    with pytest.raises(ValueError, match=r"state of StoppingMOASHA cannot be pickled \(.*lock"):
        SchedulerState(scheduler)


def test_the_state_of_another_scheduler_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    stopping = SchedulerState(StoppingMOASHA(OBJECTIVES, MAX_T, time_attr="epoch"))
    promotion = SchedulerState(PromotionMOASHA(OBJECTIVES, MAX_T, slots=1, time_attr="epoch"))
    before = promotion.scheduler.get_state()
    for state, name in [(stopping.get_state(), "StoppingMOASHA"), ({"a": 1}, "another callback")]:
        promotion.set_state(state)
        assert f"the state at its place is that of {name}" in caplog.messages[-1]
    assert promotion.scheduler.get_state() == before


@pytest.mark.parametrize("name", ["asha", "stopping", "promotion", "hv"])
def test_a_state_holds_all_that_was_learned(name: str) -> None:
    """A scheduler that takes over half-way decides as the one that it took over from."""

    def make() -> Any:
        if name == "asha":
            return scalarized(
                schedulers.AsyncHyperBandScheduler(
                    time_attr="epoch", max_t=MAX_T, grace_period=1, reduction_factor=2
                )
            )
        if name == "stopping":
            return StoppingMOASHA(
                OBJECTIVES, MAX_T, reduction_factor=2, time_attr="epoch", quota="floor_plus_one"
            )
        if name == "promotion":
            return PromotionMOASHA(
                OBJECTIVES, MAX_T, reduction_factor=2, slots=1, time_attr="epoch"
            )
        return HypervolumePromotion(OBJECTIVES, MAX_T, slots=1, time_attr="epoch")

    class Relay(tune.Callback):
        """A callback that saves the scheduler's state and restores it at once, as Tune would."""

        def __init__(self, scheduler: Any) -> None:
            self.state = SchedulerState(scheduler)
            self.relayed = 0

        def on_trial_result(self, iteration: int, *args: Any, **told: Any) -> None:
            if iteration % 5 == 0:
                self.state.set_state(copy.deepcopy(self.state.get_state()))
                self.relayed += 1

    def epochs(with_relay: bool) -> list[int]:
        scheduler = make()
        relay = Relay(scheduler)
        run = simulate(
            CheapProblem(None),
            searcher=InOrder([{"number": n, "case": "finish"} for n in range(9)]),
            scheduler=scheduler,
            num_samples=9,
            callbacks=[relay] if with_relay else [],
        )
        assert (relay.relayed > 1) is with_relay
        return [trial.iteration for trial in run.trials]

    assert epochs(with_relay=True) == epochs(with_relay=False)
    assert len(set(epochs(with_relay=False))) > 1
