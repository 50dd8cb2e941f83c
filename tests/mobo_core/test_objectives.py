from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobo_core.objectives import Objective, ObjectiveSet, as_objective_set

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


@pytest.mark.parametrize(
    "value",
    [
        *("high", "", "0,5", b"x", [1.0], {}, 1j, 10**400),
        *(np.array([0.5, 0.6]), np.array("high"), np.complex64(1), np.array([])),
    ],
)
def test_a_value_that_is_no_number_names_its_objective(value: Any) -> None:
    with pytest.raises(ValueError, match="'val_accuracy' must be a number"):
        BOTH.to_point({"val_accuracy": value, "model_params": 1})


def test_none_is_a_missing_value() -> None:
    report = {"val_accuracy": None, "model_params": 1}
    assert BOTH.missing(report) == ("val_accuracy",)
    with pytest.raises(ValueError, match="'val_accuracy' is missing"):
        BOTH.to_point(report)


@pytest.mark.parametrize(
    "value",
    [
        *(np.float32(0.5), np.float64(0.5), Fraction(1, 2), Decimal("0.5"), "0.5"),
        *(np.array(0.5), np.array([0.5]), np.array([[0.5]])),
    ],
)
def test_numbers_of_other_libraries_are_numbers(value: Any) -> None:
    assert BOTH.to_point({"val_accuracy": value, "model_params": np.int64(7)}).tolist() == [-0.5, 7]


def test_a_tensor_of_one_element_is_a_number() -> None:
    torch = pytest.importorskip("torch")
    one = ObjectiveSet([PARAMS])
    for value in (torch.tensor(0.5, requires_grad=True), torch.tensor([0.5], dtype=torch.bfloat16)):
        assert one.to_point({"model_params": value}).tolist() == [0.5]
    with pytest.raises(ValueError, match="must be a number"):
        one.to_point({"model_params": torch.zeros(2)})


@pytest.mark.parametrize(
    "report",
    [
        {"val": {"a": {"loss": 0.5}}, "val/a": None},
        {"val": {"a/loss": 0.5, "a": 1}},
        {"val/a": {"loss": 0.5}, "val": {}},
        {"val/a/loss": 0.5, "val": {"a": {"loss": 9}}},
    ],
)
def test_a_name_may_be_a_path_into_nested_reports(report: dict[str, Any]) -> None:
    nested = ObjectiveSet([Objective("val/a/loss", "min", reference=1)])
    assert nested.to_point(report).tolist() == [0.5]
    assert nested.missing(report) == ()
    assert nested.missing({"val": {"a": 1}, "loss": 0.5}) == ("val/a/loss",)


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


def test_objectives_come_as_a_set_or_in_any_iterable() -> None:
    assert as_objective_set(BOTH) is BOTH
    assert as_objective_set([ACCURACY, PARAMS]) == BOTH
    assert as_objective_set(o for o in (ACCURACY, PARAMS)) == BOTH


@pytest.mark.parametrize(
    "wrong", ["loss", b"loss", ["loss"], [ACCURACY, "loss"], {"loss": "min"}, 3, None, ACCURACY]
)
def test_anything_else_is_refused_in_one_line(wrong: Any) -> None:
    with pytest.raises(
        TypeError, match=r"must be an ObjectiveSet or a list of Objective"
    ) as raised:
        as_objective_set(wrong)
    assert repr(wrong) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_objective_is_a_wrong_value_and_not_a_wrong_type() -> None:
    with pytest.raises(ValueError, match="at least one"):
        as_objective_set([])
