from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.objectives import Objective, ObjectiveSet

pytestmark = pytest.mark.filterwarnings("error")

ACCURACY = Objective("val_accuracy", "max", 0.90)
PARAMS = Objective("model_params", "min", 100_000, exact=True)
BOTH = ObjectiveSet([ACCURACY, PARAMS])

numbers = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(("goal", "sign"), [("min", 1.0), ("max", -1.0)])
def test_sign_turns_better_into_smaller(goal: Any, sign: float) -> None:
    assert Objective("x", goal, 0.0).sign == sign


def test_defaults_are_a_noisy_plain_number() -> None:
    assert (ACCURACY.unit, ACCURACY.exact) == ("", False)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_is_a_non_empty_string(name: Any) -> None:
    with pytest.raises(ValueError, match="name"):
        Objective(name, "min", 1.0)


@pytest.mark.parametrize("goal", ["maximize", "MIN", "", None])
def test_a_goal_is_max_or_min(goal: Any) -> None:
    with pytest.raises(ValueError, match=r"'loss'.*'max' or 'min'"):
        Objective("loss", goal, 1.0)


@pytest.mark.parametrize("reference", [math.nan, math.inf, -math.inf, "0.9", None])
def test_a_reference_is_a_finite_number(reference: Any) -> None:
    with pytest.raises(ValueError, match=r"'loss'.*finite"):
        Objective("loss", "min", reference)


def test_objectives_are_frozen_values() -> None:
    assert Objective("val_accuracy", "max", 0.90) == ACCURACY
    assert hash(ObjectiveSet([ACCURACY, PARAMS])) == hash(BOTH)
    with pytest.raises(dataclasses.FrozenInstanceError):
        ACCURACY.reference = 0.5  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        BOTH.objectives = ()  # type: ignore[misc]


def test_a_set_keeps_its_order() -> None:
    assert len(BOTH) == 2
    assert list(BOTH) == [ACCURACY, PARAMS]
    assert BOTH.names == ("val_accuracy", "model_params")
    assert BOTH.signs.tolist() == [-1.0, 1.0]
    assert BOTH.reference_point.tolist() == [-0.90, 100_000.0]
    assert ObjectiveSet([PARAMS, ACCURACY]) != BOTH


def test_a_set_takes_any_iterable_once() -> None:
    assert ObjectiveSet(o for o in (ACCURACY, PARAMS)) == BOTH


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ObjectiveSet([])


def test_names_must_differ() -> None:
    with pytest.raises(ValueError, match="differ"):
        ObjectiveSet([ACCURACY, Objective("val_accuracy", "min", 1.0)])


def test_members_must_be_objectives() -> None:
    with pytest.raises(TypeError, match="Objective"):
        ObjectiveSet([ACCURACY, "model_params"])  # type: ignore[list-item]


def test_to_point_flips_what_is_maximised_and_ignores_other_keys() -> None:
    report = {"model_params": 31690, "val_accuracy": 0.96, "epoch": 8, "note": "x"}
    assert BOTH.to_point(report).tolist() == [-0.96, 31690.0]


def test_broken_values_pass_through() -> None:
    point = BOTH.to_point({"val_accuracy": math.inf, "model_params": math.nan})
    assert point[0] == -math.inf
    assert math.isnan(point[1])


def test_a_missing_objective_names_itself_and_what_was_reported() -> None:
    with pytest.raises(ValueError, match=r"'model_params' is missing.*loss, val_accuracy"):
        BOTH.to_point({"val_accuracy": 0.9, "loss": 1.0})


@pytest.mark.parametrize("value", [None, "high", [1.0], 1j])
def test_a_value_that_is_no_number_names_its_objective(value: Any) -> None:
    with pytest.raises(ValueError, match="'val_accuracy' must be a number"):
        BOTH.to_point({"val_accuracy": value, "model_params": 1})


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), np.array(0.5)])
def test_numbers_of_numpy_are_numbers(value: Any) -> None:
    assert BOTH.to_point({"val_accuracy": value, "model_params": np.int64(7)}).tolist() == [-0.5, 7]


def test_to_points_stacks_reports_in_order() -> None:
    reports = [
        {"val_accuracy": 0.5, "model_params": 3},
        {"val_accuracy": 0.25, "model_params": 4},
    ]
    assert BOTH.to_points(reports).tolist() == [[-0.5, 3.0], [-0.25, 4.0]]


def test_to_points_of_no_report_keeps_the_width() -> None:
    assert BOTH.to_points([]).shape == (0, 2)


def test_to_metrics_by_hand() -> None:
    assert BOTH.to_metrics([-0.96, 31690.0]).tolist() == [0.96, 31690.0]
    assert BOTH.to_metrics([[[-1.0, 2.0]], [[3.0, 4.0]]]).tolist() == [[[1.0, 2.0]], [[-3.0, 4.0]]]
    assert BOTH.to_metrics(np.empty((0, 2))).shape == (0, 2)


@given(numbers, numbers)
def test_there_and_back_is_exact(accuracy: float, params: float) -> None:
    # A sign change rounds nothing.
    point = BOTH.to_point({"val_accuracy": accuracy, "model_params": params})
    assert BOTH.to_metrics(point).tolist() == [accuracy, params]


@given(numbers, numbers)
def test_better_in_the_metric_is_smaller_in_the_point(a: float, b: float) -> None:
    first = BOTH.to_point({"val_accuracy": a, "model_params": a})
    second = BOTH.to_point({"val_accuracy": b, "model_params": b})
    assert (first[0] < second[0]) == (a > b)
    assert (first[1] < second[1]) == (a < b)
