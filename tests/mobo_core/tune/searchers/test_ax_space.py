"""Search spaces in Ax and back, kind by kind; no model is fitted here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from mobo_core.space import ChoiceParameter, Condition, Parameter, RangeParameter, SearchSpace
from mobo_core.tune.searchers.ax_expressions import ax_name, read_inequality
from mobo_core.tune.searchers.ax_space import AxSpace


def in_ax(parameters: Sequence[Parameter], *constraints: str) -> AxSpace:
    space = SearchSpace(tuple(parameters))
    read = [
        read_inequality(text, space.names, what="parameter constraint", closed=True)
        for text in constraints
    ]
    names = {name: ax_name(name) for name in space.names} if constraints else {}
    return AxSpace(space, names, tuple(read))


def suggestions(coded: AxSpace, count: int) -> list[dict[str, Any]]:
    """Return decoded Sobol points of an Ax experiment on the space."""
    client = Client(random_seed=0)
    client.configure_experiment(coded.parameters(), coded.parameter_constraints())
    client.configure_optimization("gain")
    client.configure_generation_strategy(method="random_search", initialize_with_center=False)
    return [coded.decode(trial) for trial in client.get_next_trials(count).values()]


def test_ax_gets_ranges_scales_and_orders() -> None:
    lr, units, quantised, kind = in_ax(
        [
            RangeParameter("lr", 1e-4, 1e-1, log=True),
            RangeParameter("units", 1, 9, integer=True),
            RangeParameter("dropout", 0.0, 0.4, step=0.2),
            ChoiceParameter("kind", ("a", "b")),
        ]
    ).parameters()
    assert isinstance(lr, RangeParameterConfig)
    assert isinstance(units, RangeParameterConfig)
    assert (lr.bounds, lr.scaling, lr.parameter_type) == ((1e-4, 1e-1), "log", "float")
    assert (units.bounds, units.scaling, units.parameter_type) == ((1, 9), "linear", "int")
    assert isinstance(quantised, ChoiceParameterConfig)
    assert isinstance(kind, ChoiceParameterConfig)
    assert quantised.values == pytest.approx([0.0, 0.2, 0.4])
    assert quantised.is_ordered
    assert (kind.values, kind.is_ordered) == (["a", "b"], False)


@pytest.mark.parametrize(
    "values",
    [
        (None, "a"),
        ([1, 2], [1, 3]),
        (dict, list, math.sqrt),
        (1, 1.0, True, "1"),
        (0.5, math.nan, math.inf),
        (np.float32(0.1), np.float32(0.2)),
        (np.bool_(True), np.bool_(False)),
        (np.int64(3), np.int64(5)),
        (1, 2.5),
        ("", "lambda"),
        (True, False),
        (None,),
    ],
)
def test_choices_of_anything_come_back_as_the_very_objects(values: tuple[Any, ...]) -> None:
    coded = in_ax([ChoiceParameter("kind", values), RangeParameter("x", 0.0, 1.0)])
    for k, value in enumerate(values):
        assert coded.decode(coded.encode({"kind": value}))["kind"] is values[k]
    met = [config["kind"] for config in suggestions(coded, 32)]
    assert all(any(value is other for other in met) for value in values)


def test_bounds_of_numpy_become_plain_numbers() -> None:
    coded = in_ax(
        [
            RangeParameter("n", np.int64(1), np.int64(9), integer=True),
            RangeParameter("x", np.float32(0), np.float32(1)),  # type: ignore[arg-type]
        ]
    )
    (config,) = suggestions(coded, 1)
    assert type(config["n"]) is int
    assert type(config["x"]) is float


def test_constraints_hold_for_numbers_of_any_kind_and_names_of_any_form() -> None:
    coded = in_ax(
        [
            RangeParameter("model/width", 16, 64, integer=True, step=16),
            RangeParameter("drop (rate)", 0.0, 1.0, step=0.25),
            RangeParameter("lambda", -1.0, 1.0),
            RangeParameter("n", 1, 9, integer=True),
            RangeParameter("lr", 1e-4, 1e-1, log=True),
        ],
        "model/width/64 + drop (rate) <= 1",
        "lambda >= n/10",
    )
    configs = suggestions(coded, 40)
    for config in configs:
        assert config["model/width"] / 64 + config["drop (rate)"] <= 1 + 1e-9
        assert config["lambda"] >= config["n"] / 10 - 1e-9
        assert coded.encode(config) == pytest.approx(
            coded.encode(coded.decode(coded.encode(config)))
        )
    assert {config["model/width"] for config in configs} == {16, 32, 48, 64}
    assert {config["drop (rate)"] for config in configs} == {0.0, 0.25, 0.5, 0.75}


def test_configurations_of_a_constrained_space_are_counted() -> None:
    grid = [RangeParameter(name, 0, 3, integer=True) for name in "xy"]
    assert in_ax(grid).cardinality() == 16
    assert in_ax(grid, "x + y <= 3").cardinality() == 10
    assert in_ax(grid, "x + y <= 3", "x - y >= 3").cardinality() == 1


def test_the_branch_decides_which_parameters_exist() -> None:
    coded = in_ax(
        [
            ChoiceParameter("opt", (dict, list, set)),
            RangeParameter("momentum", 0.0, 1.0, condition=Condition("opt", (0,))),
            ChoiceParameter("nesterov", (True, False), condition=Condition("opt", (0,))),
            RangeParameter("beta", 1, 9, integer=True, condition=Condition("opt", (1,))),
        ]
    )
    branches: dict[Any, set[str]] = {}
    for config in suggestions(coded, 24):
        branches.setdefault(config["opt"], set(config))
        assert set(config) == branches[config["opt"]]
    assert branches == {
        dict: {"opt", "momentum", "nesterov"},
        list: {"opt", "beta"},
        set: {"opt"},
    }


LOG = RangeParameter("lr", 1e-4, 1e-1, log=True)
X = RangeParameter("x", 0.0, 1.0)
OPT = ChoiceParameter("opt", ("a", "b"))


@pytest.mark.parametrize(
    ("parameters", "constraints", "message"),
    [
        ([RangeParameter("x", 0.0, 1.0, step=1e-4)], [], "more than 1000"),
        ([LOG, X], ["x + lr <= 1"], "'lr' has a logarithmic scale"),
        ([OPT, X], ["x + opt <= 1"], "'opt' is a choice; use a range"),
        ([X], ["x >= 2"], "no configuration of the space keeps the constraints 'x >= 2'"),
        ([RangeParameter("x", 0, 3, integer=True)], ["2*x <= 5", "2*x >= 5"], "no configuration"),
        (
            [OPT, RangeParameter("m", 0.0, 1.0, condition=Condition("opt", (1,)))],
            ["m <= 0.5"],
            "'m' exists in some configurations only",
        ),
        (
            [OPT, RangeParameter("m", 0.0, 1.0, condition=Condition("opt", (0, 1)))],
            [],
            "make one parameter per branch",
        ),
    ],
)
def test_what_ax_cannot_have_is_refused(
    parameters: list[Parameter], constraints: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=r"parameter|constraint") as caught:
        in_ax(parameters, *constraints)
    assert message in str(caught.value)
