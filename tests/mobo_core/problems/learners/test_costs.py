"""Sizes and operations by hand, against the models themselves, and as bounds of grown trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mobo_core.problems.learners import LearnerProblem, data, estimators, networks
from mobo_core.problems.learners.costs import costs_of
from mobo_core.problems.learners.recipes import RECIPES

NETWORKS = [name for name, recipe in RECIPES.items() if recipe.kind in ("mlp-sgd", "cnn")]


def config_of(name: str, **chosen: Any) -> dict[str, Any]:
    space = RECIPES[name].space
    return {**space.from_unit(np.zeros(len(space))), **chosen}


def test_a_perceptron_by_hand() -> None:
    # 6·16+16 + 16·3+3 = 112 + 51 parameters, 96 + 48 = 144 weights.
    # 50 epochs of 6 · 144 · 88 operations and 6 steps of 4 · 163, in 10⁹.
    config = config_of("mlp-sgd-wine", inputs=6, units=16, batch_size=16)
    assert LearnerProblem("mlp-sgd-wine").static_metrics(config) == {
        "params": 163,
        "train_gflops": pytest.approx(50 * (6 * 144 * 88 + 6 * 4 * 163) / 1e9, rel=1e-4),
    }


def test_a_convolutional_network_by_hand() -> None:
    # 14 × 14 pixels become 7 × 7 with 2 filters, then 4 × 4 with 4.
    config = config_of("cnn-mnist", filters=2, blocks=2, kernel=3, batch_size=128)
    found = costs_of(RECIPES["cnn-mnist"], config, 196, 10, 2000)
    assert found["params"] == (9 * 2 + 2) + (2 * 9 * 4 + 4) + (4 * 16 * 10 + 10)
    multiplications = 18 * 49 + 72 * 16 + 640
    operations = 20 * (6 * multiplications * 2000 + 16 * 4 * found["params"])
    assert found["train_gflops"] == pytest.approx(operations / 1e9, rel=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_parameters_are_the_networks_own(name: str) -> None:
    problem, (inputs, classes) = LearnerProblem(name), data.SHAPES[RECIPES[name].data]
    build = networks.cnn if name.startswith("cnn") else networks.mlp
    for corner in (0.0, 0.4, 0.99):
        config = problem.space.from_unit(np.full(len(problem.space), corner))
        seen = config.get("inputs", inputs)
        network = build(config, seen, classes)
        counted = sum(parameter.numel() for parameter in network.parameters())
        assert problem.static_metrics(config)["params"] == counted
        assert network(torch.zeros(2, seen)).shape == (2, classes)


@pytest.mark.parametrize("leaves", [2, 6])
def test_boosted_trees_keep_within_their_size(leaves: int) -> None:
    name, epochs = "boosting-breast-cancer", 2
    config = config_of(name, iterations=2, learning_rate=0.1, max_leaf_nodes=leaves, rows=0.5)
    loaded = data.load("breast-cancer", "none")
    allowed = costs_of(RECIPES[name], config, 30, 2, 341)
    assert allowed["max_nodes"] == 20 * 2 * (2 * leaves - 1)
    training = estimators.start(RECIPES[name], config, loaded, 0, allowed)
    for _ in range(epochs):
        training.run_epoch()
    trees = [tree for stage in training._learner.estimator._predictors for tree in stage]
    assert len(trees) == 2 * epochs
    assert {tree.nodes["count"][0] for tree in trees} == {round(341 / 2)}
    assert max(len(tree.nodes) for tree in trees) == 2 * leaves - 1
    # The rows of the root, and those of the smaller of each two children.
    added = [nodes["count"][0] + smaller_children(nodes) for nodes in (t.nodes for t in trees)]
    most = allowed["train_gflops"] * 1e9 / (20 * 2 * config["inputs"] * 2)
    assert max(added) <= most * (1 + 1e-4)


def smaller_children(nodes: Any) -> int:
    """Return the rows of the children whose histograms are counted; those of leaves are not."""
    return sum(
        min(nodes["count"][node["left"]], nodes["count"][node["right"]])
        for node in nodes
        if not node["is_leaf"]
        and not (nodes["is_leaf"][node["left"]] and nodes["is_leaf"][node["right"]])
    )


def test_a_forest_keeps_within_its_size() -> None:
    name = "forest-digits"
    config = config_of(name, trees=4, max_leaf_nodes=36, max_depth=6, max_samples=0.9)
    loaded = data.load("digits", "none")
    allowed = costs_of(RECIPES[name], config, 64, 10, 1000)
    training = estimators.start(RECIPES[name], config, loaded, 0, allowed)
    training.run_epoch()
    trees = [tree.tree_ for tree in training._learner.estimator.estimators_]
    assert len(trees) == 4
    assert max(tree.node_count for tree in trees) == 2 * 36 - 1
    assert sum(tree.node_count for tree in trees) <= allowed["max_nodes"] / 16
    assert sum(tree.max_depth for tree in trees) <= allowed["max_steps"] / 16


def test_a_linear_classifier_counts_what_it_uses() -> None:
    name = "linear-digits"
    sparse = config_of(name, pooling=1, penalty="l1", alpha=0.01, average=False, learning_rate=0.1)
    report = LearnerProblem(name).start(sparse, 0).run_epoch()
    assert 0 < report["nonzero"] < 400
    dense = LearnerProblem(name).start({**sparse, "penalty": "l2", "pooling": 2}, 0).run_epoch()
    assert dense["nonzero"] == 16 * 10 + 10
