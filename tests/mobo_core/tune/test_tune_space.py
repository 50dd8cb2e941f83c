"""Tune domains to parameters and to Ax, kind by kind."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from ray import tune

from mobo_core.space import ChoiceParameter, RangeParameter, SearchSpace
from mobo_core.tune import ordered_choice
from mobo_core.tune.searchers.ax_space import to_ax
from mobo_core.tune.space import from_tune, nested


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        (tune.choice(["a", "b"]), ChoiceParameter("x", ("a", "b"))),
        (ordered_choice([16, 32]), ChoiceParameter("x", (16, 32), ordered=True)),
        (tune.uniform(0.1, 0.3), RangeParameter("x", 0.1, 0.3)),
        (tune.loguniform(1e-4, 1e-1), RangeParameter("x", 1e-4, 1e-1, log=True)),
        (tune.quniform(0.5, 2.5, 0.5), RangeParameter("x", 0.5, 2.5, step=0.5)),
        (tune.qloguniform(1.0, 9.0, 1.0), RangeParameter("x", 1.0, 9.0, log=True, step=1.0)),
        # Ray's upper bound of whole numbers is exclusive, of quantised ones inclusive.
        (tune.randint(1, 5), RangeParameter("x", 1, 4, integer=True)),
        (tune.lograndint(1, 101), RangeParameter("x", 1, 100, integer=True, log=True)),
        (tune.qrandint(2, 10, 2), RangeParameter("x", 2, 10, integer=True, step=2)),
        (tune.qrandint(2, 10, 1), RangeParameter("x", 2, 9, integer=True)),
        (
            tune.qlograndint(2, 10, 2),
            RangeParameter("x", 2, 10, integer=True, log=True, step=2),
        ),
        (tune.randint(3, 4), ChoiceParameter("x", (3,))),
    ],
)
def test_domain(domain: Any, expected: object) -> None:
    assert from_tune({"x": domain, "constant": 3}).parameters == (expected,)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"x": tune.grid_search([1, 2])}, "'x' is a grid_search"),
        ({"x": tune.randn(0, 1)}, "'x' (Float with _Normal sampling) cannot be searched"),
        ({"x": tune.sample_from(lambda spec: 1)}, "'x' (Function"),
        ({"x": 3}, "nothing to search"),
        ({"a": {"b": tune.grid_search([1])}}, "'a/b' is a grid_search"),
    ],
)
def test_what_cannot_be_searched_is_named(space: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        from_tune(space)


def test_nested_names_come_back_nested() -> None:
    space = from_tune({"optimizer": {"lr": tune.uniform(0, 1)}, "depth": tune.randint(1, 3)})
    assert set(space.names) == {"optimizer/lr", "depth"}
    config = nested(space.from_unit(np.full(2, 0.25)))
    assert config == {"optimizer": {"lr": 0.25}, "depth": 1}


@pytest.mark.parametrize("values", [[32, 16], [1, 1], [5]])
def test_ordered_choice_refuses_what_has_no_order(values: list[float]) -> None:
    with pytest.raises(ValueError, match="ordered_choice needs"):
        ordered_choice(values)


def test_ax_gets_ranges_scales_and_orders() -> None:
    lr, units, quantised, kind = to_ax(
        SearchSpace(
            (
                RangeParameter("lr", 1e-4, 1e-1, log=True),
                RangeParameter("units", 1, 9, integer=True),
                RangeParameter("dropout", 0.0, 0.4, step=0.2),
                ChoiceParameter("kind", ("a", "b")),
            )
        )
    )
    assert (lr.bounds, lr.scaling, lr.parameter_type) == ((1e-4, 1e-1), "log", "float")
    assert (units.bounds, units.scaling, units.parameter_type) == ((1, 9), "linear", "int")
    assert quantised.values == pytest.approx([0.0, 0.2, 0.4])
    assert quantised.is_ordered
    assert (kind.values, kind.is_ordered) == (["a", "b"], False)


def test_ax_refuses_mixed_choices_and_endless_grids() -> None:
    with pytest.raises(ValueError, match="all numbers, all strings or all booleans"):
        to_ax(SearchSpace((ChoiceParameter("x", (1, "a")),)))
    with pytest.raises(ValueError, match="more than 1000"):
        to_ax(SearchSpace((RangeParameter("x", 0.0, 1.0, step=1e-4),)))
