"""What a problem has to offer; everything else (Tune, records, tables) works with this alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from mobo_core.objectives import Objective
from mobo_core.space import SearchSpace


class Training(Protocol):
    """One configuration in training.

    The same configuration and seed give the same metrics bit for bit, whatever ran before in
    the process and wherever the training was saved and loaded.
    """

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch and return its metrics, in their own directions."""
        ...

    def test_metrics(self) -> dict[str, float]:
        """Metrics of the present model on held-out test data; not for use during a search."""
        ...

    def state(self) -> bytes:
        """All that `load_state` needs to go on from here.

        Bytes, so that whoever only passes them on need not import what made them.
        """
        ...

    def load_state(self, state: bytes) -> None:
        """Go on where `state` was taken."""
        ...

    def close(self) -> None:
        """Give back what the training holds; it is not used afterwards."""
        ...


class TrainingSource(Protocol):
    """What a trial needs of a problem."""

    @property
    def max_epochs(self) -> int:
        """The full budget of one trial."""
        ...

    def start(self, config: Mapping[str, Any], seed: int) -> Training:
        """A training at epoch 0.

        Args:
            config: A configuration of the problem's space.
            seed: Of initial weights, shuffling and dropout.
        """
        ...


class Problem(TrainingSource, Protocol):
    """A search space and how to train a configuration of it. Must be cheap to pickle.

    Equal ones train alike: processes that hold one are used again for the next. A dataclass has
    such an equality; without one they are started anew for every run.
    """

    @property
    def name(self) -> str:
        """Stable name, data set included, e.g. ``"mlp-mnist"``."""
        ...

    @property
    def space(self) -> SearchSpace:
        """What is searched."""
        ...

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """Short name → objective, with the problem's fixed reference values."""
        ...

    def data_checksum(self) -> str:
        """SHA-256 of the data it trains on; empty if it needs none."""
        ...


class DivisibleProblem(Problem, Protocol):
    """A problem whose trainings can be divided among several workers."""

    def start_part(self, config: Mapping[str, Any], seed: int, rank: int, workers: int) -> Training:
        """One worker's part of the training that `start` begins.

        All workers call the same methods in the same order; what the one of rank 0 returns
        counts, and it alone is asked for its state and for test metrics. Up to the order of
        floating-point additions the metrics are those of one worker.

        Args:
            config: As for `start`.
            seed: As for `start`.
            rank: 0-based.
            workers: That train together, ≥ 1, and have joined torch's default process group.
        """
        ...


class SharedDataProblem(Problem, Protocol):
    """A problem whose data can be given to other processes, which then need not read them.

    The benchmark reads them where its command runs and puts them into Ray's object store: all
    training processes of a node look at one copy, which Ray brings to other nodes.
    """

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        """All that a training needs of the data; read if need be."""
        ...

    def use_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Train on these in this process instead of reading; they must not be written to."""
        ...


def train_again(
    problem: TrainingSource, config: Mapping[str, Any], seed: int, epochs: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Last report and test metrics of a configuration trained for so many epochs."""
    training = problem.start(config, seed)
    for _ in range(epochs):
        metrics = training.run_epoch()
    tested = training.test_metrics()
    training.close()
    return metrics, tested
