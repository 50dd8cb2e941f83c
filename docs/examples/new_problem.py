"""Your own problem: logistic regression on a few features of the breast-cancer data.

It has two objectives: validation loss, and the number of features (tests) that a diagnosis needs.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

from bench.matrix.problems import ProblemEntry
from mobo_core import Objective
from mobo_core.problems import Problem
from mobo_core.seeding import derive_seed
from mobo_core.space import RangeParameter, SearchSpace

TRAINING, VALIDATION = slice(0, 340), slice(340, 455)
TEST = slice(455, None)


@functools.cache
def _data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the scaled features, (569, 30), the most informative first, and the labels, (569,)."""
    raw, labels = load_breast_cancer(return_X_y=True)
    features = (raw - raw[TRAINING].mean(axis=0)) / raw[TRAINING].std(axis=0)
    signed = features[TRAINING] * (2 * labels[TRAINING, None] - 1)
    return features[:, np.argsort(-np.abs(signed.mean(axis=0)), kind="stable")], labels


class LogisticTraining:
    """One configuration in training: a `mobo_core.problems.Training`."""

    def __init__(self, config: Mapping[str, Any], seed: int) -> None:
        self._used = int(config["features"])
        self._model = SGDClassifier(
            loss="log_loss",
            alpha=config["alpha"],
            learning_rate="constant",
            eta0=config["learning_rate"],
            shuffle=False,
        )
        self._seed = seed
        self._epoch = 0

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch and return its metrics.

        The order of the samples depends on seed and epoch alone, so a resumed training repeats.
        """
        began = time.perf_counter()
        features, labels = _data()
        order = np.random.default_rng(derive_seed(self._seed, self._epoch)).permutation(340)
        self._model.partial_fit(
            features[TRAINING][order, : self._used], labels[TRAINING][order], classes=[0, 1]
        )
        self._epoch += 1
        return {
            "val_loss": self._loss(VALIDATION),
            "features": self._used,
            "epoch": self._epoch,
            "seconds": time.perf_counter() - began,
        }

    def _loss(self, part: slice) -> float:
        features, labels = _data()
        return float(
            log_loss(labels[part], self._model.predict_proba(features[part, : self._used]))
        )

    def test_metrics(self) -> dict[str, float]:
        """Return the metrics on test data, which the search never uses."""
        return {"test_loss": self._loss(TEST)}

    def state(self) -> bytes:
        """Return the model and the number of epochs, as bytes."""
        return pickle.dumps((self._model, self._epoch))

    def load_state(self, state: bytes) -> None:
        """Continue from a state that `state` returned."""
        self._model, self._epoch = pickle.loads(state)  # noqa: S301 - written by `state`

    def close(self) -> None:
        """Release nothing: the training holds no resources."""


@dataclass(frozen=True)
class LogisticProblem:
    """The search space, the objectives and the training: a `mobo_core.problems.Problem`."""

    max_epochs: int = 8
    name: str = "logistic-breast-cancer"

    @property
    def space(self) -> SearchSpace:
        """Learning rate, regularisation, and number of features."""
        return SearchSpace(
            (
                RangeParameter("learning_rate", 1e-4, 1e-1, log=True),
                RangeParameter("alpha", 1e-6, 1e-1, log=True),
                RangeParameter("features", 1, 30, integer=True),
            )
        )

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """The objectives by short name. Their references are fixed, never taken from results."""
        return {
            "loss": Objective("val_loss", "min", reference=0.7, unit="nats", ideal=0),
            "features": Objective("features", "min", reference=31, exact=True, ideal=0),
        }

    def data_checksum(self) -> str:
        """Return the SHA-256 of the data, which tells runs on other data apart."""
        features, labels = _data()
        return hashlib.sha256(features.tobytes() + labels.tobytes()).hexdigest()

    def start(self, config: Mapping[str, Any], seed: int) -> LogisticTraining:
        """Return a training at epoch 0."""
        return LogisticTraining(config, seed)


def make(dataset: str, data_dir: str, max_epochs: int) -> Problem:
    """Return the problem. Its only data set comes with scikit-learn, so no folder is needed."""
    return LogisticProblem(max_epochs)


ENTRY = ProblemEntry(make, ("breast-cancer",), "Logistic regression on {}", trains=True)
