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
from mobo_core.tune import AheadSearcher, AxSearcher, RandomSearcher, SobolSearcher, ordered_choice

SPACE = {
    "units": ordered_choice([16, 32]),
    "rate": tune.loguniform(1e-4, 1e-1),
    "kind": tune.choice(["a", "b"]),
}
OBJECTIVES = ObjectiveSet(
    [Objective("accuracy", "max", 0.5), Objective("size", "min", 40, exact=True)]
)

Make = Callable[[int], Searcher]
MAKERS: dict[str, Make] = {
    "ax": lambda seed: AxSearcher(OBJECTIVES, SPACE, seed=seed, max_t=8),
    # Without a thread: a contract asks for a suggestion at once.
    "ahead": lambda seed: AheadSearcher(SobolSearcher(SPACE, seed=seed), background=False),
    "sobol": lambda seed: SobolSearcher(SPACE, seed=seed),
    "random": lambda seed: RandomSearcher(SPACE, seed=seed),
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
    for config in drive(make(0), 8):
        assert set(config) == {"units", "rate", "kind"}
        assert config["units"] in (16, 32)
        assert config["kind"] in ("a", "b")
        assert 1e-4 <= config["rate"] <= 1e-1


def test_a_seed_fixes_the_suggestions(make: Make) -> None:
    first, again, other = (drive(make(seed), 8) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_global_random_state_is_untouched(make: Make) -> None:
    def states() -> tuple[object, ...]:
        legacy = np.random.get_state()[1].tolist()  # noqa: NPY002 - the state others rely on
        return random.getstate(), legacy, torch.get_rng_state().tolist(), torch.get_num_threads()

    before = states()
    drive(make(0), 7)
    assert states() == before


def test_restored_searcher_goes_on_as_if_never_saved(make: Make, tmp_path: Path) -> None:
    saved, restored = make(0), make(0)
    drive(saved, 7)
    saved.save(str(tmp_path / "state"))
    restored.restore(str(tmp_path / "state"))
    assert drive(saved, 3, first=7) == drive(restored, 3, first=7)


def test_space_may_come_from_the_tuner(make: Make) -> None:
    with_space = make(0)
    without = {
        AxSearcher: lambda: AxSearcher(OBJECTIVES, max_t=8),
        AheadSearcher: lambda: AheadSearcher(SobolSearcher(), background=False),
        SobolSearcher: SobolSearcher,
        RandomSearcher: RandomSearcher,
    }[type(with_space)]()
    with pytest.raises(ValueError, match="no search space"):
        without.suggest("0")
    assert without.set_search_properties(None, None, SPACE)
    assert drive(without, 3) == drive(with_space, 3)


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
