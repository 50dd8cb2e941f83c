"""Ray's schedulers on one number made of all objectives, with equal and with random weights."""

from __future__ import annotations

import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import ScalarizedScheduler
from mobo_core.virtual import InOrder, simulate
from tests.bench.cheap import MAX_T, CheapProblem

OBJECTIVES = ObjectiveSet(
    [Objective("error", "min", 0.6, ideal=0), Objective("size", "min", 100, ideal=0)]
)


@pytest.mark.parametrize("random_weights", [False, True])
def test_random_weights_tell_equal_trials_apart(random_weights: bool) -> None:
    # All trials report error 0.5 of 0.6 and size 10 of 100 in every epoch. Weighted equally they
    # have the same number, and a tie is not stopped. With weights of its own each has another one.
    asha = AsyncHyperBandScheduler(
        time_attr="epoch", max_t=MAX_T, grace_period=1, reduction_factor=2
    )
    scheduler = ScalarizedScheduler(asha, OBJECTIVES, random_weights=random_weights, seed=1)
    run = simulate(
        CheapProblem(None),
        searcher=InOrder([{"number": n, "case": "ties"} for n in range(9)]),
        scheduler=scheduler,
        num_samples=9,
    )
    epochs = [trial.iteration for trial in run.trials]
    assert max(epochs) == MAX_T
    assert (min(epochs) < MAX_T) is random_weights
