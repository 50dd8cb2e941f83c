"""`AxSearcher` gives Ax the right data, and refuses what Ax cannot have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from ax.core.trial_status import TrialStatus
from ray import tune

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import AxSearcher
from tests.mobo_core.tune.searchers.ax_toy import (
    FAST,
    OBJECTIVES,
    SPACE,
    complete,
    report,
    searcher,
    status,
)


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
        TrialStatus.ABANDONED,
        TrialStatus.ABANDONED,
        TrialStatus.ABANDONED,
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
    assert [status(ax, 0), status(ax, 1)] == [TrialStatus.EARLY_STOPPED, TrialStatus.ABANDONED]


def test_exact_metrics_are_given_without_noise() -> None:
    ax = searcher()
    complete(ax, 1)
    data = ax.client._experiment.lookup_data().df.set_index("metric_name")["sem"]
    assert data["cost"] == 0
    assert math.isnan(data["gain"])


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
    ax = searcher(
        seed=1,
        initialization_trials=3,
        partial_data=partial_data,
        max_t=None,
        time_attr="training_iteration",
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


def test_names_choices_and_branches_of_any_kind_under_a_model() -> None:
    objectives = [Objective("lambda", "min", 2), Objective("val/loss", "min", 3)]
    space = {
        "opt": tune.choice([{"kind": dict, "momentum": tune.uniform(0, 1)}, {"kind": None}]),
        "drop (rate)": tune.quniform(0, 1, 0.25),
        "layers": [4, tune.randint(1, 9)],
    }
    ax = AxSearcher(
        objectives,
        space,
        outcome_constraints=["val/time <= 3"],
        parameter_constraints=["drop (rate) + layers/1 / 8 <= 1"],
        initialization_trials=3,
        optimizer_options=FAST,
    )
    for k in range(4):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        assert config["opt"]["kind"] in (dict, None)
        assert ("momentum" in config["opt"]) == (config["opt"]["kind"] is dict)
        assert config["layers"][0] == 4
        assert config["drop (rate)"] + config["layers"][1] / 8 <= 1 + 1e-9
        val = {"loss": config["drop (rate)"], "time": 1.0}
        ax.on_trial_complete(str(k), {"lambda": 1 / config["layers"][1], "val": val})
    assert [ax.generation_node(str(k)) for k in range(4)] == ["Sobol"] * 3 + ["BoTorch"]
    assert set(ax.ax_names) == {
        "lambda",
        "val/loss",
        "val/time",
        "drop (rate)",
        "layers/1",
        "opt/0/momentum",
    }
    front = ax.predicted_front()
    assert front is not None
    assert front.shape[1] == 2


def test_given_points_come_first_and_known_results_are_data() -> None:
    known: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = [
        ({"x": 0.1 * k, "n": 1}, report({"x": 0.1 * k, "n": 1}, 4 if k else 2)) for k in range(4)
    ]
    known.append(({"x": 0.9, "n": 4}, None))
    ax = searcher(
        points_to_evaluate=[{"x": 0.5, "n": 2}, {"n": 4}],
        known_results=known,
        initialization_trials=3,
    )
    assert [status(ax, k) for k in range(5)] == [
        TrialStatus.EARLY_STOPPED,
        *[TrialStatus.COMPLETED] * 3,
        TrialStatus.ABANDONED,
    ]
    first, second, third = (ax.suggest(str(k)) for k in range(3))
    assert first == {"x": 0.5, "n": 2}
    assert isinstance(second, dict)
    assert second["n"] == 4
    assert [ax.generation_node(str(k)) for k in range(3)] == ["given", "given", "BoTorch"]
    assert isinstance(third, dict)
    for k, config in enumerate([first, second, third]):
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), report(config))
    assert status(ax, 5) == TrialStatus.COMPLETED


def test_a_known_result_without_a_budget_is_a_full_one() -> None:
    last = {"gain": 0.5, "cost": 2.0}
    known = [({"x": 0.1 * k, "n": 1}, last | budget) for k, budget in enumerate(BUDGETS)]
    for partial_data in ("full-fidelity", "fidelity-feature"):
        ax = searcher(known_results=known, partial_data=partial_data)
        assert [status(ax, k).name for k in range(3)] == ["COMPLETED"] * 2 + ["EARLY_STOPPED"]


BUDGETS: list[dict[str, Any]] = [{}, {"epoch": None}, {"epoch": 2}]


def test_known_results_that_ax_cannot_have_are_left_out_with_the_reasons(
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = [
        ({"x": 0.9, "n": 1}, report({"x": 0.9, "n": 1})),
        ({"x": 0.8, "n": 1}, None),
        ({"x": 0.3, "n": 1}, report({"x": 0.3, "n": 1}) | {"epoch": "last"}),
        ({"x": 0.2, "n": 1}, report({"x": 0.2, "n": 1})),
    ]
    ax = searcher(parameter_constraints=["x <= 0.5"], known_results=given)
    assert [t.arm.parameters["x"] for t in ax.client._experiment.trials.values()] == [0.2]
    (text,) = [r.getMessage() for r in caplog.records if r.name.startswith("mobo_core")]
    assert text.startswith("3 of 4 known results cannot be used and are left out: ")
    assert text.count("it breaks the parameter constraint 'x <= 0.5'") == 1
    assert "known_results[2]: time_attr 'epoch' must be a number, got 'last'" in text
    caplog.clear()
    searcher(parameter_constraints=["x <= 0.1"], known_results=given[:2])
    assert "2 of 2 known results cannot be used" in caplog.text


def test_outcome_constraints_reach_ax() -> None:
    ax = searcher(outcome_constraints=["time <= 3"])
    config = ax.client._experiment.optimization_config
    assert config is not None
    assert "time" in config.metric_names


def test_three_objectives_and_one() -> None:
    three = ObjectiveSet([*OBJECTIVES, Objective("loss", "min", 2)])
    for objectives in (three, ObjectiveSet([Objective("gain", "max", 0.2)])):
        ax = AxSearcher(objectives, SPACE, initialization_trials=2, optimizer_options=FAST)
        for k in range(3):
            config = ax.suggest(str(k))
            assert isinstance(config, dict)
            ax.on_trial_complete(str(k), {**report(config), "loss": 1 - config["x"]})
        assert ax.generation_node("2") == "BoTorch"


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
        ({"failed": "skip"}, "failed must be one of"),
        ({"initialization_trials": 0}, "initialization_trials must be at least 1"),
        ({"initialization_trials": 2.5}, "initialization_trials must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"max_t": math.nan}, "max_t must be a finite number"),
        ({"max_t": 0}, "max_t must be greater than 0"),
        ({"time_attr": None}, "time_attr must be the key of a report"),
        ({"optimizer_options": {"num_restart": 2}}, "did you mean 'num_restarts'?"),
        ({"optimizer_options": {"num_restarts": "many"}}, "must be a whole number"),
        ({"optimizer_options": {"options": {"maxitr": 2}}}, "did you mean 'maxiter'?"),
        ({"optimizer_options": {"q": 2}}, "has no option 'q'"),
        ({"optimizer_options": 3}, "must be a dict of options"),
        ({"outcome_constraints": ["gain >= 0.3"]}, "give a bound as reference= of"),
        ({"outcome_constraints": ["gain + time >= 0.3"]}, "is on the objective 'gain'"),
        ({"outcome_constraints": ["time >= 0.9 * baseline"]}, "relative to a baseline"),
        ({"outcome_constraints": "time <= 3"}, "must be a list of texts"),
        ({"parameter_constraints": ["z <= 3"]}, "names 'z', which is no parameter"),
        ({"parameter_constraints": ["x <= -1"]}, "no configuration of the space keeps"),
        ({"points_to_evaluate": [{"x": 2}]}, "points_to_evaluate[0]"),
        (
            {"points_to_evaluate": [{"x": 0.9}], "parameter_constraints": ["x <= 0.5"]},
            "points_to_evaluate[0] breaks the parameter constraint 'x <= 0.5'",
        ),
        ({"space": {"x": tune.uniform(0, 1e-13)}}, "Ax cannot have this search space"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        AxSearcher(**{"objectives": OBJECTIVES, "space": SPACE, **arguments})
    assert message in str(caught.value)


def test_objectives_may_be_a_list_but_nothing_else() -> None:
    assert sorted(AxSearcher(list(OBJECTIVES), SPACE).suggest("0")) == ["n", "x"]  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be an ObjectiveSet or a list of Objective"):
        AxSearcher("gain", SPACE)  # type: ignore[arg-type]
