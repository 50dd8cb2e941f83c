"""Every name of the catalogue can be built from a matrix and does its duty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.errors import UserError
from bench.matrix import catalogue, rivals
from bench.matrix.matrix import Component
from mobo_core.problems.mlp import MLPProblem
from mobo_core.space import ChoiceParameter

PROBLEM = MLPProblem("digits")


def context(*names: str) -> catalogue.Context:
    objectives = catalogue.make_objectives(PROBLEM, names)
    return catalogue.Context(PROBLEM.space, objectives, PROBLEM.max_epochs, slots=2, seed=1)


def inside(config: dict[str, Any]) -> bool:
    return set(config) == set(PROBLEM.space.names) and all(
        config[p.name] in p.values
        if isinstance(p, ChoiceParameter)
        else p.lower <= config[p.name] <= p.upper
        for p in PROBLEM.space.parameters
    )


def or_skipped(name: str) -> Any:
    """Return the name of a rival, skipped if it is not installed."""
    reason = rivals.absent("searcher", name)
    return pytest.param(name, marks=pytest.mark.skipif(bool(reason), reason=reason))


@pytest.mark.parametrize(
    "name", [*sorted(catalogue.SEARCHERS), *map(or_skipped, sorted(rivals.SEARCHERS))]
)
def test_searchers_suggest_and_take_every_ending(name: str) -> None:
    searcher = catalogue.make_searcher(Component(name, name, {}), context("acc", "loss", "params"))
    good = {"val_accuracy": 0.9, "val_loss": 0.3, "params": 5000, "epoch": 8}
    endings: list[tuple[dict[str, Any] | None, bool]] = [
        (good, False),
        ({**good, "epoch": 2}, False),
        ({**good, "val_loss": float("nan")}, False),
        (None, True),
        (None, False),
    ]
    for number, (result, error) in enumerate(endings):
        config = searcher.suggest(str(number))
        assert isinstance(config, dict)
        assert inside(config)
        searcher.on_trial_complete(str(number), result, error)


@pytest.mark.parametrize("name", sorted(catalogue.SCHEDULERS))
@pytest.mark.parametrize("objectives", [("acc", "params"), ("acc", "loss", "params", "flops")])
def test_schedulers_can_be_built(name: str, objectives: tuple[str, ...]) -> None:
    # What they do is tested in Tune: test_scheduler_contract.
    scheduler = catalogue.make_scheduler(Component(name, name, {}), context(*objectives))
    assert scheduler.debug_string()


def test_problems_know_their_checksum_and_flops() -> None:
    assert len(PROBLEM.data_checksum()) == 64
    assert set(PROBLEM.objectives) == {"acc", "loss", "params", "flops"}


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Component("x", "nope", {}), "unknown scheduler 'nope': choose from asha, ax-and"),
        (Component("x", "fifo", {"eta": 3}), "has no parameter 'eta'; it has: none"),
        (
            Component("x", "paper-rungwise", {"grace_period": "a"}),
            "scheduler 'x': grace_period must be a number, got 'a'",
        ),
        (
            Component("x", "moasha-stopping", {"brackets": True}),
            "scheduler 'x': brackets must be a number, got True",
        ),
        (
            Component("x", "moasha-stopping", {"ranking": 3}),
            "scheduler 'x': ranking must be a name, got 3",
        ),
        (
            Component("x", "moasha-promotion", {"quota": "ceil"}),
            "scheduler 'x': unknown quota 'ceil': choose from floor, floor_plus_one",
        ),
        (
            Component("x", "asha", {"random_weights": 1}),
            "scheduler 'x': random_weights must be true or false, got 1",
        ),
        (
            Component("x", "hv-promotion", {"margin": -1}),
            "scheduler 'x': margin must be at least 0, got -1",
        ),
    ],
)
def test_bad_components_are_named(component: Component, message: str) -> None:
    with pytest.raises(UserError, match=message):
        catalogue.make_scheduler(component, context("acc", "params"))


@pytest.mark.parametrize("quota", [None, "floor", "floor_plus_one"])
def test_a_matrix_sets_the_quota(quota: str | None) -> None:
    settings = {"quota": quota} if quota else {}

    def rule(name: str) -> Any:
        made: Any = catalogue.make_scheduler(Component("x", name, settings), context("acc", "loss"))
        return made.rule

    # With η = 3 the second best of three trials, c, continues only if there is one place more.
    stopping = rule("moasha-stopping")
    decisions = [
        stopping.report(name, 1, np.array([value, value])).value
        for name, value in (("a", 1.0), ("b", 3.0), ("c", 2.0))
    ]
    assert decisions == ["continue", "stop", "continue" if quota == "floor_plus_one" else "stop"]
    # And so does a single trial under promotion.
    promotion = rule("moasha-promotion")
    promotion.report("a", 1, np.array([1.0, 1.0]))
    assert promotion.choose(True) == ("a" if quota == "floor_plus_one" else None)
