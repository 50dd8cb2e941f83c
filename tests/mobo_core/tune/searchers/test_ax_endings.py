"""`AxSearcher` never stalls, whatever fails, ends early or reports nonsense, and says so."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from ax.core.trial_status import TrialStatus
from ray import tune
from ray.tune.search import Searcher

from mobo_core.tune import AxSearcher, ordered_choice
from mobo_core.tune.searchers.ax_watch import Watch
from tests.mobo_core.tune.searchers.ax_toy import (
    OBJECTIVES,
    complete,
    report,
    searcher,
    status,
)


def test_model_takes_over_and_running_trials_are_pending() -> None:
    ax = searcher(initialization_trials=3)
    complete(ax, 3)
    in_flight = [ax.suggest(f"pending-{k}") for k in range(2)]
    assert [ax.generation_node(str(k)) for k in range(3)] == ["Sobol"] * 3
    assert [ax.generation_node(f"pending-{k}") for k in range(2)] == ["BoTorch"] * 2
    # Without knowing the first, the same model and seed would give the same point again.
    assert in_flight[0] != in_flight[1]


def test_nothing_stalls_when_every_trial_fails() -> None:
    ax = searcher()
    for k in range(7):
        assert isinstance(ax.suggest(str(k)), dict)
        ax.on_trial_complete(str(k), None, error=True)


def test_nothing_stalls_when_no_trial_ever_ends() -> None:
    ax = searcher()
    assert all(isinstance(ax.suggest(str(k)), dict) for k in range(7))


def test_nothing_stalls_when_every_trial_stops_early() -> None:
    ax = searcher(initialization_trials=2)
    for k in range(6):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), report(config, 1))
    assert ax.generation_node("5") == "Sobol"


def test_a_model_that_cannot_suggest_gives_way_and_after_ten_suggestions_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A correct option that the optimiser of spaces without continuous parameters does not have.
    space = {"x": tune.randint(0, 9), "n": ordered_choice([1, 2, 4])}
    ax = AxSearcher(OBJECTIVES, space, initialization_trials=2, optimizer_options={"options": {}})
    for k in range(12):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), report(config))
    assert [ax.generation_node(str(k)) for k in range(12)] == ["Sobol"] * 2 + ["fallback"] * 10
    assert "a Sobol point takes its place" in caplog.text
    assert caplog.text.count("model has had no say for 10 suggestions, although") == 1
    assert "Ax raised UnsupportedError" in caplog.text


def test_axs_own_fallback_is_no_suggestion_of_the_model() -> None:
    # The model finds no new point in so small a space, and Ax draws a Sobol point in its place.
    ax = AxSearcher(
        OBJECTIVES,
        {"u": tune.choice(list("abcde"))},
        seed=1,
        initialization_trials=2,
        optimizer_options={"num_restarts": 1, "raw_samples": 2},
    )
    for k in range(3):
        assert isinstance(ax.suggest(str(k)), dict)
        ax.on_trial_complete(str(k), {"gain": 0.3 + 0.1 * k, "cost": 1.0 + k})
    (run,) = ax.client._experiment.trials[2].generator_runs
    assert run._generation_node_name == "BoTorch"
    assert ax.generation_node("2") == "fallback"


def test_silence_by_repeats_is_said(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(2, "epoch", None, "full-fidelity", full=2)
    for _ in range(12):
        watch.suggested(by_model=False, replaced=True)
    (record,) = caplog.records
    assert "no say for 10 suggestions" in record.getMessage()
    assert "configurations that have a trial already" in record.getMessage()


def test_a_value_without_parameters_of_its_own_comes_once_in_an_infinite_space() -> None:
    # Sobol points repeat such values, and Ax gives up after five attempts at another point.
    space = {"opt": tune.choice([{"x": tune.uniform(0, 1)}, *"abcdefghi"])}
    ax = AxSearcher(OBJECTIVES, space, initialization_trials=99)
    suggested = [ax.suggest(str(k)) for k in range(16)]
    values = [config["opt"] for config in suggested if isinstance(config, dict)]
    assert len(values) == 16
    assert all(values.count(value) == 1 for value in "abcdefghi")


def test_budgets_that_are_no_whole_numbers_count_as_full_within_rounding() -> None:
    ax = searcher(max_t=2.5, initialization_trials=2)
    for k, budget in enumerate([sum([0.1] * 25), 2.4999999, 2.5, 2.49]):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        ax.on_trial_complete(str(k), {**report(config), "epoch": budget})
    assert [status(ax, k) for k in range(4)] == [TrialStatus.COMPLETED] * 3 + [
        TrialStatus.EARLY_STOPPED
    ]
    assert ax.generation_node("2") == "BoTorch"


def test_a_wrong_max_t_is_said_once_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    ax = searcher(max_t=8)
    for k in range(18):
        config = ax.suggest(str(k))
        assert isinstance(config, dict)
        assert ("has had no say" in caplog.text) == (k >= 14)  # ten after five had ended
        ax.on_trial_complete(str(k), report(config, 5))
    (said,) = [r.getMessage() for r in caplog.records if "has had no say" in r.getMessage()]
    assert "0 of them are full" in said
    assert "pass max_t=5" in said


def test_a_model_that_cannot_speak_yet_is_not_complained_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ax = searcher()
    for k in range(15):  # no trial has ended
        ax.suggest(str(k))
    assert "no say" not in caplog.text


def test_a_failed_configuration_is_not_suggested_again() -> None:
    ax = searcher(initialization_trials=2)
    complete(ax, 2)
    failed = [ax.suggest("bad-0")]
    for k in range(1, 4):
        ax.on_trial_complete(f"bad-{k - 1}", None, error=True)
        failed.append(ax.suggest(f"bad-{k}"))
        assert ax.generation_node(f"bad-{k}") == "BoTorch"
    # The same model without new data would suggest the same point, up to rounding.
    places = sorted((config["n"], config["x"]) for config in failed if isinstance(config, dict))
    gaps = [b[1] - a[1] for a, b in pairwise(places) if a[0] == b[0]]
    assert all(gap > 0.01 for gap in gaps)


def test_a_failed_configuration_is_suggested_again_if_wished() -> None:
    ax = searcher(initialization_trials=2, failed="retry")
    complete(ax, 2)
    again = []
    for k in range(2):
        again.append(ax.suggest(f"bad-{k}"))
        ax.on_trial_complete(f"bad-{k}", None, error=True)
    assert again[0] == again[1]
    assert status(ax, 2) == TrialStatus.FAILED


@pytest.mark.parametrize("failing", [set(), {0.1}, {0.1, 0.9}])
def test_a_small_space_ends_whatever_fails(failing: set[float]) -> None:
    space = {"x": tune.choice([0.1, 0.9]), "n": ordered_choice([1, 2])}
    ax = AxSearcher(OBJECTIVES, space, initialization_trials=4)
    suggested = []
    while (config := ax.suggest(trial := str(len(suggested)))) != Searcher.FINISHED:
        assert isinstance(config, dict)
        suggested.append((config["x"], config["n"]))
        ax.on_trial_complete(trial, report(config), error=config["x"] in failing)
    assert sorted(suggested) == [(0.1, 1), (0.1, 2), (0.9, 1), (0.9, 2)]


def test_a_retried_configuration_that_succeeds_ends_a_small_space_too() -> None:
    ax = AxSearcher(OBJECTIVES, {"n": tune.choice([1, 2])}, failed="retry")
    tries: dict[int, int] = {}
    for k in range(20):
        config = ax.suggest(str(k))
        if config == Searcher.FINISHED:
            break
        assert isinstance(config, dict)
        tries[config["n"]] = tries.get(config["n"], 0) + 1
        outcome = {"gain": 1.0, "cost": 1.0}
        ax.on_trial_complete(str(k), outcome, error=tries[config["n"]] == 1)
    assert ax.suggest("more") == Searcher.FINISHED
    assert set(tries) == {1, 2}
    assert min(tries.values()) == 2


def test_a_trial_that_is_resumed_after_a_failure_counts_with_its_result() -> None:
    ax = searcher()
    config = ax.suggest("0")
    assert isinstance(config, dict)
    ax.on_trial_complete("0", None, error=True)
    ax.on_trial_complete("0", report(config))
    assert status(ax, 1) == TrialStatus.COMPLETED
    arms = [ax.client._experiment.trials[k].arms[0].parameters for k in (0, 1)]
    assert arms[0] == arms[1]
    ax.on_trial_complete("0", report(config))  # a completed trial stays as it is
    assert len(ax.client._experiment.trials) == 2


def test_a_trial_of_somebody_else_is_ignored_and_said(caplog: pytest.LogCaptureFixture) -> None:
    ax = searcher()
    ax.on_trial_result("strange", {"gain": 1, "cost": 1, "epoch": 1})
    ax.on_trial_complete("strange", {"gain": 1, "cost": 1, "epoch": 4})
    assert "did not suggest trial strange" in caplog.text
    assert not ax.client._experiment.trials


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (
            {"gain": 1.0, "epoch": 4},
            "metric 'cost' is missing from the report; reported keys: epoch",
        ),
        ({"gain": 1.0, "cost": None, "epoch": 4}, "metric 'cost' is missing from the report"),
        ({"gain": "high", "cost": 1.0, "epoch": 4}, "metric 'gain' must be a number, got 'high'"),
        ({"gain": 1.0, "cost": 1.0}, "time_attr 'epoch' is missing from the report"),
        ({"gain": 1.0, "cost": 1.0, "epoch": math.nan}, "time_attr 'epoch' must be finite"),
        (None, "it reported nothing"),
    ],
)
def test_a_last_report_that_cannot_be_used(
    last: dict[str, Any] | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    ax = searcher()
    ax.suggest("0")
    ax.on_trial_complete("0", last)
    assert status(ax, 0) == TrialStatus.ABANDONED
    assert f"trial 0 counts as failed for AxSearcher: {reason}" in caplog.text
    config = ax.suggest("1")
    assert isinstance(config, dict)
    ax.on_trial_result("1", report(config))
    if last is not None:
        ax.on_trial_result("1", last)
    ax.on_trial_complete("1", last)
    assert status(ax, 1) == TrialStatus.COMPLETED  # an earlier report had everything
