"""One contract every searcher keeps, driven as Tune drives it, without Tune."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray import tune
from ray.tune.search import Searcher

from mobo_core import Objective, ObjectiveSet
from mobo_core.tune import (
    AheadSearcher,
    AxSearcher,
    RandomSearcher,
    SobolSearcher,
    optuna_searcher,
    ordered_choice,
)

SPACE = {
    "units": ordered_choice([16, 32]),
    "rate": tune.loguniform(1e-4, 1e-1),
    "kind": tune.choice(["a", "b"]),
}
OBJECTIVES = ObjectiveSet(
    [Objective("accuracy", "max", 0.5), Objective("size", "min", 40, exact=True)]
)

Make = Callable[..., Searcher]
"""A function of a space, a seed and what a searcher starts with; a space of None comes later."""


def ahead(space: Any, seed: int = 0, **start: Any) -> Searcher:
    # Without a thread: a contract asks for a suggestion at once.
    return AheadSearcher(SobolSearcher(space, seed=seed, **start), background=False)


def ax(space: Any, seed: int = 0, **start: Any) -> Searcher:
    # A contract is no matter of how good a suggestion is.
    light = {"num_restarts": 1, "raw_samples": 4}
    return AxSearcher(
        OBJECTIVES,
        space,
        seed=seed,
        max_t=8,
        initialization_trials=3,
        optimizer_options=light,
        **start,
    )


MAKERS: dict[str, Make] = {
    "ax": ax,
    "ahead": ahead,
    "sobol": lambda space, seed=0, **start: SobolSearcher(space, seed=seed, **start),
    "random": lambda space, seed=0, **start: RandomSearcher(space, seed=seed, **start),
    "nsga2": lambda space, seed=0, **start: optuna_searcher(
        OBJECTIVES, space, "nsga2", seed, population_size=4, **start
    ),
    "tpe": lambda space, seed=0, **start: optuna_searcher(
        OBJECTIVES, space, "tpe", seed, n_startup_trials=4, **start
    ),
}


def outcome(config: dict[str, Any], epoch: int = 8) -> dict[str, Any]:
    """Return the report of a cheap problem with two objectives and an optimum inside the space."""
    accuracy = 0.95 - 0.1 * abs(math.log10(config["rate"]) + 2) + 0.001 * config["units"]
    return {
        "accuracy": accuracy - 0.3 / epoch,
        "size": config["units"] + (config["kind"] == "a"),
        "training_iteration": epoch,
    }


def drive(searcher: Searcher, count: int, first: int = 0) -> list[dict[str, Any]]:
    """Suggest and complete `count` trials, two at a time, and return their configurations."""
    configs: list[dict[str, Any]] = []
    for k in range(first, first + count):
        config = searcher.suggest(str(k))
        assert isinstance(config, dict)
        configs.append(config)
        if k > first:
            finish(searcher, k - 1, configs[-2])
    finish(searcher, first + count - 1, configs[-1])
    return configs


def finish(searcher: Searcher, trial: int, config: dict[str, Any]) -> None:
    searcher.on_trial_result(str(trial), outcome(config, 1))
    searcher.on_trial_complete(str(trial), outcome(config))


@pytest.fixture(params=sorted(MAKERS))
def make(request: pytest.FixtureRequest) -> Make:
    return MAKERS[request.param]


def test_suggestions_lie_in_the_space(make: Make) -> None:
    for config in drive(make(SPACE), 5):
        assert set(config) == {"units", "rate", "kind"}
        assert config["units"] in (16, 32)
        assert config["kind"] in ("a", "b")
        assert 1e-4 <= config["rate"] <= 1e-1


def test_a_seed_fixes_the_suggestions(make: Make) -> None:
    first, again, other = (drive(make(SPACE, seed), 5) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_global_random_state_is_untouched(make: Make) -> None:
    def states() -> tuple[object, ...]:
        legacy = np.random.get_state()[1].tolist()  # noqa: NPY002 - the state others rely on
        return random.getstate(), legacy, torch.get_rng_state().tolist(), torch.get_num_threads()

    before = states()
    drive(make(SPACE), 5)
    assert states() == before


def test_restored_searcher_goes_on_as_if_never_saved(make: Make, tmp_path: Path) -> None:
    saved, restored = make(SPACE), make(SPACE)
    drive(saved, 4)
    saved.save(str(tmp_path / "state"))
    restored.restore(str(tmp_path / "state"))
    assert drive(saved, 2, first=4) == drive(restored, 2, first=4)


def test_space_may_come_from_the_tuner(make: Make) -> None:
    without = make(None)
    with pytest.raises(ValueError, match="no search space"):
        without.suggest("0")
    assert without.set_search_properties(None, None, SPACE)
    assert drive(without, 3) == drive(make(SPACE), 3)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", True, None])
def test_a_bad_seed_is_refused_at_once(make: Make, seed: Any) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to 4294967295, got"):
        make(SPACE, seed)
    assert make(SPACE, np.int64(3)).suggest("0") == make(SPACE, 3).suggest("0")


GIVEN = {"units": 32, "rate": 0.05, "kind": "b"}


def test_given_points_come_first(make: Make) -> None:
    first, second, third = drive(make(SPACE, points_to_evaluate=[GIVEN, {"rate": 0.02}]), 3)
    assert first == GIVEN
    assert second["rate"] == pytest.approx(0.02, rel=1e-12)  # Ax takes a logarithm and back
    assert set(second) == set(third) == set(SPACE)
    assert third != second


@pytest.mark.parametrize("later", [False, True])
def test_what_a_searcher_starts_with_is_checked(make: Make, later: bool) -> None:
    def begin(**start: Any) -> None:
        searcher = make(None if later else SPACE, **start)
        searcher.set_search_properties(None, None, SPACE)

    with pytest.raises(ValueError, match=r"points_to_evaluate\[0\]: parameter 'rate' must lie"):
        begin(points_to_evaluate=[{"rate": 5}])
    with pytest.raises(ValueError, match=r"none of 1 known results.*'units' must be one of 16, 32"):
        begin(known_results=[(GIVEN | {"units": 3}, outcome(GIVEN))])


@pytest.mark.parametrize("failing", [{"a"}, {"a", "b", "c"}])
def test_an_endless_search_of_a_finite_space_has_each_configuration_once(
    make: Make, failing: set[str]
) -> None:
    a, b = {"kind": "a", "n": tune.choice([1, 2])}, {"kind": "b", "n": tune.randint(1, 4)}
    space = {"opt": tune.choice([a, b, {"kind": "c", "n": 0}])}
    given, known = {"kind": "b", "n": 3}, {"kind": "b", "n": 1}
    report = {"accuracy": 0.6, "size": 9, "training_iteration": 8}
    searcher = make(
        None, points_to_evaluate=[{"opt": given}], known_results=[({"opt": known}, report)]
    )
    assert searcher.set_search_properties(None, None, space, num_samples=-1)
    suggested = []
    while (config := searcher.suggest(trial := str(len(suggested)))) != Searcher.FINISHED:
        assert isinstance(config, dict)
        suggested.append((config["opt"]["kind"], config["opt"]["n"]))
        searcher.on_trial_complete(trial, report, error=config["opt"]["kind"] in failing)
        report = report | {"accuracy": report["accuracy"] + 0.05, "size": 9 + len(suggested) % 3}
    assert suggested[0] == ("b", 3)
    assert sorted(suggested) == [("a", 1), ("a", 2), ("b", 2), ("b", 3), ("c", 0)]


OBJECTS = {
    "units": tune.randint(16, 33),
    "rate": tune.loguniform(1e-4, 1e-1),
    "kind": "a",
    "layers": [tune.randint(4, 32), "fixed", (tune.qlograndint(2, 32, 2),)],
    "a/b-(ü) lambda": tune.choice([None, dict, [1, 2], np.float32(0.5), math.nan, lambda x: x]),
    "optimiser": tune.choice([{"kind": "sgd", "momentum": tune.uniform(0, 1)}, {"kind": "adam"}]),
}


def test_conditional_spaces_and_choices_of_anything(make: Make, tmp_path: Path) -> None:
    searcher = make(OBJECTS)
    for config in drive(searcher, 4 if "Ax" in type(searcher).__name__ else 12):
        assert set(config) == set(OBJECTS)
        size, fixed, (quantised,) = config["layers"]
        assert size in range(4, 32)
        assert fixed == "fixed"
        assert quantised in range(2, 33, 2)
        categories = OBJECTS["a/b-(ü) lambda"].categories  # type: ignore[attr-defined]
        assert any(config["a/b-(ü) lambda"] is value for value in categories)
        own = {"momentum"} if config["optimiser"]["kind"] == "sgd" else set()
        assert set(config["optimiser"]) == {"kind", *own}
    searcher.save(str(tmp_path / "state"))  # a lambda is among the choices


@pytest.mark.parametrize("maker", [SobolSearcher, RandomSearcher])
def test_paired_searchers_do_not_listen(maker: Callable[..., Searcher]) -> None:
    patient, hasty = maker(SPACE, seed=1), maker(SPACE, seed=1)
    heard = drive(patient, 6)
    assert [hasty.suggest(str(k)) for k in range(6)] == heard


def test_sobol_covers_every_cell_of_a_grid() -> None:
    # 2^k points of a Sobol sequence put one point into each of 2^k equal intervals per dimension.
    space = {"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)}
    searcher = SobolSearcher(space, seed=0)
    points = [searcher.suggest(str(k)) for k in range(16)]
    for name in ("x", "y"):
        assert sorted(int(16 * point[name]) for point in points) == list(range(16))
