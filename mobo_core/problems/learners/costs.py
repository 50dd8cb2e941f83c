"""Sizes and operations of the learners that follow from the configuration, without training."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from mobo_core.problems.learners.recipes import Recipe
from mobo_core.problems.learners.scores import rounded

UPDATE_FLOPS: Mapping[str, int] = {"mlp-sgd": 4, "mlp-adam": 12, "cnn": 4}
"""Kind → the optimiser's floating-point operations for each parameter and step."""
CNN_STRIDE = 2
"""The stride of each convolution."""


def costs_of(
    recipe: Recipe, config: Mapping[str, Any], inputs: int, outputs: int, rows: int
) -> dict[str, float]:
    """Return the metrics of a configuration that are exact, at the recipe's full budget.

    Args:
        recipe: The recipe.
        config: A configuration of its space.
        inputs: The number of inputs.
        outputs: The number of classes; 1 for a regression.
        rows: The number of training rows.

    Returns:
        Networks: ``params``, and ``train_gflops``, the 10⁹ operations of the training: six for each
        multiply-add and row (forward, and backward to weights and inputs) and `UPDATE_FLOPS` for
        each parameter and step. Trees: ``max_nodes``, the nodes that all trees may have together.
        Boosting: ``train_gflops`` too, the most additions that its histograms may take, in 10⁹.
        A forest: ``max_steps``, the comparisons that one prediction may take. Linear classifiers:
        none.
    """
    if recipe.kind in UPDATE_FLOPS:
        sizes = _cnn_sizes if recipe.kind == "cnn" else _mlp_sizes
        params, multiplications = sizes(config, inputs, outputs)
        updates = UPDATE_FLOPS[recipe.kind] * params * -(-rows // config["batch_size"])
        flops = recipe.epochs * (6 * multiplications * rows + updates)
        return {"params": params, "train_gflops": rounded(flops / 1e9)}
    if recipe.kind == "linear":
        return {}
    leaves = config["max_leaf_nodes"]
    if recipe.kind == "boosting":
        # Two classes need one tree an iteration. Each row and input is added to a histogram of
        # gradients and, for classes, of second derivatives. Below the root only the smaller of two
        # children is counted: at most half of the rows.
        trees = recipe.epochs * config["iterations"] * (outputs if outputs > 2 else 1)
        sums = round(config["rows"] * rows) * config.get("inputs", inputs)
        sums *= 2 if outputs > 1 else 1
        flops = trees * sums * (1 + (leaves - 2) / 2)
        return {"max_nodes": trees * (2 * leaves - 1), "train_gflops": rounded(flops / 1e9)}
    trees = recipe.epochs * config["trees"]
    leaves = min(leaves, 2 ** config["max_depth"])
    depth = min(config["max_depth"], leaves - 1)
    return {"max_nodes": trees * (2 * leaves - 1), "max_steps": trees * depth}


def _mlp_sizes(config: Mapping[str, Any], inputs: int, outputs: int) -> tuple[int, int]:
    """Return the number of parameters and the multiply-adds of one row."""
    widths = (
        [config.get("inputs", inputs)] + [config["units"]] * config.get("layers", 1) + [outputs]
    )
    weights = sum(a * b for a, b in pairwise(widths))
    return weights + sum(widths[1:]), weights


def _cnn_sizes(config: Mapping[str, Any], inputs: int, outputs: int) -> tuple[int, int]:
    """Return the number of parameters and the multiply-adds of one image, its margin included."""
    side, channels, params, multiplications = round(inputs**0.5), 1, 0, 0
    for block in range(config["blocks"]):
        filters = config["filters"] * 2**block
        weights = channels * filters * config["kernel"] ** 2
        side, channels = -(-side // CNN_STRIDE), filters
        params += weights + filters
        multiplications += weights * side * side
    last = channels * side * side * outputs
    return params + last + outputs, multiplications + last
