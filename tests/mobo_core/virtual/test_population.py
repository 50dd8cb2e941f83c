"""Ray's population-based training in virtual time: it clones, and trials take turns as in Tune."""

from __future__ import annotations

from typing import Any

from ray import tune
from ray.tune.schedulers import PopulationBasedTraining

from mobo_core.virtual import Cluster, simulate
from tests.mobo_core.virtual.test_simulation import Steps

CONFIGS = [{"quality": float(quality), "seconds": 1.0} for quality in (1, 2, 4, 8)]


def training() -> PopulationBasedTraining:
    return PopulationBasedTraining(
        time_attr="epoch",
        metric="error",
        mode="min",
        perturbation_interval=2,
        hyperparam_mutations={"quality": tune.uniform(1, 2)},
        log_config=False,
    )


def test_population_based_training_clones_states_and_configurations() -> None:
    class Walk(Steps):
        max_epochs = 12

    scheduler = training()
    result = simulate(
        Walk(), searcher=CONFIGS, scheduler=scheduler, num_samples=4, cluster=Cluster(4)
    )
    assert scheduler._num_perturbations > 0
    assert [t.last_result["epoch"] for t in result.trials] == [12] * 4
    assert min(t.config["quality"] for t in result.trials) > 1  # the worst was replaced


def test_given_configurations_wait_in_a_queue_and_take_turns() -> None:
    """As in Tune, population-based training pauses a trial when others wait for its slot."""

    class Slow(Steps):
        max_epochs = 6

    scheduler = training()
    order: list[tuple[str, int]] = []

    class Reports(tune.Callback):
        def on_trial_result(
            self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            order.append((trial.trial_id, result["epoch"]))

    simulate(Slow(), searcher=CONFIGS, scheduler=scheduler, num_samples=4, callbacks=[Reports()])
    # One worker: all four are seen at epoch 2 before any is trained on.
    assert [epoch for _, epoch in order[:8]] == [1, 2] * 4
    assert len({trial for trial, _ in order[:8]}) == 4
