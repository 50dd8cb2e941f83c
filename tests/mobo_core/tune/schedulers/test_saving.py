"""Schedulers are saved and restored; those that cannot be restored are refused at once."""

from __future__ import annotations

import copy
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
            return StoppingMOASHA(OBJECTIVES, MAX_T, reduction_factor=2, time_attr="epoch")
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
