"""Tune's search spaces as ours, kind by kind, and configurations back to Tune."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from ray import tune
from ray.tune.search.sample import Categorical, Domain
from ray.tune.search.variant_generator import generate_variants

from mobo_core.space import ChoiceParameter, Condition, RangeParameter, SearchSpace
from mobo_core.tune import ordered_choice
from mobo_core.tune.space import tune_space


class Pair(NamedTuple):
    """A tuple with names."""

    first: Any
    second: Any


@dataclass
class Settings:
    """An object that Tune does not look into."""

    rate: Any


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
    assert tune_space({"x": domain, "constant": 3}).space.parameters == (expected,)


IN = tune.uniform(0, 1)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"x": tune.grid_search([1, 2])}, "'x' is a grid_search"),
        ({"x": Categorical([1, 2]).grid()}, "'x' is a grid_search"),
        ({"x": tune.randn(0, 1)}, "'x' (Float with _Normal sampling) cannot be searched"),
        ({"x": tune.qrandn(0, 1, 0.1)}, "'x' (Float with _Normal sampling) cannot be searched"),
        ({"x": 3}, "nothing to search"),
        ({"x": tune.sample_from(lambda config: 1)}, "nothing to search"),
        ({"a": {"b": tune.grid_search([1])}}, "'a/b' is a grid_search"),
        ({"a": [1, {"b": tune.grid_search([1])}]}, "'a/1/b' is a grid_search"),
        ({"a": tune.choice([1, (tune.randn(0, 1),)])}, "'a/1/0' (Float with _Normal"),
        ({"a": tune.choice([])}, "'a' has no values"),
        ({"a": tune.choice([math.nan, math.nan])}, "values of parameter 'a' must differ"),
        ({"a": {"b": IN}, "a/b": IN}, "names must differ, got ('a/b', 'a/b')"),
        # Where Tune does not look for domains, they would reach the trainable.
        ({"x": IN, "s": frozenset([IN])}, "'s' is a frozenset that contains a domain"),
        ({"x": IN, "d": {"e": Settings(IN)}}, "'d/e' is a Settings that contains a domain"),
        ({"x": IN, "m": MappingProxyType({"k": [IN]})}, "'m' is a mappingproxy"),
        # Tune itself fails on these keys, in the middle of the experiment.
        ({"x": IN, 3: 1}, "keys of param_space must be all text or all whole numbers"),
        ({"a": tune.choice([1, {"x": IN, None: 1}])}, "keys of parameter 'a/1' must be all"),
        ({3: {"x": IN}}, "key 3 of param_space holds a dict and must be text"),
        ({3: tune.choice([1, {"x": 1}])}, "key 3 of param_space holds a dict and must be text"),
        ([IN], "a search space must be a dict"),
    ],
)
def test_what_cannot_be_searched_is_named(space: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        tune_space(space)


SGD = {"kind": "sgd", "momentum": tune.uniform(0, 1), "nesterov": tune.choice([None, {"at": IN}])}
ADAM = {"kind": "adam", "beta": tune.uniform(0.8, 1)}
KINDS = [dict, len, None, [1, 2], np.float32(0.5), np.bool_(True), math.nan]
EVERYTHING = {
    "constant": {"deep": [1, {"er": 2}]},
    "optimiser": tune.choice([SGD, ADAM, tune.uniform(5, 6), None]),
    "layers": [tune.randint(4, 32), tune.randint(4, 32), 7],
    "pair": (IN, "c"),
    "named": Pair(tune.randint(0, 9), "second"),
    "ordered": OrderedDict(x=IN, c=3),
    "by_number": {0: IN, 1: 9},
    "a/b-(ü) lambda": IN,
    "kinds": tune.choice(KINDS),
    "double": tune.sample_from(lambda config: 2 * config["layers"][0]),
    "old": tune.sample_from(lambda spec: spec.config.double + 1),
}


def test_names_are_paths_and_shallow_parameters_come_first() -> None:
    space = tune_space(EVERYTHING).space
    assert space.names == (
        *("optimiser", "a/b-(ü) lambda", "kinds"),
        *("optimiser/2", "layers/0", "layers/1", "pair/0", "named/0", "ordered/x", "by_number/0"),
        *("optimiser/0/momentum", "optimiser/0/nesterov", "optimiser/1/beta"),
        "optimiser/0/nesterov/1/at",
    )
    assert space["optimiser/0/momentum"].condition == Condition("optimiser", (0,))
    assert space["optimiser/0/nesterov/1/at"].condition == Condition("optimiser/0/nesterov", (1,))


def form(value: Any) -> Any:
    """Return the types and keys of a configuration, without the values."""
    if isinstance(value, dict):
        return type(value), {key: form(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [form(part) for part in value]  # Tune makes a plain tuple of one with names
    return type(value)


def test_configurations_have_the_form_that_tune_gives_them() -> None:
    space = tune_space(EVERYTHING)
    rng = np.random.default_rng(0)
    ours = [space.configuration(space.space.from_unit(u)) for u in rng.random((300, 14))]
    sampled = {k: v for k, v in EVERYTHING.items() if k not in ("double", "old")}
    theirs = []
    for _ in range(300):
        ((_, spec),) = generate_variants({"config": sampled}, random_state=rng)
        theirs.append(spec["config"] | {"double": 1, "old": 1})
    assert {repr(form(config)) for config in ours} == {repr(form(config)) for config in theirs}
    for config in ours:
        assert config["double"] == 2 * config["layers"][0]
        assert config["old"] == config["double"] + 1
        assert isinstance(config["named"], Pair)
        assert any(config["kinds"] is kind for kind in KINDS)  # the object itself
        assert not holds_domain(config)


def holds_domain(config: Any) -> bool:
    if isinstance(config, dict | list | tuple):
        return any(map(holds_domain, config.values() if isinstance(config, dict) else config))
    return isinstance(config, Domain)


def test_a_configuration_can_be_read_back_nested_and_flat() -> None:
    space = tune_space(EVERYTHING)
    for u in np.random.default_rng(1).random((100, 14)):
        values = space.space.from_unit(u)
        config = space.configuration(values)
        for given in (config, values):
            read = space.values(given, complete=True)
            assert space.space.key(read) == space.space.key(values)
            assert repr(space.configuration(read)) == repr(config)


def test_the_constants_of_the_tuner_are_left_to_the_tuner() -> None:
    space = tune_space(EVERYTHING, constants=False)
    config = space.configuration(space.space.from_unit(np.full(14, 0.3)))
    assert "constant" not in config
    assert config["layers"][2] == 7  # Tune replaces a list as a whole
    assert list(config["ordered"]) == ["x"]
    assert list(config["by_number"]) == [0]
    assert config["double"] == 2 * config["layers"][0]


def test_a_branch_brings_only_its_own_parameters() -> None:
    space = tune_space({"o": tune.choice([SGD, ADAM])})
    seen = set()
    for u in np.random.default_rng(2).random((50, len(space.space))):
        o = space.configuration(space.space.from_unit(u))["o"]
        own = {"momentum", "nesterov"} if o["kind"] == "sgd" else {"beta"}
        assert set(o) == {"kind", *own}
        seen.add(o["kind"])
    assert seen == {"sgd", "adam"}


def test_a_flat_space_with_conditions() -> None:
    kind = ChoiceParameter("kind", ("sgd", "adam"))
    momentum = RangeParameter("o/momentum", 0, 1, condition=Condition("kind", (0,)))
    space = tune_space(SearchSpace((kind, momentum)))
    sgd, adam = {"kind": "sgd", "o/momentum": 0.5}, {"kind": "adam", "o/momentum": 0.5}
    assert space.configuration(sgd) == {"kind": "sgd", "o": {"momentum": 0.5}}
    assert space.configuration(adam) == {"kind": "adam", "o": {}}
    assert space.values({"o": {"momentum": 0.2}}) == {"kind": "sgd", "o/momentum": 0.2}


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_parameter_inside_another_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="lies in"):
        tune_space(SearchSpace(tuple(ChoiceParameter(name, (1,)) for name in names)))


def test_a_failing_sample_from_is_named() -> None:
    space = tune_space({"x": IN, "y": [tune.sample_from(lambda spec: spec.config.absent)]})
    with pytest.raises(ValueError, match=r"sample_from of parameter 'y/0' failed: AttributeError"):
        space.configuration({"x": 0.5})


def test_nested_names_come_back_nested() -> None:
    space = tune_space({"optimizer": {"lr": tune.uniform(0, 1)}, "depth": tune.randint(1, 3)})
    # The order decides which coordinate of a point a parameter gets, and so every suggestion.
    assert space.space.names == ("depth", "optimizer/lr")
    config = space.configuration(space.space.from_unit(np.full(2, 0.25)))
    assert config == {"optimizer": {"lr": 0.25}, "depth": 1}


@pytest.mark.parametrize("values", [[32, 16], [1, 1], [5], [1, math.nan], [tune.uniform(0, 1), 2]])
def test_ordered_choice_refuses_what_has_no_order(values: list[float]) -> None:
    with pytest.raises(ValueError, match="ordered_choice needs"):
        ordered_choice(values)
