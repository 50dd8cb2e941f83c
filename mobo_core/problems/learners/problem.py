"""The problem of a learner: its grid, its objectives, and its training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mobo_core.objectives import Objective
from mobo_core.problems.learners import data
from mobo_core.problems.learners.costs import costs_of
from mobo_core.problems.learners.recipes import RECIPES, Recipe
from mobo_core.problems.protocol import Training
from mobo_core.problems.tabular import TABLES
from mobo_core.seeding import derive_seed
from mobo_core.space import SearchSpace

SIZE = {
    "mlp-sgd": "params",
    "mlp-adam": "params",
    "cnn": "params",
    "boosting": "max_nodes",
    "forest": "max_nodes",
    "linear": "nonzero",
}
"""Kind → the metric that is its size."""
KINDS = {
    "mlp-sgd": "a perceptron by SGD (PyTorch)",
    "mlp-adam": "a perceptron by Adam (PyTorch)",
    "cnn": "a convolutional network by SGD with momentum 0.9 (PyTorch)",
    "boosting": "histogram gradient boosting on rows that the seed draws (scikit-learn)",
    "forest": "a random forest (scikit-learn) with new trees in every epoch",
    "linear": "a linear classifier by SGD (scikit-learn), one pass an epoch",
}
"""Kind → what is trained."""
WITHOUT_TABLE = 1e12
"""The reference value of a recipe that has not been recorded; the recorder finds the right one."""


@dataclass(frozen=True)
class LearnerProblem:
    """A small model on a small data set: networks, boosted trees, forests, linear classifiers.

    The objectives are

    - ``error``: the share of wrong answers on the validation set (0–1), and for a regression
      1 - R²;
    - ``loss``: the cross-entropy on it in nats, and for a regression the mean absolute error over
      that of the targets' median;
    - ``size``: the parameters of a network, the non-zero weights of a linear classifier, the nodes
      that all trees may have together;
    - ``flops`` of networks and boosting: the operations of the whole training, in 10⁹;
    - ``steps`` of a forest: the comparisons that a prediction may take.

    The size of a linear classifier is learned, up and down, as its error is. All other sizes and
    costs are exact: they follow from the configuration and are the same in every report. A model
    of trees grows with every epoch, and the size *so far* would reward stopping early and would be
    no objective of the configuration. What its trees will hold is not known before they are grown.
    So its size is the one that the configuration allows at the recipe's full budget, for which a
    device must have room. A shorter `epochs` leaves these values as they are: it would divide them
    all by the same number. Times of prediction are left out: for models as small as these they
    measure the call, not the model.

    Each reference value is the 0.9 quantile of the recorded table's values at the full budget, over
    configurations and training seeds; see ``mobo-bench record --references table``.

    Args:
        dataset: The name of a recipe, a key of `mobo_core.problems.learners.recipes.RECIPES`.
        data_dir: The folder with torchvision's ``MNIST/raw``, used for MNIST only.
        epochs: The full budget of a trial; None takes the recipe's.

    Raises:
        ValueError: If there is no such recipe, or it has fewer epochs. On first use, if MNIST is
            missing.

    Example:
        >>> from mobo_core.problems.learners import LearnerProblem
        >>> problem = LearnerProblem("mlp-sgd-wine")
        >>> problem.max_epochs, list(problem.objectives)
        (50, ['error', 'loss', 'size', 'flops'])
        >>> report = problem.start(problem.space.from_unit([0.5] * 5), seed=1).run_epoch()
        >>> report["epoch"], report["params"]
        (1, 43)
    """

    dataset: str
    data_dir: str = "data"
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.dataset not in RECIPES:
            raise ValueError(f"unknown learner {self.dataset!r}: choose from {', '.join(RECIPES)}")
        longest = self.recipe.epochs
        if self.epochs is not None and not 1 <= self.epochs <= longest:
            raise ValueError(f"{self.dataset} has {longest} epochs a curve, not {self.epochs}")

    @property
    def recipe(self) -> Recipe:
        """The recipe."""
        return RECIPES[self.dataset]

    @property
    def max_epochs(self) -> int:
        """The full budget of a trial, in epochs."""
        return self.epochs or self.recipe.epochs

    @property
    def name(self) -> str:
        """The problem's name, e.g. ``mlp-sgd-digits``."""
        return self.dataset

    @property
    def space(self) -> SearchSpace:
        """The recipe's grid."""
        return self.recipe.space

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """Short name → objective, with the recorded table's reference value."""
        kind = self.recipe.kind
        _, classes = data.SHAPES[self.recipe.data]
        goals = {
            "error": ("val_error", "", False),
            "loss": ("val_loss", "nats" if classes else "", False),
            "size": (SIZE[kind], "", kind != "linear"),
        }
        if kind == "forest":
            goals["steps"] = ("max_steps", "", True)
        elif kind != "linear":
            goals["flops"] = ("train_gflops", "GFLOP", True)
        references = _references(self.dataset)
        return {
            short: Objective(metric, "min", references.get(short, WITHOUT_TABLE), unit, exact, 0.0)
            for short, (metric, unit, exact) in goals.items()
        }

    def static_metrics(self, config: Mapping[str, Any]) -> dict[str, float]:
        """Return the exact metrics; see `mobo_core.problems.learners.costs.costs_of`."""
        sizes, (inputs, classes) = data.SIZES[self.recipe.data], data.SHAPES[self.recipe.data]
        return costs_of(self.recipe, config, inputs, classes or 1, sizes.train)

    def start(self, config: Mapping[str, Any], seed: int) -> Training:
        """Return a training at epoch 0, whose randomness follows from configuration and seed."""
        loaded = data.load(self.recipe.data, self.data_dir)
        seed = derive_seed(self.dataset, dict(config), seed)
        static = self.static_metrics(config)
        if SIZE[self.recipe.kind] == "params":
            from mobo_core.problems.learners import networks  # PyTorch takes seconds

            return networks.start(self.recipe, config, loaded, seed, static)
        from mobo_core.problems.learners import estimators

        return estimators.start(self.recipe, config, loaded, seed, static)

    def data_checksum(self) -> str:
        """Return the SHA-256 of the data set's inputs and targets."""
        return data.load(self.recipe.data, self.data_dir).checksum

    def described(self) -> Mapping[str, str]:
        """Return what a table of this problem holds; see `DescribedProblem`."""
        sizes = data.SIZES[self.recipe.data]
        return {
            "what": KINDS[self.recipe.kind],
            "how": (
                f"{sizes.train} rows for training, {sizes.validation} for validation and "
                f"{sizes.test} for test, split once and for all; the training seed changes the "
                "initial state and the order only; values have five significant digits"
            ),
            "data": data.SOURCES[self.recipe.data],
        }


@lru_cache(maxsize=32)
def _references(name: str) -> Mapping[str, float]:
    """Return short name → reference value from the card of the recipe's table, if there is one."""
    card = Path(TABLES, f"{name}.parquet.json")
    if not card.is_file():
        return {}
    objectives = json.loads(card.read_text("utf-8"))["objectives"]
    return {short: fields["reference"] for short, fields in objectives.items()}
