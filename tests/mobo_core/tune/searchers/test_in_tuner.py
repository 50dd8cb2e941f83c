"""Searchers in a Tuner: spaces of any form, and more samples for a finished experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ray import tune

from mobo_core.tune import SobolSearcher

SPACE = {
    "x": tune.uniform(0, 1),
    "layers": [tune.randint(4, 32), "fixed", (tune.uniform(0, 1),)],
    "by_number": {0: tune.uniform(0, 1), 1: 7},
    "optimiser": tune.choice([{"kind": "sgd", "m": tune.uniform(0, 1)}, {"kind": "adam"}]),
    "act": tune.choice([None, dict]),
    "twice": tune.sample_from(lambda config: 2 * config["x"]),
    "constant": 3,
}


def train(config: dict[str, Any]) -> None:
    """Check that the configuration is complete, and report something."""
    first, fixed, (last,) = config["layers"]
    own = {"m"} if config["optimiser"]["kind"] == "sgd" else set()
    arrived = (
        (fixed, config["by_number"][1], config["constant"]) == ("fixed", 7, 3)
        and 4 <= first < 32
        and 0 <= last < 1
        and 0 <= config["by_number"][0] < 1
        and set(config["optimiser"]) == {"kind", *own}
        and config["act"] in (None, dict)
        and config["twice"] == 2 * config["x"]
    )
    tune.report({"loss": config["x"], "arrived": int(arrived)})


def fit(searcher: SobolSearcher, folder: Path, samples: int, space: Any) -> tune.ResultGrid:
    return tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(num_samples=samples, search_alg=searcher, reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(folder), name="search", verbose=0),
    ).fit()


@pytest.mark.usefixtures("ray_session")
def test_a_finished_search_gets_more_samples(tmp_path: Path) -> None:
    # Tune itself cannot add samples to an experiment, nor time to one whose time is up.
    first = fit(SobolSearcher(seed=4), tmp_path / "first", 3, SPACE)
    more = fit(SobolSearcher(SPACE, seed=4, known_results=first), tmp_path / "more", 2, {})
    results = [*(first[i] for i in range(3)), *(more[i] for i in range(2))]
    assert [result.metrics["arrived"] for result in results if result.metrics] == [1] * 5
    sequence = SobolSearcher(SPACE, seed=4)
    expected = [sequence.suggest(str(number)) for number in range(5)]
    assert [result.config for result in results] == expected
