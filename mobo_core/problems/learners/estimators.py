"""Learners of scikit-learn that grow: boosted trees, forests, and linear classifiers by SGD."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mobo_core.extras import needs
from mobo_core.problems.learners import scores
from mobo_core.problems.learners.data import Data, Part, pooled
from mobo_core.problems.learners.recipes import Recipe
from mobo_core.seeding import derive_seed

with needs("problems", __name__):
    from scipy.special import log_softmax
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
    )
    from sklearn.linear_model import SGDClassifier
    from threadpoolctl import ThreadpoolController

LEAST_SAMPLES = 5
"""The rows that a leaf of a boosted tree must hold."""
MAX_FEATURES = 0.5
"""The part of the inputs that each split of a boosted tree looks at."""


class Learner(Protocol):
    """What an epoch does to an estimator, and what the estimator then predicts."""

    estimator: Any

    def grow(self, inputs: NDArray[Any], targets: NDArray[Any]) -> None:
        """Train one epoch more."""
        ...

    def predict(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return (n, classes) logarithms of chances, or (n,) values of a regression."""
        ...

    def learned(self) -> dict[str, float]:
        """Return the metrics of the present estimator that its configuration does not give."""
        ...


class Boosting:
    """Histogram gradient boosting on a random part of the rows.

    Each split looks at a random part of the inputs, `MAX_FEATURES` if the configuration has none.
    """

    def __init__(self, config: Mapping[str, Any], data: Data, seed: int) -> None:
        build = HistGradientBoostingClassifier if data.classes else HistGradientBoostingRegressor
        self._iterations = config["iterations"]
        self._classes = data.classes
        order = np.random.default_rng(derive_seed("rows", seed)).permutation(len(data.train))
        self._rows = order[: round(config["rows"] * len(data.train))]
        self._inputs = config.get("inputs")
        self.estimator = build(
            learning_rate=config["learning_rate"],
            max_iter=self._iterations,
            max_leaf_nodes=config["max_leaf_nodes"],
            max_features=config.get("max_features", MAX_FEATURES),
            min_samples_leaf=LEAST_SAMPLES,
            early_stopping=False,
            warm_start=True,
            random_state=seed % 2**32,
        )

    def grow(self, inputs: NDArray[Any], targets: NDArray[Any]) -> None:
        """Add the epoch's iterations."""
        if hasattr(self.estimator, "n_iter_"):
            self.estimator.max_iter += self._iterations
        self.estimator.fit(inputs[self._rows, : self._inputs], targets[self._rows])

    def predict(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return logarithms of chances from the raw scores, or the predicted values."""
        seen = inputs[:, : self._inputs]
        if not self._classes:
            predicted: NDArray[Any] = self.estimator.predict(seen)
            return predicted
        return _log_chances(self.estimator.decision_function(seen))

    def learned(self) -> dict[str, float]:
        """Return nothing: the size follows from the configuration."""
        return {}


class Forest:
    """A random forest that gets new trees in every epoch."""

    def __init__(self, config: Mapping[str, Any], seed: int) -> None:
        self._trees = config["trees"]
        self.estimator = RandomForestClassifier(
            n_estimators=0,
            max_leaf_nodes=config["max_leaf_nodes"],
            max_depth=config["max_depth"],
            max_features=config["max_features"],
            max_samples=config["max_samples"],
            min_samples_leaf=config["min_samples_leaf"],
            warm_start=True,
            random_state=seed % 2**32,
        )

    def grow(self, inputs: NDArray[Any], targets: NDArray[Any]) -> None:
        """Add the epoch's trees."""
        self.estimator.n_estimators += self._trees
        self.estimator.fit(inputs, targets)

    def predict(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return logarithms of the trees' mean chances, none smaller than scikit-learn's limit.

        ``sklearn.metrics.log_loss`` has the same limit: a class that no tree has seen in its leaf
        would cost infinitely much.
        """
        chances = self.estimator.predict_proba(inputs)
        return np.asarray(np.log(np.maximum(chances, np.finfo(chances.dtype).eps)))

    def learned(self) -> dict[str, float]:
        """Return nothing: the size follows from the configuration."""
        return {}


class Linear:
    """A linear classifier by SGD. An epoch is one pass over the training rows.

    It sees each square of `pooling` by `pooling` pixels as one mean. Its chances are the softmax of
    its scores for every loss that it can be trained by, so that cross-entropies can be compared.
    scikit-learn averages the weights before the L1 penalty cuts them. So averaged weights are never
    sparse, and with a large penalty they are poor; whoever combines the two gets that.
    """

    def __init__(self, config: Mapping[str, Any], data: Data, seed: int) -> None:
        self._classes = np.arange(data.classes)
        self._pooling = config["pooling"]
        self.estimator = SGDClassifier(
            loss=config["loss"],
            penalty=config["penalty"],
            alpha=config["alpha"],
            learning_rate="constant",
            eta0=config["learning_rate"],
            average=config["average"],
            random_state=seed % 2**32,
        )
        self._order = np.random.default_rng(derive_seed("order", seed))

    def grow(self, inputs: NDArray[Any], targets: NDArray[Any]) -> None:
        """Pass over the rows once, in a new order."""
        rows = self._order.permutation(len(targets))
        pixels = pooled(inputs[rows], self._pooling)
        self.estimator.partial_fit(pixels, targets[rows], classes=self._classes)

    def predict(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return logarithms of the softmax of the scores."""
        return _log_chances(self.estimator.decision_function(pooled(inputs, self._pooling)))

    def learned(self) -> dict[str, float]:
        """Return the number of weights and biases that are not 0."""
        weights = np.count_nonzero(self.estimator.coef_)
        return {"nonzero": float(weights + np.count_nonzero(self.estimator.intercept_))}


def _log_chances(decisions: NDArray[Any]) -> NDArray[Any]:
    """Return (n, classes) logarithms of chances of scores; two classes may share one column."""
    if decisions.ndim == 1:
        decisions = np.column_stack([np.zeros_like(decisions), decisions])
    return np.asarray(log_softmax(decisions.astype(np.float64), axis=1))


class EstimatorTraining:
    """A training of a learner of scikit-learn, one epoch at a time; see `Training`.

    One thread is used, so that trials can run side by side.

    Args:
        data: The data set.
        learner: A learner that has not been trained.
        static_metrics: Metrics that are known before training, added to every report.
    """

    def __init__(self, data: Data, learner: Learner, static_metrics: Mapping[str, float]) -> None:
        self._data = data
        self._learner = learner
        self._static_metrics = dict(static_metrics)
        self._threads = ThreadpoolController()
        self._epoch = 0

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch, validate, and return the report; see `Training.run_epoch`."""
        began = time.perf_counter()
        with self._threads.limit(limits=1):
            self._learner.grow(self._data.train.inputs, self._data.train.targets)
            error, loss = self._score(self._data.validation)
        self._epoch += 1
        return {
            "val_error": error,
            "val_loss": loss,
            **self._learner.learned(),
            **self._static_metrics,
            "epoch": self._epoch,
            "seconds": time.perf_counter() - began,
        }

    def _score(self, part: Part) -> tuple[float, float]:
        predictions = self._learner.predict(part.inputs)
        measure = scores.classified if self._data.classes else scores.regressed
        return measure(predictions, part.targets)

    def test_metrics(self) -> dict[str, float]:
        """Return test_error and test_loss of the present estimator."""
        with self._threads.limit(limits=1):
            found = self._score(self._data.test)
        return dict(zip(("test_error", "test_loss"), found, strict=True))

    def state(self) -> bytes:
        """Return epoch and learner, pickled, which is how scikit-learn keeps an estimator."""
        return pickle.dumps((self._epoch, self._learner))

    def load_state(self, state: bytes) -> None:
        """Continue from a state that `state` returned. Load no state from elsewhere."""
        self._epoch, self._learner = pickle.loads(state)  # noqa: S301 - our own processes wrote it

    def close(self) -> None:
        """Do nothing: Python frees everything with the object."""


def start(
    recipe: Recipe, config: Mapping[str, Any], data: Data, seed: int, static: Mapping[str, float]
) -> EstimatorTraining:
    """Return a training at epoch 0.

    Args:
        recipe: The recipe, of kind ``boosting``, ``forest`` or ``linear``.
        config: A configuration of the recipe's space.
        data: The data set.
        seed: The seed of the estimator, of the rows that boosting takes, and of the order in which
            a linear classifier sees them.
        static: Metrics that are known before training.
    """
    learner: Learner
    if recipe.kind == "boosting":
        learner = Boosting(config, data, seed)
    elif recipe.kind == "forest":
        learner = Forest(config, seed)
    else:
        learner = Linear(config, data, seed)
    return EstimatorTraining(data, learner, static)
