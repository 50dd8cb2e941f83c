"""What the Tuner makes of objects in a `param_space` before a searcher sees it."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from ray import tune
from ray.tune.impl.placeholder import (
    create_resolvers_map,
    inject_placeholders,
    resolve_placeholders,
)

from mobo_core.tune import SobolSearcher
from mobo_core.tune.placeholders import holds_placeholder, is_placeholder
from mobo_core.tune.searchers.starting import read_start
from mobo_core.tune.space import tune_space


def in_tuner(param_space: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return a space as a searcher gets it from the Tuner, and what gives the objects back."""
    resolvers = create_resolvers_map()
    return inject_placeholders(copy.deepcopy(param_space), resolvers), resolvers


OBJECTS = {
    "x": tune.uniform(0, 1),
    "kind": tune.choice([None, len, dict, "relu"]),
    "model": tune.choice([{"class": dict, "rate": tune.uniform(0, 1)}, {"class": list}]),
    "net": [dict, tune.uniform(0, 1)],
    "twice": tune.sample_from(lambda config: 2 * config["x"]),
}


def test_tune_puts_the_objects_back() -> None:
    shown, resolvers = in_tuner(OBJECTS)
    assert is_placeholder(shown["twice"])
    assert holds_placeholder(shown["net"])
    assert not holds_placeholder({"x": [1, ("a", "b")]})
    searcher = SobolSearcher(seed=0)
    assert searcher.set_search_properties(None, None, shown, num_samples=20)
    kinds = []
    for number in range(20):
        suggested = searcher.suggest(str(number))
        assert isinstance(suggested, dict)
        config = {**shown, **suggested}
        resolve_placeholders(config, resolvers)
        assert config["net"][0] is dict
        assert config["model"]["class"] in (dict, list)
        assert ("rate" in config["model"]) == (config["model"]["class"] is dict)
        assert config["twice"] == 2 * config["x"]
        kinds.append(config["kind"])
    assert set(kinds) == {None, len, dict, "relu"}


@pytest.mark.parametrize(
    ("param_space", "name"),
    [
        ({"a": tune.choice([1, len])}, "a"),
        ({"a": tune.choice(["x", len])}, "a"),
        ({"a": tune.choice([{"b": 1}, len])}, "a"),
        ({"a": tune.choice([{"b": tune.uniform(1, 2)}, {"b": len}])}, "a/b"),
        ({"a": tune.choice([tune.sample_from(lambda config: 1), 5, 6])}, "a"),
    ],
)
def test_a_mixture_on_which_tune_fails_is_refused(param_space: dict[str, Any], name: str) -> None:
    space = {**param_space, "z": tune.uniform(0, 1)}
    searcher = SobolSearcher(seed=0)
    with pytest.raises(ValueError, match=re.escape(f"parameter {name!r} can be ")) as error:
        searcher.set_search_properties(None, None, in_tuner(space)[0])
    assert "pass the space to the searcher itself" in str(error.value)
    assert isinstance(SobolSearcher(space).suggest("1"), dict)  # the remedy


def test_objects_in_given_configurations() -> None:
    space = tune_space(in_tuner(OBJECTS)[0], constants=False)
    assert read_start(space, [{"twice": 3, "x": 0.5, "net": [dict, 0.5]}]).points == (
        {"x": 0.5, "net/1": 0.5},
    )
    with pytest.raises(ValueError, match=r"\[0\].*'kind'.*pass the space to the searcher itself"):
        read_start(space, [{"kind": dict}])
    own = tune_space(OBJECTS)
    assert read_start(own, [{"kind": dict}]).points == ({"kind": dict},)
