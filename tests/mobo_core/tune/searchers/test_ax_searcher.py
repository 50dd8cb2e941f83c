"""`AxSearcher` gives Ax the right data, and never stalls."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ax.api.client import Client
from ax.api.configs import RangeParameterConfig
from ax.core.trial_status import TrialStatus
from ray import tune
from ray.tune.search import Searcher

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import AxSearcher, ordered_choice

OBJECTIVES = ObjectiveSet([Objective("gain", "max", 0.2), Objective("cost", "min", 5, exact=True)])
SPACE = {"x": tune.uniform(0, 1), "n": ordered_choice([1, 2, 4])}


def report(config: dict[str, Any], epoch: int = 4) -> dict[str, Any]:
    return {"gain": config["x"] * epoch / 4, "cost": config["n"] + config["x"], "epoch": epoch}


def searcher(**options: Any) -> AxSearcher:
    return AxSearcher(OBJECTIVES, SPACE, **{"time_attr": "epoch", "max_t": 4, **options})


def status(ax: AxSearcher, trial: int) -> TrialStatus:
    return ax.client._experiment.trials[trial].status


def complete(ax: AxSearcher, count: int) -> None:
    for k in range(count):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), report(config))


def test_references_become_thresholds_and_goals_directions() -> None:
    config = searcher().client._experiment.optimization_config
    assert config is not None
    thresholds = {t.metric_names[0]: (t.bound, t.op.name) for t in config.objective_thresholds}
    assert thresholds == {"gain": (0.2, "GEQ"), "cost": (5.0, "LEQ")}
    assert dict(config.objective.metric_weights) == {"gain": 1.0, "cost": -1.0}


def test_endings_are_told_as_what_they_are() -> None:
    ax = searcher()
    endings: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        ({"epoch": 1}, False),
        ({}, True),
        ({"gain": math.nan}, False),
        ({"cost": math.inf}, False),
    ]
    for k, (change, error) in enumerate(endings):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), {**report(config), **change}, error)
    assert [status(ax, k) for k in range(5)] == [
        TrialStatus.COMPLETED,
        TrialStatus.EARLY_STOPPED,
        TrialStatus.FAILED,
        TrialStatus.FAILED,
        TrialStatus.FAILED,
    ]


def test_a_trial_that_ends_in_silence_keeps_its_last_report() -> None:
    # Tune passes result=None when a paused trial is stopped.
    ax = searcher()
    config = ax.suggest("0")
    assert isinstance(config, dict)
    ax.on_trial_result("0", report(config, 1))
    ax.on_trial_complete("0", None)
    ax.suggest("1")
    ax.on_trial_complete("1", None)
    assert [status(ax, 0), status(ax, 1)] == [TrialStatus.EARLY_STOPPED, TrialStatus.FAILED]


def test_exact_metrics_are_given_without_noise() -> None:
    ax = searcher()
    complete(ax, 1)
    data = ax.client._experiment.lookup_data().df.set_index("metric_name")["sem"]
    assert data["cost"] == 0
    assert math.isnan(data["gain"])


def test_model_takes_over_and_running_trials_are_pending() -> None:
    ax = searcher(initialization_trials=3)
    complete(ax, 3)
    in_flight = [ax.suggest(f"pending-{k}") for k in range(2)]
    assert [ax.generation_node(str(k)) for k in range(3)] == ["Sobol"] * 3
    assert [ax.generation_node(f"pending-{k}") for k in range(2)] == ["BoTorch"] * 2
    # Without knowing the first, the same model and seed would give the same point again.
    assert in_flight[0] != in_flight[1]


@pytest.mark.parametrize(
    ("partial_data", "known"),
    [
        ("full-fidelity", {0, 1, 2}),
        ("last-value", {0, 1, 2, 3}),
        ("fidelity-feature", {0, 1, 2, 3}),
    ],
)
def test_what_the_model_learns_of_a_stopped_trial(partial_data: Any, known: set[int]) -> None:
    ax = searcher(initialization_trials=3, partial_data=partial_data)
    complete(ax, 3)
    config = ax.suggest("3")
    assert isinstance(config, dict)
    ax.on_trial_result("3", report(config, 1))
    ax.on_trial_complete("3", report(config, 1))
    ax.suggest("4")
    strategy = ax.client._generation_strategy
    assert strategy is not None
    adapter = strategy.adapter
    assert adapter is not None
    trials = adapter.get_training_data().observation_data.index.get_level_values("trial_index")
    assert set(trials) == known
    # Only one of the modes has the budget among the model's inputs.
    assert ("step" in adapter.parameters) == (partial_data == "fidelity-feature")


@pytest.mark.parametrize("partial_data", ["full-fidelity", "last-value"])
def test_full_trials_of_other_lengths_make_no_input_of_the_budget(partial_data: Any) -> None:
    ax = AxSearcher(
        OBJECTIVES, SPACE, seed=1, initialization_trials=3, partial_data=partial_data
    )  # without max_t, every trial that ends without an error is complete
    for k in range(3):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), report(config, 1 + k) | {"training_iteration": 1 + k})
    ax.suggest("3")
    strategy = ax.client._generation_strategy
    assert strategy is not None
    assert strategy.adapter is not None
    assert len(strategy.adapter.get_training_data().observation_data) == 3
    assert "step" not in strategy.adapter.parameters


def test_nothing_stalls_when_every_trial_fails() -> None:
    ax = searcher()
    for k in range(12):
        assert isinstance(ax.suggest(str(k)), dict)
        ax.on_trial_complete(str(k), None, error=True)


def test_nothing_stalls_when_no_trial_ever_ends() -> None:
    ax = searcher()
    assert all(isinstance(ax.suggest(str(k)), dict) for k in range(12))


def test_nothing_stalls_when_every_trial_stops_early() -> None:
    ax = searcher(initialization_trials=2)
    for k in range(8):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), report(config, 1))
    assert ax.generation_node("7") == "Sobol"


def test_small_space_is_used_up_and_then_finished() -> None:
    ax = AxSearcher(OBJECTIVES, {"x": tune.choice([0.1, 0.9]), "n": ordered_choice([1, 2])})
    suggested = []
    for k in range(8):
        config = ax.suggest(str(k))
        if config == Searcher.FINISHED:
            break
        assert isinstance(config, dict)
        suggested.append((config["x"], config["n"]))
        ax.on_trial_complete(str(k), report(config))
    assert ax.suggest("more") == Searcher.FINISHED
    assert sorted(suggested) == [(0.1, 1), (0.1, 2), (0.9, 1), (0.9, 2)]


def test_a_model_that_cannot_be_fitted_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    ax = searcher(initialization_trials=2, optimizer_options={"num_restarts": "many"})
    complete(ax, 2)
    assert isinstance(ax.suggest("2"), dict)
    assert ax.generation_node("2") == "fallback"
    assert "a Sobol point takes its place" in caplog.text


def test_ready_made_client_with_its_own_experiment() -> None:
    client = Client(random_seed=0)
    client.configure_experiment(
        [RangeParameterConfig(name="x", bounds=(0, 1), parameter_type="float")]
    )
    client.configure_optimization("gain, -cost", outcome_constraints=["time <= 3"])
    ax = AxSearcher(client=client)
    for k in range(3):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), {"gain": config["x"], "cost": 1.0, "time": 2.0})
    assert set(client._experiment.lookup_data().metric_names) == {"gain", "cost", "time"}


def test_clients_own_strategy_may_wait_for_running_trials() -> None:
    client = Client(random_seed=0)
    client.configure_experiment(
        [RangeParameterConfig(name="x", bounds=(0, 1), parameter_type="float")]
    )
    client.configure_optimization("gain")
    client.configure_generation_strategy(initialization_budget=2)
    ax = AxSearcher(client=client)
    configs = [ax.suggest("0"), ax.suggest("1")]
    assert ax.suggest("2") is None
    for k, config in enumerate(configs):
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), {"gain": config["x"]})
    assert isinstance(ax.suggest("3"), dict)


def test_outcome_constraints_reach_ax() -> None:
    ax = searcher(outcome_constraints=["time <= 3"])
    config = ax.client._experiment.optimization_config
    assert config is not None
    assert "time" in config.metric_names


def test_three_objectives_and_one() -> None:
    three = ObjectiveSet([*OBJECTIVES, Objective("loss", "min", 2)])
    for objectives in (three, ObjectiveSet([Objective("gain", "max", 0.2)])):
        ax = AxSearcher(objectives, SPACE, initialization_trials=2)
        for k in range(4):
            config = ax.suggest(str(k))
            assert isinstance(config, dict)
            ax.on_trial_complete(str(k), {**report(config), "loss": 1 - config["x"]})
        assert ax.generation_node("3") == "BoTorch"


def test_missing_metric_is_an_error_that_names_it() -> None:
    ax = searcher()
    ax.suggest("0")
    with pytest.raises(ValueError, match="metric 'cost' is missing from the report"):
        ax.on_trial_complete("0", {"gain": 1.0, "epoch": 4})


def test_predicted_front_is_close_to_an_observed_one() -> None:
    ax = searcher(initialization_trials=3)
    assert ax.predicted_front() is None
    complete(ax, 8)
    front = ax.predicted_front()
    assert front is not None
    # cost = n + gain: the best predicted gain, 1, costs at least 2 with n = 1.
    assert front[:, 0].min() == pytest.approx(-1, abs=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objectives": None}, "needs `objectives`, or a `client`"),
        ({"partial_data": "some"}, "partial_data must be one of"),
        ({"initialization_trials": 0}, "initialization_trials must be ≥ 1"),
        ({"client": Client(), "space": SPACE}, "brings its own space"),
        ({"client": Client(), "partial_data": "last-value"}, "brings its own space"),
        ({"objectives": ObjectiveSet([Objective("val/acc", "max", 0)]), "space": SPACE}, "rename"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AxSearcher(**{"objectives": OBJECTIVES, **arguments})
