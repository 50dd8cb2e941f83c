"""Configurations that users give: nested or flat, whole or in part, right or wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ray import tune

from mobo_core.tune.space import tune_space

SGD = {"kind": "sgd", "momentum": tune.uniform(0, 1)}
ADAM = {"kind": "adam", "beta": tune.uniform(0.8, 1)}
SPACE = tune_space(
    {
        "optimiser": tune.choice([SGD, ADAM, None]),
        "layers": [tune.randint(4, 32), 7],
        "inner": {"units": tune.choice([16, 32]), "epochs": 3},
        "by_number": {0: tune.uniform(0, 1)},
        "slash/rate": tune.uniform(0, 1),
        "double": tune.sample_from(lambda config: 2 * config["layers"][0]),
    }
)
SGD_LABEL = "{'kind': 'sgd', 'momentum': …}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"layers": [5, 7]}, {"layers/0": 5}),
        ({"layers": (5, 7)}, {"layers/0": 5}),  # a file has no tuples
        ({"layers/0": 5.0}, {"layers/0": 5}),
        ({"inner": {"units": 16}}, {"inner/units": 16}),
        ({"inner/units": 16, "inner/epochs": 3}, {"inner/units": 16}),
        ({"inner": {"units": 32, "epochs": 3.0}}, {"inner/units": 32}),
        ({"by_number": {0: 0.5}}, {"by_number/0": 0.5}),
        ({"by_number": {"0": 0.5}}, {"by_number/0": 0.5}),  # JSON has only text
        ({"slash/rate": 0.5}, {"slash/rate": 0.5}),
        ({"double": 1000}, {}),  # follows from the others
        ({"optimiser": None}, {"optimiser": "None"}),
        ({"optimiser": {"kind": "sgd"}}, {"optimiser": SGD_LABEL}),
        ({"optimiser": {"momentum": 1}}, {"optimiser": SGD_LABEL, "optimiser/0/momentum": 1}),
        ({"optimiser/kind": "sgd"}, {"optimiser": SGD_LABEL}),  # as in Tune's tables
        ({"optimiser/0/momentum": 1}, {"optimiser": SGD_LABEL, "optimiser/0/momentum": 1}),
        ({"optimiser": SGD_LABEL}, {"optimiser": SGD_LABEL}),
    ],
)
def test_what_is_given_is_found(given: dict[Any, Any], expected: dict[str, Any]) -> None:
    found = SPACE.values(given)
    if "optimiser" in found:
        found["optimiser"] = repr(found["optimiser"])
    assert found == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": 1}, "unknown parameter 'layer'; there are: 'optimiser', 'layers', 'inner'"),
        ({"inner": {"unit": 1}}, "unknown parameter 'inner/unit'; there are: 'units', 'epochs'"),
        ({"inner/unit": 1}, "unknown parameter 'inner/unit'; there are: 'units', 'epochs'"),
        ({"layers": [5]}, "'layers' needs a list of 2, got [5]"),
        ({"layers": 5}, "'layers' needs a list of 2, got 5"),
        ({"layers": [5, 8]}, "constant 'layers/1' is 7, got 8"),
        ({"layers": [32, 7]}, "'layers/0' must lie in [4, 31], got 32"),
        ({"inner": {"epochs": 4}}, "constant 'inner/epochs' is 3, got 4"),
        ({"inner": 3}, "'inner' needs a dict"),
        ({"inner/units": 17}, "'inner/units' must be one of 16, 32; got 17"),
        ({"optimiser": {"kind": "rmsprop"}}, "constant 'optimiser/0/kind' is 'sgd'"),
        ({"optimiser": {}}, "'optimiser' fits its values 0, 1; give enough of it"),
        ({"optimiser": {"kind": "sgd", "beta": 1}}, "unknown parameter 'optimiser/0/beta'"),
        ({"optimiser": None, "optimiser/0/momentum": 1}, "'optimiser/0/momentum' does not exist"),
        ({"optimiser": {"kind": "sgd"}, "optimiser/1/beta": 1}, "'optimiser/1/beta' does not"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        SPACE.values(given)


def test_a_complete_configuration_lacks_nothing() -> None:
    given = {"optimiser": {"kind": "sgd"}, "layers": [5, 7], "inner": {"units": 16}}
    given |= {"by_number": {0: 0.5}, "slash/rate": 0.5}
    with pytest.raises(ValueError, match="parameter 'optimiser/0/momentum' is missing"):
        SPACE.values(given, complete=True)
    given["optimiser"] = None
    assert len(SPACE.values(given, complete=True)) == 5


def test_unknown_names_may_be_left_out() -> None:
    given = {"more": 1, "inner": {"units": 16, "other": 2}, "layers": [5, 7]}
    assert SPACE.values(given, ignore_unknown=True) == {"inner/units": 16, "layers/0": 5}


def test_branches_that_a_configuration_fits_equally_well() -> None:
    # Both branches give the same configuration, so the first one will do.
    wide, narrow = {"rate": tune.uniform(0, 2)}, {"rate": tune.uniform(0, 1)}
    space = tune_space({"a": tune.choice([wide, narrow])})
    assert "a/0/rate" in space.values({"a": {"rate": 0.5}})
    assert "a/0/rate" in space.values({"a": {"rate": 1.5}})
