"""DeepHyper's search in our searcher, and search spaces in ConfigSpace's form."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("deephyper", reason="DeepHyper is not installed: run 'make rivals' once")

from bench.rivals.config_space import from_config, to_config_space
from bench.rivals.deephyper import CBOSearcher
from mobo_core import Objective, ObjectiveSet
from mobo_core.space import ChoiceParameter, Condition, RangeParameter, SearchSpace

OBJECTIVES = ObjectiveSet([Objective("accuracy", "max", 0.0), Objective("size", "min", 2.0)])
SPACE = SearchSpace(
    (
        RangeParameter("rate", 1e-4, 1e-1, log=True),
        RangeParameter("batch", 16, 512, integer=True, log=True),
        RangeParameter("width", 16, 64, integer=True, step=16),
        RangeParameter("dropout", 0.0, 0.5, step=0.1),
        ChoiceParameter("units", (8, 16, 32), ordered=True),
        ChoiceParameter("a/b", (None, "x", 3)),
        ChoiceParameter("only", ("one",), ordered=True),
    )
)
SMALL = SearchSpace((RangeParameter("x", 0.0, 1.0), RangeParameter("y", 0.0, 1.0)))


def test_spaces_come_back_as_they_are() -> None:
    converted = to_config_space(SPACE, seed=0)
    assert converted["rate"].log
    assert converted["batch"].log
    seen: dict[str, list[Any]] = {}
    for config in converted.sample_configuration(60):
        for name, value in from_config(SPACE, config).items():
            assert SPACE[name].checked(value) == value
            if value not in seen.setdefault(name, []):
                seen[name].append(value)
    for parameter in SPACE.parameters:
        if parameter.cardinality < 10:
            assert len(seen[parameter.name]) == parameter.cardinality


def test_conditional_spaces_are_refused() -> None:
    kind = ChoiceParameter("kind", ("sgd", "adam"))
    momentum = RangeParameter("momentum", 0, 1, condition=Condition("kind", (0,)))
    with pytest.raises(ValueError, match="exists only sometimes"):
        to_config_space(SearchSpace((kind, momentum)), seed=0)


def search(seed: int, trials: int = 14) -> list[dict[str, Any]]:
    searcher = CBOSearcher(OBJECTIVES, SMALL, seed, initialization_trials=6)
    configs = []
    for number in range(trials):
        config = searcher.suggest(str(number))
        configs.append(config)
        # Both objectives are best at x = 0; y only trades one for the other.
        report = {"accuracy": 1 - config["x"] - config["y"], "size": config["x"] - config["y"]}
        if number == 2:
            searcher.on_trial_complete(str(number), None, error=True)
        else:
            searcher.on_trial_complete(str(number), report)
    return configs


def test_it_learns_by_its_seed_and_touches_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    first = search(3)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index] # noqa: NPY002
    np.random.random(5)  # noqa: NPY002 - somebody else draws
    assert search(3) == first
    assert search(4) != first
    assert not list(tmp_path.iterdir())
    early, late = ([c["x"] for c in part] for part in (first[:6], first[-5:]))
    assert np.mean(late) < np.mean(early)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="moo_scalarization_strategy=Best"):
        CBOSearcher(OBJECTIVES, SMALL, scalarization="Best")  # type: ignore[arg-type]
