"""Sobol and random points: discrete spaces, known results and continued searches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.search import Searcher

from mobo_core.tune import RandomSearcher, SobolSearcher

SMALL = {
    "a": tune.randint(0, 4),
    "b": tune.choice([None, "x", {"c": tune.choice([1, 2])}]),
}
"""16 configurations: 4 values of a, and None, x, c = 1 or c = 2."""
WIDE = {"rate": tune.loguniform(1e-4, 1e-1), "units": tune.randint(1, 99)}

both = pytest.mark.parametrize("kind", [SobolSearcher, RandomSearcher])


def ask(searcher: Searcher, count: int, first: int = 0) -> list[Any]:
    return [searcher.suggest(str(number)) for number in range(first, first + count)]


@both
def test_without_repeats_every_configuration_comes_once(kind: Any) -> None:
    suggested = ask(kind(SMALL, seed=3, repeats=False), 18)
    assert len(set(map(repr, suggested[:16]))) == 16
    assert suggested[16:] == [Searcher.FINISHED] * 2


@both
def test_repeats_depend_on_whether_the_tuner_ever_ends(kind: Any) -> None:
    limited, unlimited, own = kind(seed=3), kind(seed=3), kind(SMALL, seed=3)
    assert limited.set_search_properties(None, None, SMALL, num_samples=40)
    assert unlimited.set_search_properties(None, None, SMALL, num_samples=-1)
    assert own.set_search_properties(None, None, {}, num_samples=-1)
    assert Searcher.FINISHED not in ask(limited, 40)
    assert ask(unlimited, 17)[16] == ask(own, 17)[16] == Searcher.FINISHED


@both
def test_known_configurations_are_not_suggested(kind: Any) -> None:
    known = [({"a": a, "b": None}, {"loss": 1}) for a in range(4)] + [({"a": 0, "b": "x"}, None)]
    suggested = ask(kind(SMALL, seed=0, repeats=False, known_results=known), 12)
    assert suggested[11] == Searcher.FINISHED
    assert len(set(map(repr, suggested[:11]))) == 11
    assert not any(config["b"] is None for config in suggested[:11])
    everything = known + [(config, None) for config in suggested[:11]]
    assert ask(kind(SMALL, seed=0, known_results=everything), 1) == [Searcher.FINISHED]


@both
def test_a_given_point_is_suggested_even_if_it_is_known(kind: Any) -> None:
    point = {"a": 2, "b": {"c": 2}}
    searcher = kind(SMALL, known_results=[(point, None)], points_to_evaluate=[point])
    assert ask(searcher, 1) == [point]


@both
@pytest.mark.parametrize("space", [SMALL, WIDE])
def test_known_results_continue_a_search_with_its_seed(kind: Any, space: dict[str, Any]) -> None:
    whole = ask(kind(space, seed=5, repeats=False), 14)
    known = [(config, {"loss": 1.0}) for config in whole[:9]]
    assert ask(kind(space, seed=5, repeats=False, known_results=known), 5) == whole[9:]


@both
def test_points_that_are_given_in_full_take_nothing_from_the_sequence(kind: Any) -> None:
    point = {"rate": 0.01, "units": 7}
    with_point = ask(kind(WIDE, seed=1, points_to_evaluate=[point, {"units": 8}]), 4)
    plain = ask(kind(WIDE, seed=1), 3)
    assert with_point == [point, {"rate": plain[0]["rate"], "units": 8}, *plain[1:]]


@both
def test_a_restored_searcher_keeps_what_it_has_suggested(kind: Any, tmp_path: Path) -> None:
    saved = kind(SMALL, seed=2, repeats=False, points_to_evaluate=[{"a": 1, "b": "x"}])
    first = ask(saved, 6)
    saved.save(str(tmp_path / "state"))
    restored = kind()
    restored.restore(str(tmp_path / "state"))
    rest = ask(restored, 11)
    assert rest == ask(saved, 11)
    assert len(set(map(repr, first + rest[:10]))) == 16
    assert rest[10] == Searcher.FINISHED


@both
def test_many_values_and_few_left_end_soon(kind: Any) -> None:
    # Of a logarithmic range the large values are drawn rarely; the last ones are looked for.
    space = {"n": tune.lograndint(1, 3001)}
    suggested = ask(kind(space, repeats=False), 500)
    assert len({config["n"] for config in suggested}) == 500


@both
def test_constants_of_an_own_space_reach_the_trainable(kind: Any) -> None:
    space = {"x": tune.uniform(0, 1), "fixed": {"epochs": 8}, "shape": [3, tune.randint(1, 9)]}
    (config,) = ask(kind(space), 1)
    assert config["fixed"] == {"epochs": 8}
    assert config["shape"][0] == 3
