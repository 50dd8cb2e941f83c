"""The recipes of the learners: what is trained, on which data, for how long, over which grid.

A search space is a grid, the one of the recorded table, so training and table have the same
configurations. The grids include learning rates that are far too small or too large. They were
chosen before any scheduler ran on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobo_core.objectives import is_finite_number
from mobo_core.space import ChoiceParameter, SearchSpace

RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Learning rates, two for each power of ten."""


@dataclass(frozen=True)
class Recipe:
    """One training that the recorded tables hold.

    Args:
        kind: ``mlp-sgd``, ``mlp-adam``, ``cnn``, ``boosting``, ``linear`` or ``forest``.
        data: The data set, a key of `mobo_core.problems.learners.data.SIZES`.
        epochs: The full budget.
        space: The grid.
    """

    kind: str
    data: str
    epochs: int
    space: SearchSpace

    @property
    def name(self) -> str:
        """The name, e.g. ``mlp-sgd-digits``."""
        return f"{self.kind}-{self.data}"


def _grid(**values: tuple[Any, ...]) -> SearchSpace:
    return SearchSpace(
        tuple(
            ChoiceParameter(name, choices, ordered=is_finite_number(choices[0]))
            for name, choices in values.items()
        )
    )


Last = Mapping[str, tuple[float, ...]]
SGD: Last = {"momentum": (0.0, 0.9), "learning_rate": RATES[3:9]}
DROPOUT: Last = {"dropout": (0.0, 0.3), "learning_rate": RATES[1:7]}
DECAY: Last = {"weight_decay": (0.0, 0.1), "learning_rate": RATES[1:7]}
"""The last parameters of a perceptron's grid: by SGD, by Adam with dropout or weight decay."""


def _deep(units: tuple[int, ...], last: Last, rates: tuple[float, ...]) -> SearchSpace:
    grid = {**last, "learning_rate": rates}
    return _grid(units=units, layers=(1, 2), batch_size=(64, 256), **grid)


def _narrow(inputs: tuple[int, ...], batch_sizes: tuple[int, ...], last: Last) -> SearchSpace:
    return _grid(inputs=inputs, units=(2, 4, 16), batch_size=batch_sizes, **last)


SMALL_RATES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5)
LARGE_RATES = (0.01, 0.03, 0.1, 0.3, 0.6, 1.0)
"""Learning rates of boosting: with many classes its scores overflow earlier."""


PART_OF_INPUTS: Last = {"max_features": (0.2, 0.6)}
FIRST_INPUTS: Last = {"inputs": (3, 10, 30)}
"""What boosted trees see: a random part of the inputs at each split, or the first inputs only."""


def _boosting(
    leaves: tuple[int, ...], iterations: tuple[int, ...], seen: Last, rates: tuple[float, ...]
) -> SearchSpace:
    return _grid(
        iterations=iterations,
        max_leaf_nodes=leaves,
        rows=(0.25, 0.5, 1.0),
        **seen,
        learning_rate=rates,
    )


LINEAR = _grid(
    pooling=(1, 2),
    loss=("hinge", "log_loss"),
    penalty=("l2", "l1"),
    alpha=(0.0001, 0.001, 0.01),
    average=(False, True),
    learning_rate=(0.0001, 0.001, 0.01, 0.1, 0.3),
)
CNN = _grid(
    filters=(2, 4, 8),
    blocks=(1, 2),
    kernel=(3, 5),
    batch_size=(64, 256),
    learning_rate=(0.0003, 0.001, 0.003, 0.006, 0.01, 0.03, 0.06, 0.1, 0.3),
)
FOREST = _grid(
    trees=(1, 2, 4),
    max_leaf_nodes=(12, 36, 108),
    max_depth=(6, 16),
    max_features=(0.05, 0.15, 0.4),
    max_samples=(0.3, 0.9),
    min_samples_leaf=(1, 4),
)

RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("mlp-sgd", "digits", 27, _deep((4, 8, 16, 64), SGD, RATES[2:9])),
        Recipe("mlp-sgd", "breast-cancer", 30, _narrow((2, 8, 30), (32, 128), SGD)),
        Recipe("mlp-sgd", "wine", 50, _narrow((3, 6, 13), (16, 44), SGD)),
        Recipe("mlp-adam", "digits", 20, _deep((4, 8, 16, 64), DROPOUT, RATES[1:8])),
        Recipe("mlp-adam", "breast-cancer", 30, _narrow((2, 8, 30), (32, 128), DROPOUT)),
        Recipe("mlp-adam", "diabetes", 40, _narrow((3, 5, 10), (32, 128), DECAY)),
        Recipe("mlp-adam", "mnist", 20, _deep((8, 16, 32, 64), DROPOUT, RATES[1:8])),
        Recipe("cnn", "mnist", 20, CNN),
        Recipe(
            "boosting", "digits", 20, _boosting((3, 8, 20), (1, 2), PART_OF_INPUTS, SMALL_RATES)
        ),
        Recipe(
            "boosting", "breast-cancer", 20, _boosting((2, 6), (1, 2), FIRST_INPUTS, LARGE_RATES)
        ),
        Recipe(
            "boosting", "diabetes", 27, _boosting((2, 3, 6), (1, 2), PART_OF_INPUTS, LARGE_RATES)
        ),
        Recipe("linear", "digits", 30, LINEAR),
        Recipe("linear", "mnist", 20, LINEAR),
        Recipe("forest", "digits", 16, FOREST),
    )
}
"""Name → recipe."""
