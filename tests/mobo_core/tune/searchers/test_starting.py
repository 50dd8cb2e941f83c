"""Starting points and known results, read against a space."""

from __future__ import annotations

import logging
import math
from typing import Any

import pandas as pd
import pytest
from ray import tune

from mobo_core.tune.searchers.starting import KnownResult, Start, read_start
from mobo_core.tune.space import tune_space

SPACE = tune_space(
    {
        "rate": tune.uniform(0, 1),
        "act": tune.choice([None, "relu"]),
        "opt": tune.choice([{"kind": "sgd", "m": tune.uniform(0, 1)}, {"kind": "adam"}]),
        "epochs": 8,
    }
)
ADAM = {"rate": 0.5, "act": None, "opt": {"kind": "adam"}}


def known(given: Any, metrics: tuple[str, ...] = ("loss",)) -> tuple[KnownResult, ...]:
    return read_start(SPACE, None, given, metrics).known


def test_nothing_is_given() -> None:
    assert read_start(SPACE) == read_start(SPACE, [], []) == Start((), ())


@pytest.mark.parametrize("points", [{"rate": 0.5}, [0.5], "rate", 3])
def test_points_are_a_list_of_configurations(points: Any) -> None:
    with pytest.raises(ValueError, match="points_to_evaluate must be a list of configurations"):
        read_start(SPACE, points)


def test_a_bad_point_is_named_by_its_number() -> None:
    with pytest.raises(ValueError, match=r"points_to_evaluate\[1\]: parameter 'rate' must lie"):
        read_start(SPACE, [{"rate": 0.5}, {"rate": 5}])


def test_pairs_in_any_sequence() -> None:
    pairs = [(ADAM, {"loss": 1.0, "val": {"loss": 2.0}}), (ADAM, None)]
    for given in (pairs, tuple(pairs), iter(pairs), [list(pair) for pair in pairs]):
        good, failed = known(given, ("loss", "val/loss"))
        assert SPACE.configuration(good.values) == ADAM | {"epochs": 8}
        assert good.metrics == {"loss": 1.0, "val": {"loss": 2.0}}
        assert failed == KnownResult(good.values, None)


@pytest.mark.parametrize("value", [math.nan, math.inf, "text"])
def test_a_value_that_is_not_finite_means_failed(value: Any) -> None:
    assert known([(ADAM, {"loss": value})])[0].metrics is None


def test_what_does_not_fit_is_left_out_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    given = [
        (ADAM | {"rate": 2}, {"loss": 1}),  # the space is narrower now
        (ADAM | {"epochs": 9}, {"loss": 1}),  # another constant
        ({"rate": 0.5}, {"loss": 1}),  # parameters are missing
        (ADAM | {"other": 3}, {"loss": 7}),  # of no importance
    ]
    with caplog.at_level(logging.WARNING):
        (left,) = known(given)
    assert left.metrics == {"loss": 7}
    (record,) = caplog.records
    assert "3 of 4 known results cannot be used and are left out" in record.getMessage()
    assert "known_results[0]: parameter 'rate' must lie in [0, 1], got 2" in record.getMessage()


def test_results_of_a_search_with_other_constants_are_left_out_even_if_none_remains(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = ADAM | {"epochs": 9}
    assert known([(other, {"loss": 1}), (other | {"rate": 0.1}, {"loss": 2})]) == ()
    (record,) = caplog.records
    assert record.getMessage() == (
        "2 of 2 known results cannot be used and are left out: "
        "known_results[0]: constant 'epochs' is 8, got 9"
    )


def test_a_report_that_makes_a_failure_of_its_result_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reports = [{"loss": 1.0}, {"loss": math.nan}, {"acc": 1.0}, None]
    results = known([(ADAM, report) for report in reports])
    assert [result.metrics is None for result in results] == [False, True, True, True]
    (record,) = caplog.records
    assert record.getMessage() == (
        "2 of 4 known results count as failed: "
        "known_results[1]: metric 'loss' must be a finite number, got nan; "
        "known_results[2]: metric 'loss' is missing"
    )


def test_if_nothing_fits_it_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"none of 2 known results can be used; .*\[0\].*'rate'"):
        known([(ADAM | {"rate": 2}, {"loss": 1}), ({}, {"loss": 1})])


def test_a_metric_with_another_name_is_an_error() -> None:
    # Otherwise all would count as failed.
    with pytest.raises(ValueError, match=r"'accuracy' is in none of 2 known results; .* acc, loss"):
        known([(ADAM, {"loss": 1}), (ADAM, {"acc": 1}), (ADAM, None)], ("accuracy",))


def test_the_last_report_with_all_metrics_counts() -> None:
    # The last report of a trial often holds test metrics only.
    reports = [{"loss": 3, "config": ADAM}, {"loss": 2}, {"test_loss": 9}]
    rows = [{"trial_id": "a", **report} for report in reports]
    (result,) = known(rows)
    assert result.metrics is not None
    assert result.metrics["loss"] == 2
    (failed, _) = known([(ADAM, {"test_loss": 1}), (ADAM, {"loss": 1})])
    assert failed.metrics is None


@pytest.mark.parametrize("given", [3, {"rate": 0.5}, [1], [(ADAM, 3)], [(1, {})]])
def test_another_form_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="known_results must be pairs"):
        known(given)


def test_a_table_of_tune() -> None:
    # As `ResultGrid.get_dataframe` writes it: an empty cell for None and for what does not exist.
    table = pd.DataFrame(
        {
            "loss": [1.0, math.nan, 3.0],
            "trial_id": ["a", "b", "c"],
            "config/rate": [0.1, 0.2, 0.3],
            "config/act": [None, "relu", None],
            "config/opt/kind": ["sgd", "adam", "adam"],
            "config/opt/m": [0.5, math.nan, math.nan],
            "config/epochs": [8, 8, 8],
        }
    )
    first, second, third = known(table)
    assert SPACE.configuration(first.values) == {
        "rate": 0.1,
        "act": None,
        "opt": {"kind": "sgd", "m": 0.5},
        "epochs": 8,
    }
    assert first.metrics is not None
    assert first.metrics["loss"] == 1.0
    assert SPACE.configuration(second.values)["act"] == "relu"
    assert second.metrics is None
    assert third.values["act"] is None


def test_a_table_without_configurations_is_refused() -> None:
    with pytest.raises(ValueError, match=r"none of 1 known results .* is missing"):
        known(pd.DataFrame({"loss": [1.0], "rate": [0.5]}))
