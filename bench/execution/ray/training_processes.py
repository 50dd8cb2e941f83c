"""Training processes, which stay for a whole matrix, so imports and data are loaded only once.

Tune starts new trial processes in every run. In each of them, importing PyTorch and Lightning
would take longer than many a trial trains. So training happens in *training processes*: one Ray
actor per slot, which lives as long as the matrix runs. A trial's own process is light and borrows
a training process while it trains. If a problem can share its data, they are read once and lie in
Ray's object store, one copy per node.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import ray
from numpy.typing import NDArray

from bench.matrix.limits import Limits
from mobo_core.problems.protocol import (
    DivisibleProblem,
    Problem,
    SharedDataProblem,
    Training,
    train_again,
)
from mobo_core.tune.team import Team

START_TIMEOUT_S = 180.0
"""The seconds that a training process may take to start, including its imports and data."""
LIVENESS_TIMEOUT_S = 1.0
POLL_S = 0.2
MAX_CAUSE_LENGTH = 400


class TrainingProcess:
    """A Ray actor that trains one configuration at a time in its own process.

    Args:
        problem: The problem to train, or a team of workers that trains it.
        arrays: The problem's data, if it can take them from outside (see `SharedDataProblem`).
            None makes it read them itself.
    """

    def __init__(
        self, problem: Problem | Team, arrays: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        self._problem = problem
        if arrays is not None:
            cast(SharedDataProblem, problem).use_arrays(arrays)
        self._problem.data_checksum()  # this loads the data, or starts the team that will load it
        self._training: Training | None = None
        self._has_trained = False

    def has_trained(self) -> bool:
        """Return whether an epoch has been trained, so that all code and caches are loaded.

        For a team this holds if its present workers have trained.
        """
        return self._has_trained and (not isinstance(self._problem, Team) or self._problem.formed)

    def start(self, config: Mapping[str, Any], seed: int) -> None:
        """Begin to train a configuration. The training before it is dropped."""
        self._training = self._problem.start(config, seed)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the current training and return its result."""
        assert self._training is not None
        answer = getattr(self._training, method)(*arguments)
        self._has_trained |= method == "run_epoch"
        return answer

    def train_again(
        self, config: Mapping[str, Any], seed: int, epochs: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Train a configuration from its start, as `mobo_core.problems.protocol.train_again`."""
        trained = train_again(self._problem, config, seed, epochs)
        self._has_trained = True
        return trained


def shared_data(problem: Problem) -> list[ray.ObjectRef[Any]]:
    """Put a problem's data into Ray's object store.

    Returns:
        A list with one reference; an empty list if the problem cannot share its data.
    """
    if not (hasattr(problem, "data_arrays") and hasattr(problem, "use_arrays")):
        return []
    return [ray.put(problem.data_arrays())]


class TrainingProcessPool:
    """A Ray actor that lends training processes to trial processes and takes them back.

    It also takes back those of trial processes that have died.

    Args:
        problem: The problem that the training processes train.
        count: The number of training processes.
        cpus: The cores of a training process, or of each worker if it is a team.
        gpus: The GPUs of a training process, or of each worker: a fraction or a whole number.
        workers: The number of workers per training process. Several train a trial together.
        shared: A list with a reference to the problem's data in Ray's object store. With an empty
            list each process reads the data. It is a list because Ray replaces a bare argument
            reference by the data.
    """

    def __init__(
        self,
        problem: Problem,
        count: int,
        cpus: float,
        gpus: float,
        workers: int = 1,
        shared: Sequence[ray.ObjectRef[Any]] = (),
    ) -> None:
        self._problem: Problem | Team = problem
        self._shared = shared
        if workers > 1:
            self._problem = Team(cast(DivisibleProblem, problem), workers, cpus, gpus, shared)
            self._shared = ()
            cpus = gpus = 0  # the team's workers take the cores and GPUs
        self._cpus = cpus
        self._gpus = gpus
        self._free = [self._new_process() for _ in range(count)]
        self._lent: dict[str, tuple[Any, Any]] = {}

    def _new_process(self) -> Any:
        actor = ray.remote(num_cpus=self._cpus, num_gpus=self._gpus)(TrainingProcess)
        return actor.remote(self._problem, *self._shared)

    def acquire(self, borrower: str, borrower_handle: Any) -> Any | None:
        """Lend a training process to a trial.

        Args:
            borrower: The id of the trial's actor.
            borrower_handle: The handle of that actor, by which its death is noticed.

        Returns:
            The handle of the training process; None if all are lent.
        """
        if borrower in self._lent:
            return self._lent[borrower][1]
        if not self._free:
            self._discard_those_of_dead_borrowers()
        if not self._free:
            return None
        process = self._free.pop()
        self._lent[borrower] = (borrower_handle, process)
        return process

    def release(self, borrower: str) -> None:
        """Take back the training process that a trial has borrowed."""
        if borrower in self._lent:
            self._free.append(self._lent.pop(borrower)[1])

    def replace_free_processes(self) -> None:
        """Kill all training processes that are not lent, even if they work, and start new ones."""
        for process in self._free:
            ray.kill(process)
        self._free = [self._new_process() for _ in self._free]

    def discard(self, borrower: str) -> None:
        """Replace a borrowed training process by a new one: it has died or may be broken."""
        if borrower in self._lent:
            _, process = self._lent.pop(borrower)
            ray.kill(process)
            self._free.append(self._new_process())

    def processes(self) -> list[Any]:
        """Return the handles of all training processes. Call it only between runs.

        Processes that are still lent, or that have died, are replaced first.
        """
        for borrower in list(self._lent):
            self.discard(borrower)
        self._free = [self._new_process() if _is_dead(old) else old for old in self._free]
        return list(self._free)

    def _discard_those_of_dead_borrowers(self) -> None:
        """Replace the training processes of trials that died, which may still train an epoch."""
        for borrower, (borrower_handle, _) in list(self._lent.items()):
            if _is_dead(borrower_handle):
                self.discard(borrower)


def _is_dead(actor: Any) -> bool:
    """Return whether an actor has ended. One that is busy or starting has not."""
    reply = actor.__ray_ready__.remote()
    answered, _ = ray.wait([reply], timeout=LIVENESS_TIMEOUT_S)
    try:
        ray.get(answered)
    except ray.exceptions.RayActorError:
        return True
    return False


@dataclass(frozen=True)
class RemoteProblem:
    """A problem whose trainings run in training processes. Each trial process gets one.

    Args:
        pool: The handle of the `TrainingProcessPool`.
        max_epochs: The problem's budget in epochs.
        patience_s: The seconds that a trial waits for a training process. The trial before it may
            keep one for a moment after its end.
        epoch_limit_s: The seconds that an epoch may take; see
            `bench.matrix.limits.Limits.epoch_s`.
    """

    pool: Any
    max_epochs: int
    patience_s: float = 60.0
    epoch_limit_s: float = Limits.epoch_s

    def start(self, config: Mapping[str, Any], seed: int) -> RemoteTraining:
        """Borrow a training process and begin to train a configuration in it.

        Raises:
            RuntimeError: If more trials run at a time than there are training processes.
        """
        context = ray.get_runtime_context()
        borrower = context.get_actor_id()
        assert borrower is not None, "only a trial's own actor can borrow a training process"
        deadline = time.monotonic() + self.patience_s
        while (process := self._acquire(borrower, context.current_actor)) is None:
            if time.monotonic() > deadline:
                raise RuntimeError("more trials run at a time than there are training processes")
            time.sleep(POLL_S)
        training = RemoteTraining(self.pool, borrower, process, self.epoch_limit_s)
        training.begin(config, seed)
        return training

    def _acquire(self, borrower: str, borrower_handle: Any) -> Any | None:
        return ray.get(self.pool.acquire.remote(borrower, borrower_handle))


class RemoteTraining:
    """A `Training` that runs in a borrowed training process.

    Its methods raise the errors of the training. They raise `TrainingProcessError` if the process
    does not answer in time or has ended; then it is replaced.

    Args:
        pool: The handle of the `TrainingProcessPool`.
        borrower: The id of the trial's actor.
        process: The handle of the borrowed training process.
        limit_s: The seconds that a call may take.
    """

    def __init__(self, pool: Any, borrower: str, process: Any, limit_s: float) -> None:
        self._pool = pool
        self._borrower = borrower
        self._process = process
        self._limit_s = limit_s

    def begin(self, config: Mapping[str, Any], seed: int) -> None:
        """Start the training in the process, which may be new and still importing."""
        self._get("process", self._process.__ray_ready__.remote(), START_TIMEOUT_S)
        self._get("start", self._process.start.remote(config, seed), self._limit_s)

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch and return its metrics."""
        return self._call("run_epoch")  # type: ignore[no-any-return]

    def test_metrics(self) -> dict[str, float]:
        """Return the metrics on test data."""
        return self._call("test_metrics")  # type: ignore[no-any-return]

    def state(self) -> bytes:
        """Return the training's state, from which `load_state` continues."""
        return self._call("state")  # type: ignore[no-any-return]

    def load_state(self, state: bytes) -> None:
        """Continue from a state that `state` returned."""
        self._call("load_state", state)

    def close(self) -> None:
        """Give the training process back to the pool."""
        ray.get(self._pool.release.remote(self._borrower))

    def _call(self, method: str, *arguments: Any) -> Any:
        what = "epoch" if method == "run_epoch" else method
        return self._get(what, self._process.call.remote(method, *arguments), self._limit_s)

    def _get(self, what: str, reply: Any, limit_s: float) -> Any:
        try:
            return ray.get(reply, timeout=limit_s)
        except ray.exceptions.RayTaskError:
            # The training raised, but its process is sound. Tune kills this trial's process now,
            # so give the training process back first: a new one would import everything again.
            self.close()
            raise
        except ray.exceptions.GetTimeoutError:
            self._discard()
            raise TrainingProcessError(f"no {what} within {limit_s:g} s") from None
        except ray.exceptions.RayError as error:
            self._discard()
            raise TrainingProcessError(f"the training process ended: {_cause(error)}") from None

    def _discard(self) -> None:
        ray.get(self._pool.discard.remote(self._borrower))


class TrainingProcessError(Exception):
    """An error: the process that trained a trial did not answer in time or died."""


def _cause(error: Exception) -> str:
    """Return the text of a Ray error in one line, cut at `MAX_CAUSE_LENGTH` characters."""
    text = " ".join(str(error).split())
    return text if len(text) <= MAX_CAUSE_LENGTH else text[:MAX_CAUSE_LENGTH] + "…"
