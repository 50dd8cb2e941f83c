"""The protocols of problems. Everything else (Tune, records, tables) uses only these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from mobo_core.objectives import Objective
from mobo_core.space import SearchSpace


class Training(Protocol):
    """One configuration in training.

    The same configuration and seed give the same metrics bit for bit. They do not depend on what
    ran before in the process, or on whether the training was saved and loaded.

    Example:
        >>> from mobo_core.problems import Training
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> problem = SyntheticProblem("zdt1")
        >>> config = problem.space.from_unit([0.5] * 6)
        >>> training: Training = problem.start(config, seed=1)
        >>> sorted(training.run_epoch())
        ['epoch', 'f1', 'f2', 'seconds']
        >>> state = training.state()  # after epoch 1
        >>> again = problem.start(config, seed=1)
        >>> again.load_state(state)
        >>> again.run_epoch() == training.run_epoch()
        True
    """

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch and return its metrics, in their own directions."""
        ...

    def test_metrics(self) -> dict[str, float]:
        """Return the present model's metrics on test data. Do not use them during a search."""
        ...

    def state(self) -> bytes:
        """Return everything that `load_state` needs to continue from here.

        The state is bytes, so processes that only pass it on need not import the problem's
        libraries.
        """
        ...

    def load_state(self, state: bytes) -> None:
        """Continue from a state that `state` returned."""
        ...

    def close(self) -> None:
        """Release the training's resources. The training is not used afterwards."""
        ...


class TrainingSource(Protocol):
    """The part of a problem that a trial uses.

    Example:
        >>> from mobo_core.problems import TrainingSource
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> source: TrainingSource = SyntheticProblem("zdt1", max_epochs=8)
        >>> source.max_epochs
        8
    """

    @property
    def max_epochs(self) -> int:
        """The full budget of one trial."""
        ...

    def start(self, config: Mapping[str, Any], seed: int) -> Training:
        """Return a training at epoch 0.

        Args:
            config: A configuration of the problem's space.
            seed: The seed of initial weights, shuffling and dropout.
        """
        ...


class Problem(TrainingSource, Protocol):
    """A search space, and the training of a configuration. It must be cheap to pickle.

    Equal problems must train in the same way, because a process that holds a problem is reused for
    an equal one. A dataclass has such an equality. Without one, new processes start for every run.

    Example:
        >>> from mobo_core.problems import Problem
        >>> from mobo_core.problems.synthetic import SyntheticProblem
        >>> problem: Problem = SyntheticProblem("zdt1")
        >>> problem.name
        'synthetic-zdt1'
        >>> problem.space.names
        ('x1', 'x2', 'x3', 'x4', 'x5', 'x6')
        >>> list(problem.objectives)
        ['f1', 'f2']
    """

    @property
    def name(self) -> str:
        """The problem's stable name, including the data set, e.g. ``"mlp-mnist"``."""
        ...

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        ...

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """Short name → objective, with the problem's fixed reference value."""
        ...

    def data_checksum(self) -> str:
        """Return the SHA-256 of the training data, or an empty string if there are none."""
        ...


class DivisibleProblem(Problem, Protocol):
    """A problem whose trainings can be divided among several workers."""

    def start_part(self, config: Mapping[str, Any], seed: int, rank: int, workers: int) -> Training:
        """Return one worker's part of the training that `start` returns.

        All workers call the same methods in the same order. Only the reports, the state and the
        test metrics of the worker with rank 0 are used. The metrics are those of a single worker,
        up to the order of floating-point additions.

        Args:
            config: A configuration of the problem's space.
            seed: The seed of initial weights, shuffling and dropout.
            rank: The worker's number, 0-based.
            workers: The number of workers that train together, ≥ 1. They have joined torch's
                default process group.
        """
        ...


class SharedDataProblem(Problem, Protocol):
    """A problem whose data can be passed to other processes, which then need not read them.

    The benchmark reads the data where its command runs and puts them into Ray's object store. Ray
    copies them to other nodes. All training processes of a node share one copy.
    """

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return all data that a training needs; read them if necessary."""
        ...

    def use_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Use these data in this process instead of reading them. Do not write to them."""
        ...


class DescribedProblem(Problem, Protocol):
    """A problem that says what a table of its curves holds."""

    def described(self) -> Mapping[str, str]:
        """Return what is trained and how, and the source and licence of the data, for a card."""
        ...


def train_again(
    problem: TrainingSource, config: Mapping[str, Any], seed: int, epochs: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Train a configuration and return its last report and its test metrics.

    Args:
        problem: The problem that is trained.
        config: A configuration of the problem's space.
        seed: The seed of initial weights, shuffling and dropout.
        epochs: The number of epochs, ≥ 1.
    """
    training = problem.start(config, seed)
    for _ in range(epochs):
        metrics = training.run_epoch()
    tested = training.test_metrics()
    training.close()
    return metrics, tested
