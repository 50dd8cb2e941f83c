"""Every learner keeps the contract of a problem; what a recipe does not have is said."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mobo_core.problems.learners import LearnerProblem
from mobo_core.problems.learners.problem import WITHOUT_TABLE
from mobo_core.problems.learners.recipes import RECIPES
from mobo_core.problems.protocol import Training

NAMES = sorted(RECIPES)
Make = Callable[[str], LearnerProblem]


@pytest.fixture
def make(mnist_dir: str) -> Make:
    return lambda name: LearnerProblem(name, mnist_dir)


def middle(problem: LearnerProblem) -> dict[str, Any]:
    return problem.space.from_unit(np.full(len(problem.space), 0.6))


def epochs(training: Training, count: int) -> list[dict[str, float]]:
    found = []
    for _ in range(count):
        report = {**training.run_epoch(), **training.test_metrics()}
        assert report.pop("seconds") > 0
        found.append(report)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_training_keeps_the_contract(name: str, make: Make) -> None:
    problem = make(name)
    config = middle(problem)
    whole = epochs(problem.start(config, 2), 3)
    assert [report["epoch"] for report in whole] == [1, 2, 3]
    for report in whole:
        assert {objective.name for objective in problem.objectives.values()} < set(report)
        assert {"test_error", "test_loss"} < set(report)
    for short, objective in problem.objectives.items():
        values = {report[objective.name] for report in whole}
        assert objective.reference < WITHOUT_TABLE, short
        if objective.exact:
            assert values == {problem.static_metrics(config)[objective.name]}

    # Another training in between changes nothing, and neither does looking at the test set.
    training, other = problem.start(config, 2), problem.start(config, 3)
    first, others_first = training.run_epoch(), epochs(other, 1)[0]
    assert {**first, **training.test_metrics(), "seconds": 0} == {**whole[0], "seconds": 0}
    assert others_first["val_loss"] != whole[0]["val_loss"]

    # Saved, gone on, and loaded elsewhere: bit for bit the same.
    state = training.state()
    training.run_epoch()
    resumed = pickle.loads(pickle.dumps(problem)).start(config, 2)
    resumed.load_state(state)
    assert epochs(resumed, 2) == whole[1:]


@pytest.mark.parametrize("name", ["mlp-adam-wine", "mlp-sgd", ""])
def test_an_unknown_learner_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown learner '{name}': choose from mlp-sgd-digits"):
        LearnerProblem(name)


@pytest.mark.parametrize("epochs", [0, 28])
def test_more_epochs_than_the_recipe_has(epochs: int) -> None:
    with pytest.raises(ValueError, match=f"has 27 epochs a curve, not {epochs}"):
        LearnerProblem("mlp-sgd-digits", epochs=epochs)
    assert LearnerProblem("mlp-sgd-digits", epochs=5).max_epochs == 5


@pytest.mark.parametrize("name", ["mlp-sgd-wine", "linear-digits", "forest-digits"])
def test_global_random_state_is_untouched(name: str) -> None:
    def states() -> tuple[object, ...]:
        legacy = np.random.get_state()[1].tolist()  # noqa: NPY002 - the state others rely on
        return random.getstate(), legacy, torch.get_rng_state().tolist()

    before = states()
    problem = LearnerProblem(name)
    problem.start(middle(problem), 0).run_epoch()
    assert states() == before


def test_a_network_that_overflows_goes_on_without_a_score() -> None:
    problem = LearnerProblem("mlp-sgd-wine")
    hopeless = {**middle(problem), "learning_rate": 1e30, "momentum": 0.9}
    training = problem.start(hopeless, 0)
    report = epochs(training, 3)[-1]
    assert np.isnan([report["val_error"], report["val_loss"], report["test_error"]]).all()
    assert report["epoch"] == 3


@pytest.mark.parametrize(
    ("name", "chosen", "limit"),
    [
        # The best constant prediction has an error of 1, 0.32, 0.9 and 0.9.
        ("mlp-adam-diabetes", {"learning_rate": 0.03, "weight_decay": 0.0, "inputs": 10}, 0.8),
        ("boosting-breast-cancer", {"learning_rate": 0.1}, 0.2),
        ("linear-digits", {"learning_rate": 0.01, "pooling": 1, "alpha": 0.001}, 0.2),
        ("forest-digits", {"trees": 4}, 0.3),
    ],
)
def test_it_learns(name: str, chosen: dict[str, Any], limit: float) -> None:
    problem = LearnerProblem(name)
    reports = epochs(problem.start({**middle(problem), **chosen}, 0), 5)
    assert reports[-1]["val_error"] < limit
