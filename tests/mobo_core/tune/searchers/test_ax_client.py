"""`AxSearcher` with a client of the user's."""

from __future__ import annotations

from typing import Any

import pytest
from ax.api.client import Client
from ax.api.configs import (
    ChoiceParameterConfig,
    DerivedParameterConfig,
    RangeParameterConfig,
)
from ray.tune.search import Searcher

from mobo_core.tune import AxSearcher
from tests.mobo_core.tune.searchers.ax_toy import (
    FAST,
    OBJECTIVES,
    SPACE,
)


def client_of(*parameters: Any, objective: str = "gain, -cost", **options: Any) -> Client:
    client = Client(random_seed=0)
    x = RangeParameterConfig(name="x", bounds=(0, 1), parameter_type="float")
    client.configure_experiment(parameters or [x])
    client.configure_optimization(objective, **options)
    return client


def test_the_options_of_the_model_can_be_used_with_a_client() -> None:
    ax = AxSearcher(OBJECTIVES, client=client_of(), initialization_trials=2, optimizer_options=FAST)
    for k in range(3):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), {"gain": config["x"], "cost": config["x"] ** 2})
    assert [ax.generation_node(str(k)) for k in range(3)] == ["Sobol", "Sobol", "BoTorch"]


def test_the_space_of_a_client_nests_ends_and_takes_given_points() -> None:
    choices = ChoiceParameterConfig(
        name="opt/kind",
        values=["sgd", "adam"],
        parameter_type="str",
        is_ordered=False,
        dependent_parameters={"sgd": ["opt/n"]},
    )
    below = RangeParameterConfig(name="opt/n", bounds=(1, 2), parameter_type="int")
    ax = AxSearcher(
        client=client_of(choices, below),
        points_to_evaluate=[{"opt": {"kind": "sgd", "n": 2}}],
        initialization_trials=9,
    )
    configs = []
    while (config := ax.suggest(str(len(configs)))) != Searcher.FINISHED:
        configs.append(config)
    assert configs[0] == {"opt": {"kind": "sgd", "n": 2}}
    assert len(configs) == 3
    for expected in ({"kind": "sgd", "n": 1}, {"kind": "sgd", "n": 2}, {"kind": "adam"}):
        assert {"opt": expected} in configs


def test_the_derived_parameters_of_a_client_are_left_to_ax() -> None:
    whole = RangeParameterConfig(name="n", bounds=(0, 3), parameter_type="int")
    derived = DerivedParameterConfig(name="m", expression_str="2*n + 1", parameter_type="int")
    ax = AxSearcher(client=client_of(whole, derived), initialization_trials=9)
    configs = []
    while (config := ax.suggest(str(len(configs)))) != Searcher.FINISHED:
        configs.append(config)
    assert sorted(configs, key=str) == [{"n": n, "m": 2 * n + 1} for n in range(4)]


def unfinished() -> Client:
    client = Client()
    client.configure_experiment(
        [RangeParameterConfig(name="x", bounds=(0, 1), parameter_type="float")]
    )
    return client


def with_strategy() -> Client:
    client = client_of()
    client.configure_generation_strategy()
    return client


@pytest.mark.parametrize(
    ("client", "options", "message"),
    [
        (Client(), {}, "has no experiment; call its configure_experiment"),
        (unfinished(), {}, "has no objectives; call its configure_optimization"),
        ("client", {}, "client must be an ax.api.client.Client, got builtins.str"),
        (
            client_of(objective="-gain, -cost"),
            {},
            "the client optimises gain (min), cost (min), but objectives= says gain (max), cost",
        ),
        (client_of(objective="gain"), {}, "the client optimises gain (max), but objectives= says"),
        (with_strategy(), {"initialization_trials": 3}, "has a generation strategy of its own"),
        (client_of(), {"space": SPACE}, "brings its own space"),
        (client_of(), {"outcome_constraints": ["time <= 3"]}, "brings its own space"),
        (client_of(), {"parameter_constraints": ["x <= 3"]}, "brings its own space"),
    ],
)
def test_a_client_that_cannot_be_used_is_refused_in_one_line(
    client: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="client") as caught:
        AxSearcher(OBJECTIVES, client=client, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


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
